/*-------------------------------------------------------------------------
 *
 * src/pg/model/train_sql.c
 *	  The procedures train_encoder and resume_encoder.
 *
 * They commit after every epoch. What they keep lives in the context of the
 * portal (that of SPI, connected non-atomically), the lock on the model's name
 * is the session's, and both are let go in PG_FINALLY.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "pg/model/model_parts.h"
#include "pg/model/train.h"
#include "pg/server/arguments.h"
#include "pg/server/compat.h"
#include "pg/server/progress.h"
#include "pg/table/skips.h"

PG_FUNCTION_INFO_V1(scpg_train_encoder);
PG_FUNCTION_INFO_V1(scpg_resume_encoder);

/* May a new version of this name be trained? An interrupted training is to be resumed. */
static void
check_new(const char *name, bool retrain)
{
	scpg_model *model = scpg_model_find_own(name);

	if (retrain || model == NULL || model->state == SCPG_MODEL_FAILED)
	{
		scpg_model_check_triggers(GetUserId(), name);
		return;
	}
	if (model->state == SCPG_MODEL_READY)
		scpg_model_refuse_existing(name);
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("the training of model \"%s\" was interrupted", name),
			 errhint("CALL resume_encoder('%s') goes on with it; the option \"retrain\": true makes a new version.",
					 name)));
}

static void
train_new(const char *name, Oid relid, const Jsonb *options)
{
	scpg_training training;
	scpg_recipe recipe;
	scpg_given given;
	scpg_key_request key = {.options = options,
							.call = psprintf("CALL train_encoder(%s, %%t%%o)", scpg_source_call_literal(name))};
	scpg_source source;

	scpg_recipe_read(&recipe, &given, options, SCPG_PRESET_AUTO);
	check_new(name, recipe.retrain);
	key.columns = recipe.id_column;
	scpg_source_resolve(&source, relid, &key, recipe.image_column, BYTEAOID);
	scpg_recipe_suit_init(&recipe, &given);
	memset(&training, 0, sizeof(training));
	training.dataset = scpg_dataset_load(&source, recipe.image_side, recipe.on_error, true);
	scpg_skips_report(&training.dataset->skips, training.dataset->rows);
	scpg_recipe_choose(&recipe, &given, training.dataset);
	training.recipe = &recipe;
	training.name = name;
	training.commits = true;
	scpg_train(&training);
	scpg_dataset_close(training.dataset);
}

Datum
scpg_train_encoder(PG_FUNCTION_ARGS)
{
	char *name;
	Oid owner = GetUserId();

	PreventCommandIfReadOnly("train_encoder()");
	scpg_require_commits(fcinfo, "train_encoder()");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	name = scpg_model_new_name(scpg_model_name_argument(fcinfo, 0));
	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the relation with the images must not be null")));
	scpg_model_lock(owner, name);
	scpg_progress_begin("train_encoder", PG_GETARG_OID(1), name);
	PG_TRY();
	{
		train_new(name, PG_GETARG_OID(1), scpg_options_argument(fcinfo, 2));
	}
	PG_FINALLY();
	{
		scpg_progress_end();
		scpg_model_unlock(owner, name);
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}

static void
resume(const char *name)
{
	scpg_training training;
	scpg_recipe recipe;
	scpg_key_request key = {NULL};
	scpg_source source;
	scpg_model *model = scpg_model_find(name, false, true);

	if (model->state != SCPG_MODEL_TRAINING)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("model \"%s\" has no training to go on with", name),
						model->state == SCPG_MODEL_READY ? errdetail("It is ready.") : errdetail("Its training failed."),
						model->state == SCPG_MODEL_READY
							? errhint("CALL train_encoder with the option \"retrain\": true makes a new version.")
							: errhint("CALL train_encoder makes a new version.")));
	scpg_model_check_triggers(model->owner, model->name);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(model->source)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("the relation that model \"%s\" was trained on does not exist any more", name),
				 errhint("CALL train_encoder with the option \"retrain\": true trains a new version on another one.")));
	recipe = *scpg_model_recipe(model);
	key.columns = recipe.id_column;
	scpg_source_resolve(&source, model->source, &key, recipe.image_column, BYTEAOID);
	memset(&training, 0, sizeof(training));
	training.dataset = scpg_dataset_load(&source, recipe.image_side, recipe.on_error, true);
	scpg_skips_report(&training.dataset->skips, training.dataset->rows);
	training.recipe = &recipe;
	training.model = model;
	training.commits = true;
	ereport(NOTICE,
			(errmsg("going on with model \"%s\" after epoch %d of %d", name, model->epochs_done, recipe.epochs)));
	scpg_train(&training);
	scpg_dataset_close(training.dataset);
}

Datum
scpg_resume_encoder(PG_FUNCTION_ARGS)
{
	scpg_model *model;
	char *name;

	PreventCommandIfReadOnly("resume_encoder()");
	scpg_require_commits(fcinfo, "resume_encoder()");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	name = scpg_model_name_argument(fcinfo, 0);
	model = scpg_model_find(name, false, true);
	scpg_model_lock(model->owner, model->name);
	scpg_progress_begin("resume_encoder", model->source, name);
	PG_TRY();
	{
		resume(name);
	}
	PG_FINALLY();
	{
		scpg_progress_end();
		scpg_model_unlock(model->owner, model->name);
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}
