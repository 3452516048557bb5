/*-------------------------------------------------------------------------
 *
 * tests/unit/test_space.c
 *	  The space of clusters, against its definition in double.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <float.h>

#include "core/analytics/space.h"
#include "points.h"

#define Q 4
#define K 5

static float rows[POINTS_N * POINTS_D];
static double mean[POINTS_D], components[Q * POINTS_D], variance[Q] = {9, 4, 1, 1e-13}, centroids[K * POINTS_D];

/* Coordinate c of a row, by the definition. */
static double
coordinate(const sc_space *s, const float *row, int c)
{
	double length = 0, sum = 0;

	for (int j = 0; j < s->d; j++)
		length += (double) row[j] * row[j];
	length = s->l2_normalize && length > 0 ? sqrt(length) : 1;
	if (s->q == 0)
		return row[c] / length;
	for (int j = 0; j < s->d; j++)
		sum += (row[j] / length - s->mean[j]) * s->components[c * s->d + j];
	if (s->whiten)
		return s->variance[c] > 1e-12 * s->variance[0] ? sum / sqrt(s->variance[c]) : 0;
	return sum;
}

static void
test_project(sc_space s)
{
	float point[POINTS_D], scratch[POINTS_D];

	for (int i = 0; i < POINTS_N; i++)
	{
		const float *row = rows + i * POINTS_D;

		sc_space_project(&s, point, row, scratch);
		for (int c = 0; c < sc_space_dim(&s); c++)
			CLOSE(point[c], coordinate(&s, row, c), 1e-5);
	}
}

/* The job, against one row after the other; it may round otherwise. */
static void
test_rows(const sc_space *s, int lanes, float *out)
{
	sc_space_rows p = {.space = s, .n = POINTS_N, .rows = rows, .out = out};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};
	float point[Q];

	sc_space_project_layout(&p, &arena);
	arena = points_arena(&arena);
	sc_space_project_layout(&p, &arena);
	CHECK(sc_arena_ok(&arena), "layout");
	CHECK(sc_pool_run(lanes, sc_space_project_run, &p, &err) == SC_OK, "%s", err.message);
	for (int i = 0; i < POINTS_N; i++)
	{
		sc_space_project(s, point, rows + i * POINTS_D, NULL);
		for (int c = 0; c < Q; c++)
			CLOSE(out[i * Q + c], point[c], 1e-6 * fabs(point[c]) + 1e-12);
	}
}

static void
test_zero(void)
{
	sc_space s = {.d = POINTS_D, .l2_normalize = true};
	float zero[POINTS_D] = {-0.0f}, out[POINTS_D];

	memset(out, 1, sizeof(out));
	CHECK(sc_space_normalize(out, zero, POINTS_D) == 0, "the length of zeros");
	for (int j = 0; j < POINTS_D; j++)
		CHECK(out[j] == 0 && !signbit(out[j]), "zeros stay zeros: %g", out[j]);
	sc_space_project(&s, out, zero, NULL);
	for (int j = 0; j < POINTS_D; j++)
		CHECK(out[j] == 0, "zeros stay zeros: %g", out[j]);
}

static void
test_normalize(void)
{
	float x[2] = {3e38f, -3e38f}, tiny[2] = {1e-45f, 0};

	CLOSE(sc_space_length(x, 2), 3e38f * sqrt(2), 1e32);
	sc_space_normalize(x, x, 2);
	CLOSE(x[0], sqrt(0.5), 1e-7);
	CLOSE(x[1], -sqrt(0.5), 1e-7);
	sc_space_normalize(tiny, tiny, 2);
	CHECK(tiny[0] == 1 && tiny[1] == 0, "%g %g", tiny[0], tiny[1]);
}

static void
test_nearest(void)
{
	sc_space s = {.d = POINTS_D, .k = K, .centroids = centroids};
	double distance;

	for (int i = 0; i < POINTS_N; i++)
	{
		const float *row = rows + i * POINTS_D;
		int label = sc_space_nearest(&s, row, &distance);
		double least = INFINITY;

		for (int c = 0; c < K; c++)
		{
			double sum = 0;

			for (int j = 0; j < POINTS_D; j++)
				sum += (row[j] - centroids[c * POINTS_D + j]) * (row[j] - centroids[c * POINTS_D + j]);
			CLOSE(sc_space_distance2(&s, row, c), sum, 1e-13 * sum);
			least = fmin(least, sum);
		}
		CLOSE(distance, least, 1e-13 * least);
		CHECK(sc_space_distance2(&s, row, label) == distance && sc_space_nearest(&s, row, NULL) == label, "row %d", i);
	}
}

