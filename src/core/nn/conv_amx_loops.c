/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_amx_loops.c
 *	  The inner loops of conv_amx.c.
 *
 * No *_simd.c: there is one instruction set that has them, asked for function by
 * function, as in base/bf16.c.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv_amx_loops.h"

#include "core/base/status.h"

#if defined(__x86_64__) && defined(__linux__) && (defined(__clang__) || __GNUC__ >= 11)

#include "core/base/transpose.h"

#include <string.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16,amx-tile,amx-bf16")))

/*
 * gcc does not know which memory the instructions that load registers read:
 * stores before one, as those of an inlined caller, must not be put off.
 */
#define STORED __asm__ volatile("" ::: "memory")

/* What LDTILECFG reads: palette 1, and rows and bytes of a row of each register. */
typedef struct tile_config
{
	uint8_t palette, start_row, reserved[14];
	uint16_t row_bytes[16];
	uint8_t rows[16];
} tile_config;

/* The registers: sums 0 to 3, left 4 and 5, right 6 and 7. */
TARGET void
sc_amx_begin(void)
{
	static const tile_config config = {.palette = 1,
									   .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
									   .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

	_tile_loadconfig(&config);
}

TARGET void
sc_amx_end(void)
{
	_tile_release();
}

TARGET void
sc_amx_multiply(float *out, const sc_amx_product *product, const char *x, const char *w)
{
	size_t position = product->position;

	STORED;
	_tile_zero(0);
	_tile_zero(1);
	_tile_zero(2);
	_tile_zero(3);
	for (int c = 0; c < product->chunks; c++, x += product->chunk, w += product->chunk_weights)
		for (int t = 0; t < product->taps; t++)
		{
			const char *from = x + product->at[t], *tiles = w + product->weights[t];

			_tile_loadd(6, tiles, 64);
			_tile_loadd(4, from, position);
			_tile_dpbf16ps(0, 4, 6);
			_tile_loadd(7, tiles + SC_AMX_TILE_BYTES, 64);
			_tile_dpbf16ps(2, 4, 7);
			_tile_loadd(5, from + SC_AMX_HALF * position, position);
			_tile_dpbf16ps(1, 5, 6);
			_tile_dpbf16ps(3, 5, 7);
		}
	_tile_stored(0, out, 64);
	_tile_stored(1, out + 256, 64);
	_tile_stored(2, out + 512, 64);
	_tile_stored(3, out + 768, 64);
}

TARGET static inline __m512
widen(__m256i x)
{
	return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}

TARGET static inline void
put_block(const sc_amx_result *r, char *y, const float *sums, __m512 bias)
{
	for (int p = 0; p < SC_AMX_ROWS; p++)
	{
		char *to = y + (ptrdiff_t) r->at[p] * (r->wide ? 4 : 2);
		__m512 sum;

		if (r->at[p] < 0)
			continue;
		sum = _mm512_add_ps(_mm512_load_ps(sums + p * SC_AMX_HALF), bias);
		if (r->add)
			sum = _mm512_add_ps(sum, r->wide ? _mm512_loadu_ps(to) : widen(_mm256_loadu_si256((const __m256i *) to)));
		/* In this order NaN stays NaN. */
		if (r->relu)
			sum = _mm512_max_ps(_mm512_setzero_ps(), sum);
		if (r->wide)
			_mm512_storeu_ps(to, sum);
		else
			_mm256_storeu_si256((__m256i *) to, (__m256i) _mm512_cvtneps_pbh(sum));
	}
}

TARGET void
sc_amx_put(const sc_amx_result *r, const float *sums)
{
	for (int half = 0; half < 2; half++)
		put_block(r, r->y + (size_t) half * r->block, sums + half * SC_AMX_ROWS * SC_AMX_HALF,
				  r->bias != NULL ? _mm512_loadu_ps(r->bias + half * SC_AMX_HALF) : _mm512_setzero_ps());
}

TARGET void
sc_amx_gradient(float *const dw[2][2], bool add, const char *x, size_t x_row, const char *dy, size_t dy_block,
				const sc_amx_run *runs, int count, int steps)
{
	STORED;
	if (add)
	{
		_tile_loadd(0, dw[0][0], 64);
		_tile_loadd(1, dw[1][0], 64);
		_tile_loadd(2, dw[0][1], 64);
		_tile_loadd(3, dw[1][1], 64);
	}
	else
	{
		_tile_zero(0);
		_tile_zero(1);
		_tile_zero(2);
		_tile_zero(3);
	}
	for (int r = 0; r < count; r++)
	{
		const char *left = x + runs[r].x, *right = dy + runs[r].dy;

		for (int s = 0; s < steps; s++, left += 2 * SC_AMX_DEPTH, right += SC_AMX_TILE_BYTES)
		{
			_tile_loadd(6, right, 64);
			_tile_loadd(4, left, x_row);
			_tile_dpbf16ps(0, 4, 6);
			_tile_loadd(7, right + dy_block, 64);
			_tile_dpbf16ps(2, 4, 7);
			_tile_loadd(5, left + SC_AMX_HALF * x_row, x_row);
			_tile_dpbf16ps(1, 5, 6);
			_tile_dpbf16ps(3, 5, 7);
		}
	}
	_tile_stored(0, dw[0][0], 64);
	_tile_stored(1, dw[1][0], 64);
	_tile_stored(2, dw[0][1], 64);
	_tile_stored(3, dw[1][1], 64);
}

/* Two rows of 16 become 16 pairs. */
TARGET static inline __m512i
pairs_of(__m512i rows)
{
	const __m512i order = _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
										   21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);

	return _mm512_permutexvar_epi16(order, rows);
}

