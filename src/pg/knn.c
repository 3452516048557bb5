/*-------------------------------------------------------------------------
 *
 * src/pg/knn.c
 *	  knn and knn_join: nearest neighbours in a table, of one embedding or of
 *	  many.
 *
 * Tables are read through SPI as the caller. knn is one ordinary query that
 * sorts by distance. knn_join keeps the items in memory, in the order of their
 * keys, so that, as in knn, of neighbours at the same distance the one with
 * the lower key is nearer, whatever the order in the table; queries of another
 * table pass through in batches.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "pg/bridge.h"
#include "pg/dataset.h"
#include "pg/embedding.h"
#include "pg/extension.h"
#include "pg/rows.h"

#define FETCH_ROWS 1000

/* Queries of one run of the pool, and bytes that their neighbours may take. */
#define BATCH_QUERIES 4096
#define BATCH_BYTES ((size_t) 32 << 20)

/* Memory for copies of keys is counted in steps of so much. */
#define KEY_BYTES ((size_t) 1 << 20)

static void
refuse_null(FunctionCallInfo fcinfo, int n, const char *what)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("%s must not be NULL", what)));
}

static int
neighbours_argument(FunctionCallInfo fcinfo, int n)
{
	int			k;

	refuse_null(fcinfo, n, "number of neighbours");
	k = PG_GETARG_INT32(n);
	if (k < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("number of neighbours must be at least 1"),
				 errdetail("The number of neighbours is %d.", k)));
	return k;
}

/* The columns of relation argument n; the key must be of the example's type. */
static scpg_source
source_argument(FunctionCallInfo fcinfo, int n, int column, const char *function, int example)
{
	scpg_source source;

	scpg_source_resolve(&source, PG_GETARG_OID(n), NULL, NameStr(*PG_GETARG_NAME(column)), scpg_embedding_type());
	scpg_source_check_key(&source, fcinfo, function, example);
	return source;
}

static Portal
open_cursor(const char *sql, int nargs, Oid *types, Datum *values)
{
	Portal		portal = SPI_cursor_open_with_args(NULL, sql, nargs, types, values, NULL, true, 0);

	if (portal == NULL)
		elog(ERROR, "could not open a cursor: %s", SPI_result_code_string(SPI_result));
	return portal;
}

/* ---- knn ------------------------------------------------------------------ */

static Datum
knn(FunctionCallInfo fcinfo, int example)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int			a = example < 0 ? 0 : 1;	/* how far the arguments after it are shifted */
	scpg_source source;
	int			k;
	Oid			types[2] = {InvalidOid, INT4OID};
	Datum		values[2];
	Portal		portal;
	char	   *sql;

	refuse_null(fcinfo, 0, "relation");
	refuse_null(fcinfo, a + 1, "name of the column of embeddings");
	k = neighbours_argument(fcinfo, a + 3);
	InitMaterializedSRF(fcinfo, 0);
	source = source_argument(fcinfo, 0, a + 1, "knn", example);
	if (PG_ARGISNULL(a + 2))
		return (Datum) 0;

	SPI_connect();
	types[0] = scpg_embedding_type();
	values[0] = PG_GETARG_DATUM(a + 2);
	values[1] = Int32GetDatum(k);
	sql = psprintf("SELECT id, distance FROM (SELECT %s AS id, %s OPERATOR(%s.<->) $1 AS distance FROM %s WHERE %s IS NOT NULL) d "
				   "ORDER BY distance, id LIMIT $2",
				   quote_identifier(source.id_column), quote_identifier(source.data_column),
				   quote_identifier(get_namespace_name(scpg_extension_schema())),
				   source.relation, quote_identifier(source.data_column));
	portal = open_cursor(sql, 2, types, values);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool		nulls[2];
			Datum		row[2];

			row[0] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &nulls[0]);
			row[1] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &nulls[1]);
			if (!nulls[0])
				row[0] = scpg_source_key(&source, row[0], example < 0);
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, row, nulls);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(scpg_knn);
Datum
scpg_knn(PG_FUNCTION_ARGS)
{
	return knn(fcinfo, -1);
}

