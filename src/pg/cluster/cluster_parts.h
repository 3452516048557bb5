/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_parts.h
 *	  What cluster.c calls for labels that keep their meaning when images are
 *	  clustered again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CLUSTER_PARTS_H
#define SCPG_CLUSTER_PARTS_H

#include "postgres.h"

#include "core/api.h"
#include "pg/analytics/kmeans.h"
#include "pg/cluster/cluster.h"
#include "pg/cluster/cluster_space.h"

/*
 * label (km->k): the label that each new cluster gets, that of the earlier one
 * which it lies closest to, all taken together; one that none is left for gets
 * the number above the highest that ever was. rows (km->n, SC_EMBEDDING_DIM):
 * what km clustered, before any projection. normalized: they have length 1.
 * squeeze: as 1.0 did, labels are 0 ... km->k - 1, whatever they were. What this
 * needs is in cxt.
 */
extern void scpg_match_labels(int *label, const sc_kmeans *km, const float *rows, bool normalized,
							  const scpg_model *before, bool squeeze, MemoryContext cxt);

/*
 * What follows from the groups (c->kmeans, c->centroid_label) and the labels:
 * pinned images get theirs, a group that is left with nothing else among them;
 * confidence and c->groups.calibration; those below min_confidence lose their
 * label. points: (n, d), where the groups are. In cluster_settle.c.
 */
extern void scpg_cluster_settle(scpg_clustering *c, const float *points, int d);

/* Centroids that tell a graph's groups apart: cluster_graph.c. */
typedef struct scpg_graph_centroids
{
	/* set by the caller */
	const float *rows; /* (n, SC_EMBEDDING_DIM): by which their distances are */
	const float *seen; /* (n, SC_EMBEDDING_DIM): of which they are means; rows, or these without what they say of traits */
	int64 n;
	const int32 *labels; /* (n) */
	int groups;

	/* the result */
	int64 *sizes;		   /* (groups) */
	double *distance;	   /* (n): to the nearest centroid of the own group */
	int centroids;		   /* up to SCPG_GRAPH_CENTROIDS for each group */
	float *centroid;	   /* (centroids, SC_EMBEDDING_DIM) */
	int64 *centroid_sizes; /* (centroids): rows of the group that are nearest to it */
	int32 *group;		   /* (centroids) */
	double inertia;
	double agreement; /* share of the rows whose nearest centroid is of their group */
} scpg_graph_centroids;

#define SCPG_GRAPH_CENTROIDS 4

/* A NOTICE says the agreement. What this needs is in cxt. */
extern void scpg_graph_find_centroids(scpg_graph_centroids *g, const scpg_kmeans_options *options, MemoryContext cxt);

/* group as int[], in the current memory context. */
extern void *scpg_graph_label_array(const scpg_graph_centroids *g);

#endif /* SCPG_CLUSTER_PARTS_H */
