/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster.h
 *	  From the embeddings of images to clusters, as a recipe says: normalise,
 *	  principal components, the number of clusters, k-means.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CLUSTER_H
#define SCPG_CLUSTER_H

#include "postgres.h"

#include "pg/cluster/cluster_space.h"
#include "pg/model/recipe.h"
#include "pg/type/numbers.h"

typedef struct scpg_clustering
{
	/* set by the caller */
	const scpg_recipe *recipe;
	int64 n;				/* images, at least 2 */
	float *rows;			/* (n, SC_EMBEDDING_DIM); normalised in place */
	int k;					/* 1 ... n, or 0: as the recipe chooses */
	bool kmeans_only;		/* a graph's groups cannot be kept */
	const sc_space *before; /* labels keep the meaning that they have there; or NULL */

	/* the result, in the memory context that was current */
	int clusters;
	int32 *label;	   /* (n) */
	double *distance;  /* (n): to the centroid */
	float *plot;	   /* (n, 2): the first two principal components */
	scpg_numbers *pca; /* of the clusters' space, or, without any, of the plot */
	scpg_numbers *kmeans;
	scpg_numbers *elbow;			/* NULL: k was given */
	scpg_cluster_method method;		/* kmeans or graph */
	struct varlena *centroid_label; /* int[], of a graph's groups: that of each centroid; else NULL */
	scpg_model_groups groups;
} scpg_clustering;

/* Cluster. 22003: an embedding is no finite number. */
extern void scpg_cluster(scpg_clustering *c);

#endif /* SCPG_CLUSTER_H */
