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
#include "core/base/rng.h"
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

/* The mean over the area of each pixel of the result, in double, from the definition. */
static inline uint8_t *
area_mean(const uint8_t *in, int width, int height, int channels, int out_width, int out_height)
{
	uint8_t *out = malloc((size_t) out_width * out_height * channels);

	for (int y = 0; y < out_height; y++)
		for (int x = 0; x < out_width; x++)
			for (int c = 0; c < channels; c++)
			{
				double x0 = (double) x * width / out_width, x1 = (double) (x + 1) * width / out_width,
					   y0 = (double) y * height / out_height, y1 = (double) (y + 1) * height / out_height, sum = 0;

				for (int v = (int) y0; v < height && v < y1; v++)
					for (int u = (int) x0; u < width && u < x1; u++)
						sum += (fmin(u + 1, x1) - fmax(u, x0)) * (fmin(v + 1, y1) - fmax(v, y0)) *
							   in[(v * width + u) * channels + c];
				out[(y * out_width + x) * channels + c] = (uint8_t) floor(sum / ((x1 - x0) * (y1 - y0)) + 0.5 + 1e-9);
			}
	return out;
}

/* An APP1 segment that says the orientation, among other entries. */
static inline unsigned
exif_segment(uint8_t *p, int orientation, bool big)
{
	uint16_t entries[3][4] = {{0x010F, 2, 1, 0}, {0x0112, 3, 1, (uint16_t) orientation}, {0x0128, 3, 1, 2}};
	unsigned n = 0;

#define PUT2(v) (p[n + !big] = (uint8_t) ((v) >> 8), p[n + big] = (uint8_t) (v), n += 2)
#define PUT4(v) (p[n] = p[n + 1] = p[n + 2] = p[n + 3] = 0, p[n + (big ? 3 : 0)] = (uint8_t) (v), n += 4)
	memcpy(p, "Exif\0\0", 6);
	n = 6;
	p[n++] = big ? 'M' : 'I';
	p[n++] = big ? 'M' : 'I';
	PUT2(42);
	PUT4(8);
	PUT2(3);
	for (int i = 0; i < 3; i++)
	{
		PUT2(entries[i][0]);
		PUT2(entries[i][1]);
		PUT4(entries[i][2]);
		PUT2(entries[i][3]);
		PUT2(0);
	}
	PUT4(0);
#undef PUT2
#undef PUT4
	return n;
}

/* Where the pixel (x, y) of the upright picture lies in the stored one (EXIF 2.32, table of tag 274). */
static inline void
stored_place(int orientation, int x, int y, int width, int height, int *sx, int *sy)
{
	bool turned = orientation >= 5;
	bool right = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
	bool bottom = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;

	/* width, height: of the stored picture */
	*sx = turned ? y : x;
	*sy = turned ? x : y;
	if (right)
		*sx = width - 1 - *sx;
	if (bottom)
		*sy = height - 1 - *sy;
}

/* Any damage may be found or not; nothing else may happen. Small limits keep it quick. */
static inline void
test_damage(bytes b, int rounds, uint64_t seed)
{
	static const sc_image_limits small = {100000, 1 << 20, 20, 1000000};
	sc_rng rng = sc_rng_stream(seed, 0, 0, 0);
	uint8_t *copy = malloc(b.size);
	int refused = 0;

	for (int i = 0; i < rounds; i++)
	{
		int flips = 1 + (int) sc_rng_below(&rng, 8);
		sc_error err;
		sc_status status;

		memcpy(copy, b.data, b.size);
		for (int k = 0; k < flips; k++)
		{
			/* Headers decide more than pixels do: half of the flips go there. */
			uint64_t range = sc_rng_below(&rng, 2) ? b.size : SC_MIN(b.size, (size_t) 200);

			copy[sc_rng_below(&rng, range)] ^= (uint8_t) (1 + sc_rng_below(&rng, 255));
		}
		status = probe(copy, b.size, (int) sc_rng_below(&rng, 3) * 5, &small, &err);
		CHECK(status == SC_OK || status == SC_BAD_IMAGE || status == SC_UNSUPPORTED || status == SC_LIMIT,
			  "status %d: %s", status, err.message);
		refused += status != SC_OK;
	}
	CHECK(refused > rounds / 4, "%d of %d refused", refused, rounds);
	free(copy);
}

static inline bool
stop_at_zero(void *arg)
{
	return (*(int *) arg)-- <= 0;
}

/* The stop flag is asked often, and ends the decoding. */
static inline void
test_stop(bytes b)
{
	sc_image_plan plan;
	sc_error err;
	uint8_t *pixels;
	void *scratch;
	int asked = 1000000;
	int countdown;

	CHECK(read_image(&pixels, &plan, b.data, b.size, 0, &limits, &err) == SC_OK, "%s", err.message);
	scratch = malloc(plan.scratch);
	CHECK(sc_image_decode(pixels, &plan, b.data, b.size, &limits, scratch, stop_at_zero, &asked, &err) == SC_OK, "%s",
		  err.message);
	asked = 1000000 - asked;
	CHECK(asked >= plan.source_height, "asked %d times", asked);
	for (countdown = 0; countdown < asked; countdown += 7)
	{
		int left = countdown;

		CHECK(sc_image_decode(pixels, &plan, b.data, b.size, &limits, scratch, stop_at_zero, &left, &err) == SC_ABORTED,
			  "%s", err.message);
	}
	free(scratch);
	free(pixels);
}

/* 8-bit colours that are all different. */
static inline void
noise(uint8_t *p, size_t size, uint64_t seed)
{
	sc_rng rng = sc_rng_stream(seed, 0, 0, 0);

	for (size_t i = 0; i < size; i++)
		p[i] = (uint8_t) sc_rng_u32(&rng);
}

static inline uint8_t
on_ground(int value, int alpha, int ground)
{
	return (uint8_t) floor(value * (alpha / 255.0) + ground * (1 - alpha / 255.0) + 0.5);
}

static inline int
rounded(double value)
{
	return (int) floor(value + 0.5);
}

/*
 * What pixels of colours (count, channels) of so many bits and their alpha
 * (count) become. Of 16 bits those are read that hold the largest sample, or
 * that `significant` (0: not said) names; what is almost white stands on black.
 */
static inline void
show(uint8_t *out, const int *colours, const int *alpha, int count, int channels, int bits, int significant)
{
	static const double weights[3] = {0.299, 0.587, 0.114};
	int most = (1 << bits) - 1, largest = 0, ground = 255;
	double luma = 0, weight = 0;

	for (int i = 0; i < count; i++)
		for (int c = 0; c < channels; c++)
		{
			if (alpha[i] > 0)
				largest = SC_MAX(largest, colours[i * channels + c]);
			luma += (channels == 1 ? 1 : weights[c]) * alpha[i] * colours[i * channels + c];
			weight += (channels == 1 ? 1 : weights[c]) * alpha[i];
		}
	if (bits == 16)
		for (int b = significant > 0 ? significant : 8; b<16; b += significant> 0 ? 16 : 2)
			if (largest < 1 << b)
			{
				most = (1 << b) - 1;
				break;
			}
	if (weight > 0 && luma / weight / most >= 0.75)
		ground = 0;
	for (int i = 0; i < count; i++)
		for (int c = 0; c < channels; c++)
			out[i * channels + c] = on_ground(rounded(SC_MIN(colours[i * channels + c], most) * 255.0 / most),
											  rounded(alpha[i] * 255.0 / (bits == 16 ? 65535 : 255)), ground);
}

#endif /* IMAGES_H */
