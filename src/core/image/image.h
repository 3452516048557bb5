/*-------------------------------------------------------------------------
 *
 * src/core/image/image.h
 *	  From the bytes of a JPEG, PNG or WebP to pixels, in two steps: plan, decode.
 *
 * Planning reads the header only: it tells format and size, refuses what is
 * over a limit before anything is allocated (limits.c), and says how large the
 * result and the scratch memory will be. Decoding then fills memory of the
 * caller.
 * The picture is upright (EXIF orientation applied), RGB or grayscale, and
 * reduced while it is decoded so that its short side is at most `max_side`.
 * Whatever the file leaves open (the ground below what is transparent, how many
 * of 16 bits count) follows from its own pixels, never from other pictures.
 * Bytes are hostile. Faults of a file that no pixel depends on are passed over;
 * a picture that is not whole is corrupt.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_IMAGE_H
#define SC_IMAGE_H

#include "core/base/status.h"

/* The channels of decoded pixels. */
#define SC_GRAY 1
#define SC_RGB 3

/* Decoded pixels, upright. */
typedef struct sc_image
{
	int width;
	int height;
	int channels;		   /* SC_GRAY or SC_RGB */
	const uint8_t *pixels; /* (height, width, channels) */
	uint64_t hash;		   /* of the bytes that it was read from: names it in random streams */
} sc_image;

/* What one image may cost. The GUCs selfclass.max_image_* fill it. */
typedef struct sc_image_limits
{
	size_t max_pixels;		/* width * height, of a JPEG as it is decoded: at 1/2, 1/4 or 1/8 where that is enough */
	size_t max_memory;		/* bytes to decode one image */
	int max_scans;			/* of a progressive JPEG */
	size_t max_scan_pixels; /* scans * width * height */
} sc_image_limits;

typedef enum sc_image_format
{
	SC_IMAGE_JPEG,
	SC_IMAGE_PNG,
	SC_IMAGE_WEBP
} sc_image_format;

/* What makes a stored picture upright, in EXIF's numbers. */
typedef enum sc_orientation
{
	SC_UPRIGHT = 1, /* it is */
	SC_MIRROR,		/* left and right change places */
	SC_HALF_TURN,
	SC_FLIP,	   /* top and bottom change places */
	SC_TRANSPOSE,  /* about the diagonal from the upper left; from here on width and height change places too */
	SC_TURN_RIGHT, /* by a quarter, clockwise */
	SC_TRANSVERSE, /* about the other diagonal */
	SC_TURN_LEFT
} sc_orientation;

typedef struct sc_image_plan
{
	sc_image_format format;
	int source_width; /* upright, before reduction */
	int source_height;
	int source_channels; /* samples of a pixel: with transparency 2 or 4, and 4 of CMYK */
	int width;			 /* of the result */
	int height;
	int channels; /* SC_GRAY or SC_RGB */
	sc_orientation orientation;
	size_t bytes;	/* of the result: width * height * channels */
	size_t scratch; /* bytes of scratch that sc_image_decode needs */
} sc_image_plan;

/* What these bytes are by their beginning, "JPEG", "GIF" and so on; NULL: no picture that has a name here. */
extern const char *sc_image_format_name(const uint8_t *bytes, size_t size);

/*
 * Read the header of `size` bytes. max_side: the short side of the result is
 * at most this (0: as stored); a smaller picture is never enlarged.
 * SC_BAD_IMAGE, SC_UNSUPPORTED, SC_LIMIT. Fast; runs on any thread.
 */
extern sc_status sc_image_plan_read(sc_image_plan *plan, const uint8_t *bytes, size_t size, int max_side,
									const sc_image_limits *limits, sc_error *err);

/*
 * Decode into pixels (plan->height, plan->width, plan->channels), using
 * scratch (plan->scratch bytes, of any alignment). `stopped(arg)` (may be NULL)
 * is asked at least every 20 ms; true ends the decoding with SC_ABORTED.
 */
extern sc_status sc_image_decode(uint8_t *pixels, const sc_image_plan *plan, const uint8_t *bytes, size_t size,
								 const sc_image_limits *limits, void *scratch, bool (*stopped)(void *arg), void *arg,
								 sc_error *err);

#endif /* SC_IMAGE_H */
