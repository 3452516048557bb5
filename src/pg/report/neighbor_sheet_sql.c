/*-------------------------------------------------------------------------
 *
 * src/pg/report/neighbor_sheet_sql.c
 *	  neighbor_sheet: rows of a table and their nearest neighbours as a sheet
 *	  of pictures, the k-NN test of the paper (its Figures 3 and 7).
 *
 * Each row of tiles is a query, set off at the left, and its k nearest other
 * rows, nearest first: those of knn_join. The queries are the rows whose
 * images' bytes have the smallest SHA-256: a draw that has nothing to do with
 * what the images show or how the table is ordered, and the same every time.
 *
 * The table is read through SPI as the caller. Rows are named by their number
 * in the order of the key among those that have an embedding, which the
 * statement's one snapshot keeps the same in every query here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/analytics/knn.h"
#include "pg/report/sheet.h"
#include "pg/server/arguments.h"
#include "pg/server/extension.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/options.h"
#include "pg/table/items.h"
#include "pg/table/source.h"

#define MAX_QUERIES 1000
#define MAX_NEIGHBOURS 999

#define TILE 96

/* Pixels for the line between a query and its neighbours, beside the gap between tiles. */
#define LEAD 20

static int
int_argument(FunctionCallInfo fcinfo, int n, const char *what, int max)
{
	int value = scpg_int_argument(fcinfo, n, what);

	if (value < 1 || value > max)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("%s is out of range", what),
						errdetail("The value is %d.", value), errhint("It must be between 1 and %d.", max)));
	return value;
}

/* The rows that have an embedding, numbered from 1 in the order of their keys, with `columns` of each. */
static char *
numbered_rows(const scpg_source *source, const char *columns)
{
	char *emb = pstrdup(quote_identifier(source->data_column));
	/* As scpg_items_open. */
	char *order = source->id_primary ? source->id : psprintf("%s, %s", source->id, emb);

	return psprintf("(SELECT pg_catalog.row_number() OVER (ORDER BY %s) AS number, %s FROM %s WHERE %s IS NOT NULL) r",
					order, columns, source->relation, emb);
}

/* Numbers of up to `wanted` rows with different images, in the current memory context; how many. */
static int
choose_queries(const scpg_source *source, const char *image, int wanted, int64 *number)
{
	Oid types[1] = {INT4OID};
	Datum values[1] = {Int32GetDatum(wanted)};
	char *rows = numbered_rows(source, psprintf("pg_catalog.sha256(%s) AS hash", quote_identifier(image)));
	char *sql =
		psprintf("SELECT DISTINCT ON (hash) number FROM %s WHERE hash IS NOT NULL ORDER BY hash, number LIMIT $1", rows);
	Portal portal = scpg_open_cursor(sql, 1, types, values);
	int n;

	SPI_cursor_fetch(portal, true, wanted);
	n = (int) SPI_processed;
	for (int i = 0; i < n; i++)
		number[i] = DatumGetInt64(scpg_items_fetched(i, 1));
	SPI_freetuptable(SPI_tuptable);
	SPI_cursor_close(portal);
	return n;
}

/*
 * The nearest rows of each query: tiles (queries, 1 + found) gets the numbers
 * of the queries and of their neighbours. found: at most k.
 */
static int64 *
find_neighbours(const scpg_source *source, const int64 *query, int queries, int k, int *found)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "neighbor_sheet", ALLOCSET_DEFAULT_SIZES);
	sc_knn job = {.k = k, .leave_out = true, .most = 1, .m = 1};
	scpg_items items;
	int64 *tiles;

	scpg_items_load(&items, source, cxt);
	job.n = items.rows.n;
	job.d = items.rows.d;
	job.rows = items.rows.x;
	/* Only a policy of row security that is volatile can show other rows than just now. */
	for (int i = 0; i < queries; i++)
		if ((uint64) query[i] > job.n)
			ereport(ERROR, (errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
							errmsg("rows of %s changed while they were read", source->relation)));
	*found = (int) Min((size_t) k, job.n - 1);
	tiles = palloc(sizeof(int64) * queries * (1 + *found));
	if (*found > 0)
	{
		job.lanes = scpg_lanes();
		(void) scpg_knn_layout(&job, 0, cxt);
	}
	for (int i = 0; i < queries; i++)
	{
		int64 *row = tiles + (size_t) i * (1 + *found);

		row[0] = query[i];
		if (*found == 0)
			continue;
		job.first = query[i] - 1;
		job.queries = job.rows + job.first * job.d;
		scpg_run_on(job.lanes, scpg_core()->sc_knn_run, &job);
		for (int j = 0; j < *found; j++)
			row[1 + j] = (int64) job.index[j] + 1;
	}
	MemoryContextDelete(cxt);
	return tiles;
}

