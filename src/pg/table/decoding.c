/*-------------------------------------------------------------------------
 *
 * src/pg/table/decoding.c
 *	  From the bytes of images to pixels, on the pool.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "fmgr.h"
#include "utils/memutils.h"

#include "pg/server/compat.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/settings.h"
#include "pg/table/decoding.h"

void
scpg_too_large(sc_decode_item *item, Size bytes)
{
	item->status = item->error.status = SC_LIMIT;
	strlcpy(item->error.message, "image takes more memory than there is", sizeof(item->error.message));
	snprintf(item->error.detail, sizeof(item->error.detail),
			 "Its %zu bytes, and what decoding them takes, do not fit in \"selfclass.max_memory\".", bytes);
	strlcpy(item->error.hint, "Reduce the image, or raise \"selfclass.max_memory\".", sizeof(item->error.hint));
}

bool
scpg_take_value(sc_decode_item *item, Datum value, Size beside, MemoryContext cxt)
{
	Size size = toast_raw_datum_size(value);
	Size stored = toast_datum_size(value);
	MemoryContext caller;
	struct varlena *data;

	memset(item, 0, sizeof(*item));
	/* A compressed value is there in both forms for a while. */
	if (sc_add(sc_add(size, stored < size ? stored : 0), beside) > scpg_memory_left())
	{
		scpg_too_large(item, size - VARHDRSZ);
		return false;
	}
	scpg_count_memory(cxt, size, "an image");
	caller = MemoryContextSwitchTo(cxt);
	data = PG_DETOAST_DATUM_COPY(value);
	MemoryContextSwitchTo(caller);
	item->bytes = (const uint8 *) VARDATA(data);
	item->size = VARSIZE(data) - VARHDRSZ;
	return true;
}

/* Bytes for the pixels of items and the scratch of so many lanes; *each: of one lane. */
static Size
need_of(const sc_decode_item *items, int count, int lanes, Size *each)
{
	sc_arena counter = sc_arena_counter();

	*each = 0;
	for (int i = 0; i < count; i++)
	{
		(void) SC_TAKE(&counter, uint8, items[i].plan.bytes);
		*each = Max(*each, items[i].plan.scratch);
	}
	*each = TYPEALIGN(SC_ALIGN, *each);
	(void) SC_TAKE(&counter, uint8, sc_mul(lanes, *each));
	return sc_arena_need(&counter);
}

Size
scpg_decode_need(const sc_decode_item *items, int count)
{
	Size each;

	return count == 0 ? 0 : need_of(items, count, 1, &each);
}

void
scpg_decode_items(sc_decode_item *items, int count, const sc_image_limits *limits, MemoryContext cxt)
{
	sc_arena arena;
	sc_decode_batch batch;
	Size need, each;

	Assert(count >= 0);
	if (count == 0)
		return;

	/* A progressive JPEG can need much; then fewer lanes decode at once. */
	memset(&batch, 0, sizeof(batch));
	batch.lanes = Min(scpg_lanes(), count);
	while ((need = need_of(items, count, batch.lanes, &each)) > scpg_memory_left() ||
		   sc_mul(batch.lanes, each) > scpg_memory_left() / 4)
	{
		if (batch.lanes == 1)
			break;
		batch.lanes--;
	}

	arena = scpg_arena(cxt, need, "decoding images");
	for (int i = 0; i < count; i++)
		items[i].pixels = SC_TAKE(&arena, uint8, items[i].plan.bytes);
	batch.items = items;
	batch.count = count;
	batch.limits = *limits;
	batch.scratch = SC_TAKE(&arena, uint8, sc_mul(batch.lanes, each));
	batch.scratch_each = each;
	scpg_run(scpg_core()->sc_decode_batch_run, &batch);

	/* Only what is wrong with an image makes it unreadable. */
	for (int i = 0; i < count; i++)
		if (items[i].status == SC_NO_MEMORY || items[i].status == SC_INTERNAL)
			scpg_check(items[i].status, &items[i].error);
}

sc_image
scpg_decoded(const sc_decode_item *item)
{
	sc_image image;

	image.width = item->plan.width;
	image.height = item->plan.height;
	image.channels = item->plan.channels;
	image.pixels = item->pixels;
	image.hash = item->hash;
	return image;
}

sc_status
scpg_try_decode_one(sc_image *image, const uint8 *bytes, Size size, int max_side, sc_error *err)
{
	sc_image_limits limits = scpg_image_limits();
	sc_decode_item item = {.bytes = bytes, .size = size};
	MemoryContext cxt;

	item.status = scpg_core()->sc_image_plan_read(&item.plan, bytes, size, max_side, &limits, &item.error);
	if (item.status == SC_NO_MEMORY)
		scpg_check(item.status, &item.error);
	if (item.status == SC_OK && scpg_decode_need(&item, 1) > scpg_memory_left())
		scpg_too_large(&item, size);
	if (item.status != SC_OK)
	{
		*err = item.error;
		return item.status;
	}

	/* The scratch can be many times the result, so it does not stay. */
	cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass image", ALLOCSET_SMALL_SIZES);
	scpg_decode_items(&item, 1, &limits, cxt);
	if (item.status == SC_OK)
	{
		sc_arena arena = scpg_arena(CurrentMemoryContext, item.plan.bytes + 2 * SC_ALIGN, "an image");

		*image = scpg_decoded(&item);
		image->pixels = memcpy(SC_TAKE(&arena, uint8, item.plan.bytes), image->pixels, item.plan.bytes);
	}
	else
		*err = item.error;
	MemoryContextDelete(cxt);
	return item.status;
}

sc_image
scpg_decode_one(const uint8 *bytes, Size size, int max_side)
{
	sc_image image;
	sc_error err;

	scpg_check(scpg_try_decode_one(&image, bytes, size, max_side, &err), &err);
	return image;
}
