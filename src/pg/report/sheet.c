/*-------------------------------------------------------------------------
 *
 * src/pg/report/sheet.c
 *	  A sheet of pictures: collecting tiles, placing them, writing a JPEG.
 *
 * Images are decoded in batches while they come; the sheet keeps their tiles
 * only. What waits for its batch when the JPEG is asked for is decoded into
 * tiles of the JPEG's own, so that writing leaves the sheet as it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/report/sheet.h"
#include "pg/report/tile.h"
#include "pg/server/compat.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/settings.h"
#include "pg/table/decoding.h"

/* Between two tiles, and around all of them, in pixels. */
#define GAP 4

/* The line that sets the first column off, in the middle of the gap after it. */
#define LINE_WIDTH 2
#define LINE 0x70

#define QUALITY 90

/* A batch of images is decoded once it has so many, or so many bytes. */
#define BATCH_IMAGES 64
#define BATCH_BYTES ((Size) 64 << 20)

typedef struct sheet_tile
{
	struct sheet_tile *next;
	uint8 *pixels; /* (tile, tile, 3) */
} sheet_tile;

struct scpg_sheet
{
	MemoryContext context;
	const char *name; /* for messages */
	int columns;
	int tile;
	int lead;	  /* pixels between the first column and the others, beside the gap */
	int64 images; /* so far, those that wait included */
	sheet_tile *first;
	sheet_tile *last;
	int64 bad; /* tiles with a cross, and why the first one has it */
	sc_error reason;
	/* The images that wait for their batch, in order. */
	MemoryContext batch;
	Size bytes;
	int waiting;
	bool readable[BATCH_IMAGES]; /* has a plan */
	sc_decode_item item[BATCH_IMAGES];
};

scpg_sheet *
scpg_sheet_make(MemoryContext cxt, const char *name, int columns, int tile, int lead)
{
	scpg_sheet *sheet;

	scpg_count_memory(cxt, sizeof(scpg_sheet), "a sheet of pictures");
	sheet = MemoryContextAllocZero(cxt, sizeof(scpg_sheet));
	sheet->context = cxt;
	sheet->name = name;
	sheet->batch = AllocSetContextCreate(cxt, "sheet images", ALLOCSET_DEFAULT_SIZES);
	sheet->columns = columns;
	sheet->tile = tile;
	sheet->lead = lead;
	return sheet;
}

/* ---- images that wait ------------------------------------------------------- */

/* Plan to decode an image so that its long side fits a tile. */
static sc_status
plan_image(sc_decode_item *item, int tile, const sc_image_limits *limits)
{
	const sc_core_api *core = scpg_core();
	sc_status status = core->sc_image_plan_read(&item->plan, item->bytes, item->size, tile, limits, &item->error);
	int64 shorter = Min(item->plan.source_width, item->plan.source_height);
	int64 longer = Max(item->plan.source_width, item->plan.source_height);

	if (status != SC_OK || longer <= tile)
		return status;
	return core->sc_image_plan_read(&item->plan, item->bytes, item->size, Max(1, (int) (shorter * tile / longer)),
									limits, &item->error);
}

/* Bytes that the batch will take when it is decoded. */
static Size
need_of_waiting(const scpg_sheet *sheet, int waiting)
{
	Size tiles = sc_mul(waiting, sizeof(sheet_tile) + (Size) sheet->tile * sheet->tile * 3 + MAXIMUM_ALIGNOF);

	return sc_add(tiles, scpg_decode_need(sheet->item, waiting));
}

/*
 * Put an image (a NULL pointer: NULL) to those that wait. false: there is no
 * memory for it beside them.
 */
static bool
wait_for_batch(scpg_sheet *sheet, struct varlena *value)
{
	sc_image_limits limits = scpg_image_limits();
	sc_decode_item *item = &sheet->item[sheet->waiting];
	bool *readable = &sheet->readable[sheet->waiting];
	bool fits = true;

	memset(item, 0, sizeof(*item));
	if (value == NULL)
	{
		item->status = SC_DATA;
		strlcpy(item->error.message, "image is null", sizeof(item->error.message));
	}
	else if ((fits = scpg_take_value(item, PointerGetDatum(value), need_of_waiting(sheet, sheet->waiting + 1),
									 sheet->batch)))
	{
		sheet->bytes += item->size;
		item->status = plan_image(item, sheet->tile, &limits);
		if (item->status == SC_NO_MEMORY)
			scpg_check(item->status, &item->error);
		fits = item->status != SC_OK || need_of_waiting(sheet, sheet->waiting + 1) <= scpg_memory_left();
		if (!fits)
			scpg_too_large(item, item->size);
	}
	if (!fits && sheet->waiting > 0)
		return false;
	*readable = item->status == SC_OK;
	if (!*readable)
		memset(&item->plan, 0, sizeof(item->plan));
	sheet->bytes += item->plan.bytes;
	sheet->images++;
	sheet->waiting++;
	return true;
}

