/*-------------------------------------------------------------------------
 *
 * src/core/analytics/near.c
 *	  Pairs of rows by blocked products of the rows with themselves.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/near.h"

#include <math.h>

#include "core/base/distance.h"

/* Blocks of pairs that a shard has room for. */
#define ROOM_BLOCKS 2

/* Pairs that one product can find. */
static size_t
block_pairs(const sc_near *near)
{
	return (size_t) sc_candidates_queries(near->d) * sc_candidates_rows(near->d);
}

void
sc_near_layout(sc_near *near, sc_arena *arena)
{
	sc_near_shard *shard;

	SC_ASSERT(near->n >= 2 && near->threshold >= 0);
	near->room = ROOM_BLOCKS * block_pairs(near);
	near->candidates = (sc_candidates){.n = near->n, .d = near->d, .rows = near->rows, .lanes = near->lanes};
	sc_candidates_layout(&near->candidates, arena);
	near->shard = shard = SC_TAKE(arena, sc_near_shard, near->lanes);
	for (int s = 0; s < near->lanes; s++)
	{
		sc_near_pair *pair = SC_TAKE(arena, sc_near_pair, near->room);

		if (shard != NULL)
			shard[s].pair = pair;
	}
}

void
sc_near_begin(sc_near *near)
{
	size_t block = (size_t) sc_candidates_queries(near->d);

	for (int s = 0; s < near->lanes; s++)
	{
		near->shard[s].count = 0;
		near->shard[s].query = near->shard[s].row = s * block;
		near->shard[s].done = near->shard[s].query >= near->n;
	}
	near->done = false;
}

/* Pairs of the queries, which are rows from q on, with the rows of the block, none below the diagonal. */
static void
compare(sc_near *near, sc_near_shard *shard, sc_candidates_block *b, size_t q)
{
	size_t d = (size_t) near->d;
	double reach = near->threshold * near->threshold;

	for (int i = 0; i < b->m; i++)
		for (int j = q + i >= b->first ? (int) (q + i + 1 - b->first) : 0; j < b->count; j++)
		{
			const float *row = near->rows + b->first * d;
			double a;

			j = sc_candidates_next(&near->candidates, b, i, reach, j);
			if (j == b->count)
				break;
			a = sqrt(sc_distance()->distance2(near->rows + (q + i) * d, row + j * d, near->d));
			if (a <= near->threshold)
				shard->pair[shard->count++] = (sc_near_pair){(uint32_t) (q + i), (uint32_t) (b->first + j), a};
		}
}

/* The shard from where it is to its end, or until it, or another, is full. */
static sc_status
go_on(const sc_lane *lane, sc_near *near, sc_near_shard *shard)
{
	size_t block = (size_t) sc_candidates_queries(near->d);
	sc_candidates_block *b = sc_candidates_open(&near->candidates, lane);
	size_t loaded = SIZE_MAX;

	while (!shard->done)
	{
		int m = (int) SC_MIN(block, near->n - shard->query);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		if (near->room - shard->count < block_pairs(near))
		{
			__atomic_store_n(&near->full, true, __ATOMIC_RELAXED);
			break;
		}
		if (shard->count > 0 && __atomic_load_n(&near->full, __ATOMIC_RELAXED))
			break;
		if (loaded != shard->query)
		{
			sc_candidates_ask(&near->candidates, b, near->rows + shard->query * near->d, m);
			loaded = shard->query;
		}
		sc_candidates_multiply(&near->candidates, b, shard->row);
		compare(near, shard, b, shard->query);
		shard->row += b->count;
		if (shard->row >= near->n)
		{
			shard->query += (size_t) near->lanes * block;
			shard->row = shard->query;
			shard->done = shard->query >= near->n;
		}
	}
	return SC_OK;
}

sc_status
sc_near_run(const sc_lane *lane, void *arg)
{
	sc_near *near = arg;

	SC_TRY(sc_candidates_prepare(lane, &near->candidates, near->n));
	if (lane->index == 0)
	{
		near->full = false;
		near->done = true;
	}
	SC_TRY(sc_lane_barrier(lane));
	for (int s = lane->index; s < near->lanes; s += lane->count)
	{
		near->shard[s].count = 0;
		SC_TRY(go_on(lane, near, &near->shard[s]));
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		for (int s = 0; s < near->lanes; s++)
			near->done = near->done && near->shard[s].done;
	return SC_OK;
}
