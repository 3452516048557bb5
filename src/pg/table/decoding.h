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

/*
 * Decode items, whose plans are made, on the pool. What an image is unreadable
 * for is left in its item; anything else is raised. Pixels and scratch memory
 * are in cxt.
 */
extern void scpg_decode_items(sc_decode_item *items, int count, const sc_image_limits *limits, MemoryContext cxt);

/* The image of an item that was decoded; the pixels stay where they are. */
extern sc_image scpg_decoded(const sc_decode_item *item);

#endif /* SCPG_DECODING_H */
