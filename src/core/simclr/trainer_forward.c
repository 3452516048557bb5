/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_forward.c
 *	  The forward pass of a step: from images to the features of ResNet-18.
 *
 * A batch norm needs sums over the whole batch, so the pass is cut into phases
 * between barriers: in each, every lane does to its shards what the sums of the
 * phase before allow, and leaves the sums of the next convolution. So a layer's
 * norm and ReLU are done in the phase after its convolution, just before the
 * convolution that reads them, while they are in the cache.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/norm.h"
#include "core/simclr/trainer_parts.h"

#include <string.h>

/* The layer's convolution of one shard, and the sums of its output. */
static sc_status
convolve(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_shard s, const void *x)
{
	const sc_resnet_layer *layer = &t->net.layer[l];
	sc_norm_shape shape = sc_resnet_norm_shape(&t->net, l, s.views);
	double *sum = t->sums.forward[l] + (size_t) s.index * SC_NORM_SUMS * layer->out;
	double *square = sum + layer->out;
	void *u = sc_trainer_u(t, l, s.index);

	SC_TRY(sc_conv_forward(lane, sc_trainer_conv(t, l), u, x, t->state.params + layer->weight,
						   sc_trainer_reordered(t, l), t->space[lane->index].conv));
	memset(sum, 0, SC_NORM_SUMS * (size_t) layer->out * sizeof(double));
	SC_SIMD_CALL(sc_norm_sums)(sum, square, u, &shape);
	return SC_OK;
}

/* y of a first layer, of one shard. The lane's norm is the layer's. */
static void
activate(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_shard s)
{
	const sc_trainer_norm *norm = t->space[lane->index].norm;

	sc_resnet_activate(&t->net, l, s.views, sc_trainer_y(t, l, s.index), sc_trainer_u(t, l, s.index),
					   (sc_resnet_norm){norm->a, norm->b}, NULL, NULL);
}

/* y of the stem, or of a whole block, whose second layer is l, of one shard. The lane's norms are theirs. */
static void
activate_output(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_shard s)
{
	const sc_resnet_block *block = sc_resnet_ends_block(&t->net, l);
	const sc_trainer_norm *norm = t->space[lane->index].norm, *beside = t->space[lane->index].shortcut;
	sc_resnet_norm own = {norm->a, norm->b}, shortcut = {beside->a, beside->b};
	void *y = sc_trainer_y(t, l, s.index);
	const void *u = sc_trainer_u(t, l, s.index);

	if (block == NULL)
		sc_resnet_activate_stem(&t->net, s.views, y, sc_trainer_argmax(t, s.index),
								(size_t) t->net.pool_side * t->net.pool_side * t->net.channel_block, u, own);
	else if (block->shortcut >= 0)
		sc_resnet_activate(&t->net, l, s.views, y, u, own, sc_trainer_u(t, block->shortcut, s.index), &shortcut);
	else
		sc_resnet_activate(&t->net, l, s.views, y, u, own, sc_trainer_y(t, block->input, s.index), NULL);
}

/* Each lane does its part of every layer. */
sc_status
sc_trainer_reorder_weights(const sc_lane *lane, sc_trainer *t)
{
	/* What cannot be divided is part 0's: another lane's for each layer. */
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
		SC_TRY(sc_conv_reorder(lane, sc_trainer_conv(t, l), sc_trainer_reordered(t, l),
							   t->state.params + t->net.layer[l].weight, (lane->index + l) % lane->count, lane->count));
	/* The forward pass reads them, so all lanes must have done theirs. */
	return sc_lane_barrier(lane);
}

static sc_status
stem(const sc_lane *lane, sc_trainer *t, const sc_trainer_pass *pass)
{
	for (int i = lane->index; i < pass->shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);

		if (pass->views != NULL)
			SC_TRY(pass->views(lane, pass->arg, s));
		SC_TRY(convolve(lane, t, 0, s, sc_trainer_input(t, i)));
	}
	return SC_OK;
}

/* The two phases of a block: up to its first convolution (and the shortcut's), and up to its second. */
static sc_status
block_forward(const sc_lane *lane, sc_trainer *t, const sc_resnet_block *block, const sc_trainer_pass *pass)
{
	sc_trainer_space *space = &t->space[lane->index];

	SC_TRY(sc_lane_barrier(lane));
	sc_trainer_norms_of_output(lane, t, block->input, space->norm, space->shortcut, pass->norms);
	for (int i = lane->index; i < pass->shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);

		activate_output(lane, t, block->input, s);
		SC_TRY(convolve(lane, t, block->first, s, sc_trainer_y(t, block->input, i)));
		if (block->shortcut >= 0)
			SC_TRY(convolve(lane, t, block->shortcut, s, sc_trainer_y(t, block->input, i)));
	}
	SC_TRY(sc_lane_barrier(lane));
	sc_trainer_norm_forward(lane, t, block->first, space->norm, pass->norms);
	for (int i = lane->index; i < pass->shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);

		activate(lane, t, block->first, s);
		SC_TRY(convolve(lane, t, block->second, s, sc_trainer_y(t, block->first, i)));
	}
	return SC_OK;
}

/* The last block's output, and its average. */
static sc_status
features(const sc_lane *lane, sc_trainer *t, const sc_trainer_pass *pass)
{
	sc_trainer_space *space = &t->space[lane->index];
	int last = t->net.blocks[SC_RESNET_BLOCKS - 1].second;

	SC_TRY(sc_lane_barrier(lane));
	sc_trainer_norms_of_output(lane, t, last, space->norm, space->shortcut, pass->norms);
	for (int i = lane->index; i < pass->shards; i += lane->count)
	{
		sc_trainer_shard s = sc_trainer_shard_at(t, i);

		activate_output(lane, t, last, s);
		for (int v = 0; v < s.views && !pass->again; v++)
			sc_resnet_average(&t->net, sc_trainer_feature(t, s.first + (size_t) v), sc_trainer_y(t, last, i),
							  (size_t) v);
	}
	return SC_OK;
}

sc_status
sc_trainer_forward(const sc_lane *lane, sc_trainer *t, const sc_trainer_pass *pass)
{
	SC_TRY(stem(lane, t, pass));
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
		SC_TRY(block_forward(lane, t, &t->net.blocks[b], pass));
	return features(lane, t, pass);
}
