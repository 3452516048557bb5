/*-------------------------------------------------------------------------
 *
 * src/core/image/decode.c
 *	  Decoding of many images on the pool.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/decode.h"
#include "core/base/rng.h"

static bool
lane_stopped(void *arg)
{
	return sc_lane_stopped((const sc_lane *) arg);
}

sc_status
sc_decode_batch_run(const sc_lane *lane, void *arg)
{
	sc_decode_batch *batch = arg;
	char *scratch = (char *) batch->scratch + (size_t) lane->index * batch->scratch_each;
	sc_lane self = *lane;
	int i;

	if (lane->index >= batch->lanes)
		return SC_OK;
	while ((i = atomic_fetch_add(&batch->next, 1)) < batch->count)
	{
		sc_decode_item *item = &batch->items[i];

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		item->hash = sc_hash_bytes(item->bytes, item->size, 0);
		item->status = sc_image_decode(item->pixels, &item->plan, item->bytes, item->size, &batch->limits, scratch,
									   lane_stopped, &self, &item->error);
		if (item->status == SC_ABORTED)
			return SC_ABORTED;
	}
	return SC_OK;
}
