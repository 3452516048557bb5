/*-------------------------------------------------------------------------
 *
 * src/core/norm_simd.c
 *	  The loops of batch norm, ReLU, shortcut and max-pool.
 *
 * Written for a constant number of channels, 8 or 16, so that the compiler
 * keeps a block of channels in a register.
 *
 *-------------------------------------------------------------------------
 */
#include "norm.h"

#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* Pixels whose sum is taken in float. */
#define RUN 256

/* Call a function written for a constant block. */
#define BY_BLOCK(function, ...) \
	do { \
		if (block == 16) \
			function(__VA_ARGS__, 16); \
		else \
			function(__VA_ARGS__, 8); \
	} while (0)

INLINE void
sums(double *sum, double *square, const float *u, size_t n, int block)
{
	for (size_t from = 0; from < n; from += RUN)
	{
		size_t		to = SC_MIN(n, from + RUN);
		float		s[16] = {0},
					q[16] = {0};

		for (size_t i = from; i < to; i++)
			for (int c = 0; c < block; c++)
			{
				float		v = u[i * (size_t) block + (size_t) c];

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
SC_SIMD(sc_norm_sums) (double *sum, double *square, const float *u, size_t n, int block)
{
	BY_BLOCK(sums, sum, square, u, n);
}

INLINE void
apply(float *restrict y, const float *restrict u, const float *a, const float *b, size_t n, int block)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < block; c++)
		{
			float		v = u[i * (size_t) block + (size_t) c] * a[c] + b[c];

			y[i * (size_t) block + (size_t) c] = v < 0.0f ? 0.0f : v;	/* keeps NaN, as PyTorch's relu */
		}
}

INLINE void
apply_add(float *restrict y, const float *restrict u, const float *a, const float *b,
		  const float *restrict s, size_t n, int block)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < block; c++)
		{
			float		v = u[i * (size_t) block + (size_t) c] * a[c] + b[c] + s[i * (size_t) block + (size_t) c];

			y[i * (size_t) block + (size_t) c] = v < 0.0f ? 0.0f : v;
		}
}

INLINE void
apply_two(float *restrict y, const float *restrict u, const float *a, const float *b,
		  const float *restrict s, const float *sa, const float *sb, size_t n, int block)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < block; c++)
		{
			float		v = u[i * (size_t) block + (size_t) c] * a[c] + b[c] +
				(s[i * (size_t) block + (size_t) c] * sa[c] + sb[c]);

			y[i * (size_t) block + (size_t) c] = v < 0.0f ? 0.0f : v;
		}
}

void
SC_SIMD(sc_norm_apply) (float *y, const float *u, const float *a, const float *b,
						const float *s, const float *sa, const float *sb, size_t n, int block)
{
	if (s == NULL)
		BY_BLOCK(apply, y, u, a, b, n);
	else if (sa == NULL)
		BY_BLOCK(apply_add, y, u, a, b, s, n);
	else
		BY_BLOCK(apply_two, y, u, a, b, s, sa, sb, n);
}

void
SC_SIMD(sc_norm_mask) (float *g, const float *y, const float *t, const float *t2, size_t n, int block)
{
	size_t		count = n * (size_t) block;

	/* NaN in y must not hide: it lets the gradient, which is NaN too, through. */
	if (t2 == NULL)
		for (size_t i = 0; i < count; i++)
			g[i] = y[i] <= 0.0f ? 0.0f : t[i];
	else
		for (size_t i = 0; i < count; i++)
			g[i] = y[i] <= 0.0f ? 0.0f : t[i] + t2[i];
}

INLINE void
products(double *sum, double *product, const float *g, const float *u, const float *mean,
		 const float *inv, size_t n, int block)
{
	for (size_t from = 0; from < n; from += RUN)
	{
		size_t		to = SC_MIN(n, from + RUN);
		float		s[16] = {0},
					p[16] = {0};

		for (size_t i = from; i < to; i++)
			for (int c = 0; c < block; c++)
			{
				float		v = g[i * (size_t) block + (size_t) c];

				s[c] += v;
				p[c] += v * (u[i * (size_t) block + (size_t) c] - mean[c]);
			}
		for (int c = 0; c < block; c++)
		{
			sum[c] += (double) s[c];
			product[c] += (double) p[c] * (double) inv[c];
		}
	}
}

void
SC_SIMD(sc_norm_products) (double *sum, double *product, const float *g, const float *u,
						   const float *mean, const float *inv, size_t n, int block)
{
	BY_BLOCK(products, sum, product, g, u, mean, inv, n);
}

