/*-------------------------------------------------------------------------
 *
 * src/pg/table/items.c
 *	  The rows of a table, embedding and key, in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/server/extension.h"
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

/*
 * The query of a source's rows: key and embedding, in the order of the keys. Of
 * length 1, rows of zeros are left out, whose cosine distance even to themselves
 * is NaN.
 */
static char *
items_query(const scpg_source *source)
{
	const char *schema = scpg_extension_schema_name();
	char *data = pstrdup(quote_identifier(source->data_column));
	char *filter = psprintf("%s IS NOT NULL", data);

	if (source->unit)
	{
		filter = psprintf("%s OPERATOR(%s.<=>) %s OPERATOR(pg_catalog.<>) 'NaN'::pg_catalog.float8", data, schema, data);
		data = psprintf("%s.l2_normalize(%s)", schema, data);
	}
	return psprintf("SELECT %s, %s FROM %s WHERE %s ORDER BY 1%s", source->id, data, source->relation, filter,
					source->id_primary ? "" : ", 2");
}

Portal
scpg_items_open(const scpg_source *source)
{
	return scpg_open_cursor(items_query(source), 0, NULL, NULL);
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

/* What takes the rows of items_query from the executor, straight from the pages of the table. */
typedef struct item_receiver
{
	DestReceiver receiver;
	scpg_items *items;
	const scpg_source *source;
	MemoryContext row; /* what is stored elsewhere is fetched into it */
} item_receiver;

static bool
receive_item(TupleTableSlot *slot, DestReceiver *self)
{
	item_receiver *r = (item_receiver *) self;
	MemoryContext old = MemoryContextSwitchTo(r->row);

	CHECK_FOR_INTERRUPTS();
	slot_getsomeattrs(slot, 2);
	if (slot->tts_isnull[0])
		scpg_source_refuse_null_key(r->source);
	/* The query leaves out embeddings that are NULL. */
	if (slot->tts_isnull[1])
		elog(ERROR, "unexpected null value");
	add_item(r->items, r->source, slot->tts_values[0], DatumGetEmbedding(slot->tts_values[1]));
	MemoryContextSwitchTo(old);
	MemoryContextReset(r->row);
	return true;
}

static void
receive_nothing(DestReceiver *self, int operation, TupleDesc type)
{
}

static void
end_nothing(DestReceiver *self)
{
}

void
scpg_items_load(scpg_items *items, const scpg_source *source, MemoryContext cxt)
{
	item_receiver receiver = {.receiver = {.receiveSlot = receive_item,
										   .rStartup = receive_nothing,
										   .rShutdown = end_nothing,
										   .rDestroy = end_nothing,
										   .mydest = DestTuplestore},
							  .items = items,
							  .source = source,
							  .row = AllocSetContextCreate(cxt, "selfclass items row", ALLOCSET_DEFAULT_SIZES)};
	SPIExecuteOptions options = {.read_only = true, .dest = &receiver.receiver};
	int status;

	memset(items, 0, sizeof(*items));
	scpg_rows_init(&items->rows, cxt);
	scpg_keys_init(&items->keys, items->rows.context);
	status = SPI_execute_extended(items_query(source), &options);
	if (status != SPI_OK_SELECT)
		elog(ERROR, "could not read the rows: %s", SPI_result_code_string(status));
}
