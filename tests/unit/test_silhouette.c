/*-------------------------------------------------------------------------
 *
 * tests/unit/test_silhouette.c
 *	  The mean silhouette against scikit-learn, lanes, single rows.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "points.h"
#include "core/analytics/silhouette.h"

#include "../fixtures/sklearn.h"

static double
score(const float *rows, size_t n, int d, int k, const int32_t *labels, int lanes)
{
	sc_silhouette s = {.n = n, .d = d, .k = k, .rows = rows, .labels = labels};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	sc_silhouette_layout(&s, &arena);
	arena = points_arena(&arena);
	sc_silhouette_layout(&s, &arena);
	CHECK(sc_arena_ok(&arena), "layout");
	CHECK(sc_pool_run(lanes, sc_silhouette_run, &s, &err) == SC_OK, "%s", err.message);
	return s.mean;
}

int
main(int argc, char **argv)
{
	static float x[POINTS_N * POINTS_D];
	int32_t labels[POINTS_N];
	float few[4] = {0, 1, 10, 11};
	int32_t one[4] = {0, 0, 0, 0}, each[4] = {0, 1, 2, 3}, two[4] = {0, 0, 1, 1};
	double first;

	unit_begin(argc, argv);
	points_fill(x, POINTS_N, POINTS_D, POINTS_CENTRES);
	for (int i = 0; i < POINTS_N; i++)
		labels[i] = i % POINTS_CENTRES;
	CASE ("scikit-learn's value, on any lanes")
	{
		first = score(x, POINTS_N, POINTS_D, POINTS_CENTRES, labels, 1);
		CLOSE(first, sk_silhouette, 1e-10);
		for (int lanes = 2; lanes <= 3; lanes++)
			CHECK(score(x, POINTS_N, POINTS_D, POINTS_CENTRES, labels, lanes) == first, "%d lanes", lanes);
	}
	CASE ("few rows")
	{
		CLOSE(score(few, 4, 1, 1, one, 1), 0, 0);
		CLOSE(score(few, 4, 1, 4, each, 2), 0, 0);
		CLOSE(score(few, 4, 1, 2, two, 2), (9.5 / 10.5 + 8.5 / 9.5) / 2, 1e-12);
		CLOSE(score(few, 4, 1, 3, two, 2), (9.5 / 10.5 + 8.5 / 9.5) / 2, 1e-12);
	}
	return unit_end();
}
