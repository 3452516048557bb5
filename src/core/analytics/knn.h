/*-------------------------------------------------------------------------
 *
 * src/core/analytics/knn.h
 *	  The k nearest rows, by Euclidean distance, of each of many queries.
 *
 * Exact: products only rule out what cannot be near; what remains is measured
 * in double. Of rows at the same distance the one of lower rank is
 * nearer, so the result depends on nothing but the data.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_KNN_H
#define SC_KNN_H

#include "core/analytics/candidates.h"

typedef struct sc_knn
{
	/* set by the caller before sc_knn_layout */
	size_t n; /* rows, 1 ... 2^31 */
	int d;
	const float *rows;	  /* (n, d), finite */
	const uint32_t *rank; /* (n), or NULL: a row's rank is its number */
	int k;				  /* at least 1 */
	bool leave_out;		  /* the queries are rows, each without itself */
	size_t most;		  /* queries of one run, at most */
	int lanes;			  /* of one run, at most */

	/* set by the caller before each run */
	size_t m;			  /* 1 ... most */
	const float *queries; /* (m, d), finite */
	size_t first;		  /* leave_out: query i is row first + i */

	/* the result */
	int found;		  /* neighbours of each query: k, or as many as there are */
	uint32_t *index;  /* (m, found), nearest first */
	double *distance; /* (m, found) */

	/* scratch */
	sc_candidates candidates;
} sc_knn;

/* Count or take the memory of the result and of the work. found is known after it. */
extern void sc_knn_layout(sc_knn *knn, sc_arena *arena);

/* The job; arg is a sc_knn. Any number of runs, one after the other, after one layout. */
extern sc_status sc_knn_run(const sc_lane *lane, void *arg);

#endif /* SC_KNN_H */
