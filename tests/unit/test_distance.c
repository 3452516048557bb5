/*-------------------------------------------------------------------------
 *
 * tests/unit/test_distance.c
 *	  The loops over rows in every instruction set that this CPU has, against
 *	  the same said one term at a time, for every length up to a few vectors.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <stdbool.h>
#include <stdint.h>

#include "core/base/distance.h"

#define MAX_N 150
#define ROWS 7

static float x[MAX_N * ROWS];
static float y[MAX_N * ROWS];
static float dots[MAX_N];
static double mean[MAX_N];
static double norm[MAX_N];

typedef struct kernels
{
	const char *name;
	double (*distance2)(const float *, const float *, int);
	double (*distance2_centre)(const float *, const double *, int);
	double (*norm2)(const float *, int);
	double (*centre_row)(float *, const float *, const double *, double, int);
	void (*add_row)(double *, const float *, int);
	float (*largest)(const float *, int);
	void (*dot_rows)(float *, const float *, const float *, int, int);
	uint64_t (*hash_row)(const float *, int);
	double (*least_estimate)(const float *, const double *, double, int);
	int (*next_near)(const float *, const double *, double, double, int, int);
} kernels;

#define KERNELS(isa) \
	{ \
#isa, sc_distance2_##isa, sc_distance2_centre_##isa, sc_norm2_##isa, sc_centre_row_##isa, sc_add_row_##isa, \
			sc_largest_##isa, sc_dot_rows_##isa, sc_hash_row_##isa, sc_least_estimate_##isa, sc_next_near_##isa \
	}

static const kernels sets[] = {
	KERNELS(base),
#if defined(__x86_64__)
	KERNELS(avx2),
	KERNELS(avx512),
#endif
};

/* Distances of a row, of length d. */
static void
check_row(const kernels *k, int d)
{
	double between = 0, centre = 0, square = 0, scaled = 0, sums[MAX_N + 1];
	float out[MAX_N + 1], largest = 0;

	for (int j = 0; j < d; j++)
	{
		float z = (float) (((double) x[j] - mean[j]) * 0.25);

		between += ((double) x[j] - y[j]) * ((double) x[j] - y[j]);
		centre += (x[j] - mean[j]) * (x[j] - mean[j]);
		square += (double) x[j] * x[j];
		scaled += (double) z * z;
		largest = fmaxf(largest, fabsf(x[j]));
		sums[j] = j;
	}
	CLOSE(k->distance2(x, y, d), between, 1e-12 * (1 + between));
	CLOSE(k->distance2_centre(x, mean, d), centre, 1e-12 * (1 + centre));
	CLOSE(k->norm2(x, d), square, 1e-12 * (1 + square));
	CHECK(k->largest(x, d) == largest, "%s: length %d", k->name, d);
	out[d] = -1;
	CLOSE(k->centre_row(out, x, mean, 0.25, d), scaled, 1e-12 * (1 + scaled));
	sums[d] = -1;
	k->add_row(sums, x, d);
	for (int j = 0; j < d; j++)
		CHECK(out[j] == (float) ((x[j] - mean[j]) * 0.25) && sums[j] == j + (double) x[j], "%s: element %d of %d",
			  k->name, j, d);
	CHECK(out[d] == -1 && sums[d] == -1, "%s: wrote behind the end of %d", k->name, d);
	CHECK(k->hash_row(x, d) == sets[0].hash_row(x, d), "%s: length %d", k->name, d);
	for (int m = 0; m <= ROWS; m++)
	{
		float products[ROWS + 1];

		products[m] = -1;
		k->dot_rows(products, x, y, m, d);
		CHECK(products[m] == -1, "%s: wrote behind the end of %d", k->name, m);
		for (int t = 0; t < m; t++)
		{
			double dot = 0;

			for (int j = 0; j < d; j++)
				dot += (double) x[j] * y[t * d + j];
			CLOSE(products[t], dot, 1e-6 * (1 + d));
		}
	}
}

/* From products of a row with n points to the near ones. */
static void
check_products(const kernels *k, int n)
{
	double xn = 3, least = INFINITY;

	for (int j = 0; j < n; j++)
	{
		double a = xn + norm[j] - 2 * (double) dots[j];

		if (a < least && a > -INFINITY)
			least = a;
	}
	CHECK(k->least_estimate(dots, norm, xn, n) == least, "%s: least of %d: %g, not %g", k->name, n,
		  k->least_estimate(dots, norm, xn, n), least);
	for (int part = 0; part < 4; part++)
	{
		double limit = part * 1.5;
		int from = 0;

		for (int j = 0; j < n; j++)
			if (!(norm[j] - 2 * (double) dots[j] > limit - xn) || !(fabsf(dots[j]) < INFINITY))
			{
				CHECK(k->next_near(dots, norm, 1, limit - xn, from, n) == j, "%s: of %d from %d", k->name, n, from);
				from = j + 1;
			}
		CHECK(k->next_near(dots, norm, 1, limit - xn, from, n) == n, "%s: of %d from %d no more", k->name, n, from);
	}
}

int
main(int argc, char **argv)
{
	uint64_t random = 1;

	for (int i = 0; i < MAX_N * ROWS; i++)
	{
		random = random * UINT64_C(6364136223846793005) + 1;
		x[i] = (float) (random >> 40) / (1 << 23) - 1;
		y[i] = (float) (random >> 20 & 0xFFFFFF) / (1 << 23) - 1;
	}
	for (int i = 0; i < MAX_N; i++)
	{
		dots[i] = 2 * x[i + MAX_N];
		mean[i] = y[i + MAX_N] / 3;
		norm[i] = 2 + y[i + 2 * MAX_N];
	}
	unit_begin(argc, argv);
	for (int i = 0; i < (int) (sizeof(sets) / sizeof(sets[0])) && i <= (int) sc_isa_best(); i++)
	{
		CASE("every loop over rows, %s", sets[i].name)
		{
			for (int n = 0; n <= MAX_N; n++)
			{
				check_row(&sets[i], n);
				check_products(&sets[i], n);
			}
			/* Products that overflowed, and are no numbers. */
			for (int at = 0; at < 70; at += 3)
			{
				float kept = dots[at];

				for (int way = 0; way < 3; way++)
				{
					dots[at] = way == 0 ? INFINITY : way == 1 ? -INFINITY : NAN;
					for (int n = at; n <= at + 40; n++)
						check_products(&sets[i], n);
				}
				dots[at] = kept;
			}
		}
	}
	return unit_end();
}
