/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans.c
 *	  The job of k-means: its phases one after the other, the best of several
 *	  runs, the clusters numbered by size.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans.h"

#include <math.h>
#include <string.h>

#include "core/analytics/kmeans_parts.h"
#include "core/base/distance.h"

/*
 * A shard keeps sums of its own, one row of numbers for each centre. To add
 * them to those of the others takes as many additions as the product of one
 * row takes multiplications: of 512 rows and more that is nothing. More than
 * 16 lanes find no shard; SHARD_BYTES bounds the memory of the sums, of which
 * there is one at least.
 */
#define SHARD_ROWS 512
#define MAX_SHARDS 16
#define SHARD_BYTES ((size_t) 64 << 20)

static int
shard_count(size_t n, int d, int k)
{
	size_t shards = SC_MIN((n + SHARD_ROWS - 1) / SHARD_ROWS, MAX_SHARDS);
	size_t room = SHARD_BYTES / ((size_t) k * d * sizeof(double));

	return (int) SC_MAX(SC_MIN(shards, room), 1);
}

void
sc_kmeans_layout(sc_kmeans *km, sc_arena *arena)
{
	sc_kmeans_work *place = SC_TAKE(arena, sc_kmeans_work, 1);
	sc_kmeans_work w = {.most = SC_MAX(km->k, km->curve_max)};
	size_t n = km->n, k = (size_t) w.most;
	size_t kd = sc_mul(k, (size_t) km->d);

	SC_ASSERT(n >= 1 && n <= UINT32_MAX && km->d >= 1 && km->max_iter >= 1 && km->n_init >= 1);
	SC_ASSERT(w.most >= 1 && (km->init != SC_KMEANS_GIVEN || km->start != NULL));
	km->work = &w;
	w.shards = shard_count(n, km->d, w.most);
	km->centroids = SC_TAKE(arena, float, kd);
	km->sizes = SC_TAKE(arena, int64_t, k);
	km->labels = SC_TAKE(arena, int32_t, n);
	km->distance = SC_TAKE(arena, double, n);
	km->curve = SC_TAKE(arena, double, (size_t) km->curve_max);
	sc_kmeans_order_layout(km, arena);
	sc_kmeans_centres_layout(&w.centres, w.most, km->d, arena);
	w.own = SC_TAKE(arena, int32_t, n);
	w.near = SC_TAKE(arena, double, n);
	w.made = SC_TAKE(arena, int32_t, n);
	sc_kmeans_seeds_layout(km, arena);
	sc_kmeans_lloyd_layout(km, arena);
	w.best = SC_TAKE(arena, double, kd);
	w.best_made = SC_TAKE(arena, int32_t, n);
	w.ranked = SC_TAKE(arena, int, k);
	/* In an arena that only counts there is nothing to write to. */
	km->work = place;
	if (place != NULL)
		*place = w;
}

/* The best of n_init runs with k clusters: best, inertia (in the space of z), iterations, converged. */
static sc_status
run_all(const sc_lane *lane, sc_kmeans *km, int k)
{
	sc_kmeans_work *w = km->work;
	int runs = km->init == SC_KMEANS_GIVEN ? 1 : km->n_init;

	for (int run = 0; run < runs; run++)
	{
		int iterations;
		bool converged;

		SC_TRY(sc_kmeans_seed(lane, km, k, run));
		SC_TRY(sc_kmeans_iterate(lane, km, &iterations, &converged));
		SC_TRY(sc_kmeans_assign(lane, km, true));
		if (lane->index == 0)
		{
			double inertia = sc_kmeans_inertia(km);

			if (run == 0 || inertia < km->inertia)
			{
				km->inertia = inertia;
				km->iterations = iterations;
				km->converged = converged;
				memcpy(w->best, w->centres.point, (size_t) k * km->d * sizeof(double));
				memcpy(w->best_made, w->made, km->n * sizeof(int32_t));
			}
		}
		SC_TRY(sc_lane_barrier(lane));
	}
	return SC_OK;
}

/* The same, again without the mean where it took away what tells rows apart. */
static sc_status
fit(const sc_lane *lane, sc_kmeans *km, int k)
{
	SC_TRY(run_all(lane, km, k));
	if (!sc_kmeans_order_is_rounding(&km->work->order, km->inertia))
		return SC_OK;
	SC_TRY(sc_kmeans_order_uncentre(lane, km));
	return run_all(lane, km, k);
}

/* Inertia for k = 1 ... curve_max. */
static sc_status
find_curve(const sc_lane *lane, sc_kmeans *km)
{
	double scale = km->work->order.centring.scale;

	for (int k = 1; k <= km->curve_max; k++)
	{
		if ((size_t) k < km->distinct)
			SC_TRY(fit(lane, km, k));
		if (lane->index == 0)
		{
			double inertia = (size_t) k < km->distinct ? km->inertia / (scale * scale) : 0;

			/* One more centre than the last clustering has never made it worse. */
			km->curve[k - 1] = k > 1 ? SC_MIN(inertia, km->curve[k - 2]) : inertia;
		}
		SC_TRY(sc_lane_barrier(lane));
	}
	return SC_OK;
}

