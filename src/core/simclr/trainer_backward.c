/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_backward.c
 *	  The backward pass of a step: from the gradient of the features to those of
 *	  all parameters of ResNet-18.
 *
 * Phases between barriers, as in the forward pass: in each, a lane takes its
 * shards from the gradient of one ReLU's input to that of the ReLU before it,
 * through a norm and a convolution, and leaves the sums that the norm before
 * that needs, and the shard's gradient of the weights. After the barrier every
 * lane adds slices of those, in the order of the shards.
 *
 * A gradient takes the place of what it was computed from (trainer_parts.h): y of
 * a layer becomes the gradient of its ReLU's input, u that of its convolution's
 * output.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/norm.h"
#include "core/simclr/trainer_parts.h"

#include <string.h>

/* ---- norm and ReLU ----------------------------------------------------------- */

/* Where the sums over a shard's g go that the gradient of the layer's norm needs: zeros as yet. */
static sc_norm_gradient
gradient_of(const sc_trainer *t, int l, sc_trainer_shard s, const sc_trainer_norm *norm)
{
	int out = t->net.layer[l].out;
	double *sum = t->sums.backward[l] + (size_t) s.index * SC_NORM_SUMS * out;

	memset(sum, 0, SC_NORM_SUMS * (size_t) out * sizeof(double));
	return (sc_norm_gradient){sum, sum + out, sc_trainer_u(t, l, s.index), norm->mean, norm->inv};
}

/* Is the stem's output max-pooled? */
static bool
is_pooled(const sc_trainer *t, int l)
{
	return l == 0 && t->tensors.argmax != NULL;
}

/*
 * The stem's max-pool back: what a block of channels of a view (c of view v) gets
 * of the pooled gradient g, in the lane's plane.
 */
static const void *
unpool(const sc_lane *lane, const sc_trainer *t, sc_trainer_shard s, const void *g, int v, int c)
{
	const sc_resnet *net = &t->net;
	size_t pixels = (size_t) net->pool_side * net->pool_side;
	size_t block = (size_t) v * (net->layer[0].out / net->channel_block) + (size_t) (c / net->channel_block);
	size_t from = block * pixels * (size_t) net->channel_block;
	void *plane = t->space[lane->index].plane;

	SC_SIMD_CALL(sc_norm_unpool)
	(plane, sc_trainer_at(t, g, from), sc_trainer_argmax(t, s.index) + from, net->layer[0].side, net->pool_side,
	 net->channel_block, net->precision);
	return plane;
}

/* A layer's shape, but of one block of channels of one view. */
static sc_norm_shape
shape_of_plane(const sc_trainer *t, int l)
{
	sc_norm_shape shape = sc_resnet_norm_shape(&t->net, l, 1);

	shape.blocks = 1;
	return shape;
}

/* The sums over the pooled gradient g of the stem's output, of one shard. */
static void
pooled_sums(const sc_lane *lane, sc_trainer *t, sc_trainer_shard s, const void *g, const sc_trainer_norm *norm)
{
	sc_norm_gradient whole = gradient_of(t, 0, s, norm);
	sc_norm_shape shape = shape_of_plane(t, 0);
	const void *u = whole.u;

	for (int v = 0; v < s.views; v++)
		for (int c = 0; c < t->net.layer[0].out; c += shape.channel_block)
		{
			sc_norm_gradient part = {whole.sum + c, whole.product + c, u, norm->mean + c, norm->inv + c};

			SC_SIMD_CALL(sc_norm_products)(&part, unpool(lane, t, s, g, v, c), &shape);
			u = sc_trainer_at(t, u, shape.pixels * (size_t) shape.channel_block);
		}
}

/* The gradient of the layer's u in its place, of one shard, from the gradient g of the norm's output. */
static void
through_norm(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_shard s, const void *g, const sc_trainer_norm *norm)
{
	sc_norm_shape shape = sc_resnet_norm_shape(&t->net, l, s.views);
	void *u = sc_trainer_u(t, l, s.index);

	/* A place without a view has no gradient. */
	memset(sc_trainer_at(t, u, (size_t) s.views * sc_resnet_elements(&t->net, l)), 0,
		   (size_t) (t->cut.places - s.views) * sc_resnet_elements(&t->net, l) * sc_element_bytes(t->net.precision));
	if (!is_pooled(t, l))
	{
		SC_SIMD_CALL(sc_norm_backward)(u, g, norm->p, norm->q, norm->r, &shape);
		return;
	}
	shape = shape_of_plane(t, l);
	for (int v = 0; v < s.views; v++)
		for (int c = 0; c < t->net.layer[l].out; c += shape.channel_block)
		{
			SC_SIMD_CALL(sc_norm_backward)
			(u, unpool(lane, t, s, g, v, c), norm->p + c, norm->q + c, norm->r + c, &shape);
			u = sc_trainer_at(t, u, shape.pixels * (size_t) shape.channel_block);
		}
}

