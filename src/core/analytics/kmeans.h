/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans.h
 *	  k-means: Lloyd's iteration, or mini-batches, from searched k-means++ seeds.
 *
 * Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28
 * (1982); Arthur and Vassilvitskii, "k-means++: the advantages of careful
 * seeding", SODA 2007, sections 2.2 and 5 (the greedy variant, with
 * 2 + log k trials), and a local search after it (kmeans_search.c). Options
 * mean what they mean in scikit-learn.
 *
 * The result does not depend on the order of the rows, nor on the number of
 * lanes: work is done in the order of a hash of the rows' contents.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_KMEANS_H
#define SC_KMEANS_H

#include "core/base/arena.h"
#include "core/base/pool.h"

typedef enum sc_kmeans_init
{
	SC_KMEANS_PLUS_PLUS,
	SC_KMEANS_RANDOM,
	SC_KMEANS_GIVEN /* from start */
} sc_kmeans_init;

typedef enum sc_kmeans_algorithm
{
	SC_KMEANS_LLOYD,
	SC_KMEANS_MINIBATCH /* kmeans_batches.c */
} sc_kmeans_algorithm;

/*
 * By mini-batches a pass that lowers the inertia by less than so many times tol
 * is the last. Lloyd's tol is of squared moves, which go on while the inertia
 * hardly falls any more: of 30,000 points without groups in 8 dimensions and 100
 * clusters it ends after 93 iterations; these end after 11 within 1.03 % of that
 * inertia at 10 times tol.
 */
#define SC_KMEANS_LITTLE 5

typedef struct sc_kmeans
{
	/* set by the caller before sc_kmeans_layout */
	size_t n; /* rows, at least 1 */
	int d;
	int k;			   /* at least 1; lowered to the number of distinct rows */
	int curve_max;	   /* 0, or: inertia for k = 1 ... curve_max, k is then ignored */
	const float *rows; /* (n, d), finite */
	sc_kmeans_algorithm algorithm;
	sc_kmeans_init init;
	const float *start; /* (k, d) or NULL */
	int n_init;
	int max_iter;
	double tol; /* times the mean variance of a dimension; of mini-batches SC_KMEANS_LITTLE times this share of the inertia */
	uint64_t seed;

	/* the result; clusters are numbered by size, the largest first */
	size_t distinct;  /* different rows */
	float *centroids; /* (k, d) */
	int64_t *sizes;	  /* (k) */
	double inertia;
	double tolerance; /* converged: in the last iteration the sum of the squares of the centroids' moves was no more */
	int iterations;
	bool converged;	  /* by tol, or because no label changed any more */
	int32_t *labels;  /* (n) */
	double *distance; /* (n), to the own centroid */
	double *curve;	  /* (curve_max): inertia, never rising; 0 from `distinct` on */

	struct sc_kmeans_work *work; /* of the job alone */
} sc_kmeans;

/* Count or take the memory of the result and of the work. */
extern void sc_kmeans_layout(sc_kmeans *km, sc_arena *arena);

/* The job; arg is a sc_kmeans. */
extern sc_status sc_kmeans_run(const sc_lane *lane, void *arg);

#endif /* SC_KMEANS_H */
