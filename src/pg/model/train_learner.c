/*-------------------------------------------------------------------------
 *
 * src/pg/model/train_learner.c
 *	  The core's trainer: its memory, its steps, its weights in and out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "pg/model/model_parts.h"
#include "pg/model/train_parts.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

/* ---- memory -------------------------------------------------------------------- */

static void
create(scpg_learner *l)
{
	sc_trainer_making job = {&l->core, &l->config, l->lanes, l->memory, l->bytes};

	scpg_run_on(1, scpg_core()->sc_trainer_create_run, &job);
}

void
scpg_learner_destroy(scpg_learner *l)
{
	if (l->core != NULL)
		scpg_core()->sc_trainer_destroy(l->core);
	l->core = NULL;
}

void
scpg_learner_restart(scpg_learner *l)
{
	scpg_learner_destroy(l);
	create(l);
}

/* Plan for so many lanes. */
static void
plan_on(scpg_learner *l, int lanes)
{
	sc_error err;

	memset(&err, 0, sizeof(err));
	l->lanes = lanes;
	scpg_check(scpg_core()->sc_trainer_plan(&l->bytes, &l->config, lanes, &err), &err);
}

/*
 * As many lanes as there are, or fewer where memory does not hold what each of
 * them works in: the result has the same bits on any number.
 */
static void
plan_lanes(scpg_learner *l, const scpg_recipe *recipe, bool momenta)
{
	size_t kept = (size_t) (scpg_recipe_checkpoint_bytes(recipe) / (momenta ? 1 : 2));
	size_t left = scpg_memory_left() > kept ? scpg_memory_left() - kept : 0;
	int most = scpg_lanes();

	plan_on(l, most);
	if (l->bytes > left && most > 1)
	{
		size_t all = l->bytes;

		plan_on(l, 1);
		/* Each takes as much; what is rounded may take one more off. */
		if (l->bytes < left)
			plan_on(l, 1 + (int) Min(most - 1, (left - l->bytes) / ((all - l->bytes) / (most - 1) + 1)));
		if (l->bytes > left && l->lanes > 1)
			plan_on(l, l->lanes - 1);
	}
	if (l->lanes < most && l->bytes <= left)
		ereport(NOTICE, (errmsg("this training runs on %d of %d threads, for memory", l->lanes, most),
						 errhint("Raise \"selfclass.max_memory\".")));
}

void
scpg_learner_plan(scpg_learner *l, const scpg_recipe *recipe, bool momenta, MemoryContext cxt)
{
	sc_arena arena;
	size_t kept;

	Assert(l->core == NULL);
	l->context = cxt;
	l->step_context = AllocSetContextCreate(cxt, "selfclass step", ALLOCSET_DEFAULT_SIZES);
	l->config = scpg_recipe_train(recipe);
	scpg_warn_forbidden_code(l->config.net.precision, true);
	plan_lanes(l, recipe, momenta);
	arena = scpg_arena(cxt, sc_add(l->bytes, 2 * SC_ALIGN), "this training");
	l->memory = SC_TAKE(&arena, char, l->bytes);
	create(l);
	kept = scpg_core()->sc_trainer_save_bytes(l->core, momenta);
	arena = scpg_arena(CurrentMemoryContext, sc_add(kept, 2 * SC_ALIGN), "this training");
	l->stream = SC_TAKE(&arena, uint8, kept);
	ereport(DEBUG1,
			(errmsg_internal("memory of this training: %zu MB, of them %zu MB for batches of %d images at %d pixels, %zu MB for the weights as they are kept",
							 scpg_memory_taken() >> 20, l->bytes >> 20, recipe->batch_size, recipe->input_size,
							 kept >> 20)));
}

/* ---- weights -------------------------------------------------------------------- */

Size
scpg_learner_save(scpg_learner *l, bool momenta)
{
	sc_trainer_saving job = {l->core, l->stream, momenta};

	scpg_run_on(1, scpg_core()->sc_trainer_save_run, &job);
	return scpg_core()->sc_trainer_save_bytes(l->core, momenta);
}

