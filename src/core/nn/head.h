/*-------------------------------------------------------------------------
 *
 * src/core/nn/head.h
 *	  SimCLR's projection head g: linear, ReLU, linear (Chen and others, "A
 *	  Simple Framework for Contrastive Learning of Visual Representations",
 *	  ICML 2020, section 2.1), in Lightly's two forms: without biases and a
 *	  batch norm after each linear layer (1.5), or with biases (1.2).
 *
 * There is no evaluation mode: an embedding is taken before the head.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_HEAD_H
#define SC_HEAD_H

#include "core/base/arena.h"
#include "core/base/pool.h"
#include "core/base/rng.h"
#include "core/nn/norm.h"

typedef struct sc_head_config
{
	int in_dim; /* 512 */
	int hidden_dim;
	int out_dim;
	bool batch_norm;
} sc_head_config;

/* One linear layer and what follows it, pointing into a slab of floats. */
typedef struct sc_head_layer
{
	float *weight; /* (out, in) */
	float *scale;  /* (out): the batch norm's weight; NULL without */
	float *shift;  /* (out): the batch norm's bias, or the linear layer's */
	float *mean;   /* (out): running mean; NULL without batch norm, in gradients */
	float *var;	   /* (out): running variance; likewise */
} sc_head_layer;

/* Floats of the slab of parameters (gradients and momenta alike), and of the running statistics. */
extern size_t sc_head_param_count(const sc_head_config *config);
extern size_t sc_head_stat_count(const sc_head_config *config);

/* What a file calls the tensors (Lightly's names) and where they lie. */
typedef enum sc_head_slab
{
	SC_HEAD_PARAM, /* in the slab of parameters */
	SC_HEAD_STAT,  /* in the slab of running statistics */
	SC_HEAD_STEPS  /* num_batches_tracked: int64, the steps done */
} sc_head_slab;

typedef struct sc_head_tensor
{
	const char *name; /* "projection_head.layers.0.weight", ... */
	sc_head_slab slab;
	size_t offset; /* in floats */
	int ndim;	   /* 0 for SC_HEAD_STEPS */
	int shape[2];
} sc_head_tensor;

#define SC_HEAD_MAX_TENSORS 12

/* Fill tensors, in the order of PyTorch's state_dict; returns how many. */
extern int sc_head_tensors(sc_head_tensor tensors[SC_HEAD_MAX_TENSORS], const sc_head_config *config);

/* The two linear layers. */
enum
{
	SC_HEAD_HIDDEN,
	SC_HEAD_OUTPUT,
	SC_HEAD_LAYERS
};

/* A head at work on the `views` of a batch, which are cut into `shards` by sc_shard_range. */
typedef struct sc_head
{
	sc_head_config config;
	int views;
	int shards;
	sc_head_layer layer[SC_HEAD_LAYERS]; /* parameters and running statistics: the owner of the slabs keeps them */
	sc_head_layer grad[SC_HEAD_LAYERS];	 /* gradients, likewise */

	/* Of a step; by layer (views, hidden) or (views, out), and (hidden) or (out). */
	float *u[SC_HEAD_LAYERS];		  /* outputs of the linear layers */
	float *du[SC_HEAD_LAYERS];		  /* their gradients */
	float *h;						  /* (views, hidden): after the ReLU */
	double *partial;				  /* (shards, SC_NORM_SUMS, max(hidden, out)): sums of the shards */
	float *norm_mean[SC_HEAD_LAYERS]; /* of this batch */
	float *norm_inv[SC_HEAD_LAYERS];  /* 1 / sqrt(var + eps) */
	float *term[SC_NORM_SUMS];		  /* (max(hidden, out)): backward, means of dy and of dy * xhat */
} sc_head;

/* Take (or count) the work space. Needs views >= 2 where there is a batch norm. */
extern void sc_head_layout(sc_head *head, sc_arena *arena, const sc_head_config *config, int views, int shards);

/*
 * Point the head at its slabs: params, grads (sc_head_param_count), stats
 * (sc_head_stat_count; NULL without batch norm).
 */
extern void sc_head_bind(sc_head *head, float *params, float *grads, float *stats);

/* Initial values of the slabs, as PyTorch's nn.Linear and nn.BatchNorm1d. */
extern void sc_head_init(const sc_head_config *config, float *params, float *stats, sc_rng *rng);

/*
 * z (views, out) of x (views, in), and one update of the running statistics.
 * Every lane calls it. Lane t reads the views of x of its shards t, t + T, ...
 * first, so it alone must have written those; all others become visible
 * through the barriers inside. Ends with a barrier: z may be read by all.
 */
extern sc_status sc_head_forward(const sc_lane *lane, sc_head *head, float *z, const float *x);

/*
 * dx (views, in) and the gradients of all parameters (overwritten) from dz
 * (views, out) and the x of the forward pass. Every lane calls it, after a
 * barrier behind the writing of dz; ends with a barrier. dx may be x itself.
 */
extern sc_status sc_head_backward(const sc_lane *lane, sc_head *head, float *dx, const float *dz, const float *x);

#endif /* SC_HEAD_H */
