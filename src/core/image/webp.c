/*-------------------------------------------------------------------------
 *
 * src/core/image/webp.c
 *	  WebP images, read with libwebp. Compiled only where libwebp is there.
 *
 * Lossy or lossless, each comes out as 8-bit RGB, transparency laid on white or
 * black as of a PNG. Of an animation the first frame is the picture. A picture
 * that becomes smaller is reduced by libwebp itself, by area and row by row as
 * the rows are decoded, for it gives pixels of a whole picture only.
 *
 * libwebp asks malloc for its memory and nobody else, so a bound of it, by its
 * headers, is held against the limit before. It is given the bytes in parts, and
 * can be stopped between them.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <string.h>

#include <webp/decode.h>

/* A file: "RIFF", its length without these two, "WEBP", then chunks of a name, a length and that many bytes. */
#define FILE_HEADER_BYTES 12
#define CHUNK_HEADER_BYTES 8
/* What stands before the picture in a chunk ANMF: where it goes, its size, how long it is shown, flags. */
#define FRAME_HEADER_BYTES 16
/* Of the features in a chunk VP8X, which is the first: there is a chunk EXIF. */
#define FEATURE_EXIF 0x08
/* Pixels that are decoded between two looks at the stop flag, as many as take about 20 ms. */
#define STOP_PIXELS (1 << 20)

/* As WebPFeatures has it. */
#define LOSSLESS 2

/* A chunk: its data within the file, as far as they are there. */
typedef struct webp_chunk
{
	const uint8_t *name; /* 4 bytes; NULL: there is no more */
	const uint8_t *data;
	size_t size;
	bool whole;
} webp_chunk;

static size_t
read_length(const uint8_t *p)
{
	return (size_t) p[0] | (size_t) p[1] << 8 | (size_t) p[2] << 16 | (size_t) p[3] << 24;
}

/* The chunk at *at of the file, which is left behind it. */
static webp_chunk
next_chunk(const sc_image_task *task, size_t *at)
{
	webp_chunk chunk = {0};
	size_t length;

	if (task->size - *at < CHUNK_HEADER_BYTES)
		return chunk;
	chunk.name = task->bytes + *at;
	chunk.data = chunk.name + CHUNK_HEADER_BYTES;
	*at += CHUNK_HEADER_BYTES;
	length = read_length(chunk.name + 4);
	chunk.whole = length <= task->size - *at;
	chunk.size = SC_MIN(length, task->size - *at);
	/* An odd length is followed by one more byte. */
	*at += SC_MIN(length + length % 2, task->size - *at);
	return chunk;
}

static bool
is_called(webp_chunk chunk, const char *name)
{
	return chunk.name != NULL && memcmp(chunk.name, name, 4) == 0;
}

/* The first chunk of that name; its name is NULL where there is none. */
static webp_chunk
find_chunk(const sc_image_task *task, const char *name)
{
	size_t at = FILE_HEADER_BYTES;
	webp_chunk chunk;

	do
		chunk = next_chunk(task, &at);
	while (chunk.name != NULL && !is_called(chunk, name));
	return chunk;
}

/* Fail with what libwebp says. */
static sc_status
fail(const sc_image_task *task, VP8StatusCode code)
{
	if (code == VP8_STATUS_OUT_OF_MEMORY)
		return sc_image_fail_malloc(task->err);
	if (code == VP8_STATUS_UNSUPPORTED_FEATURE)
		return sc_fail(task->err, SC_UNSUPPORTED, "variant of WebP is not supported");
	sc_fail(task->err, SC_BAD_IMAGE, "WebP image is corrupt");
	if (code == VP8_STATUS_NOT_ENOUGH_DATA || code == VP8_STATUS_SUSPENDED)
		sc_detail(task->err, "Its %zu bytes end before its pixels do.", task->size);
	else
		sc_detail(task->err, "libwebp finds a fault in its data (status %d).", (int) code);
	return SC_BAD_IMAGE;
}

/*
 * The orientation in the chunk EXIF, which comes after the pixels. Where the file
 * has been cut before one that it says it has, nobody knows which side is up.
 */
