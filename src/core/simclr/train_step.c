/*-------------------------------------------------------------------------
 *
 * src/core/simclr/train_step.c
 *	  One step of SimCLR (Chen and others, ICML 2020, algorithm 1): views,
 *	  forward pass, loss, backward pass, SGD. A job of all lanes.
 *
 * Lanes meet once for every batch norm, forward and backward, since its
 * statistics are of the whole batch, and lane t works on shards t, t + T, ...
 * between. Each shard leaves sums, which every lane adds in the order of the
 * shards. What needs the statistics of a layer is done at the start of the next
 * phase, just before the convolution that reads it, while it is in the cache.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/norm.h"
#include "core/nn/optim.h"
#include "core/simclr/trainer_parts.h"

#include <math.h>
#include <string.h>

/* Parameters that a lane updates, or adds gradients of, at a time. */
#define SLICE 16384

typedef struct shard_view
{
	int shard;
	size_t first; /* view */
	int views;
} shard_view;

static shard_view
shard_at(const sc_trainer *t, int shard)
{
	shard_view s;
	size_t end;

	s.shard = shard;
	sc_shard_range((size_t) t->rows, t->shards, shard, &s.first, &end);
	s.views = (int) (end - s.first);
	return s;
}

/* The place of an element of a tensor. */
static void *
at(const sc_trainer *t, const void *tensor, size_t element)
{
	return sc_element_at(tensor, element, t->net.precision);
}

static void *
place_of(const sc_trainer *t, void *tensor, int shard, size_t elements)
{
	return at(t, tensor, (size_t) shard * t->cap * elements);
}

static size_t
pixels_of(const sc_trainer *t, int l)
{
	return (size_t) t->net.layer[l].side * t->net.layer[l].side;
}

static void *
u_of(const sc_trainer *t, int l, int shard)
{
	return place_of(t, t->u[l], shard, sc_resnet_elements(&t->net, l));
}

static void *
y_of(const sc_trainer *t, int l, int shard)
{
	return place_of(t, t->y[l], shard, l == 0 ? sc_resnet_pool_elements(&t->net) : sc_resnet_elements(&t->net, l));
}

static const sc_conv *
conv_of(const sc_trainer *t, int l)
{
	return &t->net.conv[t->net.layer[l].shape];
}

static void *
turned_of(const sc_trainer *t, int l)
{
	return (char *) t->turned + t->net.turned_at[l];
}

/* Sum of column c over the shards, in their order; which: 0 or 1. */
static double
total(const sc_trainer *t, const double *partial, int l, int which, int c)
{
	size_t out = (size_t) t->net.layer[l].out;
	double sum = 0.0;

	for (int s = 0; s < t->shards; s++)
		sum += partial[((size_t) s * 2 + (size_t) which) * out + (size_t) c];
	return sum;
}

/* ---- forward ------------------------------------------------------------ */

/* The layer's convolution of one shard, and the sums of its output. */
static sc_status
convolve(const sc_lane *lane, sc_trainer *t, int l, shard_view s, const void *x)
{
	const sc_resnet_layer *layer = &t->net.layer[l];
	int block = t->net.block;
	size_t plane = pixels_of(t, l) * (size_t) block;
	double *sum = t->sums[l] + (size_t) s.shard * 2 * layer->out;
	void *u = u_of(t, l, s.shard);

	SC_TRY(sc_conv_forward(lane, conv_of(t, l), u, x, t->params + layer->weight, turned_of(t, l),
						   t->space[lane->index].conv));
	memset(sum, 0, 2 * (size_t) layer->out * sizeof(double));
	for (int v = 0; v < s.views; v++)
		for (int c = 0; c < layer->out; c += block, u = at(t, u, plane))
			SC_SIMD_CALL(sc_norm_sums)(sum + c, sum + layer->out + c, u, pixels_of(t, l), block, t->net.precision);
	return SC_OK;
}

/*
 * Mean and deviation of the layer's output over the batch, and what forward
 * needs of them. Lane 0 also moves the running statistics when first asked.
 */
