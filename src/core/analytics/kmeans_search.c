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

/* Points that are drawn at once: one for each of k seeds, within these bounds. */
#define LEAST_TRIALS 16

/*
 * Of each shard: losses, what the distances of a seed's points would rise by
 * without it, and sums, what all would fall by with each trial.
 */
static sc_status
measure_changes(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p)
{
	sc_kmeans_work *w = km->work;
	size_t k = (size_t) w->centres.k, d = (size_t) km->d;
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
		{
			double near = p->near[i], second = p->lower[i] * p->lower[i];

			if (i % SC_KMEANS_BLOCK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			loss[p->own[i]] += SC_MAX(second - near, 0);
			for (int t = 0; t < w->seeds.m; t++)
				if (sc_kmeans_may_be_nearer(w, p, i, t))
				{
					float dot;
					double a;

					sc_distance()->dot_rows(&dot, p->z + i * d, w->seeds.rows + (size_t) t * d, 1, km->d);
					a = sc_kmeans_trial_distance(km, p, i, t, dot);
					gain[t] += SC_MAX(near - a, 0);
				}
		}
	}
	return sc_lane_barrier(lane);
}

/* The trial of the largest gain takes the place of the seed of the smallest loss, if that is smaller; by one lane. */
static void
choose(sc_kmeans *km, const sc_kmeans_points *p)
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
	if (!(sc_kmeans_total(w, best) > least))
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
			choose(km, p);
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
