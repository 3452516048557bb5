/*-------------------------------------------------------------------------
 *
 * src/core/analytics/candidates_product.c
 *	  Products of a block of queries with a block of rows, and which rows they
 *	  leave.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/candidates_parts.h"

#include <float.h>
#include <math.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"

/*
 * Where more than this share of the rows are candidates, products are too blunt
 * for them: to measure one takes as long as ten products in float. Of reduced
 * rows it is three (in float first), or seven in bf16 of whole rows, which is
 * what they are to save. Among the first rows, those before BLUNT_FROM, many
 * are, whatever the product.
 */
#define BLUNT 8
#define BLUNT_REDUCED 12
#define BLUNT_FROM 4096
#define BLUNT_REDUCED_FROM 2048

/*
 * Rows that queries are multiplied with whole before. Until a query has as many
 * neighbours that are near as it asks for, its reach is wide, and only a bound
 * that is close to the distance keeps others out.
 */
#define WHOLE_ROWS 2048

/* Less than this, as a share of the square of the largest, is lost of a distance to underflow when rows are reduced. */
#define REDUCED_SLACK 1e-23

/* 8 u, u = 2^-24. */
#define COMPARED 4.8e-7

/* The squared norm of a centred and scaled query, beyond which its products may overflow. */
#define FAR_OUT 1e30

/* Queries of dim numbers each, for products in bf16. */
static void
pack_queries(sc_candidates_block *b, const float *x, int dim)
{
	for (int i = 0; i < (int) sc_candidates_panels(b->m, SC_BF16_LEFT) * SC_BF16_LEFT; i++)
		sc_bf16_pack(b->packed_queries + i / SC_BF16_LEFT * sc_bf16_panel(SC_BF16_LEFT, dim), SC_BF16_LEFT,
					 i % SC_BF16_LEFT, i < b->m ? x + (size_t) i * dim : NULL, dim);
}

/* From now on the queries are multiplied so. */
static void
take_product(const sc_candidates *c, sc_candidates_block *b, sc_candidates_product product)
{
	b->product = product;
	b->seen = b->found = 0;
	if (product == SC_CANDIDATES_REDUCED)
	{
		sc_reduction_apply(&c->reduction, b->reduced_queries, b->queries, b->query_norm, b->m);
		if (sc_bf16_fast())
			pack_queries(b, b->reduced_queries, SC_REDUCED_DIM);
	}
	else if (product == SC_CANDIDATES_BF16)
		pack_queries(b, b->queries, c->d);
}

/* How whole rows are multiplied first. */
static sc_candidates_product
whole(void)
{
	return sc_bf16_fast() ? SC_CANDIDATES_BF16 : SC_CANDIDATES_FLOAT;
}

void
sc_candidates_ask(const sc_candidates *c, sc_candidates_block *b, const float *x, int m)
{
	SC_ASSERT(m >= 1 && m <= sc_candidates_queries(c->d));
	b->m = m;
	b->x = x;
	sc_candidates_load(c, x, m, b->queries, b->query_norm);
	b->reduce = c->reduced;
	take_product(c, b, whole());
}

/* Are too many rows candidates, so far? */
static bool
blunt(const sc_candidates_block *b)
{
	if (b->product == SC_CANDIDATES_REDUCED)
		return b->seen >= BLUNT_REDUCED_FROM && b->found > (size_t) b->m * b->seen / BLUNT_REDUCED;
	return b->seen >= BLUNT_FROM && b->found > (size_t) b->m * b->seen / BLUNT;
}

/* The next rows are multiplied by what the last ones tell. */
static void
choose_product(const sc_candidates *c, sc_candidates_block *b)
{
	if (b->reduce && b->product != SC_CANDIDATES_REDUCED && b->seen >= WHOLE_ROWS)
		take_product(c, b, SC_CANDIDATES_REDUCED);
	else if (b->product == SC_CANDIDATES_REDUCED && blunt(b))
	{
		b->reduce = false;
		take_product(c, b, whole());
	}
	else if (b->product == SC_CANDIDATES_BF16 && blunt(b))
		take_product(c, b, SC_CANDIDATES_FLOAT);
}

static void
multiply_reduced(const sc_candidates *c, sc_candidates_block *b)
{
	if (c->packed_rows != NULL)
		sc_bf16_multiply(b->dots, b->stride, b->packed_queries, b->m,
						 c->packed_rows + b->first / SC_BF16_RIGHT * sc_bf16_panel(SC_BF16_RIGHT, SC_REDUCED_DIM),
						 b->count, SC_REDUCED_DIM);
	else
		sc_sgemm(false, true, b->m, b->count, SC_REDUCED_DIM, 1, b->reduced_queries, SC_REDUCED_DIM,
				 c->reduced_rows + b->first * SC_REDUCED_DIM, SC_REDUCED_DIM, 0, b->dots, b->stride);
}