/*
 * Decode what waits and append its tiles, allocated in cxt, to the list that
 * ends at *last; *bad and *reason are counted on. The sheet does not change.
 */
static sheet_tile *
decode_waiting(const scpg_sheet *sheet, MemoryContext cxt, sheet_tile *last, int64 *bad, sc_error *reason)
{
	sc_image_limits limits = scpg_image_limits();
	sc_decode_item items[BATCH_IMAGES];
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "sheet", ALLOCSET_DEFAULT_SIZES);
	int n = 0;

	for (int i = 0; i < sheet->waiting; i++)
		if (sheet->readable[i])
			items[n++] = sheet->item[i];
	scpg_decode_items(items, n, &limits, scratch);

	n = 0;
	for (int i = 0; i < sheet->waiting; i++)
	{
		const sc_decode_item *item = sheet->readable[i] ? &items[n++] : &sheet->item[i];
		Size head = MAXALIGN(sizeof(sheet_tile));
		sc_arena arena = scpg_arena(cxt, head + (Size) sheet->tile * sheet->tile * 3, "a sheet of pictures");
		sheet_tile *tile = (sheet_tile *) arena.base;

		tile->next = NULL;
		tile->pixels = (uint8 *) arena.base + head;
		if (item->status == SC_OK)
		{
			sc_image image = {item->plan.width, item->plan.height, item->plan.channels, item->pixels};

			scpg_tile_draw_image(tile->pixels, sheet->tile, &image);
		}
		else
		{
			scpg_tile_draw_cross(tile->pixels, sheet->tile);
			if ((*bad)++ == 0)
				*reason = item->error;
		}
		last->next = tile;
		last = tile;
	}
	MemoryContextDelete(scratch);
	return last;
}

static void
end_batch(scpg_sheet *sheet)
{
	sheet_tile before = {sheet->first};

	sheet->last =
		decode_waiting(sheet, sheet->context, sheet->last ? sheet->last : &before, &sheet->bad, &sheet->reason);
	if (sheet->first == NULL)
		sheet->first = before.next;
	MemoryContextReset(sheet->batch);
	sheet->bytes = 0;
	sheet->waiting = 0;
}

/* ---- the sheet ---------------------------------------------------------------- */

/* Width and height of a sheet of so many images. */
static int64
width_of(const scpg_sheet *sheet, int64 images)
{
	int64 columns = Min(images, sheet->columns);

	return columns * (sheet->tile + GAP) + GAP + (columns > 1 ? sheet->lead : 0);
}

static int64
height_of(const scpg_sheet *sheet, int64 images)
{
	return (images + sheet->columns - 1) / sheet->columns * (sheet->tile + GAP) + GAP;
}

void
scpg_sheet_check(const scpg_sheet *sheet, int64 images)
{
	int64 widest = width_of(sheet, sheet->columns);
	int64 width = width_of(sheet, images);
	int64 height = height_of(sheet, images);

	if (widest > SC_JPEG_MAX_SIDE || height > SC_JPEG_MAX_SIDE)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s is too long or too wide", sheet->name),
						errdetail("It would have %lld by %lld pixels; a side of a JPEG can have up to %d.",
								  (long long) widest, (long long) height, SC_JPEG_MAX_SIDE),
						errhint("Take smaller tiles, another number of columns, or fewer images.")));
	if (width * height > scpg_max_image_pixels)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s has too many pixels", sheet->name),
						errdetail("It would have %lld by %lld pixels; the limit is %d.", (long long) width,
								  (long long) height, scpg_max_image_pixels),
						errhint("Take smaller tiles or fewer images, or raise \"selfclass.max_image_pixels\".")));
}

