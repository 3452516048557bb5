/*-------------------------------------------------------------------------
 *
 * src/core/image/png.c
 *	  PNG images, read with libpng. Compiled only where libpng is there.
 *
 * Every variant comes out as 8-bit gray or RGB: palettes and fewer bits
 * expanded, 16 bits rounded to 8, transparency laid on white. Gamma and colour
 * profiles are ignored, as they are for JPEG. libpng leaves by longjmp where a
 * file is bad; guarded() is the only place it can land in. Its memory is
 * counted, and bounded by the limit.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <png.h>

typedef struct png_reader
{
	png_structp png;
	png_infop info;
	sigjmp_buf jump;
	sc_status status;
	const sc_image_source *source;
	size_t at;					  /* bytes read */
	size_t memory;				  /* bytes that libpng holds */
	size_t max_memory;			  /* ... and may hold */
	bool full;					  /* it asked for more */
	sc_image_plan *plan;		  /* filled by plan_body */
	const sc_image_plan *planned; /* followed by decode_body */
	int max_side;
	uint8_t *pixels;
	void *scratch;
} png_reader;

/* Buffers of the decoding, beside those of libpng. */
typedef struct png_buffers
{
	sc_reducer reducer;
	uint8_t *rows; /* (rows, width, channels with alpha): all rows where interlaced, else one */
} png_buffers;

static _Noreturn void
leave(png_reader *r, sc_status status)
{
	r->status = status;
	siglongjmp(r->jump, 1);
}

static sc_status
fail_full(const png_reader *r)
{
	sc_error *err = r->source->err;

	sc_fail(err, SC_LIMIT, "image needs too much memory to be decoded");
	sc_detail(err, "The limit is %zu kB.", r->source->limits->max_memory / 1024);
	sc_hint(err, "Reduce the image, or raise \"selfclass.max_image_memory\".");
	return SC_LIMIT;
}

static _Noreturn void
on_error(png_structp png, png_const_charp text)
{
	png_reader *r = png_get_error_ptr(png);
	sc_error *err = r->source->err;

	if (r->full)
		leave(r, fail_full(r));
	sc_fail(err, SC_BAD_IMAGE, "PNG image is corrupt");
	sc_detail(err, "libpng reports: %s.", text);
	leave(r, SC_BAD_IMAGE);
}

/* Warnings are about what is not read: profiles, texts, times. */
static void
on_warning(png_structp png, png_const_charp text)
{
}

/* A block that knows its size, so that what libpng holds can be counted. */
static png_voidp
on_malloc(png_structp png, png_alloc_size_t size)
{
	png_reader *r = png_get_mem_ptr(png);
	char *block;

	if (sc_add(r->memory, size) > r->max_memory)
	{
		r->full = true;
		return NULL;
	}
	block = malloc(sc_add(size, SC_ALIGN));
	if (block == NULL)
	{
		r->full = true;
		return NULL;
	}
	memcpy(block, &size, sizeof(size));
	r->memory += size;
	return block + SC_ALIGN;
}

static void
on_free(png_structp png, png_voidp p)
{
	png_reader *r = png_get_mem_ptr(png);
	png_alloc_size_t size;

	if (p == NULL)
		return;
	memcpy(&size, (char *) p - SC_ALIGN, sizeof(size));
	r->memory -= size;
	free((char *) p - SC_ALIGN);
}

static void
on_read(png_structp png, png_bytep out, size_t size)
{
	png_reader *r = png_get_io_ptr(png);

	if (r->source->stopped != NULL && r->source->stopped(r->source->arg))
		leave(r, SC_ABORTED);
	if (size > r->source->size - r->at)
		png_error(png, "File ends too early");
	memcpy(out, r->source->bytes + r->at, size);
	r->at += size;
}

/* The orientation in the chunk eXIf, before the pixels. */
static int
find_orientation(const uint8_t *p, size_t size)
{
	size_t at = 8;

	while (size - at >= 12)
	{
		size_t length = (size_t) p[at] << 24 | (size_t) p[at + 1] << 16 | (size_t) p[at + 2] << 8 | p[at + 3];

		if (length > size - at - 12 || memcmp(p + at + 4, "IDAT", 4) == 0)
			break;
		if (memcmp(p + at + 4, "eXIf", 4) == 0)
			return sc_exif_orientation(p + at + 8, length);
		at += 12 + length;
	}
	return 1;
}

/* Read what stands before the pixels, and ask for 8 bits of gray or RGB, with alpha if there is any. */
static void
read_header(png_reader *r)
{
	png_uint_32 width, height;
	int bits, type;

	/* Of the chunks that need not be there, only transparency changes the pixels. */
	png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "tRNS", 1);
	png_set_user_limits(r->png, SC_IMAGE_MAX_SIDE, SC_IMAGE_MAX_SIDE);
	png_set_read_fn(r->png, r, on_read);
	png_read_info(r->png, r->info);
	png_get_IHDR(r->png, r->info, &width, &height, &bits, &type, NULL, NULL, NULL);
	if (type == PNG_COLOR_TYPE_PALETTE)
		png_set_palette_to_rgb(r->png);
	if (type == PNG_COLOR_TYPE_GRAY && bits < 8)
		png_set_expand_gray_1_2_4_to_8(r->png);
	if (png_get_valid(r->png, r->info, PNG_INFO_tRNS))
		png_set_tRNS_to_alpha(r->png);
	if (bits == 16)
		png_set_scale_16(r->png);
	(void) png_set_interlace_handling(r->png);
	png_read_update_info(r->png, r->info);
}

