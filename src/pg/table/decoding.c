/*-------------------------------------------------------------------------
 *
 * src/pg/table/decoding.c
 *	  From the bytes of images to pixels, on the pool.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/settings.h"
#include "pg/table/decoding.h"

void
scpg_decode_items(sc_decode_item *items, int count, const sc_image_limits *limits, MemoryContext cxt)
{
	sc_arena counter = sc_arena_counter();
	sc_arena arena;
	sc_decode_batch batch;
	Size each = 0;

	Assert(count >= 0);
	if (count == 0)
		return;
	for (int i = 0; i < count; i++)
	{
		(void) SC_TAKE(&counter, uint8, items[i].plan.bytes);
		each = Max(each, items[i].plan.scratch);
	}
	each = TYPEALIGN(SC_ALIGN, each);

	/* A progressive JPEG can need much; then fewer lanes decode at once. */
	memset(&batch, 0, sizeof(batch));
	batch.lanes = Min(scpg_lanes(), count);
	while (batch.lanes > 1 && sc_mul(batch.lanes, each) > scpg_memory_left() / 4)
		batch.lanes--;
	(void) SC_TAKE(&counter, uint8, sc_mul(batch.lanes, each));

	arena = scpg_arena(cxt, sc_arena_need(&counter), "decoding images");
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
	return image;
}

sc_image
scpg_decode_one(const uint8 *bytes, Size size, int max_side)
{
	sc_image_limits limits = scpg_image_limits();
	sc_decode_item item;
	MemoryContext cxt;
	sc_arena arena;
	sc_image image;

	memset(&item, 0, sizeof(item));
	item.bytes = bytes;
	item.size = size;
	scpg_check(scpg_core()->sc_image_plan_read(&item.plan, bytes, size, max_side, &limits, &item.error), &item.error);

	/* The scratch can be many times the result, so it does not stay. */
	cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass image", ALLOCSET_SMALL_SIZES);
	scpg_decode_items(&item, 1, &limits, cxt);
	scpg_check(item.status, &item.error);
	image = scpg_decoded(&item);
	arena = scpg_arena(CurrentMemoryContext, item.plan.bytes + 2 * SC_ALIGN, "an image");
	image.pixels = memcpy(SC_TAKE(&arena, uint8, item.plan.bytes), image.pixels, item.plan.bytes);
	MemoryContextDelete(cxt);
	return image;
}
