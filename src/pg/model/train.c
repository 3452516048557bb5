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

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "portability/instr_time.h"
#include "utils/memutils.h"

#include "core/api.h"
#include "pg/model/model_parts.h"
#include "pg/model/train.h"
#include "pg/model/train_parts.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/progress.h"
#include "pg/table/dataset.h"

/* Steps that are timed for a time budget, at most, and the share of it for that. */
#define TIMED_STEPS 3
#define TIMED_SHARE 0.1

/* That a time budget may come to: as many as the option "epochs" takes. */
#define MAX_EPOCHS 100000

#define BAR_WIDTH 20

/* A training as it runs. */
typedef struct trainer
{
	scpg_training *training; /* what is asked for, and the result */
	scpg_order order;
	scpg_neighbors neighbors;
	scpg_self_labels labels;
	scpg_learner learner;
	sc_lr_config lr;
	int64 dead_weights; /* as scpg_model_tell_dead_weights counts them */
} trainer;

static double
seconds_since(instr_time start)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, start);
	return INSTR_TIME_GET_DOUBLE(now);
}

/* ---- epochs ------------------------------------------------------------------ */

static double
lr_at(const trainer *t, int epoch, int step)
{
	return scpg_core()->sc_lr_at(&t->lr, epoch, step);
}

static bool
run_step(trainer *t, const scpg_positives *positives, int epoch, int step, double *loss)
{
	return scpg_learner_step(&t->learner, &t->order, positives, epoch, step, lr_at(t, epoch, step), loss);
}

/* *loss: the mean of the epoch's steps. false: it, or what the encoder sees, is no number. */
static bool
run_epoch(trainer *t, int epoch, double *loss)
{
	scpg_positives positives = {0};
	double sum = 0;

	if (scpg_self_labels_count(&t->labels, t->training->recipe, epoch))
	{
		positives.labels = &t->labels;
		if (!scpg_self_labels_find(positives.labels, &t->learner, &t->order))
			return false;
	}
	else if (scpg_neighbors_count(&t->neighbors, t->training->recipe, epoch))
	{
		positives.neighbors = &t->neighbors;
		if (!scpg_neighbors_find(positives.neighbors, &t->learner, &t->order))
			return false;
	}
	scpg_order_shuffle(&t->order, epoch);
	for (int step = 0; step < t->order.steps; step++)
	{
		double one;

		if (!run_step(t, &positives, epoch, step, &one))
			return false;
		sum += one;
		scpg_progress_images(Min(t->order.images, (int64) (step + 1) * t->order.batch));
	}
	*loss = sum / t->order.steps;
	return true;
}

static void
plan_lr(trainer *t)
{
	const scpg_recipe *r = t->training->recipe;

	t->lr.lr = r->lr;
	t->lr.schedule = r->schedule == SCPG_SCHEDULE_CONSTANT		   ? SC_SCHEDULE_CONSTANT
					 : r->schedule_step == SCPG_SCHEDULE_STEP_STEP ? SC_SCHEDULE_COSINE_STEP
																   : SC_SCHEDULE_COSINE_EPOCH;
	t->lr.warmup_epochs = r->warmup_epochs;
	t->lr.epochs = r->epochs;
	t->lr.steps_per_epoch = t->order.steps;
}

/* The share of the epochs before the first that begins with a look at all images. */
static double
looks_from(const scpg_recipe *recipe)
{
	return recipe->neighbor_prob > 0 ? Min(recipe->neighbor_start, recipe->self_label_start) : recipe->self_label_start;
}

/*
 * Turn the time budget into a number of epochs, by the fastest of a few steps.
 * They leave no trace: the trainer is then made anew.
 */
