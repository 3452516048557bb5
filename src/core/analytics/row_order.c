/*-------------------------------------------------------------------------
 *
 * src/core/analytics/row_order.c
 *	  Rows in an order that nothing but their values decides.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/row_order.h"

#include <string.h>

#include "core/base/distance.h"

/* Rows between two looks at the stop flag. */
#define STOP_ROWS 256
#define STOP_SORTED 16384 /* comparisons, nearly all of hashes alone: about a millisecond */

void
sc_row_order_layout(sc_row_order *o, sc_arena *arena)
{
	SC_ASSERT(o->n >= 1 && o->n <= UINT32_MAX && o->d >= 1);
	o->hash = SC_TAKE(arena, uint64_t, o->n);
	o->row = SC_TAKE(arena, uint32_t, o->n);
	o->merge = SC_TAKE(arena, uint32_t, o->n);
	o->group = SC_TAKE(arena, uint32_t, o->n);
}

/* By hash, then by contents; 0 for equal rows. */
static int
compare_rows(const sc_row_order *o, uint32_t a, uint32_t b)
{
	if (o->hash[a] != o->hash[b])
		return o->hash[a] < o->hash[b] ? -1 : 1;
	for (int j = 0; j < o->d; j++)
	{
		float x = o->rows[(size_t) a * o->d + j], y = o->rows[(size_t) b * o->d + j];

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* Merge sort, so that it can be stopped. Which of two equal rows comes first makes no difference to anyone. */
static sc_status
sort_rows(const sc_lane *lane, sc_row_order *o)
{
	uint32_t *from = o->row, *to = o->merge;
	size_t n = o->n;

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
				if (a < mid && (b >= hi || compare_rows(o, from[a], from[b]) <= 0))
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
find_groups(sc_row_order *o)
{
	o->group[0] = 0;
	for (size_t i = 1; i < o->n; i++)
		o->group[i] = o->group[i - 1] + (compare_rows(o, o->row[i - 1], o->row[i]) != 0);
	o->distinct = (size_t) o->group[o->n - 1] + 1;
}

sc_status
sc_row_order_find(const sc_lane *lane, sc_row_order *o)
{
	size_t begin, end;

	/* Each hash is of its row alone, so that the number of lanes does not matter. */
	sc_shard_range(o->n, lane->count, lane->index, &begin, &end);
	for (size_t i = begin; i < end; i++)
	{
		if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		o->hash[i] = sc_distance()->hash_row(o->rows + i * o->d, o->d);
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		SC_TRY(sort_rows(lane, o));
		find_groups(o);
	}
	return sc_lane_barrier(lane);
}
