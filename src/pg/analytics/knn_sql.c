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
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/analytics/knn.h"
#include "pg/server/arguments.h"
#include "pg/server/extension.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/result.h"
#include "pg/table/items.h"
#include "pg/table/keyed_call.h"
#include "pg/table/source.h"
#include "pg/type/embedding.h"

/* ---- knn ------------------------------------------------------------------ */

static Datum
knn(FunctionCallInfo fcinfo, bool keyed)
{
	scpg_keyed_call call = scpg_keyed_call_begin(fcinfo, keyed, 5);
	int k = scpg_knn_argument(fcinfo, call.rest + 1);
	scpg_source source = scpg_keyed_call_source(&call, 0, psprintf("knn(%%t, %%k, %%c, q, %d%%o)", k));
	Oid types[2] = {InvalidOid, INT4OID};
	Datum values[2];
	Portal portal;
	char *sql;

	if (PG_ARGISNULL(call.rest))
		return (Datum) 0;

	SPI_connect();
	types[0] = scpg_embedding_type();
	values[0] = PG_GETARG_DATUM(call.rest);
	values[1] = Int32GetDatum(k);
	sql =
		psprintf("SELECT id, distance FROM (SELECT %s AS id, %s OPERATOR(%s.%s) $1 AS distance FROM %s WHERE %s IS NOT NULL) d "
				 "%s ORDER BY distance, id LIMIT $2",
				 source.id, pstrdup(quote_identifier(source.data_column)), scpg_extension_schema_name(),
				 source.unit ? "<=>" : "<->", source.relation, quote_identifier(source.data_column),
				 /* As for scpg_items_open: not rows of zeros; and none where the query is. */
				 source.unit ? "WHERE distance OPERATOR(pg_catalog.<>) 'NaN'::pg_catalog.float8" : "");
	portal = scpg_open_cursor(sql, 2, types, values);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, SCPG_FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			Datum row[2] = {scpg_keyed_call_key(&call, &source, scpg_items_key(&source, i)), scpg_items_fetched(i, 2)};

			scpg_put_row(fcinfo, row, NULL);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
	return (Datum) 0;
}

SCPG_KEYED_FORM(knn_wide, knn, false)
SCPG_KEYED_FORM(knn_keyed_wide, knn, true)
SCPG_NARROW_FORM(knn, 3)
SCPG_NARROW_FORM(knn_keyed, 4)

/* ---- knn_join ------------------------------------------------------------- */

/* What is joined: each query with its nearest items. */
typedef struct join
{
	scpg_keyed_call call;
	scpg_source item_source;
	scpg_source query_source;
	scpg_items items;
	sc_knn job;
} join;

/* The neighbours of query i of the run that has just ended, whose key is id. */
static void
put_neighbours(const join *j, size_t i, Datum id)
{
	for (int r = 0; r < j->job.found; r++)
	{
		size_t at = i * j->job.found + r;
		Datum values[4] = {scpg_keyed_call_key(&j->call, &j->query_source, id),
						   scpg_keyed_call_key(&j->call, &j->item_source, j->items.key[j->job.index[at]]),
						   Int32GetDatum(r + 1),
						   Float8GetDatum(scpg_keyed_call_distance(&j->call, j->job.distance[at]))};

		scpg_put_row(j->call.fcinfo, values, NULL);
	}
}

/* The neighbours of every item among the others. */
static void
join_itself(join *j)
{
	while (scpg_knn_next(&j->job))
		for (size_t i = 0; i < j->job.m; i++)
			put_neighbours(j, i, j->items.key[j->job.first + i]);
}

/* The neighbours of every row of another table; queries: (job.most, d), to be filled. */
static void
join_others(join *j, float *queries, MemoryContext cxt)
{
	MemoryContext row = AllocSetContextCreate(cxt, "knn_join query", ALLOCSET_DEFAULT_SIZES);
	Portal portal = scpg_items_open(&j->query_source);
	sc_knn *job = &j->job;

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
			put_neighbours(j, i, scpg_items_key(&j->query_source, i));
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

/* The items, and what is asked of them: argument number `queries`, or they themselves. */
static void
find_tables(join *j, int queries)
{
	FunctionCallInfo fcinfo = j->call.fcinfo;
	int k = j->job.k;
	char *asked;

	if (PG_ARGISNULL(queries))
	{
		j->item_source = scpg_keyed_call_source(&j->call, 0, psprintf("knn_join(%%t, %%k, %%c, %d, NULL%%o)", k));
		j->query_source = j->item_source;
		return;
	}
	scpg_keyed_call_check_pair(&j->call, 0, queries, psprintf("knn_join(%%t, %%k, %%c, %d, %%u%%o)", k),
							   psprintf("knn_join(%%t, %%c, %d, %%u)", k));
	asked = scpg_source_relation_literal(PG_GETARG_OID(queries));
	j->item_source = scpg_keyed_call_source(&j->call, 0, psprintf("knn_join(%%t, %%k, %%c, %d, %s%%o)", k, asked));
	asked = scpg_source_relation_literal(PG_GETARG_OID(0));
	j->query_source =
		scpg_keyed_call_source(&j->call, queries, psprintf("knn_join(%s, %%k, %%c, %d, %%t%%o)", asked, k));
}

static Datum
knn_join(FunctionCallInfo fcinfo, bool keyed)
{
	join j = {.call = scpg_keyed_call_begin(fcinfo, keyed, 5)};
	int queries = j.call.rest + 1; /* number of the argument; NULL: the items themselves */
	bool itself = PG_ARGISNULL(queries);
	MemoryContext cxt;

	j.job.k = scpg_knn_argument(fcinfo, j.call.rest);
	j.job.leave_out = itself;
	find_tables(&j, queries);

	SPI_connect();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "knn_join", ALLOCSET_DEFAULT_SIZES);
	scpg_items_load(&j.items, &j.item_source, cxt);
	j.job.n = j.items.rows.n;
	j.job.d = j.items.rows.d;
	j.job.rows = j.items.rows.x;
	if (j.job.n > (itself ? 1 : 0))
	{
		scpg_knn_plan(&j.job);
		if (itself)
		{
			(void) scpg_knn_layout(&j.job, 0, cxt);
			join_itself(&j);
		}
		else
		{
			size_t numbers = sc_mul(j.job.most, j.job.d);
			sc_arena arena = scpg_knn_layout(&j.job, sc_mul(numbers, sizeof(float)), cxt);

			join_others(&j, SC_TAKE(&arena, float, numbers), cxt);
		}
	}
	MemoryContextDelete(cxt);
	SPI_finish();
	return (Datum) 0;
}

SCPG_KEYED_FORM(knn_join_wide, knn_join, false)
SCPG_KEYED_FORM(knn_join_keyed_wide, knn_join, true)
SCPG_NARROW_FORM(knn_join, 2)
SCPG_NARROW_FORM(knn_join_keyed, 3)