/* SC_OK, SC_BAD_WEIGHTS; whatever else there may be is raised. */
static sc_status
load(scpg_learner *l, const uint8 *bytes, Size size, sc_error *err)
{
	sc_trainer_loading job = {l->core, bytes, size};
	sc_status status = scpg_try_run_on(1, scpg_core()->sc_trainer_load_run, &job, err);

	if (status != SC_BAD_WEIGHTS)
		scpg_check(status, err);
	return status;
}

bool
scpg_learner_check(scpg_learner *l, Size size)
{
	sc_error err;

	/* Reading them back looks at every number. */
	return load(l, l->stream, size, &err) == SC_OK;
}

void
scpg_learner_load(scpg_learner *l, const scpg_model *model, bool initial)
{
	MemoryContext cxt = AllocSetContextCreate(l->context, "selfclass weights", ALLOCSET_SMALL_SIZES);
	Size size;
	uint8 *bytes = scpg_model_load_weights(model, cxt, &size);
	sc_error err;
	sc_status status;

	status = load(l, bytes, size, &err);
	MemoryContextDelete(cxt);
	if (status == SC_BAD_WEIGHTS)
		ereport(ERROR,
				(errcode(initial ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_DATA_CORRUPTED),
				 errmsg("the training cannot begin with the weights of model \"%s\"", model->name),
				 errdetail("Of these weights: %s.", err.message),
				 initial ? errhint("\"stem\" and the \"proj_\" options must be those of that model's recipe.") : 0));
}

/* ---- a step ---------------------------------------------------------------------- */

bool
scpg_learner_step(scpg_learner *l, const scpg_order *order, const scpg_positives *positives, int epoch, int step,
				  double lr, double *loss)
{
	MemoryContext old = MemoryContextSwitchTo(l->step_context);
	int batch = l->config.batch_size;
	sc_image *images = palloc(batch * sizeof(sc_image));
	uint64_t *keys = palloc(batch * sizeof(uint64_t));
	int64 *numbers = palloc(batch * sizeof(int64));
	sc_train_step job;
	sc_error err;
	sc_status status;

	Assert(batch == order->batch);
	scpg_order_batch(order, step, numbers, keys);
	scpg_dataset_fetch(order->dataset, images, numbers, batch);

	memset(&job, 0, sizeof(job));
	memset(&err, 0, sizeof(err));
	job.trainer = l->core;
	job.images = images;
	job.keys = keys;
	if (positives->labels != NULL || positives->neighbors != NULL)
	{
		sc_image *seconds = palloc(batch * sizeof(sc_image));
		scpg_partners partners;

		if (positives->labels != NULL)
			scpg_self_labels_batch(positives->labels, order, epoch, numbers, keys, &partners);
		else
			scpg_neighbors_batch(positives->neighbors, order, epoch, numbers, keys, &partners);
		scpg_dataset_fetch(order->dataset, seconds, partners.second, batch);
		job.seconds = seconds;
		job.kin = partners.kin;
		job.kin_each = partners.each;
	}
	job.epoch = epoch;
	job.lr = (float) lr;
	status = scpg_try_run_on(l->lanes, scpg_core()->sc_train_step_run, &job, &err);
	if (status != SC_RANGE)
		scpg_check(status, &err);
	*loss = job.loss;
	MemoryContextSwitchTo(old);
	MemoryContextReset(l->step_context);
	return status == SC_OK && isfinite(*loss);
}

int
scpg_learner_look_most(const scpg_learner *l)
{
	return 2 * (l->config.batch_size / l->config.batch_pieces);
}

void
scpg_learner_look(scpg_learner *l, float *out, const sc_image *images, int count)
{
	sc_trainer_look job = {l->core, images, count, out};

	Assert(count >= 1 && count <= scpg_learner_look_most(l));
	scpg_run_on(l->lanes, scpg_core()->sc_trainer_look_run, &job);
}
