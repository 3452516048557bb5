/*-------------------------------------------------------------------------
 *
 * tests/unit/test_distance.c
 *	  The loops over rows in every instruction set that this CPU has, against
 *	  the same said one term at a time: for every length up to a few vectors,
 *	  and those over two embeddings for longer ones, in long double.
 *
 *-------------------------------------------------------------------------
 */
#include "unit.h"

#include <float.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/distance.h"

#define MAX_N 150
#define ROWS 7
#define LONG_N 700

static float x[MAX_N * ROWS];
static float y[MAX_N * ROWS];
static float dots[MAX_N];
static double mean[MAX_N];
static double norm[MAX_N];
static float bar[MAX_N];

/* The loops of one instruction set. */
typedef struct kernels
{
	const char *name;
	const sc_distance_kernels *f;
} kernels;

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
	CLOSE(k->f->distance2(x, y, d), between, 1e-12 * (1 + between));
	CLOSE(k->f->distance2_rough(x, y, d), between, (d + 3) * 0x1p-24 * between);
	CLOSE(k->f->distance2_centre(x, mean, d), centre, 1e-12 * (1 + centre));
	CLOSE(k->f->dot(x, x, d), square, 1e-12 * (1 + square));
	CHECK(k->f->largest(x, d) == largest, "%s: length %d", k->name, d);
	out[d] = -1;
	CLOSE(k->f->centre_row(out, x, mean, 0.25, d), scaled, 1e-12 * (1 + scaled));
	sums[d] = -1;
	k->f->add_row(sums, x, d);
	for (int j = 0; j < d; j++)
		CHECK(out[j] == (float) ((x[j] - mean[j]) * 0.25) && sums[j] == j + (double) x[j], "%s: element %d of %d",
			  k->name, j, d);
	CHECK(out[d] == -1 && sums[d] == -1, "%s: wrote behind the end of %d", k->name, d);
	CHECK(k->f->hash_row(x, d) == sc_distance_of(SC_ISA_BASE)->hash_row(x, d), "%s: length %d", k->name, d);
	for (int m = 0; m <= ROWS; m++)
	{
		float products[ROWS + 1];

		products[m] = -1;
		k->f->dot_rows(products, x, y, m, d);
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
	CHECK(k->f->least_estimate(dots, norm, xn, n) == least, "%s: least of %d: %g, not %g", k->name, n,
		  k->f->least_estimate(dots, norm, xn, n), least);
	for (int part = 0; part < 4; part++)
	{
		float level = part == 3 ? INFINITY : (float) part;
		int from = 0;

		for (int j = 0; j < n; j++)
			if (!(dots[j] < bar[j] - level))
			{
				CHECK(k->f->next_above(dots, bar, level, from, n) == j, "%s: of %d from %d", k->name, n, from);
				from = j + 1;
			}
		CHECK(k->f->next_above(dots, bar, level, from, n) == n, "%s: of %d from %d no more", k->name, n, from);
	}
	for (int part = 0; part < 4; part++)
	{
		double limit = part * 1.5;
		int from = 0;

		for (int j = 0; j < n; j++)
			if (!(norm[j] - 2 * (double) dots[j] > limit - xn) || !(fabsf(dots[j]) < INFINITY))
			{
				CHECK(k->f->next_near(dots, norm, 1, limit - xn, from, n) == j, "%s: of %d from %d", k->name, n, from);
				from = j + 1;
			}
		CHECK(k->f->next_near(dots, norm, 1, limit - xn, from, n) == n, "%s: of %d from %d no more", k->name, n, from);
	}
}

