/*-------------------------------------------------------------------------
 *
 * src/pg/model/train.c
 *	  The driver of a training: plan, epochs, log, checkpoints.
 *
 * Every random number of a training is named by (seed, epoch, key of the
 * image), the order of an epoch too. So a training that goes on from weights,
 * momenta and the number of epochs that they have seen makes the same steps as
 * one that was never interrupted, and the order of the rows in the table does
 * not matter.
 *
 * Where it commits, the backend holds no snapshot while it computes, so that
 * hours of training do not keep VACUUM from its work.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include "core/api.h"
#include "pg/model/model_parts.h"
#include "pg/model/train.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/table/dataset.h"

/* Random streams of an image beside those of its two views, which are 0 and 1. */
#define STREAM_SHUFFLE 2
#define STREAM_SAMPLE 3

/* Steps that are timed for a time budget, at most, and the share of it for that. */
#define TIMED_STEPS 3
#define TIMED_SHARE 0.1

#define MAX_EPOCHS 100000
#define BAR_WIDTH 20

/* A place in the random order of an epoch. */
typedef struct shuffled
{
	uint64 rank;
	int64 image; /* ascending by key, so it breaks ties by key */
} shuffled;

typedef struct trainer
{
	scpg_training *training;
	scpg_recipe *recipe;
	scpg_dataset *dataset;
	sc_train_config config;
	int lanes;
	MemoryContext context;		/* goes when the training ends */
	MemoryContext step_context; /* reset after every step */
	sc_trainer *core;
	void *memory; /* of the core's trainer */
	size_t bytes;
	uint8 *stream;		/* room for the weights, and the momenta where there are checkpoints */
	int64 images;		/* that train */
	int64 *sample;		/* (images): which of the dataset's, ascending */
	int64 *order;		/* (images): that of the epoch */
	shuffled *shuffled; /* (images of the dataset) */
	int steps;			/* of an epoch */
	sc_lr_config lr;
} trainer;

static double
seconds_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

/* ---- which images, in which order ----------------------------------------- */

static int
compare_shuffled(const void *a, const void *b)
{
	const shuffled *x = a;
	const shuffled *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->image < y->image ? -1 : x->image > y->image;
}

static int
compare_images(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* Bring image (count) into the random order that seed, epoch and stream name; NULL: all. */
static void
shuffle(trainer *t, int64 *out, const int64 *image, int64 count, int epoch, int stream)
{
	for (int64 i = 0; i < count; i++)
	{
		shuffled *place = &t->shuffled[i];
		sc_rng rng;

		place->image = image != NULL ? image[i] : i;
		rng = sc_rng_stream((uint64) t->recipe->seed, epoch, t->dataset->image[place->image].key, stream);
		place->rank = (uint64) sc_rng_u32(&rng) << 32;
		place->rank |= sc_rng_u32(&rng);
	}
	qsort(t->shuffled, count, sizeof(shuffled), compare_shuffled);
	for (int64 i = 0; i < Min(count, t->images); i++)
		out[i] = t->shuffled[i].image;
}

/* Which images train: all, or train_sample of them at random. */
static void
choose_images(trainer *t)
{
	int64 all = t->dataset->images;
	int batch = t->recipe->batch_size;
	sc_arena arena = sc_arena_counter();

	t->images = t->recipe->train_sample > 0 ? Min(all, t->recipe->train_sample) : all;
	if (t->images < batch)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s has too few readable images for this training", t->dataset->source.relation),
						errdetail("There are %lld, and a batch takes %d.", (long long) t->images, batch)));
	for (int pass = 0; pass < 2; pass++)
	{
		if (pass == 1)
			arena = scpg_arena(t->context, sc_arena_need(&arena), "the order of the images");
		t->sample = SC_TAKE(&arena, int64, t->images);
		t->order = SC_TAKE(&arena, int64, t->images);
		t->shuffled = SC_TAKE(&arena, shuffled, all);
	}
	shuffle(t, t->sample, NULL, all, 0, STREAM_SAMPLE);
	qsort(t->sample, t->images, sizeof(int64), compare_images);

	t->steps = (int) (t->images / batch);
	if (!t->recipe->drop_last && t->images % batch != 0)
		t->steps++;
}

/* ---- the core's trainer --------------------------------------------------- */

