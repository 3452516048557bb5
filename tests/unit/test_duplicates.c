/*-------------------------------------------------------------------------
 *
 * tests/unit/test_duplicates.c
 *	  Groups of near rows, against groups by all distances one by one.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "core/analytics/duplicates.h"
#include "points.h"

#define N 400
#define D POINTS_D

static double
distance(const float *rows, int d, size_t a, size_t b)
{
	double sum = 0;

	for (int j = 0; j < d; j++)
		sum += ((double) rows[a * d + j] - rows[b * d + j]) * ((double) rows[a * d + j] - rows[b * d + j]);
	return sqrt(sum);
}

/* label (n): the lowest row that it hangs together with. */
static void
label_by_hand(int *label, const float *rows, int n, int d, double threshold)
{
	bool changed = true;

	for (int i = 0; i < n; i++)
		label[i] = i;
	while (changed)
	{
		changed = false;
		for (int a = 0; a < n; a++)
			for (int b = 0; b < n; b++)
				if (label[b] < label[a] && distance(rows, d, a, b) <= threshold)
				{
					label[a] = label[b];
					changed = true;
				}
	}
}

/* Of the rows with that label, the one with the least sum of squared distances. */
static int
medoid_by_hand(const int *label, int wanted, const float *rows, int n, int d)
{
	double least = INFINITY;
	int medoid = -1;

	for (int a = 0; a < n; a++)
	{
		double sum = 0;

		if (label[a] != wanted)
			continue;
		for (int b = 0; b < n; b++)
			if (label[b] == wanted)
				sum += distance(rows, d, a, b) * distance(rows, d, a, b);
		if (sum < least * (1 - 1e-12))
		{
			least = sum;
			medoid = a;
		}
	}
	return medoid;
}

/* The result, for a copy of rows. */
static sc_duplicates
find(const float *rows, size_t n, int d, double threshold, int lanes)
{
	sc_duplicates dup = {.n = n, .d = d, .rows = unit_keep(n * d * sizeof(float))};
	sc_near near = {.d = d, .threshold = threshold, .lanes = lanes};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	memcpy(dup.rows, rows, n * d * sizeof(float));
	sc_duplicates_layout(&dup, &arena);
	arena = points_arena(&arena);
	sc_duplicates_layout(&dup, &arena);
	CHECK(sc_arena_ok(&arena), "layout");
	CHECK(sc_pool_run(lanes, sc_duplicates_collapse_run, &dup, &err) == SC_OK, "%s", err.message);
	near.n = dup.distinct;
	near.rows = dup.rows;
	if (near.n > 1)
	{
		arena = sc_arena_counter();
		sc_near_layout(&near, &arena);
		arena = points_arena(&arena);
		sc_near_layout(&near, &arena);
		CHECK(sc_arena_ok(&arena), "layout");
		sc_near_begin(&near);
		while (!near.done)
		{
			CHECK(sc_pool_run(lanes, sc_near_run, &near, &err) == SC_OK, "%s", err.message);
			for (int s = 0; s < lanes; s++)
				sc_duplicates_join(&dup, near.shard[s].pair, near.shard[s].count);
		}
	}
	CHECK(sc_pool_run(lanes, sc_duplicates_finish_run, &dup, &err) == SC_OK, "%s", err.message);
	return dup;
}

static void
check(const float *rows, int n, int d, double threshold, int lanes, const char *what)
{
	sc_duplicates dup = find(rows, n, d, threshold, lanes);
	int *label = unit_keep(n * sizeof(int)), *size = unit_keep(n * sizeof(int));
	int groups = 0, wrong = 0;
	size_t at = 0;

	label_by_hand(label, rows, n, d, threshold);
	memset(size, 0, n * sizeof(int));
	for (int i = 0; i < n; i++)
		groups += ++size[label[i]] == 2;
	CHECK(dup.groups == (size_t) groups, "%s: %zu groups, not %d", what, dup.groups, groups);
	for (size_t g = 0; g < dup.groups; g++)
	{
		const uint32_t *member = dup.member + at;
		int first = label[member[0]], medoid = medoid_by_hand(label, first, rows, n, d);

		wrong += (int) dup.size[g] != size[first] || first != (int) member[0];
		if (g > 0)
		{
			uint32_t before = dup.member[at - dup.size[g - 1]];

			wrong += dup.size[g] > dup.size[g - 1] || (dup.size[g] == dup.size[g - 1] && member[0] < before);
		}
		for (size_t i = 0; i < dup.size[g]; i++)
		{
			wrong += label[member[i]] != first || dup.group[member[i]] != g || (i > 0 && member[i] <= member[i - 1]);
			wrong += !(fabs(dup.distance[member[i]] - distance(rows, d, member[i], medoid)) <= 1e-9);
		}
		at += dup.size[g];
	}
	for (int i = 0; i < n; i++)
		wrong += (size[label[i]] == 1) != (dup.group[i] == SC_NO_GROUP);
	CHECK(wrong == 0, "%s, %d lanes: %d wrong", what, lanes, wrong);
}

