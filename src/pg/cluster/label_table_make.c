/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/label_table_make.c
 *	  The table that cluster_images_into fills.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"

#include "pg/cluster/cluster_images_parts.h"
#include "pg/cluster/label_table_make.h"
#include "pg/cluster/label_table_parts.h"
#include "pg/server/extension.h"
#include "pg/server/memory.h"
#include "pg/server/progress.h"
#include "pg/type/embedding.h"

struct scpg_label_target
{
	RangeVar *range;
	char *name;	   /* quoted and qualified */
	Oid schema;	   /* where it is to be made */
	Oid existing;  /* the model's label table; InvalidOid: it is to be made */
	char *columns; /* of the key, as CREATE TABLE takes them, ... */
	char *key;	   /* ... and their names, as PRIMARY KEY does */
};

/* ---- what the table must not be refused for after all the work ----------------- */

/* The name: it goes where CREATE TABLE would put it, and must not be there. */
static void
set_name(scpg_label_target *target, const char *detail)
{
	RangeVar *name = target->range;
	Oid existing;
	Oid schema;

	if (name->relname[0] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_NAME), errmsg("the name of the new table must not be empty")));
	schema = RangeVarGetAndCheckCreationNamespace(name, NoLock, &existing);
	if (!allowSystemTableMods && (IsCatalogNamespace(schema) || IsToastNamespace(schema)))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
						errmsg("permission denied to create \"%s.%s\"", get_namespace_name(schema), name->relname),
						errdetail("System catalog modifications are currently disallowed.")));
	if (OidIsValid(existing))
		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_TABLE), errmsg("relation \"%s\" already exists", name->relname),
						detail != NULL ? errdetail("%s", detail) : 0, errhint("Give another name, or drop it first.")));
	target->schema = schema;
	target->name = quote_qualified_identifier(get_namespace_name(schema), name->relname);
}

static char *
name_of(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

scpg_label_target *
scpg_label_target_find(RangeVar *name, bool with_model)
{
	scpg_label_target *target = palloc0(sizeof(scpg_label_target));
	Oid relid = with_model && name->relname[0] != '\0' ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;

	target->range = name;
	/* Whose it is shows when the model is known. */
	if (OidIsValid(relid))
		target->name = name_of(relid);
	else
		set_name(target, NULL);
	return target;
}

const char *
scpg_label_target_name(const scpg_label_target *target)
{
	return target->name;
}

/* A column of the key as it was declared; 42804 where it cannot be one of a primary key. */
static char *
column_type(const scpg_source *source, const char *column)
{
	AttrNumber number = get_attnum(source->relid, column);
	Oid type;
	int32 typmod;
	Oid collation;
	char *name;

	get_atttypetypmodcoll(source->relid, number, &type, &typmod, &collation);
	if (!OidIsValid(lookup_type_cache(type, TYPECACHE_CMP_PROC)->cmp_proc))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("key column \"%s\" of %s cannot be a primary key", column, source->relation),
						errdetail("Its type %s has no order.", format_type_be(type))));
	name = format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
	if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID)
		name = psprintf("%s COLLATE %s", name, generate_collation_name(collation));
	return name;
}

static void
refuse_column(const scpg_source *source, const char *column)
{
	static const char *const others[] = {"label",	  "embedding_0", "embedding_1", "distance",
										 "embedding", "confidence",	 "pinned"};

	for (int i = 0; i < lengthof(others); i++)
		if (strcmp(column, others[i]) == 0)
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_COLUMN),
							errmsg("key column \"%s\" of %s has the name of another column of the new table", column,
								   source->relation),
							errhint("Read the images from a view that calls the column otherwise.")));
}

/* A key of one column is called id, one of several has their own names. */
static void
plan_key(scpg_label_target *target, const scpg_source *source)
{
	StringInfoData columns, key;

	initStringInfo(&columns);
	initStringInfo(&key);
	for (int i = 0; i < source->id_columns; i++)
	{
		const char *column = source->id_names[i];
		char *name = pstrdup(source->id_columns == 1 ? "id" : quote_identifier(column));

		if (source->id_columns > 1)
			refuse_column(source, column);
		appendStringInfo(&columns, "%s %s, ", name, column_type(source, column));
		appendStringInfo(&key, "%s%s", i > 0 ? ", " : "", name);
	}
	target->columns = columns.data;
	target->key = key.data;
}

