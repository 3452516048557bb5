/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_edits.h
 *	  Groups that people correct: one edit at a time, and what is kept of it.
 *
 * What an edit is, and in which order these are called: pg/cluster/edit_log.h.
 * SPI is connected in all of these.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_MODEL_EDITS_H
#define SCPG_MODEL_EDITS_H

#include "postgres.h"

#include "nodes/pg_list.h"

#include "pg/model/model.h"

/*
 * Lock the model's row to the end of the transaction, waiting for whoever edits
 * it now, and read anew what the model says of its groups. 42704 where it is
 * gone by then.
 */
extern void scpg_model_lock_groups(scpg_model *model);

/* One edit, as it is recorded. */
typedef struct scpg_model_edit
{
	const char *command;
	const Jsonb *arguments;
	int reverts;	/* 0: nothing */
	bool centroids; /* it replaces the centroids too, so the old ones are kept */
} scpg_model_edit;

/* Record it, with the groups as they are now; returns its number. */
extern int scpg_model_insert_edit(const scpg_model *model, const scpg_model_edit *edit);

/* Rows of the label table that it moves; a label below 0 is none. */
typedef struct scpg_model_edit_rows
{
	int before, after;
	bool pinned; /* they were before */
	List *keys;	 /* of char * */
} scpg_model_edit_rows;

extern void scpg_model_insert_edit_rows(const scpg_model *model, int edit, int part, const scpg_model_edit_rows *rows);

/* So many rows were changed. */
extern void scpg_model_finish_edit(const scpg_model *model, int edit, int64 rows_changed);

/*
 * The model's groups are others from now on, and edited: the centroids (NULL:
 * as they were), and the group of each, in all of (kmeans' k).
 */
extern void scpg_model_set_edited(scpg_model *model, struct varlena *kmeans, const int32 *group);

/* ---- names --------------------------------------------------------------------- */

typedef struct scpg_model_name_of_group
{
	int label;
	char *name; /* NULL: it has none */
	int64 size; /* of the group, when it was counted last */
} scpg_model_name_of_group;

/* The groups that have a row in selfclass_cluster, by label; how many. */
extern int scpg_model_read_groups(const scpg_model *model, scpg_model_name_of_group **names);

/* Rows that the clustering put into a group. */
extern int64 scpg_model_clustered_size(const scpg_model *model, int label);

/* 22023 for what no group can be called. */
extern void scpg_model_check_group_name(const char *name);

/* Name a group, or let it have no name (NULL); it counts as edited. The name must be free. */
extern void scpg_model_name_group(const scpg_model *model, int label, const char *name);

/* Groups of these labels (n) have no names. */
extern void scpg_model_clear_names(const scpg_model *model, const int32 *labels, int n);

/* Groups of these labels (n) were edited. */
extern void scpg_model_mark_groups(const scpg_model *model, const int32 *labels, int n);

/* ---- taking back --------------------------------------------------------------------- */

/* What each edit of the model reverts (0: nothing), (n); edit i + 1 is at i. Returns n. */
#define SCPG_NO_EDIT (-1) /* it was deleted */
extern int scpg_model_read_edits(const scpg_model *model, int **reverts);

/* Has this edit, or a later one, replaced the centroids? */
extern bool scpg_model_centroids_differ(const scpg_model *model, int edit);

/* The rows of the label table that an edit moved, in parts; how many parts. */
extern int scpg_model_read_edit_rows(const scpg_model *model, int edit, scpg_model_edit_rows **parts);

/* Groups, centroids and names as they were before an edit; the model says so at once. */
extern void scpg_model_restore_groups(scpg_model *model, int edit);

#endif /* SCPG_MODEL_EDITS_H */
