/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_step.h
 *	  Half of a Lloyd iteration on a block of rows: each row to its nearest centroid.
 *
 * For callers that see the rows once, a block at a time, and keep the sums
 * themselves. Runs in the calling thread, in a time that the size of the block
 * decides.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_KMEANS_STEP_H
#define SC_KMEANS_STEP_H

#include "core/base/arena.h"

typedef struct sc_kmeans_step
{
	/* set by the caller before sc_kmeans_step_layout */
	int n; /* rows of the block */
	int d, k;
	const float *rows;		 /* (n, d) */
	const double *centroids; /* (k, d) */

	/* the result; a row depends on nothing but itself and the centroids */
	int32_t *labels;  /* (n), of equally near ones the lowest */
	double *distance; /* (n), squared */

	struct sc_kmeans_step_work *work; /* of the step alone */
} sc_kmeans_step;

/* Count or take the memory of the result and of the work. */
extern void sc_kmeans_step_layout(sc_kmeans_step *s, sc_arena *arena);

extern void sc_kmeans_step_assign(sc_kmeans_step *s);

#endif /* SC_KMEANS_STEP_H */
