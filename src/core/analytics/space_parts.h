/*-------------------------------------------------------------------------
 *
 * src/core/analytics/space_parts.h
 *	  What the two ways to project a row share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SPACE_PARTS_H
#define SC_SPACE_PARTS_H

#include "core/analytics/space.h"

/* A direction whose variance is below this share of the largest carries none but that of rounding. */
#define SC_SPACE_NO_VARIANCE 1e-12

/* The variance that coordinate c is scaled by the root of: 1 without whitening, 0 where the coordinate is to be 0. */
static inline double
sc_space_variance(const sc_space *s, int c)
{
	if (!s->whiten)
		return 1;
	return s->variance[c] > SC_SPACE_NO_VARIANCE * s->variance[0] ? s->variance[c] : 0;
}

#endif /* SC_SPACE_PARTS_H */
