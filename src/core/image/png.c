/*-------------------------------------------------------------------------
 *
 * src/core/image/png.c
 *	  PNG images, read with libpng. Compiled only where libpng is there.
 *
 * Every variant comes out as 8-bit gray or RGB: palettes and fewer bits
 * expanded, 16 bits rounded to 8, transparency laid on white or black. Gamma,
 * colour profiles and the suggested background are ignored: the last is mostly
 * a constant of the program that wrote the file. A picture is whole once all
 * its rows and the checksum behind them have been read; what follows is not
 * looked at. libpng leaves by longjmp where a file is bad; guarded() is the
 * only place it can land in. Its memory is counted, and bounded by the limit.
 *
 * Two things about a picture are known after its last pixel only: how many of
 * its 16 bits are used, and whether what is not transparent would show on
 * white. Rows are reduced as they come, so they are read under the common case
 * (all 16, white); the few pictures that turn out otherwise are read again.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <stdlib.h>
#include <string.h>

#include <png.h>

typedef struct png_reader
{
	png_structp png;
	png_infop info;
	sc_image_exit exit;
	const sc_image_task *task;
	sc_view view;	   /* to read with */
	sc_view wanted;	   /* ... that the pixels ask for */
	size_t at;		   /* bytes read */
	size_t memory;	   /* bytes that libpng holds */
	size_t max_memory; /* ... and may hold */
	bool full;		   /* it asked for more */
	bool no_memory;	   /* ... or for what the system did not have */
} png_reader;

/* Buffers of the decoding, beside those of libpng. */
typedef struct png_buffers
{
	sc_reducer reducer;
	uint8_t *rows; /* (rows, width, channels with alpha) samples as stored: all rows where interlaced, else one */
} png_buffers;

static sc_status
fail_full(const png_reader *r)
{
	if (r->no_memory)
		return sc_image_fail_malloc(r->task->err);
	return sc_image_fail_memory(SC_IMAGE_PNG, r->task->limits, r->task->err);
}

static _Noreturn void
on_error(png_structp png, png_const_charp text)
{
	png_reader *r = png_get_error_ptr(png);
	sc_error *err = r->task->err;

	if (r->full)
		sc_image_leave(&r->exit, fail_full(r));
	sc_fail(err, SC_BAD_IMAGE, "PNG image is corrupt");
	sc_detail(err, "libpng reports: %s.", text);
	sc_image_leave(&r->exit, SC_BAD_IMAGE);
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
		r->full = r->no_memory = true;
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

	if (sc_image_stopped(r->task))
		sc_image_leave(&r->exit, SC_ABORTED);
	if (size > r->task->size - r->at)
		png_error(png, "File ends too early");
	memcpy(out, r->task->bytes + r->at, size);
	r->at += size;
}

/* Of a chunk beside its data: their length (4 bytes), its name (4), a checksum (4). */
#define CHUNK_BYTES 12
#define SIGNATURE_BYTES 8

/* What iPhone applications carry: PNG by name, its pixels stored in another way, which a chunk before the header says. */
static sc_status
refuse_cgbi(const sc_image_task *task)
{
	if (task->size < SIGNATURE_BYTES + CHUNK_BYTES || memcmp(task->bytes + SIGNATURE_BYTES + 4, "CgBI", 4) != 0)
		return SC_OK;
	sc_fail(task->err, SC_UNSUPPORTED, "PNG image is in Apple's variant CgBI, which is not read");
	sc_hint(task->err, "Store the image as an ordinary PNG or as JPEG.");
	return SC_UNSUPPORTED;
}

/* The orientation in the chunk eXIf, before the pixels. */
static sc_orientation
find_orientation(const uint8_t *p, size_t size)
{
	size_t at = SIGNATURE_BYTES;

	while (size - at >= CHUNK_BYTES)
	{
		size_t length = (size_t) p[at] << 24 | (size_t) p[at + 1] << 16 | (size_t) p[at + 2] << 8 | p[at + 3];

		if (length > size - at - CHUNK_BYTES || memcmp(p + at + 4, "IDAT", 4) == 0)
			break;
		if (memcmp(p + at + 4, "eXIf", 4) == 0)
			return sc_exif_orientation(p + at + 8, length);
		at += CHUNK_BYTES + length;
	}
	return SC_UPRIGHT;
}

