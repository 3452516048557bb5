/*-------------------------------------------------------------------------
 *
 * src/core/nn/predictor.h
 *	  A linear layer that tells a descriptor of a view from the direction of its
 *	  feature, and what its error teaches the encoder: a second loss beside the
 *	  contrastive one (as Wei and others, "Masked Feature Prediction for
 *	  Self-Supervised Visual Pre-Training", CVPR 2022, section 3, of views that
 *	  are not masked).
 *
 * The loss is loss_weight times the mean over the views of the squared distance
 * between prediction and descriptor. Of a feature only the direction counts, by
 * which embeddings are compared.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_PREDICTOR_H
#define SC_PREDICTOR_H

#include "core/base/arena.h"
#include "core/base/pool.h"

/* At work on the `views` of a batch, which are cut into `shards` by sc_shard_range. */
typedef struct sc_predictor
{
	int in_dim;
	int out_dim;
	int views;
	int shards;
	float loss_weight;
	/* Parameters and their gradients: the owner of the slabs keeps them. */
	float *weight, *grad_weight; /* (out_dim, in_dim) */
	float *bias, *grad_bias;	 /* (out_dim) */
	/* Of a step. */
	float *direction; /* (views, in_dim): the features, of length 1 */
	float *inv;		  /* (views): 1 / their length; 0 of one that is 0 */
	float *error;	  /* (views, out_dim): the loss's gradient of the predictions */
	float *dx;		  /* (views, in_dim): ... and of the features */
} sc_predictor;

/* Floats of the slab of parameters, weights first; they begin as zeros. */
static inline size_t
sc_predictor_param_count(int in_dim, int out_dim)
{
	return ((size_t) in_dim + 1) * (size_t) out_dim;
}

/* Take (or count) the work space. */
extern void sc_predictor_layout(sc_predictor *p, sc_arena *arena, int in_dim, int out_dim, float loss_weight, int views,
								int shards);

/* Point it at its slabs (sc_predictor_param_count). */
extern void sc_predictor_bind(sc_predictor *p, float *params, float *grads);

/*
 * The gradients of the parameters (overwritten), and dx for sc_predictor_add, of
 * target (views, out_dim) and x (views, in_dim). Every lane calls it, after a
 * barrier behind the writing of both; dx is seen by others behind the next one.
 */
extern sc_status sc_predictor_run(const sc_lane *lane, sc_predictor *p, const float *target, const float *x);

/* Add what it found to dx (views, in_dim), written before a barrier. Every lane calls it; ends with a barrier. */
extern sc_status sc_predictor_add(const sc_lane *lane, const sc_predictor *p, float *dx);

#endif /* SC_PREDICTOR_H */
