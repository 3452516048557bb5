/*-------------------------------------------------------------------------
 *
 * src/core/image/jpeg.c
 *	  JPEG images, read with libjpeg-turbo.
 *
 * libjpeg leaves by longjmp where a file is bad; guarded() is the only place
 * it can land in, and it frees what libjpeg holds. What libjpeg goes on after
 * with a warning (a truncated file, for example, whose rest is gray) is
 * corrupt too: learning must not see it.
 *
 * A large picture is decoded at 1/2, 1/4 or 1/8 of its size where that is
 * still at least the size asked for, and reduced to that size from there.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <limits.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

typedef struct jpeg_reader
{
	struct jpeg_decompress_struct info;
	struct jpeg_error_mgr error;
	struct jpeg_progress_mgr progress;
	sigjmp_buf jump;
	sc_status status;
	const sc_image_source *source;
	sc_image_plan *plan;		  /* filled by plan_body */
	const sc_image_plan *planned; /* followed by decode_body */
	int max_side;
	uint8_t *pixels;
	void *scratch;
} jpeg_reader;

/* Buffers of the decoding, beside those of libjpeg. */
typedef struct jpeg_buffers
{
	sc_reducer reducer;
	uint8_t *row; /* (output_width, output_components) as libjpeg gives it */
} jpeg_buffers;

static _Noreturn void
leave(jpeg_reader *r, sc_status status)
{
	r->status = status;
	siglongjmp(r->jump, 1);
}

/* Error or warning of libjpeg: the end of this image. */
static _Noreturn void
fail_with_text(jpeg_reader *r)
{
	char text[JMSG_LENGTH_MAX];
	size_t length;
	sc_error *err = r->source->err;
	sc_status status;

	switch (r->error.msg_code)
	{
		case JERR_OUT_OF_MEMORY:
		case JERR_NO_BACKING_STORE:
			status = sc_fail(err, SC_LIMIT, "image needs too much memory to be decoded");
			sc_detail(err, "The limit is %zu kB.", r->source->limits->max_memory / 1024);
			sc_hint(err, "Reduce the image, store it as a baseline JPEG, or raise \"selfclass.max_image_memory\".");
			leave(r, status);
		case JERR_ARITH_NOTIMPL:
		case JERR_BAD_PRECISION:
		case JERR_CCIR601_NOTIMPL:
		case JERR_CONVERSION_NOTIMPL:
		case JERR_FRACT_SAMPLE_NOTIMPL:
		case JERR_IMAGE_TOO_BIG:
		case JERR_NOT_COMPILED:
		case JERR_SOF_UNSUPPORTED:
			status = sc_fail(err, SC_UNSUPPORTED, "variant of JPEG is not supported");
			break;
		default:
			status = sc_fail(err, SC_BAD_IMAGE, "JPEG image is corrupt");
	}
	r->error.format_message((j_common_ptr) &r->info, text);
	length = strlen(text);
	if (length > 0 && text[length - 1] == '.')
		text[length - 1] = '\0';
	sc_detail(err, "libjpeg reports: %s.", text);
	leave(r, status);
}

static _Noreturn void
on_error(j_common_ptr info)
{
	fail_with_text((jpeg_reader *) info->client_data);
}

static void
on_message(j_common_ptr info, int level)
{
	if (level < 0)
		fail_with_text((jpeg_reader *) info->client_data);
}

/* libjpeg prints here; nothing is printed. */
static void
on_output(j_common_ptr info)
{
}

static void
on_progress(j_common_ptr common)
{
	jpeg_reader *r = common->client_data;
	const sc_image_source *source = r->source;
	size_t scans = (size_t) r->info.input_scan_number;
	size_t pixels = (size_t) r->info.image_width * r->info.image_height;

	if (source->stopped != NULL && source->stopped(source->arg))
		leave(r, SC_ABORTED);
	if (scans > 1 && scans > (size_t) source->limits->max_scans)
	{
		sc_fail(source->err, SC_LIMIT, "progressive JPEG image has too many scans");
		sc_detail(source->err, "The limit is %d.", source->limits->max_scans);
		sc_hint(source->err, "Store the image as a baseline JPEG, or raise \"selfclass.max_image_scans\".");
		leave(r, SC_LIMIT);
	}
	if (scans > 1 && sc_mul(scans, pixels) > source->limits->max_scan_pixels)
	{
		sc_fail(source->err, SC_LIMIT, "progressive JPEG image has too many scans for its size");
		sc_detail(source->err, "It has %zu or more scans of %zu pixels; the limit is %zu pixels in all scans.", scans,
				  pixels, source->limits->max_scan_pixels);
		sc_hint(source->err, "Reduce the image, or store it as a baseline JPEG.");
		leave(r, SC_LIMIT);
	}
}