INLINE void
backward(float *restrict u, const float *restrict g, const float *p, const float *q, const float *r,
		 size_t n, int block)
{
	for (size_t i = 0; i < n; i++)
		for (int c = 0; c < block; c++)
			u[i * (size_t) block + (size_t) c] = p[c] * g[i * (size_t) block + (size_t) c] +
				(q[c] * u[i * (size_t) block + (size_t) c] + r[c]);
}

void
SC_SIMD(sc_norm_backward) (float *u, const float *g, const float *p, const float *q, const float *r,
						   size_t n, int block)
{
	BY_BLOCK(backward, u, g, p, q, r, n);
}

/* One pixel of a pool: a window that lies inside, or whose borders are looked at. */
INLINE void
pool_pixel(float *restrict y, uint8_t *restrict which, const float *restrict u, const float *a, const float *b,
		   int side, int oy, int ox, bool inside, int block)
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
		const float *pixel = u + ((ptrdiff_t) iy * side + ix) * block;

		if (!inside && (iy < 0 || iy >= side || ix < 0 || ix >= side))
			continue;
		for (int c = 0; c < block; c++)
		{
			float		v = pixel[c] * a[c] + b[c];
			bool		more = !(v <= best[c]);

			best[c] = more ? v : best[c];
			at[c] = more ? k : at[c];
		}
	}
	for (int c = 0; c < block; c++)
	{
		y[c] = best[c] < 0.0f ? 0.0f : best[c];
		which[c] = (uint8_t) at[c];
	}
}

INLINE void
pool(float *restrict y, uint8_t *restrict which, const float *restrict u, const float *a, const float *b,
	 int side, int out, int block)
{
	for (int oy = 0; oy < out; oy++)
		for (int ox = 0; ox < out; ox++, y += block, which += block)
		{
			if (oy > 0 && ox > 0 && 2 * oy + 1 < side && 2 * ox + 1 < side)
				pool_pixel(y, which, u, a, b, side, oy, ox, true, block);
			else
				pool_pixel(y, which, u, a, b, side, oy, ox, false, block);
		}
}

void
SC_SIMD(sc_norm_pool) (float *y, uint8_t *which, const float *u, const float *a, const float *b,
					   int side, int out, int block)
{
	BY_BLOCK(pool, y, which, u, a, b, side, out);
}

/* A window of the pool: its gradient and which of its nine pixels takes it. */
typedef struct window
{
	const float *dy;
	const uint8_t *which;
} window;

INLINE window
window_at(const float *dy, const uint8_t *which, int oy, int ox, int out, int block)
{
	static const float none[16];
	size_t		at = ((size_t) oy * (size_t) out + (size_t) ox) * (size_t) block;

	return oy < out && ox < out ? (window) {dy + at, which + at} : (window) {none, which};
}

/*
 * Of a square of 2 x 2 input pixels the first lies in one window, its
 * neighbours in two, the last in four; each gathers its gradient from those.
 */
INLINE void
unpool(float *restrict dx, const float *restrict dy, const uint8_t *restrict which, int side, int out, int block)
{
	for (int oy = 0; oy < out; oy++)
		for (int ox = 0; ox < out; ox++)
		{
			window		w = window_at(dy, which, oy, ox, out, block),
						right = window_at(dy, which, oy, ox + 1, out, block),
						below = window_at(dy, which, oy + 1, ox, out, block),
						last = window_at(dy, which, oy + 1, ox + 1, out, block);
			float	   *pixel = dx + ((size_t) (2 * oy) * (size_t) side + (size_t) (2 * ox)) * (size_t) block;
			float		square[4][16];

			for (int c = 0; c < block; c++)
			{
				square[0][c] = w.which[c] == 4 ? w.dy[c] : 0.0f;
				square[1][c] = (w.which[c] == 5 ? w.dy[c] : 0.0f) + (right.which[c] == 3 ? right.dy[c] : 0.0f);
				square[2][c] = (w.which[c] == 7 ? w.dy[c] : 0.0f) + (below.which[c] == 1 ? below.dy[c] : 0.0f);
				square[3][c] = (w.which[c] == 8 ? w.dy[c] : 0.0f) + (right.which[c] == 6 ? right.dy[c] : 0.0f) +
					((below.which[c] == 2 ? below.dy[c] : 0.0f) + (last.which[c] == 0 ? last.dy[c] : 0.0f));
			}
			for (int k = 0; k < 4; k++)
				if (2 * oy + k / 2 < side && 2 * ox + k % 2 < side)
					memcpy(pixel + ((size_t) (k / 2) * (size_t) side + (size_t) (k % 2)) * (size_t) block, square[k],
						   (size_t) block * sizeof(float));
		}
}

void
SC_SIMD(sc_norm_unpool) (float *dx, const float *dy, const uint8_t *which, int side, int out, int block)
{
	BY_BLOCK(unpool, dx, dy, which, side, out);
}
