/*-------------------------------------------------------------------------
 *
 * src/pg/contact_sheet.c
 *	  The aggregate contact_sheet(image, columns, tile): the images as one
 *	  JPEG, in rows of tiles.
 *
 * Images are decoded in batches while the rows come; the state keeps their
 * tiles only. What waits for its batch when the result is asked for is decoded
 * into tiles of the result's own, so the final function leaves the state as it
 * is. An image that cannot be read is a tile with a cross.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/bridge.h"
#include "pg/compat.h"
#include "pg/dataset.h"
#include "pg/rows.h"

#define MAX_COLUMNS 1000
#define MIN_TILE 8
#define MAX_TILE 1024

/* Between two tiles, and around all of them, in pixels. */
#define GAP 4

#define BACKGROUND 0xF4
#define BAD_TILE 0xC8
#define BAD_CROSS 0x8C

#define QUALITY 90

/* A batch of images is decoded once it has so many, or so many bytes. */
#define BATCH_IMAGES 64
#define BATCH_BYTES ((Size) 64 << 20)

typedef struct Tile
{
	struct Tile *next;
	uint8	   *pixels;			/* (tile, tile, 3) */
} Tile;

typedef struct State
{
	MemoryContext context;
	int			columns;
	int			tile;
	int64		images;			/* rows so far, those that wait included */
	Tile	   *first;
	Tile	   *last;
	int64		bad;			/* tiles with a cross, and why the first one has it */
	sc_error	reason;
	/* The images that wait for their batch, in order. */
	MemoryContext batch;
	Size		bytes;
	int			waiting;
	bool		readable[BATCH_IMAGES];	/* has a plan */
	sc_decode_item item[BATCH_IMAGES];
} State;

/* ---- drawing of one tile ---------------------------------------------------- */

static void
put_pixel(uint8 *tile, int side, int x, int y, const uint8 rgb[3])
{
	memcpy(tile + ((size_t) y * side + x) * 3, rgb, 3);
}

/*
 * An image in the middle of a tile. A small one is enlarged by a whole number;
 * one that could not be reduced enough, being a pixel wide, loses pixels.
 */
static void
draw_image(uint8 *tile, int side, const sc_image *image)
{
	int			longest = Max(image->width, image->height);
	int			times = Max(1, side / longest);
	int			width = Min(image->width * times, side);
	int			height = Min(image->height * times, side);
	int			left = (side - width) / 2;
	int			top = (side - height) / 2;

	memset(tile, BACKGROUND, (size_t) side * side * 3);
	for (int y = 0; y < height; y++)
	{
		const uint8 *row = image->pixels +
			(size_t) ((int64) y * image->height / height) * image->width * image->channels;

		for (int x = 0; x < width; x++)
		{
			const uint8 *p = row + (size_t) ((int64) x * image->width / width) * image->channels;
			uint8		rgb[3] = {p[0], p[image->channels / 2], p[image->channels - 1]};

			put_pixel(tile, side, left + x, top + y, rgb);
		}
	}
}

static void
draw_cross(uint8 *tile, int side)
{
	static const uint8 rgb[3] = {BAD_CROSS, BAD_CROSS, BAD_CROSS};
	int			margin = side / 4;
	int			thickness = 2 + side / 48;

	memset(tile, BAD_TILE, (size_t) side * side * 3);
	for (int y = margin; y < side - margin; y++)
		for (int x = margin; x < side - margin; x++)
			if (abs(x - y) < thickness || abs(x + y - side + 1) < thickness)
				put_pixel(tile, side, x, y, rgb);
}

/* ---- images that wait ------------------------------------------------------- */

/* Plan to decode an image so that its long side fits a tile. */
static sc_status
plan_image(sc_decode_item *item, int tile, const sc_image_limits *limits)
{
	const sc_core_api *core = scpg_core();
	sc_status	status = core->sc_image_plan_read(&item->plan, item->bytes, item->size, tile, limits, &item->error);
	int64		shorter = Min(item->plan.source_width, item->plan.source_height);
	int64		longer = Max(item->plan.source_width, item->plan.source_height);

	if (status != SC_OK || longer <= tile)
		return status;
	return core->sc_image_plan_read(&item->plan, item->bytes, item->size, Max(1, (int) (shorter * tile / longer)),
									limits, &item->error);
}