PG_FUNCTION_INFO_V1(scpg_knn_keyed);
Datum
scpg_knn_keyed(PG_FUNCTION_ARGS)
{
	return knn(fcinfo, 1);
}

/* ---- knn_join ------------------------------------------------------------- */

/* The items, in the order of their keys. */
typedef struct Items
{
	scpg_rows	rows;
	Datum	   *key;			/* (rows.n), copies */
	size_t		room;			/* of key */
	size_t		key_bytes;		/* of copies by reference */
	size_t		counted;		/* of them, against selfclass.max_memory */
} Items;

static Portal
open_rows(const scpg_source *source)
{
	return open_cursor(psprintf("SELECT %s, %s FROM %s WHERE %s IS NOT NULL ORDER BY 1",
								quote_identifier(source->id_column), quote_identifier(source->data_column),
								source->relation, quote_identifier(source->data_column)), 0, NULL, NULL);
}

/* Row i of the last fetch. */
static Datum
fetched(uint64 i, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column, &isnull);

	/* A primary key is not NULL, and the query leaves out embeddings that are. */
	if (isnull)
		elog(ERROR, "unexpected NULL in a key or an embedding");
	return value;
}

static void
add_item(Items *items, const scpg_source *source, Datum key, const Embedding *e)
{
	MemoryContext context = items->rows.context;

	if (items->rows.n == items->room)
	{
		size_t		room = Max(items->room + items->room / 2, 64);

		scpg_count_memory(context, (room - items->room) * sizeof(Datum), "the keys of all rows");
		items->key = items->key == NULL ? MemoryContextAllocHuge(context, room * sizeof(Datum)) :
			repalloc_huge(items->key, room * sizeof(Datum));
		items->room = room;
	}
	if (!source->id_by_value)
	{
		MemoryContext old;

		items->key_bytes += datumGetSize(key, false, source->id_length) + sizeof(void *);
		if (items->key_bytes > items->counted)
		{
			size_t		more = Max(KEY_BYTES, items->key_bytes - items->counted);

			scpg_count_memory(context, more, "the keys of all rows");
			items->counted += more;
		}
		old = MemoryContextSwitchTo(context);
		key = datumCopy(key, false, source->id_length);
		MemoryContextSwitchTo(old);
	}
	items->key[items->rows.n] = key;
	scpg_rows_add(&items->rows, e, 0);
}

static void
load_items(Items *items, const scpg_source *source, MemoryContext cxt)
{
	MemoryContext row = AllocSetContextCreate(cxt, "knn_join row", ALLOCSET_DEFAULT_SIZES);
	Portal		portal = open_rows(source);

	memset(items, 0, sizeof(*items));
	scpg_rows_init(&items->rows, cxt);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row);

			CHECK_FOR_INTERRUPTS();
			add_item(items, source, fetched(i, 1), DatumGetEmbedding(fetched(i, 2)));
			MemoryContextSwitchTo(old);
			MemoryContextReset(row);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

/* What goes into one row of the result. */
typedef struct Output
{
	ReturnSetInfo *rsinfo;
	bool		as_bigint;
	const scpg_source *items;
	const scpg_source *queries;
} Output;

/* The neighbours of query i of the run that has just ended, whose key is id. */
static void
put_neighbours(const Output *out, const sc_knn *job, const Items *items, size_t i, Datum id)
{
	bool		nulls[4] = {false};

	CHECK_FOR_INTERRUPTS();
	for (int r = 0; r < job->found; r++)
	{
		size_t		at = i * job->found + r;
		Datum		values[4] = {
			scpg_source_key(out->queries, id, out->as_bigint),
			scpg_source_key(out->items, items->key[job->index[at]], out->as_bigint),
			Int32GetDatum(r + 1),
			Float8GetDatum(job->distance[at])
		};

		tuplestore_putvalues(out->rsinfo->setResult, out->rsinfo->setDesc, values, nulls);
	}
}

