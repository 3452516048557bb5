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

/*
 * Every input pixel lies in one, two or four windows; its gradient is gathered
 * from them, so nothing is written twice.
 */
INLINE void
unpool(float *restrict dx, const float *restrict dy, const uint8_t *restrict which, int side, int out, int block)
{
	for (int iy = 0; iy < side; iy++)
		for (int ix = 0; ix < side; ix++, dx += block)
		{
			float		sum[16] = {0};

			for (int oy = iy / 2; oy <= (iy + 1) / 2 && oy < out; oy++)
				for (int ox = ix / 2; ox <= (ix + 1) / 2 && ox < out; ox++)
				{
					size_t		at = ((size_t) oy * (size_t) out + (size_t) ox) * (size_t) block;
					uint8_t		k = (uint8_t) ((iy - 2 * oy + 1) * 3 + ix - 2 * ox + 1);

					for (int c = 0; c < block; c++)
						sum[c] += which[at + (size_t) c] == k ? dy[at + (size_t) c] : 0.0f;
				}
			for (int c = 0; c < block; c++)
				dx[c] = sum[c];
		}
}

void
SC_SIMD(sc_norm_unpool) (float *dx, const float *dy, const uint8_t *which, int side, int out, int block)
{
	BY_BLOCK(unpool, dx, dy, which, side, out);
}
