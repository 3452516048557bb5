/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_search.c
 *	  Seeds by local search, after those of k-means++.
 *
 * Lattanzi and Sohler, "A better k-means++ algorithm via local search", ICML
 * 2019: a point drawn by its squared distance takes the place of the seed that
 * is missed least, if the sum of the distances falls by it. k-means++ misses a
 * group now and then, and gives another two seeds; of 64 groups one or two,
 * which no iteration mends and each of which costs some percent of the inertia.
 *
 * Many points are drawn at once, and the best is tried. What the sum would
 * rise by without a seed is known from the distances to the second nearest,
 * what it would fall by with a point from those to the point; that both are
 * near each other only makes it fall more.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_parts.h"

#include <string.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"

/* Points that are drawn at once: one for each of k seeds, within these bounds. */
#define LEAST_TRIALS 16

/*
 * What the sum must fall by for a replacement to be worth its search, as a
 * share of what a seed has on average. Rows without groups allow ever smaller
 * ones, which the iterations make up for. Measured, 20,000 rows: with 0.2 blobs
 * of very different size keep half a percent more inertia, with 0 rows without
 * groups take twice the time for as good a result.
 */
#define WORTH 0.05

/* By a product, where more than this share of the distances of a block of points to the trials is wanted. */
#define DENSE 0.25

/* What point i would gain by the trials it may be nearer to, into gain; dots: the products with them, or NULL. */
static void
add_gains(const sc_kmeans *km, const sc_kmeans_points *p, size_t i, const float *dots, double *gain)
{
	const sc_kmeans_seeds *s = &km->work->seeds;
	size_t d = (size_t) km->d;

	for (int t = 0; t < s->m; t++)
		if (sc_kmeans_may_be_nearer(km->work, p, i, t))
		{
			float dot;
			double a;

			if (dots != NULL)
				dot = dots[t];
			else
				sc_distance()->dot_rows(&dot, p->z + i * d, s->rows + (size_t) t * d, 1, km->d);
			a = sc_kmeans_trial_distance(km, p, i, t, dot);
			gain[t] += SC_MAX(p->near[i] - a, 0);
		}
}

/* The same of m points from `begin` on. */
static void
add_block(sc_kmeans *km, const sc_kmeans_points *p, int shard, size_t begin, int m, double *gain)
{
	sc_kmeans_work *w = km->work;
	float *dots = w->lloyd.dots + (size_t) shard * w->block * w->width;
	int trials = w->seeds.m;
	int wanted = 0;
	bool dense;

	for (size_t i = begin; i < begin + (size_t) m; i++)
		for (int t = 0; t < trials; t++)
			wanted += sc_kmeans_may_be_nearer(w, p, i, t);
	dense = wanted > DENSE * m * trials;
	if (dense)
		sc_sgemm(false, true, m, trials, km->d, 1, p->z + begin * (size_t) km->d, km->d, w->seeds.rows, km->d, 0, dots,
				 trials);
	for (int i = 0; i < m && wanted > 0; i++)
		add_gains(km, p, begin + (size_t) i, dense ? dots + (size_t) i * trials : NULL, gain);
}

/*
 * Of each shard: losses, what the distances of a seed's points would rise by
 * without it, and sums, what all would fall by with each trial.
 */
static sc_status
measure_changes(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p)
{
	sc_kmeans_work *w = km->work;
	size_t k = (size_t) w->centres.k;
	size_t begin, end;

	SC_TRY(sc_kmeans_measure_seeds(lane, km, w->centres.k));
	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		double *gain = w->seeds.sums + (size_t) s * SC_KMEANS_TRIALS;
		double *loss = w->seeds.losses + (size_t) s * w->most;

		memset(gain, 0, SC_KMEANS_TRIALS * sizeof(double));
		memset(loss, 0, k * sizeof(double));
		sc_shard_range(p->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
			loss[p->own[i]] += SC_MAX(p->lower[i] * p->lower[i] - p->near[i], 0);
		for (; begin < end; begin += (size_t) w->block)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			add_block(km, p, s, begin, (int) SC_MIN((size_t) w->block, end - begin), gain);
		}
	}
	return sc_lane_barrier(lane);
}

/* The trial of the largest gain takes the place of the seed of the smallest loss, if it is worth it; by one lane. */
static void
choose(sc_kmeans *km, const sc_kmeans_points *p, double pot)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_seeds *s = &w->seeds;
	size_t d = (size_t) km->d;
	double least = INFINITY;
	int best = 0;

	for (int c = 0; c < w->centres.k; c++)
	{
		double loss = 0;

		for (int shard = 0; shard < w->shards; shard++)
			loss += s->losses[(size_t) shard * w->most + c];
		if (loss < least)
		{
			least = loss;
			s->place = c;
		}
	}
	for (int t = 1; t < s->m; t++)
		if (sc_kmeans_total(w, t) > sc_kmeans_total(w, best))
			best = t;
	if (!(sc_kmeans_total(w, best) - least > WORTH * pot / w->centres.k))
	{
		s->place = -1;
		return;
	}
	memcpy(s->replaced, w->centres.point + s->place * d, d * sizeof(double));
	sc_kmeans_take(km, p, s->place, s->trial[best]);
	sc_kmeans_narrow(&w->centres);
}

/* The seed that was replaced is back in its place. */
static sc_status
put_back(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p)
{
	sc_kmeans_work *w = km->work;
	size_t d = (size_t) km->d;

	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		memcpy(w->centres.point + w->seeds.place * d, w->seeds.replaced, d * sizeof(double));
		sc_kmeans_narrow(&w->centres);
	}
	SC_TRY(sc_lane_barrier(lane));
	return sc_kmeans_bound_all(lane, km, p);
}

sc_status
sc_kmeans_search(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p, int rounds, sc_rng *rng)
{
	sc_kmeans_work *w = km->work;
	double pot;
	if (lane->index == 0)
		sc_kmeans_narrow(&w->centres);
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(sc_kmeans_bound_all(lane, km, p));
	pot = sc_kmeans_total(w, 0);
	for (int round = 0; round < rounds && w->centres.k > 1 && pot > 0; round++)
	{
		double now;

		/* Every lane has read the sum. */
		SC_TRY(sc_lane_barrier(lane));
		if (lane->index == 0)
			sc_kmeans_draw(km, p, SC_MIN(SC_MAX(w->centres.k, LEAST_TRIALS), SC_KMEANS_TRIALS), rng);
		SC_TRY(sc_lane_barrier(lane));
		SC_TRY(measure_changes(lane, km, p));
		if (lane->index == 0)
			choose(km, p, pot);
		SC_TRY(sc_lane_barrier(lane));
		if (w->seeds.place < 0)
			break;

		SC_TRY(sc_kmeans_bound_all(lane, km, p));
		now = sc_kmeans_total(w, 0);
		if (!(now < pot))
			return put_back(lane, km, p);
		pot = now;
	}
	return SC_OK;
}