/* The orientation in the first APP1 segment with EXIF data, before the first scan. */
static int
find_orientation(const uint8_t *p, size_t size)
{
	size_t at = 2;

	while (at + 4 <= size && p[at] == 0xFF)
	{
		int marker = p[at + 1];
		size_t length;

		if (marker == 0xFF) /* fill bytes may stand before a marker */
		{
			at++;
			continue;
		}
		if (marker == 0xDA || marker == 0xD9)
			break;
		length = (size_t) p[at + 2] << 8 | p[at + 3];
		if (length < 2 || length > size - at - 2)
			break;
		if (marker == 0xE1 && length >= 8 && memcmp(p + at + 4, "Exif\0\0", 6) == 0)
			return sc_exif_orientation(p + at + 10, length - 8);
		at += 2 + length;
	}
	return 1;
}

/* Read the header, and set up the decoding for a result as plan says it. */
static void
read_header(jpeg_reader *r)
{
	jpeg_create_decompress(&r->info);
	r->info.client_data = r;
	r->info.progress = &r->progress;
	jpeg_mem_src(&r->info, r->source->bytes, (unsigned long) r->source->size);
	jpeg_read_header(&r->info, TRUE);
}

static void
choose_scale(jpeg_reader *r, const sc_image_plan *plan)
{
	struct jpeg_decompress_struct *info = &r->info;
	JDIMENSION width = (JDIMENSION) (plan->orientation >= 5 ? plan->height : plan->width);
	JDIMENSION height = (JDIMENSION) (plan->orientation >= 5 ? plan->width : plan->height);

	info->out_color_space = info->num_components == 1 ? JCS_GRAYSCALE : info->num_components == 3 ? JCS_RGB : JCS_CMYK;
	info->scale_num = 1;
	for (info->scale_denom = 8; info->scale_denom > 1; info->scale_denom /= 2)
		if (info->image_width / info->scale_denom >= width && info->image_height / info->scale_denom >= height)
			break;
	jpeg_calc_output_dimensions(info);
}

static jpeg_buffers
layout(sc_arena *arena, const jpeg_reader *r, const sc_image_plan *plan)
{
	jpeg_buffers b;

	b.reducer = sc_reducer_layout(arena, plan, (int) r->info.image_width, (int) r->info.image_height,
								  (int) r->info.scale_denom);
	b.row = SC_TAKE(arena, uint8_t, (size_t) r->info.output_width * (size_t) r->info.num_components);
	return b;
}

/*
 * What libjpeg will take: all coefficients where the picture comes in several
 * scans, and some rows of it (those of two rows of blocks, upsampled, and what
 * the colour conversion needs) in any case.
 */
static size_t
library_memory(jpeg_reader *r)
{
	struct jpeg_decompress_struct *info = &r->info;
	size_t bytes = sc_mul((size_t) info->image_width * (size_t) info->num_components, 64);

	if (!jpeg_has_multiple_scans(info))
		return bytes;
	for (int i = 0; i < info->num_components; i++)
	{
		const jpeg_component_info *c = &info->comp_info[i];
		size_t blocks = sc_mul((size_t) c->width_in_blocks + (size_t) c->h_samp_factor,
							   (size_t) c->height_in_blocks + (size_t) c->v_samp_factor);

		bytes = sc_add(bytes, sc_mul(blocks, sizeof(JBLOCK)));
	}
	return bytes;
}