static void
plan_time(trainer *t)
{
	static const scpg_positives none = {0};
	scpg_recipe *recipe = t->training->recipe;
	double budget = recipe->time_budget;
	int steps = t->order.steps;
	double fastest = 0;
	double seconds;
	double epochs;
	instr_time begin;

	INSTR_TIME_SET_CURRENT(begin);
	scpg_order_shuffle(&t->order, 0);
	for (int i = 0; i <= TIMED_STEPS; i++)
	{
		instr_time start;
		double loss;

		INSTR_TIME_SET_CURRENT(start);
		(void) run_step(t, &none, 0, i % steps, &loss);
		seconds = seconds_since(start);
		/* The first step also makes what later ones reuse. */
		if (i > 0 && (fastest == 0 || seconds < fastest))
			fastest = seconds;
		if (i > 0 && seconds_since(begin) > TIMED_SHARE * budget)
			break;
	}
	seconds = fastest * steps;
	seconds *= 1 + SCPG_LOOK_COST * (1 - looks_from(recipe));
	epochs = floor((budget - seconds_since(begin)) / Max(seconds, 1e-9));
	recipe->epochs = (int) Max(1, Min(MAX_EPOCHS, epochs));
	recipe->warmup_epochs = Min(recipe->warmup_epochs, recipe->epochs);
	ereport(NOTICE, (errmsg("time budget of %g seconds: %d %s of %.3g seconds", budget, recipe->epochs,
							recipe->epochs == 1 ? "epoch" : "epochs", seconds)));
	scpg_learner_restart(&t->learner);
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
	int epochs = t->training->recipe->epochs;
	int full = (int) ((int64) BAR_WIDTH * done / epochs);

	memset(bar, '#', full);
	memset(bar + full, '-', BAR_WIDTH - full);
	bar[BAR_WIDTH] = '\0';
	ereport(NOTICE, (errmsg("epoch %3d/%d [%s] loss %.4f, %.0f images/s, %s left", done, epochs, bar, loss,
							images_per_second, left)));
	pfree(left);
}

/* A model that learned nothing usable is never published. */
static void
fail_model(trainer *t)
{
	scpg_training *training = t->training;

	if (training->model != NULL && training->commits)
	{
		scpg_model_finish(training->model, SCPG_MODEL_FAILED, training->dataset->images, training->dataset->skips.count);
		SPI_commit();
	}
}

static void
refuse_diverged(trainer *t, int epoch)
{
	scpg_training *training = t->training;

	fail_model(t);
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("the training diverged in epoch %d", epoch),
			 errdetail("The loss, or a weight, is no finite number any more."),
			 training->recipe->hog_weight > 0
				 ? errhint("Give a lower \"lr\" than %g, a lower \"hog_weight\" than %g, or a few \"warmup_epochs\".",
						   training->recipe->lr, training->recipe->hog_weight)
				 : errhint("Give a lower \"lr\" than %g, or a few \"warmup_epochs\".", training->recipe->lr)));
}

static void
refuse_collapsed(trainer *t, int images, const scpg_spread *spread)
{
	const scpg_recipe *recipe = t->training->recipe;

	fail_model(t);
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("the training collapsed: all embeddings are alike"),
			 errdetail("Those of %d different images differ by %.2g of their length.", images,
					   sqrt(Min(spread->embeddings, spread->directions))),
			 errhint("Give a lower \"lr\" than %g, a few \"warmup_epochs\", or another \"temperature\" than %g.",
					 recipe->lr, recipe->temperature)));
}

/* ---- the training ---------------------------------------------------------- */

/*
 * Load the weights of the model that a training that goes on began with, which
 * may be gone by now, or be another one under its name.
 */
static bool
load_initial(trainer *t)
{
	const scpg_recipe *recipe = t->training->recipe;
	scpg_model *initial = scpg_model_find(recipe->init, true, false);
	const scpg_recipe *its;

	if (initial == NULL || initial->state != SCPG_MODEL_READY)
		return false;
	its = scpg_model_recipe(initial);
	if (its->stem != recipe->stem || its->proj_hidden_dim != recipe->proj_hidden_dim ||
		its->proj_out_dim != recipe->proj_out_dim || its->proj_batch_norm != recipe->proj_batch_norm)
		return false;
	scpg_learner_load(&t->learner, initial, true);
	return true;
}

