/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer.c
 *	  Making a trainer: its plan and its memory.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/hog.h"
#include "core/simclr/trainer_parts.h"
#include "core/simclr/weights_parts.h"

#include <string.h>

/*
 * What a shard should be worth: the work of eight views of 128 pixels. Each
 * shard's gradient of the weights is as large as the network, 45 MB in all, and
 * must be added to the others: at 10 GB/s that takes 15 ms, where the
 * convolutions of eight views take a core 145 ms (55 views/s, Zen 4).
 */
#define SHARD_PIXELS (8 * 128.0 * 128.0)

/* At least enough shards for four lanes; no more than would keep sixteen busy, nor with less than 16 views each. */
#define LEAST_SHARDS 4
#define MOST_SHARDS 16
#define LEAST_SHARD_VIEWS 16

static sc_trainer_cut
cut_of(const sc_train_config *config)
{
	sc_trainer_cut cut = {.views = 2 * config->batch_size, .pieces = SC_MAX(1, config->batch_pieces)};
	int views = 2 * ((config->batch_size + cut.pieces - 1) / cut.pieces); /* of the largest piece */
	/* The small stem's tensors are four times as long and wide. */
	double side = config->net.input_size * (config->net.small_stem ? 4.0 : 1.0);
	int by_work = (int) (views * side * side / SHARD_PIXELS);

	by_work = SC_MIN(SC_MAX(by_work, LEAST_SHARDS), MOST_SHARDS);
	cut.shards = SC_MAX(1, SC_MIN(by_work, views / LEAST_SHARD_VIEWS));
	cut.places = (views + cut.shards - 1) / cut.shards;
	return cut;
}

/* ---- memory ---------------------------------------------------------------- */

/* An array of n pieces for every place of every shard. */
static void *
take_places(sc_arena *arena, const sc_trainer *t, size_t n, size_t item)
{
	return sc_arena_take(arena, sc_mul(sc_mul((size_t) t->cut.shards, (size_t) t->cut.places), n), item);
}

static void
layout_state(sc_trainer *t, sc_arena *arena)
{
	sc_trainer_state *state = &t->state;
	sc_head_config head = sc_weights_head(&t->config);

	state->param_count = t->net.params + sc_weights_head_params(&t->config);
	state->stat_count = t->net.stats + sc_head_stat_count(&head);
	state->params = SC_TAKE(arena, float, state->param_count);
	state->velocity = SC_TAKE(arena, float, state->param_count);
	state->stats = SC_TAKE(arena, float, state->stat_count);
}

static void
layout_tensors(sc_trainer *t, sc_arena *arena)
{
	const sc_resnet *net = &t->net;
	sc_trainer_tensors *tensors = &t->tensors;
	size_t views = (size_t) t->cut.views, z = sc_mul(views, (size_t) t->config.proj_out_dim);
	size_t pooled = sc_resnet_pool_elements(net), element = sc_element_bytes(net->precision);

	tensors->input = take_places(arena, t, 3 * (size_t) net->input_size * net->input_size, element);
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
		tensors->u[l] = take_places(arena, t, sc_resnet_elements(net, l), element);
	tensors->y[0] = take_places(arena, t, pooled, element);
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		const sc_resnet_block *block = &net->blocks[b];

		tensors->y[block->first] = take_places(arena, t, sc_resnet_elements(net, block->first), element);
		tensors->y[block->second] = take_places(arena, t, sc_resnet_elements(net, block->second), element);
	}
	tensors->argmax = net->small_stem ? NULL : take_places(arena, t, pooled, 1);
	tensors->feature = SC_TAKE(arena, float, sc_mul(views, SC_EMBEDDING_DIM));
	tensors->z = SC_TAKE(arena, float, z);
	tensors->dz = SC_TAKE(arena, float, z);
	tensors->hog = t->config.hog_weight > 0 ? SC_TAKE(arena, float, sc_mul(views, SC_HOG_DIM)) : NULL;
}

static void
layout_sums(sc_trainer *t, sc_arena *arena)
{
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
	{
		size_t doubles = sc_mul((size_t) t->cut.shards, SC_NORM_SUMS * (size_t) t->net.layer[l].out);

		t->sums.forward[l] = SC_TAKE(arena, double, doubles);
		t->sums.backward[l] = SC_TAKE(arena, double, doubles);
	}
}

static void
layout_grads(sc_trainer *t, sc_arena *arena)
{
	const sc_resnet *net = &t->net;
	sc_trainer_grads *grads = &t->grads;

	grads->params = SC_TAKE(arena, float, t->state.param_count);
	/* Of the stem, which takes the place of a second layer, the weights are fewer than of those. */
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		const int layer[SC_RESNET_ROLES] = {[SC_RESNET_FIRST] = net->blocks[b].first,
											[SC_RESNET_SECOND] = net->blocks[b].second,
											[SC_RESNET_SHORTCUT] = net->blocks[b].shortcut};

		for (sc_resnet_role role = SC_RESNET_FIRST; role < SC_RESNET_ROLES; role++)
			if (layer[role] >= 0)
				grads->floats[role] = SC_MAX(grads->floats[role], net->conv[net->layer[layer[role]].shape].weights);
	}
	for (sc_resnet_role role = SC_RESNET_FIRST; role < SC_RESNET_ROLES; role++)
		grads->by_shard[role] = SC_TAKE(arena, float, sc_mul((size_t) t->cut.shards, grads->floats[role]));
}

