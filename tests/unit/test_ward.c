/*-------------------------------------------------------------------------
 *
 * tests/unit/test_ward.c
 *	  Ward's tree against its definition: sums of squares of all rows.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <math.h>

#include "core/analytics/ward.h"
#include "points.h"

#define ROWS 90
#define DIM 7
#define GROUPS 12

static void
run(sc_ward *w, int lanes)
{
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	sc_ward_layout(w, &arena);
	arena = points_arena(&arena);
	sc_ward_layout(w, &arena);
	CHECK(sc_arena_ok(&arena), "layout");
	CHECK(sc_pool_run(lanes, sc_ward_run, w, &err) == SC_OK, "%s", err.message);
}

/* The sum of the squared distances of the rows of groups a and b to their common mean; b may be a. */
static double
sum_of_squares(const float *rows, const int *group, int a, int b)
{
	double mean[DIM] = {0}, sum = 0;
	int n = 0;

	for (int i = 0; i < ROWS; i++)
		if (group[i] == a || group[i] == b)
		{
			n++;
			for (int j = 0; j < DIM; j++)
				mean[j] += rows[i * DIM + j];
		}
	for (int i = 0; i < ROWS; i++)
		for (int j = 0; j < DIM && (group[i] == a || group[i] == b); j++)
			sum += pow(rows[i * DIM + j] - mean[j] / n, 2);
	return sum;
}

static int
size_of(const int *group, int a)
{
	int n = 0;

	for (int i = 0; i < ROWS; i++)
		n += group[i] == a;
	return n;
}

static void
test_definition(void)
{
	float rows[ROWS * DIM];
	int group[ROWS];
	double centre[GROUPS * DIM] = {0}, mass[GROUPS] = {0};
	sc_ward w = {.n = GROUPS, .d = DIM, .centres = centre, .masses = mass};

	points_fill(rows, ROWS, DIM, 5);
	for (int i = 0; i < ROWS; i++)
	{
		group[i] = (i * i + i / 7) % GROUPS;
		mass[group[i]]++;
		for (int j = 0; j < DIM; j++)
			centre[group[i] * DIM + j] += rows[i * DIM + j];
	}
	for (int g = 0; g < GROUPS; g++)
	{
		CHECK(mass[g] > 0, "group %d is empty", g);
		for (int j = 0; j < DIM; j++)
			centre[g * DIM + j] /= mass[g];
	}
	run(&w, 3);
	for (int step = 0; step < GROUPS - 1; step++)
	{
		const sc_ward_join *two = &w.joins[step];
		double least = INFINITY;
		double grows = 0;

		for (int a = 0; a < GROUPS; a++)
			for (int b = 0; b < a; b++)
				if (size_of(group, a) > 0 && size_of(group, b) > 0)
				{
					double by = sum_of_squares(rows, group, a, b) - sum_of_squares(rows, group, a, a) -
								sum_of_squares(rows, group, b, b);

					least = fmin(least, by);
					if ((a == two->keep && b == two->join) || (b == two->keep && a == two->join))
						grows = by;
				}
		CHECK(fabs(grows - least) <= 1e-9 * least, "step %d joins at %g, not %g", step, grows, least);
		CHECK(fabs(two->height - sqrt(2 * least)) <= 1e-9 * two->height, "step %d: height %g", step, two->height);
		CHECK(size_of(group, two->keep) >= size_of(group, two->join), "step %d keeps the smaller", step);
		CHECK(two->mass == size_of(group, two->keep) + size_of(group, two->join), "step %d: mass", step);
		CHECK(step == 0 || two->height >= w.joins[step - 1].height, "step %d lies lower than the one before", step);
		for (int i = 0; i < ROWS; i++)
			if (group[i] == two->join)
				group[i] = two->keep;
	}
}

/* Equal centres, and equally far ones: the first ones first. */
static void
test_ties(void)
{
	double centre[] = {0, 1, 2, 3, 3}, mass[] = {1, 1, 1, 1, 2};
	static const int keep[] = {4, 0, 4, 4}, join[] = {3, 1, 2, 0};
	sc_ward w = {.n = 5, .d = 1, .centres = centre, .masses = mass};

	run(&w, 1);
	for (int i = 0; i < 4; i++)
		CHECK(w.joins[i].keep == keep[i] && w.joins[i].join == join[i], "join %d: %d %d", i, w.joins[i].keep,
			  w.joins[i].join);
	CHECK(w.joins[0].height == 0 && w.joins[1].height == 1, "heights %g %g", w.joins[0].height, w.joins[1].height);
	w.n = 1;
	run(&w, 1);
}

int
main(int argc, char **argv)
{
	unit_begin(argc, argv);
	CASE ("by the definition")
		test_definition();
	CASE ("ties")
		test_ties();
	return unit_end();
}