/* Put the images of rows, named by their numbers, on the sheet, in that order. */
static void
add_images(scpg_sheet *sheet, const scpg_source *source, const char *image, const int64 *tiles, int n)
{
	Datum *numbers = palloc(sizeof(Datum) * n);
	Oid types[1] = {INT8ARRAYOID};
	Datum values[1];
	char *rows = numbered_rows(source, psprintf("%s AS image", quote_identifier(image)));
	char *sql = psprintf("SELECT r.image FROM pg_catalog.unnest($1) WITH ORDINALITY AS t(number, place)"
						 " LEFT JOIN %s ON r.number OPERATOR(pg_catalog.=) t.number ORDER BY t.place",
						 rows);
	Portal portal;

	for (int i = 0; i < n; i++)
		numbers[i] = Int64GetDatum(tiles[i]);
	values[0] = PointerGetDatum(construct_array(numbers, n, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	portal = scpg_open_cursor(sql, 1, types, values);
	/* One at a time: an image may be large. */
	for (int i = 0; i < n; i++)
	{
		bool isnull = true;
		Datum value = (Datum) 0;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(portal, true, 1);
		if (SPI_processed == 1)
			value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
		scpg_sheet_add(sheet, isnull ? NULL : (struct varlena *) DatumGetPointer(value));
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

typedef struct sheet_options
{
	char **id_column;
} sheet_options;

static const scpg_option options_table[] = {
	{"id_column", SCPG_OPTION_NAMES, offsetof(sheet_options, id_column), .nullable = true},
};

PG_FUNCTION_INFO_V1(scpg_neighbor_sheet_wide);
Datum
scpg_neighbor_sheet_wide(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	sheet_options options = {NULL};
	scpg_key_request key = {NULL};
	scpg_source source, image;
	int64 *query;
	int64 *tiles;
	int queries;
	int k;
	int found;
	scpg_sheet *sheet;
	bytea *result = NULL;

	scpg_refuse_null(fcinfo, 0, "relation");
	scpg_refuse_null(fcinfo, 1, "name of the column of images");
	scpg_refuse_null(fcinfo, 2, "name of the column of embeddings");
	queries = int_argument(fcinfo, 3, "number of queries", MAX_QUERIES);
	k = int_argument(fcinfo, 4, "number of neighbours", MAX_NEIGHBOURS);
	/* 1.0's form has no options. */
	key.options = scpg_options_argument(fcinfo, 5);
	scpg_options_read(&options, NULL, key.options, options_table, lengthof(options_table));
	scpg_source_resolve(&image, PG_GETARG_OID(0), NULL, NameStr(*PG_GETARG_NAME(1)), BYTEAOID);
	key.columns = options.id_column;
	key.call =
		psprintf("neighbor_sheet(%%t, %s, %%c, %d, %d%%o)", scpg_source_call_literal(image.data_column), queries, k);
	source = scpg_source_embeddings(fcinfo, 0, 2, &key);

	SPI_connect();
	query = palloc(sizeof(int64) * queries);
	queries = choose_queries(&source, image.data_column, queries, query);
	if (queries > 0)
	{
		tiles = find_neighbours(&source, query, queries, k, &found);
		sheet = scpg_sheet_make(CurrentMemoryContext, "neighbor sheet", 1 + found, TILE, LEAD);
		scpg_sheet_check(sheet, (int64) queries * (1 + found));
		add_images(sheet, &source, image.data_column, tiles, queries * (1 + found));
		MemoryContextSwitchTo(caller);
		result = scpg_sheet_write(sheet);
	}
	SPI_finish();
	if (result == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(result);
}

SCPG_NARROW_FORM(neighbor_sheet, 3, 4)
