/*-------------------------------------------------------------------------
 *
 * src/core/image/encode.c
 *	  From pixels to the bytes of a baseline JPEG, with libjpeg-turbo.
 *
 * As in jpeg.c, libjpeg leaves by longjmp, and sc_jpeg_encode is the only
 * place it can land in.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/encode.h"

#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

#include "core/image/image_parts.h"

/* From this quality on colour has the resolution of brightness. */
#define FULL_COLOUR_QUALITY 90

typedef struct jpeg_writer
{
	struct jpeg_compress_struct info;
	struct jpeg_error_mgr error;
	struct jpeg_destination_mgr destination;
	sc_image_exit exit;
	sc_error *err;
} jpeg_writer;

static _Noreturn void
on_error(j_common_ptr info)
{
	jpeg_writer *w = info->client_data;
	char text[JMSG_LENGTH_MAX];

	if (info->err->msg_code == JERR_OUT_OF_MEMORY)
		sc_image_leave(&w->exit, sc_image_fail_malloc(w->err));
	info->err->format_message(info, text);
	sc_fail(w->err, SC_INTERNAL, "image could not be encoded as JPEG");
	sc_detail(w->err, "libjpeg reports: %s.", text);
	sc_image_leave(&w->exit, SC_INTERNAL);
}

/* Nothing is printed. */
static void
on_message(j_common_ptr info, int level)
{
}

static void
on_output(j_common_ptr info)
{
}

/* The destination is all of the caller's memory from the start. */
static void
on_begin(j_compress_ptr info)
{
}

static boolean
on_full(j_compress_ptr info)
{
	jpeg_writer *w = info->client_data;

	sc_image_leave(&w->exit, sc_fail(w->err, SC_LIMIT, "memory for the JPEG is too small"));
}

static void
on_end(j_compress_ptr info)
{
}

size_t
sc_jpeg_bound(int width, int height, int channels)
{
	/*
	 * The bound of libjpeg-turbo's tjBufSize: two bytes per sample of whole
	 * blocks, and 2048 for the headers. Coefficients of 8-bit samples cannot all
	 * be so large that the standard Huffman codes take more.
	 */
	size_t w = ((size_t) width + 15) & ~(size_t) 15;
	size_t h = ((size_t) height + 15) & ~(size_t) 15;

	return sc_add(sc_mul(sc_mul(w, h), 2 * (size_t) channels), 2048);
}

/* Everything that libjpeg may jump out of. */
static void
encode_body(jpeg_writer *w, const sc_image *image, int quality, bool (*stopped)(void *arg), void *arg)
{
	struct jpeg_compress_struct *info = &w->info;

	jpeg_create_compress(info);
	info->client_data = w;
	info->dest = &w->destination;
	info->image_width = (JDIMENSION) image->width;
	info->image_height = (JDIMENSION) image->height;
	info->input_components = image->channels;
	info->in_color_space = image->channels == SC_GRAY ? JCS_GRAYSCALE : JCS_RGB;
	jpeg_set_defaults(info);
	jpeg_set_quality(info, quality, TRUE);
	if (quality >= FULL_COLOUR_QUALITY)
		info->comp_info[0].h_samp_factor = info->comp_info[0].v_samp_factor = 1;
	jpeg_start_compress(info, TRUE);
	while (info->next_scanline < info->image_height)
	{
		JSAMPROW row =
			(JSAMPROW) image->pixels + (size_t) info->next_scanline * (size_t) image->width * (size_t) image->channels;

		if (stopped != NULL && stopped(arg))
			sc_image_leave(&w->exit, SC_ABORTED);
		jpeg_write_scanlines(info, &row, 1);
	}
	jpeg_finish_compress(info);
}

sc_status
sc_jpeg_encode(uint8_t *out, size_t capacity, size_t *size, const sc_image *image, int quality,
			   bool (*stopped)(void *arg), void *arg, sc_error *err)
{
	jpeg_writer w;

	SC_ASSERT(image->pixels != NULL && (image->channels == SC_GRAY || image->channels == SC_RGB));
	*size = 0;
	if (image->width < 1 || image->height < 1 || image->width > SC_JPEG_MAX_SIDE || image->height > SC_JPEG_MAX_SIDE)
	{
		sc_fail(err, SC_INVALID, "image cannot be a JPEG");
		sc_detail(err, "It has %d by %d pixels; a side may have 1 to %d.", image->width, image->height,
				  SC_JPEG_MAX_SIDE);
		return SC_INVALID;
	}
	if (quality < 1 || quality > 100)
		return sc_fail(err, SC_INVALID, "JPEG quality %d is not between 1 and 100", quality);
	if (capacity == 0) /* libjpeg writes a byte before it looks */
		return sc_fail(err, SC_LIMIT, "memory for the JPEG is too small");
	memset(&w.info, 0, sizeof(w.info));
	w.info.err = jpeg_std_error(&w.error);
	w.error.error_exit = on_error;
	w.error.emit_message = on_message;
	w.error.output_message = on_output;
	w.info.client_data = &w;
	w.destination.next_output_byte = out;
	w.destination.free_in_buffer = capacity;
	w.destination.init_destination = on_begin;
	w.destination.empty_output_buffer = on_full;
	w.destination.term_destination = on_end;
	w.err = err;
	w.exit.status = SC_OK;
	if (sigsetjmp(w.exit.jump, 0) == 0)
		encode_body(&w, image, quality, stopped, arg);
	jpeg_destroy_compress(&w.info);
	if (w.exit.status == SC_OK)
		*size = capacity - w.destination.free_in_buffer;
	return w.exit.status;
}

sc_status
sc_jpeg_encode_run(const sc_lane *lane, void *arg)
{
	sc_jpeg_job *job = arg;
	sc_lane self = *lane;
	sc_error err;
	sc_status status;

	if (lane->index > 0)
		return SC_OK;
	status = sc_jpeg_encode(job->out, job->capacity, &job->size, &job->image, job->quality, sc_lane_stopped_callback,
							&self, &err);
	return status == SC_OK || status == SC_ABORTED ? status : sc_lane_fail(lane, &err);
}