/* The neighbours of every item among the others. */
static void
join_itself(const Output *out, sc_knn *job, const Items *items)
{
	for (size_t begin = 0; begin < job->n; begin += job->m)
	{
		job->m = Min(job->most, job->n - begin);
		job->queries = job->rows + begin * job->d;
		job->first = begin;
		scpg_run_on(job->lanes, scpg_core()->sc_knn_run, job);
		for (size_t i = 0; i < job->m; i++)
			put_neighbours(out, job, items, i, items->key[begin + i]);
	}
}

/* The neighbours of every row of another table; queries: (most, d), to be filled. */
static void
join_others(const Output *out, sc_knn *job, const Items *items, float *queries, MemoryContext cxt)
{
	MemoryContext row = AllocSetContextCreate(cxt, "knn_join query", ALLOCSET_DEFAULT_SIZES);
	Portal		portal = open_rows(out->queries);

	job->queries = queries;
	for (;;)
	{
		SPI_cursor_fetch(portal, true, (long) job->most);
		if (SPI_processed == 0)
			break;
		job->m = SPI_processed;
		for (size_t i = 0; i < job->m; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row);
			const Embedding *e = DatumGetEmbedding(fetched(i, 2));

			CHECK_FOR_INTERRUPTS();
			scpg_embedding_check_expected(job->d, e->dim);
			memcpy(queries + i * job->d, e->x, job->d * sizeof(float));
			MemoryContextSwitchTo(old);
			MemoryContextReset(row);
		}
		scpg_run_on(job->lanes, scpg_core()->sc_knn_run, job);
		for (size_t i = 0; i < job->m; i++)
			put_neighbours(out, job, items, i, fetched(i, 1));
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

static Datum
knn_join(FunctionCallInfo fcinfo, int example)
{
	int			a = example < 0 ? 0 : 1;
	bool		itself = PG_ARGISNULL(a + 3);
	scpg_source item_source,
				query_source;
	Output		out = {(ReturnSetInfo *) fcinfo->resultinfo, example < 0, &item_source, &query_source};
	sc_knn		job = {.leave_out = itself};
	MemoryContext cxt;
	Items		items;

	refuse_null(fcinfo, 0, "relation");
	refuse_null(fcinfo, a + 1, "name of the column of embeddings");
	job.k = neighbours_argument(fcinfo, a + 2);
	InitMaterializedSRF(fcinfo, 0);
	item_source = source_argument(fcinfo, 0, a + 1, "knn_join", example);
	query_source = itself ? item_source : source_argument(fcinfo, a + 3, a + 1, "knn_join", example);

	SPI_connect();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "knn_join", ALLOCSET_DEFAULT_SIZES);
	load_items(&items, &item_source, cxt);
	job.n = items.rows.n;
	job.d = items.rows.d;
	job.rows = items.rows.x;
	if (job.n > (itself ? 1 : 0))
	{
		sc_arena	arena = sc_arena_counter();
		size_t		each = Min((size_t) job.k, job.n) * (sizeof(uint32) + sizeof(double));
		float	   *queries;

		job.most = Max(Min(BATCH_BYTES / each, BATCH_QUERIES), 1);
		if (itself)
			job.most = Min(job.most, job.n);
		job.lanes = scpg_lanes();
		scpg_core()->sc_knn_layout(&job, &arena);
		(void) SC_TAKE(&arena, float, itself ? 0 : sc_mul(job.most, job.d));
		arena = scpg_arena(cxt, sc_arena_need(&arena), "the nearest neighbours");
		scpg_core()->sc_knn_layout(&job, &arena);
		queries = SC_TAKE(&arena, float, itself ? 0 : sc_mul(job.most, job.d));
		if (itself)
			join_itself(&out, &job, &items);
		else
			join_others(&out, &job, &items, queries, cxt);
	}
	MemoryContextDelete(cxt);
	SPI_finish();
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(scpg_knn_join);
Datum
scpg_knn_join(PG_FUNCTION_ARGS)
{
	return knn_join(fcinfo, -1);
}

PG_FUNCTION_INFO_V1(scpg_knn_join_keyed);
Datum
scpg_knn_join_keyed(PG_FUNCTION_ARGS)
{
	return knn_join(fcinfo, 1);
}
