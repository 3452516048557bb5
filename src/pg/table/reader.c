/*-------------------------------------------------------------------------
 *
 * src/pg/table/reader.c
 *	  Reading the images of a table in batches.
 *
 * Rows come one at a time from a cursor, so that never more of them is in
 * memory than one batch, however large a value is. A batch ends by count or by
 * bytes; what it holds is counted against selfclass.max_memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "pg/server/compat.h"
#include "pg/server/errors.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
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
	MemoryContext batch; /* what scpg_reader_next returned last */
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
	query = psprintf("SELECT %s, %s FROM %s", pstrdup(quote_identifier(source->id_column)),
					 pstrdup(quote_identifier(source->data_column)), source->relation);
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

/* The key of the row that was fetched, in the current memory context. */
static Datum
take_key(const scpg_source *source, HeapTuple tuple, TupleDesc desc)
{
	bool null;
	Datum id = heap_getattr(tuple, 1, desc, &null);

	if (null)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
						errmsg("key column \"%s\" of %s contains a null value", source->id_column, source->relation),
						errhint("Name a column that identifies every row: '{\"id_column\": \"...\"}'.")));
	/* A key that is stored out of line would not survive a commit. */
	if (source->id_length == -1)
		return PointerGetDatum(PG_DETOAST_DATUM_COPY(id));
	return datumCopy(id, source->id_by_value, source->id_length);
}

/* Add the row that was fetched to the batch; its image's bytes, as stored and as pixels. */
static Size
take_row(scpg_reader *reader, HeapTuple tuple, TupleDesc desc)
{
	scpg_image_row *row = &reader->row[reader->rows++];
	sc_decode_item *item = &reader->item[reader->items];
	bool null;
	Datum value;
	Size size;
	struct varlena *data;

	memset(row, 0, sizeof(*row));
	row->id = take_key(reader->source, tuple, desc);
	value = heap_getattr(tuple, 2, desc, &null);
	if (null)
	{
		row->status = row->error.status = SC_DATA;
		strlcpy(row->error.message, "image is null", sizeof(row->error.message));
		return 0;
	}
	size = toast_raw_datum_size(value);
	scpg_count_memory(reader->batch, size, "an image");
	data = PG_DETOAST_DATUM_COPY(value);

	memset(item, 0, sizeof(*item));
	item->bytes = (const uint8 *) VARDATA(data);
	item->size = VARSIZE(data) - VARHDRSZ;
	row->status = scpg_core()->sc_image_plan_read(&item->plan, item->bytes, item->size, reader->max_side,
												  &reader->limits, &row->error);
	if (row->status == SC_NO_MEMORY)
		scpg_check(row->status, &row->error);
	if (row->status != SC_OK)
		return size;
	reader->item_row[reader->items++] = row;
	return size + item->plan.bytes;
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
	while (!reader->ended && reader->rows < BATCH_ROWS && bytes < limit)
	{
		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(reader->portal, true, 1);
		MemoryContextSwitchTo(reader->batch);
		if (SPI_processed == 0)
			reader->ended = true;
		else
			bytes += take_row(reader, SPI_tuptable->vals[0], SPI_tuptable->tupdesc);
		SPI_freetuptable(SPI_tuptable);
	}
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