/* Put an image (a NULL pointer: NULL) to those that wait. */
static void
wait_for_batch(State *state, struct varlena *value)
{
	sc_image_limits limits = scpg_image_limits();
	sc_decode_item *item = &state->item[state->waiting];
	bool	   *readable = &state->readable[state->waiting];

	memset(item, 0, sizeof(*item));
	state->images++;
	state->waiting++;
	*readable = false;
	if (value == NULL)
	{
		item->status = SC_DATA;
		strlcpy(item->error.message, "image is NULL", sizeof(item->error.message));
	}
	else
	{
		MemoryContext caller = MemoryContextSwitchTo(state->batch);
		Size		size = toast_raw_datum_size(PointerGetDatum(value));
		struct varlena *copy;

		scpg_count_memory(state->batch, size, "an image");
		copy = (struct varlena *) PG_DETOAST_DATUM_COPY(value);
		MemoryContextSwitchTo(caller);
		item->bytes = (const uint8 *) VARDATA(copy);
		item->size = VARSIZE(copy) - VARHDRSZ;
		item->status = plan_image(item, state->tile, &limits);
		*readable = item->status == SC_OK;
		state->bytes += size + (*readable ? item->plan.bytes : 0);
	}
}

/*
 * Decode what waits and append its tiles, allocated in cxt, to the list that
 * ends at *last; *bad and *reason are counted on. The state does not change.
 */
static Tile *
decode_waiting(const State *state, MemoryContext cxt, Tile *last, int64 *bad, sc_error *reason)
{
	sc_image_limits limits = scpg_image_limits();
	sc_decode_item items[BATCH_IMAGES];
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "contact_sheet", ALLOCSET_DEFAULT_SIZES);
	int			n = 0;

	for (int i = 0; i < state->waiting; i++)
		if (state->readable[i])
			items[n++] = state->item[i];
	scpg_decode_items(items, n, &limits, scratch);

	n = 0;
	for (int i = 0; i < state->waiting; i++)
	{
		const sc_decode_item *item = state->readable[i] ? &items[n++] : &state->item[i];
		Size		head = MAXALIGN(sizeof(Tile));
		sc_arena	arena = scpg_arena(cxt, head + (Size) state->tile * state->tile * 3, "a contact sheet");
		Tile	   *tile = (Tile *) arena.base;

		tile->next = NULL;
		tile->pixels = (uint8 *) arena.base + head;
		if (item->status == SC_OK)
		{
			sc_image	image = {item->plan.width, item->plan.height, item->plan.channels, item->pixels};

			draw_image(tile->pixels, state->tile, &image);
		}
		else
		{
			draw_cross(tile->pixels, state->tile);
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
end_batch(State *state)
{
	Tile		before = {state->first};

	state->last = decode_waiting(state, state->context, state->last ? state->last : &before,
								 &state->bad, &state->reason);
	if (state->first == NULL)
		state->first = before.next;
	MemoryContextReset(state->batch);
	state->bytes = 0;
	state->waiting = 0;
}

/* ---- the sheet ---------------------------------------------------------------- */

static int64
side_of(int64 tiles, int tile)
{
	return tiles * (tile + GAP) + GAP;
}

/* 54000 where so many images make a sheet that cannot be. */
static void
check_sheet(const State *state, int64 images)
{
	int64		rows = (images + state->columns - 1) / state->columns;
	int64		width = side_of(Min(images, state->columns), state->tile);
	int64		height = side_of(rows, state->tile);

	if (side_of(state->columns, state->tile) > SC_JPEG_MAX_SIDE || height > SC_JPEG_MAX_SIDE)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("contact sheet is too long or too wide"),
				 errdetail("It would have %lld by %lld pixels; a side of a JPEG can have up to %d.",
						   (long long) side_of(state->columns, state->tile), (long long) height, SC_JPEG_MAX_SIDE),
				 errhint("Take smaller tiles, another number of columns, or fewer images.")));
	if (width * height > scpg_max_image_pixels)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("contact sheet has too many pixels"),
				 errdetail("It would have %lld by %lld pixels; the limit is %d.",
						   (long long) width, (long long) height, scpg_max_image_pixels),
				 errhint("Take smaller tiles or fewer images, or raise \"selfclass.max_image_pixels\".")));
}

static int
int_argument(FunctionCallInfo fcinfo, int number, const char *name, int min, int max)
{
	int			value;

	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("\"%s\" of a contact sheet must not be NULL", name)));
	value = PG_GETARG_INT32(number);
	if (value < min || value > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"%s\" of a contact sheet is out of range", name),
				 errdetail("The value is %d.", value),
				 errhint("It must be between %d and %d.", min, max)));
	return value;
}