void
scpg_sheet_add(scpg_sheet *sheet, struct varlena *image)
{
	scpg_sheet_check(sheet, sheet->images + 1);
	if (!wait_for_batch(sheet, image))
	{
		end_batch(sheet);
		wait_for_batch(sheet, image);
	}
	if (sheet->waiting == BATCH_IMAGES || sheet->bytes >= Min(BATCH_BYTES, scpg_memory_left() / 8))
		end_batch(sheet);
}

/* The line after the first column. */
static void
draw_line(uint8 *pixels, Size width, Size height, const scpg_sheet *sheet)
{
	Size left = GAP + sheet->tile + (GAP + sheet->lead - LINE_WIDTH) / 2;

	for (Size y = GAP; y < height - GAP; y++)
		memset(pixels + (y * width + left) * 3, LINE, LINE_WIDTH * 3);
}

/* Copy tiles from the list to their places in pixels, from number i on; the next number. */
static int64
place_tiles(uint8 *pixels, Size width, const scpg_sheet *sheet, const sheet_tile *tile, int64 i)
{
	Size line = (Size) sheet->tile * 3;

	for (; tile != NULL; tile = tile->next, i++)
	{
		int64 column = i % sheet->columns;
		Size left = GAP + column * (sheet->tile + GAP) + (column > 0 ? sheet->lead : 0);
		Size top = GAP + (i / sheet->columns) * (sheet->tile + GAP);

		CHECK_FOR_INTERRUPTS();
		for (int y = 0; y < sheet->tile; y++)
			memcpy(pixels + ((top + y) * width + left) * 3, tile->pixels + y * line, line);
	}
	return i;
}

/* The JPEG's bytes as a value, in the current memory context. */
static bytea *
jpeg_value(const sc_jpeg_job *job, const char *name)
{
	bytea *result;

	if (job->size > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s does not fit into a value", name),
				 errdetail("It has %zu bytes; a value can have up to %zu.", job->size, (Size) MaxAllocSize - VARHDRSZ)));
	result = palloc(job->size + VARHDRSZ);
	SET_VARSIZE(result, job->size + VARHDRSZ);
	memcpy(VARDATA(result), job->out, job->size);
	return result;
}

bytea *
scpg_sheet_write(const scpg_sheet *sheet)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "sheet", ALLOCSET_DEFAULT_SIZES);
	sheet_tile before = {NULL};
	int64 bad = sheet->bad;
	int64 placed;
	sc_error reason = sheet->reason;
	sc_jpeg_job job;
	uint8 *pixels;
	Size bytes;
	sc_arena arena;
	bytea *result;

	Assert(sheet->images > 0);
	(void) decode_waiting(sheet, cxt, &before, &bad, &reason);

	memset(&job, 0, sizeof(job));
	job.image.width = (int) width_of(sheet, sheet->images);
	job.image.height = (int) height_of(sheet, sheet->images);
	job.image.channels = 3;
	job.quality = QUALITY;
	job.capacity = scpg_core()->sc_jpeg_bound(job.image.width, job.image.height, job.image.channels);
	bytes = sc_mul(sc_mul(job.image.width, job.image.height), 3);
	arena = scpg_arena(cxt, sc_add(sc_add(bytes, job.capacity), 3 * SC_ALIGN), "a sheet of pictures");
	pixels = SC_TAKE(&arena, uint8, bytes);
	job.out = SC_TAKE(&arena, uint8, job.capacity);
	memset(pixels, SCPG_TILE_BACKGROUND, bytes);
	placed = place_tiles(pixels, job.image.width, sheet, sheet->first, 0);
	(void) place_tiles(pixels, job.image.width, sheet, before.next, placed);
	if (sheet->lead > 0 && Min(sheet->images, sheet->columns) > 1)
		draw_line(pixels, job.image.width, job.image.height, sheet);
	job.image.pixels = pixels;
	scpg_run(scpg_core()->sc_jpeg_encode_run, &job);
	result = jpeg_value(&job, sheet->name);
	MemoryContextDelete(cxt);

	if (bad > 0)
		ereport(WARNING,
				(errmsg("%lld of %lld images on the %s could not be read", (long long) bad, (long long) sheet->images,
						sheet->name),
				 errdetail("The first of them: %s%s%s", reason.message, reason.detail[0] ? ". " : ".", reason.detail),
				 reason.hint[0] ? errhint("%s", reason.hint) : 0));
	return result;
}
