/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_space.h
 *	  The space that a model's clusters are in: where an embedding lies in it,
 *	  and which cluster is nearest, whose label a new row gets.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CLUSTER_SPACE_H
#define SCPG_CLUSTER_SPACE_H

#include "postgres.h"

#include "pg/model/model.h"
#include "pg/type/kmeans_model.h"
#include "pg/type/pca_model.h"

/* Dimensions that are drawn. */
#define SCPG_PLOT_DIM 2

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

/* The label of a point (kmeans.d) of the space: that of the nearest centroid, the lowest of several. */
extern int scpg_cluster_space_label(const scpg_cluster_space *space, const float *point);

/* The square of a point's distance to the centroid of a label. */
extern double scpg_cluster_space_squared_distance(const scpg_cluster_space *space, const float *point, int label);

/* Has the model a plot? Not where one component is all there is. */
extern bool scpg_cluster_space_has_plot(const scpg_cluster_space *space);

/* Where x (SC_EMBEDDING_DIM), normalised where the space wants it, is drawn: out (SCPG_PLOT_DIM), never whitened. */
extern void scpg_cluster_space_plot(const scpg_cluster_space *space, float *out, const float *x);

/* ---- embeddings, before they are mapped ------------------------------------ */

extern double scpg_cluster_norm(const float *x);

/* What x (SC_EMBEDDING_DIM) is divided by to have length 1: its length, or 1 where that is 0. */
extern double scpg_cluster_scale(const float *x);

/* x (SC_EMBEDDING_DIM) with length 1: out may be x. */
extern void scpg_cluster_normalize(float *out, const float *x);

#endif /* SCPG_CLUSTER_SPACE_H */