/* One dimension, where the answers are known. */
static void
test_ties(void)
{
	double c[4] = {3, 1, 1, -1};
	sc_space s = {.d = 1, .k = 4, .centroids = c};
	float point[1] = {1};
	double distance;

	CHECK(sc_space_nearest(&s, point, &distance) == 1 && distance == 0, "of two that are the same, the first");
	point[0] = 2;
	CHECK(sc_space_nearest(&s, point, &distance) == 0 && distance == 1, "of two on both sides, the first");
	point[0] = FLT_MAX;
	CHECK(sc_space_nearest(&s, point, &distance) == 0 && isfinite(distance), "as far as a float goes");
	/* Two centroids a group. */
	s.group = (const int32_t[]){1, 0, 0, 1};
	point[0] = -7;
	CHECK(sc_space_groups(&s) == 2 && sc_space_nearest(&s, point, &distance) == 1 && distance == 36, "its group");
	s.group = NULL;
	CHECK(sc_space_groups(&s) == 4, "each its own");
	s.k = 1;
	point[0] = -7;
	CHECK(sc_space_nearest(&s, point, &distance) == 0 && distance == 100, "the only one");
}

/* The second group, whatever the order of the centroids, and the margin between the two. */
static void
test_two(void)
{
	double c[4] = {3, 1, 6, -1};
	sc_space s = {.d = 1, .k = 4, .centroids = c};
	float point[1];
	double own, other;

	/* As the nearest one of any other group, found the slow way. */
	for (int groups = 0; groups < 16; groups++)
	{
		const int32_t group[4] = {groups & 1, groups >> 1 & 1, 7, groups >> 2 & 1 ? 7 : groups >> 3};

		s.group = group;
		for (int i = -20; i <= 80; i++)
		{
			double least = INFINITY;
			int label;

			point[0] = 0.1f * i;
			label = sc_space_nearest_two(&s, point, &own, &other);
			for (int k = 0; k < 4; k++)
				if (group[k] != label)
					least = fmin(least, sc_space_distance2(&s, point, k));
			CHECK(label == sc_space_nearest(&s, point, NULL), "groups %d, point %d", groups, i);
			CHECK(other == least, "groups %d, point %d: %g and not %g", groups, i, other, least);
		}
	}
	s.group = NULL;
	point[0] = 3;
	CHECK(sc_space_nearest_two(&s, point, &own, &other) == 0 && sc_space_margin(own, other) == 1, "at its centroid");
	point[0] = 2;
	(void) sc_space_nearest_two(&s, point, &own, &other);
	CHECK(sc_space_margin(own, other) == 0, "between two");
	point[0] = 2.5;
	(void) sc_space_nearest_two(&s, point, &own, &other);
	CLOSE(sc_space_margin(own, other), 0.5, 1e-15);
	CHECK(sc_space_margin(0, 0) == 0, "two at the same place");
	s.k = 1;
	(void) sc_space_nearest_two(&s, point, &own, &other);
	CHECK(isinf(other) && sc_space_margin(own, other) == 1, "one group alone");
}

int
main(int argc, char **argv)
{
	sc_space s = {.d = POINTS_D, .q = Q, .mean = mean, .components = components, .variance = variance};
	static float out[4][POINTS_N * Q];

	unit_begin(argc, argv);
	points_fill(rows, POINTS_N, POINTS_D, POINTS_CENTRES);
	for (int j = 0; j < POINTS_D; j++)
		mean[j] = 5 + sin(j);
	for (int i = 0; i < Q * POINTS_D; i++)
		components[i] = 0.4 * cos(1 + 0.7 * i);
	for (int i = 0; i < K * POINTS_D; i++)
		centroids[i] = rows[i] + 0.01 * i;
	for (int form = 0; form < 8; form++)
	{
		sc_space one = s;

		one.l2_normalize = form & 1;
		one.q = form & 2 ? Q : 0;
		one.whiten = form & 4;
		CASE ("a row%s, %d components%s", form & 1 ? " of length 1" : "", one.q, form & 4 ? ", whitened" : "")
			test_project(one);
	}
	for (int whiten = 0; whiten < 2; whiten++)
	{
		s.whiten = whiten;
		CASE ("many rows on any lanes%s", whiten ? ", whitened" : "")
		{
			for (int lanes = 1; lanes <= 3; lanes++)
			{
				test_rows(&s, lanes, out[lanes]);
				CHECK(memcmp(out[lanes], out[1], sizeof(out[1])) == 0, "%d lanes", lanes);
			}
		}
	}
	CASE ("zeros have no direction")
		test_zero();
	CASE ("normalising the largest and the smallest")
		test_normalize();
	CASE ("the nearest centroid")
		test_nearest();
	CASE ("ties go to the lower label")
		test_ties();
	CASE ("the second group, and the margin")
		test_two();
	return unit_end();
}
