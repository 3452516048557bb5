/*-------------------------------------------------------------------------
 *
 * src/core/simclr/encoder.c
 *	  Embedding images with a trained ResNet-18 in evaluation mode.
 *
 * Images are taken in groups of a few, each group by one lane from its plain
 * views to its features, with all of its tensors in that lane's memory. Every
 * convolution uses the direct algorithm, whose result for an image does not
 * depend on how many are in the group (a unit test holds that), so an image
 * alone and in a batch gives the same bits.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/arena.h"
#include "core/nn/norm.h"
#include "core/simclr/simclr.h"
#include "core/simclr/weights_parts.h"

#include <math.h>
#include <string.h>

/* Images of a group: enough to use the weights that the cache holds. */
#define GROUP 8

typedef struct encoder_space
{
	void *conv;
	void *augment;
	float *view;	/* (side, side, 3) */
	void *input;	/* (group, 3, side, side), in net.precision as the rest */
	void *u, *v;	/* (group, elements of the largest layer): outputs of convolutions */
	void *y[3];		/* (group, elements of the largest input of a block): after ReLUs */
	uint8_t *which; /* of the max-pool, not needed afterwards */
} encoder_space;

struct sc_encoder
{
	sc_resnet net;
	int lanes;
	int group;
	float mean[3], std[3];
	float *params;
	float *stats;
	float *a, *b;	/* (floats of stats / 2): norms as a u + b, layer's at its mean's offset / 2 */
	float *work;	/* (floats of the largest weights) */
	void *turned;	/* weights as the convolutions want them */
	bool is_turned; /* the first job does that */
	encoder_space space[SC_MAX_LANES];
};

static void
layout(sc_encoder *e, sc_arena *arena)
{
	const sc_resnet *net = &e->net;
	size_t element = sc_element_bytes(net->precision), pixels = (size_t) net->input_size * net->input_size,
		   pooled = sc_resnet_pool_elements(net), largest = SC_MAX(sc_resnet_elements(net, 0), pooled);

	e->params = SC_TAKE(arena, float, net->params);
	e->stats = SC_TAKE(arena, float, net->stats);
	e->a = SC_TAKE(arena, float, net->stats / 2);
	e->b = SC_TAKE(arena, float, net->stats / 2);
	e->work = SC_TAKE(arena, float, net->largest_weight);
	e->turned = sc_arena_take(arena, net->turned, 1);
	for (int i = 0; i < e->lanes; i++)
	{
		encoder_space *s = &e->space[i];

		s->conv = sc_arena_take(arena, net->scratch, 1);
		s->augment = sc_arena_take(arena, sc_augment_scratch_bytes(net->input_size), 1);
		s->view = SC_TAKE(arena, float, 3 * pixels);
		s->input = sc_arena_take(arena, sc_mul((size_t) e->group, 3 * pixels), element);
		s->u = sc_arena_take(arena, sc_mul((size_t) e->group, largest), element);
		s->v = sc_arena_take(arena, sc_mul((size_t) e->group, pooled), element);
		for (int j = 0; j < 3; j++)
			s->y[j] = sc_arena_take(arena, sc_mul((size_t) e->group, pooled), element);
		s->which = sc_arena_take(arena, (size_t) net->pool_side * net->pool_side * net->block, 1);
	}
}

static sc_status
prepare(sc_encoder *e, const sc_net_config *config, int max_batch, int lanes, sc_error *err)
{
	sc_net_config net = *config;

	memset(e, 0, sizeof(*e));
	if (net.conv == SC_CONV_BEST)
		net.conv = SC_CONV_DIRECT;
	/* Weights trained in bf16 are float: a CPU without bf16 embeds with them all the same. */
	if (!sc_conv_has_bf16(net.conv))
		net.precision = SC_PRECISION_F32;
	e->lanes = SC_MIN(lanes, SC_MAX_LANES);
	e->group = SC_MIN(max_batch, GROUP);
	return sc_resnet_open(&e->net, &net, e->group, false, err);
}

