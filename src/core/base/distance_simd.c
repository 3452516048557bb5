/*-------------------------------------------------------------------------
 *
 * src/core/base/distance_simd.c
 *	  The loops over rows: plain ones, which the compiler vectorises.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/distance.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "core/base/rng.h"

/* Rows of y whose products are taken together, so that x is read once. */
#define DOTS 4

/* Floats in a cache line of 64 bytes. */
#define LINE_FLOATS 16

/*
 * What is computed side by side, where one step would wait for the other:
 * doubles or hashes (one vector of AVX-512), and floats (two vectors).
 */
#define CHAINS 8
#define WIDE 32

static inline double
square(double x)
{
	return x * x;
}

/* A function of these arguments that adds up a term for each j below d. */
#define SUM_OF(name, arguments, term) \
	static double name arguments \
	{ \
		double sum = 0; \
\
		for (int j = 0; j < d; j++) \
			sum += (term); \
		return sum; \
	}

SUM_OF(distance2, (const float *a, const float *b, int d), square((double) a[j] - (double) b[j]))
SUM_OF(distance2_centre, (const float *x, const double *c, int d), square((double) x[j] - c[j]))
SUM_OF(distance1, (const float *a, const float *b, int d), fabs((double) a[j] - (double) b[j]))
SUM_OF(dot, (const float *a, const float *b, int d), (double) a[j] * (double) b[j])
SUM_OF(dot_centred, (const float *x, const double *mean, const double *axis, int d), ((double) x[j] - mean[j]) * axis[j])

static void
dot_norms(double *sums, const float *a, const float *b, int d)
{
	double ab = 0;
	double aa = 0;
	double bb = 0;

	for (int j = 0; j < d; j++)
	{
		double x = a[j];
		double y = b[j];

		ab += x * y;
		aa += x * x;
		bb += y * y;
	}
	sums[0] = ab;
	sums[1] = aa;
	sums[2] = bb;
}

static double
centre_row(float *restrict out, const float *restrict x, const double *restrict mean, double scale, int d)
{
	double sum = 0;

	for (int j = 0; j < d; j++)
	{
		float z = (float) (((double) x[j] - mean[j]) * scale);

		out[j] = z;
		sum += (double) z * z;
	}
	return sum;
}

static void
add_row(double *restrict sum, const float *restrict x, int d)
{
	for (int j = 0; j < d; j++)
		sum[j] += x[j];
}

static float
largest(const float *x, int d)
{
	float chain[WIDE] = {0};
	float largest = 0;
	int j = 0;

	for (; j + WIDE <= d; j += WIDE)
		for (int c = 0; c < WIDE; c++)
			chain[c] = fabsf(x[j + c]) > chain[c] ? fabsf(x[j + c]) : chain[c];
	for (; j < d; j++)
		largest = fabsf(x[j]) > largest ? fabsf(x[j]) : largest;
	for (int c = 0; c < WIDE; c++)
		largest = chain[c] > largest ? chain[c] : largest;
	return largest;
}

static void
dot_rows(float *out, const float *x, const float *y, int m, int d)
{
	int t = 0;

	/* Rows are read one after the other, and each may begin a page. */
	for (int j = 0; j < d; j += LINE_FLOATS)
		__builtin_prefetch(x + d + j);
	for (; t + DOTS <= m; t += DOTS, y += (size_t) DOTS * d)
	{
		const float *y1 = y + d, *y2 = y1 + d, *y3 = y2 + d;
		float s0 = 0, s1 = 0, s2 = 0, s3 = 0;

		for (int j = 0; j < d; j++)
		{
			s0 += x[j] * y[j];
			s1 += x[j] * y1[j];
			s2 += x[j] * y2[j];
			s3 += x[j] * y3[j];
		}
		out[t] = s0;
		out[t + 1] = s1;
		out[t + 2] = s2;
		out[t + 3] = s3;
	}
	for (; t < m; t++, y += d)
	{
		float sum = 0;

		for (int j = 0; j < d; j++)
			sum += x[j] * y[j];
		out[t] = sum;
	}
}

static uint32_t
bits_of(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits == UINT32_C(0x80000000) ? 0 : bits;
}

static uint64_t
hash_row(const float *x, int d)
{
	uint64_t chain[CHAINS] = {0};
	uint64_t h = 0;
	int j = 0;

	for (; j + CHAINS <= d; j += CHAINS)
		for (int c = 0; c < CHAINS; c++)
			chain[c] = sc_mix64(chain[c] ^ bits_of(x[j + c]));
	for (int c = 0; j < d; j++, c++)
		chain[c] = sc_mix64(chain[c] ^ bits_of(x[j]));
	for (int c = 0; c < CHAINS; c++)
		h = sc_mix64(h ^ chain[c]);
	return h;
}

/* NaN and -infinity are no distances. */
static inline double
least_of(double least, double xn, double norm, float dot)
{
	double a = xn + norm - 2 * (double) dot;

	return a < least && a > -INFINITY ? a : least;
}

static double
least_estimate(const float *dots, const double *norm, double xn, int k)
{
	double chain[CHAINS];
	double least = INFINITY;
	int j = 0;

	/* One minimum after the other is not vectorised; several side by side are. */
	for (int c = 0; c < CHAINS; c++)
		chain[c] = INFINITY;
	for (; j + CHAINS <= k; j += CHAINS)
		for (int c = 0; c < CHAINS; c++)
			chain[c] = least_of(chain[c], xn, norm[j + c], dots[j + c]);
	for (; j < k; j++)
		least = least_of(least, xn, norm[j], dots[j]);
	for (int c = 0; c < CHAINS; c++)
		least = chain[c] < least ? chain[c] : least;
	return least;
}

static inline bool
is_near(float dot, double norm, double share, double limit)
{
	return !(share * norm - 2 * (double) dot > limit) || !(fabsf(dot) < INFINITY);
}

static int
next_near(const float *dots, const double *norm, double share, double limit, int from, int n)
{
	/*
	 * Few are near: look at several at once for any. The term of a conditional
	 * sum stays a constant: gcc 14.2 miscompiles others with AVX-512.
	 */
	for (; from + WIDE <= n; from += WIDE)
	{
		double near = 0;

		for (int i = from; i < from + WIDE; i++)
			near += is_near(dots[i], norm[i], share, limit) ? 1.0 : 0.0;
		if (near > 0)
			break;
	}
	while (from < n && !is_near(dots[from], norm[from], share, limit))
		from++;
	return from;
}

const sc_distance_kernels SC_SIMD(sc_distance_table) = {
	.distance2 = distance2,
	.distance2_centre = distance2_centre,
	.distance1 = distance1,
	.dot = dot,
	.dot_norms = dot_norms,
	.dot_centred = dot_centred,
	.centre_row = centre_row,
	.add_row = add_row,
	.largest = largest,
	.dot_rows = dot_rows,
	.hash_row = hash_row,
	.least_estimate = least_estimate,
	.next_near = next_near,
};
