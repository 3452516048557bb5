/*-------------------------------------------------------------------------
 *
 * src/core/nn/norm_simd.c
 *	  The loops of batch norm, ReLU, shortcut and max-pool.
 *
 * Written for a constant number of channels, 8 or 16, and a constant precision;
 * those over whole tensors (norm_loops.h) with the compilers' vectors, so that a
 * block of channels and its sums stay in registers.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/norm.h"

/* A vector that a function here returns may be wider than a register: all of them are inlined. */
#pragma GCC diagnostic ignored "-Wpsabi"

#define INLINE SC_ELEMENT_INLINE
#define GET(tensor, i) sc_element_get(tensor, i, precision)
#define PUT(tensor, i, value) sc_element_put(tensor, i, value, precision)

/*
 * A loop over the channels inside of another loop, argmax gcc would unroll into
 * sixteen single floats before it looks for vectors.
 */
#if defined(__GNUC__) && !defined(__clang__)
#define CHANNELS(c) _Pragma("GCC unroll 1") for (int c = 0; c < channel_block; c++)
#else
#define CHANNELS(c) for (int c = 0; c < channel_block; c++)
#endif

/* Pixels whose sum is taken in float: 256 roundings of 0x1p-24 are 0x1p-16 of the sum of the absolute values. */
#define RUN 256

/* What is summed in float: the same pixels, below RUN, of some views. */
typedef struct run
{
	int view, views; /* the first, and behind the last */
	size_t from, to; /* pixels */
} run;

INLINE run
run_at(const sc_norm_shape *shape, int view, size_t from)
{
	int together = shape->pixels >= RUN ? 1 : (int) (RUN / shape->pixels);

	return (run){view, SC_MIN(view + together, shape->views), from, SC_MIN(from + RUN, shape->pixels)};
}

INLINE run
run_after(const sc_norm_shape *shape, run r)
{
	return r.to < shape->pixels ? run_at(shape, r.view, r.to) : run_at(shape, r.views, 0);
}

/* All runs of a tensor, each as `run`. */
#define FOR_RUNS(shape) for (run run = run_at(shape, 0, 0); run.view < (shape)->views; run = run_after(shape, run))

#define NAME(x) x##_8
#define LANES 8
#define PRECISION SC_PRECISION_F32
#include "core/nn/norm_loops.h"
#define NAME(x) x##_16
#define LANES 16
#define PRECISION SC_PRECISION_F32
#include "core/nn/norm_loops.h"
#define NAME(x) x##_bf16
#define LANES 16
#define PRECISION SC_PRECISION_BF16
#include "core/nn/norm_loops.h"

/* The function that was made for the blocks and the precision of a shape. */
#define BY_SHAPE(function, ...) \
	do \
	{ \
		if (shape->precision == SC_PRECISION_BF16) \
			function##_bf16(__VA_ARGS__); \
		else if (shape->channel_block == 16) \
			function##_16(__VA_ARGS__); \
		else \
			function##_8(__VA_ARGS__); \
	} while (0)

void
SC_SIMD(sc_norm_sums)(double *sum, double *square, const void *u, const sc_norm_shape *shape)
{
	BY_SHAPE(sums, sum, square, u, shape);
}

void
SC_SIMD(sc_norm_apply)(void *y, const void *u, const float *a, const float *b, const void *s, const float *sa,
					   const float *sb, const sc_norm_shape *shape)
{
	BY_SHAPE(apply, y, u, a, b, s, sa, sb, shape);
}

void
SC_SIMD(sc_norm_mask)(void *g, const void *y, const void *t, const void *t2, const sc_norm_gradient *own,
					  const sc_norm_gradient *shortcut, const sc_norm_shape *shape)
{
	BY_SHAPE(mask, g, y, t, t2, own, shortcut, shape);
}

void
SC_SIMD(sc_norm_products)(const sc_norm_gradient *gradient, const void *g, const sc_norm_shape *shape)
{
	BY_SHAPE(products, gradient, g, shape);
}

void
SC_SIMD(sc_norm_backward)(void *u, const void *g, const float *p, const float *q, const float *r,
						  const sc_norm_shape *shape)
{
	BY_SHAPE(backward, u, g, p, q, r, shape);
}

/* ---- max-pool ------------------------------------------------------------------------- */

/* Call a function written for a constant channel_block and precision. */
#define BY_KIND(function, ...) \
	do \
	{ \
		if (precision == SC_PRECISION_BF16) \
			function(__VA_ARGS__, 16, SC_PRECISION_BF16); \
		else if (channel_block == 16) \
			function(__VA_ARGS__, 16, SC_PRECISION_F32); \
		else \
			function(__VA_ARGS__, 8, SC_PRECISION_F32); \
	} while (0)

