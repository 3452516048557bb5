/*-------------------------------------------------------------------------
 *
 * src/pg/model/embed_images_sql.c
 *	  embed_images(): the embeddings of all images of a table, in batches.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "pg/model/embed.h"
#include "pg/server/arguments.h"
#include "pg/server/options.h"
#include "pg/server/progress.h"
#include "pg/table/reader.h"
#include "pg/table/skips.h"
#include "pg/table/source.h"
#include "pg/type/embedding.h"

PG_FUNCTION_INFO_V1(scpg_embed_images);
PG_FUNCTION_INFO_V1(scpg_embed_images_key);

/* Images that the encoder takes at once, if there is memory for so many. */
#define BATCH 64

typedef struct embed_options
{
	char **id_column;
	char *image_column;
	scpg_on_error on_error;
} embed_options;

static const scpg_option options_table[] = {
	{"id_column", SCPG_OPTION_NAMES, offsetof(embed_options, id_column), .nullable = true},
	{"image_column", SCPG_OPTION_TEXT, offsetof(embed_options, image_column), .nullable = true},
	{"on_error", SCPG_OPTION_ENUM, offsetof(embed_options, on_error), .values = scpg_on_error_names},
};

/* The column that was named, or that the model's recipe names, where this relation has it too. */
static const char *
choose_column(Oid relid, const char *given, const char *recipe)
{
	if (given != NULL)
		return given;
	return recipe != NULL && get_attnum(relid, recipe) > 0 ? recipe : NULL;
}

/* Likewise the columns of the key. */
static char *const *
choose_key(Oid relid, char *const *given, char *const *recipe)
{
	if (given != NULL || recipe == NULL)
		return given;
	for (int i = 0; recipe[i] != NULL; i++)
		if (get_attnum(relid, recipe[i]) <= 0)
			return NULL;
	return recipe;
}

/* One batch of the reader: a row for every image, with NULL for what cannot be read. */
static void
put_rows(ReturnSetInfo *result, const scpg_source *source, bool as_bigint, scpg_encoder *encoder, scpg_skips *skips,
		 const scpg_image_row *rows, int count)
{
	const float *x = scpg_encode_rows(encoder, source, skips, rows, count);

	for (int i = 0; i < count; i++)
	{
		Datum values[2];
		bool nulls[2] = {false, rows[i].status != SC_OK};

		values[0] = scpg_source_key(source, rows[i].id, as_bigint);
		values[1] = (Datum) 0;
		if (!nulls[1])
		{
			values[1] = EmbeddingGetDatum(scpg_embedding_from_floats(x, SC_EMBEDDING_DIM));
			x += SC_EMBEDDING_DIM;
		}
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
}

/* All rows of source; how many. */
static int64
embed_rows(FunctionCallInfo fcinfo, const scpg_source *source, bool as_bigint, scpg_encoder *encoder, scpg_skips *skips)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext batch = AllocSetContextCreate(caller, "selfclass embeddings", ALLOCSET_DEFAULT_SIZES);
	scpg_reader *reader = scpg_reader_open(source, scpg_encoder_image_side(encoder));
	scpg_image_row *rows;
	int64 total = 0;
	int count;

	if (scpg_progress_is_shown())
		scpg_progress_phase("embedding", scpg_reader_count(reader));
	while ((count = scpg_reader_next(reader, &rows)) > 0)
	{
		MemoryContextSwitchTo(batch);
		put_rows((ReturnSetInfo *) fcinfo->resultinfo, source, as_bigint, encoder, skips, rows, count);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(batch);
		total += count;
		scpg_progress_images(total);
	}
	scpg_reader_close(reader);
	MemoryContextDelete(batch);
	return total;
}

/* example: number of the argument that is an example of the key's type, or -1. */
static void
embed_images(FunctionCallInfo fcinfo, int example)
{
	int model_argument = example < 0 ? 1 : 2;
	MemoryContext caller = CurrentMemoryContext;
	scpg_skips skips = {.hint = "Their rows have a null embedding.", .context = CurrentMemoryContext};
	embed_options options = {0};
	scpg_key_request key = {.example = scpg_source_example(fcinfo, example), .returned = true};
	scpg_source source;
	const scpg_recipe *recipe;
	scpg_model *model;
	char *name;
	int64 total = 0;

	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the relation with the images must not be null")));
	key.options = example < 0 ? NULL : scpg_options_argument(fcinfo, 3);
	scpg_options_read(&options, NULL, key.options, options_table, lengthof(options_table));
	skips.on_error = options.on_error;
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	MemoryContextSwitchTo(caller);
	name = scpg_model_name_argument(fcinfo, model_argument);
	model = scpg_model_find_ready(name);
	recipe = scpg_model_recipe(model);
	key.columns = choose_key(PG_GETARG_OID(0), options.id_column, recipe->id_column);
	key.call = psprintf("embed_images(%%t, %%k, %s%%o)", scpg_source_call_literal(name));
	scpg_source_resolve(&source, PG_GETARG_OID(0), &key,
						choose_column(PG_GETARG_OID(0), options.image_column, recipe->image_column), BYTEAOID);
	scpg_source_check_key(&source, fcinfo, example);
	scpg_progress_begin("embed_images", source.relid, name);
	PG_TRY();
	{
		scpg_encoder *encoder = scpg_encoder_of_model(model, BATCH, CurrentMemoryContext);

		total = embed_rows(fcinfo, &source, example < 0, encoder, &skips);
		scpg_encoder_close(encoder);
	}
	PG_FINALLY();
	{
		scpg_progress_end();
	}
	PG_END_TRY();
	SPI_finish();
	MemoryContextSwitchTo(caller);
	scpg_skips_report(&skips, total);
}

Datum
scpg_embed_images(PG_FUNCTION_ARGS)
{
	embed_images(fcinfo, -1);
	return (Datum) 0;
}

Datum
scpg_embed_images_key(PG_FUNCTION_ARGS)
{
	embed_images(fcinfo, 1);
	return (Datum) 0;
}
