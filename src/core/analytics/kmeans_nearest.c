/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_nearest.c
 *	  The nearest centre by blocked products, with exact distances where they
 *	  decide.
 *
 * Squared distances come from |x|^2 - 2 x.c + |c|^2 with the product in float;
 * where its error could decide which centre is nearest, the distance is
 * computed again in double. So which is nearest is decided by distances in
 * double, always, and it does not matter which products are taken at all.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_parts.h"

#include <float.h>
#include <math.h>
#include <string.h>

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
 * Two estimates are off by no more than this, together, of a point whose
 * squared norm is zn. FLT_MIN: what a product loses below the smallest numbers.
 */
static double
slack_of(const sc_kmeans_centres *c, double zn)
{
	return sc_product_error(c->d) * (zn + c->largest) + 4 * c->d * (double) FLT_MIN;
}

/*
 * The nearest centroid of a row by distances in double, its squared distance
 * into *out. dots (k) are the products of the row's point, of squared norm zn,
 * with the centres, and leave out those that cannot be it; least is the
 * smallest estimate from them.
 */
static int
choose(const sc_kmeans_centres *c, double zn, const float *dots, double least, const float *row,
	   const double *centroids, double *out)
{
	/* Where no product says anything, every centroid is looked at. */
	double limit = least + slack_of(c, zn) - zn;
	int label = 0;

	*out = INFINITY;
	for (int j = sc_distance()->next_near(dots, c->norm, 1, limit, 0, c->k); j < c->k;
		 j = sc_distance()->next_near(dots, c->norm, 1, limit, j + 1, c->k))
	{
		double a = sc_distance()->distance2_centre(row, centroids + (size_t) j * c->d, c->d);

		if (a < *out)
		{
			*out = a;
			label = j;
		}
	}
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
	{
		const float *products = dots + (size_t) i * c->k;
		double zn = distance[i];
		double least = sc_distance()->least_estimate(products, c->norm, zn, c->k);

		labels[i] = choose(c, zn, products, least, rows + i * d, centroids, &distance[i]);
	}
}

/*
 * An estimate below so many times its own error is computed again in double:
 * sums and draws by it would be those of the rounding.
 */
#define CANCELLED 100

/* Point i of p, whose products with the centres are dots (k), of which one is changed. */
static void
bound(const sc_kmeans_centres *c, const sc_kmeans_points *p, size_t i, float *dots)
{
	const float *z = p->z + i * (size_t) c->d;
	double zn = p->norm[i];
	double slack = slack_of(c, zn);
	double near = sc_distance()->least_estimate(dots, c->norm, zn, c->k);
	double limit = near + slack - zn;
	int only = sc_distance()->next_near(dots, c->norm, 1, limit, 0, c->k);
	double upper, second;

	/* A centre that alone may be the nearest is it, whatever the rounding. */
	if (near > CANCELLED * slack && only < c->k &&
		sc_distance()->next_near(dots, c->norm, 1, limit, only + 1, c->k) == c->k)
		upper = sqrt(near + slack);
	else
	{
		only = choose(c, zn, dots, near, z, c->point, &near);
		upper = sqrt(near) * (1 + SC_KMEANS_HAIR);
	}
	dots[only] = -INFINITY;
	second = sc_distance()->least_estimate(dots, c->norm, zn, c->k);
	p->own[i] = only;
	p->near[i] = near;
	p->upper[i] = upper;
	p->lower[i] = second > slack ? sqrt(second - slack) : 0;
}

void
sc_kmeans_bound(const sc_kmeans_centres *c, const sc_kmeans_points *p, int m, const uint32_t *at, float *tile,
				float *dots)
{
	size_t d = (size_t) c->d;
	const float *z = p->z + at[0] * d;

	SC_ASSERT(m >= 1 && c->k >= 1 && c->d >= 1);
	if (at[m - 1] - at[0] != (uint32_t) m - 1)
	{
		for (int i = 0; i < m; i++)
			memcpy(tile + i * d, p->z + at[i] * d, d * sizeof(float));
		z = tile;
	}
	sc_sgemm(false, true, m, c->k, c->d, 1, z, c->d, c->narrow, c->d, 0, dots, c->k);
	for (int i = 0; i < m; i++)
		bound(c, p, at[i], dots + (size_t) i * c->k);
}
