/*-------------------------------------------------------------------------
 *
 * src/core/nn/norm_simd.c
 *	  The loops of batch norm, ReLU, shortcut and max-pool.
 *
 * Written for a constant number of channels, 8 or 16, and a constant precision,
 * so that the compiler keeps a channel_block of channels in a register.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/norm.h"

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
sums(double *sum, double *square, const void *u, size_t n, int channel_block, sc_precision precision)
{
	for (size_t from = 0; from < n; from += RUN)
	{
		size_t to = SC_MIN(n, from + RUN);
		float s[16] = {0}, q[16] = {0};

		for (size_t i = from; i < to; i++)
			for (int c = 0; c < channel_block; c++)
			{
				float v = GET(u, i * (size_t) channel_block + (size_t) c);

				s[c] += v;
				q[c] += v * v;
			}
		for (int c = 0; c < channel_block; c++)
		{
			sum[c] += (double) s[c];
			square[c] += (double) q[c];
		}
	}
}

void
SC_SIMD(sc_norm_sums)(double *sum, double *square, const void *u, size_t n, int channel_block, sc_precision precision)
{
	BY_KIND(sums, sum, square, u, n);
}

INLINE void
apply(void *restrict y, const void *restrict u, const float *a, const float *b, size_t n, int channel_block,
	  sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < channel_block; c++)
		{
			size_t at = i * (size_t) channel_block + (size_t) c;
			float v = GET(u, at) * a[c] + b[c];

			PUT(y, at, v < 0.0f ? 0.0f : v); /* keeps NaN, as PyTorch's relu */
		}
}

INLINE void
apply_add(void *restrict y, const void *restrict u, const float *a, const float *b, const void *restrict s, size_t n,
		  int channel_block, sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < channel_block; c++)
		{
			size_t at = i * (size_t) channel_block + (size_t) c;
			float v = GET(u, at) * a[c] + b[c] + GET(s, at);

			PUT(y, at, v < 0.0f ? 0.0f : v);
		}
}

INLINE void
apply_two(void *restrict y, const void *restrict u, const float *a, const float *b, const void *restrict s,
		  const float *sa, const float *sb, size_t n, int channel_block, sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < channel_block; c++)
		{
			size_t at = i * (size_t) channel_block + (size_t) c;
			float v = GET(u, at) * a[c] + b[c] + (GET(s, at) * sa[c] + sb[c]);

			PUT(y, at, v < 0.0f ? 0.0f : v);
		}
}

void
SC_SIMD(sc_norm_apply)(void *y, const void *u, const float *a, const float *b, const void *s, const float *sa,
					   const float *sb, size_t n, int channel_block, sc_precision precision)
{
	if (s == NULL)
		BY_KIND(apply, y, u, a, b, n);
	else if (sa == NULL)
		BY_KIND(apply_add, y, u, a, b, s, n);
	else
		BY_KIND(apply_two, y, u, a, b, s, sa, sb, n);
}

INLINE void
mask(void *g, const void *y, const void *t, const void *t2, size_t n, int channel_block, sc_precision precision)
{
	size_t count = n * (size_t) channel_block;

	/* NaN in y must not hide: it lets the gradient, which is NaN too, through. */
	if (t2 == NULL)
		for (size_t i = 0; i < count; i++)
			PUT(g, i, GET(y, i) <= 0.0f ? 0.0f : GET(t, i));
	else
		for (size_t i = 0; i < count; i++)
			PUT(g, i, GET(y, i) <= 0.0f ? 0.0f : GET(t, i) + GET(t2, i));
}

void
SC_SIMD(sc_norm_mask)(void *g, const void *y, const void *t, const void *t2, size_t n, int channel_block,
					  sc_precision precision)
{
	BY_KIND(mask, g, y, t, t2, n);
}

INLINE void
products(double *sum, double *product, const void *g, const void *u, const float *mean, const float *inv, size_t n,
		 int channel_block, sc_precision precision)
{
	for (size_t from = 0; from < n; from += RUN)
	{
		size_t to = SC_MIN(n, from + RUN);
		float s[16] = {0}, p[16] = {0};

		for (size_t i = from; i < to; i++)
			for (int c = 0; c < channel_block; c++)
			{
				size_t at = i * (size_t) channel_block + (size_t) c;
				float v = GET(g, at);

				s[c] += v;
				p[c] += v * (GET(u, at) - mean[c]);
			}
		for (int c = 0; c < channel_block; c++)
		{
			sum[c] += (double) s[c];
			product[c] += (double) p[c] * (double) inv[c];
		}
	}
}

void
SC_SIMD(sc_norm_products)(double *sum, double *product, const void *g, const void *u, const float *mean,
						  const float *inv, size_t n, int channel_block, sc_precision precision)
{
	BY_KIND(products, sum, product, g, u, mean, inv, n);
}

INLINE void
backward(void *restrict u, const void *restrict g, const float *p, const float *q, const float *r, size_t n,
		 int channel_block, sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < channel_block; c++)
		{
			size_t at = i * (size_t) channel_block + (size_t) c;

			PUT(u, at, p[c] * GET(g, at) + (q[c] * GET(u, at) + r[c]));
		}
}

void
SC_SIMD(sc_norm_backward)(void *u, const void *g, const float *p, const float *q, const float *r, size_t n,
						  int channel_block, sc_precision precision)
{
	BY_KIND(backward, u, g, p, q, r, n);
}

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
