/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans.h
 *	  k-means: Lloyd's iteration from greedy k-means++ seeds.
 *
 * Lloyd, "Least squares quantization in PCM", IEEE Trans. Inf. Theory 28
 * (1982); Arthur and Vassilvitskii, "k-means++: the advantages of careful
 * seeding", SODA 2007, sections 2.2 and 5 (the greedy variant, with
 * 2 + log k trials). Options mean what they mean in scikit-learn.
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
#include "core/base/rng.h"

typedef enum sc_kmeans_init
{
	SC_KMEANS_PLUS_PLUS,
	SC_KMEANS_RANDOM,
	SC_KMEANS_GIVEN /* from start */
} sc_kmeans_init;

#define SC_KMEANS_TRIALS 24 /* 2 + floor(log k) for every k that is an int */

typedef struct sc_kmeans
{
	/* set by the caller before sc_kmeans_layout */
	size_t n; /* rows, at least 1 */
	int d;
	int k;			   /* 1 ... n; lowered to the number of distinct rows */
	int curve_max;	   /* 0, or: inertia for k = 1 ... curve_max (<= n), k is then ignored */
	const float *rows; /* (n, d), finite */
	sc_kmeans_init init;
	const float *start; /* (k, d) or NULL */
	int n_init;
	int max_iter;
	double tol; /* times the mean variance of a dimension */
	uint64_t seed;

	/* the result; clusters are numbered by size, the largest first */
	size_t distinct;  /* different rows */
	float *centroids; /* (k, d) */
	int64_t *sizes;	  /* (k) */
	double inertia;
	int iterations;
	bool converged;
	double still;	  /* tol times the variance: centres whose squared ways sum to this much at most stand still */
	int32_t *labels;  /* (n) */
	double *distance; /* (n), to the own centroid */
	double *curve;	  /* (curve_max): inertia, never rising; 0 from `distinct` on */

	/* scratch */
	int most; /* the largest k of the work */
	int shards;
	uint64_t *hash;	 /* (n) */
	uint32_t *order; /* (n): position in the canonical order -> row */
	uint32_t *merge; /* (n) */
	uint32_t *group; /* (n): which of the distinct rows, by position */
	float *z;		 /* (n, d): centred, scaled, in canonical order */
	double *norm;	 /* (n), of z, squared */
	double *near;	 /* (n): squared distance to the nearest seed, or own centroid */
	int32_t *own;	 /* (n): nearest seed, or label, by position */
	double *mean;	 /* (d) */
	double scale;	 /* a power of two */
	double tolerance;
	double *centre;		   /* (k, d), in the space of z */
	double *best;		   /* (k, d) */
	float *narrow;		   /* (k, d): centre in float */
	double *centre_norm;   /* (k) */
	double *sums;		   /* (shards, k, d) */
	int64_t *counts;	   /* (shards, k) */
	double *shard_sum;	   /* (shards, SC_KMEANS_TRIALS) */
	size_t *changed;	   /* (shards) */
	float *dots;		   /* (shards, block rows, k) */
	float *trial_dots;	   /* (n, trials) */
	double *seed_distance; /* (k, trials) */
	uint32_t trial[SC_KMEANS_TRIALS];
	float *trial_rows; /* (SC_KMEANS_TRIALS, d): the rows of z that trial names */
	int trials;
	bool done;
} sc_kmeans;

/* Count or take the memory of the result and of the work. */
extern void sc_kmeans_layout(sc_kmeans *km, sc_arena *arena);

/* The job; arg is a sc_kmeans. */
extern sc_status sc_kmeans_run(const sc_lane *lane, void *arg);

/* The nearest of given centroids for every row; ties go to the lower label. */
typedef struct sc_kmeans_nearest
{
	/* set by the caller */
	size_t n;
	int d, k;
	const float *rows;		/* (n, d) */
	const float *centroids; /* (k, d) */
	int32_t *labels;		/* (n) */
	double *distance;		/* (n) */

	/* scratch */
	int shards;
	double *centre;		 /* (k, d) */
	double *centre_norm; /* (k) */
	float *dots;		 /* (shards, block rows, k) */
} sc_kmeans_nearest;

extern void sc_kmeans_nearest_layout(sc_kmeans_nearest *p, sc_arena *arena);

/* The job; arg is a sc_kmeans_nearest. */
extern sc_status sc_kmeans_nearest_run(const sc_lane *lane, void *arg);

#endif /* SC_KMEANS_H */
