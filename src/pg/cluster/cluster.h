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
	int64 n;				  /* images, at least 2 */
	float *rows;			  /* (n, SC_EMBEDDING_DIM); normalised in place */
	int k;					  /* 1 ... n, or 0: as the recipe chooses */
	bool kmeans_only;		  /* a graph's groups cannot be kept, nor labels with gaps: in a catalog of 1.0 */
	const scpg_model *before; /* has groups: labels keep the meaning that they have there; or NULL */
	bool same_k;			  /* k is that of before, and what chose it then stays known */
	bool assign;			  /* the groups of before stay as they are; k and kmeans_only do not matter */
	const double *traits; /* (n, SC_CAPTURE_TRAITS): by what groups are not to be found; NULL: by all that rows say */
	const int32 *pinned;  /* (n): the label that an image keeps, SCPG_NO_LABEL too, or SCPG_NOT_PINNED; NULL: none is */

	/* the result, in the memory context that was current */
	int clusters;
	int32 *label;		/* (n), or SCPG_NO_LABEL: below min_confidence */
	double *distance;	/* (n): to the centroid */
	double *confidence; /* (n) */
	float *plot;		/* (n, 2): the first two principal components */
	scpg_numbers *pca;	/* of the clusters' space, or, without any, of the plot */
	scpg_numbers *kmeans;
	scpg_numbers *elbow;			/* NULL: k was given */
	scpg_cluster_method method;		/* kmeans or graph */
	struct varlena *centroid_label; /* int[], of a graph's groups: that of each centroid; else NULL */
	scpg_model_groups groups;
} scpg_clustering;

/* Cluster. 22003: an embedding is no finite number. */
extern void scpg_cluster(scpg_clustering *c);

#endif /* SCPG_CLUSTER_H */
