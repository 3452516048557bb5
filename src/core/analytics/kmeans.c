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
	w.block = sc_kmeans_block(km->d);
	w.width = SC_MAX(w.most, SC_KMEANS_TRIALS);
	km->centroids = SC_TAKE(arena, float, kd);
	km->sizes = SC_TAKE(arena, int64_t, k);
	km->labels = SC_TAKE(arena, int32_t, n);
	km->distance = SC_TAKE(arena, double, n);
	km->curve = SC_TAKE(arena, double, (size_t) km->curve_max);
	sc_kmeans_order_layout(km, arena);
	sc_kmeans_centres_layout(&w.centres, w.most, km->d, arena);
	w.all = (sc_kmeans_points){.n = n, .z = w.order.z, .norm = w.order.norm};
	w.all.own = SC_TAKE(arena, int32_t, n);
	w.all.near = SC_TAKE(arena, double, n);
	w.all.upper = SC_TAKE(arena, double, n);
	w.all.lower = SC_TAKE(arena, double, n);
	w.made = SC_TAKE(arena, int32_t, n);
	sc_kmeans_seeds_layout(km, arena);
	sc_kmeans_lloyd_layout(km, arena);
	sc_kmeans_batches_layout(km, arena);
	w.best = SC_TAKE(arena, double, kd);
	w.best_made = SC_TAKE(arena, int32_t, n);
	w.best_own = SC_TAKE(arena, int32_t, n);
	w.best_lower = SC_TAKE(arena, double, n);
	w.ranked = SC_TAKE(arena, int, k);
	w.rank = SC_TAKE(arena, int, k);
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
		if (km->algorithm == SC_KMEANS_MINIBATCH)
			SC_TRY(sc_kmeans_run_batches(lane, km, &iterations, &converged));
		else
			SC_TRY(sc_kmeans_iterate(lane, km, km->max_iter, &iterations, &converged));
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
				memcpy(w->best_own, w->all.own, km->n * sizeof(int32_t));
				memcpy(w->best_lower, w->all.lower, km->n * sizeof(double));
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

/* Rank the clusters of the best run by size. By one lane. */
static void
rank(sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	int64_t *size = w->lloyd.size;

	memset(size, 0, km->k * sizeof(int64_t));
	for (size_t i = 0; i < km->n; i++)
		size[w->best_own[i]]++;
	for (int c = 0; c < km->k; c++)
	{
		int i = c;

		for (; i > 0 && before(km, size, c, w->ranked[i - 1]); i--)
			w->ranked[i] = w->ranked[i - 1];
		w->ranked[i] = c;
	}
	for (int i = 0; i < km->k; i++)
		w->rank[w->ranked[i]] = i;
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
 * the last digits: how far the two are apart at most, among the points, is
 * returned. By one lane.
 */
static double
find_means(sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	const sc_centring *centring = &w->order.centring;
	size_t d = (size_t) km->d, most = (size_t) w->most;
	double apart = 0;

	for (size_t rank = 0; rank < (size_t) km->k; rank++)
	{
		size_t c = (size_t) w->ranked[rank];
		int64_t count = 0;
		double way = 0;

		for (int s = 0; s < w->shards; s++)
			count += w->lloyd.counts[(size_t) s * most + c];
		for (size_t j = 0; j < d; j++)
		{
			double mean = w->best[c * d + j] / centring->scale + centring->mean[j];
			double step;

			if (count > 0)
			{
				double sum = 0;

				for (int s = 0; s < w->shards; s++)
					sum += w->lloyd.sums[((size_t) s * most + c) * d + j];
				mean = sum / (double) count;
			}
			km->centroids[rank * d + j] = (float) mean;
			w->centres.point[rank * d + j] = km->centroids[rank * d + j];
			step = (km->centroids[rank * d + j] - centring->mean[j]) * centring->scale - w->best[c * d + j];
			way += step * step;
		}
		apart = SC_MAX(apart, way);
	}
	return sqrt(apart);
}

/* The centroids: centres, and shift, how far they may have come from those of the best run. */
static sc_status
find_centroids(const sc_lane *lane, sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;

	if (lane->index == 0)
		rank(km);
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(sum_made(lane, km));
	if (lane->index == 0)
	{
		w->shift = find_means(km);
		sc_kmeans_narrow(&w->centres);
	}
	return sc_lane_barrier(lane);
}

/*
 * Is the row at this position nearest to the centroid of its rank, whose
 * distance it is at, beyond what rounding did to its point and to the best
 * run's centres?
 */
static bool
keeps_rank(const sc_kmeans *km, size_t position, double distance)
{
	const sc_kmeans_work *w = km->work;
	double lower = w->best_lower[position] * (1 - SC_KMEANS_HAIR) - w->shift * (1 + SC_KMEANS_HAIR) -
				   0x1p-23 * sqrt(w->all.norm[position]) - 0x1p-126 * km->d;

	return distance * w->order.centring.scale * (1 + SC_KMEANS_HAIR) < lower;
}

/* Labels and distances of m rows by the centroids; of shard s. */
static void
label_pending(sc_kmeans *km, const sc_kmeans_points *p, int s, int m)
{
	sc_kmeans_work *w = km->work;
	size_t d = (size_t) km->d;
	const uint32_t *at = w->lloyd.pending + (size_t) s * SC_KMEANS_BLOCK;
	float *tile = w->lloyd.tile + (size_t) s * w->block * d;
	int32_t labels[SC_KMEANS_BLOCK];
	double distance[SC_KMEANS_BLOCK];

	for (int i = 0; i < m; i++)
	{
		memcpy(tile + i * d, km->rows + w->order.row[at[i]] * d, d * sizeof(float));
		distance[i] = sc_distance()->dot(tile + i * d, tile + i * d, km->d);
	}
	sc_kmeans_label(&w->centres, m, tile, tile, w->centres.point, w->lloyd.dots + (size_t) s * w->block * w->width,
					labels, distance);
	for (int i = 0; i < m; i++)
	{
		km->labels[w->order.row[at[i]]] = labels[i];
		km->distance[w->order.row[at[i]]] = sqrt(distance[i]);
	}
}

/* The label of the best run for the row at position i, if it still holds. */
static bool
keep_label(sc_kmeans *km, const sc_kmeans_points *p, size_t i)
{
	const sc_kmeans_work *w = km->work;
	size_t row = w->order.row[i], d = (size_t) km->d;
	int label = w->rank[w->best_own[i]];

	km->labels[row] = label;
	km->distance[row] = sqrt(sc_distance()->distance2_centre(km->rows + row * d, w->centres.point + label * d, km->d));
	return keeps_rank(km, i, km->distance[row]);
}

/*
 * Labels and distances of the rows, as they came, to the centroids that are
 * returned, rounded to float: the centres now. Nearly all have the label of
 * the best run.
 */
static sc_status
label_rows(const sc_lane *lane, sc_kmeans *km)
{
	return sc_kmeans_find_all(lane, km, &km->work->all, keep_label, label_pending);
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
