/*-------------------------------------------------------------------------
 *
 * tests/unit/test_image.c
 *	  Reading of images. Every image is encoded here, by libjpeg and libpng,
 *	  so what must come out is known; then the same bytes are damaged.
 *
 *-------------------------------------------------------------------------
 */
#include "arena.h"
#include "decode.h"
#include "image.h"
#include "rng.h"
#include "unit.h"

#include <jpeglib.h>
#ifdef SC_WITH_PNG
#include <png.h>
#endif

typedef struct bytes
{
	uint8_t    *data;
	size_t		size;
} bytes;

/* A smooth picture, which JPEG changes little: width x height, channels. */
static uint8_t *
smooth(int width, int height, int channels)
{
	uint8_t    *p = malloc((size_t) width * height * channels);

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			for (int c = 0; c < channels; c++)
				p[(y * width + x) * channels + c] = (uint8_t)
					(128 + 100 * sin(0.9 * c + 3.0 * x / width) * cos(0.5 * c + 2.5 * y / height));
	return p;
}

typedef struct jpeg_kind
{
	int			channels;		/* 1, 3, 4 */
	J_COLOR_SPACE stored;
	bool		progressive;
	bool		adobe;			/* write the Adobe marker */
	int			restart;		/* rows between restart markers */
	const uint8_t *exif;		/* an APP1 segment, or NULL */
	unsigned	exif_size;
	const char *comment;		/* or NULL */
} jpeg_kind;

