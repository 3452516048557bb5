/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_file_sql.c
 *	  export_encoder() and import_encoder(): weights as a safetensors file with
 *	  torchvision's names, to PyTorch and from it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "core/api.h"
#include "pg/model/model_parts.h"
#include "pg/server/compat.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

PG_FUNCTION_INFO_V1(scpg_export_encoder);
PG_FUNCTION_INFO_V1(scpg_import_encoder);

static void
refuse_null(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
}

Datum
scpg_export_encoder(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch;
	scpg_model *model;
	uint8 *weights;
	bytea *result;
	Size size;

	if (PG_ARGISNULL(0))
		refuse_null("the name of the model");
	SPI_connect();
	scratch = AllocSetContextCreate(CurrentMemoryContext, "selfclass weights", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(scratch);
	model = scpg_model_find_ready(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	weights = scpg_model_load_weights(model, scratch, &size);
	result = MemoryContextAlloc(caller, VARHDRSZ + size);
	SET_VARSIZE(result, VARHDRSZ + size);
	memcpy(VARDATA(result), weights, size);
	SPI_finish();
	PG_RETURN_BYTEA_P(result);
}

static sc_weights_file
look(const bytea *file)
{
	sc_weights_file seen;
	sc_error err;

	scpg_check(scpg_core()->sc_weights_look(&seen, (const uint8 *) VARDATA_ANY(file), VARSIZE_ANY_EXHDR(file), &err),
			   &err);
	return seen;
}

/* The file as a training would store it: checked, whole, in float, without what is not the network's. */
static uint8 *
read_weights(const scpg_recipe *recipe, const bytea *file, MemoryContext cxt, Size *size)
{
	const sc_core_api *core = scpg_core();
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "selfclass import", ALLOCSET_SMALL_SIZES);
	sc_train_config config = scpg_recipe_train(recipe);
	sc_weights_importing job = {.config = &config,
								.bytes = (const uint8 *) VARDATA_ANY(file),
								.size = VARSIZE_ANY_EXHDR(file)};
	sc_arena arena;
	Size bytes;

	core->sc_weights_import_bytes(size, &bytes, &config);
	arena = scpg_arena(cxt, sc_add(*size, 2 * SC_ALIGN), "the weights of a model");
	job.out = SC_TAKE(&arena, uint8, *size);
	arena = scpg_arena(scratch, sc_add(bytes, 2 * SC_ALIGN), "the encoder");
	job.scratch = SC_TAKE(&arena, char, bytes);
	scpg_run_on(1, core->sc_weights_import_run, &job);
	MemoryContextDelete(scratch);
	return job.out;
}

Datum
scpg_import_encoder(PG_FUNCTION_ARGS)
{
	Jsonb *options = PG_ARGISNULL(2) ? NULL : PG_GETARG_JSONB_P(2);
	char *name;
	bytea *file;
	scpg_model *model;
	scpg_recipe recipe;
	scpg_given given;
	uint8 *weights;
	Size size;

	PreventCommandIfReadOnly("import_encoder()");
	if (PG_ARGISNULL(0))
		refuse_null("the name of the model");
	if (PG_ARGISNULL(1))
		refuse_null("the file of the weights");
	name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	scpg_model_check_name(name);
	/* Its clustering suits any encoder. */
	scpg_recipe_read(&recipe, &given, options, SCPG_PRESET_LIGHTLY);

	SPI_connect();
	model = scpg_model_find(name, true, false);
	if (model != NULL && model->owner == GetUserId() && model->state != SCPG_MODEL_FAILED && !recipe.retrain)
		scpg_model_refuse_existing(name);
	file = PG_GETARG_BYTEA_PP(1);
	/* Which first convolution the network has shows in the file, where no option says it. */
	if (!SCPG_GIVEN(&given, stem))
		recipe.stem = look(file).small_stem ? SCPG_STEM_SMALL : SCPG_STEM_IMAGENET;
	/* Weights from elsewhere are single precision; their embeddings must not depend on the CPU. */
	if (recipe.precision == SCPG_PRECISION_AUTO)
		recipe.precision = SCPG_PRECISION_F32;
	weights = read_weights(&recipe, file, CurrentMemoryContext, &size);
	model = scpg_model_create(name, &recipe, InvalidOid);
	scpg_model_save_weights(model, weights, size, 0);
	scpg_model_finish(model, SCPG_MODEL_READY, 0, 0);
	SPI_finish();
	PG_RETURN_VOID();
}
