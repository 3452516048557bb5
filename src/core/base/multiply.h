/*-------------------------------------------------------------------------
 *
 * src/core/base/multiply.h
 *	  A job that multiplies matrices until it is stopped: the plainest load
 *	  that the tests of the pool (cancel, terminate, timeout) can put on it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_MULTIPLY_H
#define SC_MULTIPLY_H

#include "core/base/pool.h"

typedef struct sc_multiply
{
	int n;		   /* order of the matrices */
	long rounds;   /* products of each lane */
	float *memory; /* (SC_MAX_LANES, 3, n, n) */
} sc_multiply;

extern sc_status sc_multiply_run(const sc_lane *lane, void *job);

#endif /* SC_MULTIPLY_H */
