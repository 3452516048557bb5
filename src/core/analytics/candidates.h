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
 *-------------------------------------------------------------------------
 */
#ifndef SC_CANDIDATES_H
#define SC_CANDIDATES_H

#include "core/analytics/centring.h"

/* What a lane has of it: some queries and some rows, centred and scaled, and their products. */
typedef struct sc_candidates_block
{
	float *queries;		/* (sc_candidates_queries(d), d) */
	double *query_norm; /* (sc_candidates_queries(d)), squared */
	float *rows;		/* (sc_candidates_rows(d), d) */
	double *norm;		/* (sc_candidates_rows(d)), squared */
	float *dots;		/* (queries, stride) */
	int stride;
	size_t first; /* rows first ... first + count - 1 of all are in it */
	int count;
	int m; /* queries in it */

	/* in bf16 */
	bool narrow;
	uint32_t *packed_queries; /* panels of SC_BF16_LEFT */
	uint32_t *packed_rows;	  /* panels of SC_BF16_RIGHT */
	size_t seen, found;		  /* rows that these queries were multiplied with, and candidates among them */
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
} sc_candidates;

/*
 * Queries and rows of one product. 2^18 floats of either are a megabyte, which
 * a CPU's second cache keeps; with the upper bounds no product has more than
 * 2^26 multiplications, which are done in some milliseconds, so that a stop is
 * seen soon. Every block of queries centres and scales all rows again, so it
 * is the larger one. Rows are whole panels of bf16.
 */
#define SC_CANDIDATES_QUERIES 512

static inline int
sc_candidates_queries(int d)
{
	return SC_MIN(SC_MAX((1 << 18) / d, 16), SC_CANDIDATES_QUERIES);
}

static inline int
sc_candidates_rows(int d)
{
	return SC_MIN(SC_MAX((1 << 18) / d, 16), 256) / 16 * 16;
}

/* Take the memory. */
extern void sc_candidates_layout(sc_candidates *c, sc_arena *arena);

/* What depends on the rows alone; a part of a job: all lanes call it, and it ends with a barrier. */
extern sc_status sc_candidates_prepare(const sc_lane *lane, sc_candidates *c);

/* The memory of a lane. */
extern sc_candidates_block *sc_candidates_open(const sc_candidates *c, const sc_lane *lane);

/* Its queries are x (m, d). */
extern void sc_candidates_ask(const sc_candidates *c, sc_candidates_block *b, const float *x, int m);

/* Load the rows from `first` on, as many as a block has room for, and multiply the queries in it with them. */
extern void sc_candidates_multiply(const sc_candidates *c, sc_candidates_block *b, size_t first);

/*
 * Of the rows of the block, the first from `from` on that may be no farther
 * than `reach` from query i; count where there is none. reach is a squared
 * distance of rows as they came.
 */
extern int sc_candidates_next(const sc_candidates *c, sc_candidates_block *b, int i, double reach, int from);

#endif /* SC_CANDIDATES_H */
