/*-------------------------------------------------------------------------
 *
 * src/core/simclr/encoder.c
 *	  Embedding images with a trained ResNet-18 in evaluation mode.
 *
 * Images are taken in groups of a few, each group by the next lane that is free
 * from its views to its features, with all of its tensors in that lane's
 * memory. An image alone and in a batch gives the same bits (resnet_infer.h), so
 * it does not matter which lane takes it, nor with which others.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/arena.h"
#include "core/base/rng.h"
#include "core/nn/norm.h"
#include "core/nn/resnet_infer.h"
#include "core/simclr/simclr.h"
#include "core/simclr/weights_parts.h"

#include <math.h>
#include <string.h>

/* What one lane works in. Nothing in it outlives a group. */
typedef struct encoder_space
{
	sc_resnet_infer_space net;
	void *augment; /* scratch of the views */
	float *view;   /* (side, side, 3) */
	float *some;   /* (pictures, SC_EMBEDDING_DIM): features of one view each, where there are several */
} encoder_space;

/* Owned by whoever called sc_encoder_create, with all memory but what oneDNN holds for net. */
struct sc_encoder
{
	sc_resnet_infer net;
	int lanes;
	int views;
	sc_augment_config augment;
	uint64_t seed;
	void *prepared; /* the weights as the convolutions want them, made with the encoder and never changed */
	encoder_space space[SC_MAX_LANES];
};

/* What the weights pass through while an encoder is made: its lanes' memory, which nobody uses yet, or more. */
typedef struct making_space
{
	float *file;   /* (largest_weight): as sc_weights_take takes it */
	float *weight; /* (largest_weight) */
	float *params; /* (4, 512): scale, shift, mean, variance */
	float *a, *b;  /* (512): the norm as a u + b */
} making_space;

static void
layout_making(making_space *m, const sc_encoder *e, sc_arena *arena)
{
	m->file = SC_TAKE(arena, float, e->net.net.largest_weight);
	m->weight = SC_TAKE(arena, float, e->net.net.largest_weight);
	m->params = SC_TAKE(arena, float, 4 * SC_EMBEDDING_DIM);
	m->a = SC_TAKE(arena, float, SC_EMBEDDING_DIM);
	m->b = SC_TAKE(arena, float, SC_EMBEDDING_DIM);
}

/* making: where the weights pass through; it shares its memory with the lanes'. */
static void
layout(sc_encoder *e, making_space *making, sc_arena *arena)
{
	const sc_resnet *net = &e->net.net;
	sc_arena shared;

	e->prepared = sc_arena_take(arena, e->net.prepared, 1);
	shared = *arena;
	layout_making(making, e, &shared);
	for (int i = 0; i < e->lanes; i++)
	{
		encoder_space *s = &e->space[i];

		sc_resnet_infer_layout(&e->net, &s->net, arena);
		s->augment = sc_arena_take(arena, sc_augment_scratch_bytes(net->input_size), 1);
		s->view = SC_TAKE(arena, float, 3 * (size_t) net->input_size * (size_t) net->input_size);
		s->some = SC_TAKE(arena, float, e->views > 1 ? (size_t) e->net.pictures * SC_EMBEDDING_DIM : 0);
	}
	arena->used = SC_MAX(arena->used, shared.used);
}

static sc_status
prepare(sc_encoder *e, const sc_encoder_config *config, int max_batch, int lanes, sc_error *err)
{
	sc_net_config net = config->net;

	SC_ASSERT(max_batch > 0 && lanes > 0);
	SC_ASSERT(config->views >= 1 && config->views <= SC_MAX_EMBED_VIEWS);
	memset(e, 0, sizeof(*e));
	e->views = config->views;
	e->augment = config->augment;
	e->augment.input_size = net.input_size;
	e->seed = config->seed;
	/* Weights trained in bf16 are float: a CPU without bf16 embeds with them all the same. */
	if (!sc_conv_has_bf16(net.conv))
		net.precision = SC_PRECISION_F32;
	e->lanes = SC_MIN(lanes, SC_MAX_LANES);
	return sc_resnet_infer_open(&e->net, &net, max_batch, err);
}

sc_status
sc_encoder_plan(size_t *bytes, const sc_encoder_config *config, int max_batch, int lanes, sc_error *err)
{
	sc_encoder e;
	making_space making;
	sc_arena counter = sc_arena_counter();

	SC_TRY(prepare(&e, config, max_batch, lanes, err));
	(void) SC_TAKE(&counter, sc_encoder, 1);
	layout(&e, &making, &counter);
	sc_resnet_infer_close(&e.net);
	*bytes = sc_arena_need(&counter);
	return SC_OK;
}

/* The norm of evaluation mode, from its parameters and running statistics: (out) each. */
static void
set_norm(const making_space *m, int out)
{
	const float *scale = m->params, *shift = scale + out, *mean = shift + out, *var = mean + out;

	for (int c = 0; c < out; c++)
	{
		double inv = 1.0 / sqrt(fmax((double) var[c], 0.0) + SC_NORM_EPS);

		m->a[c] = (float) (scale[c] * inv);
		m->b[c] = shift[c] - mean[c] * m->a[c];
	}
}

/* Where a layer's tensor goes on the way; NULL: nowhere. */
static float *
place_of(const making_space *m, sc_resnet_part part, int out)
{
	switch (part)
	{
		case SC_RESNET_WEIGHT:
			return m->weight;
		case SC_RESNET_SCALE:
			return m->params;
		case SC_RESNET_SHIFT:
			return m->params + out;
		case SC_RESNET_MEAN:
			return m->params + 2 * out;
		case SC_RESNET_VAR:
			return m->params + 3 * out;
		default:
			return NULL;
	}
}