static bytes
encode_jpeg(const uint8_t *pixels, int width, int height, jpeg_kind kind)
{
	struct jpeg_compress_struct info;
	struct jpeg_error_mgr error;
	unsigned char *out = NULL;
	unsigned long size = 0;
	bytes		b;

	info.err = jpeg_std_error(&error);
	jpeg_create_compress(&info);
	jpeg_mem_dest(&info, &out, &size);
	info.image_width = (JDIMENSION) width;
	info.image_height = (JDIMENSION) height;
	info.input_components = kind.channels;
	info.in_color_space = kind.channels == 1 ? JCS_GRAYSCALE :
		kind.channels == 3 ? JCS_RGB : JCS_CMYK;
	jpeg_set_defaults(&info);
	if (kind.stored != JCS_UNKNOWN)
		jpeg_set_colorspace(&info, kind.stored);
	jpeg_set_quality(&info, 100, TRUE);
	for (int i = 0; i < info.num_components; i++)
		info.comp_info[i].h_samp_factor = info.comp_info[i].v_samp_factor = 1;
	if (kind.channels == 4)
		info.write_Adobe_marker = kind.adobe;
	info.restart_in_rows = kind.restart;
	if (kind.progressive)
		jpeg_simple_progression(&info);
	jpeg_start_compress(&info, TRUE);
	if (kind.exif != NULL)
		jpeg_write_marker(&info, JPEG_APP0 + 1, kind.exif, kind.exif_size);
	if (kind.comment != NULL)
		jpeg_write_marker(&info, JPEG_COM, (const JOCTET *) kind.comment,
						  (unsigned) strlen(kind.comment));
	while (info.next_scanline < info.image_height)
	{
		JSAMPROW	row = (JSAMPROW) pixels + (size_t) info.next_scanline * width * kind.channels;

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
static sc_status
read_image(uint8_t **pixels, sc_image_plan *plan, const uint8_t *data, size_t size,
		   int max_side, const sc_image_limits *limit, sc_error *err)
{
	uint8_t    *copy = malloc(SC_MAX(size, (size_t) 1));
	void	   *scratch;
	sc_status	status;

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
	CHECK(status == SC_OK || (err->status == status && err->message[0] != '\0'),
		  "status %d without a message", status);
	return status;
}

/* The largest difference between an image that must be read and what it must be. */
static int
distance(bytes b, int max_side, int width, int height, int channels, const uint8_t *wanted)
{
	sc_image_plan plan;
	sc_error	err;
	uint8_t    *pixels;
	int			worst = 0;
	sc_status	status = read_image(&pixels, &plan, b.data, b.size, max_side, &limits, &err);

	CHECK(status == SC_OK, "%d %s %s", status, err.message, err.detail);
	if (status != SC_OK)
		return 999;
	CHECK(plan.width == width && plan.height == height && plan.channels == channels,
		  "%d x %d x %d", plan.width, plan.height, plan.channels);
	if (plan.width != width || plan.height != height || plan.channels != channels)
		return 999;
	for (size_t i = 0; i < plan.bytes; i++)
		worst = SC_MAX(worst, abs((int) pixels[i] - (int) wanted[i]));
	free(pixels);
	return worst;
}

/* The mean over the area of each pixel of the result, in double, from the definition. */
static uint8_t *
area_mean(const uint8_t *in, int width, int height, int channels, int out_width, int out_height)
{
	uint8_t    *out = malloc((size_t) out_width * out_height * channels);

	for (int y = 0; y < out_height; y++)
		for (int x = 0; x < out_width; x++)
			for (int c = 0; c < channels; c++)
			{
				double		x0 = (double) x * width / out_width,
							x1 = (double) (x + 1) * width / out_width,
							y0 = (double) y * height / out_height,
							y1 = (double) (y + 1) * height / out_height,
							sum = 0;

				for (int v = (int) y0; v < height && v < y1; v++)
					for (int u = (int) x0; u < width && u < x1; u++)
						sum += (fmin(u + 1, x1) - fmax(u, x0)) * (fmin(v + 1, y1) - fmax(v, y0)) *
							in[(v * width + u) * channels + c];
				out[(y * out_width + x) * channels + c] = (uint8_t)
					floor(sum / ((x1 - x0) * (y1 - y0)) + 0.5 + 1e-9);
			}
	return out;
}

static void
test_jpeg_variants(void)
{
	int			w = 83,
				h = 61;

	for (int channels = 1; channels <= 3; channels += 2)
	{
		uint8_t    *p = smooth(w, h, channels);

		for (int variant = 0; variant < 4; variant++)
		{
			bytes		b = encode_jpeg(p, w, h, (jpeg_kind){.channels = channels,
													   .progressive = variant & 1,
													   .restart = variant & 2});
			int			d = distance(b, 0, w, h, channels, p);

			CHECK(d <= 4, "%d channels, variant %d: off by %d", channels, variant, d);
			free(b.data);
		}
		free(p);
	}
}

static void
test_jpeg_reduced(void)
{
	int			sizes[][3] = {{300, 200, 64}, {200, 300, 64}, {640, 480, 32}, {101, 100, 99},
	{37, 500, 36}, {37, 500, 37}, {500, 37, 1}, {64, 64, 200}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		int			w = sizes[i][0],
					h = sizes[i][1],
					side = sizes[i][2];
		double		shrink = SC_MIN(1.0, (double) side / SC_MIN(w, h));
		int			ow = SC_MAX(1, (int) floor(w * shrink + 0.5)),
					oh = SC_MAX(1, (int) floor(h * shrink + 0.5));

		for (int variant = 0; variant < 4; variant++)
		{
			int			channels = variant & 1 ? 3 : 1;
			uint8_t    *p = smooth(w, h, channels);
			uint8_t    *q = area_mean(p, w, h, channels, ow, oh);
			bytes		b = encode_jpeg(p, w, h, (jpeg_kind){.channels = channels,
													   .progressive = variant & 2});
			int			d = distance(b, side, ow, oh, channels, q);

			/* The scaled transform of JPEG stands for part of the mean. */
			CHECK(d <= 5, "%d x %d to %d: off by %d", w, h, side, d);
			free(b.data);
			free(q);
			free(p);
		}
	}
}

int
main(void)
{
	test_jpeg_variants();
	test_jpeg_reduced();
	UNIT_END("image");
}
