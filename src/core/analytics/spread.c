/*-------------------------------------------------------------------------
 *
 * src/core/analytics/spread.c
 *	  Rows that are far from each other.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/spread.h"

#include <math.h>

#include "core/base/distance.h"

/* Rows between two looks at the stop flag. */
#define STOP_ROWS 256

/* The mean is the sum of so many parts, added in their order. */
#define SHARDS 64

void
sc_spread_layout(sc_spread *spread, sc_arena *arena)
{
	SC_ASSERT(spread->count >= 1 && spread->count <= spread->n);
	spread->chosen = SC_TAKE(arena, uint32_t, spread->count);
	spread->away = SC_TAKE(arena, double, spread->n);
	sc_centring_layout(&spread->centring, SHARDS, spread->d, arena);
	spread->best = SC_TAKE(arena, double, SC_MAX_LANES);
	spread->row = SC_TAKE(arena, size_t, SC_MAX_LANES);
}

/*
 * The row farthest from those chosen so far, `chosen` the last of them; NULL: none
 * is yet, and it is the row nearest to the mean. *left: it is not equal to one of
 * them, nor are perhaps others.
 */
static sc_status
find_next(const sc_lane *lane, sc_spread *spread, const float *chosen, size_t *next, bool *left)
{
	size_t d = (size_t) spread->d, begin, end;
	double best = -INFINITY;

	sc_shard_range(spread->n, lane->count, lane->index, &begin, &end);
	spread->row[lane->index] = begin;
	for (size_t i = begin; i < end; i++)
	{
		const float *row = spread->rows + i * d;
		double away;

		if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		if (chosen == NULL)
		{
			spread->away[i] = INFINITY;
			away = -sc_distance()->distance2_centre(row, spread->centring.mean, spread->d);
		}
		else
			away = spread->away[i] = fmin(spread->away[i], sc_distance()->distance2(row, chosen, spread->d));
		if (away > best)
		{
			best = away;
			spread->row[lane->index] = i;
		}
	}
	spread->best[lane->index] = best;
	SC_TRY(sc_lane_barrier(lane));
	*next = spread->row[0];
	best = spread->best[0];
	for (int l = 1; l < lane->count; l++)
		if (spread->best[l] > best)
		{
			best = spread->best[l];
			*next = spread->row[l];
		}
	*left = chosen == NULL || best > 0;
	return sc_lane_barrier(lane);
}

/* All rows are chosen or equal to one that is: from now on it is the first ones. */
static void
take_equals(sc_spread *spread, size_t chosen)
{
	for (size_t i = 0; i < spread->n && chosen < spread->count; i++)
		if (spread->away[i] >= 0)
			spread->chosen[chosen++] = (uint32_t) i;
}

sc_status
sc_spread_run(const sc_lane *lane, void *arg)
{
	sc_spread *spread = arg;
	const float *chosen = NULL;

	SC_TRY(sc_centring_find(lane, &spread->centring, spread->rows, NULL, spread->n, spread->d, 1));
	for (size_t i = 0; i < spread->count; i++)
	{
		size_t next;
		bool left;

		SC_TRY(find_next(lane, spread, chosen, &next, &left));
		if (!left)
		{
			if (lane->index == 0)
				take_equals(spread, i);
			break;
		}
		chosen = spread->rows + next * (size_t) spread->d;
		if (lane->index == 0)
		{
			spread->chosen[i] = (uint32_t) next;
			/* It is not chosen again, even where all others are equal to it. */
			spread->away[next] = -1;
		}
		SC_TRY(sc_lane_barrier(lane));
	}
	return SC_OK;
}
