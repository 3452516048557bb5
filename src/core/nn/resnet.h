/*-------------------------------------------------------------------------
 *
 * src/core/nn/resnet.h
 *	  ResNet-18 without its last layer (He and others, "Deep Residual Learning
 *	  for Image Recognition", CVPR 2016, section 4.1 and table 1), as
 *	  torchvision's resnet18 has it: its layers, their shapes and names, and
 *	  where their parameters lie. What runs on it: simclr's trainer and encoder.
 *
 * A layer is a convolution without bias and the batch norm after it. Layer 0
 * is the stem; a block has two, and a third for its shortcut where the shape
 * changes. With the small stem (3x3, stride 1, no max-pool) it is the form used
 * for CIFAR (the same paper's section 4.2, with these widths).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_RESNET_H
#define SC_RESNET_H

#include "core/base/rng.h"
#include "core/nn/net.h"
#include "core/nn/norm.h"

#define SC_RESNET_LAYERS 20
#define SC_RESNET_BLOCKS 8
#define SC_RESNET_SHAPES 12 /* different shapes of convolutions */

/* Names the random numbers of initial weights (sc_rng_stream): no epoch has this number. */
#define SC_INIT_STREAM UINT64_MAX

typedef struct sc_resnet_layer
{
	char conv_name[24]; /* "layer2.0.downsample.0" */
	char norm_name[24]; /* "layer2.0.downsample.1" */
	int in,				/* channels */
		out;
	int kernel, stride;
	int side;	   /* of the output */
	int shape;	   /* which of the convolutions */
	size_t weight, /* offsets in the slab of parameters */
		scale, shift;
	size_t mean, /* ... and in that of the running statistics */
		var;
} sc_resnet_layer;

/* A residual block, by the numbers of its layers. */
typedef struct sc_resnet_block
{
	int first;
	int second;
	int shortcut; /* -1: the shortcut is the input itself */
	int input;	  /* the layer whose output is the block's input: the stem, or a second */
} sc_resnet_block;

/* What a layer is to its block. */
typedef enum sc_resnet_role
{
	SC_RESNET_FIRST,
	SC_RESNET_SECOND, /* ... or the stem */
	SC_RESNET_SHORTCUT,
	SC_RESNET_ROLES
} sc_resnet_role;

typedef struct sc_resnet
{
	int input_size;
	bool small_stem;
	int channel_block;		/* of the tensors: channels that lie together */
	sc_precision precision; /* of the tensors */
	sc_conv_kind kind;
	int views;	   /* of one call of a convolution */
	bool backward; /* are gradients wanted? */
	int pool_side; /* side of what the blocks start from */
	sc_resnet_layer layer[SC_RESNET_LAYERS];
	sc_resnet_block blocks[SC_RESNET_BLOCKS];
	sc_conv conv[SC_RESNET_SHAPES];
	int convs;
	size_t params;	  /* floats of a slab of parameters, a multiple of 16 */
	size_t stats;	  /* floats of the running statistics, a multiple of 16 */
	size_t reordered; /* bytes of all reordered weights */
	size_t reordered_at[SC_RESNET_LAYERS];
	size_t largest_weight; /* floats of the largest layer's weights */
	size_t scratch;		   /* bytes that one lane needs for any convolution */
} sc_resnet;

/* Layers, shapes, names, and where parameters lie: enough for files of weights. Opens nothing. */
extern void sc_resnet_describe(sc_resnet *net, const sc_net_config *config, int views, bool backward);

/* Describe it and open its convolutions; reordered and scratch are known then. */
extern sc_status sc_resnet_open(sc_resnet *net, const sc_net_config *config, int views, bool backward, sc_error *err);
extern void sc_resnet_close(sc_resnet *net);

/* Elements of one view of a layer's output; of one view of what the blocks start from: layer 1's input. */
extern size_t sc_resnet_elements(const sc_resnet *net, int layer);
extern size_t sc_resnet_pool_elements(const sc_resnet *net);

/* The block whose second layer this is: its output is the block's; NULL for the stem and for first layers. */
extern const sc_resnet_block *sc_resnet_ends_block(const sc_resnet *net, int layer);

/*
 * Initial values as torchvision's: He's normal by fan-out (He and others,
 * "Delving Deep into Rectifiers", ICCV 2015, section 2.2), norms 1 and 0.
 * work: (largest_weight). lane: looked at for stopping, before each layer; NULL: none.
 */
extern sc_status sc_resnet_init(const sc_lane *lane, const sc_resnet *net, float *params, float *stats, uint64_t seed,
								float *work);

/* ---- the views of a shard, between two convolutions (resnet_views.c) ------- */

/* A view (side, side, 3) as view number v of what the stem reads: x (views, 3, side, side). */
extern void sc_resnet_put_view(const sc_resnet *net, void *x, size_t v, const float *view);

/* What the loops of nn/norm.h go over in `views` views of a layer's output. */
extern sc_norm_shape sc_resnet_norm_shape(const sc_resnet *net, int layer, int views);

/* The batch norm of a layer, channel by channel: a u + b. */
typedef struct sc_resnet_norm
{
	const float *a; /* (out) */
	const float *b; /* (out) */
} sc_resnet_norm;

/*
 * A layer's output y of its convolution's output u, for `views` views: the norm,
 * plus the shortcut where that is not NULL (through its own layer's norm where
 * shortcut_norm is not NULL), and ReLU. y, u, shortcut (views,
 * out / channel_block, side, side, channel_block).
 */
extern void sc_resnet_activate(const sc_resnet *net, int layer, int views, void *y, const void *u, sc_resnet_norm norm,
							   const void *shortcut, const sc_resnet_norm *shortcut_norm);

/*
 * The stem's output: as any layer's or, with the large stem, max-pooled after it.
 * argmax: as y, one byte an element, for the max-pool's gradient; argmax_step:
 * how far the next block of channels is from one; 0: nobody wants them, and each
 * takes the place of the last one. Neither is used with the small stem.
 */
extern void sc_resnet_activate_stem(const sc_resnet *net, int views, void *y, uint8_t *argmax, size_t argmax_step,
									const void *u, sc_resnet_norm norm);

/* Average pool of view number v of the last output y: feature (512). */
extern void sc_resnet_average(const sc_resnet *net, float *feature, const void *y, size_t v);

/* ---- the parts of a safetensors file that are the backbone's -------------- */

typedef enum sc_resnet_part
{
	SC_RESNET_WEIGHT,
	SC_RESNET_SCALE,
	SC_RESNET_SHIFT,
	SC_RESNET_MEAN,
	SC_RESNET_VAR,
	SC_RESNET_STEPS, /* num_batches_tracked */
	SC_RESNET_PARTS
} sc_resnet_part;

#define SC_RESNET_NAME 64

/* Name and shape of a tensor, in PyTorch's order; returns the number of dimensions. */
extern int sc_resnet_tensor(const sc_resnet *net, int layer, sc_resnet_part part, char name[SC_RESNET_NAME],
							int shape[4]);

#endif /* SC_RESNET_H */
