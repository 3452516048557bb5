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

/*
 * Images of a group. The weights, 45 MB, are read once a group; the tensors of an
 * image at 128 pixels are 5.5 MB. With eight images both are as much.
 */
#define GROUP 8

/* What one lane works in. Nothing in it outlives a group. */
typedef struct encoder_space
{
	void *conv;		 /* scratch of the convolutions */
	void *augment;	 /* ... and of the views */
	float *view;	 /* (side, side, 3) */
	void *input;	 /* (group, 3, side, side), in net.precision as the rest */
	void *u;		 /* (group, elements of the largest layer): output of a convolution */
	void *v;		 /* (group, elements of the largest input of a block): of the shortcut's convolution */
	void *y[3];		 /* likewise: after ReLUs */
	uint8_t *argmax; /* of the max-pool, for one block of channels: written, and read by nobody */
} encoder_space;

/* Owned by whoever called sc_encoder_create, with all memory but what oneDNN holds for net. */
struct sc_encoder
{
	sc_resnet net;
	int lanes;
	int group;
	float mean[3], std[3];
	/* Read when it is made, and never changed: */
	float *params; /* (net.params) */
	float *stats;  /* (net.stats) */
	float *a, *b;  /* (net.stats / 2): the norms as a u + b; a layer's begin at half of its mean's offset */
	float *work;   /* (net.largest_weight) */
	/* Made by the first job, on its lanes: */
	void *reordered; /* the weights as the convolutions want them */
	bool is_reordered;
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
	e->reordered = sc_arena_take(arena, net->reordered, 1);
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
		s->argmax = sc_arena_take(arena, (size_t) net->pool_side * net->pool_side * net->channel_block, 1);
	}
}

