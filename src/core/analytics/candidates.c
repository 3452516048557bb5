/*-------------------------------------------------------------------------
 *
 * src/core/analytics/candidates.c
 *	  Which rows may be near a query.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/candidates.h"

#include <float.h>

#include "core/base/bf16.h"
#include "core/base/distance.h"
#include "core/base/gemm.h"

/* Parts of the rows whose sums are added in their order, for the mean: as many lanes as have something to do. */
#define MEAN_SHARDS 16

/* Rows that the others are centred by, where there are more: any point will do, and the mean of so many is near theirs. */
#define SAMPLE 4096

/*
 * Where more than this share of the rows are candidates, products in bf16 are
 * too blunt for them: to measure one takes as long as ten products in float.
 * Among the first rows, those before BLUNT_FROM, many are, whatever the product.
 */
#define BLUNT 8
#define BLUNT_FROM 4096

static inline size_t
panels(int rows, int width)
{
	return ((size_t) rows + width - 1) / width;
}

void
sc_candidates_layout(sc_candidates *c, sc_arena *arena)
{
	int queries = sc_candidates_queries(c->d), rows = sc_candidates_rows(c->d);
	bool narrow = sc_bf16_fast();

	SC_ASSERT(c->n >= 1 && c->n <= (size_t) 1 << 31 && c->d >= 1 && c->lanes >= 1);
	sc_centring_layout(&c->centring, MEAN_SHARDS, c->d, arena);
	c->sample = c->n > SAMPLE ? SC_TAKE(arena, uint32_t, SAMPLE) : NULL;
	c->block = SC_TAKE(arena, sc_candidates_block, c->lanes);
	for (int l = 0; l < c->lanes; l++)
	{
		sc_candidates_block b = {.stride = rows};

		b.queries = SC_TAKE(arena, float, sc_mul(queries, (size_t) c->d));
		b.query_norm = SC_TAKE(arena, double, queries);
		b.rows = SC_TAKE(arena, float, sc_mul(rows, (size_t) c->d));
		b.norm = SC_TAKE(arena, double, rows);
		b.dots = SC_TAKE(arena, float, sc_mul(queries, (size_t) rows));
		b.packed_queries =
			SC_TAKE(arena, uint32_t,
					narrow ? sc_mul(panels(queries, SC_BF16_LEFT), sc_bf16_panel(SC_BF16_LEFT, c->d)) : 0);
		b.packed_rows = SC_TAKE(arena, uint32_t,
								narrow ? sc_mul(panels(rows, SC_BF16_RIGHT), sc_bf16_panel(SC_BF16_RIGHT, c->d)) : 0);
		if (c->block != NULL)
			c->block[l] = b;
	}
	c->ready = false;
}

sc_candidates_block *
sc_candidates_open(const sc_candidates *c, const sc_lane *lane)
{
	SC_ASSERT(lane->index < c->lanes);
	return &c->block[lane->index];
}

sc_status
sc_candidates_prepare(const sc_lane *lane, sc_candidates *c)
{
	size_t n = c->sample != NULL ? SAMPLE : c->n;

	if (c->ready)
		return sc_lane_barrier(lane);
	if (lane->index == 0 && c->sample != NULL)
		for (size_t i = 0; i < SAMPLE; i++)
			c->sample[i] = (uint32_t) (i * c->n / SAMPLE);
	SC_TRY(sc_lane_barrier(lane));
	/* A row differs from the mean by no more than twice the largest. */
	SC_TRY(sc_centring_find(lane, &c->centring, c->rows, c->sample, n, c->d, 2));
	if (lane->index == 0)
		c->ready = true;
	return sc_lane_barrier(lane);
}

/* m rows of x (m, d), centred and scaled, into out (m, d); their squared norms. */
static void
load(const sc_candidates *c, const float *x, int m, float *out, double *norm)
{
	size_t d = (size_t) c->d;

	for (int i = 0; i < m; i++)
		norm[i] = sc_distance()->centre_row(out + i * d, x + i * d, c->centring.mean, c->centring.scale, c->d);
}

/* The queries, and where products are in bf16 their panels. */
static void
load_queries(const sc_candidates *c, sc_candidates_block *b, const float *x)
{
	load(c, x, b->m, b->queries, b->query_norm);
	for (int i = 0; b->narrow && i < (int) panels(b->m, SC_BF16_LEFT) * SC_BF16_LEFT; i++)
		sc_bf16_pack(b->packed_queries + i / SC_BF16_LEFT * sc_bf16_panel(SC_BF16_LEFT, c->d), SC_BF16_LEFT,
					 i % SC_BF16_LEFT, i < b->m ? b->queries + (size_t) i * c->d : NULL, c->d);
}

/* The rows; where products are in bf16 their panels alone, each through the first rows of the block. */
static void
load_rows(const sc_candidates *c, sc_candidates_block *b)
{
	const float *x = c->rows + b->first * c->d;

	if (!b->narrow)
		load(c, x, b->count, b->rows, b->norm);
	for (int i = 0; b->narrow && i < b->count; i += SC_BF16_RIGHT)
	{
		int m = SC_MIN(b->count - i, SC_BF16_RIGHT);

		load(c, x + (size_t) i * c->d, m, b->rows, b->norm + i);
		sc_bf16_pack_right(b->packed_rows + (size_t) i / SC_BF16_RIGHT * sc_bf16_panel(SC_BF16_RIGHT, c->d), b->rows, m,
						   c->d);
	}
}

void
sc_candidates_ask(const sc_candidates *c, sc_candidates_block *b, const float *x, int m)
{
	SC_ASSERT(m >= 1 && m <= sc_candidates_queries(c->d));
	b->m = m;
	b->narrow = sc_bf16_fast();
	b->seen = b->found = 0;
	load_queries(c, b, x);
}

void
sc_candidates_multiply(const sc_candidates *c, sc_candidates_block *b, size_t first)
{
	if (b->narrow && b->seen >= BLUNT_FROM && b->found > (size_t) b->m * b->seen / BLUNT)
		b->narrow = false;
	b->first = first;
	b->count = (int) SC_MIN((size_t) sc_candidates_rows(c->d), c->n - first);
	b->seen += (size_t) b->count;
	load_rows(c, b);
	if (b->narrow)
		sc_bf16_multiply(b->dots, b->stride, b->packed_queries, b->m, b->packed_rows, b->count, c->d);
	else
		sc_sgemm(false, true, b->m, b->count, c->d, 1, b->queries, c->d, b->rows, c->d, 0, b->dots, b->stride);
}

/*
 * How far a squared distance from a product may be off, as a share of |q|^2 +
 * |x|^2. In bf16, with u its rounding, q.x is off by (2 u + u^2) |q||x| more
 * than in float, and a distance by twice that, where 2 |q||x| is no more than
 * the sum of the squares. Its sums are rounded as in float.
 */
static double
error(const sc_candidates *c, const sc_candidates_block *b)
{
	const double u = SC_BF16_ROUNDING;

	return sc_product_error(c->d) + (b->narrow ? 2 * u + u * u : 0);
}

int
sc_candidates_next(const sc_candidates *c, sc_candidates_block *b, int i, double reach, int from)
{
	double share = 1 - error(c, b);
	double slack = 4 * c->d * (double) FLT_MIN; /* more than underflow takes from d products */

	from = sc_distance()->next_near(b->dots + (size_t) i * b->stride, b->norm, share,
									reach * c->centring.scale * c->centring.scale - share * b->query_norm[i] + slack,
									from, b->count);
	b->found += from < b->count;
	return from;
}
