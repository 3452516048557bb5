/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_lloyd.c
 *	  Lloyd's iteration: every row to its nearest centre, every centre to the
 *	  mean of its rows, until the centres stay.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_parts.h"

#include <string.h>

#include "core/base/distance.h"

void
sc_kmeans_lloyd_layout(sc_kmeans *km, sc_arena *arena)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	size_t shards = (size_t) w->shards, k = (size_t) w->most;

	l->sums = SC_TAKE(arena, double, sc_mul(shards, sc_mul(k, (size_t) km->d)));
	l->counts = SC_TAKE(arena, int64_t, sc_mul(shards, k));
	l->inertia = SC_TAKE(arena, double, shards);
	l->changed = SC_TAKE(arena, size_t, shards);
	l->dots = SC_TAKE(arena, float, sc_mul(shards * SC_KMEANS_BLOCK, k));
	l->labels = SC_TAKE(arena, int32_t, shards * SC_KMEANS_BLOCK);
}

/* The rows [begin, end) of shard s to their nearest centres. */
static sc_status
assign_shard(const sc_lane *lane, sc_kmeans *km, int s, size_t begin, size_t end, bool exact)
{
	sc_kmeans_work *w = km->work;
	size_t d = (size_t) km->d, k = (size_t) w->centres.k;
	float *dots = w->lloyd.dots + (size_t) s * SC_KMEANS_BLOCK * w->most;
	double *sums = w->lloyd.sums + (size_t) s * w->most * d;
	int64_t *counts = w->lloyd.counts + (size_t) s * w->most;
	int32_t *labels = w->lloyd.labels + (size_t) s * SC_KMEANS_BLOCK;
	double inertia = 0;
	size_t changed = 0;

	memset(sums, 0, k * d * sizeof(double));
	memset(counts, 0, k * sizeof(int64_t));
	for (; begin < end; begin += SC_KMEANS_BLOCK)
	{
		int m = (int) SC_MIN((size_t) SC_KMEANS_BLOCK, end - begin);
		const float *z = w->order.z + begin * d;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		memcpy(w->near + begin, w->order.norm + begin, m * sizeof(double));
		sc_kmeans_label(&w->centres, m, z, exact ? z : NULL, w->centres.point, dots, labels, w->near + begin);
		if (exact)
			memcpy(w->made + begin, w->own + begin, m * sizeof(int32_t));
		for (int i = 0; i < m; i++)
		{
			changed += w->own[begin + i] != labels[i];
			w->own[begin + i] = labels[i];
			inertia += w->near[begin + i];
			counts[labels[i]]++;
			sc_distance()->add_row(sums + labels[i] * d, z + i * d, km->d);
		}
	}
	w->lloyd.inertia[s] = inertia;
	w->lloyd.changed[s] = changed;
	return SC_OK;
}

sc_status
sc_kmeans_assign(const sc_lane *lane, sc_kmeans *km, bool exact)
{
	size_t begin, end;

	for (int s = lane->index; s < km->work->shards; s += lane->count)
	{
		sc_shard_range(km->n, km->work->shards, s, &begin, &end);
		SC_TRY(assign_shard(lane, km, s, begin, end, exact));
	}
	return sc_lane_barrier(lane);
}

double
sc_kmeans_inertia(const sc_kmeans *km)
{
	double sum = 0;

	for (int s = 0; s < km->work->shards; s++)
		sum += km->work->lloyd.inertia[s];
	return sum;
}

/* The row that is farthest from its centre, of a cluster that can spare one; SIZE_MAX where there is none. */
static size_t
farthest(const sc_kmeans *km)
{
	const sc_kmeans_work *w = km->work;
	size_t far = SIZE_MAX;

	for (size_t i = 0; i < km->n; i++)
		if (w->near[i] > 0 && w->lloyd.counts[w->own[i]] > 1 && (far == SIZE_MAX || w->near[i] > w->near[far]))
			far = i;
	return far;
}

/* An empty cluster takes the row that is farthest from its centre. */
static void
fill_empty(sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	const uint32_t *group = w->order.group;
	size_t d = (size_t) km->d;

	for (int c = 0; c < w->centres.k; c++)
	{
		size_t far;

		if (l->counts[c] > 0)
			continue;
		far = farthest(km);
		if (far == SIZE_MAX)
			return;
		for (size_t j = 0; j < d; j++)
		{
			l->sums[(size_t) w->own[far] * d + j] -= w->order.z[far * d + j];
			l->sums[(size_t) c * d + j] = w->order.z[far * d + j];
		}
		l->counts[w->own[far]]--;
		l->counts[c] = 1;
		w->own[far] = c;

		/* Its likes are as far, and must not make a second cluster. */
		for (size_t i = far; i < km->n && group[i] == group[far]; i++)
			w->near[i] = 0;
		for (size_t i = far; i-- > 0 && group[i] == group[far];)
			w->near[i] = 0;
	}
}

/* Sums and counts of k clusters, of all shards, into those of the first. By one lane. */
void
sc_kmeans_add_shards(sc_kmeans *km, int k)
{
	sc_kmeans_lloyd *l = &km->work->lloyd;
	size_t d = (size_t) km->d;

	for (int s = 1; s < km->work->shards; s++)
	{
		const double *sums = l->sums + (size_t) s * km->work->most * d;
		const int64_t *counts = l->counts + (size_t) s * km->work->most;

		for (size_t i = 0; i < (size_t) k * d; i++)
			l->sums[i] += sums[i];
		for (int c = 0; c < k; c++)
			l->counts[c] += counts[c];
	}
}

/* New centres from the sums of all shards; how far they moved, squared. */
static double
update(sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	size_t d = (size_t) km->d, k = (size_t) w->centres.k;
	double moved = 0;

	sc_kmeans_add_shards(km, w->centres.k);
	fill_empty(km);
	for (size_t c = 0; c < k; c++)
	{
		if (l->counts[c] == 0)
			continue;
		for (size_t j = 0; j < d; j++)
		{
			double to = l->sums[c * d + j] / (double) l->counts[c];
			double step = to - w->centres.point[c * d + j];

			moved += step * step;
			w->centres.point[c * d + j] = to;
		}
	}
	return moved;
}

sc_status
sc_kmeans_iterate(const sc_lane *lane, sc_kmeans *km, int *iterations, bool *converged)
{
	sc_kmeans_work *w = km->work;

	*iterations = 0;
	*converged = false;
	if (lane->index == 0)
	{
		sc_kmeans_narrow(&w->centres);
		for (size_t i = 0; i < km->n; i++)
			w->own[i] = -1;
	}
	SC_TRY(sc_lane_barrier(lane));
	while (*iterations < km->max_iter && !*converged)
	{
		SC_TRY(sc_kmeans_assign(lane, km, false));
		if (lane->index == 0)
		{
			size_t changed = 0;
			double moved = update(km);

			for (int s = 0; s < w->shards; s++)
				changed += w->lloyd.changed[s];
			w->lloyd.done = changed == 0 || moved <= w->order.tolerance;
			sc_kmeans_narrow(&w->centres);
		}
		SC_TRY(sc_lane_barrier(lane));
		*converged = w->lloyd.done;
		++*iterations;
	}
	return SC_OK;
}
