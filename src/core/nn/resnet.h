/*-------------------------------------------------------------------------
 *
 * src/core/nn/resnet.h
 *	  ResNet-18 without its last layer (He and others, "Deep Residual Learning
 *	  for Image Recognition", CVPR 2016, section 4.1 and table 1), as
 *	  torchvision's resnet18 has it: its layers, their shapes and names, and
 *	  where their parameters lie. What runs on it: train.c and encoder.c.
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

#define SC_RESNET_LAYERS 20
#define SC_RESNET_BLOCKS 8
#define SC_RESNET_SHAPES 12 /* different shapes of convolutions */

/* Names the random numbers of initial weights (sc_rng_stream): no epoch has this number. */
#define SC_INIT_STREAM UINT64_MAX

#define SC_NORM_EPS 1e-5
#define SC_NORM_MOMENTUM 0.1f

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

typedef struct sc_resnet_block
{
	int first,			  /* layers */
		second, shortcut; /* -1: the input itself */
	int input;			  /* the layer whose output is the block's input: the stem, or a second */
} sc_resnet_block;

typedef struct sc_resnet
{
	int input_size;
	bool small_stem;
	int block;				/* channels of a block of the tensors */
	sc_precision precision; /* of the tensors */
	sc_conv_kind kind;
	int views;	   /* of one call of a convolution */
	bool backward; /* are gradients wanted? */
	int pool_side; /* side of what the blocks start from */
	sc_resnet_layer layer[SC_RESNET_LAYERS];
	sc_resnet_block blocks[SC_RESNET_BLOCKS];
	sc_conv conv[SC_RESNET_SHAPES];
	int convs;
	size_t params; /* floats of a slab of parameters, a multiple of 16 */
	size_t stats;  /* floats of the running statistics, a multiple of 16 */
	size_t turned; /* bytes of all turned weights */
	size_t turned_at[SC_RESNET_LAYERS];
	size_t largest_weight; /* floats of the largest layer's weights */
	size_t scratch;		   /* bytes that one lane needs for any convolution */
} sc_resnet;

/* Layers, shapes, names, and where parameters lie: enough for files of weights. Opens nothing. */
extern void sc_resnet_describe(sc_resnet *net, const sc_net_config *config, int views, bool backward);

/* Describe it and open its convolutions; turned and scratch are known then. */
extern sc_status sc_resnet_open(sc_resnet *net, const sc_net_config *config, int views, bool backward, sc_error *err);
extern void sc_resnet_close(sc_resnet *net);

/* Elements of one view of a layer's output; of one view of what the blocks start from: layer 1's input. */
extern size_t sc_resnet_elements(const sc_resnet *net, int layer);
extern size_t sc_resnet_pool_elements(const sc_resnet *net);

/* A view (side, side, 3) as view number v of what the stem reads: x (views, 3, side, side). */
extern void sc_resnet_put_view(const sc_resnet *net, void *x, size_t v, const float *view);

/* Average pool of view number v of the last output: feature (512) of y (views, 512 / block, pixels, block). */
extern void sc_resnet_average(const sc_resnet *net, float *feature, const void *y, size_t v);

/*
 * Initial values as torchvision's: He's normal by fan-out (He and others,
 * "Delving Deep into Rectifiers", ICCV 2015, section 2.2), norms 1 and 0.
 * work: (largest_weight).
 */
extern void sc_resnet_init(const sc_resnet *net, float *params, float *stats, uint64_t seed, float *work);

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
