/*-------------------------------------------------------------------------
 *
 * src/core/nn/winograd.h
 *	  3x3 convolutions of stride 1 and padding 1, by Winograd's minimal
 *	  filtering (Lavin and Gray, "Fast algorithms for convolutional neural
 *	  networks", CVPR 2016): forward, and the gradients of input and weights.
 *
 * A map is cut into tiles. Each tile and each kernel is transformed, to as many
 * points for both, and at every point the transformed channels meet in a plain
 * product of matrices; the products are transformed back. A tile of 4x4 pixels
 * has 36 points, where its definition needs 144 multiplications.
 *
 * Tensors and weights have the layout of conv.h, blocked; nothing is reordered
 * but the weights, whose transform is the caller's to keep for as long as the
 * weights do not change. Everything else is done in the caller's scratch memory,
 * on the calling lane.
 *
 * The bits of a picture's result depend on the shape and the instruction set
 * alone: not on how many pictures a call has, nor on its place among them. A
 * gradient of the weights depends on all of its pictures and their order.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_WINOGRAD_H
#define SC_WINOGRAD_H

#include "core/base/pool.h"
#include "core/base/simd.h"
#include "core/nn/element.h"

/* How a map is cut. */
typedef enum sc_winograd_form
{
	SC_WINOGRAD_BEST, /* the one of these with the least work */
	SC_WINOGRAD_ONE,  /* a map of 1x1, of which a kernel touches only its middle: 1 point */
	SC_WINOGRAD_PAIR, /* a map of 2x2, 9 points */
	SC_WINOGRAD_F2,	  /* tiles of 2x2, 16 points */
	SC_WINOGRAD_F3,	  /* tiles of 3x3, 25 points */
	SC_WINOGRAD_F4,	  /* tiles of 4x4, 36 points */
	SC_WINOGRAD_F5,	  /* tiles of 5x5, 49 points; its errors are four times as large */
	SC_WINOGRAD_FORMS
} sc_winograd_form;

typedef struct sc_winograd_config
{
	int in;			   /* channels of what is read: a multiple of channel_block */
	int out;		   /* channels of what is written: likewise */
	int side;		   /* of both */
	int channel_block; /* 8 or 16 */
	/*
	 * The gradient of the input: reads dy and writes dx, so that in and out are
	 * the forward pass's out and in; weights are the forward pass's.
	 */
	bool transposed;
	sc_winograd_form form;
	sc_precision precision; /* of the tensors; bf16: channel_block is 16. Everything between is in float. */
	sc_isa isa;				/* sc_isa_best(), or less for a test */
} sc_winograd_config;

struct sc_winograd_kernels;

typedef struct sc_winograd
{
	sc_winograd_config config; /* its form is never SC_WINOGRAD_BEST */
	const struct sc_winograd_kernels *kernels;
	int points;			/* of a tile */
	int tile;			/* its side, in pixels of the output */
	int across;			/* tiles across a map */
	int chunk;			/* tiles in work at once */
	int columns;		/* output channels, rounded up to whole panels */
	size_t transformed; /* floats of transformed weights */
} sc_winograd;

/*
 * What is done to each number v before it is written to y, in this order, where
 * it is wanted: v + bias, + shortcut, ReLU, 0 where mask is not above 0. And two
 * sums for each channel over all that is written: of v, and of v v, or with
 * `beside`, of v (beside - mean) inv; in float over some hundred numbers, added
 * in double. Tensors are as y, and any of them may be y itself.
 */
typedef struct sc_winograd_epilogue
{
	const float *bias; /* (out) or NULL */
	const void *shortcut;
	bool relu; /* keeps NaN */
	const void *mask;
	double *sums; /* (2, out): overwritten; or NULL */
	const void *beside;
	const float *mean; /* (out) */
	const float *inv;  /* (out) */
} sc_winograd_epilogue;

/* What follows from the shape. False: this instruction set has no code for these tensors. */
extern bool sc_winograd_describe(sc_winograd *w, const sc_winograd_config *config);

/*
 * Bytes of scratch memory for a call with so many views, or fewer: of
 * sc_winograd_run, or of sc_winograd_gradient.
 */
extern size_t sc_winograd_scratch(const sc_winograd *w, int views, bool gradient);

/* ---- for lanes: each call runs on the calling lane alone, and looks at the stop flag (lane NULL: there is none) -- */

/*
 * transformed (w->transformed floats, aligned to SC_ALIGN) of weights, after
 * each change of them. It is made in parts, so that lanes can share the work:
 * parts 0 ... parts - 1 together make all of it.
 */
extern sc_status sc_winograd_transform(const sc_lane *lane, const sc_winograd *w, float *transformed,
									   const float *weights, int part, int parts);

/*
 * y of x, or dx of dy where transposed: `views` pictures. epilogue: NULL for
 * none. scratch: the lane's own, of sc_winograd_scratch's size.
 */
extern sc_status sc_winograd_run(const sc_lane *lane, const sc_winograd *w, int views, void *y, const void *x,
								 const float *transformed, const sc_winograd_epilogue *epilogue, void *scratch);

/* dweights of x and dy, of a convolution that is not transposed; summed over the views in their order. */
extern sc_status sc_winograd_gradient(const sc_lane *lane, const sc_winograd *w, int views, float *dweights,
									  const void *x, const void *dy, void *scratch);

#endif /* SC_WINOGRAD_H */
