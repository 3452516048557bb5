/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_file_sql.c
 *	  export_encoder() and import_encoder(): a model as a safetensors file with
 *	  torchvision's names, to PyTorch, to another database, and from them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"

#include "core/api.h"
#include "pg/model/model_parts.h"
#include "pg/server/arguments.h"
#include "pg/server/compat.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

PG_FUNCTION_INFO_V1(scpg_export_encoder);
PG_FUNCTION_INFO_V1(scpg_export_encoder_with);
PG_FUNCTION_INFO_V1(scpg_import_encoder);

static void
refuse_null(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
}

typedef struct export_options
{
	bool clusters;
} export_options;

static const scpg_option export_table[] = {
	{"clusters", SCPG_OPTION_BOOL, offsetof(export_options, clusters)},
};

static bytea *
export_model(FunctionCallInfo fcinfo, const export_options *options)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch;
	scpg_model *model;
	bytea *result;

	if (PG_ARGISNULL(0))
		refuse_null("the name of the model");
	SPI_connect();
	scratch = AllocSetContextCreate(CurrentMemoryContext, "selfclass weights", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(scratch);
	model = scpg_model_find_ready(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	if (options->clusters)
		scpg_model_require_clustering(model);
	result = scpg_model_file_write(model, options->clusters, caller);
	SPI_finish();
	return result;
}

/* 1.0's export_encoder(text), which views that were made under it may call. */
Datum
scpg_export_encoder(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(export_model(fcinfo, &(export_options){0}));
}

Datum
scpg_export_encoder_with(PG_FUNCTION_ARGS)
{
	export_options options = {0};

	scpg_options_read(&options, NULL, scpg_options_argument(fcinfo, 1), export_table, lengthof(export_table));
	PG_RETURN_BYTEA_P(export_model(fcinfo, &options));
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

/* Weights from elsewhere are single precision; their embeddings must not depend on the CPU. */
static void
settle_precision(scpg_recipe *recipe)
{
	if (recipe->precision == SCPG_PRECISION_AUTO)
		recipe->precision = SCPG_PRECISION_F32;
}

/*
 * The recipe of an import. On entry it is that of the options alone, which is
 * right for a file without a recipe; one that has it gives all that the options
 * leave out.
 */
static void
choose_recipe(scpg_recipe *recipe, scpg_given *given, const Jsonb *options, scpg_model_file *file)
{
	const char *other;

	if (file->has_recipe)
	{
		*recipe = file->recipe;
		scpg_recipe_read_over(recipe, given, options);
	}
	else
	{
		scpg_recipe_suit_foreign_weights(recipe, given);
		if (!SCPG_GIVEN(given, stem))
			recipe->stem = file->small_stem ? SCPG_STEM_SMALL : SCPG_STEM_IMAGENET;
	}
	settle_precision(recipe);
	if (file->clustering.kmeans == NULL)
		return;

	/* Groups of what this encoder does not give are none. */
	settle_precision(&file->recipe);
	other = scpg_recipe_differs(recipe, &file->recipe);
	if (other != NULL)
	{
		ereport(NOTICE, (errmsg("the groups in the file are left out, for \"%s\" is another than theirs", other)));
		file->clustering.kmeans = NULL;
	}
}

static void
tell_ignored(const scpg_model_file *file)
{
	if (file->ignored > 0)
		ereport(NOTICE, (errmsg_plural("%d tensor of the file is no part of the encoder and is left out",
									   "%d tensors of the file are no part of the encoder and are left out",
									   file->ignored, file->ignored),
						 errdetail("Among them: %s.", file->ignored_names)));
}

/* The groups as selfclass_clusters shows them, with the sizes that they had where they come from. */
static void
list_groups(const scpg_model *model, const scpg_model_file *file)
{
	int32 *labels;
	int n;
	scpg_model_group *groups;

	if (!scpg_model_keeps_groups())
		return;
	n = scpg_model_labels(model->kmeans, model->centroid_label, &labels);
	groups = MemoryContextAllocExtended(CurrentMemoryContext, sc_mul(n, sizeof(scpg_model_group)),
										MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		groups[i] = (scpg_model_group){labels[i], scpg_model_clustered_size(model, labels[i]), .mean_distance = NAN,
									   .mean_confidence = NAN};
	}
	scpg_model_keep_clusters(model, groups, n);
	for (int i = 0; i < file->groups.names; i++)
		scpg_model_name_group(model, file->groups.name[i].label, file->groups.name[i].name);
}

Datum
scpg_import_encoder(PG_FUNCTION_ARGS)
{
	Jsonb *options = scpg_options_argument(fcinfo, 2);
	char *name;
	bytea *bytes;
	scpg_model *model;
	scpg_recipe recipe;
	scpg_given given;
	scpg_model_file file;
	uint8 *weights;
	Size size;

	PreventCommandIfReadOnly("import_encoder()");
	if (PG_ARGISNULL(0))
		refuse_null("the name of the model");
	if (PG_ARGISNULL(1))
		refuse_null("the file of the weights");
	name = scpg_model_new_name(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	/* Its clustering suits any encoder. */
	scpg_recipe_read(&recipe, &given, options, SCPG_PRESET_LIGHTLY);

	SPI_connect();
	model = scpg_model_find_own(name);
	if (model != NULL && model->state != SCPG_MODEL_FAILED && !recipe.retrain)
		scpg_model_refuse_existing(name);
	scpg_model_check_triggers(GetUserId(), name);
	bytes = PG_GETARG_BYTEA_PP(1);
	scpg_model_file_read(&file, bytes, SCPG_GIVEN(&given, preset));
	choose_recipe(&recipe, &given, options, &file);
	tell_ignored(&file);
	weights = read_weights(&recipe, bytes, CurrentMemoryContext, &size);
	model = scpg_model_create(name, &recipe, InvalidOid);
	scpg_model_save_weights(model, weights, size, 0);
	scpg_model_finish(model, SCPG_MODEL_READY, 0, 0);
	if (file.clustering.kmeans != NULL)
	{
		scpg_model_groups groups = scpg_model_groups_of(&recipe, file.clustering.kmeans, file.clustering.centroid_label,
														file.clustering.elbow);

		groups.calibration = file.clustering.calibration;
		if (file.has_groups)
		{
			groups.edited = file.groups.edited;
			groups.highest_label = file.groups.highest_label;
		}
		(void) scpg_model_set_clustering(model, &recipe, file.clustering.pca, file.clustering.kmeans,
										 file.clustering.elbow, &groups);
		list_groups(model, &file);
	}
	SPI_finish();
	PG_RETURN_VOID();
}
