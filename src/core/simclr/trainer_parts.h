/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_parts.h
 *	  The inside of a trainer, for train.c, train_step.c and weights.c; src/pg
 *	  knows simclr.h alone.
 *
 * The 2 B views of a batch, view v showing image v mod B, are cut into shards
 * by sc_shard_range. Every tensor has room for `cap` views a shard; the last
 * place of a shard that has one view less holds zeros, and its gradients are
 * zeros.
 *
 * Kept for the backward pass are the outputs of the convolutions (u) and of the
 * ReLUs (y), and nothing else: gradients take their places, u's by the gradient
 * of the convolution's output, y's by that of the ReLU's input. They, the
 * views and what a lane has of them in work have elements of net.precision.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_TRAINER_PARTS_H
#define SC_TRAINER_PARTS_H

#include "core/base/arena.h"
#include "core/nn/head.h"
#include "core/nn/ntxent.h"
#include "core/nn/resnet.h"
#include "core/simclr/simclr.h"

/* Per-channel values of a batch norm, for a lane at work. */
typedef struct sc_channel_values
{
	float mean[512], inv[512];	  /* of the batch; 1 / sqrt(variance + eps) */
	float a[512], b[512];		  /* forward: a u + b */
	float p[512], q[512], r[512]; /* backward: p g + q u + r */
} sc_channel_values;

typedef struct sc_lane_space
{
	void *conv;				 /* of the convolutions */
	void *augment;			 /* of the views */
	float *view;			 /* (input_size, input_size, 3) */
	void *t, *t2;			 /* (cap, elements of the largest input of a block) */
	void *plane;			 /* (stem side, stem side, block) */
	sc_channel_values *main, /* of the layer at work, */
		*side,				 /* ... of the shortcut beside it, */
		*next;				 /* ... and of the layer that the backward pass comes to next */
} sc_lane_space;

struct sc_trainer
{
	sc_train_config config;
	int lanes;
	int rows; /* views of a batch */
	int shards;
	int cap;
	sc_resnet net;
	sc_head head;
	sc_ntxent loss;
	int64_t steps;

	size_t param_count; /* backbone, then head */
	size_t stat_count;
	float *params;
	float *grads;
	float *velocity;
	float *stats;
	void *turned;

	void *input;			   /* (shards, cap, 3, side, side); a step whose images are NULL finds its views here */
	void *u[SC_RESNET_LAYERS]; /* (shards, cap, out / block, side, side, block) */
	void *y[SC_RESNET_LAYERS]; /* likewise; y[0] after the pool; none for shortcuts */
	uint8_t *which;			   /* as y[0], of the max-pool; NULL for the small stem */
	float *feature;			   /* (rows, 512); in the backward pass its gradient */
	float *z, *dz;			   /* (rows, proj_out_dim) */
	double *sums[SC_RESNET_LAYERS];		/* (shards, 2, out): sum and square of u */
	double *products[SC_RESNET_LAYERS]; /* (shards, 2, out): sum of g, and of g times the normalised u */
	float *weight_grads[3];				/* (shards, ...): of a first, a second, a shortcut */
	sc_lane_space space[SC_MAX_LANES];
};

/* Floats of a shard's part of each weight_grads. */
extern size_t sc_trainer_grad_floats(const sc_trainer *trainer, int which);

#endif /* SC_TRAINER_PARTS_H */
