/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_images_into_sql.c
 *	  cluster_images_into: labels as a new table.
 *
 * A procedure that commits as it goes: after every epoch of a training, and
 * when the table is filled. The work is in cluster_images.c; here are the
 * table's name, its primary key, and its rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/catalog.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"
#include "utils/varlena.h"

#include "pg/cluster/cluster_images_parts.h"
#include "pg/model/train.h"
#include "pg/server/extension.h"
#include "pg/server/memory.h"
#include "pg/server/progress.h"
#include "pg/table/dataset.h"
#include "pg/table/source.h"
#include "pg/type/embedding.h"

/* The key, the columns that cluster_images has too, the embedding. */
#define COLUMNS (1 + SCPG_CLUSTER_COLUMNS + 1)
#define EMBEDDING_COLUMN (COLUMNS - 1)

/* The table that is made. */
typedef struct table
{
	char *name;		/* quoted and qualified */
	char *key_type; /* as CREATE TABLE takes it */
	Oid key_collation;
} table;

/* ---- what the table must not be refused for after all the work ----------------- */

/* The name: it goes where CREATE TABLE would put it, and must not be there. */
static char *
check_name(RangeVar *name)
{
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
						errhint("Give another name, or drop it first.")));
	return quote_qualified_identifier(get_namespace_name(schema), name->relname);
}

/* The key's type as it was declared, and whether it can be a primary key. */
static void
check_key(table *t, const scpg_source *source)
{
	AttrNumber number = get_attnum(source->relid, source->id_column);
	Oid type;
	int32 typmod;
	Oid collation;

	get_atttypetypmodcoll(source->relid, number, &type, &typmod, &collation);
	if (!OidIsValid(lookup_type_cache(type, TYPECACHE_CMP_PROC)->cmp_proc))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
						errmsg("key column \"%s\" of %s cannot be a primary key", source->id_column, source->relation),
						errdetail("Its type %s has no order.", format_type_be(type))));
	t->key_type = format_type_extended(type, typmod, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
	t->key_collation = collation;
	if (OidIsValid(collation) && collation != DEFAULT_COLLATION_OID)
		t->key_type = psprintf("%s COLLATE %s", t->key_type, generate_collation_name(collation));
}

typedef struct key_order
{
	FmgrInfo *compare;
	Oid collation;
} key_order;

static int
compare_keys(const void *a, const void *b, void *arg)
{
	key_order *order = arg;

	return DatumGetInt32(FunctionCall2Coll(order->compare, order->collation, *(const Datum *) a, *(const Datum *) b));
}

static void
check_unique_keys(const scpg_dataset *dataset, Oid collation)
{
	const scpg_source *source = &dataset->source;
	int64 n = dataset->rows;
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass keys", ALLOCSET_DEFAULT_SIZES);
	sc_arena arena = scpg_arena(cxt, sc_add(sc_mul(n, sizeof(Datum)), 2 * SC_ALIGN), "the keys of a table");
	Datum *keys = SC_TAKE(&arena, Datum, n);
	key_order order;

	order.compare = &lookup_type_cache(source->id_type, TYPECACHE_CMP_PROC_FINFO)->cmp_proc_finfo;
	order.collation = collation;
	for (int64 i = 0; i < n; i++)
		keys[i] = dataset->row[i].id;
	qsort_arg(keys, n, sizeof(Datum), compare_keys, &order);
	for (int64 i = 1; i < n; i++)
		if (compare_keys(&keys[i - 1], &keys[i], &order) == 0)
			ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
							errmsg("key column \"%s\" of %s is not unique", source->id_column, source->relation),
							errdetail("Two rows have %s.", OidOutputFunctionCall(source->id_output, keys[i])),
							errhint("Name a column that identifies every row: '{\"id_column\": \"...\"}'.")));
	MemoryContextDelete(cxt);
}

/* ---- the table ----------------------------------------------------------------- */

static void
create(const table *t)
{
	if (SPI_execute(psprintf("CREATE TABLE %s (id %s, label pg_catalog.int4, embedding_0 pg_catalog.float8,"
							 " embedding_1 pg_catalog.float8, distance pg_catalog.float8, embedding %s.embedding(%d),"
							 " PRIMARY KEY (id))",
							 t->name, t->key_type, scpg_extension_schema_name(), SC_EMBEDDING_DIM),
					false, 0) < 0)
		elog(ERROR, "could not create %s", t->name);
}