/* Each layer's tensors lie together in the list. */
static sc_status
take_weights(const sc_lane *lane, sc_encoder *e, const making_space *m, const sc_st_tensor *tensors, int count,
			 sc_error *err)
{
	sc_weights_tensor list[SC_WEIGHTS_MAX];
	int n = sc_weights_list(list, &e->net.net, NULL, false);

	SC_ASSERT(n == SC_RESNET_LAYERS * SC_RESNET_PARTS);
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
	{
		const sc_resnet_layer *layer = &e->net.net.layer[l];

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (sc_resnet_part part = SC_RESNET_WEIGHT; part < SC_RESNET_PARTS; part++)
		{
			sc_weights_tensor tensor = list[l * SC_RESNET_PARTS + (int) part];
			float *place = place_of(m, part, layer->out);

			tensor.offset = 0;
			if (place != NULL)
				sc_weights_take(&tensor, place, sc_st_find(tensors, count, tensor.name), m->file);
		}
		set_norm(m, layer->out);
		SC_TRY(sc_resnet_infer_prepare(&e->net, e->prepared, l, m->weight, m->a, m->b, err));
	}
	return SC_OK;
}

static sc_status
make(const sc_lane *lane, const sc_encoder_making *job, sc_error *err)
{
	sc_arena arena = sc_arena_over(job->memory, job->bytes);
	sc_encoder *e = SC_TAKE(&arena, sc_encoder, 1);
	making_space making;
	sc_st_tensor tensors[SC_WEIGHTS_MAX];
	int count;
	sc_status status;

	*job->encoder = NULL;
	if (e == NULL)
		return sc_fail(err, SC_INTERNAL, "memory of an encoder is too small");
	SC_TRY(prepare(e, job->config, job->max_batch, job->lanes, err));
	layout(e, &making, &arena);
	status = sc_arena_ok(&arena) ? SC_OK : sc_fail(err, SC_INTERNAL, "memory of an encoder is too small");
	if (status == SC_OK)
		status = sc_weights_open(tensors, &count, &e->net.net, job->weights, job->weights_size, err);
	if (status == SC_OK)
		status = take_weights(lane, e, &making, tensors, count, err);
	if (status != SC_OK)
	{
		sc_resnet_infer_close(&e->net);
		return status;
	}
	*job->encoder = e;
	return SC_OK;
}

sc_status
sc_encoder_create(sc_encoder **encoder, const sc_encoder_config *config, int max_batch, int lanes,
				  const uint8_t *weights, size_t weights_size, void *memory, size_t bytes, sc_error *err)
{
	sc_encoder_making job = {encoder, config, max_batch, lanes, weights, weights_size, memory, bytes};

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
		sc_resnet_infer_close(&encoder->net);
}

/* Images of a group: what the network takes, or fewer, so that every lane has two groups or more to take. */
static int
group_of(const sc_encoder *e, const sc_embed_batch *batch, int lanes)
{
	return SC_MAX(1, SC_MIN(e->net.pictures, batch->count / (2 * lanes)));
}

/* The features of one view of each of count images: out (count, SC_EMBEDDING_DIM). */
static sc_status
embed_view(const sc_lane *lane, sc_encoder *e, float *out, const sc_image *images, int count, int view)
{
	encoder_space *s = &e->space[lane->index];

	for (int i = 0; i < count; i++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		if (e->views > 1)
		{
			sc_rng rng = sc_rng_stream(e->seed, SC_EMBED_STREAM, images[i].hash, (uint64_t) view);

			sc_augment_view(s->view, &images[i], &e->augment, &rng, s->augment);
		}
		else
			sc_plain_view_of(s->view, &images[i], &e->augment, s->augment);
		sc_resnet_put_view(&e->net.net, s->net.input, (size_t) i, s->view);
	}
	return sc_resnet_infer_run(lane, &e->net, e->prepared, &s->net, out, count);
}

/* Their mean over all views, added in the views' order. */
static sc_status
embed_views(const sc_lane *lane, sc_encoder *e, float *out, const sc_image *images, int count)
{
	const float *some = e->space[lane->index].some;
	size_t values = (size_t) count * SC_EMBEDDING_DIM;
	float share = 1.0f / (float) e->views;

	SC_TRY(embed_view(lane, e, out, images, count, 0));
	if (e->views == 1)
		return SC_OK;
	for (int view = 1; view < e->views; view++)
	{
		SC_TRY(embed_view(lane, e, e->space[lane->index].some, images, count, view));
		for (size_t i = 0; i < values; i++)
			out[i] += some[i];
	}
	for (size_t i = 0; i < values; i++)
		out[i] *= share;
	return SC_OK;
}

sc_status
sc_embed_batch_run(const sc_lane *lane, void *arg)
{
	sc_embed_batch *batch = arg;
	sc_encoder *e = batch->encoder;
	int group = group_of(e, batch, lane->count), from;

	while ((from = atomic_fetch_add(&batch->next, group)) < batch->count)
	{
		int count = SC_MIN(group, batch->count - from);
		float *out = batch->out + (size_t) from * SC_EMBEDDING_DIM;

		SC_TRY(embed_views(lane, e, out, &batch->images[from], count));
	}
	return SC_OK;
}