/*
 * From the gradient of the output of l (the stem, a first or a second layer),
 * which is g + g2 (g2 may be NULL), through its ReLU into y's place, of one
 * shard; and the sums of the norm before that, and of the shortcut's beside a
 * second layer. The lane's norm_of_next is the layer's, `shortcut` the shortcut's.
 */
static void
through_relu(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_shard s, const void *g, const void *g2)
{
	const sc_resnet_block *block = sc_resnet_ends_block(&t->net, l);
	bool beside = block != NULL && block->shortcut >= 0;
	sc_trainer_space *space = &t->space[lane->index];
	sc_norm_shape shape = sc_resnet_norm_shape(&t->net, l, s.views);
	void *y = sc_trainer_y(t, l, s.index);

	if (is_pooled(t, l))
	{
		shape.pixels = (size_t) t->net.pool_side * t->net.pool_side;
		SC_SIMD_CALL(sc_norm_mask)(y, y, g, g2, NULL, NULL, &shape);
		pooled_sums(lane, t, s, y, space->norm_of_next);
	}
	else
	{
		sc_norm_gradient own = gradient_of(t, l, s, space->norm_of_next), shortcut;

		if (beside)
			shortcut = gradient_of(t, block->shortcut, s, space->shortcut);
		SC_SIMD_CALL(sc_norm_mask)(y, y, g, g2, &own, beside ? &shortcut : NULL, &shape);
	}
}

/* ---- convolutions -------------------------------------------------------------- */

/* The shard's gradient of the layer's weights, from that of u and its input x. */
static sc_status
weight_gradient(const sc_lane *lane, sc_trainer *t, int l, sc_resnet_role role, sc_trainer_shard s, const void *x)
{
	return sc_conv_backward_weights(lane, sc_trainer_conv(t, l),
									t->grads.by_shard[role] + (size_t) s.index * t->grads.floats[role], x,
									sc_trainer_u(t, l, s.index), t->space[lane->index].conv);
}

/* The gradient dx of the layer's input, from that of u. */
static sc_status
input_gradient(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_shard s, void *dx)
{
	return sc_conv_backward_data(lane, sc_trainer_conv(t, l), dx, sc_trainer_u(t, l, s.index),
								 t->state.params + t->net.layer[l].weight, sc_trainer_reordered(t, l),
								 t->space[lane->index].conv);
}

/*
 * The gradient of a layer's weights: those of the shards, added in their order,
 * and to that of the pieces before; each lane takes slices.
 */
static sc_status
add_shards(const sc_lane *lane, sc_trainer *t, int l, sc_resnet_role role)
{
	size_t n = sc_trainer_conv(t, l)->weights;
	float *grad = t->grads.params + t->net.layer[l].weight;

	for (size_t from = (size_t) lane->index * SC_TRAINER_SLICE; from < n;
		 from += (size_t) lane->count * SC_TRAINER_SLICE)
	{
		size_t to = SC_MIN(n, from + SC_TRAINER_SLICE);
		const float *part = t->grads.by_shard[role];

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (int s = 0; s < t->cut.shards; s++, part += t->grads.floats[role])
			if (s == 0 && !t->piece.adds)
				memcpy(grad + from, part + from, (to - from) * sizeof(float));
			else
				for (size_t i = from; i < to; i++)
					grad[i] += part[i];
	}
	return SC_OK;
}

/* ---- the phases ------------------------------------------------------------------ */

/* The gradient of a shard's features, spread over the pixels whose average they are. */
static void
through_average(const sc_lane *lane, sc_trainer *t, int last, sc_trainer_shard s)
{
	size_t pixels = sc_trainer_pixels(t, last), block = (size_t) t->net.channel_block;
	void *g = t->space[lane->index].dx;
	size_t i = 0;

	for (int v = 0; v < s.views; v++)
	{
		const float *feature = sc_trainer_feature(t, s.first + (size_t) v);

		for (size_t c = 0; c < SC_EMBEDDING_DIM; c += block)
			for (size_t p = 0; p < pixels; p++)
				for (size_t k = 0; k < block; k++)
					sc_element_put(g, i++, feature[c + k] / (float) pixels, t->net.precision);
	}
}

