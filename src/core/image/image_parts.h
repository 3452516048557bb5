/*-------------------------------------------------------------------------
 *
 * src/core/image/image_parts.h
 *	  What the files of this room share.
 *
 * Of those that read images each stands on the ones below it:
 *	  decode.c       many images, on the pool
 *	  image.c        which format the bytes have
 *	  unknown.c      what is in none of the formats that are read, by its name
 *	  jpeg.c, png.c, webp.c  the readers: planning reads the header, decoding the rows
 *	  view.c         what is transparent, or of 16 bits, as it is seen
 *	  limits.c       how large an image may be
 *	  reduce.c       the rows of a picture made smaller and upright
 *	  exif.c         which side of a picture is up
 * encode.c, which writes them, needs none of these.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_IMAGE_PARTS_H
#define SC_IMAGE_PARTS_H

#include <setjmp.h>

#include "core/base/arena.h"
#include "core/image/image.h"

/* The longest side of an image. 255 times this fits into 32 bits, as reduce.c needs. */
#define SC_IMAGE_MAX_SIDE 1000000

/* One planning or one decoding, for the reader of its format. */
typedef struct sc_image_task
{
	const uint8_t *bytes; /* (size) */
	size_t size;
	const sc_image_limits *limits;
	bool (*stopped)(void *arg); /* may be NULL */
	void *arg;
	sc_error *err;
	sc_image_plan *plan; /* filled by planning, followed by decoding */
	int max_side;		 /* of planning alone, as for sc_image_plan_read */
	uint8_t *pixels;	 /* (plan->height, plan->width, plan->channels) to decode into; NULL: plan only */
	void *scratch;		 /* of decoding alone: plan->scratch bytes */
} sc_image_task;

static inline bool
sc_image_stopped(const sc_image_task *task)
{
	return task->stopped != NULL && task->stopped(task->arg);
}

/*
 * Where a reader or the writer jumps to when its library gives up, or it does
 * itself: libjpeg and libpng know no other way out of their functions.
 */
typedef struct sc_image_exit
{
	sigjmp_buf jump;
	sc_status status; /* SC_OK, or why it jumped */
} sc_image_exit;

static inline _Noreturn void
sc_image_leave(sc_image_exit *to, sc_status status)
{
	to->status = status;
	siglongjmp(to->jump, 1);
}

/* Go on only where a check said SC_OK. */
static inline void
sc_image_require(sc_image_exit *to, sc_status status)
{
	if (status != SC_OK)
		sc_image_leave(to, status);
}

/* jpeg.c, png.c and webp.c: sc_image_plan_read (where task->pixels is NULL) and sc_image_decode for one format. */
extern sc_status sc_jpeg_read(const sc_image_task *task);
#ifdef SC_WITH_PNG
extern sc_status sc_png_read(const sc_image_task *task);
#endif
#ifdef SC_WITH_WEBP
extern sc_status sc_webp_read(const sc_image_task *task);
#endif

/* unknown.c: SC_BAD_IMAGE, with words for what these bytes are, which are no image that is read. */
extern sc_status sc_image_fail_unknown(const uint8_t *bytes, size_t size, sc_error *err);

/* ... and the name of their format alone, if they are a picture; NULL if not. */
extern const char *sc_image_other_format(const uint8_t *bytes, size_t size);

/* limits.c: SC_OK, or an error that says which limit there is and what raises it. */

/* Width and height as stored: each at least 1 and at most SC_IMAGE_MAX_SIDE; their product. */
extern sc_status sc_image_check_size(size_t width, size_t height, const sc_image_limits *limits, sc_error *err);
/* Of a picture stored as width x height, those that are decoded: each stands for scale x scale of them. */
extern sc_status sc_image_check_pixels(size_t width, size_t height, size_t scale, const sc_image_limits *limits,
									   sc_error *err);
/* Bytes that decoding will take. */
extern sc_status sc_image_check_memory(size_t bytes, const sc_image_limits *limits, sc_error *err);
/* Scans so far of a JPEG of so many pixels: each costs as much as a picture. */
extern sc_status sc_image_check_scans(size_t scans, size_t pixels, const sc_image_limits *limits, sc_error *err);
/* A library asked the system for memory in vain: SC_NO_MEMORY. */
extern sc_status sc_image_fail_malloc(sc_error *err);
/* A library asked for more memory than it may have: SC_LIMIT. */
extern sc_status sc_image_fail_memory(sc_image_format format, const sc_image_limits *limits, sc_error *err);

/* view.c: How samples become pixels. */
typedef struct sc_view
{
	int bits;		/* of a sample: those of a file, but for 16-bit files that use fewer */
	uint8_t ground; /* of what is transparent: white or black */
} sc_view;

/* What the pixels of a picture tell about it. A pixel that is wholly transparent tells nothing. */
typedef struct sc_seen
{
	unsigned largest; /* sample of a colour */
	bool clear;		  /* some pixel is transparent at least in part */
	uint64_t alpha;	  /* sum over all pixels */
	uint64_t sum[3];  /* of each colour, weighted by alpha: below 2^63, for pixels are fewer than 2^31 */
} sc_seen;

/* Take down what a row (width, channels and maybe alpha) of 8 bits, or wide of 16, tells about its picture. */
extern void sc_image_look(sc_seen *seen, const uint8_t *row, size_t width, size_t channels, bool alpha, bool wide);
/*
 * The ground that shows the picture. White, unless what is to be seen is itself
 * three quarters of the way to it or more: then black.
 */
extern uint8_t sc_image_choose_ground(const sc_seen *seen, size_t channels, int bits);
/* From samples as stored to 8 bits without alpha, in place. */
extern void sc_image_show_row(uint8_t *row, size_t width, size_t channels, bool alpha, bool wide, sc_view view);

/*
 * reduce.c: takes the rows of a picture as it is stored and writes them reduced
 * and upright. Each pixel of the result is the mean of the area of the source
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
	sc_orientation orientation;
	int y;			 /* rows taken */
	int out_y;		 /* rows written */
	int32_t *sum;	 /* (pixels that come, channels): of the rows so far, each times its units */
	uint8_t *mean;	 /* (out_width, channels) */
	uint8_t *pixels; /* the result */
} sc_reducer;

/* Fill the sizes of plan for a picture stored as width x height; channels and orientation are set. */
extern void sc_image_plan_size(sc_image_plan *plan, int width, int height, int max_side);

/* The width and height of plan's result before it is turned upright. */
extern void sc_image_stored_size(const sc_image_plan *plan, int *width, int *height);

/*
 * A reducer of a picture stored as width x height to plan's result; its
 * buffers come from the arena. A square of scale x scale pixels must not be
 * larger than a pixel of the result.
 */
extern sc_reducer sc_reducer_layout(sc_arena *arena, const sc_image_plan *plan, int width, int height, int scale);
/* The next row (ceil(width / scale), channels). */
extern void sc_reducer_row(sc_reducer *r, const uint8_t *row);

/* exif.c: the orientation in size bytes of a TIFF header and its directory; upright if there is none. */
extern sc_orientation sc_exif_orientation(const uint8_t *tiff, size_t size);

#endif /* SC_IMAGE_PARTS_H */