static void
plan_body(jpeg_reader *r)
{
	sc_image_plan *plan = r->plan;
	struct jpeg_decompress_struct *info = &r->info;
	sc_arena counter = sc_arena_counter();
	sc_status status;

	read_header(r);
	status = sc_image_check_size(info->image_width, info->image_height, r->source->limits, r->source->err);
	if (status != SC_OK)
		leave(r, status);
	if (info->num_components != 1 && info->num_components != 3 && info->num_components != 4)
	{
		sc_fail(r->source->err, SC_UNSUPPORTED, "variant of JPEG is not supported");
		sc_detail(r->source->err, "It has %d colour components.", info->num_components);
		leave(r, SC_UNSUPPORTED);
	}
	plan->format = SC_IMAGE_JPEG;
	plan->channels = info->num_components == 1 ? 1 : 3;
	plan->orientation = find_orientation(r->source->bytes, r->source->size);
	sc_image_plan_size(plan, (int) info->image_width, (int) info->image_height, r->max_side);
	choose_scale(r, plan);
	(void) layout(&counter, r, plan);
	plan->scratch = sc_arena_need(&counter);
	status = sc_image_check_memory(sc_add(plan->scratch, library_memory(r)), r->source->limits, r->source->err);
	if (status != SC_OK)
		leave(r, status);
}

/* A row of CMYK to RGB, in place. Adobe's files store the inks inverted. */
static void
cmyk_to_rgb(uint8_t *row, size_t width, bool inverted)
{
	unsigned flip = inverted ? 0 : 255;

	for (size_t x = 0; x < width; x++)
	{
		unsigned k = row[4 * x + 3] ^ flip;

		for (size_t i = 0; i < 3; i++)
			row[3 * x + i] = (uint8_t) (((row[4 * x + i] ^ flip) * k + 127) / 255);
	}
}

static void
decode_body(jpeg_reader *r)
{
	struct jpeg_decompress_struct *info = &r->info;
	sc_arena arena = sc_arena_over(r->scratch, r->planned->scratch);
	jpeg_buffers b;
	size_t memory = r->source->limits->max_memory;

	read_header(r);
	choose_scale(r, r->planned);
	b = layout(&arena, r, r->planned);
	if (!sc_arena_ok(&arena))
		leave(r, sc_fail(r->source->err, SC_INTERNAL, "image differs from its plan"));
	b.reducer.pixels = r->pixels;

	/* Checked by plan_body with an estimate; held to here. 0 would mean no limit. */
	memory -= SC_MIN(memory - 1, arena.used);
	info->mem->max_memory_to_use = (long) SC_MIN(memory, (size_t) LONG_MAX);
	jpeg_start_decompress(info);
	while (info->output_scanline < info->output_height)
	{
		JSAMPROW row = b.row;

		jpeg_read_scanlines(info, &row, 1);
		if (info->num_components == 4)
			cmyk_to_rgb(b.row, info->output_width, info->saw_Adobe_marker);
		sc_reducer_row(&b.reducer, b.row);
	}
	/* Reads on to the end of the image, which tells whether it is there. */
	jpeg_finish_decompress(info);
}

/* Run body with a place for libjpeg to jump to, and free what libjpeg has taken. */
static sc_status
guarded(jpeg_reader *r, void (*body)(jpeg_reader *r))
{
	memset(&r->info, 0, sizeof(r->info));
	r->info.err = jpeg_std_error(&r->error);
	r->error.error_exit = on_error;
	r->error.emit_message = on_message;
	r->error.output_message = on_output;
	r->progress.progress_monitor = on_progress;
	r->info.client_data = r;
	r->status = SC_OK;
	if (sigsetjmp(r->jump, 0) == 0)
		body(r);
	jpeg_destroy_decompress(&r->info);
	return r->status;
}

sc_status
sc_jpeg_plan(sc_image_plan *plan, const sc_image_source *source, int max_side)
{
	jpeg_reader r;

	r.source = source;
	r.plan = plan;
	r.max_side = max_side;
	return guarded(&r, plan_body);
}

sc_status
sc_jpeg_decode(uint8_t *pixels, const sc_image_plan *plan, const sc_image_source *source, void *scratch)
{
	jpeg_reader r;

	r.source = source;
	r.planned = plan;
	r.pixels = pixels;
	r.scratch = scratch;
	return guarded(&r, decode_body);
}
