/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_infer.h
 *	  Convolutions of a network that does not learn any more: the batch norm is
 *	  folded into weights and bias (Jacob and others, "Quantization and Training
 *	  of Neural Networks for Efficient Integer-Arithmetic-Only Inference", CVPR
 *	  2018, section 3.2), and the shortcut and ReLU are done on the results
 *	  while they are in registers:
 *
 *	  y = ReLU(x * (a w) + b [+ y])
 *
 * Tensors are those of conv.h. The result for a picture never depends, to the
 * bit, on how many are convolved at once, nor on the others.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_INFER_H
#define SC_CONV_INFER_H

#include "core/nn/conv.h"
#include "core/nn/winograd.h"

typedef struct sc_conv_infer_config
{
	sc_conv_config conv; /* views: pictures of one call */
	sc_precision output; /* of y: as conv.precision, or float */
	bool add;			 /* what y holds, the shortcut, is added */
	bool relu;
} sc_conv_infer_config;

typedef struct sc_conv_infer
{
	sc_conv_infer_config config;
	sc_conv conv; /* described, not opened; its onednn, where it is not NULL and neither flag below is set, does it, or else OpenBLAS */
	size_t prepared; /* bytes of what sc_conv_infer_prepare writes */
	size_t scratch;	 /* bytes that one lane needs */
	bool minimal;	 /* Winograd's algorithm does it */
	bool amx;		 /* conv_amx.c does it */
	sc_winograd winograd;
} sc_conv_infer;

/*
 * A network in bf16 on this CPU: are 3x3 convolutions of stride 1 faster in float,
 * by Winograd's algorithm?
 */
extern bool sc_conv_infer_mixes(sc_conv_kind kind);

/* Make its code. Fails with SC_NO_MEMORY or, in bf16, SC_UNSUPPORTED. */
extern sc_status sc_conv_infer_open(sc_conv_infer *infer, const sc_conv_infer_config *config, sc_error *err);

static inline void
sc_conv_infer_close(sc_conv_infer *infer)
{
	sc_conv_close(&infer->conv);
}

/*
 * Bias and weights as the convolution reads them: prepared, infer->prepared
 * bytes, aligned to SC_ALIGN. weights: as conv.h has them, overwritten; a, b
 * (out): the norm.
 */
extern sc_status sc_conv_infer_prepare(const sc_conv_infer *infer, void *prepared, float *weights, const float *a,
									   const float *b, sc_error *err);

/*
 * For lanes; looks at the stop flag. The first `pictures` of config.conv.views
 * are wanted; the others may be convolved too, and must be there. scratch: the
 * lane's own, infer->scratch bytes.
 */
extern sc_status sc_conv_infer_run(const sc_lane *lane, const sc_conv_infer *infer, int pictures, void *y,
								   const void *x, const void *prepared, void *scratch);

#endif /* SC_CONV_INFER_H */
