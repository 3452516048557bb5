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

/* The same by its definition: O(n^2 d), every distance from the two rows. */
static double
by_definition(const float *rows, int n, int d, int k, const int32_t *labels)
{
	double score = 0;

	for (int i = 0; i < n; i++)
	{
		double sum[8] = {0};
		int size[8] = {0};
		double a, b = INFINITY;

		for (int o = 0; o < n; o++)
		{
			double square = 0;

			for (int j = 0; j < d; j++)
			{
				double step = (double) rows[i * d + j] - rows[o * d + j];

				square += step * step;
			}
			sum[labels[o]] += sqrt(square);
			size[labels[o]]++;
		}
		if (size[labels[i]] < 2)
			continue;
		a = sum[labels[i]] / (size[labels[i]] - 1);
		for (int c = 0; c < k; c++)
			if (c != labels[i] && size[c] > 0)
				b = fmin(b, sum[c] / size[c]);
		score += fmax(a, b) > 0 ? (b - a) / fmax(a, b) : 0;
	}
	return score / n;
}

/* One row that is far from all others: the first, or another one. */
static void
test_outlier(void)
{
	float first[5] = {1e8f, 0, 0.001f, 1, 1.001f}, last[5] = {0, 0.001f, 1, 1.001f, 1e8f};
	int32_t label_first[5] = {2, 0, 0, 1, 1}, label_last[5] = {0, 0, 1, 1, 2};
	static float x[POINTS_N * POINTS_D];
	int32_t labels[POINTS_N];

	CLOSE(score(first, 5, 1, 3, label_first, 1), 0.7992, 1e-6);
	CLOSE(score(last, 5, 1, 3, label_last, 1), 0.7992, 1e-6);

	for (int row = 0; row < POINTS_N; row += 200)
		for (double far = 1e3; far < 1e38; far *= 1e5)
		{
			points_fill(x, POINTS_N, POINTS_D, POINTS_CENTRES);
			for (int j = 0; j < POINTS_D; j++)
				x[row * POINTS_D + j] = (float) (j % 2 ? far : -far);
			for (int i = 0; i < POINTS_N; i++)
				labels[i] = i % POINTS_CENTRES;
			labels[row] = POINTS_CENTRES;
			CLOSE(score(x, POINTS_N, POINTS_D, POINTS_CENTRES + 1, labels, 2),
				  by_definition(x, POINTS_N, POINTS_D, POINTS_CENTRES + 1, labels), 1e-8);
		}
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
	CASE ("one row far from the others")
		test_outlier();
	return unit_end();
}
