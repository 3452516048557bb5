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

/*
 * A direction whose variance is below this share of the largest carries none
 * but that of rounding; nor does one in which rows spread by less than a unit
 * in the last place of their own numbers, 2^-23 of the mean: both as squares.
 */
#define SC_SPACE_NO_VARIANCE 1e-12
#define SC_SPACE_LAST_PLACE 0x1p-46

/* The largest of the squares of the mean, which sc_space_variance takes; 0 where it needs none. */
static inline double
sc_space_mean_square(const sc_space *s)
{
	double largest = 0;

	for (int j = 0; s->whiten && j < s->d; j++)
		largest = SC_MAX(largest, s->mean[j] * s->mean[j]);
	return largest;
}

/* The variance that coordinate c is scaled by the root of: 1 without whitening, 0 where the coordinate is to be 0. */
static inline double
sc_space_variance(const sc_space *s, int c, double mean_square)
{
	const double *axis = s->components + (size_t) c * s->d;
	double along = 0;
	double variance;

	if (!s->whiten)
		return 1;
	variance = s->variance[c];
	if (!(variance > SC_SPACE_NO_VARIANCE * s->variance[0]))
		return 0;
	if (variance > SC_SPACE_LAST_PLACE * mean_square)
		return variance;
	/* The axis may lie along coordinates whose numbers are smaller. */
	for (int j = 0; j < s->d; j++)
		along += axis[j] * axis[j] * s->mean[j] * s->mean[j];
	return variance > SC_SPACE_LAST_PLACE * along ? variance : 0;
}

#endif /* SC_SPACE_PARTS_H */
