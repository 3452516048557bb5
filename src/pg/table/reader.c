/*-------------------------------------------------------------------------
 *
 * src/pg/table/reader.c
 *	  Reading the images of a table in batches.
 *
 * Rows come one at a time from a cursor, so that never more of them is in
 * memory than one batch, however large a value is. A batch ends by count or by
 * bytes; what it holds is counted against selfclass.max_memory. An image that
 * does not fit beside the others of its batch waits for the next one, and is
 * unreadable if it does not fit there by itself.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

#include "pg/server/compat.h"
#include "pg/server/errors.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/progress.h"
#include "pg/server/settings.h"
#include "pg/table/decoding.h"
#include "pg/table/reader.h"

/* A batch ends here, or ... */
#define BATCH_ROWS 64
/* ... once its images, as stored and as pixels, have so many bytes, or an eighth of what is left. */
#define BATCH_BYTES ((Size) 64 << 20)

struct scpg_reader
{
	const scpg_source *source;
	int max_side;
	sc_image_limits limits;
	bool own_snapshot;
	Portal portal;
	bool ended;
	SPITupleTable *waiting; /* a row that was fetched and did not fit; NULL: none */
	MemoryContext batch;	/* what scpg_reader_next returned last */
	int rows;
	scpg_image_row row[BATCH_ROWS];
	int items;
	sc_decode_item item[BATCH_ROWS];
	scpg_image_row *item_row[BATCH_ROWS]; /* whose image the item is */
};

static scpg_reader *
open_reader(const scpg_source *source, int max_side, bool own_snapshot)
{
	scpg_reader *reader = palloc0(sizeof(scpg_reader));
	MemoryContext caller = CurrentMemoryContext;
	SPIParseOpenOptions options;
	char *query;

	reader->source = source;
	reader->max_side = max_side;
	reader->limits = scpg_image_limits();
	reader->batch = AllocSetContextCreate(CurrentMemoryContext, "selfclass images", ALLOCSET_DEFAULT_SIZES);
	reader->own_snapshot = own_snapshot || !ActiveSnapshotSet();
	if (reader->own_snapshot)
	{
		CommandCounterIncrement();
		PushActiveSnapshot(GetTransactionSnapshot());
	}
	query = psprintf("SELECT %s, %s FROM %s", source->id, quote_identifier(source->data_column),
					 source->some != NULL ? source->some : source->relation);
	memset(&options, 0, sizeof(options));
	options.cursorOptions = CURSOR_OPT_NO_SCROLL;
	options.read_only = true;
	reader->portal = SPI_cursor_parse_open(NULL, query, &options);
	MemoryContextSwitchTo(caller);
	return reader;
}

scpg_reader *
scpg_reader_open(const scpg_source *source, int max_side)
{
	return open_reader(source, max_side, false);
}

scpg_reader *
scpg_reader_open_now(const scpg_source *source, int max_side)
{
	return open_reader(source, max_side, true);
}

