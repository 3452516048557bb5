/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/refresh_clusters_sql.c
 *	  refresh_clusters: rows that arrived since a model's label table was filled
 *	  get their groups; those that are gone go.
 *
 * The groups stay as they are: each new row is of the one that assign_cluster
 * says. Only what the label table lacks is read and embedded, batch by batch.
 * That is an edit of the groups, so one at a time, and it can be taken back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "pg/cluster/assign.h"
#include "pg/cluster/call_arguments.h"
#include "pg/cluster/edit_log.h"
#include "pg/cluster/label_table_parts.h"
#include "pg/model/calibration.h"
#include "pg/model/embed.h"
#include "pg/server/arguments.h"
#include "pg/server/compat.h"
#include "pg/server/extension.h"
#include "pg/server/options.h"
#include "pg/server/progress.h"
#include "pg/server/result.h"
#include "pg/table/reader.h"
#include "pg/table/skips.h"
#include "pg/type/embedding.h"

/* Images that are embedded at once, and stored embeddings that are fetched at once. */
#define EMBED_BATCH 64
#define FETCH_ROWS 1000

typedef struct refresh_options
{
	bool remove;
	char *embedding_column;
	char **id_column;
	char *image_column;
	scpg_on_error on_error;
} refresh_options;

static const scpg_option options_table[] = {
	{"remove", SCPG_OPTION_BOOL, offsetof(refresh_options, remove)},
	{"embedding_column", SCPG_OPTION_TEXT, offsetof(refresh_options, embedding_column), .nullable = true},
	{"id_column", SCPG_OPTION_NAMES, offsetof(refresh_options, id_column), .nullable = true},
	{"image_column", SCPG_OPTION_TEXT, offsetof(refresh_options, image_column), .nullable = true},
	{"on_error", SCPG_OPTION_ENUM, offsetof(refresh_options, on_error), .values = scpg_on_error_names},
};

typedef struct refresh
{
	refresh_options options;
	const Jsonb *asked; /* the options as they were given, or NULL */
	scpg_model *model;
	scpg_label_table table;
	scpg_source source;
	scpg_edit *edit;
	bool recorded;
	scpg_label_writer *writer;
	sc_space plot;
	bool normalize; /* before the plot */

	int64 added;
	int64 removed;
	int64 unreadable;
	int64 unsure;
	int64 far;
	int64 placed; /* rows that have a distance */
} refresh;

/* ---- what is read ------------------------------------------------------------------------ */

/* The table that was named, or that trained the model. */
static Oid
choose_images(FunctionCallInfo fcinfo, const scpg_model *model)
{
	if (!PG_ARGISNULL(1))
		return PG_GETARG_OID(1);
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(model->source)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 model->source_name != NULL
					 ? errmsg("table %s, which trained model \"%s\", does not exist", model->source_name, model->name)
					 : errmsg("no table trained model \"%s\"", model->name),
				 errhint("Name the table with the images: refresh_clusters('%s', '...').", scpg_model_full_name(model))));
	return model->source;
}

static void
resolve(refresh *r, Oid relid)
{
	const scpg_recipe *recipe = scpg_model_recipe(r->model);
	/* Columns by name are those of the table that trained it. */
	bool same = relid == r->model->source;
	scpg_key_request key = {.columns = r->options.id_column};
	char *image = r->options.image_column;

	if (key.columns == NULL && same)
		key.columns = recipe->id_column;
	if (image == NULL && same)
		image = recipe->image_column;
	if (r->options.embedding_column != NULL)
		scpg_source_resolve(&r->source, relid, &key, r->options.embedding_column, scpg_embedding_type());
	else
		scpg_source_resolve(&r->source, relid, &key, image, BYTEAOID);
	scpg_label_table_require_key(&r->table.source, &r->source);
}

/* Rows of the one, called r, whose keys the other lacks. */
static char *
rows_without(const scpg_source *rows, const scpg_source *without)
{
	StringInfoData sql;

	initStringInfo(&sql);
	appendStringInfo(&sql, "FROM %s r WHERE NOT EXISTS (SELECT FROM %s o WHERE ", rows->relation, without->relation);
	scpg_append_same_key(&sql, rows, "r", without, "o");
	appendStringInfoChar(&sql, ')');
	return sql.data;
}

