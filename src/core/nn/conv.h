/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv.h
 *	  Convolutions of a shard of views: forward, and the gradients of input and
 *	  weights. Two implementations behind one interface: oneDNN's, where it was
 *	  found at build time, and im2col with OpenBLAS, always there, which stands
 *	  in for every direction that oneDNN has no fast code for, and which the
 *	  other one is tested against.
 *
 * Tensors are blocked by channels: (views, channels / b, side, side, b), with b
 * (sc_conv_block) the floats of a vector register. The input of a network is
 * planar instead: (views, 3, side, side). Images are square, padding is half
 * of the kernel.
 *
 * Weights are blocked likewise, (out / b, in / b, k, k, b of in, b of out),
 * for a planar input (out / b, k, k, in, b of out). Momenta and gradients have
 * the same layout, so an optimiser never needs to know it.
 *
 * x, y, dx and dy have elements of config.precision (element.h); weights and
 * their gradients are float always. In bf16 oneDNN does every direction, on
 * weights rounded to bf16 by sc_conv_turn, and adds in float.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_H
#define SC_CONV_H

#include "core/nn/element.h"
#include "core/base/pool.h"

typedef enum sc_conv_kind
{
	SC_CONV_BEST,	/* oneDNN, Winograd where it pays; OpenBLAS without it */
	SC_CONV_DIRECT, /* oneDNN without Winograd */
	SC_CONV_BLAS	/* OpenBLAS alone */
} sc_conv_kind;

typedef struct sc_conv_config
{
	int views;	/* of one call */
	int in;		/* channels: a multiple of block, or any number where planar */
	int out;	/* channels: a multiple of block */
	int side;	/* of the input */
	int kernel; /* odd */
	int stride;
	int block;
	bool planar;   /* layout of the input; it then has no gradient */
	bool backward; /* are gradients wanted? */
	sc_conv_kind kind;
	sc_precision precision;
} sc_conv_config;

typedef struct sc_conv
{
	sc_conv_config config;
	int out_side;
	size_t weights; /* floats */
	size_t turned;	/* bytes of what sc_conv_turn writes; 0: it need not be called */
	size_t scratch; /* bytes that one lane needs, aligned to SC_ALIGN */
	void *onednn;	/* NULL: OpenBLAS does everything */
} sc_conv;

/* Channels of a block on this CPU: 16 or 8. */
extern int sc_conv_block(sc_conv_kind kind);

/* Is there code for bf16 on this CPU? */
extern bool sc_conv_has_bf16(sc_conv_kind kind);

/* ... and is training in it faster than in float? Makes convolutions to find out. */
extern bool sc_conv_bf16_pays(sc_conv_kind kind);

/* The library that does convolutions, and the instructions that it uses. */
extern void sc_conv_library(char *name, size_t size);

/* What follows from the shape alone: enough for sc_conv_import and sc_conv_export. Opens nothing. */
extern void sc_conv_describe(sc_conv *conv, const sc_conv_config *config);

/* Describe it and make its code. Fails with SC_NO_MEMORY or, in bf16, SC_UNSUPPORTED. Not on a lane. */
extern sc_status sc_conv_open(sc_conv *conv, const sc_conv_config *config, sc_error *err);
extern void sc_conv_close(sc_conv *conv);

/* Between the layout of the weights and PyTorch's (out, in, k, k). */
extern void sc_conv_import(const sc_conv *conv, float *weights, const float *oihw);
extern void sc_conv_export(const sc_conv *conv, float *oihw, const float *weights);

/*
 * For lanes. Each call runs on the calling lane alone, and looks at the stop
 * flag. weights: (conv->weights); turned: conv->turned bytes, aligned to
 * SC_ALIGN, the weights as sc_conv_turn left them for the passes that want
 * another layout or precision; scratch: of the lane.
 */
extern sc_status sc_conv_turn(const sc_lane *lane, const sc_conv *conv, void *turned, const float *weights);
extern sc_status sc_conv_forward(const sc_lane *lane, const sc_conv *conv, void *y, const void *x, const float *weights,
								 const void *turned, void *scratch);
/* Overwrites dx. */
extern sc_status sc_conv_backward_data(const sc_lane *lane, const sc_conv *conv, void *dx, const void *dy,
									   const float *weights, const void *turned, void *scratch);
/* Overwrites dweights. */
extern sc_status sc_conv_backward_weights(const sc_lane *lane, const sc_conv *conv, float *dweights, const void *x,
										  const void *dy, void *scratch);

#endif /* SC_CONV_H */
