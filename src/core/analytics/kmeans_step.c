/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_step.c
 *	  The nearest centroids of a block of rows.
 *
 * By products in float, as in kmeans_nearest.c. Rows and centroids are centred
 * on the mean of the centroids first, so that a common offset does not cancel;
 * the distances that count are those of the rows as they came.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_step.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"
#include "core/analytics/kmeans_parts.h"

typedef struct sc_kmeans_step_work
{
	double *mean;			   /* (d), of the centroids */
	sc_kmeans_centres centres; /* the centroids, centred and scaled */
	float *z;				   /* (n, d), rows centred and scaled */
	float *dots;			   /* (n, k) */
} sc_kmeans_step_work;

void
sc_kmeans_step_layout(sc_kmeans_step *s, sc_arena *arena)
{
	size_t n = (size_t) s->n, d = (size_t) s->d;
	sc_kmeans_step_work w = {0};

	SC_ASSERT(s->n >= 1 && s->d >= 1 && s->k >= 1);
	s->work = SC_TAKE(arena, sc_kmeans_step_work, 1);
	s->labels = SC_TAKE(arena, int32_t, n);
	s->distance = SC_TAKE(arena, double, n);
	w.mean = SC_TAKE(arena, double, d);
	sc_kmeans_centres_layout(&w.centres, s->k, s->d, arena);
	w.z = SC_TAKE(arena, float, sc_mul(n, d));
	w.dots = SC_TAKE(arena, float, sc_mul(n, (size_t) s->k));
	if (s->work != NULL)
		*s->work = w;
}

/* The mean and the centres; returns the scale, a power of two. */
static double
place_centres(sc_kmeans_step *s)
{
	sc_kmeans_step_work *w = s->work;
	size_t d = (size_t) s->d;
	double largest = 0;
	double scale;

	memset(w->mean, 0, d * sizeof(double));
	for (int c = 0; c < s->k; c++)
		for (size_t j = 0; j < d; j++)
			w->mean[j] += s->centroids[c * d + j] / s->k;
	for (int c = 0; c < s->k; c++)
		for (size_t j = 0; j < d; j++)
			largest = SC_MAX(largest, fabs(s->centroids[c * d + j] - w->mean[j]));
	scale = sc_centring_scale(largest);
	for (int c = 0; c < s->k; c++)
		for (size_t j = 0; j < d; j++)
			w->centres.point[c * d + j] = (s->centroids[c * d + j] - w->mean[j]) * scale;
	sc_kmeans_narrow(&w->centres);
	return scale;
}

void
sc_kmeans_step_assign(sc_kmeans_step *s)
{
	sc_kmeans_step_work *w = s->work;
	size_t d = (size_t) s->d;
	double scale = place_centres(s);

	for (size_t i = 0; i < (size_t) s->n; i++)
		s->distance[i] = sc_distance()->centre_row(w->z + i * d, s->rows + i * d, w->mean, scale, s->d);
	sc_kmeans_label(&w->centres, s->n, w->z, s->rows, s->centroids, w->dots, s->labels, s->distance);
}
