/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_parts.h
 *	  What the files of k-means share, and nobody else needs.
 *
 * kmeans.c has the job and runs its phases: kmeans_order.c brings the rows
 * into an order of their own, kmeans_seed.c finds the first centres,
 * kmeans_search.c better ones, kmeans_lloyd.c iterates, kmeans_batches.c before
 * it where it is asked for, kmeans_nearest.c tells which centre is nearest.
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

typedef struct sc_kmeans_work sc_kmeans_work;

/* ---- kmeans_nearest.c: the nearest centre ------------------------------------ */

/*
 * Rows of one matrix product with the centres: 256 rows of 512 floats are half
 * a megabyte, which a CPU's second cache keeps while the centres pass, and
 * their product with 100 centres is 2^24 multiplications, a fraction of a
 * millisecond: so soon is a stop seen. Of longer rows they are fewer.
 */
#define SC_KMEANS_BLOCK 256

static inline int
sc_kmeans_block(int d)
{
	return SC_MAX(SC_MIN((1 << 17) / d, SC_KMEANS_BLOCK), 32);
}

/* More than what rounding does to a distance in double: 16,000 terms, squared and added, lose 16,000 * 2^-53 at most. */
#define SC_KMEANS_HAIR 1e-11

/*
 * Points, and what is known of how they lie to the centres: which is nearest,
 * its distance squared, and two distances between which no rounding can come.
 */
typedef struct sc_kmeans_points
{
	size_t n;
	const float *z;		/* (n, d) */
	const double *norm; /* (n), of z, squared */
	int32_t *own;		/* (n): the nearest centre, of equally near ones the first */
	double *near;		/* (n): squared distance to it, as good as float makes it or better */
	double *upper;		/* (n): the distance to it is no more */
	double *lower;		/* (n): that to any other centre is no less */
} sc_kmeans_points;

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
 * gets their squared distances. rows (m, d) and centroids (k, d), between
 * which every distance is computed in double, are the points and the centres
 * before they were centred and scaled. dots: (m, k), scratch.
 */
extern void sc_kmeans_label(const sc_kmeans_centres *c, int m, const float *z, const float *rows,
							const double *centroids, float *dots, int32_t *labels, double *distance);

/*
 * The same for m of the points p, whose places are in at (m), ascending: own,
 * near, upper and lower of them. Which centre is nearest is told by distances
 * in double where the products in float do not tell. tile: (m, d), scratch.
 */
extern void sc_kmeans_bound(const sc_kmeans_centres *c, const sc_kmeans_points *p, int m, const uint32_t *at,
							float *tile, float *dots);

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

/* Candidates at once; at least 2 + floor(log k) for every k that is an int. */
#define SC_KMEANS_TRIALS 64

typedef struct sc_kmeans_seeds
{
	int m;							  /* of trial, now */
	uint32_t trial[SC_KMEANS_TRIALS]; /* places of the candidates for a seed among the points */
	float *rows;					  /* (SC_KMEANS_TRIALS, d): the points that trial names */
	float *dots;					  /* (places of points, trials): products of z with them */
	double *apart;					  /* (k, SC_KMEANS_TRIALS): squared distances of the seeds to them */
	double *sums;					  /* (shards, SC_KMEANS_TRIALS): of the distances, were a trial a seed */
	double *losses;					  /* (shards, k): what the sum of the distances would rise by without the seed */
	double *replaced;				  /* (d): the seed that a trial has taken the place of */
	int place;						  /* of the seed that a trial takes the place of; -1: none does */
} sc_kmeans_seeds;

extern void sc_kmeans_seeds_layout(sc_kmeans *km, sc_arena *arena);

/*
 * The centres that run `run` with k clusters starts from. Where they have been
 * searched for, the bounds of all points are known; else work->bounded is false.
 */
extern sc_status sc_kmeans_seed(const sc_lane *lane, sc_kmeans *km, int k, int run);

/* Point i of p as centre c. */
extern void sc_kmeans_take(sc_kmeans *km, const sc_kmeans_points *p, int c, size_t i);

/* By one lane: draw m trials, each with a chance in proportion to near, whose sum in each shard is in sums[shard][0]. */
extern void sc_kmeans_draw(sc_kmeans *km, const sc_kmeans_points *p, int m, sc_rng *rng);

/* apart, of the trials and the seeds so far. */
extern sc_status sc_kmeans_measure_seeds(const sc_lane *lane, sc_kmeans *km, int seeds);

/* Could trial t be nearer to point i than its seed? */
extern bool sc_kmeans_may_be_nearer(const sc_kmeans_work *w, const sc_kmeans_points *p, size_t i, int t);

/* Squared distance of point i to trial t, from their product. */
extern double sc_kmeans_trial_distance(const sc_kmeans *km, const sc_kmeans_points *p, size_t i, int t, float dot);

/* The sum over the shards of sums[shard][t]. */
extern double sc_kmeans_total(const sc_kmeans_work *w, int t);

/* ---- kmeans_search.c: better ones -------------------------------------------- */