/* Give the learner the weights that it began with; false where those of another model are not known any more. */
static bool
begin_anew(trainer *t)
{
	if (t->training->recipe->init != NULL)
		return load_initial(t);
	scpg_learner_restart(&t->learner);
	return true;
}

/*
 * Has the trained encoder collapsed? Its weights are in the stream already; the
 * learner loses them where the question is what the first ones made of the same
 * images.
 */
static void
check_collapse(trainer *t)
{
	/* No spread is larger. */
	static const scpg_spread most = {1, 1};
	double temperature = t->training->recipe->temperature;
	scpg_sample sample;
	scpg_spread before, after;
	bool known;

	scpg_sample_choose(&sample, t->training->dataset, t->training->recipe);
	if (sample.count < 2)
		return;
	scpg_spread_measure(&after, &sample, &t->learner);
	if (!scpg_spread_is_gone(&most, &after, temperature))
		return;
	known = begin_anew(t);
	if (known)
		scpg_spread_measure(&before, &sample, &t->learner);
	if (scpg_spread_is_gone(known ? &before : NULL, &after, temperature))
		refuse_collapsed(t, sample.count, &after);
}

/* Make or take up the model; the epochs that its weights have seen. */
static int
begin(trainer *t)
{
	scpg_training *training = t->training;
	scpg_model *model = training->model;
	scpg_recipe *recipe = training->recipe;
	bool goes_on = model != NULL && model->weights_bytes > 0;
	int done = 0;

	if (recipe->init != NULL && !goes_on)
	{
		/* Whoever resumes it: the name is one that its owner gave. */
		scpg_model *initial = scpg_model_find_ready_as(recipe->init, model != NULL ? model->owner : GetUserId());

		scpg_learner_load(&t->learner, initial, true);
		/* The name may mean another version when this training is resumed. */
		recipe->init = scpg_model_full_name(initial);
	}
	if (goes_on)
	{
		scpg_learner_load(&t->learner, model, false);
		done = model->epochs_done;
	}
	if (model == NULL && training->name != NULL)
		training->model = scpg_model_create(training->name, recipe, training->dataset->source.relid);
	if (training->model != NULL && training->commits)
		scpg_model_keep_arithmetic(training->model, goes_on);
	if (training->commits)
		SPI_commit();
	return done;
}

/* The weights as they are now, into the result; with the momenta, by which a training can go on. */
static void
save(trainer *t, bool momenta)
{
	t->training->size = scpg_learner_save(&t->learner, momenta);
	t->training->weights = t->learner.stream;
}

/* What the model keeps of an epoch that is done, and a commit. */
static void
keep_epoch(trainer *t, int done, double loss, double rate, instr_time *checkpoint)
{
	scpg_training *training = t->training;
	scpg_model *model = training->model;
	int64 replaced = 0;

	if (model != NULL)
		scpg_model_log_epoch(model, done, loss, lr_at(t, done - 1, 0), rate);
	if (model != NULL && training->commits && done < training->recipe->epochs &&
		seconds_since(*checkpoint) >= training->recipe->checkpoint_interval)
	{
		save(t, true);
		replaced = model->weights_bytes;
		scpg_model_save_weights(model, training->weights, training->size, done);
		INSTR_TIME_SET_CURRENT(*checkpoint);
	}
	if (training->commits)
		SPI_commit();
	if (replaced > 0)
		scpg_model_tell_dead_weights(replaced, &t->dead_weights);
}

static void
run_epochs(trainer *t, int first)
{
	int epochs = t->training->recipe->epochs;
	instr_time checkpoint;
	double total = 0;

	INSTR_TIME_SET_CURRENT(checkpoint);
	scpg_progress_epochs(epochs, first);
	for (int epoch = first; epoch < epochs; epoch++)
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
		rate = (double) t->order.steps * t->order.batch / seconds;
		scpg_progress_epoch(epoch + 1, loss);
		keep_epoch(t, epoch + 1, loss, rate, &checkpoint);
		tell_epoch(t, epoch + 1, loss, rate, total / (epoch + 1 - first) * (epochs - epoch - 1));
	}
}

