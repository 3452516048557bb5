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
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

/* Markers (ITU-T T.81, table B.1); jpeglib.h names JPEG_EOI and JPEG_APP0. */
#define MARKER_START_OF_SCAN 0xDA
#define MARKER_EXIF (JPEG_APP0 + 1)

typedef struct jpeg_reader
{
	struct jpeg_decompress_struct info;
	struct jpeg_error_mgr error;
	struct jpeg_progress_mgr progress;
	sc_image_exit exit;
	const sc_image_task *task;
} jpeg_reader;

/* Buffers of the decoding, beside those of libjpeg. */
typedef struct jpeg_buffers
{
	sc_reducer reducer;
	uint8_t *row; /* (output_width, output_components) as libjpeg gives it */
} jpeg_buffers;

/* Error or warning of libjpeg: the end of this image. */
static _Noreturn void
fail_with_text(jpeg_reader *r)
{
	char text[JMSG_LENGTH_MAX];
	size_t length;
	sc_error *err = r->task->err;
	sc_status status;

	switch (r->error.msg_code)
	{
		case JERR_OUT_OF_MEMORY:
			/* Its odd parameters stand for a request that it never makes, the even ones for malloc (jmemmgr.c). */
			if (r->error.msg_parm.i[0] % 2 == 0)
				sc_image_leave(&r->exit, sc_image_fail_malloc(err));
			/* FALLTHROUGH */
		case JERR_NO_BACKING_STORE:
			sc_image_leave(&r->exit, sc_image_fail_memory(SC_IMAGE_JPEG, r->task->limits, err));
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
	sc_image_leave(&r->exit, status);
}

static _Noreturn void
on_error(j_common_ptr info)
{
	fail_with_text((jpeg_reader *) info->client_data);
}

/* A level below 0 is a warning; others trace what libjpeg does. */
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
	size_t pixels = (size_t) r->info.image_width * r->info.image_height;

	if (sc_image_stopped(r->task))
		sc_image_leave(&r->exit, SC_ABORTED);
	sc_image_require(&r->exit,
					 sc_image_check_scans((size_t) r->info.input_scan_number, pixels, r->task->limits, r->task->err));
}

/* The orientation in the first APP1 segment with EXIF data, before the first scan. */
static sc_orientation
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
		if (marker == MARKER_START_OF_SCAN || marker == JPEG_EOI)
			break;
		length = (size_t) p[at + 2] << 8 | p[at + 3];
		if (length < 2 || length > size - at - 2)
			break;
		if (marker == MARKER_EXIF && length >= 8 && memcmp(p + at + 4, "Exif\0\0", 6) == 0)
			return sc_exif_orientation(p + at + 10, length - 8);
		at += 2 + length;
	}
	return SC_UPRIGHT;
}

static void
read_header(jpeg_reader *r)
{
	jpeg_create_decompress(&r->info);
	r->info.client_data = r;
	r->info.progress = &r->progress;
	jpeg_mem_src(&r->info, r->task->bytes, (unsigned long) r->task->size);
	jpeg_read_header(&r->info, TRUE);
}

/* Set up the decoding for the result as it is planned. */
static void
choose_scale(jpeg_reader *r)
{
	struct jpeg_decompress_struct *info = &r->info;
	int width, height;

	sc_image_stored_size(r->task->plan, &width, &height);
	info->out_color_space = info->num_components == 1 ? JCS_GRAYSCALE : info->num_components == 3 ? JCS_RGB : JCS_CMYK;
	info->scale_num = 1;
	for (info->scale_denom = 8; info->scale_denom > 1; info->scale_denom /= 2)
		if (info->image_width / info->scale_denom >= (JDIMENSION) width &&
			info->image_height / info->scale_denom >= (JDIMENSION) height)
			break;
	jpeg_calc_output_dimensions(info);
}