static sc_status
find_orientation(sc_orientation *orientation, const sc_image_task *task)
{
	size_t at = FILE_HEADER_BYTES;
	webp_chunk first = next_chunk(task, &at), exif = find_chunk(task, "EXIF");

	*orientation = SC_UPRIGHT;
	if (exif.name != NULL && exif.whole)
	{
		/* Some programs put before it what JPEG has before it. */
		size_t skip = exif.size >= 6 && memcmp(exif.data, "Exif\0\0", 6) == 0 ? 6 : 0;

		*orientation = sc_exif_orientation(exif.data + skip, exif.size - skip);
		return SC_OK;
	}
	if (!is_called(first, "VP8X") || first.size < 1 || !(first.data[0] & FEATURE_EXIF) ||
		read_length(task->bytes + 4) <= task->size - CHUNK_HEADER_BYTES)
		return SC_OK;
	sc_fail(task->err, SC_BAD_IMAGE, "WebP image is corrupt");
	sc_detail(task->err, "Its %zu bytes end before its EXIF data do.", task->size);
	return SC_BAD_IMAGE;
}

/* The picture to decode: of an animation the bytes of its first frame, which libwebp reads by themselves. */
static sc_status
find_picture(sc_image_task *picture, WebPBitstreamFeatures *features, const sc_image_task *task)
{
	VP8StatusCode code = WebPGetFeatures(task->bytes, task->size, features);

	*picture = *task;
	if (code == VP8_STATUS_OK && features->has_animation)
	{
		webp_chunk frame = find_chunk(task, "ANMF");

		if (frame.name == NULL || frame.size < FRAME_HEADER_BYTES)
			return fail(task, VP8_STATUS_NOT_ENOUGH_DATA);
		picture->bytes = frame.data + FRAME_HEADER_BYTES;
		picture->size = frame.size - FRAME_HEADER_BYTES;
		code = WebPGetFeatures(picture->bytes, picture->size, features);
	}
	return code == VP8_STATUS_OK ? SC_OK : fail(task, code);
}

/* What a picture is decoded with, beside what libwebp takes. */
typedef struct webp_buffers
{
	sc_reducer reducer; /* what comes has the size of the result already */
	uint8_t *pixels;	/* (height, width, channels and maybe alpha), before it is turned upright */
	int width;
	int height;
	size_t samples;
} webp_buffers;

static webp_buffers
layout(sc_arena *arena, const sc_image_plan *plan, bool alpha)
{
	webp_buffers b = {.samples = SC_RGB + (alpha ? 1 : 0)};

	sc_image_stored_size(plan, &b.width, &b.height);
	b.reducer = sc_reducer_layout(arena, plan, b.width, b.height, 1);
	b.pixels = SC_TAKE(arena, uint8_t, sc_mul(sc_mul((size_t) b.width, (size_t) b.height), b.samples));
	return b;
}

/*
 * What libwebp will take. Lossless pixels, and the transparency of lossy ones,
 * are decoded as a whole, of 4 bytes each, with tables of codes for parts of the
 * picture: up to 2,600 parts by all writers that follow libwebp's own. A lossy
 * picture is decoded in rows of blocks. The rescaler has a few rows.
 */
static size_t
library_memory(const WebPBitstreamFeatures *features)
{
	const size_t row = 256, parts = 2600, table = 20 << 10, rest = 256 << 10;
	size_t width = (size_t) features->width, height = (size_t) features->height;
	size_t blocks = sc_mul((width + 3) / 4, (height + 3) / 4);
	size_t bytes = width * row + rest;

	if (features->format == LOSSLESS || features->has_alpha)
		bytes += sc_mul(width * height, 5) + SC_MIN(blocks, parts) * table;
	return bytes;
}