/* From the gradient of the features to that of the last block's output, before its ReLU. */
static sc_status
features_backward(const sc_lane *lane, sc_trainer *t)
{
	sc_trainer_space *space = &t->space[lane->index];
	int last = t->net.blocks[SC_RESNET_BLOCKS - 1].second;

	sc_trainer_norms_of_output(lane, t, last, space->norm_of_next, space->shortcut, SC_TRAINER_BATCH);
	for (int i = lane->index; i < t->cut.shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		through_average(lane, t, last, s);
		through_relu(lane, t, last, s, space->dx, NULL);
	}
	return SC_OK;
}

/* From the block's output (y of its second layer holds the gradient before its ReLU) to the first layer's ReLU. */
static sc_status
second_backward(const sc_lane *lane, sc_trainer *t, const sc_resnet_block *block)
{
	sc_trainer_space *space = &t->space[lane->index];

	SC_TRY(sc_lane_barrier(lane));
	sc_trainer_norm_backward(lane, t, block->second, space->norm);
	if (block->shortcut >= 0)
		sc_trainer_norm_backward(lane, t, block->shortcut, space->shortcut);
	sc_trainer_norm_forward(lane, t, block->first, space->norm_of_next, SC_TRAINER_BATCH);
	for (int i = lane->index; i < t->cut.shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);
		const void *g = sc_trainer_y(t, block->second, i);

		through_norm(lane, t, block->second, s, g, space->norm);
		if (block->shortcut >= 0)
		{
			through_norm(lane, t, block->shortcut, s, g, space->shortcut);
			SC_TRY(weight_gradient(lane, t, block->shortcut, SC_RESNET_SHORTCUT, s, sc_trainer_y(t, block->input, i)));
		}
		SC_TRY(weight_gradient(lane, t, block->second, SC_RESNET_SECOND, s, sc_trainer_y(t, block->first, i)));
		SC_TRY(input_gradient(lane, t, block->second, s, space->dx));
		through_relu(lane, t, block->first, s, space->dx, NULL);
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(add_shards(lane, t, block->second, SC_RESNET_SECOND));
	return block->shortcut >= 0 ? add_shards(lane, t, block->shortcut, SC_RESNET_SHORTCUT) : SC_OK;
}

/* From the first layer's ReLU, and through the shortcut, to the output before the block. */
static sc_status
first_backward(const sc_lane *lane, sc_trainer *t, const sc_resnet_block *block)
{
	sc_trainer_space *space = &t->space[lane->index];

	sc_trainer_norm_backward(lane, t, block->first, space->norm);
	sc_trainer_norms_of_output(lane, t, block->input, space->norm_of_next, space->shortcut, SC_TRAINER_BATCH);
	for (int i = lane->index; i < t->cut.shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);
		const void *shortcut = sc_trainer_y(t, block->second, i);

		through_norm(lane, t, block->first, s, sc_trainer_y(t, block->first, i), space->norm);
		SC_TRY(weight_gradient(lane, t, block->first, SC_RESNET_FIRST, s, sc_trainer_y(t, block->input, i)));
		SC_TRY(input_gradient(lane, t, block->first, s, space->dx));
		if (block->shortcut >= 0)
		{
			SC_TRY(input_gradient(lane, t, block->shortcut, s, space->dx_shortcut));
			shortcut = space->dx_shortcut;
		}
		through_relu(lane, t, block->input, s, space->dx, shortcut);
	}
	SC_TRY(sc_lane_barrier(lane));
	return add_shards(lane, t, block->first, SC_RESNET_FIRST);
}

static sc_status
stem_backward(const sc_lane *lane, sc_trainer *t)
{
	sc_trainer_space *space = &t->space[lane->index];

	sc_trainer_norm_backward(lane, t, 0, space->norm);
	for (int i = lane->index; i < t->cut.shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);

		through_norm(lane, t, 0, s, sc_trainer_y(t, 0, i), space->norm);
		SC_TRY(weight_gradient(lane, t, 0, SC_RESNET_SECOND, s, sc_trainer_input(t, i)));
	}
	SC_TRY(sc_lane_barrier(lane));
	return add_shards(lane, t, 0, SC_RESNET_SECOND);
}

sc_status
sc_trainer_backward(const sc_lane *lane, sc_trainer *t)
{
	SC_TRY(features_backward(lane, t));
	for (int b = SC_RESNET_BLOCKS - 1; b >= 0; b--)
	{
		SC_TRY(second_backward(lane, t, &t->net.blocks[b]));
		SC_TRY(first_backward(lane, t, &t->net.blocks[b]));
	}
	SC_TRY(stem_backward(lane, t));
	return sc_lane_barrier(lane);
}