sc_status
sc_encoder_plan(size_t *bytes, const sc_net_config *config, int max_batch, int lanes, sc_error *err)
{
	sc_encoder e;
	sc_arena counter = sc_arena_counter();

	SC_TRY(prepare(&e, config, max_batch, lanes, err));
	(void) SC_TAKE(&counter, sc_encoder, 1);
	layout(&e, &counter);
	sc_resnet_close(&e.net);
	*bytes = sc_arena_need(&counter);
	return SC_OK;
}

static void
take_weights(sc_encoder *e, const sc_st_tensor *tensors, int count)
{
	sc_weights_tensor list[SC_WEIGHTS_MAX];
	int n = sc_weights_list(list, &e->net, NULL, false);

	for (int i = 0; i < n; i++)
		if (list[i].slab != SC_WEIGHTS_STEPS)
			sc_weights_take(&list[i], list[i].slab == SC_WEIGHTS_STAT ? e->stats : e->params,
							sc_st_find(tensors, count, list[i].name), e->work);
}

/* The norms of evaluation mode, from the running statistics. */
static void
set_norms(sc_encoder *e)
{
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
	{
		const sc_resnet_layer *layer = &e->net.layer[l];

		for (size_t c = 0; c < (size_t) layer->out; c++)
		{
			double inv = 1.0 / sqrt(fmax((double) e->stats[layer->var + c], 0.0) + SC_NORM_EPS);
			float a = (float) (e->params[layer->scale + c] * inv);

			e->a[layer->mean / 2 + c] = a;
			e->b[layer->mean / 2 + c] = e->params[layer->shift + c] - e->stats[layer->mean + c] * a;
		}
	}
}

sc_status
sc_encoder_create(sc_encoder **encoder, const sc_net_config *config, int max_batch, int lanes, const float mean[3],
				  const float std[3], const uint8_t *weights, size_t weights_size, void *memory, size_t bytes,
				  sc_error *err)
{
	sc_arena arena = sc_arena_over(memory, bytes);
	sc_encoder *e = SC_TAKE(&arena, sc_encoder, 1);
	sc_st_tensor tensors[SC_WEIGHTS_MAX];
	int count;
	sc_status status;

	*encoder = NULL;
	if (e == NULL)
		return sc_fail(err, SC_INTERNAL, "memory of an encoder is too small");
	SC_TRY(prepare(e, config, max_batch, lanes, err));
	layout(e, &arena);
	memcpy(e->mean, mean, sizeof(e->mean));
	memcpy(e->std, std, sizeof(e->std));
	status = sc_arena_ok(&arena) ? SC_OK : sc_fail(err, SC_INTERNAL, "memory of an encoder is too small");
	if (status == SC_OK)
		status = sc_weights_open(tensors, &count, &e->net, weights, weights_size, err);
	if (status != SC_OK)
	{
		sc_resnet_close(&e->net);
		return status;
	}
	take_weights(e, tensors, count);
	set_norms(e);
	*encoder = e;
	return SC_OK;
}

void
sc_encoder_destroy(sc_encoder *encoder)
{
	if (encoder != NULL)
		sc_resnet_close(&encoder->net);
}

/* The place of an element of a tensor. */
static void *
at(const sc_encoder *e, const void *tensor, size_t element)
{
	return sc_element_at(tensor, element, e->net.precision);
}

static sc_status
convolve(const sc_lane *lane, const sc_encoder *e, int l, void *u, const void *x)
{
	const sc_resnet_layer *layer = &e->net.layer[l];

	return sc_conv_forward(lane, &e->net.conv[layer->shape], u, x, e->params + layer->weight,
						   (char *) e->turned + e->net.turned_at[l], e->space[lane->index].conv);
}

/* Norm, shortcut (with its own norm where shortcut_layer >= 0) and ReLU of a group. */
static void
activate(const sc_encoder *e, int l, void *y, const void *u, const void *shortcut, int shortcut_layer)
{
	const sc_resnet_layer *layer = &e->net.layer[l];
	int block = e->net.block;
	size_t pixels = (size_t) layer->side * layer->side, plane = pixels * (size_t) block;
	const float *a = e->a + layer->mean / 2, *b = e->b + layer->mean / 2;
	const float *sa = NULL, *sb = NULL;

	if (shortcut_layer >= 0)
	{
		sa = e->a + e->net.layer[shortcut_layer].mean / 2;
		sb = e->b + e->net.layer[shortcut_layer].mean / 2;
	}
	for (int v = 0; v < e->group; v++)
		for (int c = 0; c < layer->out; c += block, y = at(e, y, plane), u = at(e, u, plane))
		{
			SC_SIMD_CALL(sc_norm_apply)
			(y, u, a + c, b + c, shortcut, sa ? sa + c : NULL, sb ? sb + c : NULL, pixels, block, e->net.precision);
			if (shortcut != NULL)
				shortcut = at(e, shortcut, plane);
		}
}

