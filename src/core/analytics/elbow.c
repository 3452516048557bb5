/*-------------------------------------------------------------------------
 *
 * src/core/analytics/elbow.c
 *	  Where the curve of inertia turns.
 *
 * last_turn: the last k whose cluster still takes min_gain of inertia(1)
 * away. kneedle: Satopää, Albrecht, Irwin and Raghavan, "Finding a 'kneedle'
 * in a haystack", ICDCS workshops 2011, section III, for a decreasing convex
 * curve; of several knees the last one. Deviation: no smoothing spline, for
 * the curve has few points and no noise.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/elbow.h"

#include <math.h>

static int
last_turn(const double *inertia, int n, double min_gain)
{
	if (n < 2 || !(inertia[0] > 0))
		return 0;
	for (int k = n; k >= 2; k--)
		if ((inertia[k - 2] - inertia[k - 1]) / inertia[0] >= min_gain)
			return k;
	return 0;
}

/* The curve turned round: how far point i (0 ... n - 1) lies above the diagonal. */
static double
difference(const double *inertia, int n, int i)
{
	double x = (double) i / (n - 1);
	double y = (inertia[i] - inertia[n - 1]) / (inertia[0] - inertia[n - 1]);

	return 1 - y - x;
}

static int
kneedle(const double *inertia, int n, double sensitivity)
{
	int knee = 0, candidate = 0;
	double threshold = 0;

	if (n < 3 || !(inertia[0] > inertia[n - 1]))
		return 0;
	for (int i = 1; i < n; i++)
	{
		double here = difference(inertia, n, i);

		/* The end of the curve falls to 0 and so ends the last maximum. */
		if (candidate > 0 && here < threshold)
		{
			knee = candidate + 1;
			candidate = 0;
		}
		if (i < n - 1 && here > difference(inertia, n, i - 1) && here >= difference(inertia, n, i + 1))
		{
			candidate = i;
			threshold = here - sensitivity / (n - 1);
		}
	}
	return knee;
}

int
sc_elbow_choose(sc_elbow_method method, const double *inertia, int n, double parameter)
{
	SC_ASSERT(n >= 1);
	return method == SC_ELBOW_LAST_TURN ? last_turn(inertia, n, parameter) : kneedle(inertia, n, parameter);
}
