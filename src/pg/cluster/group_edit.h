/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/group_edit.h
 *	  What merge_clusters, split_cluster, name_cluster and revert_clusters share:
 *	  whose groups, which label, and where a row lies among them.
 *
 * SPI is connected in all of these.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_GROUP_EDIT_H
#define SCPG_GROUP_EDIT_H

#include "postgres.h"

#include "fmgr.h"

#include "pg/cluster/cluster_space.h"
#include "pg/cluster/edit_log.h"
#include "pg/cluster/label_table_parts.h"

typedef struct scpg_group_edit
{
	scpg_model *model;
	scpg_edit *log;
	bool members;			/* the table is open */
	scpg_label_table table; /* of the members of its groups */
	int32 *labels;			/* (groups), ascending */
	int groups;
	scpg_label_writer *writer; /* of its rows; NULL: none was written */
} scpg_group_edit;

/* Which edits want the label table. */
typedef enum scpg_group_members
{
	SCPG_MEMBERS_NEEDED,	  /* those that move rows: without one it is 55000 */
	SCPG_MEMBERS_IF_ANY,	  /* a revert, which moves rows where there are any */
	SCPG_MEMBERS_IF_READABLE, /* a name, which moves none, and so takes no right on the table */
} scpg_group_members;

/*
 * Argument 0 names the model: find it, check that the current user may edit it
 * (42501), lock it, and open its label table, whose rows all have to be in
 * groups (22023).
 */
extern void scpg_group_edit_begin(scpg_group_edit *e, FunctionCallInfo fcinfo, scpg_group_members members);

/* A group's place in e->labels; 22023, with the labels there are, where it has none of that label. */
extern int scpg_group_edit_find(const scpg_group_edit *e, int64 label);

/* So many rows were changed: count the groups anew, mark those of these labels (n) as edited, and end the edit. */
extern void scpg_group_edit_end(scpg_group_edit *e, int64 rows, const int32 *labels, int n);

/* JSON, as the log keeps arguments. */
extern Jsonb *scpg_group_edit_arguments(const char *json);

/* The group of each centroid, a copy to be changed; how many centroids. */
extern int32 *scpg_group_edit_centroids(const scpg_group_edit *e, int *k);

/*
 * Put the row into this group of the space, with its distance there, and how
 * sure that is. One that has no embedding changes its label alone; of one
 * that was put there by hand nobody doubts it.
 */
extern void scpg_group_edit_place(const scpg_group_edit *e, scpg_label_row *row, const sc_space *space, int label);

/* A row of the table as it is to be; other rows of it may be being read meanwhile. */
extern void scpg_group_edit_write(scpg_group_edit *e, const scpg_label_row *row);

#endif /* SCPG_GROUP_EDIT_H */