/* The loops over two embeddings, of length n. */
static void
check_pair(const kernels *k, const float *a, const float *b, const double *centre, const double *axis, int n)
{
	long double l2 = 0, l1 = 0, ab = 0, aa = 0, bb = 0, to_centre = 0, along = 0;
	double sums[3];
	double total[LONG_N + 1];

	for (int i = 0; i < n; i++)
	{
		long double d = (long double) a[i] - b[i];
		long double c = (long double) a[i] - centre[i];

		l2 += d * d;
		l1 += fabsl(d);
		ab += (long double) a[i] * b[i];
		aa += (long double) a[i] * a[i];
		bb += (long double) b[i] * b[i];
		to_centre += c * c;
		along += c * axis[i];
		total[i] = i;
	}
	total[n] = -1;
	CLOSE(k->f->distance2(a, b, n), (double) l2, 1e-12);
	CLOSE(k->f->distance2_rough(a, b, n), (double) l2, (n + 3) * 0x1p-24 * (double) l2);
	CLOSE(k->f->distance1(a, b, n), (double) l1, 1e-12);
	CLOSE(k->f->dot(a, b, n), (double) ab, 1e-12);
	CLOSE(k->f->distance2_centre(a, centre, n), (double) to_centre, 1e-12);
	CLOSE(k->f->dot_centred(a, centre, axis, n), (double) along, 1e-12);
	k->f->dot_norms(sums, a, b, n);
	CLOSE(sums[0], (double) ab, 1e-12);
	CLOSE(sums[1], (double) aa, 1e-12);
	CLOSE(sums[2], (double) bb, 1e-12);
	k->f->add_row(total, a, n);
	for (int i = 0; i < n; i++)
		CHECK(total[i] == i + (double) a[i], "%s: element %d of %d", k->name, i, n);
	CHECK(total[n] == -1, "%s: wrote behind the end of %d", k->name, n);
}

static void
check_pairs(const kernels *k)
{
	static float a[LONG_N], b[LONG_N];
	static double centre[LONG_N], axis[LONG_N];
	float large[3] = {FLT_MAX, -FLT_MAX, FLT_MAX};
	float opposite[3] = {-FLT_MAX, FLT_MAX, FLT_MAX};

	for (int i = 0; i < LONG_N; i++)
	{
		a[i] = (float) sin(i * 1.7);
		b[i] = (float) cos(i * i * 0.3);
		centre[i] = 0.3 * cos(i * 0.9);
		axis[i] = 0.1 * sin(i * i * 1.1);
	}
	for (int n = 1; n <= 70; n++)
		check_pair(k, a, b, centre, axis, n);
	check_pair(k, a, b, centre, axis, 512);
	check_pair(k, a, b, centre, axis, LONG_N);
	/* the largest floats overflow no sum */
	CHECK(k->f->distance2(large, opposite, 3) == 8 * ((double) FLT_MAX * FLT_MAX), "%s", k->name);
	CHECK(k->f->distance2_rough(large, opposite, 3) == INFINITY, "%s", k->name);
	CHECK(k->f->distance1(large, opposite, 3) == 4 * (double) FLT_MAX, "%s", k->name);
}

int
main(int argc, char **argv)
{
	static const char *const names[] = {"base", "avx2", "avx512"};
	uint64_t random = 1;

	unit_begin(argc, argv);
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
		bar[i] = (float) norm[i] / 2;
	}
	CASE ("the table of this CPU")
		CHECK(sc_distance() == sc_distance_of(sc_isa_best()), "another table than that of %s", names[sc_isa_best()]);
	for (int i = 0; i <= (int) sc_isa_best(); i++)
	{
		kernels k = {names[i], sc_distance_of((sc_isa) i)};

		CASE ("every loop, %s", names[i])
		{
			check_pairs(&k);
			for (int n = 0; n <= MAX_N; n++)
			{
				check_row(&k, n);
				check_products(&k, n);
			}
			/* Products that overflowed, and are no numbers. */
			for (int at = 0; at < 70; at += 3)
			{
				float kept = dots[at];

				for (int way = 0; way < 3; way++)
				{
					dots[at] = way == 0 ? INFINITY : way == 1 ? -INFINITY : NAN;
					for (int n = at; n <= at + 40; n++)
						check_products(&k, n);
				}
				dots[at] = kept;
			}
		}
	}
	return unit_end();
}
