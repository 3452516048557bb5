/*-------------------------------------------------------------------------
 *
 * src/core/base/transpose.h
 *	  A square of 16 by 16 words, transposed in the registers of AVX-512.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_TRANSPOSE_H
#define SC_TRANSPOSE_H

#include <immintrin.h>

/*
 * Rows to columns: 16 rows of 16 words of four bytes. Squares of 2 by 2 first, then of
 * 4 by 4 and of 16 by 16.
 */
__attribute__((target("avx512f"))) static inline void
sc_transpose16(__m512i *x)
{
	__m512i a[16], b[16];

#pragma GCC unroll 8
	for (int i = 0; i < 16; i += 2)
	{
		a[i] = _mm512_unpacklo_epi32(x[i], x[i + 1]);
		a[i + 1] = _mm512_unpackhi_epi32(x[i], x[i + 1]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 16; i += 4)
	{
		b[i] = _mm512_unpacklo_epi64(a[i], a[i + 2]);
		b[i + 1] = _mm512_unpackhi_epi64(a[i], a[i + 2]);
		b[i + 2] = _mm512_unpacklo_epi64(a[i + 1], a[i + 3]);
		b[i + 3] = _mm512_unpackhi_epi64(a[i + 1], a[i + 3]);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
	{
		a[i] = _mm512_shuffle_i32x4(b[i], b[i + 4], 0x88);
		a[i + 4] = _mm512_shuffle_i32x4(b[i], b[i + 4], 0xDD);
		a[i + 8] = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0x88);
		a[i + 12] = _mm512_shuffle_i32x4(b[i + 8], b[i + 12], 0xDD);
	}
#pragma GCC unroll 4
	for (int i = 0; i < 4; i++)
	{
		x[i] = _mm512_shuffle_i32x4(a[i], a[i + 8], 0x88);
		x[i + 8] = _mm512_shuffle_i32x4(a[i], a[i + 8], 0xDD);
		x[i + 4] = _mm512_shuffle_i32x4(a[i + 4], a[i + 12], 0x88);
		x[i + 12] = _mm512_shuffle_i32x4(a[i + 4], a[i + 12], 0xDD);
	}
}

#endif /* SC_TRANSPOSE_H */
