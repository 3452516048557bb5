/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/label_table.c
 *	  A model's label table: which picture is in which group.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "pg/cluster/label_table.h"
#include "pg/cluster/label_table_parts.h"
#include "pg/server/extension.h"
#include "pg/server/memory.h"
#include "pg/type/embedding.h"
#include "pg/type/kept_name.h"

#define FETCH_ROWS 1000

/* Keys in a message. */
#define SHOWN_KEYS 5

/* ---- which table --------------------------------------------------------------------- */

/* The call that makes one, as far as it is known. */
static char *
call_for(const scpg_model *model, const char *labels)
{
	return psprintf("CALL cluster_images_into(%s, %s, model => '%s')",
					OidIsValid(model->source) ? quote_literal_cstr(model->source_name) : "'...'",
					quote_literal_cstr(labels), scpg_model_full_name(model));
}

static void
require_table(const scpg_model *model)
{
	if (model->labels_name == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("model \"%s\" has no label table", model->name),
						model->kmeans != NULL ? errdetail("Its groups are kept, but not which images are in them.") : 0,
						errhint("Make one: %s.", call_for(model, psprintf("%s_labels", model->name)))));
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(model->labels)))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("label table %s of model \"%s\" does not exist", model->labels_name, model->name),
				 errhint("Make it anew: %s.",
						 call_for(model, strstr(model->labels_name, GONE_MARK) == NULL ? model->labels_name : "..."))));
	scpg_model_require_clustering(model);
}

/* What a column of a label table may be, as its users would alter it. */
typedef struct column_form
{
	const char *name;
	const char *type;
	Oid types[3];
	const char *added_by; /* ALTER TABLE ... ADD; NULL: the table is no label table without it */
} column_form;

static const column_form column_forms[] = {
	{"label", "integer", {INT2OID, INT4OID, INT8OID}, NULL},
	{"distance", "double precision", {FLOAT4OID, FLOAT8OID, NUMERICOID}, NULL},
	{"confidence", "double precision", {FLOAT4OID, FLOAT8OID, NUMERICOID}, "confidence double precision"},
	{"pinned", "boolean", {BOOLOID, InvalidOid, InvalidOid}, "pinned boolean NOT NULL DEFAULT false"},
};

static void
refuse_missing(const char *relation, const char *column, const char *added_by)
{
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("label table %s has no column \"%s\"", relation, column),
					added_by != NULL ? errhint("ALTER TABLE %s ADD %s.", relation, added_by)
									 : errhint("Drop the table, and cluster_images_into makes it anew.")));
}

static void
require_column(Oid relid, const char *relation, const column_form *form)
{
	AttrNumber number = get_attnum(relid, form->name);
	Oid type;

	if (number <= 0)
		refuse_missing(relation, form->name, form->added_by);
	type = getBaseType(get_atttype(relid, number));
	for (int i = 0; i < lengthof(form->types); i++)
		if (type == form->types[i])
			return;
	ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
					errmsg("column \"%s\" of label table %s is of type %s, not %s", form->name, relation,
						   format_type_be(get_atttype(relid, number)), form->type),
					errhint("ALTER TABLE %s ALTER %s TYPE %s USING %s::%s.", relation, form->name, form->type,
							form->name, form->type)));
}

void
scpg_label_table_resolve(scpg_source *source, Oid relid)
{
	scpg_key_request key = {NULL};
	Oid constraint;
	char *relation;

	LockRelationOid(relid, AccessShareLock);
	/* It may have gone before the lock was there. */
	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("the label table was dropped meanwhile")));
	relation = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	if (get_attnum(relid, "embedding") <= 0)
		refuse_missing(relation, "embedding", NULL);
	for (int i = 0; i < lengthof(column_forms); i++)
		require_column(relid, relation, &column_forms[i]);
	if (get_primary_key_attnos(relid, true, &constraint) == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("label table %s has no primary key", relation),
						errhint("ALTER TABLE %s ADD PRIMARY KEY (id).", relation)));
	scpg_source_resolve(source, relid, &key, "embedding", scpg_embedding_type());
}

void
scpg_label_table_open(scpg_label_table *t, const scpg_model *model, bool read_only)
{
	require_table(model);
	*t = (scpg_label_table){.model = model, .read_only = read_only};
	scpg_label_table_resolve(&t->source, model->labels);
}

char *
scpg_label_key_text(const scpg_label_table *t, Datum key)
{
	return OidOutputFunctionCall(t->source.id_output, key);
}

