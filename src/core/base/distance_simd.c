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

#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "core/base/rng.h"

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

SUM_OF(distance2_centre, (const float *x, const double *c, int d), square((double) x[j] - c[j]))
SUM_OF(distance1, (const float *a, const float *b, int d), fabs((double) a[j] - (double) b[j]))
SUM_OF(dot, (const float *a, const float *b, int d), (double) a[j] * (double) b[j])
SUM_OF(dot_centred, (const float *x, const double *mean, const double *axis, int d), ((double) x[j] - mean[j]) * axis[j])

/*
 * The distances of a scan for the nearest row. The compiler takes whole vectors
 * of floats and parts them before it widens them: with loads that widen, it
 * takes half the time.
 */
#if defined(__AVX2__)
typedef __m256d doubles; /* of AVX-512 too: conversions to whole vectors of it are no faster */
#define DOUBLES 4
#define WIDEN(x) _mm256_cvtps_pd(_mm_loadu_ps(x))

static double
distance2(const float *a, const float *b, int d)
{
	doubles s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
	double sum = 0;
	int j = 0;

	for (; j + 4 * DOUBLES <= d; j += 4 * DOUBLES)
	{
		const float *p = a + j, *q = b + j;
		doubles x0 = WIDEN(p) - WIDEN(q);
		doubles x1 = WIDEN(p + DOUBLES) - WIDEN(q + DOUBLES);
		doubles x2 = WIDEN(p + 2 * DOUBLES) - WIDEN(q + 2 * DOUBLES);
		doubles x3 = WIDEN(p + 3 * DOUBLES) - WIDEN(q + 3 * DOUBLES);

		s0 += x0 * x0;
		s1 += x1 * x1;
		s2 += x2 * x2;
		s3 += x3 * x3;
	}
	for (; j < d; j++)
		sum += square((double) a[j] - (double) b[j]);
	s0 += s1 + (s2 + s3);
	for (int c = 0; c < DOUBLES; c++)
		sum += s0[c];
	return sum;
}
#else
SUM_OF(distance2, (const float *a, const float *b, int d), square((double) a[j] - (double) b[j]))
#endif

static void
dot_norms(double *sums, const float *a, const float *b, int d)
{
	double ab = 0, aa = 0, bb = 0;
	int j = 0;

#ifdef DOUBLES
	doubles ab0 = {0}, aa0 = {0}, bb0 = {0}, ab1 = {0}, aa1 = {0}, bb1 = {0};

	for (; j + 2 * DOUBLES <= d; j += 2 * DOUBLES)
	{
		doubles x0 = WIDEN(a + j), x1 = WIDEN(a + j + DOUBLES);
		doubles y0 = WIDEN(b + j), y1 = WIDEN(b + j + DOUBLES);

		ab0 += x0 * y0;
		aa0 += x0 * x0;
		bb0 += y0 * y0;
		ab1 += x1 * y1;
		aa1 += x1 * x1;
		bb1 += y1 * y1;
	}
	ab0 += ab1;
	aa0 += aa1;
	bb0 += bb1;
	for (int c = 0; c < DOUBLES; c++)
	{
		ab += ab0[c];
		aa += aa0[c];
		bb += bb0[c];
	}
#endif
	for (; j < d; j++)
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

	/* Counted from a pointer: gcc gathers x[j + c], which might wrap around, element by element. */
	for (; j + WIDE <= d; j += WIDE)
	{
		const float *at = x + j;

		for (int c = 0; c < WIDE; c++)
			chain[c] = fabsf(at[c]) > chain[c] ? fabsf(at[c]) : chain[c];
	}
	for (; j < d; j++)
		largest = fabsf(x[j]) > largest ? fabsf(x[j]) : largest;
	for (int c = 0; c < WIDE; c++)
		largest = chain[c] > largest ? chain[c] : largest;
	return largest;
}

/* Products of x with several rows of y, so that it is read once, and no sum waits for the last step of another. */
static inline void
dots_of_six(float *out, const float *x, const float *y, int d)
{
	const float *y1 = y + d, *y2 = y1 + d, *y3 = y2 + d, *y4 = y3 + d, *y5 = y4 + d;
	float s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0;

	for (int j = 0; j < d; j++)
	{
		s0 += x[j] * y[j];
		s1 += x[j] * y1[j];
		s2 += x[j] * y2[j];
		s3 += x[j] * y3[j];
		s4 += x[j] * y4[j];
		s5 += x[j] * y5[j];
	}
	out[0] = s0;
	out[1] = s1;
	out[2] = s2;
	out[3] = s3;
	out[4] = s4;
	out[5] = s5;
}

static inline void
dots_of_three(float *out, const float *x, const float *y, int d)
{
	const float *y1 = y + d, *y2 = y1 + d;
	float s0 = 0, s1 = 0, s2 = 0;

	for (int j = 0; j < d; j++)
	{
		s0 += x[j] * y[j];
		s1 += x[j] * y1[j];
		s2 += x[j] * y2[j];
	}
	out[0] = s0;
	out[1] = s1;
	out[2] = s2;
}

static void
dot_rows(float *out, const float *x, const float *y, int m, int d)
{
	int t = 0;

	/* Rows are read one after the other, and each may begin a page. */
	for (int j = 0; j < d; j += LINE_FLOATS)
		__builtin_prefetch(x + d + j);
	for (; t + 6 <= m; t += 6)
		dots_of_six(out + t, x, y + (size_t) t * d, d);
	for (; t + 3 <= m; t += 3)
		dots_of_three(out + t, x, y + (size_t) t * d, d);
	for (; t < m; t++)
	{
		float sum = 0;

		for (int j = 0; j < d; j++)
			sum += x[j] * y[(size_t) t * d + j];
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
		const float *dot = dots + from; /* counted from pointers, as in largest */
		const double *square = norm + from;
		double near = 0;

		for (int i = 0; i < WIDE; i++)
			near += is_near(dot[i], square[i], share, limit) ? 1.0 : 0.0;
		if (near > 0)
			break;
	}
	while (from < n && !is_near(dots[from], norm[from], share, limit))
		from++;
	return from;
}

static int
next_above(const float *dots, const float *bar, float level, int from, int n)
{
	for (; from + 2 * WIDE <= n; from += 2 * WIDE)
	{
		const float *dot = dots + from; /* counted from pointers, as in largest */
		const float *at = bar + from;
		float above = 0;

		for (int i = 0; i < 2 * WIDE; i++)
			above += !(dot[i] < at[i] - level) ? 1.0f : 0.0f;
		if (above > 0)
			break;
	}
	while (from < n && dots[from] < bar[from] - level)
		from++;
	return from;
}

static float
distance2_rough(const float *a, const float *b, int d)
{
	float sum = 0;

	for (int j = 0; j < d; j++)
		sum += (a[j] - b[j]) * (a[j] - b[j]);
	return sum;
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
	.next_above = next_above,
	.distance2_rough = distance2_rough,
};
