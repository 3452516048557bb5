/*-------------------------------------------------------------------------
 *
 * src/pg/model/embed.c
 *	  Encoders in memory, and embedding many images with them.
 *
 * Decoding a batch and the net on it take turns. Both run on all lanes, a few
 * pictures a lane, so done at the same time they would take each other's CPUs.
 * What could go beside them is the backend's own thread alone, which fetches the
 * pictures: of 256 photos of 27 kB, at 128 pixels on two lanes, it has 120 ms of
 * 2,250 ms of CPU time, the model's weights included (Zen 4, bf16).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/model/embed.h"
#include "pg/model/model_parts.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/progress.h"
#include "pg/table/dataset.h"

struct scpg_encoder
{
	sc_encoder *core;
	int max_batch;
	int lanes; /* that its memory is planned for */
	int image_side;
	Size bytes;
	MemoryContext context;
	MemoryContextCallback callback;
};

static void
destroy(void *arg)
{
	scpg_encoder *encoder = arg;

	scpg_core()->sc_encoder_destroy(encoder->core);
	encoder->core = NULL;
}

/* Memory for the largest batch, up to max_batch, that there is room for. */
static void
plan(scpg_encoder *encoder, const sc_encoder_config *config, int max_batch)
{
	sc_error err;

	encoder->lanes = scpg_lanes();
	for (encoder->max_batch = max_batch;; encoder->max_batch = (encoder->max_batch + 1) / 2)
	{
		scpg_check(scpg_core()->sc_encoder_plan(&encoder->bytes, config, encoder->max_batch, encoder->lanes, &err),
				   &err);
		if (encoder->max_batch == 1 || encoder->bytes <= scpg_memory_left() / 2)
			return;
	}
}

/* The encoder, or NULL and the error where the weights are of the wrong form. */
static scpg_encoder *
make(const scpg_recipe *recipe, const uint8 *weights, Size size, int max_batch, MemoryContext parent, sc_error *err)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass encoder", ALLOCSET_SMALL_SIZES);
	scpg_encoder *encoder = MemoryContextAllocZero(cxt, sizeof(scpg_encoder));
	sc_encoder_config config = scpg_recipe_encoder(recipe);
	sc_arena arena;
	sc_encoder_making job;
	sc_status status;

	Assert(max_batch >= 1);
	encoder->context = cxt;
	encoder->image_side = recipe->image_side;
	scpg_warn_forbidden_code(config.net.precision, false);
	plan(encoder, &config, max_batch);
	arena = scpg_arena(cxt, sc_add(encoder->bytes, 2 * SC_ALIGN), "the encoder");
	job = (sc_encoder_making){&encoder->core, &config, encoder->max_batch, encoder->lanes, weights, size};
	job.memory = SC_TAKE(&arena, char, encoder->bytes);
	job.bytes = encoder->bytes;
	/* From here on its context frees what it holds outside, after an error or a cancel too. */
	encoder->callback.func = destroy;
	encoder->callback.arg = encoder;
	MemoryContextRegisterResetCallback(cxt, &encoder->callback);
	status = scpg_try_run_on(1, scpg_core()->sc_encoder_create_run, &job, err);
	encoder->bytes = sc_add(encoder->bytes, 2 * SC_ALIGN);
	if (status != SC_OK)
	{
		MemoryContextDelete(cxt);
		if (status != SC_BAD_WEIGHTS)
			scpg_check(status, err);
		return NULL;
	}
	MemoryContextSetParent(cxt, parent);
	return encoder;
}

scpg_encoder *
scpg_encoder_make(const scpg_recipe *recipe, const uint8 *weights, Size size, int max_batch, MemoryContext cxt)
{
	sc_error err;
	scpg_encoder *encoder = make(recipe, weights, size, max_batch, cxt, &err);

	if (encoder == NULL)
		scpg_check(SC_BAD_WEIGHTS, &err);
	return encoder;
}

scpg_encoder *
scpg_encoder_of_model(const scpg_model *model, int max_batch, MemoryContext cxt)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "selfclass weights", ALLOCSET_SMALL_SIZES);
	scpg_encoder *encoder;
	uint8 *weights;
	Size size;
	sc_error err;

	MemoryContextSwitchTo(scratch);
	weights = scpg_model_load_weights(model, scratch, &size);
	encoder = make(scpg_model_recipe(model), weights, size, max_batch, cxt, &err);
	if (encoder == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("the stored weights of model \"%s\" are corrupt", model->name),
				 errdetail_internal("%s", err.message)));
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return encoder;
}

void
scpg_encoder_close(scpg_encoder *encoder)
{
	MemoryContextDelete(encoder->context);
}

Size
scpg_encoder_bytes(const scpg_encoder *encoder)
{
	return encoder->bytes;
}

int
scpg_encoder_image_side(const scpg_encoder *encoder)
{
	return encoder->image_side;
}

void
scpg_encode(scpg_encoder *encoder, float *out, const sc_image *images, int count)
{
	for (int begin = 0; begin < count; begin += encoder->max_batch)
	{
		sc_embed_batch batch = {encoder->core, images + begin, Min(encoder->max_batch, count - begin),
								out + (Size) begin * SC_EMBEDDING_DIM};

		scpg_run_on(encoder->lanes, scpg_core()->sc_embed_batch_run, &batch);
	}
}

const float *
scpg_encode_rows(scpg_encoder *encoder, const scpg_source *source, scpg_skips *skips, const scpg_image_row *rows,
				 int count)
{
	sc_image *images = palloc(sizeof(sc_image) * count);
	float *x = palloc(sizeof(float) * SC_EMBEDDING_DIM * count);
	int readable = 0;

	for (int i = 0; i < count; i++)
	{
		if (rows[i].status == SC_OK)
			images[readable++] = rows[i].image;
		else
			scpg_skips_add(skips, source, rows[i].id, &rows[i].error);
	}
	scpg_encode(encoder, x, images, readable);
	return x;
}

typedef struct encoding
{
	scpg_encoder *encoder;
	float *out;
} encoding;

static void
encode_some(void *arg, const sc_image *images, int64 first, int count)
{
	encoding *e = arg;

	scpg_encode(e->encoder, e->out + first * SC_EMBEDDING_DIM, images, count);
	scpg_progress_images(first + count);
}

void
scpg_encode_dataset(scpg_encoder *encoder, float *out, scpg_dataset *dataset)
{
	encoding e = {encoder, out};

	scpg_progress_phase("embedding", dataset->images);
	scpg_dataset_walk(dataset, dataset->images, encoder->max_batch, encode_some, &e);
}