/* The channels of two positions, in pairs. */
TARGET static inline __m512i
pair_at(const char *x, size_t position)
{
	return pairs_of(_mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *) x)),
									   _mm256_loadu_si256((const __m256i *) (x + position)), 1));
}

TARGET void
sc_amx_transpose(char *out, size_t row, const char *x, size_t position, size_t n)
{
	for (size_t p = 0; p < n; p += SC_AMX_DEPTH, x += SC_AMX_DEPTH * position, out += 2 * SC_AMX_DEPTH)
	{
		__m512i block[16];

#pragma GCC unroll 16
		for (int i = 0; i < 16; i++)
			block[i] = pair_at(x + (size_t) (2 * i) * position, position);
		sc_transpose16(block);
#pragma GCC unroll 16
		for (int i = 0; i < 16; i++)
			_mm512_storeu_si512(out + (size_t) i * row, block[i]);
	}
}

TARGET void
sc_amx_pair(char *out, const char *x, size_t position, size_t n)
{
	for (size_t p = 0; p < n; p += 2, x += 2 * position, out += 64)
		_mm512_storeu_si512(out, pair_at(x, position));
}

TARGET void
sc_amx_copy(char *out, size_t out_step, const char *x, size_t x_step, size_t n)
{
	for (size_t i = 0; i < n; i++, out += out_step, x += x_step)
		_mm256_storeu_si256((__m256i *) out, _mm256_loadu_si256((const __m256i *) x));
}

TARGET static inline __m512i
narrow(const float *low, const float *high)
{
	return (__m512i) _mm512_cvtne2ps_pbh(_mm512_loadu_ps(high), _mm512_loadu_ps(low));
}

TARGET void
sc_amx_weights(char *tile, const float *first, const float *second)
{
	for (int r = 0; r < 8; r++)
	{
		const float *w = first + 2 * r * SC_AMX_HALF, *w2 = second + 2 * r * SC_AMX_HALF;

		_mm512_storeu_si512(tile + (size_t) r * 64, pairs_of(narrow(w, w + SC_AMX_HALF)));
		_mm512_storeu_si512(tile + (size_t) (8 + r) * 64, pairs_of(narrow(w2, w2 + SC_AMX_HALF)));
	}
}

TARGET void
sc_amx_weights_transposed(char *tile, const float *first, const float *second)
{
	__m512i block[16];

#pragma GCC unroll 16
	for (int i = 0; i < 16; i++)
		block[i] = narrow(first + i * SC_AMX_HALF, second + i * SC_AMX_HALF);
	sc_transpose16(block);
#pragma GCC unroll 16
	for (int i = 0; i < 16; i++)
		_mm512_storeu_si512(tile + (size_t) i * 64, block[i]);
}

#else

/* No such CPU, or no compiler that knows it: nobody asks for them. */
void
sc_amx_begin(void)
{
	SC_ASSERT(false);
}

void
sc_amx_end(void)
{
	SC_ASSERT(false);
}

void
sc_amx_multiply(float *out, const sc_amx_product *product, const char *x, const char *w)
{
	SC_ASSERT(false);
}

void
sc_amx_put(const sc_amx_result *r, const float *sums)
{
	SC_ASSERT(false);
}

void
sc_amx_gradient(float *const dw[2][2], bool add, const char *x, size_t x_row, const char *dy, size_t dy_block,
				const sc_amx_run *runs, int count, int steps)
{
	SC_ASSERT(false);
}

void
sc_amx_transpose(char *out, size_t row, const char *x, size_t position, size_t n)
{
	SC_ASSERT(false);
}

void
sc_amx_pair(char *out, const char *x, size_t position, size_t n)
{
	SC_ASSERT(false);
}

void
sc_amx_copy(char *out, size_t out_step, const char *x, size_t x_step, size_t n)
{
	SC_ASSERT(false);
}

void
sc_amx_weights(char *tile, const float *first, const float *second)
{
	SC_ASSERT(false);
}

void
sc_amx_weights_transposed(char *tile, const float *first, const float *second)
{
	SC_ASSERT(false);
}

#endif
