/*-------------------------------------------------------------------------
 *
 * tests/unit/images.h
 *	  Images for the tests of reading them: encoded here, and read in memory of
 *	  exactly the planned size.
 *
 *-------------------------------------------------------------------------
 */
#ifndef IMAGES_H
#define IMAGES_H

#include "core/base/arena.h"
#include "core/image/image.h"
#include "unit.h"

#include <jpeglib.h>

typedef struct bytes
{
	uint8_t *data;
	size_t size;
} bytes;

/* A smooth picture, which JPEG changes little: width x height, channels. */
static inline uint8_t *
smooth(int width, int height, int channels)
{
	uint8_t *p = malloc((size_t) width * height * channels);

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			for (int c = 0; c < channels; c++)
				p[(y * width + x) * channels + c] =
					(uint8_t) (128 + 100 * sin(0.9 * c + 3.0 * x / width) * cos(0.5 * c + 2.5 * y / height));
	return p;
}

typedef struct jpeg_kind
{
	int channels; /* 1, 3, 4 */
	J_COLOR_SPACE stored;
	bool progressive;
	bool adobe;			 /* write the Adobe marker */
	bool arithmetic;	 /* codes, in place of Huffman's */
	bool apart;			 /* a scan for each component */
	bool halved;		 /* chroma at half of the resolution */
	int quality;		 /* 0: 100 */
	int restart;		 /* rows between restart markers */
	const uint8_t *exif; /* an APP1 segment, or NULL */
	unsigned exif_size;
	const char *comment; /* or NULL */
} jpeg_kind;

static inline bytes
encode_jpeg(const uint8_t *pixels, int width, int height, jpeg_kind kind)
{
	struct jpeg_compress_struct info;
	struct jpeg_error_mgr error;
	jpeg_scan_info scans[4];
	unsigned char *out = NULL;
	unsigned long size = 0;
	bytes b;

	info.err = jpeg_std_error(&error);
	jpeg_create_compress(&info);
	jpeg_mem_dest(&info, &out, &size);
	info.image_width = (JDIMENSION) width;
	info.image_height = (JDIMENSION) height;
	info.input_components = kind.channels;
	info.in_color_space = kind.channels == 1 ? JCS_GRAYSCALE : kind.channels == 3 ? JCS_RGB : JCS_CMYK;
	jpeg_set_defaults(&info);
	if (kind.stored != JCS_UNKNOWN)
		jpeg_set_colorspace(&info, kind.stored);
	jpeg_set_quality(&info, kind.quality ? kind.quality : 100, TRUE);
	for (int i = 0; i < info.num_components; i++)
		info.comp_info[i].h_samp_factor = info.comp_info[i].v_samp_factor = i == 0 && kind.halved ? 2 : 1;
	if (kind.channels == 4)
		info.write_Adobe_marker = kind.adobe;
	info.restart_in_rows = kind.restart;
	info.arith_code = kind.arithmetic;
	if (kind.progressive)
		jpeg_simple_progression(&info);
	if (kind.apart)
	{
		for (int i = 0; i < info.num_components; i++)
			scans[i] = (jpeg_scan_info){.comps_in_scan = 1, .component_index = {i}, .Se = 63};
		info.scan_info = scans;
		info.num_scans = info.num_components;
	}
	jpeg_start_compress(&info, TRUE);
	if (kind.exif != NULL)
		jpeg_write_marker(&info, JPEG_APP0 + 1, kind.exif, kind.exif_size);
	if (kind.comment != NULL)
		jpeg_write_marker(&info, JPEG_COM, (const JOCTET *) kind.comment, (unsigned) strlen(kind.comment));
	while (info.next_scanline < info.image_height)
	{
		JSAMPROW row = (JSAMPROW) pixels + (size_t) info.next_scanline * width * kind.channels;

		jpeg_write_scanlines(&info, &row, 1);
	}
	jpeg_finish_compress(&info);
	jpeg_destroy_compress(&info);
	b.data = malloc(size);
	memcpy(b.data, out, size);
	b.size = size;
	free(out);
	return b;
}

static const sc_image_limits limits = {100000000, (size_t) 256 << 20, 100, 1000000000};

/*
 * Plan and decode, in memory of exactly the planned sizes, so that a sanitizer
 * sees one byte too many. *pixels is NULL after a failure.
 */
static inline sc_status
read_image(uint8_t **pixels, sc_image_plan *plan, const uint8_t *data, size_t size, int max_side,
		   const sc_image_limits *limit, sc_error *err)
{
	uint8_t *copy = malloc(SC_MAX(size, (size_t) 1));
	void *scratch;
	sc_status status;

	*pixels = NULL;
	memset(err, 0, sizeof(*err));
	memcpy(copy, data, size);
	status = sc_image_plan_read(plan, copy, size, max_side, limit, err);
	if (status == SC_OK)
	{
		*pixels = malloc(plan->bytes);
		memset(*pixels, 77, plan->bytes);
		scratch = aligned_alloc(SC_ALIGN, (plan->scratch + SC_ALIGN - 1) / SC_ALIGN * SC_ALIGN);
		status = sc_image_decode(*pixels, plan, copy, size, limit, scratch, NULL, NULL, err);
		free(scratch);
		if (status != SC_OK)
		{
			free(*pixels);
			*pixels = NULL;
		}
	}
	free(copy);
	CHECK(status == SC_OK || (err->status == status && err->message[0] != '\0'), "status %d without a message", status);
	return status;
}

/* The largest difference between an image that must be read and what it must be. */
static inline int
distance(bytes b, int max_side, int width, int height, int channels, const uint8_t *wanted)
{
	sc_image_plan plan;
	sc_error err;
	uint8_t *pixels;
	int worst = 0;
	sc_status status = read_image(&pixels, &plan, b.data, b.size, max_side, &limits, &err);

	CHECK(status == SC_OK, "%d %s %s", status, err.message, err.detail);
	if (status != SC_OK)
		return 999;
	CHECK(plan.width == width && plan.height == height && plan.channels == channels, "%d x %d x %d", plan.width,
		  plan.height, plan.channels);
	if (plan.width != width || plan.height != height || plan.channels != channels)
		return 999;
	for (size_t i = 0; i < plan.bytes; i++)
		worst = SC_MAX(worst, abs((int) pixels[i] - (int) wanted[i]));
	free(pixels);
	return worst;
}

/* Exact memory: one byte too many, anywhere, is seen by a sanitizer. */
static inline sc_status
probe(const uint8_t *data, size_t size, int max_side, const sc_image_limits *limit, sc_error *err)
{
	sc_image_plan plan;
	uint8_t *pixels;
	sc_status status = read_image(&pixels, &plan, data, size, max_side, limit, err);

	free(pixels);
	return status;
}

#endif /* IMAGES_H */
