/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer.c
 *	  Making a trainer: its plan and its memory.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/trainer_parts.h"
#include "core/simclr/weights_parts.h"

#include <string.h>

/*
 * How many shards, by the work of a batch: each shard's gradient of the
 * weights is as large as the network (45 MB in all) and must be added, which
 * must stay small against the convolutions; and oneDNN wants views together.
 * The unit is eight views of 128 pixels; the small stem's tensors are four
 * times as long and wide.
 */
static int
shards_of(const sc_train_config *config)
{
	int rows = 2 * config->batch_size;
	double side = config->net.input_size * (config->net.small_stem ? 4.0 : 1.0);
	int by_work = (int) (rows * side * side / (8 * 128.0 * 128.0));

	return SC_MAX(1, SC_MIN(SC_MIN(SC_MAX(by_work, 4), 16), rows / 16));
}

size_t
sc_trainer_grad_floats(const sc_trainer *t, int which)
{
	size_t most = 0;

	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		const sc_resnet_block *block = &t->net.blocks[b];
		int layer = which == 0 ? block->first : which == 1 ? block->second : block->shortcut;

		if (layer >= 0)
			most = SC_MAX(most, t->net.conv[t->net.layer[layer].shape].weights);
	}
	return most;
}

/* An array of n pieces for every place of every shard. */
static void *
take_places(sc_arena *arena, const sc_trainer *t, size_t n, size_t item)
{
	return sc_arena_take(arena, sc_mul(sc_mul((size_t) t->shards, (size_t) t->cap), n), item);
}

static void
layout(sc_trainer *t, sc_arena *arena)
{
	const sc_train_config *c = &t->config;
	const sc_resnet *net = &t->net;
	sc_head_config head = sc_weights_head(c);
	size_t pixels = (size_t) net->input_size * net->input_size;
	size_t pooled = sc_resnet_pool_elements(net);
	size_t element = sc_element_bytes(net->precision);
	size_t stem_plane = (size_t) net->layer[0].side * net->layer[0].side * net->block;

	t->param_count = net->params + sc_head_param_count(&head);
	t->stat_count = net->stats + sc_head_stat_count(&head);
	t->params = SC_TAKE(arena, float, t->param_count);
	t->grads = SC_TAKE(arena, float, t->param_count);
	t->velocity = SC_TAKE(arena, float, t->param_count);
	t->stats = SC_TAKE(arena, float, t->stat_count);
	t->turned = sc_arena_take(arena, net->turned, 1);
	sc_head_layout(&t->head, arena, &head, t->rows, t->shards);
	sc_ntxent_layout(&t->loss, arena, c->batch_size, c->proj_out_dim, c->temperature, t->lanes);

	t->input = take_places(arena, t, 3 * pixels, element);
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
	{
		size_t doubles = sc_mul((size_t) t->shards, 2 * (size_t) net->layer[l].out);

		t->u[l] = take_places(arena, t, sc_resnet_elements(net, l), element);
		t->sums[l] = SC_TAKE(arena, double, doubles);
		t->products[l] = SC_TAKE(arena, double, doubles);
	}
	t->y[0] = take_places(arena, t, pooled, element);
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		const sc_resnet_block *block = &net->blocks[b];

		t->y[block->first] = take_places(arena, t, sc_resnet_elements(net, block->first), element);
		t->y[block->second] = take_places(arena, t, sc_resnet_elements(net, block->second), element);
	}
	t->which = c->net.small_stem ? NULL : take_places(arena, t, pooled, 1);
	t->feature = SC_TAKE(arena, float, sc_mul((size_t) t->rows, SC_EMBEDDING_DIM));
	t->z = SC_TAKE(arena, float, sc_mul((size_t) t->rows, (size_t) c->proj_out_dim));
	t->dz = SC_TAKE(arena, float, sc_mul((size_t) t->rows, (size_t) c->proj_out_dim));
	for (int i = 0; i < 3; i++)
		t->weight_grads[i] = SC_TAKE(arena, float, sc_mul((size_t) t->shards, sc_trainer_grad_floats(t, i)));
	for (int i = 0; i < t->lanes; i++)
	{
		sc_lane_space *s = &t->space[i];

		s->conv = sc_arena_take(arena, net->scratch, 1);
		s->augment = sc_arena_take(arena, sc_augment_scratch_bytes(net->input_size), 1);
		s->view = SC_TAKE(arena, float, 3 * pixels);
		s->t = sc_arena_take(arena, sc_mul((size_t) t->cap, pooled), element);
		s->t2 = sc_arena_take(arena, sc_mul((size_t) t->cap, pooled), element);
		s->plane = c->net.small_stem ? NULL : sc_arena_take(arena, stem_plane, element);
		s->main = SC_TAKE(arena, sc_channel_values, 1);
		s->side = SC_TAKE(arena, sc_channel_values, 1);
		s->next = SC_TAKE(arena, sc_channel_values, 1);
	}
}

