/*-------------------------------------------------------------------------
 *
 * src/pg/table/decoding.h
 *	  From the bytes of images to pixels, on the pool.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_DECODING_H
#define SCPG_DECODING_H

#include "postgres.h"

#include "core/api.h"

/*
 * Decode one image that is at hand, for embed_image and the like: on the pool,
 * raising the error of an unreadable one. The pixels are in the current context.
 */
extern sc_image scpg_decode_one(const uint8 *bytes, Size size, int max_side);

/* Likewise, but return what is wrong with the image instead of raising it; anything else is raised. */
extern sc_status scpg_try_decode_one(sc_image *image, const uint8 *bytes, Size size, int max_side, sc_error *err);

/*
 * Copy the bytes of an image, a value of a table, into cxt for item. false, with
 * SC_LIMIT and its words in item and nothing copied: they do not fit in memory
 * beside the `beside` bytes that are about to be taken.
 */
extern bool scpg_take_value(sc_decode_item *item, Datum value, Size beside, MemoryContext cxt);

/* Mark an item as one that does not fit in memory: SC_LIMIT. */
extern void scpg_too_large(sc_decode_item *item, Size bytes);

/* Bytes that scpg_decode_items needs for them at least. */
extern Size scpg_decode_need(const sc_decode_item *items, int count);

/*
 * Decode items, whose plans are made, on the pool. What an image is unreadable
 * for is left in its item; anything else is raised. Pixels and scratch memory
 * are in cxt.
 */
extern void scpg_decode_items(sc_decode_item *items, int count, const sc_image_limits *limits, MemoryContext cxt);

/* The image of an item that was decoded; the pixels stay where they are. */
extern sc_image scpg_decoded(const sc_decode_item *item);

#endif /* SCPG_DECODING_H */