/* Read what stands before the pixels, and ask for 8 or 16 bits of gray or RGB, with alpha if there is any. */
static void
read_header(png_reader *r)
{
	png_uint_32 width, height;
	int bits, type;

	/* Of the chunks that need not be there, only transparency and the bits that count change the pixels. */
	png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
	png_set_keep_unknown_chunks(r->png, PNG_HANDLE_CHUNK_AS_DEFAULT, (png_const_bytep) "tRNS\0sBIT", 2);
	/* The limit on sides is ours: libpng's own words for it do not say what it is. */
	png_set_user_limits(r->png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
	png_set_read_fn(r->png, r, on_read);
	png_read_info(r->png, r->info);
	png_get_IHDR(r->png, r->info, &width, &height, &bits, &type, NULL, NULL, NULL);
	sc_image_require(&r->exit, sc_image_check_size(width, height, r->task->limits, r->task->err));
	if (type == PNG_COLOR_TYPE_PALETTE)
		png_set_palette_to_rgb(r->png);
	if (type == PNG_COLOR_TYPE_GRAY && bits < 8)
		png_set_expand_gray_1_2_4_to_8(r->png);
	if (png_get_valid(r->png, r->info, PNG_INFO_tRNS))
		png_set_tRNS_to_alpha(r->png);
	(void) png_set_interlace_handling(r->png);
	png_read_update_info(r->png, r->info);
}

static png_buffers
layout(sc_arena *arena, const png_reader *r)
{
	png_buffers b;
	int width = (int) png_get_image_width(r->png, r->info);
	int height = (int) png_get_image_height(r->png, r->info);
	bool interlaced = png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE;

	b.reducer = sc_reducer_layout(arena, r->task->plan, width, height, 1);
	b.rows = sc_arena_take(arena, interlaced ? (size_t) height : 1, png_get_rowbytes(r->png, r->info));
	return b;
}

/* libpng keeps two rows of up to 8 bytes a pixel; zlib a window of 32 kB and less than that beside it. */
static size_t
library_memory(size_t width)
{
	return width * 2 * 8 + 65536;
}

static void
plan_body(png_reader *r)
{
	const sc_image_task *task = r->task;
	sc_image_plan *plan = task->plan;
	sc_arena counter = sc_arena_counter();
	size_t width, height, memory;

	sc_image_require(&r->exit, refuse_cgbi(task));
	read_header(r);
	width = png_get_image_width(r->png, r->info);
	height = png_get_image_height(r->png, r->info);
	plan->source_channels = png_get_channels(r->png, r->info);
	plan->channels = plan->source_channels <= 2 ? SC_GRAY : SC_RGB;
	plan->orientation = find_orientation(task->bytes, task->size);
	sc_image_plan_size(plan, (int) width, (int) height, task->max_side);
	(void) layout(&counter, r);
	plan->scratch = sc_arena_need(&counter);
	memory = sc_add(plan->scratch, library_memory(width));
	sc_image_require(&r->exit, sc_image_check_memory(memory, task->limits, task->err));
}

/* The bits that samples of 16 bits really have: by the file's word if it is true, else by the largest sample. */
static int
used_bits(const png_reader *r, unsigned largest)
{
	png_color_8p said;
	int bits;

	if (png_get_sBIT(r->png, r->info, &said) != 0)
	{
		bits = SC_MAX(said->gray, SC_MAX(said->red, SC_MAX(said->green, said->blue)));
		/* As the standard wants it, samples of fewer bits are scaled up to all 16. */
		return bits < 16 && largest >> bits == 0 ? bits : 16;
	}
	for (bits = 8; bits < 16 && largest >> bits != 0;)
		bits += 2;
	return bits;
}

/* The view that shows the picture. */
static sc_view
choose_view(const png_reader *r, const sc_seen *seen, size_t channels)
{
	sc_view view = r->view;

	if (view.bits == 16)
		view.bits = used_bits(r, seen->largest);
	view.ground = sc_image_choose_ground(seen, channels, view.bits);
	return view;
}

static void
decode_body(png_reader *r)
{
	sc_arena arena = sc_arena_over(r->task->scratch, r->task->plan->scratch);
	sc_seen seen = {0};
	png_buffers b;
	size_t rowbytes, width, channels;
	bool interlaced, alpha, wide;

	read_header(r);
	b = layout(&arena, r);
	if (!sc_arena_ok(&arena))
		sc_image_leave(&r->exit, sc_fail(r->task->err, SC_INTERNAL, "image differs from its plan"));
	b.reducer.pixels = r->task->pixels;
	r->max_memory -= SC_MIN(r->max_memory, arena.used);
	rowbytes = png_get_rowbytes(r->png, r->info);
	width = (size_t) b.reducer.width;
	channels = (size_t) b.reducer.channels;
	interlaced = png_get_interlace_type(r->png, r->info) != PNG_INTERLACE_NONE;
	alpha = png_get_channels(r->png, r->info) > channels;
	wide = png_get_bit_depth(r->png, r->info) == 16;
	if (!wide)
		r->view.bits = 8;

	/* An interlaced picture is complete after its last pass only. */
	for (int pass = 0; interlaced && pass < 7; pass++)
		for (int y = 0; y < b.reducer.height; y++)
		{
			if (sc_image_stopped(r->task))
				sc_image_leave(&r->exit, SC_ABORTED);
			png_read_row(r->png, b.rows + (size_t) y * rowbytes, NULL);
		}
	for (int y = 0; y < b.reducer.height; y++)
	{
		uint8_t *row = b.rows + (interlaced ? (size_t) y * rowbytes : 0);

		if (sc_image_stopped(r->task))
			sc_image_leave(&r->exit, SC_ABORTED);
		if (!interlaced)
			png_read_row(r->png, row, NULL);
		if (alpha || wide)
			sc_image_look(&seen, row, width, channels, alpha, wide);
		sc_image_show_row(row, width, channels, alpha, wide, r->view);
		sc_reducer_row(&b.reducer, row);
	}
	/* With its last row libpng has read the checksum of the pixels. */
	r->wanted = choose_view(r, &seen, channels);
}

/* Everything that libpng may jump out of. */
static void
read_body(png_reader *r)
{
	if (r->task->pixels == NULL)
		plan_body(r);
	else
		decode_body(r);
}

/* Run read_body with a place for libpng to jump to, and free what libpng has taken. */
static sc_status
guarded(png_reader *r, sc_view view)
{
	r->view = r->wanted = view;
	r->png = NULL;
	r->info = NULL;
	r->at = 0;
	r->memory = 0;
	r->max_memory = r->task->limits->max_memory;
	r->full = r->no_memory = false;
	r->exit.status = SC_OK;
	if (sigsetjmp(r->exit.jump, 0) == 0)
	{
		r->png = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, r, on_error, on_warning, r, on_malloc, on_free);
		if (r->png != NULL)
			r->info = png_create_info_struct(r->png);
		if (r->info != NULL)
			read_body(r);
		else
			r->exit.status = fail_full(r);
	}
	if (r->png != NULL)
		png_destroy_read_struct(&r->png, &r->info, NULL);
	return r->exit.status;
}

sc_status
sc_png_read(const sc_image_task *task)
{
	png_reader r;
	sc_status status;

	r.task = task;
	status = guarded(&r, (sc_view){.bits = 16, .ground = 255});
	if (status == SC_OK && (r.wanted.bits != r.view.bits || r.wanted.ground != r.view.ground))
		status = guarded(&r, r.wanted);
	return status;
}