static void
batch_values(const sc_lane *lane, sc_trainer *t, int l, sc_channel_values *values, bool running)
{
	const sc_resnet_layer *layer = &t->net.layer[l];
	double n = (double) t->rows * (double) pixels_of(t, l);

	for (int c = 0; c < layer->out; c++)
	{
		double mean = total(t, t->sums[l], l, 0, c) / n;
		double var = fmax(total(t, t->sums[l], l, 1, c) / n - mean * mean, 0.0);

		values->mean[c] = (float) mean;
		values->inv[c] = (float) (1.0 / sqrt(var + SC_NORM_EPS));
		values->a[c] = t->params[layer->scale + (size_t) c] * values->inv[c];
		values->b[c] = t->params[layer->shift + (size_t) c] - values->mean[c] * values->a[c];
		if (running && lane->index == 0)
		{
			float *m = &t->stats[layer->mean + (size_t) c];
			float *v = &t->stats[layer->var + (size_t) c];

			*m += SC_NORM_MOMENTUM * ((float) mean - *m);
			*v += SC_NORM_MOMENTUM * ((float) (var * n / SC_MAX(n - 1.0, 1.0)) - *v);
		}
	}
}

/* y of the layer, of one shard: norm, shortcut where s is given (with its norm, or as it is), ReLU. */
static void
activate(sc_trainer *t, int l, shard_view s, const sc_channel_values *values, const void *shortcut,
		 const sc_channel_values *shortcut_values)
{
	int block = t->net.block;
	size_t plane = pixels_of(t, l) * (size_t) block;
	const void *u = u_of(t, l, s.shard);
	void *y = y_of(t, l, s.shard);

	for (int v = 0; v < s.views; v++)
		for (int c = 0; c < t->net.layer[l].out; c += block, u = at(t, u, plane), y = at(t, y, plane))
		{
			SC_SIMD_CALL(sc_norm_apply)
			(y, u, values->a + c, values->b + c, shortcut, shortcut_values ? shortcut_values->a + c : NULL,
			 shortcut_values ? shortcut_values->b + c : NULL, pixels_of(t, l), block, t->net.precision);
			if (shortcut != NULL)
				shortcut = at(t, shortcut, plane);
		}
}

/* y of the stem: norm, ReLU and, with the large stem, max-pool. */
static void
activate_stem(sc_trainer *t, shard_view s, const sc_channel_values *values)
{
	int block = t->net.block, side = t->net.layer[0].side, out = t->net.pool_side;
	size_t plane = pixels_of(t, 0) * (size_t) block, small = (size_t) out * out * (size_t) block;
	const void *u = u_of(t, 0, s.shard);
	void *y = y_of(t, 0, s.shard);
	uint8_t *which = t->which + (size_t) s.shard * t->cap * sc_resnet_pool_elements(&t->net);

	for (int v = 0; v < s.views; v++)
		for (int c = 0; c < t->net.layer[0].out; c += block, which += small)
		{
			SC_SIMD_CALL(sc_norm_pool)(y, which, u, values->a + c, values->b + c, side, out, block, t->net.precision);
			u = at(t, u, plane);
			y = at(t, y, small);
		}
}

/* The layers whose norms make y of a block's input: layer 0, or a second and perhaps its shortcut. */
static const sc_resnet_block *
block_of_output(const sc_trainer *t, int l)
{
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
		if (t->net.blocks[b].second == l)
			return &t->net.blocks[b];
	return NULL;
}

/* The values of the stem, or of a second layer and the shortcut beside it. */
static void
output_values(const sc_lane *lane, sc_trainer *t, int l, sc_channel_values *values, sc_channel_values *shortcut_values,
			  bool running)
{
	const sc_resnet_block *block = block_of_output(t, l);

	batch_values(lane, t, l, values, running);
	if (block != NULL && block->shortcut >= 0)
		batch_values(lane, t, block->shortcut, shortcut_values, running);
}

/* y of the stem or of a whole block, of one shard. */
static void
finish_output(const sc_lane *lane, sc_trainer *t, int l, shard_view s)
{
	const sc_resnet_block *block = block_of_output(t, l);
	sc_lane_space *space = &t->space[lane->index];

	if (block == NULL)
	{
		if (t->which != NULL)
			activate_stem(t, s, space->main);
		else
			activate(t, 0, s, space->main, NULL, NULL);
	}
	else if (block->shortcut >= 0)
		activate(t, l, s, space->main, u_of(t, block->shortcut, s.shard), space->side);
	else
		activate(t, l, s, space->main, y_of(t, block->input, s.shard), NULL);
}

