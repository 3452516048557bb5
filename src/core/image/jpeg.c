/*-------------------------------------------------------------------------
 *
 * src/core/image/jpeg.c
 *	  JPEG images, read with libjpeg-turbo.
 *
 * libjpeg leaves by longjmp where a file is bad; guarded() is the only place
 * it can land in, and it frees what libjpeg holds.
 *
 * Its warnings are of two kinds. Some are about bytes that no pixel depends on,
 * as many cameras and programs write them: those are counted and passed over.
 * After the others libjpeg goes on with pixels that it makes up (a truncated
 * file's rest is gray): such a picture is corrupt, for learning must not see it.
 * Whether a file that lacks its end lacks pixels too is asked of what was
 * decoded, not of the end.
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

/* Markers (ITU-T T.81, table B.1); jpeglib.h names JPEG_RST0, JPEG_EOI and JPEG_APP0. */
#define MARKER_TEMPORARY 0x01
#define MARKER_START_OF_SCAN 0xDA
#define MARKER_EXIF (JPEG_APP0 + 1)
#define MARKER_JPEG_LS 0xF7

/*
 * Harmless warnings of one picture. Pictures have a few, or one for each restart
 * marker where something stands before it; a hostile file has one for each few bytes.
 */
#define MAX_WARNINGS 10000

typedef struct jpeg_reader
{
	struct jpeg_decompress_struct info;
	struct jpeg_error_mgr error;
	struct jpeg_progress_mgr progress;
	sc_image_exit exit;
	const sc_image_task *task;
	size_t size;	/* of the task's bytes, those that are read */
	bool several;	/* scans, or more than a baseline one */
	int warnings;	/* harmless ones */
	bool ended;		/* the bytes ended before the image did */
	size_t skipped; /* bytes after the last that were decoded, of an image that ended so */
	bool rows_done; /* every row is out; what may follow is of no interest */
} jpeg_reader;

/* Buffers of the decoding, beside those of libjpeg. */
typedef struct jpeg_buffers
{
	sc_reducer reducer;
	uint8_t *row; /* (output_width, output_components) as libjpeg gives it */
} jpeg_buffers;

/* Leave with an error whose detail is what libjpeg says, after the detail (may be empty) that is known here. */
static _Noreturn void
fail_with_text(jpeg_reader *r, sc_status status, const char *detail)
{
	char text[JMSG_LENGTH_MAX];
	size_t length;

	r->error.format_message((j_common_ptr) &r->info, text);
	length = strlen(text);
	if (length > 0 && text[length - 1] == '.')
		text[length - 1] = '\0';
	sc_fail(r->task->err, status,
			status == SC_UNSUPPORTED ? "variant of JPEG is not supported" : "JPEG image is corrupt");
	sc_detail(r->task->err, "%s%slibjpeg reports: %s.", detail, detail[0] ? "; " : "", text);
	sc_image_leave(&r->exit, status);
}

/* Leave because pixels are missing or made up, from the current row of MCUs on. */
static _Noreturn void
fail_damaged(jpeg_reader *r)
{
	struct jpeg_decompress_struct *info = &r->info;
	JDIMENSION good = SC_MIN(info->input_iMCU_row * (JDIMENSION) info->max_v_samp_factor * DCTSIZE, info->image_height);
	char detail[120];
	char scan[40] = "";

	if (r->ended)
		r->error.msg_code = JWRN_JPEG_EOF; /* whatever came of it */
	if (r->several)
		snprintf(scan, sizeof(scan), " in scan %d", info->input_scan_number);
	snprintf(detail, sizeof(detail), "Rows missing or damaged%s: %u of %u rows", scan, info->image_height - good,
			 info->image_height);
	fail_with_text(r, SC_BAD_IMAGE, detail);
}

/* Leave because scans are missing that should come after this one. */
static _Noreturn void
fail_without_scans(jpeg_reader *r)
{
	char detail[80];

	r->error.msg_code = JWRN_JPEG_EOF; /* or its end came early, which it does not notice */
	snprintf(detail, sizeof(detail), "Scans are missing after scan %d", r->info.input_scan_number);
	fail_with_text(r, SC_BAD_IMAGE, detail);
}

