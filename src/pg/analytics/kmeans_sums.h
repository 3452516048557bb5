/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_sums.h
 *	  The sums of one Lloyd iteration: rows go in one by one, the means come
 *	  out. The flat state of the aggregate kmeans_step.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_KMEANS_SUMS_H
#define SCPG_KMEANS_SUMS_H

#include "postgres.h"

#include "pg/type/kmeans_model.h"

/* The state, as it travels. */
typedef struct scpg_kmeans_flat
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	int32 magic;
	int32 k;
	int32 d;
	int32 waiting;	  /* rows in block */
	int32 farthest;	  /* rows in far */
	int32 iterations; /* of the model */
	int32 unused;
	double inertia[2]; /* a sum and what it lost */
	double x[FLEXIBLE_ARRAY_MEMBER];
} scpg_kmeans_flat;

/* The same with its parts, which point into flat->x. */
typedef struct scpg_kmeans_sums
{
	scpg_kmeans_flat *flat;
	int k, d;
	double *centroids;	  /* (k, d), of the model */
	double *sum;		  /* (k, d) */
	double *lost;		  /* (k, d) */
	double *count;		  /* (k) */
	double *far_distance; /* (flat->farthest), squared, descending; room for SCPG_KMEANS_FARTHEST */
	float *far;			  /* (flat->farthest, d), all different */
	float *block;		  /* (flat->waiting, d), rows not yet in the sums */
} scpg_kmeans_sums;

/* Rows that an empty cluster can be given to; more empty ones wait for the next step. */
#define SCPG_KMEANS_FARTHEST 8

/* Of no rows yet. 54000 where memory does not do. */
extern scpg_kmeans_sums scpg_kmeans_sums_new(const scpg_kmeans_model *m);

/* The state that an argument of the aggregate's functions is; 22023 where it is none. */
extern scpg_kmeans_sums scpg_kmeans_sums_open(void *state);

/* Is it the model that the sums are of? */
extern bool scpg_kmeans_sums_same(const scpg_kmeans_sums *s, int k, int d, const double *centroids);

/* x: [d] */
extern void scpg_kmeans_sums_add(scpg_kmeans_sums *s, const float *x);

/* Add the rows of b, which is of the same model, and whose block is emptied. */
extern void scpg_kmeans_sums_merge(scpg_kmeans_sums *a, scpg_kmeans_sums *b);

/*
 * The means of the clusters as new centroids, in the order of the old ones.
 * Sizes and inertia are those of the old centroids. s is used up.
 */
extern scpg_numbers *scpg_kmeans_sums_means(scpg_kmeans_sums *s);

#endif /* SCPG_KMEANS_SUMS_H */
