/*-------------------------------------------------------------------------
 *
 * src/pg/table/items.c
 *	  The rows of a table, embedding and key, in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/server/memory.h"
#include "pg/table/items.h"

Portal
scpg_open_cursor(const char *sql, int nargs, Oid *types, Datum *values)
{
	Portal portal = SPI_cursor_open_with_args(NULL, sql, nargs, types, values, NULL, true, 0);

	if (portal == NULL)
		elog(ERROR, "could not open a cursor: %s", SPI_result_code_string(SPI_result));
	return portal;
}

Portal
scpg_items_open(const scpg_source *source)
{
	char *data = pstrdup(quote_identifier(source->data_column));

	return scpg_open_cursor(psprintf("SELECT %s, %s FROM %s WHERE %s IS NOT NULL ORDER BY 1%s", source->id, data,
									 source->relation, data, source->id_primary ? "" : ", 2"),
							0, NULL, NULL);
}

Datum
scpg_items_fetched(uint64 i, int column)
{
	bool isnull;
	Datum value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column, &isnull);

	/* The queries leave out embeddings that are NULL. */
	if (isnull)
		elog(ERROR, "unexpected null value");
	return value;
}

Datum
scpg_items_key(const scpg_source *source, uint64 i)
{
	bool isnull;
	Datum key = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &isnull);

	if (isnull)
		scpg_source_refuse_null_key(source);
	return key;
}

static void
add_item(scpg_items *items, const scpg_source *source, Datum key, const scpg_embedding *e)
{
	if (items->rows.n == items->room)
	{
		size_t room = Max(items->room + items->room / 2, 64);

		items->key = scpg_enlarge(items->key, items->room * sizeof(Datum), room * sizeof(Datum), items->rows.context,
								  "the keys of all rows");
		items->room = room;
	}
	items->key[items->rows.n] = scpg_keys_add(&items->keys, source, key);
	scpg_rows_add(&items->rows, e, 0);
}

void
scpg_items_load(scpg_items *items, const scpg_source *source, MemoryContext cxt)
{
	MemoryContext row = AllocSetContextCreate(cxt, "selfclass items row", ALLOCSET_DEFAULT_SIZES);
	Portal portal = scpg_items_open(source);

	memset(items, 0, sizeof(*items));
	scpg_rows_init(&items->rows, cxt);
	scpg_keys_init(&items->keys, items->rows.context);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, SCPG_FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row);

			CHECK_FOR_INTERRUPTS();
			add_item(items, source, scpg_items_key(source, i), DatumGetEmbedding(scpg_items_fetched(i, 2)));
			MemoryContextSwitchTo(old);
			MemoryContextReset(row);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}