static void
finish(trainer *t)
{
	scpg_training *training = t->training;
	int epochs = training->recipe->epochs;

	save(t, false);
	if (epochs > 0)
	{
		if (!scpg_learner_check(&t->learner, training->size))
			refuse_diverged(t, epochs);
		check_collapse(t);
	}
	if (training->model != NULL)
	{
		scpg_model_save_weights(training->model, training->weights, training->size, epochs);
		scpg_model_finish(training->model, SCPG_MODEL_READY, training->dataset->images, training->dataset->skips.count);
	}
	if (training->commits)
		SPI_commit();
}

/*
 * Checkpoints more often than the default were asked for: what that writes. At
 * most, for there is no more than one an epoch.
 */
static void
tell_checkpoints(const trainer *t)
{
	const scpg_recipe *recipe = t->training->recipe;
	double bytes = (double) scpg_core()->sc_trainer_save_bytes(t->learner.core, true);
	double seconds = recipe->checkpoint_interval;

	if (recipe->epochs == 0 || seconds >= scpg_recipe_checkpoint_interval(recipe))
		return;
	ereport(NOTICE,
			(errmsg("a checkpoint of %.0f MB every %g s is up to %.3g GB of WAL an hour", bytes / 1e6, seconds,
					bytes / 1e9 * 3600 / seconds),
			 errdetail("The default is %g seconds for a training of this size.", scpg_recipe_checkpoint_interval(recipe)),
			 errhint("The old rows of \"selfclass_model_weights\" grow as fast between two rounds of autovacuum.")));
}

static void
tell_no_epochs(const scpg_recipe *recipe)
{
	if (recipe->init == NULL)
		ereport(NOTICE, (errmsg("0 epochs: nothing is learned, and the weights are random, for comparison")));
	else
		ereport(NOTICE, (errmsg("0 epochs: nothing is learned, and the weights are those of %s", recipe->init)));
}

void
scpg_train(scpg_training *training)
{
	int first;
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass training", ALLOCSET_DEFAULT_SIZES);
	trainer *t = MemoryContextAllocZero(cxt, sizeof(trainer));
	bool checkpoints = training->commits && (training->name != NULL || training->model != NULL);

	Assert(training->recipe != NULL && training->dataset != NULL);
	Assert(training->name == NULL || training->model == NULL);
	t->training = training;
	PG_TRY();
	{
		scpg_order_init(&t->order, training->dataset, training->recipe, cxt);
		scpg_progress_phase("training", t->order.images);
		scpg_neighbors_init(&t->neighbors, training->recipe, &t->order, cxt);
		scpg_self_labels_init(&t->labels, training->recipe, &t->order, cxt);
		scpg_learner_plan(&t->learner, training->recipe, checkpoints, cxt);
		if (checkpoints && training->model == NULL)
			tell_checkpoints(t);
		if (training->model == NULL && training->recipe->time_budget > 0)
		{
			plan_lr(t);
			plan_time(t);
		}
		plan_lr(t);
		first = begin(t);
		if (training->recipe->epochs == 0)
			tell_no_epochs(training->recipe);
		run_epochs(t, first);
		finish(t);
	}
	PG_FINALLY();
	{
		scpg_learner_destroy(&t->learner);
	}
	PG_END_TRY();
	MemoryContextDelete(cxt);
}

/* ---- what trainings have in common ------------------------------------------ */

void
scpg_require_commits(FunctionCallInfo fcinfo, const char *procedure)
{
	if (fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		castNode(CallContext, fcinfo->context)->atomic || IsSubTransaction())
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION),
				 errmsg("%s cannot run inside a transaction block", procedure), errdetail("It commits as it goes."),
				 errhint(
					 "Turn autocommit on, and call it outside of BEGIN ... COMMIT, functions and exception handlers.")));
}
