/*-------------------------------------------------------------------------
 *
 * tests/unit/test_reduction.c
 *	  Reduced rows: never farther apart than the rows, and near where they can be.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <math.h>

#include "core/analytics/reduction.h"
#include "points.h"

#define N 500
#define D 301
#define SHARDS 4

typedef struct job
{
	const float *rows;
	sc_centring centring;
	sc_reduction reduction;
} job;

static sc_status
find(const sc_lane *lane, void *arg)
{
	job *j = arg;

	SC_TRY(sc_centring_find(lane, &j->centring, j->rows, NULL, N, D, 2));
	return sc_reduction_find(lane, &j->reduction, &j->centring, j->rows, N);
}

static void
layout(job *j, sc_arena *arena)
{
	sc_centring_layout(&j->centring, SHARDS, D, arena);
	sc_reduction_layout(&j->reduction, N, D, arena);
}

/* Of all pairs of rows (N, D): reduced ones are no farther apart; least: of their distances, the share that is left, at the mean. */
static void
check(const float *rows, int lanes, double least, const char *what)
{
	job j = {.rows = rows};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};
	float *x = unit_keep(sizeof(float) * N * D), *reduced = unit_keep(sizeof(float) * N * SC_REDUCED_DIM);
	double *norm = unit_keep(sizeof(double) * N), left = 0, all = 0;
	int wrong = 0;

	layout(&j, &arena);
	arena = points_arena(&arena);
	layout(&j, &arena);
	CHECK(sc_arena_ok(&arena), "%s: layout", what);
	CHECK(sc_pool_run(lanes, find, &j, &err) == SC_OK, "%s: %s", what, err.message);
	for (int i = 0; i < N; i++)
	{
		norm[i] = 0;
		for (int c = 0; c < D; c++)
		{
			x[i * D + c] = (float) ((rows[i * D + c] - j.centring.mean[c]) * j.centring.scale);
			norm[i] += (double) x[i * D + c] * x[i * D + c];
		}
	}
	sc_reduction_apply(&j.reduction, reduced, x, norm, N);
	for (int a = 0; a < N; a++)
		for (int b = 0; b <= a; b++)
		{
			double distance = 0, product = 0, bound;

			for (int c = 0; c < D; c++)
				distance += ((double) x[a * D + c] - x[b * D + c]) * ((double) x[a * D + c] - x[b * D + c]);
			for (int c = 0; c < SC_REDUCED_DIM; c++)
				product += (double) reduced[a * SC_REDUCED_DIM + c] * reduced[b * SC_REDUCED_DIM + c];
			bound = norm[a] + norm[b] - 2 * product;
			wrong += !(bound - j.reduction.error * (norm[a] + norm[b]) <= distance * (1 + 1e-12));
			left += bound;
			all += distance;
		}
	CHECK(wrong == 0, "%s, %d lanes: %d pairs are farther apart than they are", what, lanes, wrong);
	CHECK(j.reduction.error < 0.01, "%s: error %g", what, j.reduction.error);
	CHECK(all == 0 || left >= least * all, "%s: %g of the distances is left", what, left / all);
}

int
main(int argc, char **argv)
{
	float *few = malloc(sizeof(float) * N * D), *noise = malloc(sizeof(float) * N * D),
		  *unlike = malloc(sizeof(float) * N * D), *same = calloc(N * D, sizeof(float));

	unit_begin(argc, argv);
	for (int i = 0; i < N; i++)
		for (int j = 0; j < D; j++)
		{
			double h = sin(i * 12.9898 + j * 78.233 + (double) i * j * 0.317) * 43758.5453;
			float *at = &few[i * D + j];

			h -= floor(h) + 0.5;
			*at = 0;
			for (int f = 0; f < 20; f++)
				*at += (float) (sin(i * (f + 1.3)) * cos(j * (f + 0.7) * 1.1));
			noise[i * D + j] = (float) h;
			unlike[i * D + j] = (float) (h * pow(10, i % 75 - 37));
		}
	for (int lanes = unit_small() ? 3 : 1; lanes <= 3; lanes++)
	{
		CASE ("few directions, %d lanes", lanes)
			check(few, lanes, 0.99, "few directions");
		CASE ("noise, %d lanes", lanes)
			check(noise, lanes, 0.3, "noise");
		CASE ("very unlike in size, %d lanes", lanes)
			check(unlike, lanes, 0.3, "very unlike in size");
		CASE ("all the same, %d lanes", lanes)
			check(same, lanes, 0, "all the same");
	}
	free(few);
	free(noise);
	free(unlike);
	free(same);
	return unit_end();
}
