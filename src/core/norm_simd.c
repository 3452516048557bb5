/*-------------------------------------------------------------------------
 *
 * src/core/norm_simd.c
 *	  The loops of batch norm, ReLU, shortcut and max-pool.
 *
 * Written for a constant number of channels, 8 or 16, and a constant precision,
 * so that the compiler keeps a block of channels in a register.
 *
 *-------------------------------------------------------------------------
 */
#include "norm.h"

#define INLINE SC_ELEMENT_INLINE
#define GET(tensor, i) sc_element_get(tensor, i, precision)
#define PUT(tensor, i, value) sc_element_put(tensor, i, value, precision)

/* Pixels whose sum is taken in float. */
#define RUN 256

/* Call a function written for a constant block and precision. */
#define BY_KIND(function, ...) \
	do { \
		if (precision == SC_PRECISION_BF16) \
			function(__VA_ARGS__, 16, SC_PRECISION_BF16); \
		else if (block == 16) \
			function(__VA_ARGS__, 16, SC_PRECISION_F32); \
		else \
			function(__VA_ARGS__, 8, SC_PRECISION_F32); \
	} while (0)

INLINE void
sums(double *sum, double *square, const void *u, size_t n, int block, sc_precision precision)
{
	for (size_t from = 0; from < n; from += RUN)
	{
		size_t		to = SC_MIN(n, from + RUN);
		float		s[16] = {0},
					q[16] = {0};

		for (size_t i = from; i < to; i++)
			for (int c = 0; c < block; c++)
			{
				float		v = GET(u, i * (size_t) block + (size_t) c);

				s[c] += v;
				q[c] += v * v;
			}
		for (int c = 0; c < block; c++)
		{
			sum[c] += (double) s[c];
			square[c] += (double) q[c];
		}
	}
}

void
SC_SIMD(sc_norm_sums) (double *sum, double *square, const void *u, size_t n, int block, sc_precision precision)
{
	BY_KIND(sums, sum, square, u, n);
}

INLINE void
apply(void *restrict y, const void *restrict u, const float *a, const float *b, size_t n, int block,
	  sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < block; c++)
		{
			size_t		at = i * (size_t) block + (size_t) c;
			float		v = GET(u, at) * a[c] + b[c];

			PUT(y, at, v < 0.0f ? 0.0f : v);	/* keeps NaN, as PyTorch's relu */
		}
}

INLINE void
apply_add(void *restrict y, const void *restrict u, const float *a, const float *b,
		  const void *restrict s, size_t n, int block, sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < block; c++)
		{
			size_t		at = i * (size_t) block + (size_t) c;
			float		v = GET(u, at) * a[c] + b[c] + GET(s, at);

			PUT(y, at, v < 0.0f ? 0.0f : v);
		}
}

INLINE void
apply_two(void *restrict y, const void *restrict u, const float *a, const float *b,
		  const void *restrict s, const float *sa, const float *sb, size_t n, int block, sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < block; c++)
		{
			size_t		at = i * (size_t) block + (size_t) c;
			float		v = GET(u, at) * a[c] + b[c] + (GET(s, at) * sa[c] + sb[c]);

			PUT(y, at, v < 0.0f ? 0.0f : v);
		}
}

void
SC_SIMD(sc_norm_apply) (void *y, const void *u, const float *a, const float *b,
						const void *s, const float *sa, const float *sb, size_t n, int block,
						sc_precision precision)
{
	if (s == NULL)
		BY_KIND(apply, y, u, a, b, n);
	else if (sa == NULL)
		BY_KIND(apply_add, y, u, a, b, s, n);
	else
		BY_KIND(apply_two, y, u, a, b, s, sa, sb, n);
}

INLINE void
mask(void *g, const void *y, const void *t, const void *t2, size_t n, int block, sc_precision precision)
{
	size_t		count = n * (size_t) block;

	/* NaN in y must not hide: it lets the gradient, which is NaN too, through. */
	if (t2 == NULL)
		for (size_t i = 0; i < count; i++)
			PUT(g, i, GET(y, i) <= 0.0f ? 0.0f : GET(t, i));
	else
		for (size_t i = 0; i < count; i++)
			PUT(g, i, GET(y, i) <= 0.0f ? 0.0f : GET(t, i) + GET(t2, i));
}

void
SC_SIMD(sc_norm_mask) (void *g, const void *y, const void *t, const void *t2, size_t n, int block,
					   sc_precision precision)
{
	BY_KIND(mask, g, y, t, t2, n);
}

INLINE void
products(double *sum, double *product, const void *g, const void *u, const float *mean,
		 const float *inv, size_t n, int block, sc_precision precision)
{
	for (size_t from = 0; from < n; from += RUN)
	{
		size_t		to = SC_MIN(n, from + RUN);
		float		s[16] = {0},
					p[16] = {0};

		for (size_t i = from; i < to; i++)
			for (int c = 0; c < block; c++)
			{
				size_t		at = i * (size_t) block + (size_t) c;
				float		v = GET(g, at);

				s[c] += v;
				p[c] += v * (GET(u, at) - mean[c]);
			}
		for (int c = 0; c < block; c++)
		{
			sum[c] += (double) s[c];
			product[c] += (double) p[c] * (double) inv[c];
		}
	}
}

void
SC_SIMD(sc_norm_products) (double *sum, double *product, const void *g, const void *u,
						   const float *mean, const float *inv, size_t n, int block, sc_precision precision)
{
	BY_KIND(products, sum, product, g, u, mean, inv, n);
}

