/*-------------------------------------------------------------------------
 *
 * src/core/image/decode.c
 *	  Decoding of many images on the pool.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/decode.h"

#include "core/base/arena.h"
#include "core/base/rng.h"

sc_status
sc_decode_batch_run(const sc_lane *lane, void *arg)
{
	sc_decode_batch *batch = arg;
	char *scratch = (char *) batch->scratch + (size_t) lane->index * batch->scratch_each;
	sc_lane self = *lane;
	int i;

	SC_ASSERT(batch->items != NULL || batch->count == 0);
	SC_ASSERT(batch->scratch_each % SC_ALIGN == 0);
	if (lane->index >= batch->lanes)
		return SC_OK;
	while ((i = atomic_fetch_add(&batch->next, 1)) < batch->count)
	{
		sc_decode_item *item = &batch->items[i];

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		SC_ASSERT(item->plan.scratch <= batch->scratch_each);
		item->hash = sc_hash_bytes(item->bytes, item->size, 0);
		item->status = sc_image_decode(item->pixels, &item->plan, item->bytes, item->size, &batch->limits, scratch,
									   sc_lane_stopped_callback, &self, &item->error);
		if (item->status == SC_ABORTED)
			return SC_ABORTED;
	}
	return SC_OK;
}
