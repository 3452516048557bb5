/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_rows_simd.c
 *	  The inner loops of conv_rows.c.
 *
 * A tile's sums stay in registers: rows times blocks, each a vector of the
 * channels of a block. Written with the compilers' vectors, since loops over
 * arrays would leave the sums in memory; AVX2 has sixteen registers, AVX-512
 * thirty-two. Where a block is not one vector there are no such loops.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv_rows.h"
#include "core/base/status.h"

#if defined(__AVX512F__)
#define LANES 16
#define TILE_BLOCKS 4
#define WEIGHT_ROWS 4
#define WEIGHT_BLOCKS 4
#elif defined(__AVX2__)
#define LANES 8
#define TILE_BLOCKS 2
#define WEIGHT_ROWS 4
#define WEIGHT_BLOCKS 2
#endif

#ifdef LANES

#define UNROLL _Pragma("GCC unroll 16")

typedef float vec __attribute__((vector_size(4 * LANES), may_alias));
typedef float vec_at __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

/* ---- float ----------------------------------------------------------------------- */

SC_ELEMENT_INLINE vec
multiply_f32(vec sum, uint32_t x, vec w)
{
	float value;

	memcpy(&value, &x, sizeof(value));
	return sum + value * w;
}

SC_ELEMENT_INLINE void
put_f32(void *y, vec sum)
{
	*(vec_at *) y = sum;
}

/* To (blocks of in, of out, taps, b of out, b of in): what the gradient of the input multiplies with. */
static void
reorder_f32(uint32_t *to, const float *weights, int out_blocks, int in_blocks, int taps, bool data)
{
	float *next = (float *) to;

	SC_ASSERT(data);
	for (int ib = 0; ib < in_blocks; ib++)
		for (int ob = 0; ob < out_blocks; ob++)
			for (int t = 0; t < taps; t++, next += LANES * LANES)
			{
				const float *w = weights + (((size_t) ob * in_blocks + ib) * taps + t) * LANES * LANES;

				for (int o = 0; o < LANES; o++)
					for (int i = 0; i < LANES; i++)
						next[o * LANES + i] = w[i * LANES + o];
			}
}

#define NAME(x) x##_f32
#define WORDS LANES
#define TARGET
#include "core/nn/conv_rows_loops.h"
#undef NAME
#undef WORDS
#undef TARGET

const sc_rows_loops SC_SIMD(sc_rows_f32) = {LANES, TILE_BLOCKS, WEIGHT_BLOCKS, tile_f32, weights_f32, reorder_f32};

#else

const sc_rows_loops SC_SIMD(sc_rows_f32) = {0};

#endif

/* ---- bf16 ------------------------------------------------------------------------ */

static inline uint32_t
pair(uint16_t first, uint16_t second)
{
	return (uint32_t) second << 16 | first;
}

void
SC_SIMD(sc_rows_pair)(uint32_t *out, const uint16_t *x, const uint16_t *x2, size_t n)
{
	if (x2 == NULL)
		for (size_t i = 0; i < n; i++)
			out[i] = x[i];
	else
		for (size_t i = 0; i < n; i++)
			out[i] = pair(x[i], x2[i]);
}

#ifdef __AVX512F__

#include <immintrin.h>

/* These functions alone have instructions that not every CPU with AVX-512 has. */
#define TARGET __attribute__((target("avx512bf16")))

SC_ELEMENT_INLINE TARGET vec
multiply_bf16(vec sum, uint32_t x, vec w)
{
	return (vec) _mm512_dpbf16_ps((__m512) sum, (__m512bh) _mm512_set1_epi32((int) x), (__m512bh) w);
}

SC_ELEMENT_INLINE TARGET void
put_bf16(void *y, vec sum)
{
	_mm256_storeu_si256((__m256i *) y, (__m256i) _mm512_cvtneps_pbh((__m512) sum));
}

static inline uint16_t
rounded(float value)
{
	uint16_t element;

	sc_element_put(&element, 0, value, SC_PRECISION_BF16);
	return element;
}

/* As reorder_f32, but in pairs of what is added up; and without data in the order of the weights, in pairs. */
static void
reorder_bf16(uint32_t *to, const float *weights, int out_blocks, int in_blocks, int taps, bool data)
{
	int outer = data ? in_blocks : out_blocks, inner = data ? out_blocks : in_blocks;
	size_t step = data ? 1 : LANES, lane = data ? LANES : 1;

	for (int a = 0; a < outer; a++)
		for (int b = 0; b < inner; b++)
			for (int t = 0; t < taps; t++, to += LANES / 2 * LANES)
			{
				int ob = data ? b : a, ib = data ? a : b;
				const float *w = weights + (((size_t) ob * in_blocks + ib) * taps + t) * LANES * LANES;

				for (size_t k = 0; k < LANES / 2; k++)
					for (size_t l = 0; l < LANES; l++)
						to[k * LANES + l] =
							pair(rounded(w[2 * k * step + l * lane]), rounded(w[(2 * k + 1) * step + l * lane]));
			}
}

#define NAME(x) x##_bf16
#define WORDS (LANES / 2)
#include "core/nn/conv_rows_loops.h"

const sc_rows_loops SC_SIMD(sc_rows_bf16) = {LANES, TILE_BLOCKS, WEIGHT_BLOCKS, tile_bf16, weights_bf16, reorder_bf16};

#else

const sc_rows_loops SC_SIMD(sc_rows_bf16) = {0};

#endif