/* Numbers in [0, 1) that nothing but i decides. */
static float
noise(uint32_t i)
{
	i = (i ^ (i >> 16)) * 0x45d9f3bu;
	i = (i ^ (i >> 16)) * 0x45d9f3bu;
	return (float) ((i ^ (i >> 16)) >> 8) / (1 << 24);
}

/*
 * The threshold of rows (n, d) in a cube, each `copies` times and moved by up
 * to `step`, and how many pairs that are no copies are within it.
 */
static double
estimate(int n, int d, int copies, double step, int *by_chance)
{
	float *rows = unit_keep((size_t) n * d * sizeof(float));
	double *far = unit_keep(n * sizeof(double)), *spread = unit_keep(n * sizeof(double));
	double *all = unit_keep(n * sizeof(double));
	int m = SC_DUPLICATES_NEIGHBOURS;
	double threshold;

	for (int i = 0; i < n; i++)
		for (int j = 0; j < d; j++)
			rows[i * d + j] =
				noise((uint32_t) (i / copies * d + j)) + (float) (step * noise((uint32_t) (i * d + j + 77777777)));
	for (int i = 0; i < n; i++)
	{
		for (int k = 0; k < n; k++)
			all[k] = distance(rows, d, i, k);
		/* The m + 1 nearest, the row itself first. */
		for (int r = 0; r <= m; r++)
			for (int k = r + 1; k < n; k++)
				if (all[k] < all[r])
				{
					double t = all[k];

					all[k] = all[r];
					all[r] = t;
				}
		far[i] = all[m];
		spread[i] = log(all[m] / all[m / 2]);
	}
	threshold = sc_duplicates_threshold(far, spread, n, m);
	*by_chance = 0;
	for (int a = 0; a < n; a++)
		for (int b = 0; b < a; b++)
			*by_chance += a / copies != b / copies && distance(rows, d, a, b) <= threshold;
	return threshold;
}

int
main(int argc, char **argv)
{
	static float x[N * D], copies[N * D], grid[N * D], zeros[N * D];
	int by_chance;

	unit_begin(argc, argv);
	points_fill(x, N, D, POINTS_CENTRES);
	for (int i = 0; i < N * D; i++)
	{
		copies[i] = x[(i / D * 31 % N / 3 * D) + i % D];
		grid[i] = (float) (i / D % 7 * (i % D % 3));
		zeros[i] = i / D % 2 ? 0.0f : -0.0f;
	}
	for (int lanes = 1; lanes <= 3; lanes++)
	{
		CASE ("no threshold, %d lanes", lanes)
			check(x, N, D, 0, lanes, "no threshold");
		CASE ("chains, %d lanes", lanes)
		{
			check(x, N, D, 1.2, lanes, "chains");
			check(x, N, D, 1.6, lanes, "longer chains");
		}
		CASE ("all, %d lanes", lanes)
			check(x, N, D, INFINITY, lanes, "all");
		CASE ("copies, %d lanes", lanes)
			check(copies, N, D, 0, lanes, "copies");
		CASE ("copies in chains, %d lanes", lanes)
			check(copies, N, D, 1.6, lanes, "copies in chains");
		CASE ("few that are distinct, %d lanes", lanes)
			check(grid, N, D, 3, lanes, "few that are distinct");
		CASE ("zeros of both signs, %d lanes", lanes)
			check(zeros, N, D, 0, lanes, "zeros");
		CASE ("one and two rows, %d lanes", lanes)
		{
			check(x, 1, D, 1, lanes, "one");
			check(zeros, 2, D, 0, lanes, "two");
		}
	}
	for (int d = 1; d <= 32; d *= 2)
		CASE ("a threshold that finds copies, %d dimensions", d)
			for (int count = 1; count <= 3; count++)
			{
				double step = d == 1 ? 1e-9 : d == 2 ? 1e-6 : 1e-3;
				double threshold = estimate(900, d, count, step, &by_chance);

				CHECK(threshold > step * sqrt(d), "%d copies: %g", count, threshold);
				CHECK(by_chance <= 9, "%d copies: %d pairs by chance within %g", count, by_chance, threshold);
			}
	CASE ("a threshold where all distances are equal")
	{
		double far[4] = {2, 2, 2, 2}, spread[4] = {0};

		CHECK(sc_duplicates_threshold(far, spread, 4, 3) == 1, "not half of it");
	}
	return unit_end();
}
