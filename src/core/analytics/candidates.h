/*-------------------------------------------------------------------------
 *
 * src/core/analytics/candidates.h
 *	  Which rows may be near a query, by blocked products of queries with rows.
 *
 * |q|^2 - 2 q.x + |x|^2 comes from a product in float of rows that are centred
 * and scaled. A row for which this, less the error of the product, is more
 * than is asked for is passed over; the others are candidates, and the caller
 * measures them in double, as they came. k-NN and near pairs are made of it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CANDIDATES_H
#define SC_CANDIDATES_H

#include "core/analytics/centring.h"

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
	double *norm;  /* (n), of the rows, centred and scaled, squared */
	float *blocks; /* (lanes, floats of one lane) */
} sc_candidates;

/* What a lane has of it: some queries and some rows, centred and scaled, and their products. */
typedef struct sc_candidates_block
{
	float *queries; /* (sc_candidates_queries(d), d) */
	float *rows;	/* (sc_candidates_rows(d), d) */
	float *dots;	/* (queries, count) */
	size_t first;	/* rows first ... first + count - 1 of all are in it */
	int count;
} sc_candidates_block;

/*
 * Queries and rows of one product. 2^18 floats of either are a megabyte, which
 * a CPU's second cache keeps; with the upper bounds no product has more than
 * 2^26 multiplications, which are done in some milliseconds, so that a stop is
 * seen soon. Every block of queries centres and scales all rows again, so it
 * is the larger one.
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
	return SC_MIN(SC_MAX((1 << 18) / d, 16), 256);
}

/* Take the memory. */
extern void sc_candidates_layout(sc_candidates *c, sc_arena *arena);

/* What depends on the rows alone; a part of a job: all lanes call it, and it ends with a barrier. */
extern sc_status sc_candidates_prepare(const sc_lane *lane, sc_candidates *c);

/* The memory of a lane. */
extern sc_candidates_block sc_candidates_open(const sc_candidates *c, const sc_lane *lane);

/* m rows of x (m, d), centred and scaled, into out; their squared norms unless norm is NULL. */
extern void sc_candidates_load(const sc_candidates *c, const float *x, int m, float *out, double *norm);

/* Load the rows from `first` on, as many as a block has room for, and multiply the m queries in it with them. */
extern void sc_candidates_multiply(const sc_candidates *c, sc_candidates_block *b, int m, size_t first);

/*
 * Of the rows of the block, the first from `from` on that may be no farther
 * than `reach` from query i, whose squared norm is qn; count where there is
 * none. reach is a squared distance of rows as they came.
 */
extern int sc_candidates_next(const sc_candidates *c, const sc_candidates_block *b, int i, double qn, double reach,
							  int from);

#endif /* SC_CANDIDATES_H */
