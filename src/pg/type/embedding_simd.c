/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding_simd.c
 *	  The inner loops over two embeddings, compiled once per instruction set.
 *
 * No PostgreSQL here: plain loops that the compiler vectorises.
 *
 *-------------------------------------------------------------------------
 */
#include "pg/type/embedding_simd.h"

#include <math.h>

/*
 * An embedding comes from a page of the table that no cache holds yet, and is
 * too short for the processor to foresee what follows: ask for all of it.
 */
static inline void
fetch(const float *a, const float *b, int n)
{
	for (int i = 0; i < n; i += 16)
	{
		__builtin_prefetch(a + i);
		__builtin_prefetch(b + i);
	}
}

double
SC_SIMD(scpg_l2_squared)(const float *a, const float *b, int n)
{
	double sum = 0;

	fetch(a, b, n);
	for (int i = 0; i < n; i++)
	{
		double d = (double) a[i] - (double) b[i];

		sum += d * d;
	}
	return sum;
}

double
SC_SIMD(scpg_dot)(const float *a, const float *b, int n)
{
	double sum = 0;

	fetch(a, b, n);
	for (int i = 0; i < n; i++)
		sum += (double) a[i] * (double) b[i];
	return sum;
}

double
SC_SIMD(scpg_l1)(const float *a, const float *b, int n)
{
	double sum = 0;

	fetch(a, b, n);
	for (int i = 0; i < n; i++)
		sum += fabs((double) a[i] - (double) b[i]);
	return sum;
}

void
SC_SIMD(scpg_dot_norms)(double *sums, const float *a, const float *b, int n)
{
	double ab = 0;
	double aa = 0;
	double bb = 0;

	fetch(a, b, n);
	for (int i = 0; i < n; i++)
	{
		double x = a[i];
		double y = b[i];

		ab += x * y;
		aa += x * x;
		bb += y * y;
	}
	sums[0] = ab;
	sums[1] = aa;
	sums[2] = bb;
}

void
SC_SIMD(scpg_accumulate)(double *sum, const float *x, int n)
{
	for (int i = 0; i < n; i++)
		sum[i] += x[i];
}

double
SC_SIMD(scpg_dot_centred)(const float *x, const double *mean, const double *axis, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += ((double) x[i] - mean[i]) * axis[i];
	return sum;
}

double
SC_SIMD(scpg_l2_squared_double)(const float *x, const double *c, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
	{
		double d = (double) x[i] - c[i];

		sum += d * d;
	}
	return sum;
}