/* The model's own label table: may it be changed, and has it such keys? */
static void
check_own(const scpg_label_target *target, const scpg_cluster_job *job)
{
	scpg_source own;
	AclMode rights = ACL_SELECT | ACL_INSERT | ACL_UPDATE | ACL_DELETE;

	scpg_model_require_editor(job->encoding.model);
	if (pg_class_aclmask(target->existing, GetUserId(), rights, ACLMASK_ALL) != rights)
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_TABLE, get_rel_name(target->existing));
	scpg_label_table_resolve(&own, target->existing);
	scpg_label_table_require_key(&own, &job->source);
}

void
scpg_label_target_check(scpg_label_target *target, const scpg_cluster_job *job)
{
	const scpg_cluster_encoding *e = &job->encoding;
	const scpg_model *model = e->train ? NULL : e->model;
	Oid relid = e->name == NULL && model == NULL ? InvalidOid : RangeVarGetRelid(target->range, NoLock, true);
	bool own = OidIsValid(relid) && model != NULL && model->labels == relid;

	if (own && e->recipe.keep)
	{
		target->existing = relid;
		check_own(target, job);
		return;
	}
	set_name(target, own ? "It is the label table of the model, in which nothing is kept this time."
					 : model != NULL && model->labels_name != NULL
						 ? psprintf("The label table of model \"%s\" is %s.", model->name, model->labels_name)
						 : NULL);
	plan_key(target, &job->source);
}

static int
compare_datums(const void *a, const void *b, void *arg)
{
	return scpg_compare_keys(arg, *(const Datum *) a, *(const Datum *) b);
}

void
scpg_label_target_check_keys(const scpg_dataset *dataset)
{
	const scpg_source *source = &dataset->source;
	int64 n = dataset->rows;
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass keys", ALLOCSET_DEFAULT_SIZES);
	sc_arena arena = scpg_arena(cxt, sc_add(sc_mul(n, sizeof(Datum)), 2 * SC_ALIGN), "the keys of a table");
	Datum *keys = SC_TAKE(&arena, Datum, n);
	scpg_key_order order = scpg_key_order_of(source);

	for (int64 i = 0; i < n; i++)
		keys[i] = dataset->row[i].id;
	qsort_arg(keys, n, sizeof(Datum), compare_datums, &order);
	for (int64 i = 1; i < n; i++)
		if (scpg_compare_keys(&order, keys[i - 1], keys[i]) == 0)
			ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
							errmsg("key column \"%s\" of %s is not unique", source->id_column, source->relation),
							errdetail("Two rows have %s.", OidOutputFunctionCall(source->id_output, keys[i])),
							errhint("Name a column that identifies every row: '{\"id_column\": \"...\"}'.")));
	MemoryContextDelete(cxt);
}

/* ---- the table ----------------------------------------------------------------- */

static Oid
create(const scpg_label_target *target)
{
	if (SPI_execute(psprintf("CREATE TABLE %s (%slabel pg_catalog.int4, embedding_0 pg_catalog.float8,"
							 " embedding_1 pg_catalog.float8, distance pg_catalog.float8, embedding %s.embedding(%d),"
							 " confidence pg_catalog.float8, pinned pg_catalog.bool NOT NULL DEFAULT false,"
							 " PRIMARY KEY (%s))",
							 target->name, target->columns, scpg_extension_schema_name(), SC_EMBEDDING_DIM, target->key),
					false, 0) < 0)
		elog(ERROR, "could not create %s", target->name);
	return get_relname_relid(target->range->relname, target->schema);
}

