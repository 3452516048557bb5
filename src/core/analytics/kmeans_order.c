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

void
sc_kmeans_order_layout(sc_kmeans *km, sc_arena *arena)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_order *o = &w->order;
	size_t n = km->n;

	o->order = (sc_row_order){.n = n, .d = km->d, .rows = km->rows};
	sc_row_order_layout(&o->order, arena);
	o->row = o->order.row;
	o->group = o->order.group;
	sc_centring_layout(&o->centring, w->shards, km->d, arena);
	o->z = SC_TAKE(arena, float, sc_mul(n, (size_t) km->d));
	o->norm = SC_TAKE(arena, double, n);
	o->sum = SC_TAKE(arena, double, w->shards);
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

	SC_TRY(sc_row_order_find(lane, &o->order));
	SC_TRY(sc_centring_find(lane, &o->centring, km->rows, o->row, km->n, km->d, 1));
	SC_TRY(centre_rows(lane, km));
	if (lane->index == 0)
	{
		km->distinct = o->order.distinct;
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