static void
multiply_float(const sc_candidates *c, sc_candidates_block *b)
{
	sc_candidates_load(c, c->rows + b->first * c->d, b->count, b->rows, b->rows_norm);
	sc_sgemm(false, true, b->m, b->count, c->d, 1, b->queries, c->d, b->rows, c->d, 0, b->dots, b->stride);
}

/* Of the rows only their panels are made, each through the first rows of the block. */
static void
multiply_bf16(const sc_candidates *c, sc_candidates_block *b)
{
	const float *x = c->rows + b->first * c->d;

	for (int i = 0; i < b->count; i += SC_BF16_RIGHT)
	{
		int m = SC_MIN(b->count - i, SC_BF16_RIGHT);

		sc_candidates_load(c, x + (size_t) i * c->d, m, b->rows, b->rows_norm + i);
		sc_bf16_pack_right(b->packed_rows + (size_t) i / SC_BF16_RIGHT * sc_bf16_panel(SC_BF16_RIGHT, c->d), b->rows, m,
						   c->d);
	}
	sc_bf16_multiply(b->dots, b->stride, b->packed_queries, b->m, b->packed_rows, b->count, c->d);
}

/*
 * How far a squared distance from a product may be off, as a share of |q|^2 +
 * |x|^2. In bf16, with u its rounding, q.x is off by (2 u + u^2) |q||x| more
 * than in float, and a distance by twice that, where 2 |q||x| is no more than
 * the sum of the squares. Its sums are rounded as in float. Of reduced rows,
 * which are longer than the rows by less than their error, that is added. What
 * is compared with a product, in float, are halves of squares: COMPARED is for
 * that.
 */
static double
error(const sc_candidates *c, const sc_candidates_block *b)
{
	const double u = SC_BF16_ROUNDING;
	bool reduced = b->product == SC_CANDIDATES_REDUCED;
	double rounding = COMPARED + sc_product_error(c->d) + (reduced ? sc_product_error(SC_REDUCED_DIM) : 0);

	if (b->product == SC_CANDIDATES_BF16 || (reduced && c->packed_rows != NULL))
		rounding += 2 * u + u * u;
	return reduced ? rounding * (1 + c->reduction.error) + c->reduction.error : rounding;
}

/* Of |q|^2 + |x|^2 - 2 q.x, less its error, the half that the rows tell. */
static void
set_bars(const sc_candidates *c, sc_candidates_block *b)
{
	const double *norm = b->product == SC_CANDIDATES_REDUCED ? c->norm + b->first : b->rows_norm;
	double share = (1 - error(c, b)) / 2;

	for (int j = 0; j < b->count; j++)
		b->bar[j] = (float) (share * norm[j]);
}

void
sc_candidates_multiply(const sc_candidates *c, sc_candidates_block *b, size_t first)
{
	choose_product(c, b);
	b->first = first;
	b->count = (int) SC_MIN((size_t) sc_candidates_rows(c->d), c->n - first);
	b->seen += (size_t) b->count;
	if (b->product == SC_CANDIDATES_REDUCED)
		multiply_reduced(c, b);
	else if (b->product == SC_CANDIDATES_BF16)
		multiply_bf16(c, b);
	else
		multiply_float(c, b);
	set_bars(c, b);
}

/* The half that query i tells, and what it is compared with. */
static float
level(const sc_candidates *c, const sc_candidates_block *b, int i, double reach)
{
	/* More than underflow takes from d products. */
	double slack = b->product == SC_CANDIDATES_REDUCED ? REDUCED_SLACK : 4 * c->d * (double) FLT_MIN;
	double limit = reach * c->centring.scale * c->centring.scale - (1 - error(c, b)) * b->query_norm[i] + slack;

	/* Of a query so far out nothing is known from products. */
	return b->query_norm[i] < FAR_OUT ? nextafterf((float) (limit / 2), INFINITY) : INFINITY;
}

/*
 * Reduced rows may tell little of distances: of those that pass, one in float
 * rules out most, for a third of what one in double costs. What overflows says
 * nothing.
 */
static bool
far(const sc_candidates *c, const sc_candidates_block *b, int i, int j, double reach)
{
	float a = sc_distance()->distance2_rough(b->x + (size_t) i * c->d, c->rows + (b->first + j) * c->d, c->d);

	return a > reach * (1 + sc_product_error(c->d)) && a < INFINITY;
}

int
sc_candidates_next(const sc_candidates *c, sc_candidates_block *b, int i, double reach, int from)
{
	const float *dots = b->dots + (size_t) i * b->stride;
	float at = level(c, b, i, reach);

	for (;; from++)
	{
		from = sc_distance()->next_above(dots, b->bar, at, from, b->count);
		if (from == b->count)
			return from;
		b->found++;
		if (b->product != SC_CANDIDATES_REDUCED || !far(c, b, i, from, reach))
			return from;
	}
}
