/*-------------------------------------------------------------------------
 *
 * src/core/analytics/space.c
 *	  One row, one point: normalise, project, nearest centroid, distance.
 *
 * Linked into both libraries, so nothing here needs BLAS or the pool.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/space.h"

#include <math.h>
#include <string.h>

#include "core/analytics/space_parts.h"
#include "core/base/distance.h"

double
sc_space_length(const float *x, int d)
{
	return sqrt(sc_distance()->dot(x, x, d));
}

double
sc_space_normalize(float *out, const float *x, int d)
{
	double length = sc_space_length(x, d);

	if (length == 0)
		memset(out, 0, d * sizeof(float));
	else
		for (int j = 0; j < d; j++)
			out[j] = (float) (x[j] / length);
	return length;
}

void
sc_space_project(const sc_space *s, float *out, const float *row, float *unit)
{
	double mean_square;

	SC_ASSERT(s->d >= 1 && s->q >= 0 && s->q <= s->d);
	if (s->q == 0)
	{
		if (s->l2_normalize)
			(void) sc_space_normalize(out, row, s->d);
		else
			memcpy(out, row, s->d * sizeof(float));
		return;
	}
	if (s->l2_normalize)
	{
		(void) sc_space_normalize(unit, row, s->d);
		row = unit;
	}
	mean_square = sc_space_mean_square(s);
	for (int c = 0; c < s->q; c++)
	{
		double y = sc_distance()->dot_centred(row, s->mean, s->components + (size_t) c * s->d, s->d);
		double variance = sc_space_variance(s, c, mean_square);

		out[c] = variance > 0 ? (float) (y / sqrt(variance)) : 0;
	}
}

double
sc_space_distance2(const sc_space *s, const float *point, int c)
{
	int d = sc_space_dim(s);

	SC_ASSERT(c >= 0 && c < s->k);
	return sc_distance()->distance2_centre(point, s->centroids + (size_t) c * d, d);
}

int
sc_space_nearest(const sc_space *s, const float *point, double *distance2)
{
	double least = INFINITY;
	int label = 0;

	SC_ASSERT(s->k >= 1);
	for (int c = 0; c < s->k; c++)
	{
		double a = sc_space_distance2(s, point, c);

		if (a < least)
		{
			least = a;
			label = c;
		}
	}
	if (distance2 != NULL)
		*distance2 = least;
	return s->group != NULL ? s->group[label] : label;
}

static int
group_of(const sc_space *s, int c)
{
	return s->group != NULL ? s->group[c] : c;
}

int
sc_space_nearest_two(const sc_space *s, const float *point, double *distance2, double *other2)
{
	double least = INFINITY, other = INFINITY;
	int label = group_of(s, 0);

	SC_ASSERT(s->k >= 1);
	for (int c = 0; c < s->k; c++)
	{
		double a = sc_space_distance2(s, point, c);
		int group = group_of(s, c);

		if (a < least)
		{
			/* What was nearest is nearer than all others were. */
			if (group != label)
				other = least;
			least = a;
			label = group;
		}
		else if (group != label && a < other)
			other = a;
	}
	*distance2 = least;
	*other2 = other;
	return label;
}

double
sc_space_margin(double distance2, double other2)
{
	double a = sqrt(distance2), b = sqrt(other2);

	if (isinf(b))
		return 1;
	return a + b > 0 ? (b - a) / (a + b) : 0;
}
