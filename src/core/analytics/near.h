/*-------------------------------------------------------------------------
 *
 * src/core/analytics/near.h
 *	  All pairs of rows within a distance of each other.
 *
 * As exact as knn.h, and by the same blocked products. There may be many more
 * pairs than fit into memory: a run ends where its memory for them is full,
 * and the next one goes on there.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_NEAR_H
#define SC_NEAR_H

#include "core/analytics/candidates.h"

typedef struct sc_near_pair
{
	uint32_t a, b; /* rows, a < b */
	double distance;
} sc_near_pair;

/* A share of the work: what it found in this run, and where it goes on. */
typedef struct sc_near_shard
{
	sc_near_pair *pair; /* (room) */
	size_t count;
	size_t query; /* first row of the block of queries */
	size_t row;	  /* of the rows that it goes on with */
	bool done;
} sc_near_shard;

typedef struct sc_near
{
	/* set by the caller before sc_near_layout */
	size_t n; /* rows, 2 ... 2^31 */
	int d;
	const float *rows; /* (n, d), finite */
	double threshold;  /* not below 0; distances up to it */
	int lanes;		   /* of one run, at most */

	/* the result of a run, in no order that means anything */
	sc_near_shard *shard; /* (lanes) */
	bool done;			  /* there is no more */

	/* scratch */
	size_t room;
	bool full; /* a shard is: all stop soon */
	sc_candidates candidates;
} sc_near;

/* Count or take the memory of the result and of the work. */
extern void sc_near_layout(sc_near *near, sc_arena *arena);

/* Put it to the start; once, after the layout. */
extern void sc_near_begin(sc_near *near);

/* The job; arg is a sc_near. Run it, use the pairs, until it is done. */
extern sc_status sc_near_run(const sc_lane *lane, void *arg);

#endif /* SC_NEAR_H */