/* With weights as the seed gives them. */
static void
create_core(trainer *t)
{
	sc_error err;

	memset(&err, 0, sizeof(err));
	scpg_check(scpg_core()->sc_trainer_create(&t->core, &t->config, t->lanes, t->memory, t->bytes, &err), &err);
}

static void
destroy_core(trainer *t)
{
	if (t->core != NULL)
		scpg_core()->sc_trainer_destroy(t->core);
	t->core = NULL;
}

/* Take all memory that the training needs, or say what that would be. */
static void
plan(trainer *t)
{
	bool momenta = t->training->commits && (t->training->name != NULL || t->training->model != NULL);
	sc_arena arena;
	sc_error err;

	memset(&err, 0, sizeof(err));
	t->config = scpg_recipe_train(t->recipe);
	t->lanes = scpg_lanes();
	scpg_check(scpg_core()->sc_trainer_plan(&t->bytes, &t->config, t->lanes, &err), &err);
	arena = scpg_arena(t->context, sc_add(t->bytes, 2 * SC_ALIGN), "this training");
	t->memory = SC_TAKE(&arena, char, t->bytes);
	create_core(t);
	t->training->size = scpg_core()->sc_trainer_save_bytes(t->core, momenta);
	arena = scpg_arena(CurrentMemoryContext, sc_add(t->training->size, 2 * SC_ALIGN), "this training");
	t->stream = SC_TAKE(&arena, uint8, t->training->size);
	ereport(DEBUG1,
			(errmsg_internal("memory of this training: %zu MB, of them %zu MB for batches of %d images at %d pixels, %zu MB for the weights as they are kept",
							 scpg_memory_taken() >> 20, t->bytes >> 20, t->recipe->batch_size, t->recipe->input_size,
							 (size_t) t->training->size >> 20)));
}

static void
save(trainer *t, bool momenta)
{
	t->training->size = scpg_core()->sc_trainer_save_bytes(t->core, momenta);
	scpg_core()->sc_trainer_save(t->stream, t->core, momenta);
	t->training->weights = t->stream;
}

static void
load(trainer *t, const scpg_model *model, bool initial)
{
	MemoryContext cxt = AllocSetContextCreate(t->context, "selfclass weights", ALLOCSET_SMALL_SIZES);
	Size size;
	uint8 *bytes = scpg_model_load_weights(model, cxt, &size);
	sc_error err;
	sc_status status;

	memset(&err, 0, sizeof(err));
	status = scpg_core()->sc_trainer_load(t->core, bytes, size, &err);
	MemoryContextDelete(cxt);
	if (status == SC_BAD_WEIGHTS)
		ereport(ERROR,
				(errcode(initial ? ERRCODE_INVALID_PARAMETER_VALUE : ERRCODE_DATA_CORRUPTED),
				 errmsg("the training cannot begin with the weights of model \"%s\"", model->name),
				 errdetail("Of these weights: %s.", err.message),
				 initial ? errhint("\"stem\" and the \"proj_\" options must be those of that model's recipe.") : 0));
	scpg_check(status, &err);
}

/* ---- steps and epochs ------------------------------------------------------ */

/*
 * One step; false where the loss is no number. A last batch that is too small
 * (drop_last is off) is filled up with the first images of the epoch.
 */
static bool
run_step(trainer *t, int epoch, int step, double *loss)
{
	MemoryContext old = MemoryContextSwitchTo(t->step_context);
	int batch = t->config.batch_size;
	sc_image *images = palloc(batch * sizeof(sc_image));
	uint64_t *keys = palloc(batch * sizeof(uint64_t));
	int64 *numbers = palloc(batch * sizeof(int64));
	sc_train_step job;
	sc_error err;
	sc_status status;

	for (int i = 0; i < batch; i++)
	{
		numbers[i] = t->order[((int64) step * batch + i) % t->images];
		keys[i] = t->dataset->image[numbers[i]].key;
	}
	scpg_dataset_fetch(t->dataset, images, numbers, batch);

	memset(&job, 0, sizeof(job));
	memset(&err, 0, sizeof(err));
	job.trainer = t->core;
	job.images = images;
	job.keys = keys;
	job.epoch = epoch;
	job.lr = (float) scpg_core()->sc_lr_at(&t->lr, epoch, step);
	status = scpg_try_run_on(t->lanes, scpg_core()->sc_train_step_run, &job, &err);
	if (status != SC_RANGE)
		scpg_check(status, &err);
	*loss = job.loss;
	MemoryContextSwitchTo(old);
	MemoryContextReset(t->step_context);
	return status == SC_OK && isfinite(*loss);
}