static png_buffers
layout(sc_arena *arena, const png_reader *r, const sc_image_plan *plan)
{
	png_buffers b;
	int width = (int) png_get_image_width(r->png, r->info);
	int height = (int) png_get_image_height(r->png, r->info);
	bool interlaced = png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE;

	b.reducer = sc_reducer_layout(arena, plan, width, height, 1);
	b.rows = sc_arena_take(arena, interlaced ? (size_t) height : 1, png_get_rowbytes(r->png, r->info));
	return b;
}

static void
plan_body(png_reader *r)
{
	sc_image_plan *plan = r->plan;
	sc_arena counter = sc_arena_counter();
	size_t width, height;
	sc_status status;

	read_header(r);
	width = png_get_image_width(r->png, r->info);
	height = png_get_image_height(r->png, r->info);
	status = sc_image_check_size(width, height, r->source->limits, r->source->err);
	if (status != SC_OK)
		leave(r, status);
	plan->format = SC_IMAGE_PNG;
	plan->channels = png_get_channels(r->png, r->info) <= 2 ? 1 : 3;
	plan->orientation = find_orientation(r->source->bytes, r->source->size);
	sc_image_plan_size(plan, (int) width, (int) height, r->max_side);
	(void) layout(&counter, r, plan);
	plan->scratch = sc_arena_need(&counter);

	/* libpng keeps two rows of up to 8 bytes a pixel, and zlib's window. */
	status = sc_image_check_memory(sc_add(plan->scratch, width * 16 + 65536), r->source->limits, r->source->err);
	if (status != SC_OK)
		leave(r, status);
}

/* Lay a row with alpha on white, in place. */
static void
drop_alpha(uint8_t *row, size_t width, size_t channels)
{
	for (size_t x = 0; x < width; x++)
	{
		unsigned alpha = row[x * (channels + 1) + channels];

		for (size_t c = 0; c < channels; c++)
			row[x * channels + c] = (uint8_t) ((row[x * (channels + 1) + c] * alpha + 255 * (255 - alpha) + 127) / 255);
	}
}

static void
decode_body(png_reader *r)
{
	sc_arena arena = sc_arena_over(r->scratch, r->planned->scratch);
	png_buffers b;
	size_t rowbytes;
	bool interlaced, alpha;

	read_header(r);
	b = layout(&arena, r, r->planned);
	if (!sc_arena_ok(&arena))
		leave(r, sc_fail(r->source->err, SC_INTERNAL, "image differs from its plan"));
	b.reducer.pixels = r->pixels;
	r->max_memory -= SC_MIN(r->max_memory, arena.used);
	rowbytes = png_get_rowbytes(r->png, r->info);
	interlaced = png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE;
	alpha = png_get_channels(r->png, r->info) > b.reducer.channels;

	/* An interlaced picture is complete after its last pass only. */
	for (int pass = 0; interlaced && pass < 7; pass++)
		for (int y = 0; y < b.reducer.height; y++)
		{
			if (r->source->stopped != NULL && r->source->stopped(r->source->arg))
				leave(r, SC_ABORTED);
			png_read_row(r->png, b.rows + (size_t) y * rowbytes, NULL);
		}
	for (int y = 0; y < b.reducer.height; y++)
	{
		uint8_t *row = b.rows + (interlaced ? (size_t) y * rowbytes : 0);

		if (r->source->stopped != NULL && r->source->stopped(r->source->arg))
			leave(r, SC_ABORTED);
		if (!interlaced)
			png_read_row(r->png, row, NULL);
		if (alpha)
			drop_alpha(row, (size_t) b.reducer.width, (size_t) b.reducer.channels);
		sc_reducer_row(&b.reducer, row);
	}
	/* The checksum of the pixels and the end of the file. */
	png_read_end(r->png, NULL);
}

/* Run body with a place for libpng to jump to, and free what libpng has taken. */
static sc_status
guarded(png_reader *r, void (*body)(png_reader *r))
{
	r->png = NULL;
	r->info = NULL;
	r->at = 0;
	r->memory = 0;
	r->max_memory = r->source->limits->max_memory;
	r->full = false;
	r->status = SC_OK;
	if (sigsetjmp(r->jump, 0) == 0)
	{
		r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, on_error, on_warning, r, on_malloc, on_free);
		if (r->png != NULL)
			r->info = png_create_info_struct(r->png);
		if (r->info != NULL)
			body(r);
		else
			r->status = fail_full(r);
	}
	if (r->png != NULL)
		png_destroy_read_struct(&r->png, &r->info, NULL);
	return r->status;
}

sc_status
sc_png_plan(sc_image_plan *plan, const sc_image_source *source, int max_side)
{
	png_reader r;

	r.source = source;
	r.plan = plan;
	r.max_side = max_side;
	return guarded(&r, plan_body);
}

sc_status
sc_png_decode(uint8_t *pixels, const sc_image_plan *plan, const sc_image_source *source, void *scratch)
{
	png_reader r;

	r.source = source;
	r.planned = plan;
	r.pixels = pixels;
	r.scratch = scratch;
	return guarded(&r, decode_body);
}
