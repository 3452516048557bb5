/*-------------------------------------------------------------------------
 *
 * src/core/analytics/elbow.c
 *	  Where the curve of inertia turns.
 *
 * last_turn: the last k whose cluster still takes min_gain of inertia(1)
 * away. kneedle: Satopää, Albrecht, Irwin and Raghavan, "Finding a 'kneedle'
 * in a haystack", ICDCS workshops 2011, section III, for a decreasing convex
 * curve; of several knees the last one. Deviations: no smoothing spline, for
 * the curve has few points and no noise; and a corner after the knee goes
 * before it. The knee is the point farthest from the chord of the whole curve.
 * Where groups are set apart as clearly as can be, in a plane say, the first
 * cuts take most of the inertia, and this point lies before the number of the
 * groups, the further the fewer numbers after it were tried (of 8 groups at 3
 * to 7, for 9 to 15). The corner at that number is what shows.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/elbow.h"

#include <math.h>

/* A step that takes this share of inertia(1) still falls; it is the default of min_gain. */
#define FALLS 0.01

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

/*
 * Is there a corner at k (2 ... n - 1): does inertia(k) take from what k - 1
 * clusters leave more than the k-th part, which is what rows spread evenly in
 * a plane would give it, and CORNER times as much as each of the next three
 * takes? Of rows spread evenly along a line, where inertia falls the fastest,
 * (1 / k)^2, that is 4.7 times at 3, 3.5 times at 4, and less from there on.
 */
#define CORNER 5
#define AFTER 3

static bool
is_corner(const double *inertia, int n, int k, double sensitivity)
{
	int after = SC_MIN(AFTER, n - k);
	double fall, rest;

	if (k < 2 || k >= n)
		return false;
	fall = inertia[k - 2] - inertia[k - 1];
	rest = (inertia[k - 1] - inertia[k - 1 + after]) / after;
	return fall * k >= inertia[k - 2] && fall > 0 && fall >= CORNER * SC_MAX(sensitivity, 1) * rest;
}

/* The last corner after the knee, or else the knee. */
static int
last_corner(const double *inertia, int n, int knee, double sensitivity)
{
	for (int k = n - 1; k > SC_MAX(knee, 2); k--)
		if (is_corner(inertia, n, k, sensitivity))
			return k;
	return knee;
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
	return last_corner(inertia, n, knee, sensitivity);
}

int
sc_elbow_choose(sc_elbow_method method, const double *inertia, int n, double parameter)
{
	SC_ASSERT(n >= 1);
	return method == SC_ELBOW_LAST_TURN ? last_turn(inertia, n, parameter) : kneedle(inertia, n, parameter);
}

bool
sc_elbow_falls(sc_elbow_method method, const double *inertia, int n, int chosen, double parameter)
{
	int steps = SC_MIN(AFTER, SC_MAX(n - SC_MAX(chosen, 1), 1)); /* none before the chosen one */
	double fall;

	SC_ASSERT(n >= 1 && chosen >= 0 && chosen <= n);
	if (n < 2 || !(inertia[0] > 0))
		return false;
	if (method == SC_ELBOW_LAST_TURN)
		return chosen == n;
	/*
	 * Each of the last steps, on average: half of what rows spread evenly in a
	 * plane would give is much. Behind a corner it is much only of a curve that is
	 * still far from flat (groups that lie in a long row make a corner at 2), or
	 * where it is the whole.
	 */
	fall = (inertia[n - 1 - steps] - inertia[n - 1]) / steps;
	if (is_corner(inertia, n, chosen, parameter))
		return fall > 0 && fall * n >= inertia[n - 1 - steps] * (fall >= FALLS * inertia[0] ? 0.5 : 1);
	return fall >= FALLS * inertia[0] || (fall > 0 && 2 * fall * n >= inertia[n - 1 - steps]);
}
