/*-------------------------------------------------------------------------
 *
 * tests/unit/test_erasure.c
 *	  Rows without what they say of traits: no covariance is left, all else is.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include "core/analytics/erasure.h"
#include "points.h"

#define N POINTS_N
#define D POINTS_D
#define TRAITS 3

static float rows[N * D];
static double trait[N * TRAITS];

static sc_erasure
erase(size_t n, int lanes)
{
	sc_erasure job = {.n = n, .d = D, .traits = TRAITS, .rows = rows, .trait = trait};
	sc_arena arena = sc_arena_counter();
	sc_error err = {SC_OK};

	sc_erasure_layout(&job, &arena);
	arena = points_arena(&arena);
	sc_erasure_layout(&job, &arena);
	CHECK(sc_arena_ok(&arena), "layout");
	job.out = unit_keep(n * D * sizeof(float));
	CHECK(sc_pool_run(lanes, sc_erasure_run, &job, &err) == SC_OK, "%s", err.message);
	return job;
}

/* The correlation of trait t with coordinate j of x, by definition; 0 where one of them does not vary. */
static double
correlation(const float *x, int t, int j)
{
	double mx = 0, mt = 0, xx = 0, tt = 0, xt = 0;

	for (int i = 0; i < N; i++)
	{
		mx += x[i * D + j] / (double) N;
		mt += trait[i * TRAITS + t] / N;
	}
	for (int i = 0; i < N; i++)
	{
		double a = x[i * D + j] - mx, b = trait[i * TRAITS + t] - mt;

		xx += a * a;
		tt += b * b;
		xt += a * b;
	}
	return xx > 1e-6 && tt > 1e-6 ? xt / sqrt(xx * tt) : 0;
}

static double
largest_correlation(const float *x)
{
	double largest = 0;

	for (int t = 0; t < TRAITS; t++)
		for (int j = 0; j < D; j++)
			largest = fmax(largest, fabs(correlation(x, t, j)));
	return largest;
}

/* Rows by formula, and what they say of traits along directions by formula, on scales that differ. */
static void
fill(void)
{
	points_fill(rows, N, D, POINTS_CENTRES);
	for (int i = 0; i < N; i++)
		for (int t = 0; t < TRAITS; t++)
		{
			double *z = trait + i * TRAITS + t;

			*z = (i * (37 + 12 * t) + t * 5 + i * i * (t + 3)) % 101 / 101.0;
			for (int j = 0; j < D; j++)
				rows[i * D + j] += (float) (*z * ((j * (t + 2) + t) % 5 - 2));
			*z = 1e3 * t + *z * pow(10, 2 * t);
		}
}

/* Orthonormal directions; what was taken out lies along them, and nothing that is left does but the mean. */
static void
check_basis(const sc_erasure *e)
{
	double worst = 0, left = 0, beside = 0;

	for (int a = 0; a < e->found; a++)
		for (int b = 0; b <= a; b++)
		{
			double dot = 0;

			for (int j = 0; j < D; j++)
				dot += e->basis[a * D + j] * e->basis[b * D + j];
			worst = fmax(worst, fabs(dot - (a == b)));
		}
	for (int i = 0; i < N; i++)
	{
		double gone[D];

		for (int j = 0; j < D; j++)
			gone[j] = rows[i * D + j] - e->out[i * D + j];
		for (int b = 0; b < e->found; b++)
		{
			double along = 0, own = 0;

			for (int j = 0; j < D; j++)
			{
				double mean = 0;

				for (int r = 0; r < N; r++)
					mean += rows[r * D + j] / (double) N;
				along += (e->out[i * D + j] - mean) * e->basis[b * D + j];
				own += gone[j] * e->basis[b * D + j];
			}
			left = fmax(left, fabs(along));
			for (int j = 0; j < D; j++)
				gone[j] -= own * e->basis[b * D + j];
		}
		for (int j = 0; j < D; j++)
			beside = fmax(beside, fabs(gone[j]));
	}
	CHECK(worst < 1e-12, "the basis is off by %g", worst);
	CHECK(left < 1e-5, "%g is left along it", left);
	CHECK(beside < 1e-5, "%g was taken beside it", beside);
}

int
main(int argc, char **argv)
{
	sc_erasure one, other;

	unit_begin(argc, argv);
	fill();
	CASE ("nothing is left of traits")
	{
		CHECK(largest_correlation(rows) > 0.3, "they are there before: %g", largest_correlation(rows));
		one = erase(N, 1);
		CHECK(one.found == TRAITS, "%d directions", one.found);
		CHECK(largest_correlation(one.out) < 1e-5, "a correlation of %g is left", largest_correlation(one.out));
		check_basis(&one);
	}
	for (int lanes = 2; lanes <= 5; lanes++)
		CASE ("%d lanes: the same bits", lanes)
		{
			one = erase(N, 1);
			other = erase(N, lanes);
			CHECK(memcmp(one.out, other.out, sizeof(rows)) == 0, "they differ");
		}
	CASE ("in place")
	{
		sc_erasure job = erase(N, 2);
		float *first = job.out;
		sc_error err = {SC_OK};

		job.out = unit_keep(sizeof(rows));
		memcpy(job.out, rows, sizeof(rows));
		job.rows = job.out;
		CHECK(sc_pool_run(2, sc_erasure_run, &job, &err) == SC_OK, "%s", err.message);
		CHECK(memcmp(job.out, first, sizeof(rows)) == 0, "it differs");
	}
	CASE ("what is the same for all, or said already, takes nothing out")
	{
		for (int i = 0; i < N; i++)
		{
			trait[i * TRAITS] = 1e6 / 3;
			trait[i * TRAITS + 2] = 5 - 3 * trait[i * TRAITS + 1];
		}
		one = erase(N, 1);
		CHECK(one.found == 1, "%d directions", one.found);
		CHECK(largest_correlation(one.out) < 1e-5, "a correlation of %g is left", largest_correlation(one.out));
		for (int i = 0; i < N; i++)
			trait[i * TRAITS + 1] = trait[i * TRAITS + 2] = i % 7 == 0 ? 0.1 : 0.1 + 1e-17;
		one = erase(N, 3);
		CHECK(one.found == 0 && memcmp(one.out, rows, sizeof(rows)) == 0, "%d directions", one.found);
	}
	CASE ("what rows do not tell is no direction")
	{
		fill();
		for (int i = 0; i < N; i++)
			trait[i * TRAITS + 1] = (i * 7919L + i * (long) i * 31) % 1009;
		one = erase(N, 2);
		CHECK(one.found == TRAITS - 1, "%d directions", one.found);
		CHECK(fabs(one.told[1]) * sqrt(N) < SC_ERASURE_TOLD, "told by %g", one.told[1]);
		for (int t = 0; t < TRAITS; t++)
			CHECK(t == 1 || one.told[t] > 0.2, "trait %d is told by %g", t, one.told[t]);
	}
	CASE ("one row")
	{
		fill();
		one = erase(1, 2);
		CHECK(one.found == 0 && memcmp(one.out, rows, D * sizeof(float)) == 0, "%d directions", one.found);
	}
	CASE ("rows that are all the same")
	{
		for (int i = 0; i < N * D; i++)
			rows[i] = (float) (i % D) / 3;
		one = erase(N, 2);
		for (int i = 0; i < N * D; i++)
			if (fabsf(one.out[i] - rows[i]) > 1e-5f)
				CHECK(false, "value %d: %g", i, one.out[i]);
	}
	return unit_end();
}
