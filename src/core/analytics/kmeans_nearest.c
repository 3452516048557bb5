/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_nearest.c
 *	  The nearest centre by blocked products, with exact distances where they
 *	  decide.
 *
 * Squared distances come from |x|^2 - 2 x.c + |c|^2 with the product in float;
 * where its error could decide which centre is nearest, the distance is
 * computed again in double.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_parts.h"

#include <float.h>
#include <math.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"

void
sc_kmeans_centres_layout(sc_kmeans_centres *c, int k, int d, sc_arena *arena)
{
	size_t kd = sc_mul(k, d);

	c->k = k;
	c->d = d;
	c->point = SC_TAKE(arena, double, kd);
	c->narrow = SC_TAKE(arena, float, kd);
	c->norm = SC_TAKE(arena, double, k);
}

static double
norm2(const double *c, int d)
{
	double sum = 0;

	for (int j = 0; j < d; j++)
		sum += c[j] * c[j];
	return sum;
}

void
sc_kmeans_narrow(sc_kmeans_centres *c)
{
	size_t d = (size_t) c->d;

	c->largest = 0;
	for (int i = 0; i < c->k; i++)
	{
		for (size_t j = 0; j < d; j++)
			c->narrow[i * d + j] = (float) c->point[i * d + j];
		c->norm[i] = norm2(c->point + i * d, c->d);
		c->largest = SC_MAX(c->largest, c->norm[i]);
	}
}

/*
 * The nearest centre of the point z (d), whose squared norm is zn, from its
 * products dots (k) with the centres; the rest as sc_kmeans_label has it.
 */
static int
choose(const sc_kmeans_centres *c, const float *z, double zn, const float *dots, const float *row,
	   const double *centroids, double *out)
{
	/* Two estimates are off by no more than this, together; FLT_MIN: what a product loses below the smallest numbers. */
	double slack = sc_product_error(c->d) * (zn + c->largest) + 4 * c->d * (double) FLT_MIN;
	double least = sc_distance()->least_estimate(dots, c->norm, zn, c->k);
	double best = INFINITY;
	int label = 0;

	if (row == NULL && isfinite(least))
	{
		/* A centre that alone may be the nearest is it, whatever the rounding. */
		double limit = least + slack - zn;
		int only = sc_distance()->next_near(dots, c->norm, 1, limit, 0, c->k);

		if (only < c->k && sc_distance()->next_near(dots, c->norm, 1, limit, only + 1, c->k) == c->k)
		{
			*out = SC_MAX(least, 0);
			return only;
		}
	}
	if (row == NULL)
	{
		row = z;
		centroids = c->point;
	}
	for (int j = 0; j < c->k; j++)
	{
		double a = zn + c->norm[j] - 2 * (double) dots[j];

		if (!(a > least + slack) || !isfinite(a))
		{
			a = sc_distance()->distance2_centre(row, centroids + (size_t) j * c->d, c->d);
			if (a < best)
			{
				best = a;
				label = j;
			}
		}
	}
	*out = best;
	return label;
}

void
sc_kmeans_label(const sc_kmeans_centres *c, int m, const float *z, const float *rows, const double *centroids,
				float *dots, int32_t *labels, double *distance)
{
	size_t d = (size_t) c->d;

	SC_ASSERT(m >= 1 && c->k >= 1 && c->d >= 1);
	sc_sgemm(false, true, m, c->k, c->d, 1, z, c->d, c->narrow, c->d, 0, dots, c->k);
	for (int i = 0; i < m; i++)
		labels[i] = choose(c, z + i * d, distance[i], dots + (size_t) i * c->k, rows != NULL ? rows + i * d : NULL,
						   centroids, &distance[i]);
}