INLINE void
backward(void *restrict u, const void *restrict g, const float *p, const float *q, const float *r,
		 size_t n, int block, sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < block; c++)
		{
			size_t		at = i * (size_t) block + (size_t) c;

			PUT(u, at, p[c] * GET(g, at) + (q[c] * GET(u, at) + r[c]));
		}
}

void
SC_SIMD(sc_norm_backward) (void *u, const void *g, const float *p, const float *q, const float *r,
						   size_t n, int block, sc_precision precision)
{
	BY_KIND(backward, u, g, p, q, r, n);
}

/* One pixel of a pool: a window that lies inside, or whose borders are looked at. */
INLINE void
pool_pixel(void *restrict y, uint8_t *restrict which, const void *restrict u, const float *a, const float *b,
		   int side, int oy, int ox, bool inside, int block, sc_precision precision)
{
	float		best[16];
	int			at[16];

	for (int c = 0; c < block; c++)
	{
		best[c] = -3.402823466e38f;
		at[c] = 0;
	}
	for (int k = 0; k < 9; k++)
	{
		int			iy = 2 * oy - 1 + k / 3,
					ix = 2 * ox - 1 + k % 3;
		size_t		pixel = ((size_t) iy * (size_t) side + (size_t) ix) * (size_t) block;

		if (!inside && (iy < 0 || iy >= side || ix < 0 || ix >= side))
			continue;
		for (int c = 0; c < block; c++)
		{
			float		v = GET(u, pixel + (size_t) c) * a[c] + b[c];
			bool		more = !(v <= best[c]);

			best[c] = more ? v : best[c];
			at[c] = more ? k : at[c];
		}
	}
	for (int c = 0; c < block; c++)
	{
		PUT(y, (size_t) c, best[c] < 0.0f ? 0.0f : best[c]);
		which[c] = (uint8_t) at[c];
	}
}

INLINE void
pool(void *restrict y, uint8_t *restrict which, const void *restrict u, const float *a, const float *b,
	 int side, int out, int block, sc_precision precision)
{
	for (int oy = 0; oy < out; oy++)
		for (int ox = 0; ox < out; ox++)
		{
			size_t		at = ((size_t) oy * (size_t) out + (size_t) ox) * (size_t) block;

			if (oy > 0 && ox > 0 && 2 * oy + 1 < side && 2 * ox + 1 < side)
				pool_pixel(sc_element_at(y, at, precision), which + at, u, a, b, side, oy, ox, true, block, precision);
			else
				pool_pixel(sc_element_at(y, at, precision), which + at, u, a, b, side, oy, ox, false, block, precision);
		}
}

void
SC_SIMD(sc_norm_pool) (void *y, uint8_t *which, const void *u, const float *a, const float *b,
					   int side, int out, int block, sc_precision precision)
{
	BY_KIND(pool, y, which, u, a, b, side, out);
}

/* A window of the pool: its gradient and which of its nine pixels takes it. */
typedef struct window
{
	const void *dy;
	const uint8_t *which;
} window;

INLINE window
window_at(const void *dy, const uint8_t *which, int oy, int ox, int out, int block, sc_precision precision)
{
	static const float none[16];	/* zeros in either precision */
	size_t		at = ((size_t) oy * (size_t) out + (size_t) ox) * (size_t) block;

	return oy < out && ox < out ? (window) {sc_element_at(dy, at, precision), which + at} :
		(window) {none, which};
}

/* What a window gives to pixel k of its nine. */
INLINE float
given(const window *w, int k, int c, sc_precision precision)
{
	return w->which[c] == k ? GET(w->dy, (size_t) c) : 0.0f;
}

/*
 * Of a square of 2 x 2 input pixels the first lies in one window, its
 * neighbours in two, the last in four; each gathers its gradient from those.
 */
INLINE void
unpool(void *restrict dx, const void *restrict dy, const uint8_t *restrict which, int side, int out, int block,
	   sc_precision precision)
{
	for (int oy = 0; oy < out; oy++)
		for (int ox = 0; ox < out; ox++)
		{
			window		w = window_at(dy, which, oy, ox, out, block, precision),
						right = window_at(dy, which, oy, ox + 1, out, block, precision),
						below = window_at(dy, which, oy + 1, ox, out, block, precision),
						last = window_at(dy, which, oy + 1, ox + 1, out, block, precision);
			size_t		pixel = ((size_t) (2 * oy) * (size_t) side + (size_t) (2 * ox)) * (size_t) block;
			float		square[4][16];

			for (int c = 0; c < block; c++)
			{
				square[0][c] = given(&w, 4, c, precision);
				square[1][c] = given(&w, 5, c, precision) + given(&right, 3, c, precision);
				square[2][c] = given(&w, 7, c, precision) + given(&below, 1, c, precision);
				square[3][c] = given(&w, 8, c, precision) + given(&right, 6, c, precision) +
					(given(&below, 2, c, precision) + given(&last, 0, c, precision));
			}
			for (int k = 0; k < 4; k++)
				if (2 * oy + k / 2 < side && 2 * ox + k % 2 < side)
					for (int c = 0; c < block; c++)
						PUT(dx, pixel + ((size_t) (k / 2) * (size_t) side + (size_t) (k % 2)) * (size_t) block + (size_t) c,
							square[k][c]);
		}
}

void
SC_SIMD(sc_norm_unpool) (void *dx, const void *dy, const uint8_t *which, int side, int out, int block,
						 sc_precision precision)
{
	BY_KIND(unpool, dx, dy, which, side, out);
}
