/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_amx.h
 *	  Convolutions in bf16 on Intel's AMX, in any pass.
 *
 * oneDNN's code for AMX wants all channels of a pixel together, which no tensor
 * of ours has (conv.h), and for tensors with channels in blocks it falls back to
 * AVX-512, whose bf16 is on such CPUs no faster than float.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_AMX_H
#define SC_CONV_AMX_H

#include "core/nn/conv.h"

/* On this CPU, of tensors with blocks of so many channels? */
extern bool sc_conv_amx_here(int channel_block);

/* ... and for this shape? */
extern bool sc_conv_amx_has(const sc_conv *conv);

/* Bytes of the weights as the pass reads them; of the gradient of the weights 0. */
extern size_t sc_conv_amx_reordered(const sc_conv *conv, sc_conv_pass pass);
extern size_t sc_conv_amx_scratch(const sc_conv *conv, sc_conv_pass pass);

/* Part of the weights, of parts (sc_conv_reorder). */
extern void sc_conv_amx_reorder(const sc_conv *conv, sc_conv_pass pass, void *to, const float *weights, int part,
								int parts);

/* What is done to the results of a forward pass on the way to y. */
typedef struct sc_conv_amx_epilogue
{
	const float *bias; /* (out) */
	bool add;		   /* what y holds */
	bool relu;
	bool wide; /* y is of floats */
} sc_conv_amx_epilogue;

/*
 * One pass, with arguments as sc_conv_blas_run has them, of the first `views` views; weights are those that were
 * reordered, or their gradient. epilogue: NULL, or a forward pass's.
 */
extern sc_status sc_conv_amx_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, int views, void *y,
								 void *x, void *weights, const sc_conv_amx_epilogue *epilogue, void *scratch);

#endif /* SC_CONV_AMX_H */
