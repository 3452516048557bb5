/*-------------------------------------------------------------------------
 *
 * src/core/nn/norm.h
 *	  The loops of batch norm (Ioffe and Szegedy, "Batch Normalization: ...",
 *	  ICML 2015), ReLU, shortcut and max-pool on blocked tensors.
 *
 * Each works on one block of channels of one view: n pixels of `block`
 * channels (8 or 16; 16 in bf16) in the given precision (element.h), and
 * per-channel arrays of `block` floats. Sums are taken in float over a few
 * hundred pixels and added in double.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_NORM_H
#define SC_NORM_H

#include "core/nn/element.h"
#include "core/base/status.h"
#include "core/base/simd.h"

/* sum += u, square += u * u over the pixels. */
SC_SIMD_DECLARE(void, sc_norm_sums,
				(double *sum, double *square, const void *u, size_t n, int block, sc_precision precision));

/* y = ReLU(a u + b), or with s (the shortcut) ReLU(a u + b + s), or with sa too ReLU(a u + b + sa s + sb). */
SC_SIMD_DECLARE(void, sc_norm_apply,
				(void *y, const void *u, const float *a, const float *b, const void *s, const float *sa,
				 const float *sb, size_t n, int block, sc_precision precision));

/* g = (t + t2) where y > 0, else 0; t2 may be NULL, and g may be y. */
SC_SIMD_DECLARE(void, sc_norm_mask,
				(void *g, const void *y, const void *t, const void *t2, size_t n, int block, sc_precision precision));

/* sum += g, product += g * (u - mean) * inv over the pixels. */
SC_SIMD_DECLARE(void, sc_norm_products,
				(double *sum, double *product, const void *g, const void *u, const float *mean, const float *inv,
				 size_t n, int block, sc_precision precision));

/* u = p g + q u + r: the gradient of the batch norm's input, in place of the input. */
SC_SIMD_DECLARE(void, sc_norm_backward,
				(void *u, const void *g, const float *p, const float *q, const float *r, size_t n, int block,
				 sc_precision precision));

/*
 * 3x3 max-pool, stride 2, padding 1, of a u + b with ReLU after it: y (out,
 * out, block) of u (side, side, block); which: of the nine, the first largest.
 */
SC_SIMD_DECLARE(void, sc_norm_pool,
				(void *y, uint8_t *which, const void *u, const float *a, const float *b, int side, int out, int block,
				 sc_precision precision));

/* Its gradient: dx (side, side, block) of dy and which (out, out, block). */
SC_SIMD_DECLARE(void, sc_norm_unpool,
				(void *dx, const void *dy, const uint8_t *which, int side, int out, int block, sc_precision precision));

#endif /* SC_NORM_H */