/* int[] */
static Datum
label_array(const int32 *labels, int n)
{
	Datum *values = palloc(Max(n, 1) * sizeof(Datum));

	for (int i = 0; i < n; i++)
		values[i] = Int32GetDatum(labels[i]);
	return PointerGetDatum(construct_array(values, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

char *
scpg_label_list(const int32 *labels, int n)
{
	StringInfoData s;

	initStringInfo(&s);
	for (int i = 0; i < n && i < 20; i++)
		appendStringInfo(&s, "%s%d", i > 0 ? ", " : "", labels[i]);
	if (n > 20)
		appendStringInfo(&s, ", ... %d", labels[n - 1]);
	return s.data;
}

void
scpg_label_table_check(const scpg_label_table *t, bool pinned)
{
	const scpg_source *source = &t->source;
	Oid types[1] = {INT4ARRAYOID};
	Datum values[1];
	int32 *labels;
	int n = scpg_model_labels(t->model->kmeans, t->model->centroid_label, &labels);
	StringInfoData keys;

	values[0] = label_array(labels, n);
	if (SPI_execute_with_args(psprintf("SELECT %s, label FROM %s"
									   " WHERE label OPERATOR(pg_catalog.<>) ALL ($1)%s ORDER BY 1 LIMIT %d",
									   source->id, source->relation, pinned ? " AND pinned" : "", SHOWN_KEYS + 1),
							  1, types, values, NULL, t->read_only, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read %s", source->relation);
	if (SPI_processed == 0)
		return;
	initStringInfo(&keys);
	for (uint64 i = 0; i < Min(SPI_processed, SHOWN_KEYS); i++)
		appendStringInfo(&keys, "%s%s has label %s", i > 0 ? ", " : "",
						 SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1),
						 SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2));
	if (SPI_processed > SHOWN_KEYS)
		appendStringInfoString(&keys, ", ...");
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("label table %s has labels that are no groups of model \"%s\"", source->relation, t->model->name),
			 errdetail("%s.", keys.data), errhint("Its groups are %s.", scpg_label_list(labels, n))));
}

/* ---- reading ---------------------------------------------------------------------------- */

struct scpg_label_reader
{
	const scpg_label_table *table;
	Portal portal;
	SPITupleTable *fetched; /* NULL: nothing yet */
	uint64 next;			/* of fetched */
	bool embeddings;
	scpg_label_row row;
	const scpg_embedding *embedding; /* whose x the row's is; or NULL */
	MemoryContext context;			 /* of what row points to */
};

/* The rows for which a condition holds that may name the labels $1; NULL: all rows. */
static scpg_label_reader *
open_reader(const scpg_label_table *t, const char *condition, const int32 *labels, int n, bool embeddings)
{
	const scpg_source *source = &t->source;
	scpg_label_reader *r = palloc0(sizeof(scpg_label_reader));
	Oid types[1] = {INT4ARRAYOID};
	Datum values[1] = {0};

	r->table = t;
	r->embeddings = embeddings;
	r->context = AllocSetContextCreate(CurrentMemoryContext, "label table row", ALLOCSET_DEFAULT_SIZES);
	if (labels != NULL)
		values[0] = label_array(labels, n);
	r->portal =
		SPI_cursor_open_with_args(NULL,
								  psprintf("SELECT %s, label::pg_catalog.int4, pinned, distance::pg_catalog.float8,"
										   " confidence::pg_catalog.float8%s FROM %s%s ORDER BY 1",
										   source->id, embeddings ? ", embedding" : "", source->relation,
										   condition != NULL ? psprintf(" WHERE %s", condition) : ""),
								  labels != NULL ? 1 : 0, types, values, NULL, t->read_only, 0);
	if (r->portal == NULL)
		elog(ERROR, "could not read %s: %s", source->relation, SPI_result_code_string(SPI_result));
	return r;
}

scpg_label_reader *
scpg_label_reader_open(const scpg_label_table *t, const int32 *labels, int n, bool embeddings)
{
	return open_reader(t, labels != NULL ? "label OPERATOR(pg_catalog.=) ANY ($1)" : NULL, labels, n, embeddings);
}

/* A column of the row; NULL is NaN. */
static double
float_column(HeapTuple tuple, TupleDesc desc, int column)
{
	bool null;
	Datum value = SPI_getbinval(tuple, desc, column, &null);

	return null ? NAN : DatumGetFloat8(value);
}

static const scpg_embedding *
embedding_column(HeapTuple tuple, TupleDesc desc, int column)
{
	bool null;
	Datum value = SPI_getbinval(tuple, desc, column, &null);
	const scpg_embedding *e;

	if (null)
		return NULL;
	e = DatumGetEmbedding(value);
	scpg_embedding_check_expected(SC_EMBEDDING_DIM, e->dim);
	return e;
}

/* The next thousand rows; false: there is none. */
static bool
fetch(scpg_label_reader *r)
{
	if (r->fetched != NULL)
		SPI_freetuptable(r->fetched);
	SPI_cursor_fetch(r->portal, true, FETCH_ROWS);
	r->fetched = SPI_tuptable;
	r->next = 0;
	return SPI_processed > 0;
}

const scpg_label_row *
scpg_label_reader_next(scpg_label_reader *r)
{
	scpg_label_row *row = &r->row;
	MemoryContext old;
	HeapTuple tuple;
	TupleDesc desc;
	bool null;
	Datum value;

	CHECK_FOR_INTERRUPTS();
	if ((r->fetched == NULL || r->next >= r->fetched->numvals) && !fetch(r))
		return NULL;
	tuple = r->fetched->vals[r->next++];
	desc = r->fetched->tupdesc;
	MemoryContextReset(r->context);
	old = MemoryContextSwitchTo(r->context);
	row->key = SPI_getbinval(tuple, desc, 1, &null);
	Assert(!null);
	value = SPI_getbinval(tuple, desc, 2, &null);
	row->label = null ? SCPG_NO_LABEL : DatumGetInt32(value);
	value = SPI_getbinval(tuple, desc, 3, &null);
	row->pinned = !null && DatumGetBool(value);
	row->distance = float_column(tuple, desc, 4);
	row->confidence = float_column(tuple, desc, 5);
	r->embedding = r->embeddings ? embedding_column(tuple, desc, 6) : NULL;
	row->x = r->embedding != NULL ? r->embedding->x : NULL;
	MemoryContextSwitchTo(old);
	return row;
}

void
scpg_label_reader_close(scpg_label_reader *r)
{
	if (r->fetched != NULL)
		SPI_freetuptable(r->fetched);
	SPI_cursor_close(r->portal);
	MemoryContextDelete(r->context);
	pfree(r);
}

/* The row that the reader is at. */
static void
add_row(scpg_label_rows *rows, const scpg_label_reader *reader)
{
	static const char what[] = "the rows of a label table";
	scpg_label_row *row;

	if (rows->n == rows->room)
	{
		int64 room = Max(rows->room + rows->room / 2, 64);

		rows->row = scpg_enlarge(rows->row, rows->room * sizeof(scpg_label_row), room * sizeof(scpg_label_row),
								 rows->context, what);
		rows->room = room;
	}
	if (rows->n >= PG_INT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("the label table has too many rows")));
	row = &rows->row[rows->n];
	*row = reader->row;
	row->key = scpg_keys_add(&rows->keys, &reader->table->source, row->key);
	/* Where they lie is known when all are there. */
	row->x = NULL;
	if (reader->embedding != NULL)
		scpg_rows_add(&rows->x, reader->embedding, (int32) rows->n);
	rows->n++;
}

