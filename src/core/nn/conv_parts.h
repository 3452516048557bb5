/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_parts.h
 *	  The two implementations of convolutions, for conv.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_PARTS_H
#define SC_CONV_PARTS_H

#include "core/nn/conv.h"

typedef enum sc_conv_pass
{
	SC_CONV_FORWARD,
	SC_CONV_DATA,	 /* the gradient of the input */
	SC_CONV_WEIGHTS, /* the gradient of the weights */
	SC_CONV_PASSES
} sc_conv_pass;

/* ---- OpenBLAS: any convolution in float, in any pass (conv_blas.c) ------------ */

extern size_t sc_conv_blas_scratch(const sc_conv *conv);

/*
 * One pass, on y, x and weights, or on their gradients in the same arguments:
 *
 *	  SC_CONV_FORWARD		y of x and weights
 *	  SC_CONV_DATA			dx of dy and weights
 *	  SC_CONV_WEIGHTS		dweights of x and dy
 */
extern sc_status sc_conv_blas_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, float *y, float *x,
								  float *weights, void *scratch);

#ifdef SC_WITH_ONEDNN

/* ---- oneDNN: this CPU (onednn_cpu.c) ------------------------------------------ */

/* Channels of a block of oneDNN's fast code for this CPU; 0: it has none. */
extern int sc_conv_onednn_channel_block(void);
extern bool sc_conv_onednn_has_bf16(void);
extern sc_status sc_conv_onednn_bf16_pays(bool *pays, sc_error *err);
extern void sc_conv_onednn_name(char *name, size_t size);

/* ---- oneDNN: this system (onednn_code.c) --------------------------------------- */

/*
 * Before anything of oneDNN's that generates code. SC_UNSUPPORTED: the system
 * lets nobody generate code; SC_NO_MEMORY: there is no room for it.
 */
extern sc_status sc_conv_onednn_check_code(sc_error *err);

/* ---- oneDNN: a convolution, where it has code for it (conv_onednn.c) ---------- */

/*
 * Sets conv->onednn, and reordered and scratch with it. It stays NULL where oneDNN has nothing for this CPU, or may
 * generate no code. Fails with SC_NO_MEMORY.
 */
extern sc_status sc_conv_onednn_open(sc_conv *conv, sc_error *err);
extern void sc_conv_onednn_close(sc_conv *conv);

/* Has oneDNN code for this pass? */
extern bool sc_conv_onednn_has(const sc_conv *conv, sc_conv_pass pass);

/* Does the code of every pass run on Intel's AMX? */
extern bool sc_conv_onednn_on_tiles(const sc_conv *conv);

/* ---- oneDNN: running it (conv_onednn_run.c) ------------------------------------ */

/* Write the weights in the order (and precision) of every pass that wants another than ours. */
extern sc_status sc_conv_onednn_reorder(const sc_lane *lane, const sc_conv *conv, void *reordered, const float *weights);

/* The weights that the pass reads: ours, or those that sc_conv_onednn_reorder wrote for it. */
extern const void *sc_conv_onednn_weights(const sc_conv *conv, sc_conv_pass pass, const float *weights,
										  const void *reordered);

/* One pass, with arguments as sc_conv_blas_run has them; weights that it reads are those of sc_conv_onednn_weights. */
extern sc_status sc_conv_onednn_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *y, void *x,
									void *weights, void *scratch);
#endif

#endif /* SC_CONV_PARTS_H */