/*
 * Replace seeds by points where that lowers the sum of the squared distances
 * of p to the nearest, at most `rounds` of them. The bounds of p are then known.
 */
extern sc_status sc_kmeans_search(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p, int rounds,
								  sc_rng *rng);

/* ---- kmeans_lloyd.c: the iterations --------------------------------------------- */

typedef struct sc_kmeans_lloyd
{
	double *sums;	   /* (shards, k, d): of the rows of each cluster */
	int64_t *counts;   /* (shards, k): of them */
	double *total;	   /* (k, d): sums of all shards */
	int64_t *size;	   /* (k): counts of all shards */
	uint8_t *touched;  /* (shards, k): a row came or went since the sums were made */
	double *drift;	   /* (k): how far a centre has moved, at most */
	int fastest;	   /* the centre of the largest drift */
	double drifts[2];  /* the largest drift, and the largest of the other centres */
	double *inertia;   /* (shards) */
	size_t *changed;   /* (shards): rows whose label is another than before */
	uint32_t *pending; /* (shards, SC_KMEANS_BLOCK): rows whose bounds do not tell */
	float *tile;	   /* (shards, block, d): those rows */
	float *dots;	   /* (shards, block, width) */
	bool done;
	bool empty; /* a cluster is */
} sc_kmeans_lloyd;

extern void sc_kmeans_lloyd_layout(sc_kmeans *km, sc_arena *arena);

/* Bounds of the points from nothing; in sums[shard][0] of the seeds the sum of near. */
extern sc_status sc_kmeans_bound_all(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p);

/* Sums and counts of the points by their own centres, of the touched clusters, in total and size; empty: one is. */
extern sc_status sc_kmeans_sum(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p);

/*
 * Move the centres until they stay, or `most` is reached. Then own, near (in
 * double) and the bounds are those of the last centres, and made tells of
 * which rows these are the means.
 */
extern sc_status sc_kmeans_iterate(const sc_lane *lane, sc_kmeans *km, int most, int *iterations, bool *converged);

/* The sum of near that sc_kmeans_iterate left. */
extern double sc_kmeans_inertia(const sc_kmeans *km);

/* ---- kmeans_batches.c: mini-batches ------------------------------------------------- */

typedef struct sc_kmeans_batches
{
	double *sum;	/* (k, d): of rows, those of earlier batches faded */
	double *weight; /* (k): likewise of their number */
} sc_kmeans_batches;

extern void sc_kmeans_batches_layout(sc_kmeans *km, sc_arena *arena);

/* As sc_kmeans_iterate, by mini-batches and a last iteration over all rows. */
extern sc_status sc_kmeans_run_batches(const sc_lane *lane, sc_kmeans *km, int *iterations, bool *converged);

/* ---- kmeans.c: all of it ------------------------------------------------------------ */

struct sc_kmeans_work
{
	int most; /* the largest k of the work */
	int shards;
	int block; /* rows of a product */
	int width; /* columns of one at most: of centres, or of trials */
	sc_kmeans_order order;
	sc_kmeans_centres centres;
	sc_kmeans_points all;	 /* the rows, in their order */
	sc_kmeans_points sample; /* some of them, for the seeds */
	bool bounded;			 /* the bounds of all are those of the centres */
	int32_t *made;			 /* (n): by position, of which centre of the run the row is a part */
	sc_kmeans_seeds seeds;
	sc_kmeans_lloyd lloyd;
	sc_kmeans_batches batches;
	double *best;		/* (k, d): centres of the best run so far */
	int32_t *best_made; /* (n): its made, own and lower */
	int32_t *best_own;
	double *best_lower;
	double shift; /* how far the centroids are from these centres at most, among the points */
	int *ranked;  /* (k): cluster of each rank by size */
	int *rank;	  /* (k): rank of each cluster */
};

/* ---- points, most of which need no product ------------------------------------------ */

/* Of point i, is what is asked for known without a product with all centres? */
typedef bool (*sc_kmeans_known)(sc_kmeans *km, const sc_kmeans_points *p, size_t i);

/* Find it out for m points, whose places are pending in shard s. */
typedef void (*sc_kmeans_find)(sc_kmeans *km, const sc_kmeans_points *p, int s, int m);

/*
 * What is asked for of all points: those of which it is not known are gathered
 * for products of a block of them. Inline, for it is asked of every point.
 */
static inline sc_status
sc_kmeans_find_all(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p, sc_kmeans_known known,
				   sc_kmeans_find find)
{
	const sc_kmeans_work *w = km->work;
	size_t begin, end;

	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		uint32_t *at = w->lloyd.pending + (size_t) s * SC_KMEANS_BLOCK;
		int m = 0;

		sc_shard_range(p->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (i % SC_KMEANS_BLOCK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			if (!known(km, p, i))
				at[m++] = (uint32_t) i;
			if (m == w->block || (m > 0 && i == end - 1))
			{
				if (sc_lane_stopped(lane))
					return SC_ABORTED;
				find(km, p, s, m);
				m = 0;
			}
		}
	}
	return sc_lane_barrier(lane);
}

#endif /* SC_KMEANS_PARTS_H */
