/*-------------------------------------------------------------------------
 *
 * src/core/image/decode.h
 *	  Decoding of many images on the pool.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_DECODE_H
#define SC_DECODE_H

#include <stdatomic.h>

#include "core/image/image.h"
#include "core/base/pool.h"

typedef struct sc_decode_item
{
	const uint8_t *bytes;
	size_t size;
	sc_image_plan plan;
	uint8_t *pixels;  /* out: plan.bytes bytes */
	uint64_t hash;	  /* out: of the bytes (sc_hash_bytes, seed 0) */
	sc_status status; /* out: SC_OK, or why it is unreadable, */
	sc_error error;	  /* ... and the words for that */
} sc_decode_item;

typedef struct sc_decode_batch
{
	sc_decode_item *items;
	int count;
	sc_image_limits limits;
	void *scratch;		 /* that of lane i is at scratch + i * scratch_each */
	size_t scratch_each; /* the largest plan.scratch, a multiple of SC_ALIGN */
	int lanes;			 /* that have scratch; others leave the items to them */
	atomic_int next;	 /* 0 at the start */
} sc_decode_batch;

/*
 * A job (argument: sc_decode_batch): each lane takes the next item until none
 * is left, for images differ too much in cost to be dealt out beforehand; what
 * becomes of an item does not depend on the lane. An image that cannot be read
 * sets its item's status and error and fails nothing else.
 */
extern sc_status sc_decode_batch_run(const sc_lane *lane, void *batch);

#endif /* SC_DECODE_H */
