/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_lloyd.c
 *	  Lloyd's iteration: every row to its nearest centre, every centre to the
 *	  mean of its rows, until the centres stay.
 *
 * Of each row it is known how far its own centre is at most and how far any
 * other at least (Hamerly, "Making k-means even faster", SDM 2010). Centres
 * that move take as much from what is known, and a row is looked at again only
 * where that no longer tells which is nearest; such rows are gathered, for one
 * product. Likewise only the sums of clusters that a row has entered or left
 * are made again, in the order of the rows as ever. So the result is, to the
 * bit, that of an iteration that does all of it each time.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_parts.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"

void
sc_kmeans_lloyd_layout(sc_kmeans *km, sc_arena *arena)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	size_t shards = (size_t) w->shards, k = (size_t) w->most, d = (size_t) km->d;

	l->sums = SC_TAKE(arena, double, sc_mul(shards, sc_mul(k, d)));
	l->counts = SC_TAKE(arena, int64_t, sc_mul(shards, k));
	l->total = SC_TAKE(arena, double, sc_mul(k, d));
	l->size = SC_TAKE(arena, int64_t, k);
	l->touched = SC_TAKE(arena, uint8_t, sc_mul(shards, k));
	l->drift = SC_TAKE(arena, double, k);
	l->inertia = SC_TAKE(arena, double, shards);
	l->changed = SC_TAKE(arena, size_t, shards);
	l->pending = SC_TAKE(arena, uint32_t, shards * SC_KMEANS_BLOCK);
	l->tile = SC_TAKE(arena, float, sc_mul(shards * (size_t) w->block, d));
	l->dots = SC_TAKE(arena, float, sc_mul(shards * (size_t) w->block, (size_t) w->width));
}

/* ---- every row to its nearest centre ----------------------------------------- */

static bool
is_unknown(sc_kmeans *km, const sc_kmeans_points *p, size_t i)
{
	return false;
}

/* The bounds of the m pending points of shard s, which stand together. */
static void
bound_pending(sc_kmeans *km, const sc_kmeans_points *p, int s, int m)
{
	sc_kmeans_work *w = km->work;
	const uint32_t *at = w->lloyd.pending + (size_t) s * SC_KMEANS_BLOCK;
	double *sum = &w->seeds.sums[(size_t) s * SC_KMEANS_TRIALS];

	sc_kmeans_bound(&w->centres, p, m, at, NULL, w->lloyd.dots + (size_t) s * w->block * w->width);
	for (int i = 0; i < m; i++)
		*sum += p->near[at[i]];
}

sc_status
sc_kmeans_bound_all(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p)
{
	for (int s = lane->index; s < km->work->shards; s += lane->count)
		km->work->seeds.sums[(size_t) s * SC_KMEANS_TRIALS] = 0;
	return sc_kmeans_find_all(lane, km, p, is_unknown, bound_pending);
}

/* Does what is known of row i, after the centres' last moves, still tell that its own centre is the nearest alone? */
static bool
is_settled(sc_kmeans *km, const sc_kmeans_points *p, size_t i)
{
	const sc_kmeans_work *w = km->work;
	const sc_kmeans_lloyd *l = &w->lloyd;
	size_t c = (size_t) p->own[i];
	double lower = p->lower[i] * (1 - SC_KMEANS_HAIR) - l->drifts[l->fastest == (int) c];
	double upper = p->upper[i] * (1 + SC_KMEANS_HAIR) + l->drift[c];

	if (!(upper < lower))
	{
		/* Where it was as near as this before, it cannot have come near enough. */
		if (p->upper[i] - l->drift[c] > lower)
			return false;
		upper = sqrt(sc_distance()->distance2_centre(p->z + i * km->d, w->centres.point + c * km->d, km->d)) *
				(1 + SC_KMEANS_HAIR);
		if (!(upper < lower))
			return false;
	}
	p->lower[i] = lower;
	p->upper[i] = upper;
	return true;
}

/* The nearest centres of the m pending rows of shard s. */
static void
settle(sc_kmeans *km, const sc_kmeans_points *p, int s, int m)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	const uint32_t *at = l->pending + (size_t) s * SC_KMEANS_BLOCK;
	uint8_t *touched = l->touched + (size_t) s * w->most;
	int32_t before[SC_KMEANS_BLOCK];

	for (int i = 0; i < m; i++)
		before[i] = p->own[at[i]];
	sc_kmeans_bound(&w->centres, p, m, at, l->tile + (size_t) s * w->block * km->d,
					l->dots + (size_t) s * w->block * w->width);
	for (int i = 0; i < m; i++)
		if (p->own[at[i]] != before[i])
		{
			touched[before[i]] = touched[p->own[at[i]]] = true;
			l->changed[s]++;
		}
}