static jpeg_buffers
layout(sc_arena *arena, const jpeg_reader *r)
{
	jpeg_buffers b;

	b.reducer = sc_reducer_layout(arena, r->task->plan, (int) r->info.image_width, (int) r->info.image_height,
								  (int) r->info.scale_denom);
	b.row = SC_TAKE(arena, uint8_t, (size_t) r->info.output_width * (size_t) r->info.num_components);
	return b;
}

/*
 * Rows of samples, as wide as the picture, that libjpeg holds of a component at
 * most: before they are upsampled 8 + 2 groups of up to 4 rows (jdmainct.c),
 * behind it 4 rows (jdsample.c). The rest is room for its tables.
 */
#define LIBRARY_ROWS 64

/* What libjpeg will take: these, and all coefficients where the picture comes in several scans. */
static size_t
library_memory(jpeg_reader *r)
{
	struct jpeg_decompress_struct *info = &r->info;
	size_t bytes = sc_mul((size_t) info->image_width * (size_t) info->num_components, LIBRARY_ROWS);

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
	const sc_image_task *task = r->task;
	sc_image_plan *plan = task->plan;
	struct jpeg_decompress_struct *info = &r->info;
	sc_arena counter = sc_arena_counter();
	size_t memory;

	read_header(r);
	sc_image_require(&r->exit, sc_image_check_size(info->image_width, info->image_height, task->limits, task->err));
	if (info->num_components != 1 && info->num_components != 3 && info->num_components != 4)
	{
		sc_fail(task->err, SC_UNSUPPORTED, "variant of JPEG is not supported");
		sc_detail(task->err, "It has %d colour components.", info->num_components);
		sc_image_leave(&r->exit, SC_UNSUPPORTED);
	}
	plan->channels = info->num_components == 1 ? SC_GRAY : SC_RGB;
	plan->orientation = find_orientation(task->bytes, task->size);
	sc_image_plan_size(plan, (int) info->image_width, (int) info->image_height, task->max_side);
	choose_scale(r);
	(void) layout(&counter, r);
	plan->scratch = sc_arena_need(&counter);
	memory = sc_add(plan->scratch, library_memory(r));
	sc_image_require(&r->exit, sc_image_check_memory(memory, task->limits, task->err));
}

/* A row of CMYK to RGB, in place. Adobe's files store the inks inverted. */
static void
cmyk_to_rgb(uint8_t *row, size_t width, bool inverted)
{
	unsigned flip = inverted ? 0 : 255;

	SC_ASSERT(row != NULL);
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
	sc_arena arena = sc_arena_over(r->task->scratch, r->task->plan->scratch);
	jpeg_buffers b;
	size_t memory = r->task->limits->max_memory;

	read_header(r);
	choose_scale(r);
	b = layout(&arena, r);
	if (!sc_arena_ok(&arena))
		sc_image_leave(&r->exit, sc_fail(r->task->err, SC_INTERNAL, "image differs from its plan"));
	b.reducer.pixels = r->task->pixels;

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

/* Everything that libjpeg may jump out of. */
static void
read_body(jpeg_reader *r)
{
	if (r->task->pixels == NULL)
		plan_body(r);
	else
		decode_body(r);
}

/* Run read_body with a place for libjpeg to jump to, and free what libjpeg has taken. */
static sc_status
guarded(jpeg_reader *r)
{
	memset(&r->info, 0, sizeof(r->info));
	r->info.err = jpeg_std_error(&r->error);
	r->error.error_exit = on_error;
	r->error.emit_message = on_message;
	r->error.output_message = on_output;
	r->progress.progress_monitor = on_progress;
	r->info.client_data = r;
	r->exit.status = SC_OK;
	if (sigsetjmp(r->exit.jump, 0) == 0)
		read_body(r);
	jpeg_destroy_decompress(&r->info);
	return r->exit.status;
}

sc_status
sc_jpeg_read(const sc_image_task *task)
{
	jpeg_reader r;

	r.task = task;
	return guarded(&r);
}
