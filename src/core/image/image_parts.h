/*-------------------------------------------------------------------------
 *
 * src/core/image/image_parts.h
 *	  What image.c shares with the readers of the formats, jpeg.c and png.c:
 *	  the size of the result, and the reduction of the rows while they come.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_IMAGE_PARTS_H
#define SC_IMAGE_PARTS_H

#include "core/base/arena.h"
#include "core/image/image.h"

/* The longest side of an image. 255 times this fits into 32 bits. */
#define SC_IMAGE_MAX_SIDE 1000000

/* What a reader of a format works on. */
typedef struct sc_image_source
{
	const uint8_t *bytes;
	size_t size;
	const sc_image_limits *limits;
	bool (*stopped)(void *arg); /* may be NULL */
	void *arg;
	sc_error *err;
} sc_image_source;

/*
 * Takes the rows of a picture as it is stored and writes them reduced and
 * upright. Each pixel of the result is the mean of the area of the source
 * that it covers, computed in integers; parts of pixels count in part.
 */
typedef struct sc_reducer
{
	int width; /* of the source */
	int height;
	int scale;	   /* a pixel that comes stands for scale x scale pixels of it */
	int out_width; /* of the result, before it is turned upright */
	int out_height;
	int channels;
	int orientation; /* EXIF, 1 ... 8 */
	int y;			 /* rows taken */
	int out_y;		 /* rows written */
	uint32_t *row;	 /* (out_width, channels) of the current row */
	uint64_t *sum;	 /* (out_width, channels) of the rows so far */
	uint8_t *mean;	 /* (out_width, channels) */
	uint8_t *pixels; /* the result */
} sc_reducer;

/* image.c */
extern sc_status sc_image_check_size(size_t width, size_t height, const sc_image_limits *limits, sc_error *err);
extern sc_status sc_image_check_memory(size_t bytes, const sc_image_limits *limits, sc_error *err);

/* Fill the sizes of plan for a picture stored as width x height; channels and orientation are set. */
extern void sc_image_plan_size(sc_image_plan *plan, int width, int height, int max_side);

/* reduce.c */

/*
 * A reducer of a picture stored as width x height to plan's result; its
 * buffers come from the arena. A square of scale x scale pixels must not be
 * larger than a pixel of the result.
 */
extern sc_reducer sc_reducer_layout(sc_arena *arena, const sc_image_plan *plan, int width, int height, int scale);
/* The next row (ceil(width / scale), channels). */
extern void sc_reducer_row(sc_reducer *r, const uint8_t *row);

/* exif.c: the orientation, 1 ... 8, in size bytes of a TIFF header and its directory; 1 if there is none. */
extern int sc_exif_orientation(const uint8_t *tiff, size_t size);

/* jpeg.c and png.c: sc_image_plan_read and sc_image_decode for one format. */
extern sc_status sc_jpeg_plan(sc_image_plan *plan, const sc_image_source *source, int max_side);
extern sc_status sc_jpeg_decode(uint8_t *pixels, const sc_image_plan *plan, const sc_image_source *source,
								void *scratch);
#ifdef SC_WITH_PNG
extern sc_status sc_png_plan(sc_image_plan *plan, const sc_image_source *source, int max_side);
extern sc_status sc_png_decode(uint8_t *pixels, const sc_image_plan *plan, const sc_image_source *source, void *scratch);
#endif

#endif /* SC_IMAGE_PARTS_H */
