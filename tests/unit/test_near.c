/*-------------------------------------------------------------------------
 *
 * tests/unit/test_near.c
 *	  Pairs within a distance, against all distances one by one.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "core/analytics/near.h"
#include "points.h"

static void
check(const float *rows, size_t n, int d, double threshold, int lanes, const char *what)
{
	sc_near near = {.n = n, .d = d, .rows = rows, .threshold = threshold, .lanes = lanes};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};
	char *seen = calloc(n, n);
	size_t wanted = 0, found = 0;
	int wrong = 0, runs = 0;

	sc_near_layout(&near, &arena);
	arena = points_arena(&arena);
	sc_near_layout(&near, &arena);
	CHECK(sc_arena_ok(&arena), "%s: layout", what);
	sc_near_begin(&near);
	while (!near.done && runs < 1000)
	{
		CHECK(sc_pool_run(lanes, sc_near_run, &near, &err) == SC_OK, "%s: %s", what, err.message);
		runs++;
		for (int s = 0; s < lanes; s++)
			for (size_t i = 0; i < near.shard[s].count; i++)
			{
				sc_near_pair p = near.shard[s].pair[i];
				double sum = 0;

				for (int j = 0; j < d; j++)
					sum += ((double) rows[p.a * d + j] - rows[p.b * d + j]) *
						   ((double) rows[p.a * d + j] - rows[p.b * d + j]);
				wrong += p.a >= p.b || p.b >= n || seen[p.a * n + p.b]++ ||
						 !(fabs(p.distance - sqrt(sum)) <= 1e-14 * sqrt(sum));
				found++;
			}
	}
	for (size_t a = 0; a < n; a++)
		for (size_t b = a + 1; b < n; b++)
		{
			double sum = 0;

			for (int j = 0; j < d; j++)
				sum += ((double) rows[a * d + j] - rows[b * d + j]) * ((double) rows[a * d + j] - rows[b * d + j]);
			wanted += sqrt(sum) <= threshold;
		}
	CHECK(wrong == 0 && found == wanted, "%s, %d lanes: %d wrong, %zu of %zu found", what, lanes, wrong, found, wanted);
	CHECK(found < near.room * (size_t) lanes || runs > 1, "%s: %d runs for %zu pairs", what, runs, found);
	free(seen);
}

/* So many rows of so many dimensions that they are reduced first: heaps of three, one of them twice. */
#define MANY_N 4200
#define MANY_D 256

static void
check_many(int lanes)
{
	float *rows = malloc(sizeof(float) * MANY_N * MANY_D);

	for (int i = 0; i < MANY_N; i++)
		for (int j = 0; j < MANY_D; j++)
			rows[(size_t) i * MANY_D + j] =
				(float) (sin(i % 1400 * 0.71 + j * (1 + i % 1400 % 50) * 0.37) + (i >= 2800) * 1e-3 * cos(j + i));
	check(rows, MANY_N, MANY_D, 1e-2, lanes, "many, some far less than that");
	check(rows, MANY_N, MANY_D, 0, lanes, "many, the same");
	free(rows);
}

int
main(int argc, char **argv)
{
	static float x[POINTS_N * POINTS_D], grid[POINTS_N * POINTS_D], huge[POINTS_N * POINTS_D], far[POINTS_N * POINTS_D],
		tiny[POINTS_N * POINTS_D], outlier[POINTS_N * POINTS_D];

	unit_begin(argc, argv);
	points_fill(x, POINTS_N, POINTS_D, POINTS_CENTRES);
	for (int i = 0; i < POINTS_N * POINTS_D; i++)
	{
		grid[i] = (float) (i / POINTS_D % 7 * (i % POINTS_D % 3));
		huge[i] = (x[i] - 10) * 1e37f;
		far[i] = 1e6f + x[i];
		tiny[i] = x[i] * 1e-38f;
		outlier[i] = i < 2 * POINTS_D ? huge[i] : x[i];
	}
	for (int lanes = 1; lanes <= 3; lanes++)
	{
		CASE ("some, %d lanes", lanes)
			check(x, POINTS_N, POINTS_D, 2.0, lanes, "some");
		CASE ("none, %d lanes", lanes)
			check(x, POINTS_N, POINTS_D, 0, lanes, "none");
		CASE ("all, %d lanes", lanes)
			check(x, POINTS_N, POINTS_D, INFINITY, lanes, "all");
		CASE ("the same, %d lanes", lanes)
			check(grid, POINTS_N, POINTS_D, 0, lanes, "the same");
		CASE ("huge, %d lanes", lanes)
			check(huge, POINTS_N, POINTS_D, 2.5e37, lanes, "huge");
		CASE ("far from zero, %d lanes", lanes)
			check(far, POINTS_N, POINTS_D, 2.5, lanes, "far from zero");
		CASE ("tiny, %d lanes", lanes)
			check(tiny, POINTS_N, POINTS_D, 2.5e-38, lanes, "tiny");
		CASE ("two far from the others, %d lanes", lanes)
			check(outlier, POINTS_N, POINTS_D, 2.0, lanes, "two far from the others");
		CASE ("two, %d lanes", lanes)
			check(x, 2, POINTS_D, 100, lanes, "two");
		CASE ("one more than a block, %d lanes", lanes)
			check(x, 65, POINTS_D, 3, lanes, "one more than a block");
		CASE ("wide, %d lanes", lanes)
			check(x, 4, 1800, 1e3, lanes, "wide");
	}
	if (!unit_small())
		CASE ("many")
			check_many(2);
	return unit_end();
}
