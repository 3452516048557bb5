/*-------------------------------------------------------------------------
 *
 * src/core/analytics/candidates.c
 *	  Rows that are multiplied with queries: their memory, and what is made of
 *	  them once.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/candidates_parts.h"

#include "core/base/distance.h"

/* Parts of the rows whose sums are added in their order, for the mean: as many lanes as have something to do. */
#define MEAN_SHARDS 16

/* Rows that the others are centred by, where there are more: any point will do, and the mean of so many is near theirs. */
#define SAMPLE 4096

/*
 * Rows, dimensions and queries from which on reduced rows pay: they are made by
 * as many multiplications as SC_REDUCED_DIM queries take.
 */
#define REDUCED_ROWS 4096
#define REDUCED_FROM_DIM (4 * SC_REDUCED_DIM)
#define REDUCED_QUERIES (4 * SC_REDUCED_DIM)

static void
layout_block(const sc_candidates *c, sc_candidates_block *b, sc_arena *arena)
{
	int queries = sc_candidates_queries(c->d), rows = sc_candidates_rows(c->d);
	bool narrow = sc_bf16_fast();

	b->stride = rows;
	b->queries = SC_TAKE(arena, float, sc_mul(queries, (size_t) c->d));
	b->reduced_queries = c->reducible ? SC_TAKE(arena, float, SC_MAX(queries, rows) * SC_REDUCED_DIM) : NULL;
	b->query_norm = SC_TAKE(arena, double, queries);
	b->rows = SC_TAKE(arena, float, sc_mul(rows, (size_t) c->d));
	b->rows_norm = SC_TAKE(arena, double, rows);
	b->bar = SC_TAKE(arena, float, rows);
	b->dots = SC_TAKE(arena, float, sc_mul(queries, (size_t) rows));
	b->packed_queries =
		SC_TAKE(arena, uint32_t,
				narrow ? sc_mul(sc_candidates_panels(queries, SC_BF16_LEFT), sc_bf16_panel(SC_BF16_LEFT, c->d)) : 0);
	b->packed_rows =
		SC_TAKE(arena, uint32_t,
				narrow ? sc_mul(sc_candidates_panels(rows, SC_BF16_RIGHT), sc_bf16_panel(SC_BF16_RIGHT, c->d)) : 0);
}

static void
layout_reduced(sc_candidates *c, sc_arena *arena)
{
	sc_reduction_layout(&c->reduction, c->n, c->d, arena);
	c->norm = SC_TAKE(arena, double, c->n);
	if (sc_bf16_fast())
		c->packed_rows =
			SC_TAKE(arena, uint32_t,
					sc_mul(sc_candidates_panels(c->n, SC_BF16_RIGHT), sc_bf16_panel(SC_BF16_RIGHT, SC_REDUCED_DIM)));
	else
		c->reduced_rows = SC_TAKE(arena, float, sc_mul(c->n, SC_REDUCED_DIM));
}

void
sc_candidates_layout(sc_candidates *c, sc_arena *arena)
{
	SC_ASSERT(c->n >= 1 && c->n <= (size_t) 1 << 31 && c->d >= 1 && c->lanes >= 1);
	sc_centring_layout(&c->centring, MEAN_SHARDS, c->d, arena);
	c->sample = c->n > SAMPLE ? SC_TAKE(arena, uint32_t, SAMPLE) : NULL;
	c->reducible = c->n >= REDUCED_ROWS && c->d >= REDUCED_FROM_DIM;
	if (c->reducible)
		layout_reduced(c, arena);
	c->block = SC_TAKE(arena, sc_candidates_block, c->lanes);
	for (int l = 0; l < c->lanes; l++)
	{
		sc_candidates_block b = {0};

		layout_block(c, &b, arena);
		if (c->block != NULL)
			c->block[l] = b;
	}
	c->ready = c->reduced = false;
}

sc_candidates_block *
sc_candidates_open(const sc_candidates *c, const sc_lane *lane)
{
	SC_ASSERT(lane->index < c->lanes);
	return &c->block[lane->index];
}

void
sc_candidates_load(const sc_candidates *c, const float *x, int m, float *out, double *norm)
{
	size_t d = (size_t) c->d;

	for (int i = 0; i < m; i++)
		norm[i] = sc_distance()->centre_row(out + i * d, x + i * d, c->centring.mean, c->centring.scale, c->d);
}

/* All rows reduced, each lane its blocks of them. */
static sc_status
reduce_rows(const sc_lane *lane, sc_candidates *c)
{
	sc_candidates_block *b = sc_candidates_open(c, lane);
	size_t block = (size_t) sc_candidates_rows(c->d), d = (size_t) c->d;

	for (size_t first = lane->index * block; first < c->n; first += lane->count * block)
	{
		int m = (int) SC_MIN(block, c->n - first);
		float *out = c->reduced_rows != NULL ? c->reduced_rows + first * SC_REDUCED_DIM : b->reduced_queries;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_candidates_load(c, c->rows + first * d, m, b->rows, c->norm + first);
		sc_reduction_apply(&c->reduction, out, b->rows, c->norm + first, m);
		for (int i = 0; c->packed_rows != NULL && i < m; i += SC_BF16_RIGHT)
			sc_bf16_pack_right(c->packed_rows +
								   (first + i) / SC_BF16_RIGHT * sc_bf16_panel(SC_BF16_RIGHT, SC_REDUCED_DIM),
							   out + i * SC_REDUCED_DIM, SC_MIN(m - i, SC_BF16_RIGHT), SC_REDUCED_DIM);
	}
	return SC_OK;
}

static sc_status
centre(const sc_lane *lane, sc_candidates *c)
{
	size_t n = c->sample != NULL ? SAMPLE : c->n;

	if (lane->index == 0 && c->sample != NULL)
		for (size_t i = 0; i < SAMPLE; i++)
			c->sample[i] = (uint32_t) (i * c->n / SAMPLE);
	SC_TRY(sc_lane_barrier(lane));
	/* A row differs from the mean by no more than twice the largest. */
	return sc_centring_find(lane, &c->centring, c->rows, c->sample, n, c->d, 2);
}

sc_status
sc_candidates_prepare(const sc_lane *lane, sc_candidates *c, size_t queries)
{
	bool centred = c->ready, reduce = c->reducible && !c->reduced && queries >= REDUCED_QUERIES;

	/* Every lane has seen what is done before one of them says that more is. */
	SC_TRY(sc_lane_barrier(lane));
	if (!centred)
		SC_TRY(centre(lane, c));
	if (reduce)
	{
		SC_TRY(sc_reduction_find(lane, &c->reduction, &c->centring, c->rows, c->n));
		SC_TRY(reduce_rows(lane, c));
	}
	if (lane->index == 0)
	{
		c->ready = true;
		c->reduced = c->reduced || reduce;
	}
	return sc_lane_barrier(lane);
}
