/*-------------------------------------------------------------------------
 *
 * tests/unit/test_measures.c
 *	  Measures of agreement against scikit-learn; the elbow of known curves.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "core/analytics/elbow.h"
#include "core/analytics/measures.h"

#include "../fixtures/sklearn.h"

/* The least sum over all assignments of rows i ... n - 1 to columns not in used. */
static double
least_sum(const double *cost, int n, int i, unsigned used)
{
	double best = INFINITY;

	if (i == n)
		return 0;
	for (int j = 0; j < n; j++)
		if (!(used >> j & 1))
			best = fmin(best, cost[i * n + j] + least_sum(cost, n, i + 1, used | 1u << j));
	return best;
}

static void
test_hungarian(void)
{
	double cost[36], work[256];
	int assign[6];

	for (int trial = 0; trial < 200; trial++)
	{
		int n = 1 + trial % 6;
		double sum = 0;
		unsigned used = 0;

		for (int i = 0; i < n * n; i++)
			cost[i] = (double) ((trial * 7919 + i * 104729 + i * i * trial) % 23) - 11;
		CHECK(sc_hungarian_bytes(n) <= sizeof(work), "work of %d", n);
		sc_hungarian(assign, cost, n, work);
		for (int i = 0; i < n; i++)
		{
			sum += cost[i * n + assign[i]];
			used |= 1u << assign[i];
		}
		CHECK(used == (1u << n) - 1, "trial %d is no permutation", trial);
		CLOSE(sum, least_sum(cost, n, 0, 0), 1e-9);
	}
}

static double
accuracy(const int64_t *table, int clusters, int classes, int64_t missing, void *work)
{
	sc_accuracy a = {table, clusters, classes, missing, work, -1};
	sc_error err = {SC_OK};

	CHECK(sc_pool_run(2, sc_accuracy_run, &a, &err) == SC_OK, "%s", err.message);
	return a.accuracy;
}

static void
test_sklearn(void)
{
	int64_t table[6 * 4] = {0};
	int64_t one[2] = {3, 0}, none[1] = {0}, diagonal[4] = {0, 2, 2, 0};
	double work[512];

	for (int i = 0; i < 200; i++)
	{
		int a = (i * 7 + i / 3) % 4;
		int b = i % 4 ? a * 2 % 5 : i % 6;

		table[b * 4 + a]++;
	}
	CHECK(sc_accuracy_bytes(6, 4) <= sizeof(work), "work");
	CLOSE(sc_purity(table, 6, 4, 0), sk_purity, 1e-12);
	CLOSE(accuracy(table, 6, 4, 0, work), sk_accuracy, 1e-12);
	CLOSE(sc_normalized_mutual_info(table, 6, 4), sk_nmi, 1e-12);
	CLOSE(sc_adjusted_rand_index(table, 6, 4), sk_ari, 1e-12);
	CLOSE(sc_purity(table, 6, 4, 200), sk_purity / 2, 1e-12);
	CLOSE(accuracy(table, 6, 4, 200, work), sk_accuracy / 2, 1e-12);

	CLOSE(accuracy(diagonal, 2, 2, 0, work), 1, 0);
	CLOSE(sc_normalized_mutual_info(diagonal, 2, 2), 1, 1e-15);
	CLOSE(sc_adjusted_rand_index(diagonal, 2, 2), 1, 1e-15);
	CLOSE(sc_normalized_mutual_info(one, 1, 2), 1, 0);
	CLOSE(sc_adjusted_rand_index(one, 1, 2), 1, 0);
	CLOSE(sc_purity(none, 1, 1, 0), 0, 0);
	CLOSE(accuracy(none, 1, 1, 0, work), 0, 0);
	CLOSE(sc_adjusted_rand_index(none, 1, 1), 0, 0);
}

static void
test_elbow(void)
{
	double flat[4] = {0, 0, 0, 0};
	double line[5] = {5, 4, 3, 2, 1};
	double two[8] = {100, 40, 36, 32, 8, 7, 6, 5};

	CHECK(sc_elbow_choose(SC_ELBOW_LAST_TURN, sk_inertia, 8, 0.01) == 5, "last turn");
	/* Farthest from the chord: 0.446 at 4, 0.425 at 5; but the corner is at 5. */
	CHECK(sc_elbow_choose(SC_ELBOW_KNEEDLE, sk_inertia, 8, 1.0) == 5, "kneedle");
	CHECK(sc_elbow_choose(SC_ELBOW_KNEEDLE, sk_inertia, 8, 1000) == 0, "kneedle, insensitive");
	CHECK(sc_elbow_choose(SC_ELBOW_LAST_TURN, flat, 4, 0.01) == 0, "flat");
	CHECK(sc_elbow_choose(SC_ELBOW_KNEEDLE, flat, 4, 1.0) == 0, "flat");
	CHECK(sc_elbow_choose(SC_ELBOW_KNEEDLE, line, 5, 1.0) == 0, "a line has no knee");
	CHECK(sc_elbow_choose(SC_ELBOW_LAST_TURN, line, 5, 0.2) == 5, "a line improves to its end");
	CHECK(sc_elbow_choose(SC_ELBOW_LAST_TURN, line, 1, 0.2) == 0, "one point");
	CHECK(sc_elbow_choose(SC_ELBOW_KNEEDLE, line, 2, 1.0) == 0, "two points");
	CHECK(sc_elbow_choose(SC_ELBOW_KNEEDLE, two, 8, 1.0) == 5, "the last of two knees");
	CHECK(sc_elbow_choose(SC_ELBOW_LAST_TURN, two, 8, 0.1) == 5, "the last turn");
}

