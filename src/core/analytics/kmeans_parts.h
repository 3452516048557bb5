/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_parts.h
 *	  What the files of k-means share, and nobody else needs.
 *
 * kmeans.c has the job and runs its phases: kmeans_order.c brings the rows
 * into an order of their own, kmeans_seed.c finds the first centres,
 * kmeans_lloyd.c iterates, kmeans_nearest.c tells which centre is nearest.
 * Functions that take a lane are parts of a job: all lanes call them, and they
 * end with a barrier. The others need none: a lane calls them on what is its
 * own.
 *
 * A centre is a point among the rows as the work sees them, centred and
 * scaled; a centroid is the same point among the rows as they came.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_KMEANS_PARTS_H
#define SC_KMEANS_PARTS_H

#include "core/analytics/centring.h"
#include "core/analytics/kmeans.h"
#include "core/analytics/row_order.h"
#include "core/base/rng.h"

/* ---- kmeans_nearest.c: the nearest centre ------------------------------------ */

/*
 * Rows of one matrix product with the centres: 128 rows of 512 floats are a
 * quarter of a megabyte, which a CPU's second cache keeps while the centres
 * pass, and their product with 100 centres is 2^23 multiplications, a fraction
 * of a millisecond: so soon is a stop seen.
 */
#define SC_KMEANS_BLOCK 128

/* Centres as a product takes them. */
typedef struct sc_kmeans_centres
{
	int k, d;
	double *point;	/* (k, d) */
	float *narrow;	/* (k, d): point in float */
	double *norm;	/* (k), of point, squared */
	double largest; /* of norm */
} sc_kmeans_centres;

extern void sc_kmeans_centres_layout(sc_kmeans_centres *c, int k, int d, sc_arena *arena);

/* narrow, norm and largest from point. */
extern void sc_kmeans_narrow(sc_kmeans_centres *c);

/*
 * The nearest centre of each of m points z (m, d), of equally near ones the
 * first, into labels (m). distance (m) holds the points' squared norms and
 * gets their squared distances. With rows (m, d) and centroids (k, d), which
 * are the points and the centres before they were centred and scaled (or z and
 * the centres again), every distance is computed in double, between these.
 * With rows NULL only those are, of z, where the products in float cannot tell
 * which centre is the nearest; the others are as good as float makes them.
 * dots: (m, k), scratch.
 */
extern void sc_kmeans_label(const sc_kmeans_centres *c, int m, const float *z, const float *rows,
							const double *centroids, float *dots, int32_t *labels, double *distance);

/* ---- kmeans_order.c: the rows --------------------------------------------- */

typedef struct sc_kmeans_order
{
	sc_row_order order;
	uint32_t *row;	 /* (n), of order: position in the order -> row */
	uint32_t *group; /* (n), of order: which of the distinct rows, by position */
	sc_centring centring;
	float *z;		  /* (n, d): the rows in the order, centred and scaled */
	double *norm;	  /* (n), of z, squared */
	double *sum;	  /* (shards), of norm */
	double total;	  /* of sum */
	double tolerance; /* sc_kmeans.tolerance, in the space of z */
	bool centred;	  /* else mean is 0 */
} sc_kmeans_order;

extern void sc_kmeans_order_layout(sc_kmeans *km, sc_arena *arena);

/* Fill it; sets distinct and tolerance of the result. */
extern sc_status sc_kmeans_order_rows(const sc_lane *lane, sc_kmeans *km);

/*
 * Could an inertia, in the space of z, be much of what z rounds away? It is so
 * where few rows are so far from the others that the mean is too: what tells
 * the others apart is lost when it is taken from them.
 */
extern bool sc_kmeans_order_is_rounding(const sc_kmeans_order *o, double inertia);

/* Centre the rows on 0 instead of the mean: z then has every bit of them. */
extern sc_status sc_kmeans_order_uncentre(const sc_lane *lane, sc_kmeans *km);

/* ---- kmeans_seed.c: the first centres ---------------------------------------- */

#define SC_KMEANS_TRIALS 24 /* at least 2 + floor(log k) for every k that is an int */

typedef struct sc_kmeans_seeds
{
	uint32_t trial[SC_KMEANS_TRIALS]; /* positions of the candidates for the next seed */
	float *rows;					  /* (SC_KMEANS_TRIALS, d): the rows of z that trial names */
	float *dots;					  /* (n, trials): products of z with them */
	double *apart;					  /* (k, trials): squared distances of the seeds to them */
	double *sums;					  /* (shards, SC_KMEANS_TRIALS): of the distances, were a trial a seed */
} sc_kmeans_seeds;

extern void sc_kmeans_seeds_layout(sc_kmeans *km, sc_arena *arena);

/* The centres that run `run` with k clusters starts from. */
extern sc_status sc_kmeans_seed(const sc_lane *lane, sc_kmeans *km, int k, int run);

/* ---- kmeans_lloyd.c: the iterations --------------------------------------------- */

typedef struct sc_kmeans_lloyd
{
	double *sums;	 /* (shards, k, d): of the rows of each cluster */
	int64_t *counts; /* (shards, k): of them */
	double *inertia; /* (shards) */
	size_t *changed; /* (shards): rows whose label is another than before */
	float *dots;	 /* (shards, SC_KMEANS_BLOCK, k) */
	int32_t *labels; /* (shards, SC_KMEANS_BLOCK) */
	bool done;
} sc_kmeans_lloyd;

extern void sc_kmeans_lloyd_layout(sc_kmeans *km, sc_arena *arena);

/* Move the centres until they stay, or max_iter is reached. */
extern sc_status sc_kmeans_iterate(const sc_lane *lane, sc_kmeans *km, int *iterations, bool *converged);

/*
 * Every row to its nearest centre: own, near, and of each shard sums, counts,
 * inertia, changed. exact: near is in double, and made keeps what own was.
 */
extern sc_status sc_kmeans_assign(const sc_lane *lane, sc_kmeans *km, bool exact);

/* Sums and counts of k clusters, of all shards, into those of the first shard; by one lane. */
extern void sc_kmeans_add_shards(sc_kmeans *km, int k);

/* The sum of near that sc_kmeans_assign found. */
extern double sc_kmeans_inertia(const sc_kmeans *km);

/* ---- kmeans.c: all of it ------------------------------------------------------------ */

typedef struct sc_kmeans_work
{
	int most; /* the largest k of the work */
	int shards;
	sc_kmeans_order order;
	sc_kmeans_centres centres;
	int32_t *own;  /* (n): nearest seed, or label, by position */
	double *near;  /* (n): squared distance to it */
	int32_t *made; /* (n): by position, of which centre of the run the row is a part */
	sc_kmeans_seeds seeds;
	sc_kmeans_lloyd lloyd;
	double *best;		/* (k, d): centres of the best run so far */
	int32_t *best_made; /* (n): its made */
	int *ranked;		/* (k): cluster of each rank by size */
} sc_kmeans_work;

#endif /* SC_KMEANS_PARTS_H */
