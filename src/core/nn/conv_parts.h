/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_parts.h
 *	  The implementations of convolutions, for conv.c, and the choice among them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_PARTS_H
#define SC_CONV_PARTS_H

#include "core/nn/conv.h"

/* ---- the choice (conv_choice.c) -------------------------------------------------- */

/* The instruction sets that the table tells apart. */
typedef enum sc_conv_isa
{
	SC_CONV_ISA_OTHER, /* nothing was measured */
	SC_CONV_ISA_AVX2,
	SC_CONV_ISA_AVX512,
	SC_CONV_ISA_AVX512_BF16,
	SC_CONV_ISA_AVX512_FP16 /* bf16 too: Intel's since Sapphire Rapids, where that is no faster than float */
} sc_conv_isa;

extern sc_conv_isa sc_conv_isa_here(void);

/* The fastest that was measured for a pass of this shape, on this instruction set; whether it can be had is not asked. */
extern sc_conv_path sc_conv_choose(const sc_conv_config *config, sc_conv_pass pass);

/* Is training in bf16 faster than in float here, without AMX? */
extern bool sc_conv_measured_bf16_pays(void);

/* ---- our loops: most convolutions, in any pass (conv_rows.c) ---------------------- */

/* Are there loops for this shape, precision and CPU? */
extern bool sc_conv_rows_has(const sc_conv *conv);
extern size_t sc_conv_rows_scratch(const sc_conv *conv, sc_conv_pass pass);

/* Bytes of the weights that the pass reads where they are not ours; 0: they are. */
extern size_t sc_conv_rows_reordered(const sc_conv *conv, sc_conv_pass pass);
extern void sc_conv_rows_reorder(const sc_conv *conv, sc_conv_pass pass, void *reordered, const float *weights);

/* With arguments as sc_conv_blas_run has them; weights that it reads are ours or those that were reordered. */
extern sc_status sc_conv_rows_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *y, void *x,
								  void *weights, void *scratch);

/* ---- OpenBLAS: any convolution in float, in any pass (conv_blas.c) ------------ */

extern size_t sc_conv_blas_scratch(const sc_conv *conv);

/*
 * One pass, on y, x and weights, or on their gradients in the same arguments:
 *
 *	  SC_CONV_PASS_FORWARD		y of x and weights
 *	  SC_CONV_PASS_DATA			dx of dy and weights
 *	  SC_CONV_PASS_WEIGHTS		dweights of x and dy
 */
extern sc_status sc_conv_blas_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, float *y, float *x,
								  float *weights, void *scratch);

#ifdef SC_WITH_ONEDNN

/* ---- oneDNN: this CPU (onednn_cpu.c) ------------------------------------------ */

/* Channels of a block of oneDNN's fast code for this CPU; 0: it has none. */
extern int sc_conv_onednn_channel_block(void);
extern bool sc_conv_onednn_has_bf16(void);
extern sc_conv_isa sc_conv_onednn_isa(void);

extern void sc_conv_onednn_name(char *name, size_t size);

/* ---- oneDNN: this system (onednn_code.c) --------------------------------------- */

/*
 * Before anything of oneDNN's that generates code. SC_UNSUPPORTED: the system
 * lets nobody generate code; SC_NO_MEMORY: there is no room for it.
 */
extern sc_status sc_conv_onednn_check_code(sc_error *err);

/* ---- oneDNN: a convolution, where it has code for it (conv_onednn.c) ---------- */

/*
 * Makes the code of the passes whose path is oneDNN's, and counts what they need in reordered and scratch. Of a pass
 * that oneDNN has nothing for (on this CPU, or because it may generate no code) the path becomes OpenBLAS. Fails with
 * SC_NO_MEMORY.
 */
extern sc_status sc_conv_onednn_open(sc_conv *conv, sc_error *err);
extern void sc_conv_onednn_close(sc_conv *conv);

/* ---- oneDNN: running it (conv_onednn_run.c) ------------------------------------ */

/* Write the weights in the order (and precision) of a pass that wants another than ours. */
extern sc_status sc_conv_onednn_reorder(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *reordered,
										const float *weights);

/* Does the pass read weights that sc_conv_onednn_reorder wrote for it? Else it reads ours. */
extern bool sc_conv_onednn_reorders(const sc_conv *conv, sc_conv_pass pass);

/* One pass, with arguments as sc_conv_blas_run has them; weights that it reads are ours or those that were reordered. */
extern sc_status sc_conv_onednn_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *y, void *x,
									void *weights, void *scratch);
#endif

#endif /* SC_CONV_PARTS_H */