static sc_status
prepare(sc_encoder *e, const sc_net_config *config, int max_batch, int lanes, sc_error *err)
{
	sc_net_config net = *config;

	SC_ASSERT(max_batch > 0 && lanes > 0);
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

static sc_status
take_weights(const sc_lane *lane, sc_encoder *e, const sc_st_tensor *tensors, int count)
{
	sc_weights_tensor list[SC_WEIGHTS_MAX];
	int n = sc_weights_list(list, &e->net, NULL, false);

	for (int i = 0; i < n; i++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		if (list[i].slab != SC_WEIGHTS_STEPS)
			sc_weights_take(&list[i], list[i].slab == SC_WEIGHTS_STAT ? e->stats : e->params,
							sc_st_find(tensors, count, list[i].name), e->work);
	}
	return SC_OK;
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

static sc_status
make(const sc_lane *lane, const sc_encoder_making *job, sc_error *err)
{
	sc_arena arena = sc_arena_over(job->memory, job->bytes);
	sc_encoder *e = SC_TAKE(&arena, sc_encoder, 1);
	sc_st_tensor tensors[SC_WEIGHTS_MAX];
	int count;
	sc_status status;

	*job->encoder = NULL;
	if (e == NULL)
		return sc_fail(err, SC_INTERNAL, "memory of an encoder is too small");
	SC_TRY(prepare(e, job->config, job->max_batch, job->lanes, err));
	layout(e, &arena);
	memcpy(e->mean, job->mean, sizeof(e->mean));
	memcpy(e->std, job->std, sizeof(e->std));
	status = sc_arena_ok(&arena) ? SC_OK : sc_fail(err, SC_INTERNAL, "memory of an encoder is too small");
	if (status == SC_OK)
		status = sc_weights_open(tensors, &count, &e->net, job->weights, job->weights_size, err);
	if (status == SC_OK)
		status = take_weights(lane, e, tensors, count);
	if (status != SC_OK)
	{
		sc_resnet_close(&e->net);
		return status;
	}
	set_norms(e);
	*job->encoder = e;
	return SC_OK;
}

sc_status
sc_encoder_create(sc_encoder **encoder, const sc_net_config *config, int max_batch, int lanes, const float mean[3],
				  const float std[3], const uint8_t *weights, size_t weights_size, void *memory, size_t bytes,
				  sc_error *err)
{
	sc_encoder_making job = {encoder, config, max_batch, lanes, mean, std, weights, weights_size, memory, bytes};

	return make(NULL, &job, err);
}

sc_status
sc_encoder_create_run(const sc_lane *lane, void *making)
{
	sc_error err;
	sc_status status;

	if (lane->index > 0)
		return SC_OK;
	status = make(lane, making, &err);
	return status == SC_OK || status == SC_ABORTED ? status : sc_lane_fail(lane, &err);
}

void
sc_encoder_destroy(sc_encoder *encoder)
{
	if (encoder != NULL)
		sc_resnet_close(&encoder->net);
}

static sc_status
convolve(const sc_lane *lane, const sc_encoder *e, int l, void *u, const void *x)
{
	const sc_resnet_layer *layer = &e->net.layer[l];

	return sc_conv_forward(lane, &e->net.conv[layer->shape], u, x, e->params + layer->weight,
						   (char *) e->reordered + e->net.reordered_at[l], e->space[lane->index].conv);
}

/* The norm of a layer. */
static sc_resnet_norm
norm_of(const sc_encoder *e, int l)
{
	size_t at = e->net.layer[l].mean / 2;

	return (sc_resnet_norm){e->a + at, e->b + at};
}

/* The output of a block, whose convolutions' outputs are u and, where its shortcut has one, v. */
static void
activate_output(const sc_encoder *e, const encoder_space *s, const sc_resnet_block *block, void *out, const void *input)
{
	sc_resnet_norm norm = norm_of(e, block->second);

	if (block->shortcut >= 0)
	{
		sc_resnet_norm shortcut = norm_of(e, block->shortcut);

		sc_resnet_activate(&e->net, block->second, e->group, out, s->u, norm, s->v, &shortcut);
	}
	else
		sc_resnet_activate(&e->net, block->second, e->group, out, s->u, norm, input, NULL);
}

/* Features of the group's views: out (count, 512). The three y take turns as input, inner and output of a block. */
static sc_status
features(const sc_lane *lane, sc_encoder *e, float *out, int count)
{
	encoder_space *s = &e->space[lane->index];
	void *input = s->y[0], *inner = s->y[1], *output = s->y[2];

	SC_TRY(convolve(lane, e, 0, s->u, s->input));
	sc_resnet_activate_stem(&e->net, e->group, input, s->argmax, 0, s->u, norm_of(e, 0));
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		const sc_resnet_block *block = &e->net.blocks[b];
		void *free = input;

		SC_TRY(convolve(lane, e, block->first, s->u, input));
		sc_resnet_activate(&e->net, block->first, e->group, inner, s->u, norm_of(e, block->first), NULL, NULL);
		SC_TRY(convolve(lane, e, block->second, s->u, inner));
		if (block->shortcut >= 0)
			SC_TRY(convolve(lane, e, block->shortcut, s->v, input));
		activate_output(e, s, block, output, input);
		input = output;
		output = free;
	}
	for (int v = 0; v < count; v++)
		sc_resnet_average(&e->net, out + (size_t) v * SC_EMBEDDING_DIM, input, (size_t) v);
	return SC_OK;
}

/* All lanes see it undone, and all leave together. */
static sc_status
reorder_weights(const sc_lane *lane, sc_encoder *e)
{
	for (int l = lane->index; l < SC_RESNET_LAYERS; l += lane->count)
		SC_TRY(sc_conv_reorder(lane, &e->net.conv[e->net.layer[l].shape],
							   (char *) e->reordered + e->net.reordered_at[l], e->params + e->net.layer[l].weight));
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		e->is_reordered = true;
	return SC_OK;
}

sc_status
sc_embed_batch_run(const sc_lane *lane, void *arg)
{
	sc_embed_batch *batch = arg;
	sc_encoder *e = batch->encoder;
	encoder_space *s = &e->space[lane->index];
	size_t pixels = (size_t) e->net.input_size * e->net.input_size;

	if (!e->is_reordered)
		SC_TRY(reorder_weights(lane, e));
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