static sc_status
plan_picture(const sc_image_task *task)
{
	sc_image_plan *plan = task->plan;
	WebPBitstreamFeatures features;
	sc_image_task picture;
	sc_arena counter = sc_arena_counter();

	SC_TRY(find_picture(&picture, &features, task));
	SC_TRY(sc_image_check_size((size_t) features.width, (size_t) features.height, task->limits, task->err));
	SC_TRY(find_orientation(&plan->orientation, task));
	plan->source_channels = SC_RGB + (features.has_alpha ? 1 : 0);
	plan->channels = SC_RGB;
	sc_image_plan_size(plan, features.width, features.height, task->max_side);
	(void) layout(&counter, plan, features.has_alpha);
	plan->scratch = sc_arena_need(&counter);
	return sc_image_check_memory(sc_add(plan->scratch, library_memory(&features)), task->limits, task->err);
}

/* Give the decoder the picture's bytes, more at each time, and have it decode what it can. */
static sc_status
feed(WebPIDecoder *decoder, const sc_image_task *picture, const WebPBitstreamFeatures *features)
{
	size_t steps = (size_t) features->width * (size_t) features->height / STOP_PIXELS + 1;
	VP8StatusCode code = VP8_STATUS_SUSPENDED;

	for (size_t step = 1; step <= steps && code == VP8_STATUS_SUSPENDED; step++)
	{
		if (sc_image_stopped(picture))
			return SC_ABORTED;
		code = WebPIUpdate(decoder, picture->bytes, picture->size / steps * step + picture->size % steps);
	}
	return code == VP8_STATUS_OK ? SC_OK : fail(picture, code);
}

/* The whole picture into b->pixels. */
static sc_status
decode_pixels(webp_buffers *b, const sc_image_task *picture, const WebPBitstreamFeatures *features)
{
	WebPDecoderConfig config;
	WebPIDecoder *decoder;
	sc_status status;

	if (!WebPInitDecoderConfig(&config))
		return sc_fail(picture->err, SC_INTERNAL, "libwebp is of another version than its header");
	config.output.colorspace = features->has_alpha ? MODE_RGBA : MODE_RGB;
	config.output.is_external_memory = 1;
	config.output.u.RGBA.rgba = b->pixels;
	config.output.u.RGBA.stride = (int) ((size_t) b->width * b->samples);
	config.output.u.RGBA.size = (size_t) b->width * b->samples * (size_t) b->height;
	config.options.use_scaling = b->width != features->width || b->height != features->height;
	config.options.scaled_width = b->width;
	config.options.scaled_height = b->height;
	decoder = WebPIDecode(NULL, 0, &config);
	if (decoder == NULL)
		return sc_image_fail_malloc(picture->err);
	status = feed(decoder, picture, features);
	WebPIDelete(decoder);
	return status;
}

static sc_status
decode_picture(const sc_image_task *task)
{
	sc_arena arena = sc_arena_over(task->scratch, task->plan->scratch);
	sc_view view = {.bits = 8};
	sc_seen seen = {0};
	WebPBitstreamFeatures features;
	sc_image_task picture;
	webp_buffers b;
	size_t row;

	SC_TRY(find_picture(&picture, &features, task));
	b = layout(&arena, task->plan, features.has_alpha);
	if (!sc_arena_ok(&arena))
		return sc_fail(task->err, SC_INTERNAL, "image differs from its plan");
	b.reducer.pixels = task->pixels;
	row = (size_t) b.width * b.samples;
	SC_TRY(decode_pixels(&b, &picture, &features));
	for (int y = 0; y < b.height && features.has_alpha; y++)
		sc_image_look(&seen, b.pixels + (size_t) y * row, (size_t) b.width, SC_RGB, true, false);
	view.ground = sc_image_choose_ground(&seen, SC_RGB, view.bits);
	for (int y = 0; y < b.height; y++)
	{
		if (sc_image_stopped(task))
			return SC_ABORTED;
		sc_image_show_row(b.pixels + (size_t) y * row, (size_t) b.width, SC_RGB, features.has_alpha, false, view);
		sc_reducer_row(&b.reducer, b.pixels + (size_t) y * row);
	}
	return SC_OK;
}

sc_status
sc_webp_read(const sc_image_task *task)
{
	return task->pixels == NULL ? plan_picture(task) : decode_picture(task);
}