static bool
has_rows(const char *sql)
{
	if (SPI_execute(sql, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", sql);
	return SPI_processed > 0;
}

/* ---- the rows that are new --------------------------------------------------------------- */

/* Called before the first change; a call that finds nothing to do leaves no trace. */
static void
record(refresh *r)
{
	if (!r->recorded)
		scpg_edit_record(r->edit, "refresh_clusters", scpg_call_arguments(r->source.relation, 0, r->asked), 0, false);
	r->recorded = true;
}

/* A new row. x: (SC_EMBEDDING_DIM), or NULL: its image cannot be read. */
static void
add_row(refresh *r, Datum key, const float *x)
{
	scpg_assignment a = {.label = SCPG_NO_LABEL, .distance = NAN, .confidence = NAN};
	float unit[SC_EMBEDDING_DIM], place[SCPG_PLOT_DIM] = {0};
	Datum values[SCPG_LABEL_VALUES];
	bool nulls[SCPG_LABEL_VALUES];

	record(r);
	if (x != NULL)
	{
		double far = scpg_calibration_far(r->model->calibration);

		a = scpg_assign(r->model, x);
		r->placed++;
		r->unsure += a.label == SCPG_NO_LABEL;
		r->far += a.distance > far;
		if (r->plot.q > 0)
		{
			if (r->normalize)
				(void) sc_space_normalize(unit, x, SC_EMBEDDING_DIM);
			sc_space_project(&r->plot, place, r->normalize ? unit : x, NULL);
		}
	}
	else
		r->unreadable++;
	values[0] = Int32GetDatum(a.label);
	values[1] = Float8GetDatum(place[0]);
	values[2] = Float8GetDatum(place[1]);
	values[3] = Float8GetDatum(a.distance);
	values[4] = Float8GetDatum(a.confidence);
	values[5] = x == NULL ? (Datum) 0 : EmbeddingGetDatum(scpg_embedding_from_floats(x, SC_EMBEDDING_DIM));
	values[6] = BoolGetDatum(false);
	nulls[0] = a.label == SCPG_NO_LABEL;
	nulls[1] = nulls[2] = x == NULL || r->plot.q == 0;
	nulls[3] = isnan(a.distance);
	nulls[4] = isnan(a.confidence);
	nulls[5] = x == NULL;
	nulls[6] = false;
	(void) scpg_label_writer_put(r->writer, key, values, nulls);
	if (a.label != SCPG_NO_LABEL)
		scpg_edit_row(r->edit, &r->table.source, key, SCPG_NO_LABEL, a.label, false);
	r->added++;
}

/* One batch of the reader. */
static void
add_batch(refresh *r, scpg_encoder *encoder, scpg_skips *skips, const scpg_image_row *rows, int count)
{
	const float *x = scpg_encode_rows(encoder, &r->source, skips, rows, count);

	for (int i = 0; i < count; i++)
	{
		bool ok = rows[i].status == SC_OK;

		add_row(r, rows[i].id, ok ? x : NULL);
		x += ok ? SC_EMBEDDING_DIM : 0;
	}
}

static void
add_images(refresh *r)
{
	scpg_skips skips = {.hint = "Their rows have a null label.",
						.on_error = r->options.on_error,
						.context = CurrentMemoryContext};
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "selfclass refresh", ALLOCSET_DEFAULT_SIZES);
	scpg_encoder *encoder = scpg_encoder_of_model(r->model, EMBED_BATCH, CurrentMemoryContext);
	scpg_reader *reader = scpg_reader_open_now(&r->source, scpg_encoder_image_side(encoder));
	scpg_image_row *rows;
	int count;

	while ((count = scpg_reader_next(reader, &rows)) > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(batch);

		add_batch(r, encoder, &skips, rows, count);
		MemoryContextSwitchTo(old);
		MemoryContextReset(batch);
	}
	scpg_reader_close(reader);
	scpg_encoder_close(encoder);
	MemoryContextDelete(batch);
	scpg_skips_report(&skips, r->added);
}

/* Rows whose embedding is stored; those that have none yet are left for another time. */
static void
add_embeddings(refresh *r)
{
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "selfclass refresh", ALLOCSET_DEFAULT_SIZES);
	Portal portal = SPI_cursor_open_with_args(NULL,
											  psprintf("SELECT %s, %s FROM %s", r->source.id,
													   quote_identifier(r->source.data_column), r->source.some),
											  0, NULL, NULL, NULL, false, 0);

	if (portal == NULL)
		elog(ERROR, "could not read %s", r->source.relation);
	for (;;)
	{
		SPITupleTable *fetched;
		uint64 n;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		fetched = SPI_tuptable;
		n = SPI_processed;
		if (n == 0)
			break;
		for (uint64 i = 0; i < n; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(batch);
			bool no_key, no_embedding;
			Datum key = SPI_getbinval(fetched->vals[i], fetched->tupdesc, 1, &no_key);
			Datum value = SPI_getbinval(fetched->vals[i], fetched->tupdesc, 2, &no_embedding);

			if (no_key)
				scpg_source_refuse_null_key(&r->source);
			if (no_embedding)
				r->unreadable++;
			else
			{
				const scpg_embedding *e = DatumGetEmbedding(value);

				scpg_embedding_check_expected(SC_EMBEDDING_DIM, e->dim);
				add_row(r, key, e->x);
			}
			MemoryContextSwitchTo(old);
			MemoryContextReset(batch);
		}
		SPI_freetuptable(fetched);
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(batch);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void
remove_gone(refresh *r)
{
	char *gone = rows_without(&r->table.source, &r->source);

	if (!has_rows(psprintf("SELECT %s", gone)))
		return;
	record(r);
	if (SPI_execute(psprintf("DELETE %s", gone), false, 0) != SPI_OK_DELETE)
		elog(ERROR, "could not change %s", r->table.source.relation);
	r->removed = (int64) SPI_processed;
}

static void
add_new(refresh *r)
{
	char *new = rows_without(&r->source, &r->table.source);

	if (!has_rows(psprintf("SELECT %s", new)))
		return;
	r->source.some = psprintf("(SELECT r.* %s) AS new_rows", new);
	r->writer = scpg_label_writer_open(&r->table.source, SCPG_LABEL_INSERT);
	if (r->options.embedding_column != NULL)
		add_embeddings(r);
	else
		add_images(r);
	scpg_label_writer_close(r->writer);
}

/* All of it, with the label table open, but the answer. */
static void
run(refresh *r, Oid images)
{
	resolve(r, images);
	r->plot = scpg_cluster_plot_space(r->model);
	r->normalize = scpg_model_recipe(r->model)->l2_normalize;
	if (r->options.remove)
		remove_gone(r);
	add_new(r);
	if (!r->recorded)
		return;
	scpg_label_table_count(&r->table);
	scpg_edit_end(r->edit, r->added + r->removed);
}

PG_FUNCTION_INFO_V1(scpg_refresh_clusters);
Datum
scpg_refresh_clusters(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	refresh *r = palloc0(sizeof(refresh));
	char *name;
	Oid images;
	Datum values[5];
	bool nulls[5] = {false};

	PreventCommandIfReadOnly("refresh_clusters()");
	name = scpg_model_name_argument(fcinfo, 0);
	r->asked = scpg_options_argument(fcinfo, 2);
	scpg_options_read(&r->options, NULL, r->asked, options_table, lengthof(options_table));
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	r->model = scpg_model_find_ready(name);
	scpg_model_require_editor(r->model);
	r->edit = scpg_edit_begin(r->model);
	scpg_label_table_open(&r->table, r->model, false);
	scpg_label_table_check(&r->table, false);
	images = choose_images(fcinfo, r->model);
	scpg_progress_begin("refresh_clusters", images, name);
	PG_TRY();
	{
		run(r, images);
	}
	PG_FINALLY();
	{
		scpg_progress_end();
	}
	PG_END_TRY();
	SPI_finish();
	MemoryContextSwitchTo(caller);
	values[0] = Int64GetDatum(r->added);
	values[1] = Int64GetDatum(r->removed);
	values[2] = Int64GetDatum(r->unreadable);
	values[3] = Int64GetDatum(r->unsure);
	values[4] = Float8GetDatum((double) r->far / r->placed);
	nulls[4] = r->placed == 0;
	scpg_put_row(fcinfo, values, nulls);
	PG_RETURN_VOID();
}