static _Noreturn void
on_error(j_common_ptr common)
{
	jpeg_reader *r = common->client_data;

	if (r->rows_done)
		sc_image_leave(&r->exit, SC_OK);
	switch (r->error.msg_code)
	{
		case JERR_OUT_OF_MEMORY:
			/* Its odd parameters stand for a request that it never makes, the even ones for malloc (jmemmgr.c). */
			if (r->error.msg_parm.i[0] % 2 == 0)
				sc_image_leave(&r->exit, sc_image_fail_malloc(r->task->err));
			/* FALLTHROUGH */
		case JERR_NO_BACKING_STORE:
			sc_image_leave(&r->exit, sc_image_fail_memory(SC_IMAGE_JPEG, r->task->limits, r->task->err));
#if JPEG_LIB_VERSION < 70
		case JERR_ARITH_NOTIMPL:
#endif
		case JERR_BAD_PRECISION:
		case JERR_CCIR601_NOTIMPL:
		case JERR_CONVERSION_NOTIMPL:
		case JERR_FRACT_SAMPLE_NOTIMPL:
		case JERR_IMAGE_TOO_BIG:
		case JERR_NOT_COMPILED:
		case JERR_SOF_UNSUPPORTED:
			fail_with_text(r, SC_UNSUPPORTED, "");
		case JERR_EMPTY_IMAGE:
			/* A height of 0 is told after the first scan (T.81, B.2.5), which libjpeg does not read. */
			if (r->info.image_width > 0 && r->info.num_components > 0)
				fail_with_text(r, SC_UNSUPPORTED, "");
			break;
		case JERR_UNKNOWN_MARKER:
			if (r->error.msg_parm.i[0] == MARKER_JPEG_LS)
				fail_with_text(r, SC_UNSUPPORTED, "");
			break;
	}
	if (r->ended && r->info.input_scan_number > 0)
		fail_without_scans(r);
	if (r->ended)
		r->error.msg_code = JWRN_JPEG_EOF; /* within the header */
	fail_with_text(r, SC_BAD_IMAGE, "");
}

/* Does no pixel depend on what this warning is about? */
static bool
is_harmless(const jpeg_reader *r)
{
	const struct jpeg_decompress_struct *info = &r->info;

	switch (r->error.msg_code)
	{
		case JWRN_ADOBE_XFORM:
		case JWRN_EXTRANEOUS_DATA:
		case JWRN_JFIF_MAJOR:
		case JWRN_NOT_SEQUENTIAL:
			return true;
		case JWRN_JPEG_EOF:
			/*
			 * Where bits are lacking, Huffman's decoder says so by another warning. The
			 * arithmetic one takes zeros for what lies behind the end, in silence.
			 */
			return !info->arith_code || info->input_iMCU_row >= info->total_iMCU_rows;
		default:
			return false;
	}
}

/* A level below 0 is a warning; others trace what libjpeg does. */
static void
on_message(j_common_ptr common, int level)
{
	jpeg_reader *r = common->client_data;

	if (level >= 0)
		return;
	if (r->error.msg_code == JWRN_JPEG_EOF)
	{
		/* It comes again for each two bytes of a segment that is skipped. */
		if (r->ended)
			return;
		r->ended = true;
	}
	else if (r->error.msg_code == JWRN_EXTRANEOUS_DATA && r->ended)
		r->skipped = (size_t) r->error.msg_parm.i[0];
	if (!is_harmless(r))
		fail_damaged(r);
	if (++r->warnings <= MAX_WARNINGS)
		return;
	if (r->rows_done)
		sc_image_leave(&r->exit, SC_OK);
	fail_with_text(r, SC_BAD_IMAGE, "It has too many faults");
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

	for (;;)
	{
		int marker;
		size_t length;

		/* Junk may stand between segments, and fill bytes before a marker. */
		while (at < size && p[at] != 0xFF)
			at++;
		while (at < size && p[at] == 0xFF)
			at++;
		if (size - at < 3)
			return SC_UPRIGHT;
		marker = p[at++];
		if (marker == 0 || marker == MARKER_TEMPORARY || (marker >= JPEG_RST0 && marker < JPEG_RST0 + 8))
			continue; /* no segment */
		if (marker == MARKER_START_OF_SCAN || marker == JPEG_EOI)
			return SC_UPRIGHT;
		length = (size_t) p[at] << 8 | p[at + 1];
		if (length < 2 || length > size - at)
			return SC_UPRIGHT;
		if (marker == MARKER_EXIF && length >= 8 && memcmp(p + at + 2, "Exif\0\0", 6) == 0)
			return sc_exif_orientation(p + at + 8, length - 8);
		at += length;
	}
}

