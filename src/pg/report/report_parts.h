/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_parts.h
 *	  What report_html shows of a model's images: where they lie, which
 *	  clusters they are in, which are near to each other, and they themselves.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_REPORT_PARTS_H
#define SCPG_REPORT_PARTS_H

#include "postgres.h"

#include "pg/cluster/cluster_space.h"
#include "pg/cluster/label_table.h"
#include "pg/model/model.h"
#include "pg/model/recipe.h"
#include "pg/report/sheet.h"
#include "pg/table/dataset.h"
#include "pg/type/elbow_result.h"
#include "utils/portal.h"

/* A group of the clustering. */
typedef struct scpg_report_group
{
	int label;
	const char *name; /* NULL: none */
	int64 first;	  /* its images: order[first ... first + size - 1] */
	int64 size;
	int64 pinned;
} scpg_report_group;

/* Where an image's group is from. */
typedef enum scpg_report_place
{
	SCPG_PLACE_NONE,	 /* the label table has no row of it */
	SCPG_PLACE_ASSIGNED, /* its row has the group, or none where that is unsure; without such a table: as assign_cluster */
	SCPG_PLACE_PINNED	 /* put there by hand */
} scpg_report_place;

/* The label of an image without a group. */
#define SCPG_REPORT_NO_GROUP (-1)

typedef struct scpg_report
{
	scpg_recipe recipe;
	scpg_dataset *dataset;
	int64 n;	 /* readable images, or 0; below they are in the dataset's order, that of a hash */
	int64 *row;	 /* (n): the dataset's row of each */
	float *rows; /* (n, SC_EMBEDDING_DIM), of length 1 if the recipe says so */

	/* with a clustering */
	int k;					  /* 0: nothing was clustered */
	scpg_report_group *group; /* (k), by label */
	scpg_label_table *labels; /* NULL: the model has none, and labels are assign_cluster's */
	bool by_confidence;		  /* sureness is the confidence of the label table; else by distances */
	int64 outside;			  /* images of no group, the first ones of order */
	int d;
	float *points;			  /* (n, d), where the clusters are */
	int32 *label;			  /* (n), or SCPG_REPORT_NO_GROUP */
	int32 *other;			  /* (n): the nearest group but its own; SCPG_REPORT_NO_GROUP: there is no other */
	scpg_report_place *place; /* (n) */
	double *distance;		  /* (n), to the centroid */
	double *sureness; /* (n), 0 ... 1: confidence, or how much farther the other group is, as a share; NaN: unknown */
	int64 *order;	  /* (n): images by cluster, those nearest to its middle first */
	float *plot;	  /* (n, SCPG_PLOT_DIM), or NULL where one dimension is all there is */
} scpg_report;

/*
 * What the label table says, in place of what assign_cluster would: label,
 * place, distance and sureness of every image. (report_members.c)
 */
extern void scpg_report_read_members(scpg_report *report, const scpg_model *model);

/*
 * Embed the images of the table that trained the model, as the caller, and find
 * their clusters; NULL where that table is gone. SPI is connected. It is in the current memory context, but for a file
 * that scpg_dataset_close closes.
 */
extern scpg_report *scpg_report_make(const scpg_model *model);

/* What the neighbour graph of these images or of a sample of them says, in cxt. */
extern sc_groups scpg_report_graph(const scpg_report *report, MemoryContext cxt);

/* What the elbow says of them, where the recipe wants that, or the graph. */
extern scpg_numbers *scpg_report_elbow(const scpg_report *report, const sc_groups *graph);

/* The mean silhouette of the groups, of these images or of a sample; NaN where there is none. */
extern double scpg_report_silhouette(const scpg_report *report);

/*
 * The nearest images of the first `queries` (at least 1), which are a random
 * sample: tiles (queries, 1 + result), each query before its neighbours, at
 * most k of them.
 */
extern int scpg_report_neighbours(const scpg_report *report, int queries, int k, int64 *tiles);

/* ---- the pictures ------------------------------------------------------------ */

/* A cursor over images as they are stored. */
typedef struct scpg_report_pictures
{
	Portal portal;
	int64 place; /* of the one that comes next, from 1 */
} scpg_report_pictures;

/* The key of an image, in the current memory context. */
extern char *scpg_report_key(const scpg_report *report, int64 image);

/* The same as SQL has it in a list of keys, literals; NULL: it cannot be told in so many bytes. */
extern char *scpg_report_key_literal(const scpg_report *report, int64 image, int most);

/* Those of `image` (n), in that order. */
extern scpg_report_pictures scpg_report_open_pictures(const scpg_report *report, const int64 *image, int n);

/* The next n of them onto the sheet. */
extern void scpg_report_add_pictures(scpg_report_pictures *pictures, scpg_sheet *sheet, int n);

extern void scpg_report_close_pictures(scpg_report_pictures *pictures);

/* ---- the parts of the file; each is left out where there is nothing to say ------------ */

typedef struct scpg_report_file
{
	StringInfo html;
	const scpg_model *model;
	const scpg_report *report; /* NULL: its table is gone, or it is not ready */
	MemoryContext scratch;	   /* empty before each part, and after it */
} scpg_report_file;

/* A sheet as an image, and the scratch memory's end; alt is written as it is. */
extern void scpg_report_put_sheet(const scpg_report_file *file, const scpg_sheet *sheet, const char *alt);

/* The next picture of a cursor, which is that image, and its key below. */
extern void scpg_report_put_picture(const scpg_report_file *file, scpg_report_pictures *pictures, int64 image);

extern void scpg_report_put_text(StringInfo html, const text *value);

/* A number of things: "1 picture", in the current memory context. */
extern char *scpg_report_count(int64 n, const char *one, const char *many);

/*
 * Around the groups, where a label table says who is in them: pictures whose
 * boxes are ticked become an UPDATE of it. (report_move.c)
 */
extern void scpg_report_begin_move(const scpg_report_file *file);
extern void scpg_report_put_box(const scpg_report_file *file, int64 image);
extern void scpg_report_end_move(const scpg_report_file *file);

/* How sure the number of groups is, in a few words. */
extern char *scpg_report_sureness(const scpg_model *model);

extern void scpg_report_put_groups(const scpg_report_file *file);
extern void scpg_report_put_choice(const scpg_report_file *file);
extern void scpg_report_put_levels(const scpg_report_file *file);
extern void scpg_report_put_duplicates(const scpg_report_file *file);
extern void scpg_report_put_unreadable(const scpg_report_file *file);

#endif /* SCPG_REPORT_PARTS_H */