/* *loss: the mean of the epoch's steps. */
static bool
run_epoch(trainer *t, int epoch, double *loss)
{
	double sum = 0;

	shuffle(t, t->order, t->sample, t->images, epoch, STREAM_SHUFFLE);
	for (int step = 0; step < t->steps; step++)
	{
		double one;

		if (!run_step(t, epoch, step, &one))
			return false;
		sum += one;
	}
	*loss = sum / t->steps;
	return true;
}

static void
plan_lr(trainer *t)
{
	const scpg_recipe *r = t->recipe;

	t->lr.lr = r->lr;
	t->lr.schedule = r->schedule == SCPG_SCHEDULE_CONSTANT		   ? SC_SCHEDULE_CONSTANT
					 : r->schedule_step == SCPG_SCHEDULE_STEP_STEP ? SC_SCHEDULE_COSINE_STEP
																   : SC_SCHEDULE_COSINE_EPOCH;
	t->lr.warmup_epochs = r->warmup_epochs;
	t->lr.epochs = r->epochs;
	t->lr.steps_per_epoch = t->steps;
}

/*
 * Turn the time budget into a number of epochs, by the fastest of a few steps.
 * They leave no trace: the trainer is then made anew.
 */
static void
plan_time(trainer *t)
{
	double budget = t->recipe->time_budget;
	double fastest = 0;
	double epochs;
	instr_time begin;

	INSTR_TIME_SET_CURRENT(begin);
	shuffle(t, t->order, t->sample, t->images, 0, STREAM_SHUFFLE);
	for (int i = 0; i <= TIMED_STEPS; i++)
	{
		instr_time start;
		double loss;
		double seconds;

		INSTR_TIME_SET_CURRENT(start);
		(void) run_step(t, 0, i % t->steps, &loss);
		seconds = seconds_since(start);
		/* The first step also makes what later ones reuse. */
		if (i > 0 && (fastest == 0 || seconds < fastest))
			fastest = seconds;
		if (i > 0 && seconds_since(begin) > TIMED_SHARE * budget)
			break;
	}
	epochs = floor((budget - seconds_since(begin)) / Max(fastest * t->steps, 1e-9));
	t->recipe->epochs = (int) Max(1, Min(MAX_EPOCHS, epochs));
	t->recipe->warmup_epochs = Min(t->recipe->warmup_epochs, t->recipe->epochs);
	ereport(NOTICE, (errmsg("time budget of %g seconds: %d epochs of %.3g seconds", budget, t->recipe->epochs,
							fastest * t->steps)));
	destroy_core(t);
	create_core(t);
}

/* ---- what the user sees ---------------------------------------------------- */

static char *
clock_text(double seconds)
{
	int64 s = (int64) rint(Max(0, seconds));

	return s < 3600 ? psprintf("%d:%02d", (int) (s / 60), (int) (s % 60))
					: psprintf("%lld:%02d:%02d", (long long) (s / 3600), (int) (s / 60 % 60), (int) (s % 60));
}

static void
tell_epoch(const trainer *t, int done, double loss, double images_per_second, double seconds_left)
{
	char bar[BAR_WIDTH + 1];
	char *left = clock_text(seconds_left);
	int full = (int) ((int64) BAR_WIDTH * done / t->recipe->epochs);

	memset(bar, '#', full);
	memset(bar + full, '-', BAR_WIDTH - full);
	bar[BAR_WIDTH] = '\0';
	ereport(NOTICE, (errmsg("epoch %3d/%d [%s] loss %.4f, %.0f images/s, %s left", done, t->recipe->epochs, bar, loss,
							images_per_second, left)));
	pfree(left);
}

/* A model that learned nothing usable is never published. */
static void
refuse_diverged(trainer *t, int epoch)
{
	scpg_training *training = t->training;

	if (training->model != NULL && training->commits)
	{
		scpg_model_finish(training->model, SCPG_MODEL_FAILED, t->dataset->images, t->dataset->skips.count);
		SPI_commit();
	}
	ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("the training diverged in epoch %d", epoch),
					errdetail("The loss, or a weight, is no finite number any more."),
					errhint("Give a lower \"lr\" than %g, or a few \"warmup_epochs\".", t->recipe->lr)));
}

