/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/knn_sql.c
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
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "pg/server/arguments.h"
#include "pg/server/bridge.h"
#include "pg/server/extension.h"
#include "pg/table/dataset.h"
#include "pg/table/items.h"
#include "pg/type/embedding.h"

/* Queries of one run of the pool, and bytes that their neighbours may take. */
#define BATCH_QUERIES 4096
#define BATCH_BYTES ((size_t) 32 << 20)

static int
neighbours_argument(FunctionCallInfo fcinfo, int n)
{
	int k;

	scpg_refuse_null(fcinfo, n, "number of neighbours");
	k = PG_GETARG_INT32(n);
	if (k < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number of neighbours must be at least 1"),
						errdetail("The number of neighbours is %d.", k)));
	return k;
}

/* ---- knn ------------------------------------------------------------------ */

static Datum
knn(FunctionCallInfo fcinfo, int example)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int a = example < 0 ? 0 : 1; /* how far the arguments after it are shifted */
	scpg_source source;
	int k;
	Oid types[2] = {InvalidOid, INT4OID};
	Datum values[2];
	Portal portal;
	char *sql;

	scpg_refuse_null(fcinfo, 0, "relation");
	scpg_refuse_null(fcinfo, a + 1, "name of the column of embeddings");
	k = neighbours_argument(fcinfo, a + 3);
	InitMaterializedSRF(fcinfo, 0);
	source = scpg_source_argument(fcinfo, 0, a + 1, "knn", example);
	if (PG_ARGISNULL(a + 2))
		return (Datum) 0;

	SPI_connect();
	types[0] = scpg_embedding_type();
	values[0] = PG_GETARG_DATUM(a + 2);
	values[1] = Int32GetDatum(k);
	sql =
		psprintf("SELECT id, distance FROM (SELECT %s AS id, %s OPERATOR(%s.<->) $1 AS distance FROM %s WHERE %s IS NOT NULL) d "
				 "ORDER BY distance, id LIMIT $2",
				 quote_identifier(source.id_column), quote_identifier(source.data_column), scpg_extension_schema_name(),
				 source.relation, quote_identifier(source.data_column));
	portal = scpg_open_cursor(sql, 2, types, values);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, SCPG_FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			bool nulls[2];
			Datum row[2];

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

/* What goes into one row of the result. */
typedef struct Output
{
	ReturnSetInfo *rsinfo;
	bool as_bigint;
	const scpg_source *items;
	const scpg_source *queries;
} Output;

/* The neighbours of query i of the run that has just ended, whose key is id. */
static void
put_neighbours(const Output *out, const sc_knn *job, const scpg_items *items, size_t i, Datum id)
{
	bool nulls[4] = {false};

	CHECK_FOR_INTERRUPTS();
	for (int r = 0; r < job->found; r++)
	{
		size_t at = i * job->found + r;
		Datum values[4] = {scpg_source_key(out->queries, id, out->as_bigint),
						   scpg_source_key(out->items, items->key[job->index[at]], out->as_bigint),
						   Int32GetDatum(r + 1), Float8GetDatum(job->distance[at])};

		tuplestore_putvalues(out->rsinfo->setResult, out->rsinfo->setDesc, values, nulls);
	}
}

/* The neighbours of every item among the others. */
static void
join_itself(const Output *out, sc_knn *job, const scpg_items *items)
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
join_others(const Output *out, sc_knn *job, const scpg_items *items, float *queries, MemoryContext cxt)
{
	MemoryContext row = AllocSetContextCreate(cxt, "knn_join query", ALLOCSET_DEFAULT_SIZES);
	Portal portal = scpg_items_open(out->queries);

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
			const scpg_embedding *e = DatumGetEmbedding(scpg_items_fetched(i, 2));

			CHECK_FOR_INTERRUPTS();
			scpg_embedding_check_expected(job->d, e->dim);
			memcpy(queries + i * job->d, e->x, job->d * sizeof(float));
			MemoryContextSwitchTo(old);
			MemoryContextReset(row);
		}
		scpg_run_on(job->lanes, scpg_core()->sc_knn_run, job);
		for (size_t i = 0; i < job->m; i++)
			put_neighbours(out, job, items, i, scpg_items_fetched(i, 1));
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

static Datum
knn_join(FunctionCallInfo fcinfo, int example)
{
	int a = example < 0 ? 0 : 1;
	bool itself = PG_ARGISNULL(a + 3);
	scpg_source item_source, query_source;
	Output out = {(ReturnSetInfo *) fcinfo->resultinfo, example < 0, &item_source, &query_source};
	sc_knn job = {.leave_out = itself};
	MemoryContext cxt;
	scpg_items items;

	scpg_refuse_null(fcinfo, 0, "relation");
	scpg_refuse_null(fcinfo, a + 1, "name of the column of embeddings");
	job.k = neighbours_argument(fcinfo, a + 2);
	InitMaterializedSRF(fcinfo, 0);
	item_source = scpg_source_argument(fcinfo, 0, a + 1, "knn_join", example);
	query_source = itself ? item_source : scpg_source_argument(fcinfo, a + 3, a + 1, "knn_join", example);

	SPI_connect();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "knn_join", ALLOCSET_DEFAULT_SIZES);
	scpg_items_load(&items, &item_source, cxt);
	job.n = items.rows.n;
	job.d = items.rows.d;
	job.rows = items.rows.x;
	if (job.n > (itself ? 1 : 0))
	{
		sc_arena arena = sc_arena_counter();
		size_t each = Min((size_t) job.k, job.n) * (sizeof(uint32) + sizeof(double));
		float *queries;

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