static void
read_header(jpeg_reader *r)
{
	jpeg_create_decompress(&r->info);
	r->info.client_data = r;
	r->info.progress = &r->progress;
	jpeg_mem_src(&r->info, r->task->bytes, (unsigned long) r->size);
	jpeg_read_header(&r->info, TRUE);
	r->several = jpeg_has_multiple_scans(&r->info);
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

	if (!r->several)
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

/*
 * Refuse what claims more pixels than it can be worth decoding. Decoding costs
 * what comes out of it, for which there is a limit, and what is read on the way:
 * of a picture in several scans the coefficients, for which there are limits as
 * well. In one scan of Huffman codes every block takes two bits of the file or
 * more, so the bytes bound it. Arithmetic codes may take next to none.
 */
static void
check_pixels(jpeg_reader *r)
{
	const sc_image_task *task = r->task;
	const struct jpeg_decompress_struct *info = &r->info;
	JDIMENSION width = info->image_width, height = info->image_height;
	size_t blocks = 0;
	size_t room = sc_mul(task->size, 4);

	if (info->arith_code)
		sc_image_require(&r->exit, sc_image_check_pixels(width, height, 1, task->limits, task->err));
	sc_image_require(&r->exit, sc_image_check_pixels(width, height, info->scale_denom, task->limits, task->err));
	if (info->arith_code || info->progressive_mode)
		return;
	for (int i = 0; i < info->num_components; i++)
		blocks = sc_add(blocks, sc_mul(info->comp_info[i].width_in_blocks, info->comp_info[i].height_in_blocks));
	if (blocks > room)
	{
		sc_fail(task->err, SC_BAD_IMAGE, "JPEG image is corrupt");
		sc_detail(task->err,
				  "Rows missing or damaged: at least %u of %u rows; its %zu bytes cannot hold %u by %u pixels.",
				  (unsigned) (height - (uint64_t) height * room / blocks), height, task->size, width, height);
		sc_image_leave(&r->exit, SC_BAD_IMAGE);
	}
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
	if (info->num_components != 1 && info->num_components != 3 && info->num_components != 4)
	{
		sc_fail(task->err, SC_UNSUPPORTED, "variant of JPEG is not supported");
		sc_detail(task->err, "It has %d colour components.", info->num_components);
		sc_image_leave(&r->exit, SC_UNSUPPORTED);
	}
	plan->source_channels = info->num_components;
	plan->channels = info->num_components == 1 ? SC_GRAY : SC_RGB;
	plan->orientation = find_orientation(task->bytes, task->size);
	sc_image_plan_size(plan, (int) info->image_width, (int) info->image_height, task->max_side);
	choose_scale(r);
	check_pixels(r);
	(void) layout(&counter, r);
	plan->scratch = sc_arena_need(&counter);
	memory = sc_add(plan->scratch, library_memory(r));
	sc_image_require(&r->exit, sc_image_check_memory(memory, task->limits, task->err));
}

/*
 * A row of CMYK to RGB, in place. Adobe's files store the inks inverted, and so
 * does everybody: a file without Adobe's marker is one that lost it.
 */
static void
cmyk_to_rgb(uint8_t *row, size_t width)
{
	SC_ASSERT(row != NULL);
	for (size_t x = 0; x < width; x++)
	{
		unsigned k = row[4 * x + 3];

		for (size_t i = 0; i < 3; i++)
			row[3 * x + i] = (uint8_t) ((row[4 * x + i] * k + 127) / 255);
	}
}

/*
 * All scans of a picture that has several are read: is all of it there? A
 * component that no scan has is gray. A progressive picture without its end
 * may lack any number of scans, so each coefficient must have come in full.
 */
static void
check_scans(jpeg_reader *r)
{
	const struct jpeg_decompress_struct *info = &r->info;

	for (int i = 0; i < info->num_components; i++)
	{
		bool missing = info->comp_info[i].quant_table == NULL;

		if (info->progressive_mode)
			for (int k = 0; k < DCTSIZE2; k++)
				missing = missing || (r->ended ? info->coef_bits[i][k] != 0 : info->coef_bits[i][0] < 0);
		if (missing)
			fail_without_scans(r);
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
	if (r->several)
		check_scans(r);
	while (info->output_scanline < info->output_height)
	{
		JSAMPROW row = b.row;

		jpeg_read_scanlines(info, &row, 1);
		if (info->num_components == 4)
			cmyk_to_rgb(b.row, info->output_width);
		sc_reducer_row(&b.reducer, b.row);
	}
	/* Reads on to the end of the image, which tells how much of the bytes is left. */
	r->rows_done = true;
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

/* How many of the bytes there are before the zeros at their end; FF 00 is a byte of data. */
static size_t
size_without_zeros(const uint8_t *p, size_t size)
{
	size_t n = size;

	while (n > 0 && p[n - 1] == 0)
		n--;
	return n > 0 && n < size && p[n - 1] == 0xFF ? n + 1 : n;
}

/*
 * Zeros at the end are not read: behind the end of the image they say nothing,
 * and where that is lacking a disk or a network put them in place of what was
 * lost. Huffman's decoder would take them for data. They can be data (of a flat
 * picture), and then no byte more and none less than the picture needs.
 */
sc_status
sc_jpeg_read(const sc_image_task *task)
{
	jpeg_reader r = {.task = task, .size = task->size};
	jpeg_reader again = r;
	sc_error error;
	sc_status status;

	if (task->pixels == NULL)
		return guarded(&r);
	r.size = size_without_zeros(task->bytes, task->size);
	status = guarded(&r);
	if (status != SC_BAD_IMAGE || !r.ended || r.size == task->size)
		return status;
	if (task->err != NULL)
		error = *task->err;
	status = guarded(&again);
	if (status == SC_ABORTED || (status == SC_OK && again.skipped == 0))
		return status;
	if (task->err != NULL)
		*task->err = error;
	return SC_BAD_IMAGE;
}
