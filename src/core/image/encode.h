/*-------------------------------------------------------------------------
 *
 * src/core/image/encode.h
 *	  From pixels to the bytes of a baseline JPEG.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_ENCODE_H
#define SC_ENCODE_H

#include "core/image/image.h"
#include "core/base/pool.h"

/* A JPEG's sides are 16-bit numbers; libjpeg refuses the last few. */
#define SC_JPEG_MAX_SIDE 65500

/* Bytes that the JPEG of any such image fits into, at any quality. */
extern size_t sc_jpeg_bound(int width, int height, int channels);

/*
 * Encode image into out (capacity bytes, sc_jpeg_bound is always enough);
 * *size tells how many it takes. quality 1 ... 100; from 90 on colour is kept
 * at full resolution. `stopped(arg)` (may be NULL) as for sc_image_decode.
 * SC_INVALID: a size or quality that cannot be. SC_LIMIT: out is too small.
 */
extern sc_status sc_jpeg_encode(uint8_t *out, size_t capacity, size_t *size, const sc_image *image, int quality,
								bool (*stopped)(void *arg), void *arg, sc_error *err);

typedef struct sc_jpeg_job
{
	sc_image image;
	int quality;
	uint8_t *out; /* capacity bytes */
	size_t capacity;
	size_t size; /* out: how many it takes */
} sc_jpeg_job;

/* A job (argument: sc_jpeg_job): sc_jpeg_encode on one lane. */
extern sc_status sc_jpeg_encode_run(const sc_lane *lane, void *job);

#endif /* SC_ENCODE_H */
