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

/* Where the members of the groups are. */
typedef struct scpg_model_members
{
	Oid table;	 /* the label table; InvalidOid: there is none, or it is gone */
	char *name;	 /* its name, which stays; NULL: there has been none */
	int highest; /* the highest label that a group of this version ever had; -1: no groups yet */
} scpg_model_members;

/*
 * Lock the model's row to the end of the transaction, waiting for whoever edits
 * it now, and read anew what the model says of its groups. 42704 where it is
 * gone by then.
 */
extern void scpg_model_lock_groups(scpg_model *model, scpg_model_members *labels);

/* One edit, as it is recorded. */
typedef struct scpg_model_edit
{
	const char *command;
	const Jsonb *arguments;
	int reverts;	/* 0: nothing */
	bool centroids; /* it replaces the centroids too, so the old ones are kept */
} scpg_model_edit;

/* Record it, with the groups as they are now; returns its number. */
extern int scpg_model_insert_edit(const scpg_model *model, const scpg_model_members *labels, const scpg_model_edit *edit);

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

#endif /* SCPG_MODEL_EDITS_H */
