/*-------------------------------------------------------------------------
 *
 * src/core/nn/ntxent_simd.c
 *	  The exponentials of NT-Xent, once per instruction set.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/ntxent_parts.h"

#include <math.h>

/*
 * exp(x) for x <= 0 (a positive x counts as 0), relative error below 3e-7 in
 * -4 ... 0 and 4e-6 at the end of the range; 0 below -87; NaN stays.
 */
static inline float
exp_negative(float x)
{
	float inside = x > -87.0f ? x : -87.0f; /* NaN: -87 */
	float t = (inside < 0.0f ? inside : 0.0f) * 1.44269504f;
	int32_t n = (int32_t) (t - 0.5f);
	float f = t - (float) n; /* in -0.5 ... 0.5 */
	float p;
	union
	{
		int32_t i;
		float f;
	} power;

	/* The series of 2^f. */
	p = 1.52527338e-5f;
	p = p * f + 1.54035304e-4f;
	p = p * f + 1.33335581e-3f;
	p = p * f + 9.61812911e-3f;
	p = p * f + 5.55041087e-2f;
	p = p * f + 2.40226507e-1f;
	p = p * f + 6.93147181e-1f;
	p = p * f + 1.0f;
	power.i = (n + 127) << 23;
	p *= power.f;
	return x > -87.0f ? p : (x <= -87.0f ? 0.0f : x);
}

float
SC_SIMD(sc_ntxent_tile_max)(const float *s, int n)
{
	float top = -INFINITY;

	for (int j = 0; j < n; j++)
		top = s[j] > top ? s[j] : top;
	return top;
}

float
SC_SIMD(sc_ntxent_tile_sum)(const float *s, int n, float top)
{
	float sum = 0.0f;

	for (int j = 0; j < n; j++)
		sum += exp_negative(s[j] - top);
	return sum;
}

void
SC_SIMD(sc_ntxent_tile_gradient)(float *restrict s, int n, float top, float share, const float *restrict tops,
								 const float *restrict shares, float factor)
{
	for (int j = 0; j < n; j++)
		s[j] = factor * (exp_negative(s[j] - top) * share + exp_negative(s[j] - tops[j]) * shares[j]);
}
