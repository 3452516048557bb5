/*-------------------------------------------------------------------------
 *
 * src/core/analytics/candidates.h
 *	  Which rows may be near a query, by blocked products of queries with rows.
 *
 * |q|^2 - 2 q.x + |x|^2 comes from a product of rows that are centred and
 * scaled: in bf16 where the CPU multiplies that fast, in float elsewhere. A row
 * for which this, less the error that the product may have, is more than is
 * asked for is passed over; the others are candidates, and the caller measures
 * them in double, as they came. k-NN and near pairs are made of it. So what
 * they find depends neither on how products are made nor on what the rows are
 * centred by.
 *
 * Many queries of many rows are first multiplied in a few dimensions
 * (reduction.h), an eighth of the work at 512, and of the embeddings of images
 * few pass that are not near. Where many do, those queries go on with whole
 * rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CANDIDATES_H
#define SC_CANDIDATES_H

#include "core/analytics/reduction.h"

/* How rows are multiplied: reduced, and whole in bf16 or in float. */
typedef enum sc_candidates_product
{
	SC_CANDIDATES_REDUCED,
	SC_CANDIDATES_BF16,
	SC_CANDIDATES_FLOAT,
} sc_candidates_product;

/* What a lane has of it: some queries and some rows, centred and scaled, and their products. */
typedef struct sc_candidates_block
{
	float *queries;			/* (sc_candidates_queries(d), d) */
	float *reduced_queries; /* (sc_candidates_queries(d), SC_REDUCED_DIM), or NULL */
	double *query_norm;		/* (sc_candidates_queries(d)), squared */
	float *rows;			/* (sc_candidates_rows(d), d) */
	double *rows_norm;		/* (sc_candidates_rows(d)), squared */
	const float *x;			/* (m, d), the queries as they came */
	float *bar;				/* (count): half of what is known of the rows' squared norms */
	float *dots;			/* (queries, stride) */
	int stride;
	size_t first; /* rows first ... first + count - 1 of all are in it */
	int count;
	int m; /* queries in it */
	sc_candidates_product product;
	size_t seen, found; /* rows that were multiplied so with these queries, and candidates among them */
	bool reduce;		/* these queries may go on with reduced rows */

	/* in bf16 */
	uint32_t *packed_queries; /* panels of SC_BF16_LEFT */
	uint32_t *packed_rows;	  /* panels of SC_BF16_RIGHT */
} sc_candidates_block;

typedef struct sc_candidates
{
	/* set by the caller before sc_candidates_layout */
	size_t n; /* rows, 1 ... 2^31 */
	int d;
	const float *rows; /* (n, d), finite */
	int lanes;		   /* of one run, at most */

	/* scratch */
	bool ready; /* what depends on the rows alone is computed */
	sc_centring centring;
	uint32_t *sample;			/* (samples), rows that are centred by, or NULL: all */
	sc_candidates_block *block; /* (lanes) */

	/* all rows reduced, where that can pay */
	bool reducible, reduced; /* there is memory for it; it is done */
	sc_reduction reduction;
	double *norm;		   /* (n), squared */
	float *reduced_rows;   /* (n, SC_REDUCED_DIM), where products are in float */
	uint32_t *packed_rows; /* panels of SC_BF16_RIGHT, where they are in bf16 */
} sc_candidates;

/*
 * Queries and rows of one product. 2^18 floats of either are a megabyte, which
 * a CPU's second cache keeps; with the upper bounds no product has more than
 * 2^26 multiplications, which are done in some milliseconds, so that a stop is
 * seen soon. Every block of queries centres and scales all rows again, so it
 * is the larger one. Both are whole panels of bf16.
 */
#define SC_CANDIDATES_QUERIES 512

static inline int
sc_candidates_queries(int d)
{
	return SC_MIN(SC_MAX((1 << 18) / d, 16), SC_CANDIDATES_QUERIES) / 16 * 16;
}

static inline int
sc_candidates_rows(int d)
{
	return SC_MIN(SC_MAX((1 << 18) / d, 16), 256) / 16 * 16;
}

/* Take the memory. */
extern void sc_candidates_layout(sc_candidates *c, sc_arena *arena);

/*
 * What depends on the rows alone, for a run of so many queries; a part of a job:
 * all lanes call it, and it ends with a barrier.
 */
extern sc_status sc_candidates_prepare(const sc_lane *lane, sc_candidates *c, size_t queries);

/* The memory of a lane. */
extern sc_candidates_block *sc_candidates_open(const sc_candidates *c, const sc_lane *lane);

/* Its queries are x (m, d). */
extern void sc_candidates_ask(const sc_candidates *c, sc_candidates_block *b, const float *x, int m);

/* Load the rows from `first` (a multiple of 16) on, as many as a block has room for, and multiply the queries with them. */
extern void sc_candidates_multiply(const sc_candidates *c, sc_candidates_block *b, size_t first);

/*
 * Of the rows of the block, the first from `from` on that may be no farther
 * than `reach` from query i; count where there is none. reach is a squared
 * distance of rows as they came.
 */
extern int sc_candidates_next(const sc_candidates *c, sc_candidates_block *b, int i, double reach, int from);

#endif /* SC_CANDIDATES_H */
