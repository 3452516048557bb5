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

#include "pg/model/model.h"
#include "pg/model/recipe.h"
#include "pg/type/elbow_result.h"
#include "pg/type/kmeans_model.h"
#include "pg/type/pca_model.h"

/* ---- the space that a model's clusters are in ---------------------------- */

/* The parts point into the model's values. */
typedef struct scpg_cluster_space
{
	bool normalize; /* embeddings are scaled to length 1 first */
	bool project;	/* then come the components of pca */
	scpg_pca_model pca;
	scpg_kmeans_model kmeans;
} scpg_cluster_space;

/* 55000: nothing was clustered with the model yet; XX001: its parts do not fit together. */
extern void scpg_cluster_space_open(scpg_cluster_space *space, const scpg_model *model);

/* x (SC_EMBEDDING_DIM), an embedding, as a point of the space: out (kmeans.d). */
extern void scpg_cluster_space_map(const scpg_cluster_space *space, float *out, const float *x);

/* The label of a point (kmeans.d) of the space. */
extern int scpg_cluster_space_label(const scpg_cluster_space *space, const float *point);

/* ---- clustering ------------------------------------------------------------ */

typedef struct scpg_clustering
{
	/* set by the caller */
	const scpg_recipe *recipe;
	int64 n;						  /* images, at least 2 */
	float *rows;					  /* (n, SC_EMBEDDING_DIM); normalised in place */
	int k;							  /* 1 ... n, or 0: as the recipe chooses */
	const scpg_cluster_space *before; /* labels keep the meaning that they have there; or NULL */

	/* the result, in the memory context that was current */
	int clusters;
	int32 *label;	   /* (n) */
	double *distance;  /* (n): to the centroid */
	float *plot;	   /* (n, 2): the first two principal components */
	scpg_numbers *pca; /* of the clusters' space, or, without any, of the plot */
	scpg_numbers *kmeans;
	scpg_numbers *elbow; /* NULL: k was given */
} scpg_clustering;

/* Cluster. 22003: an embedding is no finite number. */
extern void scpg_cluster(scpg_clustering *c);

#endif /* SCPG_CLUSTER_H */
