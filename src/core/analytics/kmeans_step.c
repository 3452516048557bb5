/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_step.c
 *	  The nearest centroids of a block of rows.
 *
 * As in kmeans.c: a product in float rules out what cannot be the nearest,
 * distances in double decide the rest. Rows and centroids are centred on the
 * mean of the centroids first, so that a common offset does not cancel.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_step.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"
#include "core/analytics/kmeans_parts.h"

void
sc_kmeans_step_layout(sc_kmeans_step *s, sc_arena *arena)
{
	size_t n = (size_t) s->n, d = (size_t) s->d, k = (size_t) s->k;

	s->labels = SC_TAKE(arena, int32_t, n);
	s->distance = SC_TAKE(arena, double, n);
	s->mean = SC_TAKE(arena, double, d);
	s->centre = SC_TAKE(arena, double, sc_mul(k, d));
	s->centre_norm = SC_TAKE(arena, double, k);
	s->narrow = SC_TAKE(arena, float, sc_mul(k, d));
	s->z = SC_TAKE(arena, float, sc_mul(n, d));
	s->dots = SC_TAKE(arena, float, sc_mul(n, k));
}

/* Mean, centre, centre_norm and narrow; returns the scale, a power of two. */
static double
place_centres(sc_kmeans_step *s, double *largest_norm)
{
	size_t d = (size_t) s->d;
	double largest = 0;
	double scale;
	int exponent;

	memset(s->mean, 0, d * sizeof(double));
	for (int c = 0; c < s->k; c++)
		for (size_t j = 0; j < d; j++)
			s->mean[j] += s->centroids[c * d + j] / s->k;
	for (int c = 0; c < s->k; c++)
		for (size_t j = 0; j < d; j++)
			largest = SC_MAX(largest, fabs(s->centroids[c * d + j] - s->mean[j]));
	frexp(largest, &exponent);
	scale = largest > 0 ? ldexp(1, -exponent) : 1;
	*largest_norm = 0;
	for (int c = 0; c < s->k; c++)
	{
		double norm = 0;

		for (size_t j = 0; j < d; j++)
		{
			double z = (s->centroids[c * d + j] - s->mean[j]) * scale;

			s->centre[c * d + j] = z;
			s->narrow[c * d + j] = (float) z;
			norm += z * z;
		}
		s->centre_norm[c] = norm;
		*largest_norm = SC_MAX(*largest_norm, norm);
	}
	return scale;
}

void
sc_kmeans_step_assign(sc_kmeans_step *s)
{
	size_t d = (size_t) s->d;
	double largest_norm;
	double scale = place_centres(s, &largest_norm);

	for (size_t i = 0; i < (size_t) s->n; i++)
		s->distance[i] = sc_distance()->centre_row(s->z + i * d, s->rows + i * d, s->mean, scale, s->d);
	sc_sgemm(false, true, s->n, s->k, s->d, 1, s->z, s->d, s->narrow, s->d, 0, s->dots, s->k);
	for (size_t i = 0; i < (size_t) s->n; i++)
		s->labels[i] = sc_kmeans_choose(s->z + i * d, s->distance[i], s->dots + i * s->k, s->centre, s->centre_norm,
										largest_norm, s->k, s->d, s->rows + i * d, s->centroids, &s->distance[i]);
}
