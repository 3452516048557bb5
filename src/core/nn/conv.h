/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv.h
 *	  Convolutions of the views of a shard (He and others, CVPR 2016, table 1,
 *	  has the shapes): forward, and the gradients of input and weights. Each pass
 *	  of each shape is done by the fastest of several implementations
 *	  (conv_choice.c): oneDNN's, where it was found at build time, our own loops
 *	  (conv_rows.c), those for Intel's AMX (conv_amx.c) and Winograd's algorithm (winograd.c), and OpenBLAS's (im2col and a product of matrices), always
 *	  there, which stands in for what the others have no code for, and is what
 *	  they are tested against.
 *
 * Images are square, padding is half of the kernel. A tensor has its channels in
 * blocks of b (sc_conv_channel_block: what a vector register holds), and the
 * channels of a block lie together:
 *
 *	  tensor			(views, channels / b, side, side, b)
 *	  its weights		(out / b, in / b, k, k, b of in, b of out)
 *
 * but the network's input has each channel by itself ("planar"):
 *
 *	  input				(views, 3, side, side)
 *	  its weights		(out / b, k, k, in, b of out)
 *
 * Gradients and momenta of weights have the layout of weights, so an optimiser
 * need not know it. x, y, dx and dy have elements of config.precision
 * (element.h); weights and their gradients are always float. In bf16 every pass
 * multiplies weights that sc_conv_reorder rounded to bf16, and adds in float.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_H
#define SC_CONV_H

#include "core/nn/element.h"
#include "core/base/pool.h"
#include "core/nn/winograd.h"

typedef enum sc_conv_kind
{
	SC_CONV_BEST,		   /* what conv_choice.c has for the shape */
	SC_CONV_DIRECT,		   /* oneDNN without Winograd */
	SC_CONV_DNNL_WINOGRAD, /* oneDNN's Winograd where it has one */
	SC_CONV_WINOGRAD,	   /* winograd.c where it can */
	SC_CONV_ROWS,		   /* conv_rows.c where it can */
	SC_CONV_AMX,		   /* conv_amx.c where it can */
	SC_CONV_BLAS		   /* OpenBLAS alone */
} sc_conv_kind;

typedef enum sc_conv_pass
{
	SC_CONV_PASS_FORWARD,
	SC_CONV_PASS_DATA,	  /* the gradient of the input */
	SC_CONV_PASS_WEIGHTS, /* the gradient of the weights */
	SC_CONV_PASSES
} sc_conv_pass;

/* How a pass is done. */
typedef enum sc_conv_path
{
	SC_CONV_BY_ONEDNN,			/* its direct algorithm */
	SC_CONV_BY_ONEDNN_WINOGRAD, /* float alone */
	SC_CONV_BY_ROWS,			/* conv_rows.c */
	SC_CONV_BY_WINOGRAD,		/* winograd.c; float alone */
	SC_CONV_BY_AMX,				/* conv_amx.c; bf16 alone */
	SC_CONV_BY_BLAS,			/* conv_blas.c; float alone */
	SC_CONV_PATHS
} sc_conv_path;

typedef struct sc_conv_config
{
	int views;	/* of one call */
	int in;		/* channels: a multiple of channel_block, or any number where planar */
	int out;	/* channels: a multiple of channel_block */
	int side;	/* of the input */
	int kernel; /* odd */
	int stride;
	int channel_block; /* channels that lie together */
	bool planar;	   /* layout of the input; it then has no gradient */
	bool backward;	   /* are gradients wanted? */
	sc_conv_kind kind;
	sc_precision precision;
} sc_conv_config;

typedef struct sc_conv
{
	sc_conv_config config;
	int out_side;
	size_t weights; /* floats */
	sc_conv_path path[SC_CONV_PASSES];
	size_t reordered_at[SC_CONV_PASSES];  /* bytes before a pass's weights in what sc_conv_reorder writes */
	size_t reordered;					  /* bytes of that; 0: it need not be called */
	size_t scratch;						  /* bytes that one lane needs */
	sc_winograd winograd[SC_CONV_PASSES]; /* what the passes that are winograd.c's do */
	void *onednn;						  /* what oneDNN has for its passes */
} sc_conv;

/* Channels of a block on this CPU: 16 or 8. */
extern int sc_conv_channel_block(sc_conv_kind kind);

/* Does the operating system forbid oneDNN to generate code, so that OpenBLAS stands in for it in this precision? */
extern bool sc_conv_code_forbidden(sc_precision precision);

/* Is there code for bf16 on this CPU, and may it be generated where it must be? */
extern bool sc_conv_has_bf16(sc_conv_kind kind);

/* ... and is training in it faster than in float? */
extern bool sc_conv_bf16_pays(sc_conv_kind kind);

/* The library that does convolutions, and the instructions that it uses. */
extern void sc_conv_library(char *name, size_t size);

/* All that decides the last digits of a network, but its precision: instruction sets, OpenBLAS's kernels, oneDNN or none. */
extern void sc_conv_arithmetic(char *text, size_t size);

/* What follows from the shape alone: enough for sc_conv_import and sc_conv_export. Opens nothing. */
extern void sc_conv_describe(sc_conv *conv, const sc_conv_config *config);

/* Describe it and make its code. Fails with SC_NO_MEMORY or, in bf16, SC_UNSUPPORTED. Not on a lane. */
extern sc_status sc_conv_open(sc_conv *conv, const sc_conv_config *config, sc_error *err);
extern void sc_conv_close(sc_conv *conv);

/* Between the layout of the weights and PyTorch's, (out, in, k, k). */
extern void sc_conv_import(const sc_conv *conv, float *weights, const float *oihw);
extern void sc_conv_export(const sc_conv *conv, float *oihw, const float *weights);

/* ---- for lanes: each call runs on the calling lane alone, and looks at the stop flag ------------------ */

/*
 * The weights, in the order and precision of each pass that wants others than
 * ours: reordered, conv->reordered bytes, aligned to SC_ALIGN. Call it after each
 * change of the weights (conv->weights floats), before the passes below. It is
 * made in parts, so that lanes can share the work: parts 0 ... parts - 1 together
 * make all of it; what cannot be divided is part 0's.
 */
extern sc_status sc_conv_reorder(const sc_lane *lane, const sc_conv *conv, void *reordered, const float *weights,
								 int part, int parts);

/* The passes. scratch: the lane's own, conv->scratch bytes. Each overwrites what it computes. */
extern sc_status sc_conv_forward(const sc_lane *lane, const sc_conv *conv, void *y, const void *x, const float *weights,
								 const void *reordered, void *scratch);
extern sc_status sc_conv_backward_data(const sc_lane *lane, const sc_conv *conv, void *dx, const void *dy,
									   const float *weights, const void *reordered, void *scratch);
extern sc_status sc_conv_backward_weights(const sc_lane *lane, const sc_conv *conv, float *dweights, const void *x,
										  const void *dy, void *scratch);

#endif /* SC_CONV_H */