/* Does cluster a come before b: larger, or of equal size and lower centre? */
static bool
before(const sc_kmeans *km, const int64_t *size, int a, int b)
{
	const double *x = km->work->best + (size_t) a * km->d, *y = km->work->best + (size_t) b * km->d;

	if (size[a] != size[b])
		return size[a] > size[b];
	for (int j = 0; j < km->d; j++)
		if (x[j] != y[j])
			return x[j] < y[j];
	return false;
}

/* Rank the clusters by size. By one lane. */
static void
rank(sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	int64_t *size = w->lloyd.counts;

	memset(size, 0, km->k * sizeof(int64_t));
	for (size_t i = 0; i < km->n; i++)
		size[w->own[i]]++;
	for (int c = 0; c < km->k; c++)
	{
		int i = c;

		for (; i > 0 && before(km, size, c, w->ranked[i - 1]); i--)
			w->ranked[i] = w->ranked[i - 1];
		w->ranked[i] = c;
	}
}

/* Sums and counts of each shard: of the rows as they came that the best centres are made of. */
static sc_status
sum_made(const sc_lane *lane, sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	size_t d = (size_t) km->d, k = (size_t) km->k;
	size_t begin, end;

	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		double *sums = w->lloyd.sums + (size_t) s * w->most * d;
		int64_t *counts = w->lloyd.counts + (size_t) s * w->most;

		memset(sums, 0, k * d * sizeof(double));
		memset(counts, 0, k * sizeof(int64_t));
		sc_shard_range(km->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (i % SC_KMEANS_BLOCK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			counts[w->best_made[i]]++;
			sc_distance()->add_row(sums + (size_t) w->best_made[i] * d, km->rows + w->order.row[i] * d, km->d);
		}
	}
	return sc_lane_barrier(lane);
}

/*
 * Centroids, by rank: the means of the rows as they came. Those that the
 * iterations had, of rows that were centred and rounded to float, are off in
 * the last digits. By one lane.
 */
static void
find_means(sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	const sc_centring *centring = &w->order.centring;
	size_t d = (size_t) km->d;

	sc_kmeans_add_shards(km, km->k);
	for (int rank = 0; rank < km->k; rank++)
	{
		size_t c = (size_t) w->ranked[rank];
		int64_t count = w->lloyd.counts[c];

		for (size_t j = 0; j < d; j++)
			km->centroids[rank * d + j] = (float) (count > 0 ? w->lloyd.sums[c * d + j] / (double) count
															 : w->best[c * d + j] / centring->scale + centring->mean[j]);
	}
}

/* The centroids, to rank their clusters by the labels of the best run. */
static sc_status
find_centroids(const sc_lane *lane, sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;

	if (lane->index == 0)
	{
		memcpy(w->centres.point, w->best, (size_t) km->k * km->d * sizeof(double));
		sc_kmeans_narrow(&w->centres);
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(sc_kmeans_assign(lane, km, true));
	if (lane->index == 0)
		rank(km);
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(sum_made(lane, km));
	if (lane->index == 0)
	{
		find_means(km);
		for (size_t i = 0; i < (size_t) km->k * km->d; i++)
			w->centres.point[i] = km->centroids[i];
		sc_kmeans_narrow(&w->centres);
	}
	return sc_lane_barrier(lane);
}

/* Labels and distances of the rows, as they came, to the centroids that are returned, rounded to float: the centres now. */
static sc_status
label_rows(const sc_lane *lane, sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	size_t d = (size_t) km->d;
	size_t begin, end;

	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		float *dots = w->lloyd.dots + (size_t) s * SC_KMEANS_BLOCK * w->most;

		sc_shard_range(km->n, w->shards, s, &begin, &end);
		for (; begin < end; begin += SC_KMEANS_BLOCK)
		{
			int m = (int) SC_MIN((size_t) SC_KMEANS_BLOCK, end - begin);
			const float *rows = km->rows + begin * d;
			double *distance = km->distance + begin;

			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			for (int i = 0; i < m; i++)
				distance[i] = sc_distance()->dot(rows + i * d, rows + i * d, km->d);
			sc_kmeans_label(&w->centres, m, rows, rows, w->centres.point, dots, km->labels + begin, distance);
			for (int i = 0; i < m; i++)
				distance[i] = sqrt(distance[i]);
		}
	}
	return sc_lane_barrier(lane);
}

/* Sizes and inertia from labels and distances, in the order that does not depend on that of the rows; by one lane. */
static void
sum_up(sc_kmeans *km)
{
	km->inertia = 0;
	memset(km->sizes, 0, km->k * sizeof(int64_t));
	for (size_t i = 0; i < km->n; i++)
	{
		size_t r = km->work->order.row[i];

		km->sizes[km->labels[r]]++;
		km->inertia += km->distance[r] * km->distance[r];
	}
}

sc_status
sc_kmeans_run(const sc_lane *lane, void *arg)
{
	sc_kmeans *km = arg;

	SC_TRY(sc_kmeans_order_rows(lane, km));
	if (km->curve_max > 0)
		return find_curve(lane, km);
	if (lane->index == 0)
		km->k = (int) SC_MIN((size_t) km->k, km->distinct);
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(fit(lane, km, km->k));
	SC_TRY(find_centroids(lane, km));
	SC_TRY(label_rows(lane, km));
	if (lane->index == 0)
		sum_up(km);
	return SC_OK;
}