/* One row of the job, into the table. before: as it is there; NULL: it is new. Returns whether its label is another. */
static bool
put_row(const scpg_cluster_job *job, const scpg_kept_row *row, const scpg_source *table, scpg_label_writer *writer,
		const scpg_label_row *before)
{
	int32 label_before = before != NULL ? before->label : SCPG_NO_LABEL;
	int32 label;
	const int32 *pinned = job->clustering.pinned;
	Datum values[SCPG_LABEL_VALUES];
	bool nulls[SCPG_LABEL_VALUES];

	scpg_cluster_columns(job, row, values, nulls);
	nulls[SCPG_CLUSTER_COLUMNS] = row->image < 0;
	if (row->image >= 0)
		values[SCPG_CLUSTER_COLUMNS] = EmbeddingGetDatum(
			scpg_embedding_from_floats(job->embeddings + row->image * SC_EMBEDDING_DIM, SC_EMBEDDING_DIM));
	nulls[SCPG_CLUSTER_COLUMNS + 1] = false;
	values[SCPG_CLUSTER_COLUMNS + 1] =
		BoolGetDatum(row->image >= 0 && pinned != NULL && pinned[row->image] != SCPG_NOT_PINNED);
	/* What cannot be read any more was put there by somebody who could. */
	if (row->image < 0 && before != NULL && before->pinned)
	{
		nulls[0] = before->label == SCPG_NO_LABEL;
		values[0] = Int32GetDatum(before->label);
	}
	(void) scpg_label_writer_put(writer, row->id, values, nulls);
	label = nulls[0] ? SCPG_NO_LABEL : DatumGetInt32(values[0]);
	if (label == label_before)
		return before == NULL;
	if (job->edit != NULL)
		scpg_edit_row(job->edit, table, row->id, label_before, label, before != NULL && before->pinned);
	return true;
}

/*
 * The rows that are there already (rows) are brought up to date, others
 * inserted; what is left of them goes. Returns how many came, went, or have
 * another label.
 */
static int64
write_rows(const scpg_cluster_job *job, const scpg_source *table, scpg_label_rows *rows)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass row", ALLOCSET_SMALL_SIZES);
	scpg_label_writer *insert = scpg_label_writer_open(table, SCPG_LABEL_INSERT);
	scpg_label_writer *renew = scpg_label_writer_open(table, SCPG_LABEL_RENEW);
	scpg_label_writer *delete = scpg_label_writer_open(table, SCPG_LABEL_DELETE);
	scpg_key_order order = scpg_key_order_of(table);
	sc_arena arena = scpg_arena(rows->context, sc_add(rows->n, 2 * SC_ALIGN), "the rows of a label table");
	bool *seen = SC_TAKE(&arena, bool, Max(rows->n, 1));
	int64 count = 0;

	memset(seen, 0, rows->n);
	scpg_label_rows_sort(rows, &order);
	for (int64 i = 0; i < job->dataset->rows; i++)
	{
		const scpg_kept_row *row = &job->dataset->row[i];
		const scpg_label_row *before = scpg_label_rows_find(rows, &order, row->id);
		MemoryContext old = MemoryContextSwitchTo(cxt);

		if (before != NULL)
			seen[before - rows->row] = true;
		count += put_row(job, row, table, before != NULL ? renew : insert, before);
		scpg_progress_images(i + 1);
		MemoryContextSwitchTo(old);
		MemoryContextReset(cxt);
	}
	for (int64 i = 0; i < rows->n; i++)
		if (!seen[i])
			count += scpg_label_writer_put(delete, rows->row[i].key, NULL, NULL);
	scpg_label_writer_close(insert);
	scpg_label_writer_close(renew);
	scpg_label_writer_close(delete);
	MemoryContextDelete(cxt);
	return count;
}

void
scpg_label_target_fill(const scpg_label_target *target, scpg_cluster_job *job)
{
	scpg_model *model = job->encoding.model;
	Oid relid = OidIsValid(target->existing) ? target->existing : create(target);
	scpg_label_table t = {.model = model};
	scpg_label_rows rows;
	int64 changed;

	scpg_label_table_resolve(&t.source, relid);
	scpg_label_table_load(&rows, &t, NULL, 0, false, CurrentMemoryContext);
	changed = write_rows(job, &t.source, &rows);
	scpg_label_rows_free(&rows);
	if (!job->kept || !scpg_model_keeps_groups())
		return;
	scpg_model_set_labels(model, relid);
	scpg_label_table_count(&t);
	if (job->edit != NULL)
		scpg_edit_end(job->edit, changed);
}
