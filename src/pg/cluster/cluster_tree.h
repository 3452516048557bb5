/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_tree.h
 *	  Which groups of a model lie closest: coarser groupings of the same rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CLUSTER_TREE_H
#define SCPG_CLUSTER_TREE_H

#include "postgres.h"

#include "core/api.h"
#include "pg/model/model.h"

typedef struct scpg_tree_of_groups
{
	int groups;
	int32 *labels;			   /* (groups), ascending */
	const sc_ward_join *joins; /* (groups - 1): of places in labels; after join i there are groups - 1 - i left */
} scpg_tree_of_groups;

/*
 * Ward's tree (core/analytics/ward.h) of the groups as they are now: where their
 * centroids are, and how many rows each had when the label table was counted
 * last. Needs no right on that table. 55000: nothing was clustered yet. SPI is
 * connected; everything is in the current memory context.
 */
extern scpg_tree_of_groups scpg_cluster_tree_of(const scpg_model *model);

#endif /* SCPG_CLUSTER_TREE_H */