static void
fill(const table *t, const scpg_cluster_job *job)
{
	Oid types[COLUMNS] = {job->source.id_type, INT4OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, scpg_embedding_type()};
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass row", ALLOCSET_SMALL_SIZES);
	SPIPlanPtr plan;

	plan = SPI_prepare(psprintf("INSERT INTO %s VALUES ($1, $2, $3, $4, $5, $6)", t->name), COLUMNS, types);
	if (plan == NULL)
		elog(ERROR, "could not prepare to fill %s", t->name);
	for (int64 i = 0; i < job->dataset->rows; i++)
	{
		const scpg_kept_row *row = &job->dataset->row[i];
		MemoryContext old = MemoryContextSwitchTo(cxt);
		Datum values[COLUMNS];
		bool isnull[COLUMNS] = {false};
		char nulls[COLUMNS];

		CHECK_FOR_INTERRUPTS();
		values[0] = row->id;
		scpg_cluster_columns(job, row, values + 1, isnull + 1);
		isnull[EMBEDDING_COLUMN] = row->image < 0;
		if (row->image >= 0)
			values[EMBEDDING_COLUMN] = EmbeddingGetDatum(
				scpg_embedding_from_floats(job->embeddings + row->image * SC_EMBEDDING_DIM, SC_EMBEDDING_DIM));
		for (int j = 0; j < COLUMNS; j++)
			nulls[j] = isnull[j] ? 'n' : ' ';
		if (SPI_execute_plan(plan, values, nulls, false, 0) < 0)
			elog(ERROR, "could not fill %s", t->name);
		scpg_progress_images(i + 1);
		MemoryContextSwitchTo(old);
		MemoryContextReset(cxt);
	}
	SPI_freeplan(plan);
	MemoryContextDelete(cxt);
}

/* wide: labels are a text that is read as regclass reads a name, and k is a bigint; else a name as it is, and an int. */
static void
cluster_images_into(FunctionCallInfo fcinfo, bool wide)
{
	scpg_cluster_job *job;
	RangeVar *labels;
	table *t;

	PreventCommandIfReadOnly("cluster_images_into()");
	scpg_require_commits(fcinfo, "cluster_images_into()");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	job = palloc0(sizeof(scpg_cluster_job));
	t = palloc0(sizeof(table));
	job->asked = scpg_cluster_read_request(fcinfo, 2, wide);
	job->asked.commits = true;
	if (PG_ARGISNULL(1))
		scpg_cluster_refuse_null("the name of the new table");
	labels = wide ? makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(1)))
				  : makeRangeVar(NULL, pstrdup(NameStr(*PG_GETARG_NAME(1))), -1);
	t->name = check_name(labels);
	job->asked.key.returned = true;
	job->asked.key.call =
		scpg_cluster_call(psprintf("CALL cluster_images_into(%%t, %s", scpg_source_call_literal(t->name)), job->asked.k,
						  job->asked.name);
	scpg_progress_begin("cluster_images_into", job->asked.relid, job->asked.name);
	PG_TRY();
	{
		scpg_cluster_images_plan(job);
		check_key(t, &job->source);
		scpg_cluster_images_read(job);
		check_unique_keys(job->dataset, t->key_collation);
		scpg_cluster_images_run(job);
		/* Made and filled in one transaction. */
		scpg_progress_phase("writing", job->dataset->rows);
		create(t);
		fill(t, job);
		SPI_commit();
	}
	PG_FINALLY();
	{
		scpg_progress_end();
		scpg_cluster_images_release(job);
	}
	PG_END_TRY();
	ereport(NOTICE, (errmsg("table %s: %lld images in %d clusters", t->name, (long long) job->dataset->images,
							job->clustering.clusters)));
	scpg_dataset_close(job->dataset);
	SPI_finish();
}

PG_FUNCTION_INFO_V1(scpg_cluster_images_into_wide);
Datum
scpg_cluster_images_into_wide(PG_FUNCTION_ARGS)
{
	cluster_images_into(fcinfo, true);
	PG_RETURN_VOID();
}

/* For catalogs of version 1.0. */
PG_FUNCTION_INFO_V1(scpg_cluster_images_into);
Datum
scpg_cluster_images_into(PG_FUNCTION_ARGS)
{
	cluster_images_into(fcinfo, false);
	PG_RETURN_VOID();
}