INLINE void
pool(void *restrict y, uint8_t *restrict argmax, const void *restrict u, const float *a, const float *b, int side,
	 int out, int channel_block, sc_precision precision)
{
	for (int oy = 0; oy < out; oy++)
		for (int ox = 0; ox < out; ox++)
		{
			size_t to = ((size_t) oy * (size_t) out + (size_t) ox) * (size_t) channel_block;
			float best[16], at[16]; /* which of the nine: floats, so that masks are those of best */

			for (int c = 0; c < channel_block; c++)
			{
				best[c] = -3.402823466e38f;
				at[c] = 0;
			}
			for (int iy = SC_MAX(2 * oy - 1, 0); iy <= SC_MIN(2 * oy + 1, side - 1); iy++)
				for (int ix = SC_MAX(2 * ox - 1, 0); ix <= SC_MIN(2 * ox + 1, side - 1); ix++)
				{
					int k = 3 * (iy - (2 * oy - 1)) + ix - (2 * ox - 1);
					size_t from = ((size_t) iy * (size_t) side + (size_t) ix) * (size_t) channel_block;

					CHANNELS(c)
					{
						float v = GET(u, from + (size_t) c) * a[c] + b[c];

						at[c] = v <= best[c] ? at[c] : (float) k;
						best[c] = v <= best[c] ? best[c] : v;
					}
				}
			CHANNELS(c)
			PUT(y, to + (size_t) c, best[c] < 0.0f ? 0.0f : best[c]);
			CHANNELS(c)
			argmax[to + (size_t) c] = (uint8_t) at[c];
		}
}

void
SC_SIMD(sc_norm_pool)(void *y, uint8_t *argmax, const void *u, const float *a, const float *b, int side, int out,
					  int channel_block, sc_precision precision)
{
	BY_KIND(pool, y, argmax, u, a, b, side, out);
}

/* A window of the pool: its gradient, and which of its nine pixels takes it. */
typedef struct pool_window
{
	const void *dy;
	const uint8_t *argmax;
} pool_window;

INLINE pool_window
window_at(const void *dy, const uint8_t *argmax, int oy, int ox, int out, int channel_block, sc_precision precision)
{
	static const float none[16]; /* zeros in either precision */
	size_t at = ((size_t) oy * (size_t) out + (size_t) ox) * (size_t) channel_block;

	return oy < out && ox < out ? (pool_window){sc_element_at(dy, at, precision), argmax + at}
								: (pool_window){none, argmax};
}

/*
 * Of a square of 2 x 2 input pixels the first lies in one window, its
 * neighbours in two, the last in four; each gathers its gradient from those.
 */
INLINE void
unpool(void *restrict dx, const void *restrict dy, const uint8_t *restrict argmax, int side, int out, int channel_block,
	   sc_precision precision)
{
	for (int oy = 0; oy < out; oy++)
		for (int ox = 0; ox < out; ox++)
		{
			const pool_window window[4] = {window_at(dy, argmax, oy, ox, out, channel_block, precision),
										   window_at(dy, argmax, oy, ox + 1, out, channel_block, precision),
										   window_at(dy, argmax, oy + 1, ox, out, channel_block, precision),
										   window_at(dy, argmax, oy + 1, ox + 1, out, channel_block, precision)};
			size_t pixel = ((size_t) (2 * oy) * (size_t) side + (size_t) (2 * ox)) * (size_t) channel_block;
			float square[4][16];
			float d[4][16];
			int k[4][16];

			/* One width of numbers a loop. */
			for (int c = 0; c < channel_block; c++)
				for (int i = 0; i < 4; i++)
					d[i][c] = GET(window[i].dy, (size_t) c);
			for (int c = 0; c < channel_block; c++)
				for (int i = 0; i < 4; i++)
					k[i][c] = window[i].argmax[c];
			for (int c = 0; c < channel_block; c++)
			{
#define GIVEN(i, pixel) (k[i][c] == (pixel) ? d[i][c] : 0.0f)
				square[0][c] = GIVEN(0, 4);
				square[1][c] = GIVEN(0, 5) + GIVEN(1, 3);
				square[2][c] = GIVEN(0, 7) + GIVEN(2, 1);
				square[3][c] = GIVEN(0, 8) + GIVEN(1, 6) + (GIVEN(2, 2) + GIVEN(3, 0));
#undef GIVEN
			}
			for (int i = 0; i < 4; i++)
				if (2 * oy + i / 2 < side && 2 * ox + i % 2 < side)
					CHANNELS(c)
			PUT(dx, pixel + ((size_t) (i / 2) * (size_t) side + (size_t) (i % 2)) * (size_t) channel_block + (size_t) c,
				square[i][c]);
		}
}

void
SC_SIMD(sc_norm_unpool)(void *dx, const void *dy, const uint8_t *argmax, int side, int out, int channel_block,
						sc_precision precision)
{
	BY_KIND(unpool, dx, dy, argmax, side, out);
}
