/*-------------------------------------------------------------------------
 *
 * src/core/base/bf16.c
 *	  Products of rows in bf16.
 *
 * No *_simd.c: it is a fourth instruction set, for one loop alone, whose code
 * the compiler does not find by itself. So it is asked for function by function.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/bf16.h"

#include "core/base/simd.h"
#include "core/base/status.h"

#if defined(__x86_64__) && (defined(__clang__) || __GNUC__ >= 10)

#include "core/base/transpose.h"

#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16")))

bool
sc_bf16_fast(void)
{
	sc_isa asked;

	return !sc_isa_asked(&asked) && sc_isa_best() == SC_ISA_AVX512 && __builtin_cpu_supports("avx512bf16");
}

/* 16 pairs of numbers. */
TARGET static inline __m512i
narrow(__m512 low, __m512 high)
{
	return (__m512i) _mm512_cvtne2ps_pbh(high, low);
}

TARGET void
sc_bf16_pack(uint32_t *panel, int width, int at, const float *x, int d)
{
	uint32_t pair[16];
	int pairs = (d + 1) / 2;

	for (int p = 0; p < pairs; p += 16)
	{
		int left = x != NULL ? d - 2 * p : 0;
		__mmask16 low = left >= 16 ? 0xFFFF : (__mmask16) ((1u << SC_MAX(left, 0)) - 1);
		__mmask16 high = left >= 32 ? 0xFFFF : (__mmask16) ((1u << SC_MAX(left - 16, 0)) - 1);

		_mm512_storeu_si512(pair,
							narrow(_mm512_maskz_loadu_ps(low, x + 2 * p), _mm512_maskz_loadu_ps(high, x + 2 * p + 16)));
		for (int i = 0; i < SC_MIN(16, pairs - p); i++)
			panel[(size_t) (p + i) * width + at] = pair[i];
	}
}

TARGET void
sc_bf16_pack_right(uint32_t *panel, const float *x, int m, int d)
{
	int whole = m == SC_BF16_RIGHT ? d / 32 : 0; /* blocks of 16 pairs of 16 rows */

	for (int p = 0; p < whole; p++)
	{
		__m512i block[SC_BF16_RIGHT];

#pragma GCC unroll 16
		for (int i = 0; i < SC_BF16_RIGHT; i++)
		{
			const float *at = x + (size_t) i * d + 32 * p;

			block[i] = narrow(_mm512_loadu_ps(at), _mm512_loadu_ps(at + 16));
		}
		sc_transpose16(block);
#pragma GCC unroll 16
		for (int i = 0; i < SC_BF16_RIGHT; i++)
			_mm512_storeu_si512(panel + (size_t) (16 * p + i) * SC_BF16_RIGHT, block[i]);
	}
	if (32 * whole < d)
		for (int i = 0; i < SC_BF16_RIGHT; i++)
			sc_bf16_pack(panel + sc_bf16_panel(SC_BF16_RIGHT, 32 * whole), SC_BF16_RIGHT, i,
						 i < m ? x + (size_t) i * d + 32 * whole : NULL, d - 32 * whole);
}

/* Of a panel of each: the products of the left one's first m rows with all of the right one. */
TARGET static void
multiply_panels(float *out, int ld, const uint32_t *left, int m, const uint32_t *right, int pairs)
{
	__m512 sum[SC_BF16_LEFT];

#pragma GCC unroll 24
	for (int i = 0; i < SC_BF16_LEFT; i++)
		sum[i] = _mm512_setzero_ps();
	for (int p = 0; p < pairs; p++, left += SC_BF16_LEFT, right += SC_BF16_RIGHT)
	{
		__m512bh y = (__m512bh) _mm512_loadu_si512(right);

#pragma GCC unroll 24
		for (int i = 0; i < SC_BF16_LEFT; i++)
			sum[i] = _mm512_dpbf16_ps(sum[i], (__m512bh) _mm512_set1_epi32((int) left[i]), y);
	}
#pragma GCC unroll 24
	for (int i = 0; i < SC_BF16_LEFT; i++)
		if (i < m)
			_mm512_storeu_ps(out + (size_t) i * ld, sum[i]);
}

void
sc_bf16_multiply(float *out, int ld, const uint32_t *left, int m, const uint32_t *right, int n, int d)
{
	int pairs = (d + 1) / 2;

	SC_ASSERT(ld >= (n + SC_BF16_RIGHT - 1) / SC_BF16_RIGHT * SC_BF16_RIGHT);
	for (int i = 0; i < m; i += SC_BF16_LEFT)
		for (int j = 0; j < n; j += SC_BF16_RIGHT)
			multiply_panels(out + (size_t) i * ld + j, ld, left + (size_t) i * pairs, SC_MIN(m - i, SC_BF16_LEFT),
							right + (size_t) j * pairs, pairs);
}

#else

/* No such CPU, or no compiler that knows it: nobody asks for the rest. */
bool
sc_bf16_fast(void)
{
	return false;
}

void
sc_bf16_pack(uint32_t *panel, int width, int at, const float *x, int d)
{
	SC_ASSERT(false);
}

void
sc_bf16_pack_right(uint32_t *panel, const float *x, int m, int d)
{
	SC_ASSERT(false);
}

void
sc_bf16_multiply(float *out, int ld, const uint32_t *left, int m, const uint32_t *right, int n, int d)
{
	SC_ASSERT(false);
}

#endif