/* Every row to its nearest centre: own and the bounds. Which clusters are others than before is in touched and changed. */
static sc_status
assign(const sc_lane *lane, sc_kmeans *km)
{
	for (int s = lane->index; s < km->work->shards; s += lane->count)
		km->work->lloyd.changed[s] = 0;
	return sc_kmeans_find_all(lane, km, &km->work->all, is_settled, settle);
}

/* near in double, and its sum in each shard. */
static sc_status
measure(const sc_lane *lane, sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	const sc_kmeans_points *p = &w->all;
	size_t begin, end;

	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		double sum = 0;

		sc_shard_range(km->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (i % SC_KMEANS_BLOCK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			p->near[i] =
				sc_distance()->distance2_centre(p->z + i * km->d, w->centres.point + (size_t) p->own[i] * km->d, km->d);
			sum += p->near[i];
		}
		w->lloyd.inertia[s] = sum;
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

/* ---- every centre to the mean of its rows ------------------------------------- */

/* Has a row come to cluster c or left it, in any shard? */
static bool
is_touched(const sc_kmeans *km, int c)
{
	const sc_kmeans_work *w = km->work;

	for (int s = 0; s < w->shards; s++)
		if (w->lloyd.touched[(size_t) s * w->most + c])
			return true;
	return false;
}

/* The clusters that were touched in any shard are touched in the first. By one lane. */
static void
gather_touched(sc_kmeans *km)
{
	for (int c = 0; c < km->work->centres.k; c++)
		km->work->lloyd.touched[c] = is_touched(km, c);
}

/* Sums and counts of the touched clusters, in each shard. */
static sc_status
sum_touched(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	size_t d = (size_t) km->d;
	size_t begin, end;

	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		double *sums = l->sums + (size_t) s * w->most * d;
		int64_t *counts = l->counts + (size_t) s * w->most;

		for (size_t c = 0; c < (size_t) w->centres.k; c++)
			if (l->touched[c])
			{
				memset(sums + c * d, 0, d * sizeof(double));
				counts[c] = 0;
			}
		sc_shard_range(p->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			size_t c = (size_t) p->own[i];

			if (i % SC_KMEANS_BLOCK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			if (!l->touched[c])
				continue;
			counts[c]++;
			sc_distance()->add_row(sums + c * d, p->z + i * d, km->d);
		}
	}
	return sc_lane_barrier(lane);
}

/* total and size of the touched clusters. By one lane. */
static void
add_touched(sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	size_t d = (size_t) km->d;

	l->empty = false;
	for (size_t c = 0; c < (size_t) w->centres.k; c++)
	{
		if (l->touched[c])
		{
			memcpy(l->total + c * d, l->sums + c * d, d * sizeof(double));
			l->size[c] = l->counts[c];
			for (int s = 1; s < w->shards; s++)
			{
				const double *sums = l->sums + ((size_t) s * w->most + c) * d;

				for (size_t j = 0; j < d; j++)
					l->total[c * d + j] += sums[j];
				l->size[c] += l->counts[(size_t) s * w->most + c];
			}
		}
		l->empty |= l->size[c] == 0;
	}
}

sc_status
sc_kmeans_sum(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p)
{
	SC_TRY(sum_touched(lane, km, p));
	if (lane->index == 0)
		add_touched(km);
	return sc_lane_barrier(lane);
}

/* The row that is farthest from its centre, of a cluster that can spare one; SIZE_MAX where there is none. */
static size_t
farthest(const sc_kmeans *km)
{
	const sc_kmeans_points *p = &km->work->all;
	size_t far = SIZE_MAX;

	for (size_t i = 0; i < km->n; i++)
		if (p->near[i] > 0 && km->work->lloyd.size[p->own[i]] > 1 && (far == SIZE_MAX || p->near[i] > p->near[far]))
			far = i;
	return far;
}

/* An empty cluster takes the row that is farthest from its centre. By one lane; near has been measured. */
static void
fill_empty(sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	const sc_kmeans_points *p = &w->all;
	const uint32_t *group = w->order.group;
	size_t d = (size_t) km->d;

	for (int c = 0; c < w->centres.k; c++)
	{
		size_t far, from;

		if (l->size[c] > 0)
			continue;
		far = farthest(km);
		if (far == SIZE_MAX)
			return;
		from = (size_t) p->own[far];
		for (size_t j = 0; j < d; j++)
		{
			l->total[from * d + j] -= p->z[far * d + j];
			l->total[(size_t) c * d + j] = p->z[far * d + j];
		}
		l->size[from]--;
		l->size[c] = 1;
		p->own[far] = c;
		/* What is known of it was of the other centre, and the sums of both clusters are to be made again. */
		p->upper[far] = INFINITY;
		p->lower[far] = 0;
		l->touched[from] = l->touched[c] = 2;

		/* Its likes are as far, and must not make a second cluster. */
		for (size_t i = far; i < km->n && group[i] == group[far]; i++)
			p->near[i] = 0;
		for (size_t i = far; i-- > 0 && group[i] == group[far];)
			p->near[i] = 0;
	}
}

/* Centre c to `to`; how far it moved, squared. */
static double
move_centre(sc_kmeans *km, size_t c)
{
	sc_kmeans_work *w = km->work;
	const sc_kmeans_lloyd *l = &w->lloyd;
	size_t d = (size_t) km->d;
	double *point = w->centres.point + c * d;
	double moved = 0;

	for (size_t j = 0; j < d; j++)
	{
		double to = l->total[c * d + j] / (double) l->size[c];
		double step = to - point[j];

		moved += step * step;
		point[j] = to;
	}
	return moved;
}

/* New centres from the sums of all shards; how far they moved, squared. By one lane. */
static double
update(sc_kmeans *km)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	double moved = 0;

	if (l->empty)
		fill_empty(km);
	l->drifts[0] = l->drifts[1] = 0;
	l->fastest = 0;
	for (int c = 0; c < w->centres.k; c++)
	{
		double way = l->touched[c] && l->size[c] > 0 ? move_centre(km, (size_t) c) : 0;

		moved += way;
		l->drift[c] = sqrt(way) * (1 + SC_KMEANS_HAIR);
		if (l->drift[c] > l->drifts[0])
		{
			l->drifts[1] = l->drifts[0];
			l->drifts[0] = l->drift[c];
			l->fastest = c;
		}
		else
			l->drifts[1] = SC_MAX(l->drifts[1], l->drift[c]);
	}
	for (int s = 0; s < w->shards; s++)
		for (int c = 0; c < w->centres.k; c++)
		{
			uint8_t *touched = &l->touched[(size_t) s * w->most + c];

			*touched = *touched == 2;
		}
	sc_kmeans_narrow(&w->centres);
	return moved;
}

/* The centres move to the means of their rows; done: there is no more to do. */
static sc_status
move_centres(const sc_lane *lane, sc_kmeans *km, bool first)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;

	if (lane->index == 0)
		gather_touched(km);
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(sc_kmeans_sum(lane, km, &w->all));
	if (l->empty)
		SC_TRY(measure(lane, km));
	if (lane->index == 0)
	{
		size_t changed = first;
		double moved = update(km);

		for (int s = 0; s < w->shards; s++)
			changed += l->changed[s];
		l->done = changed == 0 || moved <= w->order.tolerance;
	}
	return sc_lane_barrier(lane);
}

sc_status
sc_kmeans_iterate(const sc_lane *lane, sc_kmeans *km, int most, int *iterations, bool *converged)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_lloyd *l = &w->lloyd;
	size_t begin, end;

	*iterations = 0;
	*converged = false;
	if (lane->index == 0)
	{
		if (!w->bounded)
			sc_kmeans_narrow(&w->centres);
		memset(l->touched, 1, (size_t) w->shards * w->most);
		memset(l->changed, 0, (size_t) w->shards * sizeof(size_t));
	}
	SC_TRY(sc_lane_barrier(lane));
	if (!w->bounded)
		SC_TRY(sc_kmeans_bound_all(lane, km, &w->all));
	while (*iterations < most && !*converged)
	{
		if (*iterations > 0)
			SC_TRY(assign(lane, km));
		SC_TRY(move_centres(lane, km, *iterations == 0));
		*converged = l->done;
		++*iterations;
	}
	sc_shard_range(km->n, lane->count, lane->index, &begin, &end);
	memcpy(w->made + begin, w->all.own + begin, (end - begin) * sizeof(int32_t));
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(assign(lane, km));
	return measure(lane, km);
}
