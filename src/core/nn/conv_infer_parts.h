/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_infer_parts.h
 *	  The implementations of convolutions without learning, for conv_infer.c.
 *	  What each prepares begins with the bias: (out) floats.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_INFER_PARTS_H
#define SC_CONV_INFER_PARTS_H

#include "core/base/arena.h"
#include "core/nn/conv_infer.h"

/* Bytes of the bias at the beginning of what is prepared. */
static inline size_t
sc_conv_infer_bias_bytes(const sc_conv_infer *infer)
{
	return sc_arena_round((size_t) infer->config.conv.out * sizeof(float));
}

/* ---- OpenBLAS: any of them, in float (conv_infer_blas.c) ----------------------- */

/* Sets prepared and scratch. */
extern void sc_conv_infer_blas_open(sc_conv_infer *infer);
extern void sc_conv_infer_blas_prepare(const sc_conv_infer *infer, void *prepared, const float *weights);
extern sc_status sc_conv_infer_blas_run(const sc_lane *lane, const sc_conv_infer *infer, int pictures, float *y,
										const float *x, const void *prepared, void *scratch);

#ifdef SC_WITH_ONEDNN

/* ---- oneDNN, where it has code (conv_infer_onednn.c) ------------------------------ */

/*
 * Sets conv.onednn, prepared and scratch. conv.onednn stays NULL where oneDNN has nothing for this CPU, or may generate no
 * code. Fails with SC_NO_MEMORY.
 */
extern sc_status sc_conv_infer_onednn_open(sc_conv_infer *infer, sc_error *err);
extern sc_status sc_conv_infer_onednn_prepare(const sc_conv_infer *infer, void *prepared, float *weights, sc_error *err);
extern sc_status sc_conv_infer_onednn_run(const sc_lane *lane, const sc_conv_infer *infer, void *y, const void *x,
										  const void *prepared, void *scratch);
#endif

#endif /* SC_CONV_INFER_PARTS_H */
