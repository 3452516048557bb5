/*-------------------------------------------------------------------------
 *
 * tests/unit/test_kmeans_step.c
 *	  The nearest centroids of a block of rows, against one distance after the
 *	  other, on numbers that the product in float cannot tell apart or hold.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "core/analytics/kmeans_step.h"
#include "points.h"

static double
distance2(const float *x, const double *c, int d)
{
	double sum = 0;

	for (int j = 0; j < d; j++)
		sum += (x[j] - c[j]) * (x[j] - c[j]);
	return sum;
}

/* Rows (n, d) and centroids (k, d). */
static void
check(const float *rows, const double *centroids, int n, int d, int k, const char *what)
{
	sc_kmeans_step s = {.n = n, .d = d, .k = k, .rows = rows, .centroids = centroids};
	sc_arena arena = sc_arena_counter();
	int wrong = 0;

	sc_kmeans_step_layout(&s, &arena);
	arena = points_arena(&arena);
	sc_kmeans_step_layout(&s, &arena);
	CHECK(sc_arena_ok(&arena), "%s: layout", what);
	sc_kmeans_step_assign(&s);
	for (int i = 0; i < n; i++)
	{
		double least = INFINITY;

		for (int c = 0; c < k; c++)
			least = fmin(least, distance2(rows + i * d, centroids + c * d, d));
		wrong += !(fabs(s.distance[i] - least) <= 1e-13 * least) ||
				 !(fabs(distance2(rows + i * d, centroids + s.labels[i] * d, d) - least) <= 1e-13 * least);
	}
	CHECK(wrong == 0, "%s: %d labels are wrong", what, wrong);
}

int
main(int argc, char **argv)
{
	static float x[POINTS_N * POINTS_D], y[POINTS_N * POINTS_D];
	static double c[40 * POINTS_D];
	double same[3] = {2, 2, 2};
	double apart[4] = {1e20, 0, 1e19, 1};
	float beside[2] = {1e19f, 0};
	float two[2] = {1, 3};
	sc_kmeans_step s = {.n = 2, .d = 1, .k = 3, .rows = two, .centroids = same};
	sc_arena arena = sc_arena_counter();

	unit_begin(argc, argv);
	points_fill(x, POINTS_N, POINTS_D, POINTS_CENTRES);
	/* from 0, far from 0, tiny, near the ends of float */
	for (int form = 0; form < 5; form++)
	{
		const double offset[5] = {0, 1e6, 0, -10, 0};
		const double factor[5] = {1, 1, 1e-38, 2e37, 1e18};

		for (int i = 0; i < POINTS_N * POINTS_D; i++)
			y[i] = (float) ((x[i] + offset[form]) * factor[form]);
		for (int k = 1; k <= 40; k += 13)
		{
			for (int i = 0; i < k * POINTS_D; i++)
				c[i] = y[i / POINTS_D * 7 * POINTS_D + i % POINTS_D];
			CASE ("points %d, %d centroids", form, k)
				check(y, c, POINTS_N, POINTS_D, k, "points");
		}
	}
	/* rows far outside of the centroids, and the other way round */
	for (int i = 0; i < 9 * POINTS_D; i++)
		c[i] = x[i];
	CASE ("rows far outside")
		check(y, c, POINTS_N, POINTS_D, 9, "rows far outside");
	for (int i = 0; i < 9 * POINTS_D; i++)
		c[i] = y[i];
	CASE ("centroids far outside")
		check(x, c, POINTS_N, POINTS_D, 9, "centroids far outside");
	/* a product beyond the largest float, with the centroid that is not the nearest */
	CASE ("overflow")
		check(beside, apart, 1, 2, 2, "overflow");

	CASE ("equal centroids: the lower label")
	{
		sc_kmeans_step_layout(&s, &arena);
		arena = points_arena(&arena);
		sc_kmeans_step_layout(&s, &arena);
		sc_kmeans_step_assign(&s);
		CHECK(s.labels[0] == 0 && s.labels[1] == 0 && s.distance[0] == 1 && s.distance[1] == 1, "equal centroids");
	}
	return unit_end();
}