/* Everything but the memory: opens the network. */
static sc_status
prepare(sc_trainer *t, const sc_train_config *config, int lanes, sc_error *err)
{
	memset(t, 0, sizeof(*t));
	t->config = *config;
	t->lanes = SC_MIN(lanes, SC_MAX_LANES);
	t->rows = 2 * config->batch_size;
	t->shards = shards_of(config);
	t->cap = (t->rows + t->shards - 1) / t->shards;
	return sc_resnet_open(&t->net, &config->net, t->cap, true, err);
}

sc_status
sc_trainer_plan(size_t *bytes, const sc_train_config *config, int lanes, sc_error *err)
{
	sc_trainer t;
	sc_arena counter = sc_arena_counter();

	SC_TRY(prepare(&t, config, lanes, err));
	(void) SC_TAKE(&counter, sc_trainer, 1);
	layout(&t, &counter);
	sc_resnet_close(&t.net);
	*bytes = sc_arena_need(&counter);
	return SC_OK;
}

/* Zeros at the last place of every shard that has a view less than others, in what a convolution reads. */
static void
clear_places(sc_trainer *t, void *tensor, size_t elements)
{
	size_t bytes = elements * sc_element_bytes(t->net.precision);

	for (int s = 0; s < t->shards; s++)
	{
		size_t begin, end;

		sc_shard_range((size_t) t->rows, t->shards, s, &begin, &end);
		for (size_t v = end - begin; v < (size_t) t->cap; v++)
			memset((char *) tensor + ((size_t) s * t->cap + v) * bytes, 0, bytes);
	}
}

sc_status
sc_trainer_create(sc_trainer **trainer, const sc_train_config *config, int lanes, void *memory, size_t bytes,
				  sc_error *err)
{
	sc_arena arena = sc_arena_over(memory, bytes);
	sc_trainer *t = SC_TAKE(&arena, sc_trainer, 1);

	*trainer = NULL;
	if (t == NULL)
		return sc_fail(err, SC_INTERNAL, "memory of a training is too small");
	SC_TRY(prepare(t, config, lanes, err));
	layout(t, &arena);
	if (!sc_arena_ok(&arena))
	{
		sc_resnet_close(&t->net);
		return sc_fail(err, SC_INTERNAL, "memory of a training is too small");
	}

	clear_places(t, t->input, 3 * (size_t) t->net.input_size * t->net.input_size);
	clear_places(t, t->y[0], sc_resnet_pool_elements(&t->net));
	for (int l = 1; l < SC_RESNET_LAYERS; l++)
		if (t->y[l] != NULL)
			clear_places(t, t->y[l], sc_resnet_elements(&t->net, l));

	memset(t->grads, 0, t->param_count * sizeof(float));
	memset(t->velocity, 0, t->param_count * sizeof(float));
	sc_resnet_init(&t->net, t->params, t->stats, config->seed, t->weight_grads[1]);
	sc_head_bind(&t->head, t->params + t->net.params, t->grads + t->net.params, t->stats + t->net.stats);
	sc_weights_init_head(t->params + t->net.params, t->stats + t->net.stats, config);
	*trainer = t;
	return SC_OK;
}

void
sc_trainer_destroy(sc_trainer *trainer)
{
	if (trainer != NULL)
		sc_resnet_close(&trainer->net);
}