PG_FUNCTION_INFO_V1(scpg_contact_sheet_accum);
Datum
scpg_contact_sheet_accum(PG_FUNCTION_ARGS)
{
	State	   *state = PG_ARGISNULL(0) ? NULL : (State *) PG_GETARG_POINTER(0);
	int			columns = int_argument(fcinfo, 2, "columns", 1, MAX_COLUMNS);
	int			tile = int_argument(fcinfo, 3, "tile", MIN_TILE, MAX_TILE);
	MemoryContext cxt = scpg_aggregate_context(fcinfo);

	if (state == NULL)
	{
		scpg_count_memory(cxt, sizeof(State), "a contact sheet");
		state = MemoryContextAllocZero(cxt, sizeof(State));
		state->context = cxt;
		state->batch = AllocSetContextCreate(cxt, "contact_sheet images", ALLOCSET_DEFAULT_SIZES);
		state->columns = columns;
		state->tile = tile;
	}
	if (columns != state->columns || tile != state->tile)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("\"columns\" and \"tile\" of a contact sheet must be the same in every row")));
	check_sheet(state, state->images + 1);
	wait_for_batch(state, PG_ARGISNULL(1) ? NULL : (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(1)));
	if (state->waiting == BATCH_IMAGES || state->bytes >= Min(BATCH_BYTES, scpg_memory_left() / 8))
		end_batch(state);
	PG_RETURN_POINTER(state);
}

/* Copy tiles from the list to their places on the sheet, from number i on; the next number. */
static int64
place_tiles(uint8 *sheet, Size width, const State *state, const Tile *tile, int64 i)
{
	Size		line = (Size) state->tile * 3;

	for (; tile != NULL; tile = tile->next, i++)
	{
		Size		left = GAP + (i % state->columns) * (state->tile + GAP);
		Size		top = GAP + (i / state->columns) * (state->tile + GAP);

		CHECK_FOR_INTERRUPTS();
		for (int y = 0; y < state->tile; y++)
			memcpy(sheet + ((top + y) * width + left) * 3, tile->pixels + y * line, line);
	}
	return i;
}

PG_FUNCTION_INFO_V1(scpg_contact_sheet_final);
Datum
scpg_contact_sheet_final(PG_FUNCTION_ARGS)
{
	const State *state = PG_ARGISNULL(0) ? NULL : (const State *) PG_GETARG_POINTER(0);
	MemoryContext cxt;
	Tile		before = {NULL};
	int64		bad;
	int64		placed;
	sc_error	reason;
	sc_jpeg_job job;
	uint8	   *sheet;
	Size		bytes;
	sc_arena	arena;
	bytea	   *result;

	if (state == NULL)
		PG_RETURN_NULL();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "contact_sheet", ALLOCSET_DEFAULT_SIZES);
	bad = state->bad;
	reason = state->reason;
	(void) decode_waiting(state, cxt, &before, &bad, &reason);

	memset(&job, 0, sizeof(job));
	job.image.width = (int) side_of(Min(state->images, state->columns), state->tile);
	job.image.height = (int) side_of((state->images + state->columns - 1) / state->columns, state->tile);
	job.image.channels = 3;
	job.quality = QUALITY;
	job.capacity = scpg_core()->sc_jpeg_bound(job.image.width, job.image.height, job.image.channels);
	bytes = sc_mul(sc_mul(job.image.width, job.image.height), 3);
	arena = scpg_arena(cxt, sc_add(sc_add(bytes, job.capacity), 3 * SC_ALIGN), "a contact sheet");
	sheet = SC_TAKE(&arena, uint8, bytes);
	job.out = SC_TAKE(&arena, uint8, job.capacity);
	memset(sheet, BACKGROUND, bytes);
	placed = place_tiles(sheet, job.image.width, state, state->first, 0);
	(void) place_tiles(sheet, job.image.width, state, before.next, placed);
	job.image.pixels = sheet;
	scpg_run(scpg_core()->sc_jpeg_encode_run, &job);

	if (job.size > MaxAllocSize - VARHDRSZ)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("contact sheet does not fit into a value"),
				 errdetail("It has %zu bytes; a value can have up to %zu.", job.size, (Size) MaxAllocSize - VARHDRSZ)));
	result = palloc(job.size + VARHDRSZ);
	SET_VARSIZE(result, job.size + VARHDRSZ);
	memcpy(VARDATA(result), job.out, job.size);
	MemoryContextDelete(cxt);

	if (bad > 0)
		ereport(WARNING,
				(errmsg("%lld of %lld images on the contact sheet could not be read",
						(long long) bad, (long long) state->images),
				 errdetail("The first of them: %s%s%s", reason.message, reason.detail[0] ? ". " : ".", reason.detail)));
	PG_RETURN_BYTEA_P(result);
}
