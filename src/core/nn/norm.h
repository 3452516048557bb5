/*-------------------------------------------------------------------------
 *
 * src/core/nn/norm.h
 *	  Batch norm (Ioffe and Szegedy, "Batch Normalization: Accelerating Deep
 *	  Network Training by Reducing Internal Covariate Shift", ICML 2015,
 *	  algorithm 1 and the gradients of section 3, with PyTorch's unbiased running
 *	  variance), ReLU, shortcut and max-pool: the loops over blocked tensors.
 *
 * Each works on blocked tensors in the given precision (element.h), and on arrays
 * of floats for the channels; those of the max-pool on one block of channels of
 * one view. Sums are taken in float over a few hundred pixels and added in double.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_NORM_H
#define SC_NORM_H

#include "core/nn/element.h"
#include "core/base/status.h"
#include "core/base/simd.h"

#include <math.h>

#define SC_NORM_EPS 1e-5
#define SC_NORM_MOMENTUM 0.1f

/* ---- statistics of a batch -------------------------------------------------- */

/* The two sums that a shard leaves for each channel: of values, and of their products (squares, or with another). */
typedef enum sc_norm_sum
{
	SC_NORM_SUM,
	SC_NORM_PRODUCT,
	SC_NORM_SUMS
} sc_norm_sum;

typedef struct sc_norm_moments
{
	double mean;
	double var; /* biased */
} sc_norm_moments;

/* A sum over the shards, in their order; partial: the first shard's, the next one's `stride` further. */
static inline double
sc_norm_total(const double *partial, int shards, size_t stride)
{
	double sum = 0.0;

	for (int s = 0; s < shards; s++)
		sum += partial[(size_t) s * stride];
	return sum;
}

/* Of n values with this sum and sum of squares. */
static inline sc_norm_moments
sc_norm_moments_of(double sum, double square, double n)
{
	double mean = sum / n;
	double var = square / n - mean * mean;

	return (sc_norm_moments){mean, SC_MAX(var, 0.0)};
}

/* 1 / the deviation that values are divided by. */
static inline float
sc_norm_inv(sc_norm_moments m)
{
	return (float) (1.0 / sqrt(m.var + SC_NORM_EPS));
}

/* Move the running statistics by those of a batch of n values. */
static inline void
sc_norm_track(float *mean, float *var, sc_norm_moments m, double n)
{
	*mean += SC_NORM_MOMENTUM * ((float) m.mean - *mean);
	*var += SC_NORM_MOMENTUM * ((float) (m.var * n / SC_MAX(n - 1.0, 1.0)) - *var);
}

/* ---- loops ------------------------------------------------------------------- */

/* What the loops go over: tensors (views, blocks, pixels, channel_block), and arrays (blocks * channel_block). */
typedef struct sc_norm_shape
{
	int views;
	int blocks; /* of channels */
	size_t pixels;
	int channel_block; /* 8 or 16; 16 in bf16 */
	sc_precision precision;
} sc_norm_shape;

/* sum += u, square += u * u over views and pixels. */
SC_SIMD_DECLARE(void, sc_norm_sums, (double *sum, double *square, const void *u, const sc_norm_shape *shape));

/* y = ReLU(a u + b), or with s (the shortcut) ReLU(a u + b + s), or with sa too ReLU(a u + b + sa s + sb). */
SC_SIMD_DECLARE(void, sc_norm_apply,
				(void *y, const void *u, const float *a, const float *b, const void *s, const float *sa,
				 const float *sb, const sc_norm_shape *shape));

/* What a norm's gradient needs: sum += g, product += g * (u - mean) * inv. */
typedef struct sc_norm_gradient
{
	double *sum;
	double *product;
	const void *u;
	const float *mean, *inv;
} sc_norm_gradient;

/*
 * g = (t + t2) where y > 0, else 0; t2 may be NULL, and g may be y. own and
 * shortcut: norms whose outputs were added before the ReLU; NULL: none.
 */
SC_SIMD_DECLARE(void, sc_norm_mask,
				(void *g, const void *y, const void *t, const void *t2, const sc_norm_gradient *own,
				 const sc_norm_gradient *shortcut, const sc_norm_shape *shape));

/* The sums of `gradient` over g. */
SC_SIMD_DECLARE(void, sc_norm_products, (const sc_norm_gradient *gradient, const void *g, const sc_norm_shape *shape));

/* u = p g + q u + r: the gradient of the batch norm's input, in place of the input. */
SC_SIMD_DECLARE(void, sc_norm_backward,
				(void *u, const void *g, const float *p, const float *q, const float *r, const sc_norm_shape *shape));

/*
 * 3x3 max-pool, stride 2, padding 1, of a u + b with ReLU after it: y (out,
 * out, channel_block) of u (side, side, channel_block); argmax: of the nine, the first largest.
 */
SC_SIMD_DECLARE(void, sc_norm_pool,
				(void *y, uint8_t *argmax, const void *u, const float *a, const float *b, int side, int out,
				 int channel_block, sc_precision precision));

/* Its gradient: dx (side, side, channel_block) of dy and argmax (out, out, channel_block). */
SC_SIMD_DECLARE(void, sc_norm_unpool,
				(void *dx, const void *dy, const uint8_t *argmax, int side, int out, int channel_block,
				 sc_precision precision));

#endif /* SC_NORM_H */