/* All rows of a reader, which is closed. */
static void
load(scpg_label_rows *rows, scpg_label_reader *reader, MemoryContext cxt)
{
	memset(rows, 0, sizeof(*rows));
	rows->context = AllocSetContextCreate(cxt, "label table", ALLOCSET_DEFAULT_SIZES);
	scpg_keys_init(&rows->keys, rows->context);
	scpg_rows_init(&rows->x, rows->context);
	while (scpg_label_reader_next(reader) != NULL)
		add_row(rows, reader);
	scpg_label_reader_close(reader);
	for (size_t i = 0; i < rows->x.n; i++)
		rows->row[rows->x.tag[i]].x = rows->x.x + i * SC_EMBEDDING_DIM;
}

void
scpg_label_table_load(scpg_label_rows *rows, const scpg_label_table *t, const int32 *labels, int n, bool embeddings,
					  MemoryContext cxt)
{
	load(rows, scpg_label_reader_open(t, labels, n, embeddings), cxt);
}

void
scpg_label_table_load_pinned(scpg_label_rows *rows, const scpg_label_table *t, MemoryContext cxt)
{
	load(rows, open_reader(t, "pinned", NULL, 0, false), cxt);
}

void
scpg_label_rows_free(scpg_label_rows *rows)
{
	MemoryContextDelete(rows->context);
	memset(rows, 0, sizeof(*rows));
}
