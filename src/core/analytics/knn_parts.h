/*-------------------------------------------------------------------------
 *
 * src/core/analytics/knn_parts.h
 *	  What knn.c and near.c share, and nobody else needs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_KNN_PARTS_H
#define SC_KNN_PARTS_H

#include "core/analytics/knn.h"

/*
 * Queries and rows of one product: up to 2^26 multiplications, a few
 * milliseconds. Every block of queries centres and scales all rows again, so
 * it is large.
 */
#define SC_KNN_QUERIES 512

static inline int
sc_knn_query_block(int d)
{
	return SC_MIN(SC_MAX((1 << 18) / d, 16), SC_KNN_QUERIES);
}

static inline int
sc_knn_row_block(int d)
{
	return SC_MIN(SC_MAX((1 << 18) / d, 16), 256);
}

/* A block of queries, one of rows, and their products. */
static inline size_t
sc_knn_lane_floats(int d)
{
	size_t q = (size_t) sc_knn_query_block(d), r = (size_t) sc_knn_row_block(d);

	return (q + r) * (size_t) d + q * r;
}

/* How far a squared distance of d terms in float is off, of the sum of both squared norms. */
static inline double
sc_knn_error(int d)
{
	return 2 * 1.2e-7 * (d + 8);
}

/* m rows of x (m, d), centred and scaled; their squared norms unless norm is NULL. */
extern void sc_knn_load(const sc_knn *knn, const float *x, int m, float *out, double *norm);

/* Mean and scale by lane 0, then the norms by all; sets ready. */
extern sc_status sc_knn_prepare(const sc_lane *lane, sc_knn *knn);

#endif /* SC_KNN_PARTS_H */