/* Curves of groups set clearly apart, however many numbers were tried, and of none. */
static void
test_corner(void)
{
	/* inertia of 30 rows about each of 8 points: in a plane, deviation 0.3; in 10 dimensions, 0.5; sides of 10 */
	double plane[15] = {3951.31, 2061.56, 1029.29, 598.129, 385.628, 242.133, 124.914, 43.3464,
						40.8607, 38.4076, 35.746,  33.5194, 31.3674, 29.5638, 27.7531};
	double deep[15] = {18369.8, 10549.3, 7733.76, 5760.59, 3946.36, 2617.27, 1427.15, 602.456,
					   591.586, 579.016, 566.774, 554.942, 546.011, 535.5,	 528.296};

	/* of 20 points: in a plane, deviation 0.2; in 10 dimensions, 0.5 */
	double plane20[15] = {9187.83, 5157.2,	3059.74, 1846.35, 1428.81, 1082.93, 833.127, 638.064,
						  542.645, 450.699, 370.695, 295.44,  240.173, 193.689, 138.422};
	double deep20[15] = {52053.4, 40426.8, 34050.7, 29788.8, 26979,	  23711,  20314,  18100.9,
						 15908.5, 13873.4, 11750.8, 9782.64, 8388.83, 6860.7, 5633.93};
	/* of 20 rows about each of 8 by 3 points in a plane, in 10 dimensions, deviation 0.2: a corner at 2 */
	double rows24[9] = {3003.53, 1114.77, 783.387, 639.2, 571.622, 488.113, 427.752, 378.132, 351.426};
	double even[15]; /* rows spread evenly along a line */

	for (int n = 9; n <= 15; n++)
	{
		int chosen = sc_elbow_choose(SC_ELBOW_KNEEDLE, plane, n, 1.0);

		CHECK(chosen == 8 && !sc_elbow_falls(SC_ELBOW_KNEEDLE, plane, n, chosen, 1.0), "plane, %d: %d", n, chosen);
		chosen = sc_elbow_choose(SC_ELBOW_KNEEDLE, deep, n, 1.0);
		CHECK(chosen == 8 && !sc_elbow_falls(SC_ELBOW_KNEEDLE, deep, n, chosen, 1.0), "deep, %d: %d", n, chosen);
	}
	for (int n = 4; n <= 15; n++)
	{
		int chosen = sc_elbow_choose(SC_ELBOW_KNEEDLE, plane20, n, 1.0);

		CHECK(sc_elbow_falls(SC_ELBOW_KNEEDLE, plane20, n, chosen, 1.0), "plane, 20 groups, %d: %d", n, chosen);
		chosen = sc_elbow_choose(SC_ELBOW_KNEEDLE, deep20, n, 1.0);
		CHECK(sc_elbow_falls(SC_ELBOW_KNEEDLE, deep20, n, chosen, 1.0), "deep, 20 groups, %d: %d", n, chosen);
	}
	for (int n = 5; n <= 9; n++)
	{
		int chosen = sc_elbow_choose(SC_ELBOW_KNEEDLE, rows24, n, 1.0);

		CHECK(sc_elbow_falls(SC_ELBOW_KNEEDLE, rows24, n, chosen, 1.0), "8 by 3 groups, %d: %d", n, chosen);
	}
	for (int k = 1; k <= 15; k++)
		even[k - 1] = 1.0 / (k * k);
	for (int n = 4; n <= 15; n++)
		CHECK(sc_elbow_choose(SC_ELBOW_KNEEDLE, even, n, 1.0) <= 4, "evenly spread, %d", n);
	CHECK(sc_elbow_falls(SC_ELBOW_LAST_TURN, deep20, 15, 15, 0.01), "last turn at the end");
	CHECK(!sc_elbow_falls(SC_ELBOW_LAST_TURN, plane, 15, 8, 0.01), "last turn before the end");
	CHECK(!sc_elbow_falls(SC_ELBOW_KNEEDLE, plane, 1, 0, 1.0), "one point");
}

int
main(int argc, char **argv)
{
	unit_begin(argc, argv);
	CASE ("the best matching")
		test_hungarian();
	CASE ("scikit-learn's values")
		test_sklearn();
	CASE ("elbow")
		test_elbow();
	CASE ("elbow of groups set apart")
		test_corner();
	return unit_end();
}
