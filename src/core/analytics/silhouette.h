/*-------------------------------------------------------------------------
 *
 * src/core/analytics/silhouette.h
 *	  The mean silhouette of a clustering, exact.
 *
 * Rousseeuw, "Silhouettes: a graphical aid to the interpretation and
 * validation of cluster analysis", J. Comp. Appl. Math. 20 (1987), section 2.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SILHOUETTE_H
#define SC_SILHOUETTE_H

#include "core/base/arena.h"
#include "core/base/pool.h"

typedef struct sc_silhouette
{
	/* set by the caller */
	size_t n;
	int d, k;
	const float *rows;	   /* (n, d) */
	const int32_t *labels; /* (n), 0 ... k - 1 */

	/* the result: -1 ... 1; 0 where fewer than two clusters have rows */
	double mean;

	/* scratch */
	int shards;
	int64_t *sizes; /* (k) */
	double *blocks; /* (shards, doubles of one shard) */
	double *score;	/* (shards) */
} sc_silhouette;

extern void sc_silhouette_layout(sc_silhouette *s, sc_arena *arena);

/* The job; arg is a sc_silhouette. */
extern sc_status sc_silhouette_run(const sc_lane *lane, void *arg);

#endif /* SC_SILHOUETTE_H */
