/*-------------------------------------------------------------------------
 *
 * src/core/analytics/candidates.c
 *	  Which rows may be near a query.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/candidates.h"

#include <float.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"

/* Parts of the rows whose sums are added in their order, for the mean: as many lanes as have something to do. */
#define MEAN_SHARDS 16

/* Queries, rows and products of one lane. */
static size_t
lane_floats(int d)
{
	size_t q = (size_t) sc_candidates_queries(d), r = (size_t) sc_candidates_rows(d);

	return (q + r) * (size_t) d + q * r;
}

void
sc_candidates_layout(sc_candidates *c, sc_arena *arena)
{
	SC_ASSERT(c->n >= 1 && c->n <= (size_t) 1 << 31 && c->d >= 1 && c->lanes >= 1);
	sc_centring_layout(&c->centring, MEAN_SHARDS, c->d, arena);
	c->norm = SC_TAKE(arena, double, c->n);
	c->blocks = SC_TAKE(arena, float, sc_mul(c->lanes, lane_floats(c->d)));
	c->ready = false;
}

sc_candidates_block
sc_candidates_open(const sc_candidates *c, const sc_lane *lane)
{
	sc_candidates_block b = {.queries = c->blocks + (size_t) lane->index * lane_floats(c->d)};

	SC_ASSERT(lane->index < c->lanes);
	b.rows = b.queries + (size_t) sc_candidates_queries(c->d) * c->d;
	b.dots = b.rows + (size_t) sc_candidates_rows(c->d) * c->d;
	return b;
}

void
sc_candidates_load(const sc_candidates *c, const float *x, int m, float *out, double *norm)
{
	for (int i = 0; i < m; i++)
	{
		size_t at = (size_t) i * c->d;
		double square = sc_distance()->centre_row(out + at, x + at, c->centring.mean, c->centring.scale, c->d);

		if (norm != NULL)
			norm[i] = square;
	}
}

sc_status
sc_candidates_prepare(const sc_lane *lane, sc_candidates *c)
{
	size_t block = (size_t) sc_candidates_rows(c->d);
	float *z = sc_candidates_open(c, lane).rows;
	size_t begin, end;

	if (c->ready)
		return sc_lane_barrier(lane);
	/* A row differs from the mean by no more than twice the largest. */
	SC_TRY(sc_centring_find(lane, &c->centring, c->rows, NULL, c->n, c->d, 2));
	sc_shard_range(c->n, lane->count, lane->index, &begin, &end);
	for (; begin < end; begin += block)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_candidates_load(c, c->rows + begin * c->d, (int) SC_MIN(block, end - begin), z, c->norm + begin);
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		c->ready = true;
	return sc_lane_barrier(lane);
}

void
sc_candidates_multiply(const sc_candidates *c, sc_candidates_block *b, int m, size_t first)
{
	b->first = first;
	b->count = (int) SC_MIN((size_t) sc_candidates_rows(c->d), c->n - first);
	sc_candidates_load(c, c->rows + first * c->d, b->count, b->rows, NULL);
	sc_sgemm(false, true, m, b->count, c->d, 1, b->queries, c->d, b->rows, c->d, 0, b->dots, b->count);
}

int
sc_candidates_next(const sc_candidates *c, const sc_candidates_block *b, int i, double qn, double reach, int from)
{
	double share = 1 - sc_product_error(c->d);
	double slack = c->d * (double) FLT_MIN; /* more than gradual underflow takes from d products */

	return sc_distance()->next_near(b->dots + (size_t) i * b->count, c->norm + b->first, share,
									reach * c->centring.scale * c->centring.scale - share * qn + slack, from, b->count);
}
