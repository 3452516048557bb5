/*-------------------------------------------------------------------------
 *
 * src/core/nn/infer.h
 *	  The loops of a network that does not learn, beside its convolutions.
 *	  Tensors are those of conv.h; channel_block is 8 or 16, in bf16 16.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_INFER_H
#define SC_INFER_H

#include "core/base/simd.h"
#include "core/nn/element.h"

/* y (n, channel_block) = ReLU(z + bias [+ y]), each where asked for; z (n), its rows ld floats apart. */
SC_SIMD_DECLARE(void, sc_infer_finish,
				(float *y, const float *z, const float *bias, size_t n, int ld, int channel_block, bool add, bool relu));

/* 3x3 max-pool, stride 2, padding 1, of what is not negative: y (out, out, channel_block) of x (side, side, ...). */
SC_SIMD_DECLARE(void, sc_infer_pool,
				(void *y, const void *x, int side, int out, int channel_block, sc_precision precision));

/* The mean of n pixels of channel_block channels: feature (channel_block) of y. */
SC_SIMD_DECLARE(void, sc_infer_average,
				(float *feature, const void *y, size_t n, int channel_block, sc_precision precision));

/* y = x, rounded to bf16 (element.h). */
SC_SIMD_DECLARE(void, sc_infer_narrow, (uint16_t * y, const float *x, size_t n));

#endif /* SC_INFER_H */