static void
activate_stem(const sc_encoder *e, encoder_space *s, void *y)
{
	const sc_resnet *net = &e->net;
	size_t plane = (size_t) net->layer[0].side * net->layer[0].side * (size_t) net->block,
		   small = (size_t) net->pool_side * net->pool_side * (size_t) net->block;
	const void *u = s->u;

	if (net->small_stem)
	{
		activate(e, 0, y, u, NULL, -1);
		return;
	}
	for (int v = 0; v < e->group; v++)
		for (int c = 0; c < net->layer[0].out; c += net->block, u = at(e, u, plane), y = at(e, y, small))
			SC_SIMD_CALL(sc_norm_pool)
	(y, s->which, u, e->a + c, e->b + c, net->layer[0].side, net->pool_side, net->block, net->precision);
}

/* Features of the group's views: out (count, 512). */
static sc_status
features(const sc_lane *lane, sc_encoder *e, float *out, int count)
{
	encoder_space *s = &e->space[lane->index];
	int input = 0; /* which y holds the input of the block */

	SC_TRY(convolve(lane, e, 0, s->u, s->input));
	activate_stem(e, s, s->y[0]);
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		const sc_resnet_block *now = &e->net.blocks[b];
		void *inner = s->y[(input + 1) % 3], *outer = s->y[(input + 2) % 3];

		SC_TRY(convolve(lane, e, now->first, s->u, s->y[input]));
		activate(e, now->first, inner, s->u, NULL, -1);
		SC_TRY(convolve(lane, e, now->second, s->u, inner));
		if (now->shortcut >= 0)
			SC_TRY(convolve(lane, e, now->shortcut, s->v, s->y[input]));
		activate(e, now->second, outer, s->u, now->shortcut >= 0 ? s->v : s->y[input], now->shortcut);
		input = (input + 2) % 3;
	}
	for (int v = 0; v < count; v++)
		sc_resnet_average(&e->net, out + (size_t) v * SC_EMBEDDING_DIM, s->y[input], (size_t) v);
	return SC_OK;
}

/* All lanes see it undone, and all leave together. */
static sc_status
turn(const sc_lane *lane, sc_encoder *e)
{
	for (int l = lane->index; l < SC_RESNET_LAYERS; l += lane->count)
		SC_TRY(sc_conv_turn(lane, &e->net.conv[e->net.layer[l].shape], (char *) e->turned + e->net.turned_at[l],
							e->params + e->net.layer[l].weight));
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		e->is_turned = true;
	return SC_OK;
}

sc_status
sc_embed_batch_run(const sc_lane *lane, void *arg)
{
	sc_embed_batch *batch = arg;
	sc_encoder *e = batch->encoder;
	encoder_space *s = &e->space[lane->index];
	size_t pixels = (size_t) e->net.input_size * e->net.input_size;

	if (!e->is_turned)
		SC_TRY(turn(lane, e));
	for (int from = lane->index * e->group; from < batch->count; from += lane->count * e->group)
	{
		int count = SC_MIN(e->group, batch->count - from);

		/* The rest of a group that is not full must be finite, no more. */
		memset(s->input, 0, (size_t) e->group * 3 * pixels * sc_element_bytes(e->net.precision));
		for (int v = 0; v < count; v++)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_plain_view(s->view, &batch->images[from + v], e->net.input_size, e->mean, e->std, s->augment);
			sc_resnet_put_view(&e->net, s->input, (size_t) v, s->view);
		}
		SC_TRY(features(lane, e, batch->out + (size_t) from * SC_EMBEDDING_DIM, count));
	}
	return SC_OK;
}
