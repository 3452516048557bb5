/*-------------------------------------------------------------------------
 *
 * tests/unit/test_spread.c
 *	  Rows far from each other, against all distances one by one.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "core/analytics/spread.h"
#include "points.h"

static double
distance2(const float *a, const float *b, int d)
{
	double sum = 0;

	for (int j = 0; j < d; j++)
		sum += ((double) a[j] - b[j]) * ((double) a[j] - b[j]);
	return sum;
}

static uint32_t *
spread(const float *rows, size_t n, int d, size_t count, int lanes)
{
	sc_spread job = {.n = n, .d = d, .rows = rows, .count = count};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	sc_spread_layout(&job, &arena);
	arena = points_arena(&arena);
	sc_spread_layout(&job, &arena);
	CHECK(sc_arena_ok(&arena), "layout");
	CHECK(sc_pool_run(lanes, sc_spread_run, &job, &err) == SC_OK, "%s", err.message);
	return job.chosen;
}

/* The first is nearest to the mean, each other one farthest from those before it; the lower where two are. */
static void
check(const float *rows, int n, int d, int count, int lanes, const char *what)
{
	uint32_t *chosen = spread(rows, n, d, count, lanes);
	double *mean = unit_keep(d * sizeof(double)), *away = unit_keep(n * sizeof(double));
	int wrong = 0;

	memset(mean, 0, d * sizeof(double));
	for (int i = 0; i < n * d; i++)
		mean[i % d] += (double) rows[i] / n;
	for (int i = 0; i < n; i++)
	{
		away[i] = 0;
		for (int j = 0; j < d; j++)
			away[i] -= (rows[i * d + j] - mean[j]) * (rows[i * d + j] - mean[j]);
	}
	for (int r = 0; r < count; r++)
	{
		uint32_t c = chosen[r];

		for (int i = 0; i < n; i++)
			wrong += away[i] - away[c] > 1e-9 * fabs(away[c]) || (i < (int) c && away[i] == away[c]);
		for (int i = 0; i < n; i++)
			away[i] = r == 0 ? distance2(rows + i * d, rows + c * d, d)
							 : fmin(away[i], distance2(rows + i * d, rows + c * d, d));
		for (int q = 0; q <= r; q++)
			away[chosen[q]] = -1;
	}
	CHECK(wrong == 0, "%s, %d lanes: %d wrong", what, lanes, wrong);
}

int
main(int argc, char **argv)
{
	static float x[POINTS_N * POINTS_D], same[POINTS_N * POINTS_D], twice[POINTS_N * POINTS_D];

	unit_begin(argc, argv);
	points_fill(x, POINTS_N, POINTS_D, POINTS_CENTRES);
	for (int i = 0; i < POINTS_N * POINTS_D; i++)
		same[i] = 3;
	for (int i = 0; i < POINTS_N * POINTS_D; i++)
		twice[i] = x[i % (POINTS_N / 2 * POINTS_D)];
	for (int lanes = 1; lanes <= 5; lanes++)
	{
		CASE ("some, %d lanes", lanes)
			check(x, POINTS_N, POINTS_D, 40, lanes, "some");
		CASE ("all, %d lanes", lanes)
			check(x, POINTS_N, POINTS_D, POINTS_N, lanes, "all");
		CASE ("copies come last, %d lanes", lanes)
			check(twice, POINTS_N, POINTS_D, POINTS_N, lanes, "copies");
		CASE ("fewer than lanes, %d lanes", lanes)
		{
			check(x, 1, POINTS_D, 1, lanes, "one");
			check(x, 3, POINTS_D, 3, lanes, "three");
		}
		CASE ("equal ones, by their order, %d lanes", lanes)
		{
			uint32_t *chosen = spread(same, POINTS_N, POINTS_D, 20, lanes);
			int wrong = 0;

			for (uint32_t i = 0; i < 20; i++)
				wrong += chosen[i] != i;
			CHECK(wrong == 0, "%d wrong", wrong);
		}
	}
	return unit_end();
}