static void
layout_space(sc_trainer *t, sc_arena *arena, sc_trainer_space *space)
{
	const sc_resnet *net = &t->net;
	size_t element = sc_element_bytes(net->precision);
	size_t largest = sc_mul((size_t) t->cut.places, sc_resnet_pool_elements(net));

	space->conv = sc_arena_take(arena, net->scratch, 1);
	space->augment = sc_arena_take(arena, sc_augment_scratch_bytes(net->input_size), 1);
	space->view = SC_TAKE(arena, float, 3 * (size_t) net->input_size * net->input_size);
	space->gray = t->config.hog_weight > 0
					  ? SC_TAKE(arena, float, sc_mul((size_t) net->input_size, (size_t) net->input_size))
					  : NULL;
	space->dx = sc_arena_take(arena, largest, element);
	space->dx_shortcut = sc_arena_take(arena, largest, element);
	space->plane = NULL;
	if (!net->small_stem)
		space->plane =
			sc_arena_take(arena, (size_t) net->layer[0].side * net->layer[0].side * net->channel_block, element);
	space->norm = SC_TAKE(arena, sc_trainer_norm, 1);
	space->shortcut = SC_TAKE(arena, sc_trainer_norm, 1);
	space->norm_of_next = SC_TAKE(arena, sc_trainer_norm, 1);
}

static void
layout(sc_trainer *t, sc_arena *arena)
{
	const sc_train_config *c = &t->config;
	sc_head_config head = sc_weights_head(c);

	layout_state(t, arena);
	layout_tensors(t, arena);
	t->reordered = sc_arena_take(arena, t->net.reordered, 1);
	layout_sums(t, arena);
	layout_grads(t, arena);
	sc_head_layout(&t->head, arena, &head, t->cut.views, t->cut.shards);
	if (c->hog_weight > 0)
		sc_predictor_layout(&t->predictor, arena, SC_EMBEDDING_DIM, SC_HOG_DIM, c->hog_weight, t->cut.views,
							t->cut.shards);
	sc_ntxent_layout(&t->loss, arena, c->batch_size, c->proj_out_dim, c->temperature, t->lanes);
	for (int i = 0; i < t->lanes; i++)
		layout_space(t, arena, &t->space[i]);
}

/* Everything but the memory: opens the network. */
static sc_status
prepare(sc_trainer *t, const sc_train_config *config, int lanes, sc_error *err)
{
	SC_ASSERT(config->batch_size > 0 && lanes > 0);
	SC_ASSERT(config->batch_pieces >= 0 && config->batch_pieces <= config->batch_size);
	SC_ASSERT(config->augment.input_size == config->net.input_size);
	memset(t, 0, sizeof(*t));
	t->config = *config;
	t->lanes = SC_MIN(lanes, SC_MAX_LANES);
	t->cut = cut_of(config);
	sc_trainer_take_piece(t, 0);
	return sc_resnet_open(&t->net, &config->net, t->cut.places, true, err);
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

/* ---- initial values ---------------------------------------------------------- */

static sc_status
make(const sc_lane *lane, sc_trainer **trainer, const sc_train_config *config, int lanes, void *memory, size_t bytes,
	 sc_error *err)
{
	sc_arena arena = sc_arena_over(memory, bytes);
	sc_trainer *t = SC_TAKE(&arena, sc_trainer, 1);
	float *head_params, *head_stats;
	sc_status status;

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

	sc_trainer_clear_places(t);
	memset(t->grads.params, 0, t->state.param_count * sizeof(float));
	memset(t->state.velocity, 0, t->state.param_count * sizeof(float));
	status = sc_resnet_init(lane, &t->net, t->state.params, t->state.stats, config->seed,
							t->grads.by_shard[SC_RESNET_SECOND]);
	if (status != SC_OK)
	{
		sc_resnet_close(&t->net);
		return status;
	}
	head_params = t->state.params + t->net.params;
	head_stats = t->state.stats + t->net.stats;
	sc_head_bind(&t->head, head_params, t->grads.params + t->net.params, head_stats);
	if (config->hog_weight > 0)
	{
		size_t before = t->net.params + sc_head_param_count(&t->head.config);

		sc_predictor_bind(&t->predictor, t->state.params + before, t->grads.params + before);
	}
	sc_weights_init_head(head_params, head_stats, config);
	*trainer = t;
	return SC_OK;
}

sc_status
sc_trainer_create(sc_trainer **trainer, const sc_train_config *config, int lanes, void *memory, size_t bytes,
				  sc_error *err)
{
	return make(NULL, trainer, config, lanes, memory, bytes, err);
}

sc_status
sc_trainer_create_run(const sc_lane *lane, void *arg)
{
	const sc_trainer_making *job = arg;
	sc_error err;
	sc_status status;

	if (lane->index > 0)
		return SC_OK;
	status = make(lane, job->trainer, job->config, job->lanes, job->memory, job->bytes, &err);
	return status == SC_OK || status == SC_ABORTED ? status : sc_lane_fail(lane, &err);
}

void
sc_trainer_destroy(sc_trainer *trainer)
{
	if (trainer != NULL)
		sc_resnet_close(&trainer->net);
}
