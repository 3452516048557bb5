/*-------------------------------------------------------------------------
 *
 * src/core/nn/infer_simd.c
 *	  The loops of a network that does not learn: bias, shortcut and ReLU after a
 *	  product, max-pool, average.
 *
 * Written for a constant number of channels, 8 or 16, and a constant precision,
 * so that the compiler keeps a channel_block of channels in a register.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/infer.h"

#define INLINE SC_ELEMENT_INLINE

INLINE void
finish(float *restrict y, const float *restrict z, const float *restrict bias, size_t n, int ld, bool add, bool relu,
	   int channel_block)
{
	for (size_t i = 0; i < n; i++, y += channel_block, z += ld)
		for (int c = 0; c < channel_block; c++)
		{
			float v = z[c] + bias[c] + (add ? y[c] : 0.0f);

			y[c] = relu && v < 0.0f ? 0.0f : v; /* keeps NaN */
		}
}

void
SC_SIMD(sc_infer_finish)(float *y, const float *z, const float *bias, size_t n, int ld, int channel_block, bool add,
						 bool relu)
{
	int kind = (channel_block == 16 ? 4 : 0) + (add ? 2 : 0) + (relu ? 1 : 0);

#define KIND(k) \
	case k: \
		finish(y, z, bias, n, ld, ((k) &2) != 0, ((k) &1) != 0, (k) &4 ? 16 : 8); \
		break
	switch (kind)
	{
		KIND(0);
		KIND(1);
		KIND(2);
		KIND(3);
		KIND(4);
		KIND(5);
		KIND(6);
		KIND(7);
	}
#undef KIND
}

/*
 * Numbers that are not negative have the order of their bits as integers, in
 * float and in bf16, and NaN is the largest. A window that reaches beyond the edge takes
 * the pixels at the edge twice.
 */
#define POOL(name, integer) \
	INLINE void name(integer *restrict y, const integer *restrict x, int side, int out, int channel_block) \
	{ \
		for (int oy = 0; oy < out; oy++) \
		{ \
			const int row[3] = {oy > 0 ? 2 * oy - 1 : 0, 2 * oy, 2 * oy + 1 < side ? 2 * oy + 1 : side - 1}; \
\
			for (int ox = 0; ox < out; ox++, y += channel_block) \
			{ \
				const int column[3] = {ox > 0 ? 2 * ox - 1 : 0, 2 * ox, 2 * ox + 1 < side ? 2 * ox + 1 : side - 1}; \
				const integer *at[9]; \
\
				for (int i = 0; i < 9; i++) \
					at[i] = \
						x + ((size_t) row[i / 3] * (size_t) side + (size_t) column[i % 3]) * (size_t) channel_block; \
				for (int c = 0; c < channel_block; c++) \
				{ \
					integer best = at[0][c]; \
\
					for (int i = 1; i < 9; i++) \
						best = at[i][c] > best ? at[i][c] : best; \
					y[c] = best; \
				} \
			} \
		} \
	}

POOL(pool_f32, int32_t)
POOL(pool_bf16, int16_t)

void
SC_SIMD(sc_infer_pool)(void *y, const void *x, int side, int out, int channel_block, sc_precision precision)
{
	if (precision == SC_PRECISION_BF16)
		pool_bf16(y, x, side, out, 16);
	else if (channel_block == 16)
		pool_f32(y, x, side, out, 16);
	else
		pool_f32(y, x, side, out, 8);
}

INLINE void
average(float *restrict feature, const void *restrict y, size_t n, int channel_block, sc_precision precision)
{
	float sum[16] = {0};

	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < channel_block; c++)
			sum[c] += sc_element_get(y, i * (size_t) channel_block + (size_t) c, precision);
	for (int c = 0; c < channel_block; c++)
		feature[c] = sum[c] / (float) n;
}

void
SC_SIMD(sc_infer_average)(float *feature, const void *y, size_t n, int channel_block, sc_precision precision)
{
	if (precision == SC_PRECISION_BF16)
		average(feature, y, n, 16, SC_PRECISION_BF16);
	else if (channel_block == 16)
		average(feature, y, n, 16, SC_PRECISION_F32);
	else
		average(feature, y, n, 8, SC_PRECISION_F32);
}

void
SC_SIMD(sc_infer_narrow)(uint16_t *restrict y, const float *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		sc_element_put(y, i, x[i], SC_PRECISION_BF16);
}
