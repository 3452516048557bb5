/*-------------------------------------------------------------------------
 *
 * src/core/analytics/near.c
 *	  Pairs of rows by blocked products of the rows with themselves.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/near.h"

#include <float.h>
#include <math.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"
#include "core/analytics/knn_parts.h"

/* Blocks of pairs that a shard has room for. */
#define ROOM_BLOCKS 2

void
sc_near_layout(sc_near *near, sc_arena *arena)
{
	sc_near_shard *shard;

	near->room = (size_t) ROOM_BLOCKS * sc_knn_query_block(near->d) * sc_knn_row_block(near->d);
	near->knn =
		(sc_knn){.n = near->n, .d = near->d, .rows = near->rows, .k = 1, .leave_out = true, .lanes = near->lanes};
	sc_knn_layout(&near->knn, arena);
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
	size_t block = (size_t) sc_knn_query_block(near->d);

	for (int s = 0; s < near->lanes; s++)
	{
		near->shard[s].count = 0;
		near->shard[s].query = near->shard[s].row = s * block;
		near->shard[s].done = near->shard[s].query >= near->n;
	}
	near->done = false;
}

/* Pairs of the queries [q, q + m) in zq with the rows [r, r + rows), none below the diagonal. */
static void
compare(sc_near *near, sc_near_shard *shard, size_t q, int m, size_t r, int rows, const float *zq, float *zx,
		float *dots)
{
	const sc_knn *knn = &near->knn;
	size_t d = (size_t) near->d;
	double error = sc_knn_error(near->d);
	double slack = near->d * (double) FLT_MIN;
	double reach = near->threshold * knn->scale * near->threshold * knn->scale;

	sc_knn_load(knn, near->rows + r * d, rows, zx, NULL);
	sc_sgemm(false, true, m, rows, near->d, 1, zq, near->d, zx, near->d, 0, dots, rows);
	for (int i = 0; i < m; i++)
		for (int j = q + i >= r ? (int) (q + i + 1 - r) : 0; j < rows; j++)
		{
			double a;

			j = sc_distance()->next_near(dots + (size_t) i * rows, knn->norm + r, 1 - error,
										 reach - (1 - error) * knn->norm[q + i] + slack, j, rows);
			if (j == rows)
				break;
			a = sqrt(sc_distance()->distance2(near->rows + (q + i) * d, near->rows + (r + j) * d, near->d));
			if (a <= near->threshold)
				shard->pair[shard->count++] = (sc_near_pair){(uint32_t) (q + i), (uint32_t) (r + j), a};
		}
}

/* The shard from where it is to its end, or until it, or another, is full. */
static sc_status
go_on(const sc_lane *lane, sc_near *near, sc_near_shard *shard)
{
	size_t d = (size_t) near->d;
	int block = sc_knn_query_block(near->d);
	int most = sc_knn_row_block(near->d);
	float *zq = near->knn.blocks + (size_t) lane->index * sc_knn_lane_floats(near->d);
	float *zx = zq + (size_t) block * d;
	float *dots = zx + (size_t) most * d;
	size_t loaded = SIZE_MAX;

	while (!shard->done)
	{
		int m = (int) SC_MIN((size_t) block, near->n - shard->query);
		int rows = (int) SC_MIN((size_t) most, near->n - shard->row);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		if (near->room - shard->count < (size_t) block * most)
		{
			__atomic_store_n(&near->full, true, __ATOMIC_RELAXED);
			break;
		}
		if (shard->count > 0 && __atomic_load_n(&near->full, __ATOMIC_RELAXED))
			break;
		if (loaded != shard->query)
		{
			sc_knn_load(&near->knn, near->rows + shard->query * d, m, zq, NULL);
			loaded = shard->query;
		}
		compare(near, shard, shard->query, m, shard->row, rows, zq, zx, dots);
		shard->row += rows;
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

	if (!near->knn.ready)
		SC_TRY(sc_knn_prepare(lane, &near->knn));
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
