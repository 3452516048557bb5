/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_order.c
 *	  The rows in an order that nothing but their values decides.
 *
 * Sums and draws go through the rows in this order, so the result has the same
 * bits however the rows come. The rows in this order, centred and scaled, are
 * the points that the other phases work on.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_parts.h"

#include <string.h>

#include "core/base/distance.h"

/* Rows between two looks at the stop flag. */
#define STOP_ROWS 256
#define STOP_SORTED 16384 /* comparisons, nearly all of hashes alone: about a millisecond */

void
sc_kmeans_order_layout(sc_kmeans *km, sc_arena *arena)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_order *o = &w->order;
	size_t n = km->n;

	o->hash = SC_TAKE(arena, uint64_t, n);
	o->row = SC_TAKE(arena, uint32_t, n);
	o->merge = SC_TAKE(arena, uint32_t, n);
	o->group = SC_TAKE(arena, uint32_t, n);
	sc_centring_layout(&o->centring, w->shards, km->d, arena);
	o->z = SC_TAKE(arena, float, sc_mul(n, (size_t) km->d));
	o->norm = SC_TAKE(arena, double, n);
	o->sum = SC_TAKE(arena, double, w->shards);
}

/* By hash, then by contents; 0 for equal rows. */
static int
compare_rows(const sc_kmeans *km, uint32_t a, uint32_t b)
{
	const uint64_t *hash = km->work->order.hash;

	if (hash[a] != hash[b])
		return hash[a] < hash[b] ? -1 : 1;
	for (int j = 0; j < km->d; j++)
	{
		float x = km->rows[(size_t) a * km->d + j], y = km->rows[(size_t) b * km->d + j];

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* Merge sort, so that it can be stopped. Which of two equal rows comes first makes no difference to anyone. */
static sc_status
sort_rows(const sc_lane *lane, const sc_kmeans *km)
{
	sc_kmeans_order *o = &km->work->order;
	uint32_t *from = o->row, *to = o->merge;
	size_t n = km->n;

	for (size_t i = 0; i < n; i++)
		from[i] = (uint32_t) i;
	for (size_t width = 1; width < n; width *= 2)
	{
		uint32_t *t;

		for (size_t lo = 0; lo < n; lo += 2 * width)
		{
			size_t mid = SC_MIN(lo + width, n), hi = SC_MIN(lo + 2 * width, n);
			size_t a = lo, b = mid;

			for (size_t i = lo; i < hi; i++)
			{
				if (i % STOP_SORTED == 0 && sc_lane_stopped(lane))
					return SC_ABORTED;
				if (a < mid && (b >= hi || compare_rows(km, from[a], from[b]) <= 0))
					to[i] = from[a++];
				else
					to[i] = from[b++];
			}
		}
		t = from;
		from = to;
		to = t;
	}
	if (from != o->row)
		memcpy(o->row, from, n * sizeof(uint32_t));
	return SC_OK;
}

/* Number the groups of equal rows. */
static void
find_groups(sc_kmeans *km)
{
	sc_kmeans_order *o = &km->work->order;

	o->group[0] = 0;
	for (size_t i = 1; i < km->n; i++)
		o->group[i] = o->group[i - 1] + (compare_rows(km, o->row[i - 1], o->row[i]) != 0);
	km->distinct = (size_t) o->group[km->n - 1] + 1;
}

static sc_status
hash_rows(const sc_lane *lane, const sc_kmeans *km)
{
	size_t begin, end;

	for (int s = lane->index; s < km->work->shards; s += lane->count)
	{
		sc_shard_range(km->n, km->work->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			km->work->order.hash[i] = sc_distance()->hash_row(km->rows + i * km->d, km->d);
		}
	}
	return sc_lane_barrier(lane);
}

/* z, norm, sum and total. */
static sc_status
centre_rows(const sc_lane *lane, const sc_kmeans *km)
{
	sc_kmeans_order *o = &km->work->order;
	size_t d = (size_t) km->d;
	size_t begin, end;

	for (int s = lane->index; s < km->work->shards; s += lane->count)
	{
		double sum = 0;

		sc_shard_range(km->n, km->work->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			o->norm[i] = sc_distance()->centre_row(o->z + i * d, km->rows + o->row[i] * d, o->centring.mean,
												   o->centring.scale, km->d);
			sum += o->norm[i];
		}
		o->sum[s] = sum;
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		o->total = 0;
		for (int s = 0; s < km->work->shards; s++)
			o->total += o->sum[s];
	}
	return sc_lane_barrier(lane);
}

sc_status
sc_kmeans_order_rows(const sc_lane *lane, sc_kmeans *km)
{
	sc_kmeans_order *o = &km->work->order;

	SC_TRY(hash_rows(lane, km));
	if (lane->index == 0)
	{
		SC_TRY(sort_rows(lane, km));
		find_groups(km);
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(sc_centring_find(lane, &o->centring, km->rows, o->row, km->n, km->d, 1));
	SC_TRY(centre_rows(lane, km));
	if (lane->index == 0)
	{
		o->centred = true;
		o->tolerance = km->tol * o->total / ((double) km->n * (double) km->d);
		km->tolerance = o->tolerance / (o->centring.scale * o->centring.scale);
	}
	return sc_lane_barrier(lane);
}

/*
 * A float is off by 2^-24 of itself at most, so all of z by 2^-48 of its
 * squares. Inertia that is a million times as much is good to three digits at
 * the worst, and that of most rows is more than a millionth of their squares.
 */
bool
sc_kmeans_order_is_rounding(const sc_kmeans_order *o, double inertia)
{
	return o->centred && inertia < 1e6 * 0x1p-48 * o->total;
}

/* The scale stays: it is of the rows as they came. So does the tolerance, a share of their variance. */
sc_status
sc_kmeans_order_uncentre(const sc_lane *lane, sc_kmeans *km)
{
	sc_kmeans_order *o = &km->work->order;

	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		memset(o->centring.mean, 0, km->d * sizeof(double));
		o->centred = false;
	}
	SC_TRY(sc_lane_barrier(lane));
	return centre_rows(lane, km);
}
