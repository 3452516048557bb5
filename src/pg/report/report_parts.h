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
#include "pg/model/model.h"
#include "pg/model/recipe.h"
#include "pg/report/sheet.h"
#include "pg/table/dataset.h"
#include "pg/type/elbow_result.h"
#include "utils/portal.h"

typedef struct scpg_report
{
	scpg_recipe recipe;
	scpg_dataset *dataset;
	int64 n;	 /* readable images; below they are in the dataset's order, that of a hash */
	float *rows; /* (n, SC_EMBEDDING_DIM), of length 1 if the recipe says so */

	/* with a clustering */
	int k; /* 0: nothing was clustered */
	int d;
	float *points;	  /* (n, d), where the clusters are */
	int32 *label;	  /* (n) */
	double *distance; /* (n), to the centroid */
	int64 *size;	  /* (k) */
	int64 *order;	  /* (n): images by cluster, those nearest to its middle first */
	float *plot;	  /* (n, SCPG_PLOT_DIM), or NULL where one dimension is all there is */
} scpg_report;

/*
 * Embed the images of the table that trained the model, as the caller, and find
 * their clusters; NULL where that table is gone or has no image that can be
 * read. SPI is connected. It is in the current memory context, but for a file
 * that scpg_dataset_close closes.
 */
extern scpg_report *scpg_report_make(const scpg_model *model);

/* What the elbow says, of these images or a sample of them. */
extern scpg_numbers *scpg_report_elbow(const scpg_report *report);

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

/* Those of `image` (n), in that order. */
extern scpg_report_pictures scpg_report_open_pictures(const scpg_report *report, const int64 *image, int n);

/* The next n of them onto the sheet. */
extern void scpg_report_add_pictures(scpg_report_pictures *pictures, scpg_sheet *sheet, int n);

extern void scpg_report_close_pictures(scpg_report_pictures *pictures);

#endif /* SCPG_REPORT_PARTS_H */