int64
scpg_reader_count(scpg_reader *reader)
{
	Oid relid = reader->source->relid;
	char kind = get_rel_relkind(relid);
	bool isnull;
	int64 rows;

	if ((kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_MATVIEW) ||
		check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return SCPG_UNCOUNTED;
	if (SPI_execute(psprintf("SELECT pg_catalog.count(*) FROM %s", reader->source->relation), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count rows: %s", SPI_result_code_string(SPI_result));
	rows = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return rows;
}

/* The key of the row that was fetched, in the current memory context. */
static Datum
take_key(const scpg_source *source, HeapTuple tuple, TupleDesc desc)
{
	bool null;
	Datum id = heap_getattr(tuple, 1, desc, &null);

	if (null)
		scpg_source_refuse_null_key(source);
	/* A key that is stored out of line would not survive a commit. */
	if (source->id_length == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(id));
	return datumCopy(id, source->id_by_value, source->id_length);
}

/*
 * Add the row that was fetched to the batch, and its image's bytes, as stored
 * and as pixels, to *bytes. false: there is no memory for it beside the others.
 */
static bool
take_row(scpg_reader *reader, HeapTuple tuple, TupleDesc desc, Size *bytes)
{
	scpg_image_row *row = &reader->row[reader->rows];
	sc_decode_item *item = &reader->item[reader->items];
	bool fits, null;
	Datum value;

	memset(row, 0, sizeof(*row));
	row->id = take_key(reader->source, tuple, desc);
	value = heap_getattr(tuple, 2, desc, &null);
	if (null)
	{
		row->status = row->error.status = SC_DATA;
		strlcpy(row->error.message, "image is null", sizeof(row->error.message));
		reader->rows++;
		return true;
	}
	fits = scpg_take_value(item, value, scpg_decode_need(reader->item, reader->items), reader->batch);
	if (fits)
	{
		*bytes += item->size;
		item->status = scpg_core()->sc_image_plan_read(&item->plan, item->bytes, item->size, reader->max_side,
													   &reader->limits, &item->error);
		if (item->status == SC_NO_MEMORY)
			scpg_check(item->status, &item->error);
		fits = item->status != SC_OK || scpg_decode_need(reader->item, reader->items + 1) <= scpg_memory_left();
		if (!fits)
			scpg_too_large(item, item->size);
	}
	if (!fits && reader->rows > 0)
		return false;
	reader->rows++;
	row->status = item->status;
	if (item->status != SC_OK)
	{
		row->error = item->error;
		return true;
	}
	reader->item_row[reader->items++] = row;
	*bytes += item->plan.bytes;
	return true;
}

/* The next row: that which waits, or one that is fetched; NULL at the end. */
static SPITupleTable *
fetch_row(scpg_reader *reader)
{
	SPITupleTable *row = reader->waiting;

	reader->waiting = NULL;
	if (row != NULL)
		return row;
	if (reader->ended)
		return NULL;
	SPI_cursor_fetch(reader->portal, true, 1);
	if (SPI_processed > 0)
		return SPI_tuptable;
	reader->ended = true;
	SPI_freetuptable(SPI_tuptable);
	return NULL;
}

int
scpg_reader_next(scpg_reader *reader, scpg_image_row **rows)
{
	MemoryContext caller = CurrentMemoryContext;
	Size limit = Max(1, Min(BATCH_BYTES, scpg_memory_left() / 8));
	Size bytes = 0;

	MemoryContextReset(reader->batch);
	reader->rows = 0;
	reader->items = 0;
	while (reader->rows < BATCH_ROWS && bytes < limit)
	{
		SPITupleTable *fetched;

		CHECK_FOR_INTERRUPTS();
		if ((fetched = fetch_row(reader)) == NULL)
			break;
		MemoryContextSwitchTo(reader->batch);
		if (!take_row(reader, fetched->vals[0], fetched->tupdesc, &bytes))
		{
			reader->waiting = fetched;
			break;
		}
		SPI_freetuptable(fetched);
	}
	MemoryContextSwitchTo(reader->batch);
	scpg_decode_items(reader->item, reader->items, &reader->limits, reader->batch);
	for (int i = 0; i < reader->items; i++)
	{
		const sc_decode_item *item = &reader->item[i];
		scpg_image_row *row = reader->item_row[i];

		row->status = item->status;
		if (item->status != SC_OK)
		{
			row->error = item->error;
			continue;
		}
		row->image = scpg_decoded(item);
		row->hash = item->hash;
		row->short_side = Min(item->plan.source_width, item->plan.source_height);
	}
	MemoryContextSwitchTo(caller);
	*rows = reader->row;
	return reader->rows;
}

void
scpg_reader_close(scpg_reader *reader)
{
	SPI_cursor_close(reader->portal);
	if (reader->own_snapshot)
		PopActiveSnapshot();
	MemoryContextDelete(reader->batch);
	pfree(reader);
}
