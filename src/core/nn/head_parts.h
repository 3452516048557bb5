/*-------------------------------------------------------------------------
 *
 * src/core/nn/head_parts.h
 *	  The widths of the projection head's layers, for head.c and head_pass.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_HEAD_PARTS_H
#define SC_HEAD_PARTS_H

#include "core/nn/head.h"

static inline int
sc_head_width(const sc_head_config *config, int l)
{
	return l == SC_HEAD_HIDDEN ? config->hidden_dim : config->out_dim;
}

static inline int
sc_head_inputs(const sc_head_config *config, int l)
{
	return l == SC_HEAD_HIDDEN ? config->in_dim : config->hidden_dim;
}

/*
 * Views of one product, and of one sum: this bounds the time between two looks
 * at the stop flag. With 2048 columns on both sides they are 2.1 GFLOP, 20 ms
 * at 100 GFLOP/s (a core of a Zen 4).
 */
#define SC_HEAD_CHUNK 256

/*
 * The gradient grad (width, inputs) of a linear layer's weights, of du (views,
 * width) and the layer's input (views, inputs): a few of its rows at a time, over
 * all views at once. Every lane calls it, after a barrier behind the writing of
 * both.
 */
extern sc_status sc_head_weight_gradient(const sc_lane *lane, float *grad, const float *du, int width,
										 const float *input, int inputs, int views);

#endif /* SC_HEAD_PARTS_H */