/* ---- the training ---------------------------------------------------------- */

/* Make or take up the model; the epochs that its weights have seen. */
static int
begin(trainer *t)
{
	scpg_training *training = t->training;
	scpg_model *model = training->model;
	int done = 0;

	if (model != NULL && model->weights_bytes > 0)
	{
		load(t, model, false);
		done = model->epochs_done;
	}
	else if (t->recipe->init != NULL)
	{
		scpg_model *initial = scpg_model_find_ready(t->recipe->init);

		load(t, initial, true);
		/* The name may mean another version when this training is resumed. */
		t->recipe->init = scpg_model_full_name(initial);
	}
	if (model == NULL && training->name != NULL)
		training->model = scpg_model_create(training->name, t->recipe, t->dataset->source.relid);
	if (training->commits)
		SPI_commit();
	return done;
}

static void
run_epochs(trainer *t, int first)
{
	scpg_training *training = t->training;
	instr_time checkpoint;
	double total = 0;

	INSTR_TIME_SET_CURRENT(checkpoint);
	for (int epoch = first; epoch < t->recipe->epochs; epoch++)
	{
		instr_time start;
		double loss;
		double seconds;
		double rate;

		INSTR_TIME_SET_CURRENT(start);
		if (!run_epoch(t, epoch, &loss))
			refuse_diverged(t, epoch + 1);
		seconds = Max(seconds_since(start), 1e-6);
		total += seconds;
		rate = (double) t->steps * t->config.batch_size / seconds;
		if (training->model != NULL)
			scpg_model_log_epoch(training->model, epoch + 1, loss, scpg_core()->sc_lr_at(&t->lr, epoch, 0), rate);
		if (training->model != NULL && training->commits && epoch + 1 < t->recipe->epochs &&
			seconds_since(checkpoint) >= t->recipe->checkpoint_interval)
		{
			save(t, true);
			scpg_model_save_weights(training->model, training->weights, training->size, epoch + 1);
			INSTR_TIME_SET_CURRENT(checkpoint);
		}
		if (training->commits)
			SPI_commit();
		tell_epoch(t, epoch + 1, loss, rate, total / (epoch + 1 - first) * (t->recipe->epochs - epoch - 1));
	}
}

static void
finish(trainer *t)
{
	scpg_training *training = t->training;
	sc_error err;

	save(t, false);
	/* Reading them back looks at every number. */
	memset(&err, 0, sizeof(err));
	if (t->recipe->epochs > 0 && scpg_core()->sc_trainer_load(t->core, training->weights, training->size, &err) != SC_OK)
		refuse_diverged(t, t->recipe->epochs);
	if (training->model != NULL)
	{
		scpg_model_save_weights(training->model, training->weights, training->size, t->recipe->epochs);
		scpg_model_finish(training->model, SCPG_MODEL_READY, t->dataset->images, t->dataset->skips.count);
	}
	if (training->commits)
		SPI_commit();
}

void
scpg_train(scpg_training *training)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass training", ALLOCSET_DEFAULT_SIZES);
	trainer *t = MemoryContextAllocZero(cxt, sizeof(trainer));

	t->training = training;
	t->recipe = training->recipe;
	t->dataset = training->dataset;
	t->context = cxt;
	t->step_context = AllocSetContextCreate(cxt, "selfclass step", ALLOCSET_DEFAULT_SIZES);
	PG_TRY();
	{
		choose_images(t);
		plan(t);
		if (training->model == NULL && t->recipe->time_budget > 0)
		{
			plan_lr(t);
			plan_time(t);
		}
		plan_lr(t);
		run_epochs(t, begin(t));
		finish(t);
	}
	PG_FINALLY();
	{
		destroy_core(t);
	}
	PG_END_TRY();
	MemoryContextDelete(cxt);
}

/* ---- what trainings have in common ------------------------------------------ */

void
scpg_recipe_choose_for(scpg_recipe *recipe, const scpg_given *given, const scpg_dataset *dataset)
{
	scpg_image_stats stats = {.images = dataset->images,
							  .median_side = dataset->median_side,
							  .gray_share = dataset->gray_share,
							  .stroke_share = dataset->stroke_share};

	scpg_recipe_choose(recipe, given, &stats);
}