/* The two views of each image, one of them after the other half of the batch. */
static sc_status
make_views(const sc_lane *lane, sc_train_step *step, shard_view s)
{
	sc_trainer *t = step->trainer;
	sc_lane_space *space = &t->space[lane->index];
	size_t pixels = (size_t) t->net.input_size * t->net.input_size;
	void *x = place_of(t, t->input, s.shard, 3 * pixels);

	for (int v = 0; v < s.views; v++)
	{
		size_t view = s.first + (size_t) v, image = view % (size_t) t->config.batch_size;
		sc_rng rng = sc_rng_stream(t->config.seed, (uint64_t) step->epoch, step->keys[image],
								   view / (size_t) t->config.batch_size);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_augment_view(space->view, &step->images[image], &t->config.augment, &rng, space->augment);
		sc_resnet_put_view(&t->net, x, (size_t) v, space->view);
	}
	return SC_OK;
}

static sc_status
forward(const sc_lane *lane, sc_train_step *step)
{
	sc_trainer *t = step->trainer;
	sc_lane_space *space = &t->space[lane->index];
	int last = t->net.blocks[SC_RESNET_BLOCKS - 1].second;

	for (int l = lane->index; l < SC_RESNET_LAYERS; l += lane->count)
		SC_TRY(sc_conv_turn(lane, conv_of(t, l), turned_of(t, l), t->params + t->net.layer[l].weight));
	/* In bf16 every pass needs the weights turned, in float the data gradients alone, long after other barriers. */
	if (t->net.precision == SC_PRECISION_BF16)
		SC_TRY(sc_lane_barrier(lane));

	for (int s = lane->index; s < t->shards; s += lane->count)
	{
		shard_view shard = shard_at(t, s);

		if (step->images != NULL)
			SC_TRY(make_views(lane, step, shard));
		SC_TRY(convolve(lane, t, 0, shard, place_of(t, t->input, s, 3 * (size_t) t->net.input_size * t->net.input_size)));
	}
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		const sc_resnet_block *now = &t->net.blocks[b];

		SC_TRY(sc_lane_barrier(lane));
		output_values(lane, t, now->input, space->main, space->side, true);
		for (int s = lane->index; s < t->shards; s += lane->count)
		{
			shard_view shard = shard_at(t, s);

			finish_output(lane, t, now->input, shard);
			SC_TRY(convolve(lane, t, now->first, shard, y_of(t, now->input, s)));
			if (now->shortcut >= 0)
				SC_TRY(convolve(lane, t, now->shortcut, shard, y_of(t, now->input, s)));
		}
		SC_TRY(sc_lane_barrier(lane));
		batch_values(lane, t, now->first, space->main, true);
		for (int s = lane->index; s < t->shards; s += lane->count)
		{
			shard_view shard = shard_at(t, s);

			activate(t, now->first, shard, space->main, NULL, NULL);
			SC_TRY(convolve(lane, t, now->second, shard, y_of(t, now->first, s)));
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	output_values(lane, t, last, space->main, space->side, true);
	for (int s = lane->index; s < t->shards; s += lane->count)
	{
		shard_view shard = shard_at(t, s);

		finish_output(lane, t, last, shard);
		for (int v = 0; v < shard.views; v++)
			sc_resnet_average(&t->net, t->feature + (shard.first + (size_t) v) * SC_EMBEDDING_DIM, y_of(t, last, s),
							  (size_t) v);
	}
	return SC_OK;
}

/* ---- backward ----------------------------------------------------------- */

/* What the gradient of the layer's norm needs; lane 0 stores those of its scale and shift. */
static void
gradient_values(const sc_lane *lane, sc_trainer *t, int l, sc_channel_values *values)
{
	const sc_resnet_layer *layer = &t->net.layer[l];
	double n = (double) t->rows * (double) pixels_of(t, l);

	batch_values(lane, t, l, values, false);
	for (int c = 0; c < layer->out; c++)
	{
		double sum = total(t, t->products[l], l, 0, c), product = total(t, t->products[l], l, 1, c);

		values->p[c] = values->a[c];
		values->q[c] = (float) (-(double) values->p[c] * (product / n) * values->inv[c]);
		values->r[c] = (float) (-(double) values->p[c] * (sum / n) - (double) values->q[c] * values->mean[c]);
		if (lane->index == 0)
		{
			t->grads[layer->scale + (size_t) c] = (float) product;
			t->grads[layer->shift + (size_t) c] = (float) sum;
		}
	}
}

/* The sums over g (of the ReLU's input) that the norm's gradient needs, of one shard. */
static void
gradient_sums(sc_trainer *t, int l, shard_view s, const void *g, const sc_channel_values *values)
{
	int out = t->net.layer[l].out, block = t->net.block;
	size_t plane = pixels_of(t, l) * (size_t) block;
	double *sum = t->products[l] + (size_t) s.shard * 2 * out;
	const void *u = u_of(t, l, s.shard);

	memset(sum, 0, 2 * (size_t) out * sizeof(double));
	for (int v = 0; v < s.views; v++)
		for (int c = 0; c < out; c += block, u = at(t, u, plane), g = at(t, g, plane))
			SC_SIMD_CALL(sc_norm_products)
	(sum + c, sum + out + c, g, u, values->mean + c, values->inv + c, pixels_of(t, l), block, t->net.precision);
}

/* A place without a view has no gradient. */
static void
clear_rest(sc_trainer *t, int l, shard_view s)
{
	size_t elements = sc_resnet_elements(&t->net, l);

	memset(at(t, u_of(t, l, s.shard), (size_t) s.views * elements), 0,
		   (size_t) (t->cap - s.views) * elements * sc_element_bytes(t->net.precision));
}

/* The gradient of u in its place, of one shard, from g. */
static void
norm_backward(sc_trainer *t, int l, shard_view s, const void *g, const sc_channel_values *values)
{
	int out = t->net.layer[l].out, block = t->net.block;
	size_t plane = pixels_of(t, l) * (size_t) block;
	void *u = u_of(t, l, s.shard);

	for (int v = 0; v < s.views; v++)
		for (int c = 0; c < out; c += block, u = at(t, u, plane), g = at(t, g, plane))
			SC_SIMD_CALL(sc_norm_backward)
	(u, g, values->p + c, values->q + c, values->r + c, pixels_of(t, l), block, t->net.precision);
	clear_rest(t, l, s);
}

/* The stem's gradient before its max-pool, of one block of channels; g: after it. */
static const void *
unpooled(const sc_lane *lane, sc_trainer *t, shard_view s, int v, int c, const void *g)
{
	size_t small = (size_t) t->net.pool_side * t->net.pool_side * t->net.block;
	size_t from = ((size_t) v * (t->net.layer[0].out / t->net.block) + (size_t) (c / t->net.block)) * small;
	void *plane = t->space[lane->index].plane;

	SC_SIMD_CALL(sc_norm_unpool)
	(plane, at(t, g, from), t->which + (size_t) s.shard * t->cap * sc_resnet_pool_elements(&t->net) + from,
	 t->net.layer[0].side, t->net.pool_side, t->net.block, t->net.precision);
	return plane;
}

static void
stem_sums(const sc_lane *lane, sc_trainer *t, shard_view s, const void *g, const sc_channel_values *values)
{
	int out = t->net.layer[0].out, block = t->net.block;
	size_t plane = pixels_of(t, 0) * (size_t) block;
	double *sum = t->products[0] + (size_t) s.shard * 2 * out;
	const void *u = u_of(t, 0, s.shard);

	memset(sum, 0, 2 * (size_t) out * sizeof(double));
	for (int v = 0; v < s.views; v++)
		for (int c = 0; c < out; c += block, u = at(t, u, plane))
			SC_SIMD_CALL(sc_norm_products)
	(sum + c, sum + out + c, unpooled(lane, t, s, v, c, g), u, values->mean + c, values->inv + c, pixels_of(t, 0),
	 block, t->net.precision);
}

static void
stem_backward(const sc_lane *lane, sc_trainer *t, shard_view s, const void *g, const sc_channel_values *values)
{
	int out = t->net.layer[0].out, block = t->net.block;
	size_t plane = pixels_of(t, 0) * (size_t) block;
	void *u = u_of(t, 0, s.shard);

	for (int v = 0; v < s.views; v++)
		for (int c = 0; c < out; c += block, u = at(t, u, plane))
			SC_SIMD_CALL(sc_norm_backward)
	(u, unpooled(lane, t, s, v, c, g), values->p + c, values->q + c, values->r + c, pixels_of(t, 0), block,
	 t->net.precision);
	clear_rest(t, 0, s);
}

/*
 * The gradient of the output of layer l (the stem, a first or a second), t + t2,
 * through its ReLU into y's place, of one shard; and the sums that follow from
 * it. The lane's `next` holds the layer's values, and `side` those of the
 * shortcut beside a second layer.
 */
static void
relu_backward(const sc_lane *lane, sc_trainer *t, int l, shard_view s, const void *g, const void *g2)
{
	const sc_resnet_block *block = block_of_output(t, l);
	sc_lane_space *space = &t->space[lane->index];
	size_t elements = l == 0 ? sc_resnet_pool_elements(&t->net) : sc_resnet_elements(&t->net, l);
	void *y = y_of(t, l, s.shard);

	SC_SIMD_CALL(sc_norm_mask)
	(y, y, g, g2, (size_t) s.views * elements / (size_t) t->net.block, t->net.block, t->net.precision);
	if (l == 0 && t->which != NULL)
		stem_sums(lane, t, s, y, space->next);
	else
		gradient_sums(t, l, s, y, space->next);
	if (block != NULL && block->shortcut >= 0)
		gradient_sums(t, block->shortcut, s, y, space->side);
}

static sc_status
weight_gradient(const sc_lane *lane, sc_trainer *t, int l, int which, shard_view s, const void *x)
{
	return sc_conv_backward_weights(lane, conv_of(t, l),
									t->weight_grads[which] + (size_t) s.shard * sc_trainer_grad_floats(t, which), x,
									u_of(t, l, s.shard), t->space[lane->index].conv);
}

static sc_status
input_gradient(const sc_lane *lane, sc_trainer *t, int l, shard_view s, void *dx)
{
	return sc_conv_backward_data(lane, conv_of(t, l), dx, u_of(t, l, s.shard), t->params + t->net.layer[l].weight,
								 turned_of(t, l), t->space[lane->index].conv);
}

/* The gradient of a layer's weights: those of the shards, added in their order; each lane takes slices. */
static sc_status
add_shards(const sc_lane *lane, sc_trainer *t, int l, int which)
{
	size_t n = conv_of(t, l)->weights, stride = sc_trainer_grad_floats(t, which);
	float *grad = t->grads + t->net.layer[l].weight;

	for (size_t from = (size_t) lane->index * SLICE; from < n; from += (size_t) lane->count * SLICE)
	{
		size_t to = SC_MIN(n, from + SLICE);
		const float *part = t->weight_grads[which];

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		memcpy(grad + from, part + from, (to - from) * sizeof(float));
		for (int s = 1; s < t->shards; s++)
		{
			part += stride;
			for (size_t i = from; i < to; i++)
				grad[i] += part[i];
		}
	}
	return SC_OK;
}

/* From the gradient of the features to that of the last ReLU's input. */
static void
pool_backward(const sc_lane *lane, sc_trainer *t, int last, shard_view s)
{
	size_t pixels = pixels_of(t, last), block = (size_t) t->net.block;
	void *g = t->space[lane->index].t;
	size_t i = 0;

	for (int v = 0; v < s.views; v++)
	{
		const float *feature = t->feature + (s.first + (size_t) v) * SC_EMBEDDING_DIM;

		for (size_t c = 0; c < SC_EMBEDDING_DIM; c += block)
			for (size_t p = 0; p < pixels; p++)
				for (size_t k = 0; k < block; k++)
					sc_element_put(g, i++, feature[c + k] / (float) pixels, t->net.precision);
	}
	relu_backward(lane, t, last, s, g, NULL);
}

static sc_status
backward(const sc_lane *lane, sc_trainer *t)
{
	sc_lane_space *space = &t->space[lane->index];
	int last = t->net.blocks[SC_RESNET_BLOCKS - 1].second;

	output_values(lane, t, last, space->next, space->side, false);
	for (int s = lane->index; s < t->shards; s += lane->count)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		pool_backward(lane, t, last, shard_at(t, s));
	}
	for (int b = SC_RESNET_BLOCKS - 1; b >= 0; b--)
	{
		const sc_resnet_block *now = &t->net.blocks[b];

		/* y of the second layer holds the gradient of the block's output, before its ReLU. */
		SC_TRY(sc_lane_barrier(lane));
		gradient_values(lane, t, now->second, space->main);
		if (now->shortcut >= 0)
			gradient_values(lane, t, now->shortcut, space->side);
		batch_values(lane, t, now->first, space->next, false);
		for (int s = lane->index; s < t->shards; s += lane->count)
		{
			shard_view shard = shard_at(t, s);
			const void *g = y_of(t, now->second, s);

			norm_backward(t, now->second, shard, g, space->main);
			if (now->shortcut >= 0)
			{
				norm_backward(t, now->shortcut, shard, g, space->side);
				SC_TRY(weight_gradient(lane, t, now->shortcut, 2, shard, y_of(t, now->input, s)));
			}
			SC_TRY(weight_gradient(lane, t, now->second, 1, shard, y_of(t, now->first, s)));
			SC_TRY(input_gradient(lane, t, now->second, shard, space->t));
			relu_backward(lane, t, now->first, shard, space->t, NULL);
		}
		SC_TRY(sc_lane_barrier(lane));
		SC_TRY(add_shards(lane, t, now->second, 1));
		if (now->shortcut >= 0)
			SC_TRY(add_shards(lane, t, now->shortcut, 2));

		gradient_values(lane, t, now->first, space->main);
		output_values(lane, t, now->input, space->next, space->side, false);
		for (int s = lane->index; s < t->shards; s += lane->count)
		{
			shard_view shard = shard_at(t, s);
			const void *through = y_of(t, now->second, s);

			norm_backward(t, now->first, shard, y_of(t, now->first, s), space->main);
			SC_TRY(weight_gradient(lane, t, now->first, 0, shard, y_of(t, now->input, s)));
			SC_TRY(input_gradient(lane, t, now->first, shard, space->t));
			if (now->shortcut >= 0)
			{
				SC_TRY(input_gradient(lane, t, now->shortcut, shard, space->t2));
				through = space->t2;
			}
			relu_backward(lane, t, now->input, shard, space->t, through);
		}
		SC_TRY(sc_lane_barrier(lane));
		SC_TRY(add_shards(lane, t, now->first, 0));
	}

	gradient_values(lane, t, 0, space->main);
	for (int s = lane->index; s < t->shards; s += lane->count)
	{
		shard_view shard = shard_at(t, s);

		if (t->which != NULL)
			stem_backward(lane, t, shard, y_of(t, 0, s), space->main);
		else
			norm_backward(t, 0, shard, y_of(t, 0, s), space->main);
		SC_TRY(weight_gradient(lane, t, 0, 1, shard,
							   place_of(t, t->input, s, 3 * (size_t) t->net.input_size * t->net.input_size)));
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(add_shards(lane, t, 0, 1));
	return sc_lane_barrier(lane);
}

/* ---- the step ------------------------------------------------------------ */

sc_status
sc_train_step_run(const sc_lane *lane, void *arg)
{
	sc_train_step *step = arg;
	sc_trainer *t = step->trainer;
	sc_sgd_config sgd = {step->lr, t->config.momentum, t->config.weight_decay};

	SC_TRY(forward(lane, step));
	SC_TRY(sc_head_forward(lane, &t->head, t->z, t->feature));
	SC_TRY(sc_ntxent_run(lane, &t->loss, t->dz, t->z));
	SC_TRY(sc_head_backward(lane, &t->head, t->feature, t->dz, t->feature));
	SC_TRY(backward(lane, t));
	for (size_t from = (size_t) lane->index * SLICE; from < t->param_count; from += (size_t) lane->count * SLICE)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_sgd_step(t->params + from, t->velocity + from, t->grads + from,
					SC_MIN((size_t) SLICE, t->param_count - from), &sgd);
	}
	if (lane->index == 0)
	{
		step->loss = t->loss.loss;
		t->steps++;
	}
	return SC_OK;
}
