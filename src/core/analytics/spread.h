/*-------------------------------------------------------------------------
 *
 * src/core/analytics/spread.h
 *	  Rows that are far from each other, one after the other: each is the one
 *	  farthest from those chosen before it.
 *
 * T. F. Gonzalez, "Clustering to minimize the maximum intercluster distance"
 * (1985). The first is the row nearest to the mean. Of rows that are as far the
 * lower one is chosen, so rows come in an order that means something, that of
 * their keys; nothing depends on lanes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SPREAD_H
#define SC_SPREAD_H

#include "core/analytics/centring.h"
#include "core/base/arena.h"
#include "core/base/pool.h"

typedef struct sc_spread
{
	/* set by the caller before sc_spread_layout */
	size_t n; /* rows, at least 1 */
	int d;
	const float *rows; /* (n, d), finite */
	size_t count;	   /* rows to choose, 1 ... n */

	/* the result */
	uint32_t *chosen; /* (count) */

	/* scratch */
	double *away; /* (n): squared distance to the nearest that is chosen; -1: it is itself */
	sc_centring centring;
	double *best; /* (lanes): the farthest of a lane's rows, */
	size_t *row;  /* (lanes) ... and which it is */
} sc_spread;

extern void sc_spread_layout(sc_spread *spread, sc_arena *arena);

/* The job; arg is a sc_spread. */
extern sc_status sc_spread_run(const sc_lane *lane, void *arg);

#endif /* SC_SPREAD_H */
