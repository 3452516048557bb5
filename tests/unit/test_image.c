/*-------------------------------------------------------------------------
 *
 * tests/unit/test_image.c
 *	  Reading of images. Every image is encoded here, by libjpeg and libpng,
 *	  so what must come out is known; then the same bytes are damaged.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/arena.h"
#include "core/image/decode.h"
#include "core/image/encode.h"
#include "core/image/image.h"
#include "core/base/rng.h"
#include "images.h"
#ifdef SC_WITH_PNG
#include <png.h>
#endif

static void
test_jpeg_variants(void)
{
	int w = 83, h = 61;

	for (int channels = 1; channels <= 3; channels += 2)
	{
		uint8_t *p = smooth(w, h, channels);

		for (int variant = 0; variant < 4; variant++)
		{
			bytes b = encode_jpeg(p, w, h,
								  (jpeg_kind){.channels = channels, .progressive = variant & 1, .restart = variant & 2});
			int d = distance(b, 0, w, h, channels, p);

			CHECK(d <= 4, "%d channels, variant %d: off by %d", channels, variant, d);
			free(b.data);
		}
		free(p);
	}
}

static void
test_jpeg_reduced(void)
{
	int sizes[][3] = {{300, 200, 64}, {200, 300, 64}, {640, 480, 32}, {101, 100, 99},
					  {37, 500, 36},  {37, 500, 37},  {500, 37, 1},	  {64, 64, 200}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		int w = sizes[i][0], h = sizes[i][1], side = sizes[i][2];
		double shrink = SC_MIN(1.0, (double) side / SC_MIN(w, h));
		int ow = SC_MAX(1, (int) floor(w * shrink + 0.5)), oh = SC_MAX(1, (int) floor(h * shrink + 0.5));

		for (int variant = 0; variant < 4; variant++)
		{
			int channels = variant & 1 ? 3 : 1;
			uint8_t *p = smooth(w, h, channels);
			uint8_t *q = area_mean(p, w, h, channels, ow, oh);
			bytes b = encode_jpeg(p, w, h, (jpeg_kind){.channels = channels, .progressive = variant & 2});
			int d = distance(b, side, ow, oh, channels, q);

			/* The scaled transform of JPEG stands for part of the mean. */
			CHECK(d <= 5, "%d x %d to %d: off by %d", w, h, side, d);
			free(b.data);
			free(q);
			free(p);
		}
	}
}

/* CMYK, inverted as Adobe writes it and as everybody reads it, with its marker or without. */
static void
test_cmyk(void)
{
	int w = 40, h = 24;

	for (int variant = 0; variant < 8; variant++)
	{
		bool adobe = variant & 1, ycck = variant & 2;
		uint8_t *rgb = smooth(w, h, 3);
		uint8_t *ink = malloc((size_t) w * h * 4);
		bytes b;
		int d;

		/* Inks of RGB with black added: R = (255 - C) (255 - K) / 255. */
		for (int i = 0; i < w * h; i++)
		{
			int k = 60;

			for (int c = 0; c < 3; c++)
			{
				double v = 255.0 - rgb[3 * i + c] * 0.75;

				ink[4 * i + c] = (uint8_t) (255 - (int) v);
				rgb[3 * i + c] = (uint8_t) ((255 - (int) v) * (255 - k) / 255.0 + 0.5);
			}
			ink[4 * i + 3] = (uint8_t) (255 - k);
		}
		/* Without the Adobe marker libjpeg takes four components for CMYK. */
		if (ycck && !adobe)
			ycck = false;
		b = encode_jpeg(ink, w, h,
						(jpeg_kind){.channels = 4,
									.stored = ycck ? JCS_YCCK : JCS_CMYK,
									.adobe = adobe,
									.progressive = variant & 4});
		d = distance(b, 0, w, h, 3, rgb);
		CHECK(d <= 5, "variant %d: off by %d", variant, d);
		free(b.data);
		free(ink);
		free(rgb);
	}
}

static void
test_orientation(void)
{
	int w = 48, h = 32;

	for (int i = 0; i < 4 * 8; i++)
	{
		int orientation = 1 + i % 8;
		bool big = i / 8 & 1;
		int channels = i / 16 ? 1 : 3;
		uint8_t segment[128];
		unsigned size = exif_segment(segment, orientation, big);
		int uw = orientation >= 5 ? h : w, uh = orientation >= 5 ? w : h;
		uint8_t *p = smooth(w, h, channels);
		uint8_t *upright = malloc((size_t) w * h * channels);
		uint8_t *half;
		bytes b = encode_jpeg(p, w, h, (jpeg_kind){.channels = channels, .exif = segment, .exif_size = size});
		int d;

		for (int y = 0; y < uh; y++)
			for (int x = 0; x < uw; x++)
			{
				int sx, sy;

				stored_place(orientation, x, y, w, h, &sx, &sy);
				memcpy(upright + (y * uw + x) * channels, p + (sy * w + sx) * channels, (size_t) channels);
			}
		half = area_mean(upright, uw, uh, channels, uw * 3 / 8, uh * 3 / 8);
		d = distance(b, 0, uw, uh, channels, upright);
		CHECK(d <= 4, "orientation %d: off by %d", orientation, d);
		d = distance(b, 12, uw * 3 / 8, uh * 3 / 8, channels, half);
		CHECK(d <= 5, "orientation %d, reduced: off by %d", orientation, d);
		free(b.data);
		/* A segment that ends too early, anywhere, is no orientation and no error. */
		for (unsigned cut = 0; orientation == 6 && channels == 1 && cut < size; cut++)
		{
			sc_image_plan plan;
			sc_error err;
			uint8_t *out;

			b = encode_jpeg(p, w, h, (jpeg_kind){.channels = channels, .exif = segment, .exif_size = cut});
			CHECK(read_image(&out, &plan, b.data, b.size, 0, &limits, &err) == SC_OK, "%s", err.message);
			CHECK(plan.orientation == (cut < 40 ? 1 : 6), "%u bytes: orientation %d", cut, plan.orientation);
			free(out);
			free(b.data);
		}
		free(half);
		free(upright);
		free(p);
	}
}

/* Cut off anywhere, it has the same pixels or is refused; refused where anything but its end is missing. */
static void
test_truncation(bytes b, const char *what)
{
	sc_image_plan plan;
	sc_error err;
	uint8_t *whole[2], *pixels;

	for (int i = 0; i < 2; i++)
		CHECK(read_image(&whole[i], &plan, b.data, b.size, i ? 4 : 0, &limits, &err) == SC_OK, "%s: %s %s", what,
			  err.message, err.detail);
	for (size_t size = 0; size < b.size; size++)
	{
		sc_status status = read_image(&pixels, &plan, b.data, size, size & 1 ? 4 : 0, &limits, &err);

		CHECK(status == (size >= b.size - 2 && memcmp(b.data, "\xFF\xD8", 2) == 0 ? SC_OK : SC_BAD_IMAGE),
			  "%s: %zu of %zu bytes: status %d", what, size, b.size, status);
		if (status == SC_OK)
			CHECK(memcmp(pixels, whole[size & 1], plan.bytes) == 0, "%s: %zu of %zu bytes", what, size, b.size);
		free(pixels);
	}
	free(whole[0]);
	free(whole[1]);
}

static void
test_hostile_jpeg(void)
{
	for (int variant = 0; variant < 8; variant++)
	{
		int channels = variant & 1 ? 3 : variant & 4 ? 4 : 1;
		uint8_t *p = smooth(33, 20, channels);
		bytes b = encode_jpeg(p, 33, 20,
							  (jpeg_kind){.channels = channels,
										  .stored = channels == 4 ? JCS_YCCK : JCS_UNKNOWN,
										  .adobe = true,
										  .progressive = variant & 2,
										  .restart = variant & 4 ? 1 : 0,
										  .comment = "a comment"});

		test_truncation(b, "JPEG");
		test_damage(b, 1000, (uint64_t) variant);
		free(b.data);
		free(p);
	}
}

static void
test_not_images(void)
{
	sc_error err;
	static const char *const texts[] = {"",		   "a", "GIF89a.......", "\xFF\xD8", "\xFF\xD8\xFF", "\xFF\xD8\xFF\xD9",
										"\x89PNG", "BM"};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		CHECK(probe((const uint8_t *) texts[i], strlen(texts[i]), 0, &limits, &err) == SC_BAD_IMAGE, "text %zu: %s", i,
			  err.message);
	probe((const uint8_t *) "GIF89a", 6, 0, &limits, &err);
	CHECK(strcmp(err.detail, "Its 6 bytes begin with 47 49 46 38 39 61.") == 0, "%s", err.detail);
}

/* A baseline header that claims 65500 x 65500, and limits of every kind. */
static void
test_limits(void)
{
	uint8_t *p = smooth(64, 64, 3);
	bytes base = encode_jpeg(p, 64, 64, (jpeg_kind){.channels = 3});
	bytes prog = encode_jpeg(p, 64, 64, (jpeg_kind){.channels = 3, .progressive = true});
	bytes both[2] = {base, prog};
	sc_error err;
	sc_image_limits limit;
	sc_image_plan plan;
	uint8_t *pixels;

	for (int i = 0; i < 2; i++)
	{
		uint8_t *bomb = malloc(both[i].size);
		uint8_t *frame;

		memcpy(bomb, both[i].data, both[i].size);
		for (frame = bomb; frame[0] != 0xFF || frame[1] != (i ? 0xC2 : 0xC0); frame++)
			;
		frame[5] = frame[7] = 0xFF;
		frame[6] = frame[8] = 0xDC;
		CHECK(probe(bomb, both[i].size, 0, &limits, &err) == SC_LIMIT, "%s", err.message);
		CHECK(strstr(err.hint, "selfclass.max_image_pixels") != NULL, "%s", err.hint);

		/* At an eighth its pixels are allowed: the bytes cannot hold a baseline one, ... */
		if (i == 0)
		{
			CHECK(probe(bomb, both[i].size, 64, &limits, &err) == SC_BAD_IMAGE, "%s", err.message);
			CHECK(strstr(err.detail, " of 65500 rows; its ") != NULL, "%s", err.detail);
		}
		/* ... and the coefficients of a progressive one are refused before they are taken. */
		else
		{
			CHECK(probe(bomb, both[i].size, 64, &limits, &err) == SC_LIMIT, "%s", err.message);
			CHECK(strstr(err.hint, "selfclass.max_image_memory") != NULL, "%s", err.hint);
		}
		limit = limits;
		limit.max_pixels = 8188 * 8188 - 1;
		CHECK(probe(bomb, both[i].size, 64, &limit, &err) == SC_LIMIT, "%s", err.message);
		CHECK(strcmp(err.detail, "It has 65500 by 65500 pixels, of which 8188 by 8188 are decoded; the limit is "
								 "67043343.") == 0,
			  "%s", err.detail);
		free(bomb);
	}

	limit = limits;
	limit.max_pixels = 64 * 64;
	CHECK(probe(base.data, base.size, 0, &limit, &err) == SC_OK, "%s", err.message);
	limit.max_pixels = 64 * 64 - 1;
	CHECK(probe(base.data, base.size, 0, &limit, &err) == SC_LIMIT, "%s", err.message);

	/* libjpeg is held to the limit as well, whatever planning said. */
	limit = limits;
	CHECK(read_image(&pixels, &plan, prog.data, prog.size, 0, &limit, &err) == SC_OK, "%s", err.message);
	{
		void *scratch = malloc(plan.scratch);

		limit.max_memory = 20000;
		CHECK(sc_image_decode(pixels, &plan, prog.data, prog.size, &limit, scratch, NULL, NULL, &err) == SC_LIMIT, "%s",
			  err.message);
		CHECK(strstr(err.hint, "selfclass.max_image_memory") != NULL, "%s", err.hint);
		limit = limits;
		limit.max_scans = 9;
		CHECK(sc_image_decode(pixels, &plan, prog.data, prog.size, &limit, scratch, NULL, NULL, &err) == SC_LIMIT, "%s",
			  err.message);
		CHECK(strstr(err.hint, "selfclass.max_image_scans") != NULL, "%s", err.hint);
		limit.max_scans = 10; /* jpeg_simple_progression makes ten */
		CHECK(sc_image_decode(pixels, &plan, prog.data, prog.size, &limit, scratch, NULL, NULL, &err) == SC_OK, "%s",
			  err.message);
		limit.max_scan_pixels = 9 * 64 * 64;
		CHECK(sc_image_decode(pixels, &plan, prog.data, prog.size, &limit, scratch, NULL, NULL, &err) == SC_LIMIT, "%s",
			  err.message);
		limit.max_scan_pixels = 10 * 64 * 64;
		CHECK(sc_image_decode(pixels, &plan, prog.data, prog.size, &limit, scratch, NULL, NULL, &err) == SC_OK, "%s",
			  err.message);
		free(scratch);
	}
	free(pixels);
	free(base.data);
	free(prog.data);
	free(p);
}

static void
test_stop_jpeg(void)
{
	for (int progressive = 0; progressive < 2; progressive++)
	{
		uint8_t *p = smooth(100, 200, 3);
		bytes b = encode_jpeg(p, 100, 200, (jpeg_kind){.channels = 3, .progressive = progressive});

		test_stop(b);
		free(b.data);
		free(p);
	}
}

/* Many images on the pool: any number of lanes gives the same; bad ones fail alone. */
static void
test_batch(void)
{
	enum
	{
		COUNT = 50
	};
	sc_decode_item items[COUNT];
	bytes files[COUNT];
	uint8_t *wanted[COUNT];

	for (int i = 0; i < COUNT; i++)
	{
		uint8_t *p = smooth(30 + 3 * i, 90 - i, i % 2 ? 3 : 1);
		sc_error err;
		sc_image_plan plan;

		files[i] = encode_jpeg(p, 30 + 3 * i, 90 - i, (jpeg_kind){.channels = i % 2 ? 3 : 1, .progressive = i % 3 == 0});
		free(p);
		if (i % 7 == 3)
			files[i].size -= 40;
		read_image(&wanted[i], &plan, files[i].data, files[i].size, 24, &limits, &err);
	}
	for (int lanes = 1; lanes <= 4; lanes++)
	{
		sc_decode_batch batch;
		sc_error err;

		memset(&batch, 0, sizeof(batch));
		memset(items, 0, sizeof(items));
		batch.items = items;
		batch.count = COUNT;
		batch.limits = limits;
		for (int i = 0; i < COUNT; i++)
		{
			items[i].bytes = files[i].data;
			items[i].size = files[i].size;
			CHECK(sc_image_plan_read(&items[i].plan, files[i].data, files[i].size, 24, &limits, &err) == SC_OK, "%s",
				  err.message);
			items[i].pixels = malloc(items[i].plan.bytes);
			batch.scratch_each = SC_MAX(batch.scratch_each, items[i].plan.scratch);
		}
		batch.scratch_each = (batch.scratch_each + SC_ALIGN - 1) / SC_ALIGN * SC_ALIGN;
		batch.lanes = lanes;
		batch.scratch = aligned_alloc(SC_ALIGN, batch.scratch_each * (size_t) lanes);
		CHECK(sc_pool_run(lanes, sc_decode_batch_run, &batch, &err) == SC_OK, "%s", err.message);
		for (int i = 0; i < COUNT; i++)
		{
			CHECK((items[i].status == SC_OK) == (i % 7 != 3), "item %d: %d", i, items[i].status);
			if (items[i].status == SC_OK)
				CHECK(memcmp(items[i].pixels, wanted[i], items[i].plan.bytes) == 0, "item %d", i);
			else
				CHECK(items[i].status == SC_BAD_IMAGE &&
						  strstr(items[i].error.detail, "Premature end of JPEG file.") != NULL,
					  "%s %s", items[i].error.message, items[i].error.detail);
			free(items[i].pixels);
		}
		free(batch.scratch);
	}
	sc_pool_shutdown();
	for (int i = 0; i < COUNT; i++)
	{
		free(wanted[i]);
		free(files[i].data);
	}
}

/* What is encoded is read again; any size, any quality, memory of exactly the bound. */
static void
test_encode(void)
{
	for (int i = 0; i < 60; i++)
	{
		int w = 1 + i * 7 % 50, h = 1 + i * 11 % 40, channels = i % 2 ? 3 : 1, quality = i % 3 == 0 ? 100 : 5 + i;
		bool noise = i % 5 == 0;
		uint8_t *p = smooth(w, h, channels);
		size_t bound = sc_jpeg_bound(w, h, channels);
		size_t size, again;
		uint8_t *out = malloc(bound);
		sc_image image = {w, h, channels, p};
		sc_error err;
		sc_rng rng = sc_rng_stream(9, (uint64_t) i, 0, 0);

		for (int k = 0; noise && k < w * h * channels; k++)
			p[k] = sc_rng_below(&rng, 2) ? 255 : 0;
		CHECK(sc_jpeg_encode(out, bound, &size, &image, quality, NULL, NULL, &err) == SC_OK, "%d x %d: %s", w, h,
			  err.message);
		CHECK(size > 100 && size < bound, "%zu of %zu", size, bound);
		if (!noise)
		{
			int d = distance((bytes){out, size}, 0, w, h, channels, p);

			CHECK(d <= (quality == 100 ? 4 : quality >= 50 ? 25 : 90), "quality %d: off by %d", quality, d);
		}
		/* Memory too small by any amount is said, not overrun. */
		for (size_t less = 0; less < size; less += 1 + size / 20)
		{
			uint8_t *tight = malloc(SC_MAX(less, (size_t) 1));

			CHECK(sc_jpeg_encode(tight, less, &again, &image, quality, NULL, NULL, &err) == SC_LIMIT, "%s", err.message);
			free(tight);
		}
		free(out);
		free(p);
	}
	{
		uint8_t p[4] = {0}, out[4096];
		sc_image image = {2, 2, 1, p};
		sc_error err;
		size_t size;
		int left = 1;

		CHECK(sc_jpeg_encode(out, 4096, &size, &image, 0, NULL, NULL, &err) == SC_INVALID, "quality 0");
		CHECK(sc_jpeg_encode(out, 4096, &size, &image, 101, NULL, NULL, &err) == SC_INVALID, "quality 101");
		CHECK(sc_jpeg_encode(out, 4096, &size, &image, 50, stop_at_zero, &left, &err) == SC_ABORTED, "not stopped");
		image.width = 65501;
		CHECK(sc_jpeg_encode(out, 4096, &size, &image, 50, NULL, NULL, &err) == SC_INVALID, "too wide");
		image.width = 0;
		CHECK(sc_jpeg_encode(out, 4096, &size, &image, 50, NULL, NULL, &err) == SC_INVALID, "no width");
	}
}

#ifdef SC_WITH_PNG

static void
png_write(png_structp png, png_bytep data, size_t size)
{
	bytes *b = png_get_io_ptr(png);

	b->data = realloc(b->data, b->size + size);
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

static void
png_flush_nothing(png_structp png)
{
}

typedef struct png_kind
{
	int type; /* PNG_COLOR_TYPE_... */
	int bits;
	bool interlaced;
	bool transparent; /* write tRNS: colour 0, or the palette's alpha */
	int orientation;  /* write eXIf; 0: none */
	int significant;  /* write sBIT: these bits of each colour; 0: none */
} png_kind;

/* rows: as PNG packs them, rowbytes each. */
static bytes
encode_png(const uint8_t *rows, size_t rowbytes, int width, int height, png_kind kind, const png_color *palette,
		   const png_byte *alpha, int colours)
{
	bytes b = {NULL, 0};
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	png_color_16 transparent = {0};
	png_color_8 significant;

	memset(&significant, kind.significant, sizeof(significant));
	significant.alpha = (png_byte) kind.bits;
	png_set_write_fn(png, &b, png_write, png_flush_nothing);
	png_set_IHDR(png, info, (png_uint_32) width, (png_uint_32) height, kind.bits, kind.type,
				 kind.interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
				 PNG_FILTER_TYPE_DEFAULT);
	if (palette != NULL)
		png_set_PLTE(png, info, palette, colours);
	if (kind.transparent)
		png_set_tRNS(png, info, alpha, colours, &transparent);
	if (kind.significant > 0)
		png_set_sBIT(png, info, &significant);
	if (kind.orientation > 0)
	{
		uint8_t exif[128];
		unsigned size = exif_segment(exif, kind.orientation, true);

		png_set_eXIf_1(png, info, size - 6, exif + 6);
	}
	png_write_info(png, info);
	for (int pass = 0, n = png_set_interlace_handling(png); pass < n; pass++)
		for (int y = 0; y < height; y++)
			png_write_row(png, rows + (size_t) y * rowbytes);
	png_write_end(png, info);
	png_destroy_write_struct(&png, &info);
	return b;
}

/*
 * Every colour type and depth, interlaced or not, with and without
 * transparency: PNG loses nothing, so the result is exact.
 */
static void
test_png_variants(void)
{
	static const int types[][2] = {{PNG_COLOR_TYPE_GRAY, 1},		{PNG_COLOR_TYPE_GRAY, 2},
								   {PNG_COLOR_TYPE_GRAY, 4},		{PNG_COLOR_TYPE_GRAY, 8},
								   {PNG_COLOR_TYPE_GRAY, 16},		{PNG_COLOR_TYPE_RGB, 8},
								   {PNG_COLOR_TYPE_RGB, 16},		{PNG_COLOR_TYPE_PALETTE, 1},
								   {PNG_COLOR_TYPE_PALETTE, 2},		{PNG_COLOR_TYPE_PALETTE, 4},
								   {PNG_COLOR_TYPE_PALETTE, 8},		{PNG_COLOR_TYPE_GRAY_ALPHA, 8},
								   {PNG_COLOR_TYPE_GRAY_ALPHA, 16}, {PNG_COLOR_TYPE_RGB_ALPHA, 8},
								   {PNG_COLOR_TYPE_RGB_ALPHA, 16}};
	static const int sizes[][2] = {{37, 29}, {1, 1}, {3, 2}, {1, 20}, {20, 1}};

	for (size_t t = 0; t < sizeof(types) / sizeof(types[0]); t++)
		for (int variant = 0; variant < 4 * 5; variant++)
		{
			int w = sizes[variant / 4][0], h = sizes[variant / 4][1];
			png_kind kind = {.type = types[t][0],
							 .bits = types[t][1],
							 .interlaced = variant & 1,
							 .transparent = variant & 2};
			bool has_alpha = kind.type & PNG_COLOR_MASK_ALPHA;
			bool is_palette = kind.type == PNG_COLOR_TYPE_PALETTE;
			int samples = (kind.type == PNG_COLOR_TYPE_RGB_ALPHA ? 4
						   : kind.type == PNG_COLOR_TYPE_RGB	 ? 3
						   : has_alpha							 ? 2
																 : 1);
			int channels = kind.type & PNG_COLOR_MASK_COLOR ? 3 : 1;
			size_t rowbytes = ((size_t) w * samples * kind.bits + 7) / 8;
			uint8_t *rows = malloc(rowbytes * h);
			uint8_t *wanted = malloc((size_t) w * h * channels);
			int *colour_of = malloc(sizeof(int) * (size_t) (w * h * channels));
			int *alpha_of = malloc(sizeof(int) * (size_t) (w * h));
			png_color palette[256];
			png_byte alpha[256];
			int colours = 1 << SC_MIN(kind.bits, 8);
			bytes b;
			int d;

			if (has_alpha && kind.transparent)
				kind.transparent = false; /* not allowed together */
			noise(rows, rowbytes * h, t);
			noise((uint8_t *) palette, sizeof(palette), 99);
			noise(alpha, sizeof(alpha), 98);
			if (rowbytes * h > 60)
				memset(rows + 40, 0, 16); /* some of the colour that may be transparent */
			for (int y = 0; y < h; y++)
				for (int x = 0; x < w; x++)
				{
					int v[4];
					int most = kind.bits == 16 ? 65535 : 255, a = most;
					bool zero = true;

					for (int s = 0; s < samples; s++)
					{
						size_t bit = ((size_t) x * samples + s) * kind.bits;
						const uint8_t *p = rows + (size_t) y * rowbytes + bit / 8;
						int raw = kind.bits == 16 ? p[0] << 8 | p[1]
												  : p[0] >> (8 - kind.bits - bit % 8) & ((1 << kind.bits) - 1);

						zero = zero && raw == 0;
						v[s] = is_palette || kind.bits == 16 ? raw : rounded(raw * 255.0 / ((1 << kind.bits) - 1));
					}
					if (has_alpha)
						a = v[samples - 1];
					else if (is_palette && kind.transparent)
						a = alpha[v[0]];
					else if (kind.transparent && zero)
						a = 0;
					alpha_of[y * w + x] = a;
					for (int c = 0; c < channels; c++)
						colour_of[(y * w + x) * channels + c] =
							is_palette ? ((uint8_t *) &palette[v[0]])[c] : v[channels == 3 ? c : 0];
				}
			show(wanted, colour_of, alpha_of, w * h, channels, SC_MAX(kind.bits, 8), 0);
			b = encode_png(rows, rowbytes, w, h, kind, is_palette ? palette : NULL, alpha, colours);
			d = distance(b, 0, w, h, channels, wanted);
			CHECK(d == 0, "type %d, %d bits, variant %d: off by %d", kind.type, kind.bits, variant, d);
			if (w == 37)
			{
				uint8_t *half = area_mean(wanted, w, h, channels, 13, 10);

				d = distance(b, 10, 13, 10, channels, half);
				CHECK(d == 0, "type %d, %d bits, variant %d, reduced: off by %d", kind.type, kind.bits, variant, d);
				free(half);
			}
			free(b.data);
			free(alpha_of);
			free(colour_of);
			free(wanted);
			free(rows);
		}
}

/* Samples (height, width, samples) of 16 bits as a PNG. */
static bytes
encode_png16(const int *values, int width, int height, png_kind kind)
{
	size_t samples = (kind.type & PNG_COLOR_MASK_COLOR ? 3 : 1) + (kind.type & PNG_COLOR_MASK_ALPHA ? 1 : 0);
	size_t count = (size_t) width * height * samples;
	uint8_t *rows = malloc(count * 2);
	bytes b;

	for (size_t i = 0; i < count; i++)
	{
		rows[2 * i] = (uint8_t) (values[i] >> 8);
		rows[2 * i + 1] = (uint8_t) values[i];
	}
	kind.bits = 16;
	b = encode_png(rows, (size_t) width * samples * 2, width, height, kind, NULL, NULL, 0);
	free(rows);
	return b;
}

/*
 * Cameras and microscopes store 10, 12 or 14 bits in 16. They are read by the
 * bits that they use, or by what the file says of them where that can be true;
 * in one colour and in three, beside what is transparent, reduced or not.
 */
static void
test_png_deep(void)
{
	enum
	{
		W = 23,
		H = 17
	};
	/* largest sample, bits that the file says (0: it does not), bits to read by */
	static const int cases[][3] = {{1, 0, 8},	   {255, 0, 8},		{256, 0, 10},	{1023, 0, 10},	 {1024, 0, 12},
								   {4095, 0, 12},  {4096, 0, 14},	{16383, 0, 14}, {16384, 0, 16},	 {65535, 0, 16},
								   {4095, 12, 12}, {200, 12, 12},	{4096, 12, 16}, {65535, 12, 16}, {4095, 16, 16},
								   {100, 16, 16},  {30000, 15, 15}, {500, 9, 9},	{1, 1, 1},		 {0, 0, 8}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int variant = 0; variant < 8; variant++)
		{
			bool alpha = variant & 1, colour = variant & 2;
			png_kind kind = {.type = (colour ? PNG_COLOR_MASK_COLOR : 0) | (alpha ? PNG_COLOR_MASK_ALPHA : 0),
							 .interlaced = variant & 4,
							 .significant = cases[i][1]};
			int channels = colour ? 3 : 1, samples = channels + alpha;
			int values[W * H * 4], colours[W * H * 3], alphas[W * H];
			int most = (1 << cases[i][2]) - 1;
			sc_rng rng = sc_rng_stream(5, i, (uint32_t) variant, 0);
			uint8_t wanted[W * H * 3];
			uint8_t *half;
			bytes b;
			int d;

			for (int p = 0; p < W * H; p++)
			{
				/* The colours of what is not seen are whatever they are. */
				alphas[p] = alpha && p % 3 == 0 ? 0 : 65535;
				for (int c = 0; c < channels; c++)
				{
					int largest = alphas[p] == 0 ? 65535 : p == 1 ? cases[i][0] : cases[i][0] / 2;

					colours[p * channels + c] = p == 1 && c == 0 ? largest : (int) sc_rng_below(&rng, largest + 1u);
					values[p * samples + c] = colours[p * channels + c];
				}
				if (alpha)
					values[p * samples + channels] = alphas[p];
			}
			/* From the definition here, and from the table. */
			show(wanted, colours, alphas, W * H, channels, 16, cases[i][1]);
			CHECK(wanted[channels] == rounded(255.0 * cases[i][0] / most), "case %zu: %d", i, wanted[channels]);
			b = encode_png16(values, W, H, kind);
			d = distance(b, 0, W, H, channels, wanted);
			CHECK(d == 0, "case %zu, variant %d: off by %d", i, variant, d);
			half = area_mean(wanted, W, H, channels, 9, 7);
			d = distance(b, 7, 9, 7, channels, half);
			CHECK(d == 0, "case %zu, variant %d, reduced: off by %d", i, variant, d);
			free(half);
			free(b.data);
		}
}

/* A drawing shows on its transparent ground, whatever its colour; how much of it there is does not matter. */
static void
test_png_ground(void)
{
	enum
	{
		SIDE = 24
	};
	/* the colour, and the ground that it stands on */
	static const int cases[][4] = {{255, 255, 255, 0}, {255, 255, 0, 0}, {192, 192, 192, 0}, {190, 190, 190, 255},
								   {0, 0, 0, 255},	   {255, 0, 0, 255}, {0, 255, 0, 255},	 {128, 128, 128, 255}};
	static const int alphas[] = {255, 128, 3};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (int variant = 0; variant < 2 * 3 * 3; variant++)
		{
			int alpha = alphas[variant / 2 % 3], share = variant / 6;
			uint8_t rows[SIDE * SIDE * 4], wanted[SIDE * SIDE * 3];
			bytes b;
			int d;

			for (int p = 0; p < SIDE * SIDE; p++)
			{
				/* A point, a bar, all but a point. */
				bool on = share == 0 ? p == 77 : share == 1 ? p % SIDE >= 8 && p % SIDE < 12 : p != 77;

				for (int c = 0; c < 3; c++)
				{
					rows[4 * p + c] = (uint8_t) (on ? cases[i][c] : 255 - cases[i][c]);
					wanted[3 * p + c] = on_ground(rows[4 * p + c], on ? alpha : 0, cases[i][3]);
				}
				rows[4 * p + 3] = (uint8_t) (on ? alpha : 0);
			}
			b = encode_png(rows, SIDE * 4, SIDE, SIDE,
						   (png_kind){.type = PNG_COLOR_TYPE_RGB_ALPHA, .bits = 8, .interlaced = variant & 1}, NULL,
						   NULL, 0);
			d = distance(b, 0, SIDE, SIDE, 3, wanted);
			CHECK(d == 0, "case %zu, variant %d: off by %d", i, variant, d);
			free(b.data);
		}
}

/* The parts of a PNG: where chunk number n begins; its end if there are fewer. */
static size_t
png_chunk(bytes b, int n)
{
	size_t at = 8;

	for (; n > 0 && at < b.size; n--)
		at += 12 + ((size_t) b.data[at] << 24 | (size_t) b.data[at + 1] << 16 | (size_t) b.data[at + 2] << 8 |
					b.data[at + 3]);
	return at;
}

/* A picture whose pixels are whole is read, whatever became of the end of its file. */
static void
test_png_end(void)
{
	uint8_t p[31 * 19];
	uint8_t junk[256];
	sc_error err;

	noise(p, sizeof(p), 8);
	noise(junk, sizeof(junk), 9);
	for (int interlaced = 0; interlaced < 2; interlaced++)
	{
		bytes b = encode_png(p, 31, 31, 19, (png_kind){.type = PNG_COLOR_TYPE_GRAY, .bits = 8, .interlaced = interlaced},
							 NULL, NULL, 0);
		size_t end = png_chunk(b, 2); /* after IHDR and IDAT */
		bytes longer = {malloc(end + sizeof(junk)), end + sizeof(junk)};

		CHECK(b.size == end + 12, "%zu and %zu bytes", end, b.size);
		for (size_t size = end; size <= b.size; size++)
			CHECK(distance((bytes){b.data, size}, 0, 31, 19, 1, p) == 0, "%zu of %zu bytes", size, b.size);
		for (size_t size = 0; size < end; size++)
			CHECK(probe(b.data, size, 0, &limits, &err) == SC_BAD_IMAGE, "%zu bytes: %s", size, err.message);
		memcpy(longer.data, b.data, end);
		memcpy(longer.data + end, junk, sizeof(junk));
		CHECK(distance(longer, 0, 31, 19, 1, p) == 0, "junk at the end");
		free(longer.data);
		/* The checksum of the pixels still counts. */
		b.data[end - 1] ^= 1;
		CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_BAD_IMAGE, "a checksum: %s", err.message);
		CHECK(probe(b.data, end, 0, &limits, &err) == SC_BAD_IMAGE, "a checksum: %s", err.message);
		free(b.data);
	}
}

/* Files that are PNG by their first bytes and are not read: what says so is ours. */
static void
test_png_refused(void)
{
	static const uint8_t cgbi[] = {0, 0, 0, 4, 'C', 'g', 'B', 'I', 0x50, 0, 0x20, 6, 0, 0, 0, 0};
	uint8_t *row = calloc(1, 125001);
	png_kind kind = {.type = PNG_COLOR_TYPE_GRAY, .bits = 1};
	bytes b = encode_png(row, 1, 8, 1, kind, NULL, NULL, 0);
	bytes apple = {malloc(b.size + sizeof(cgbi)), b.size + sizeof(cgbi)};
	sc_error err;

	memcpy(apple.data, b.data, 8);
	memcpy(apple.data + 8, cgbi, sizeof(cgbi));
	memcpy(apple.data + 8 + sizeof(cgbi), b.data + 8, b.size - 8);
	CHECK(probe(apple.data, apple.size, 0, &limits, &err) == SC_UNSUPPORTED, "%s", err.message);
	CHECK(strstr(err.message, "CgBI") != NULL && err.hint[0] != '\0', "%s", err.message);
	for (size_t size = 0; size < 8 + sizeof(cgbi); size++)
		probe(apple.data, size, 0, &limits, &err);
	free(apple.data);
	free(b.data);

	for (int width = 1000000; width <= 1000001; width++)
	{
		png_structp png;
		png_infop info;

		/* The writer has a limit of its own. */
		b = (bytes){NULL, 0};
		png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
		info = png_create_info_struct(png);
		png_set_user_limits(png, 2000000, 2000000);
		png_set_write_fn(png, &b, png_write, png_flush_nothing);
		png_set_IHDR(png, info, (png_uint_32) width, 1, 1, PNG_COLOR_TYPE_GRAY, PNG_INTERLACE_NONE,
					 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
		png_write_info(png, info);
		png_write_row(png, row);
		png_write_end(png, info);
		png_destroy_write_struct(&png, &info);
		if (width == 1000000)
			CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_OK, "%s %s", err.message, err.detail);
		else
		{
			CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_LIMIT, "%s %s", err.message, err.detail);
			CHECK(strcmp(err.message, "image is too long or too wide") == 0 && strstr(err.detail, "1000001") != NULL,
				  "%s %s", err.message, err.detail);
		}
		free(b.data);
	}
	free(row);
}

static void
test_png_orientation(void)
{
	for (int orientation = 1; orientation <= 8; orientation++)
	{
		uint8_t p[5 * 7], upright[5 * 7];
		int uw = orientation >= 5 ? 7 : 5, uh = orientation >= 5 ? 5 : 7, sx, sy;
		bytes b;

		noise(p, sizeof(p), 3);
		for (int i = 0; i < 35; i++)
		{
			stored_place(orientation, i % uw, i / uw, 5, 7, &sx, &sy);
			upright[i] = p[sy * 5 + sx];
		}
		b = encode_png(p, 5, 5, 7, (png_kind){.type = PNG_COLOR_TYPE_GRAY, .bits = 8, .orientation = orientation}, NULL,
					   NULL, 0);
		CHECK(distance(b, 0, uw, uh, 1, upright) == 0, "orientation %d", orientation);
		free(b.data);
	}
}

static void
test_hostile_png(void)
{
	for (int variant = 0; variant < 4; variant++)
	{
		png_kind kind = {.type = variant & 1 ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_PALETTE,
						 .bits = 8,
						 .interlaced = variant & 2,
						 .transparent = !(variant & 1),
						 .orientation = 3};
		size_t rowbytes = variant & 1 ? 15 * 4 : 15;
		uint8_t rows[15 * 4 * 13];
		png_color palette[256];
		png_byte alpha[256];
		bytes b;
		uint8_t *width;
		sc_error err;

		noise(rows, sizeof(rows), 1);
		noise((uint8_t *) palette, sizeof(palette), 2);
		noise(alpha, sizeof(alpha), 3);
		b = encode_png(rows, rowbytes, 15, 13, kind, variant & 1 ? NULL : palette, alpha, 256);
		test_damage(b, 1000, 50 + (uint64_t) variant);
		test_stop(b);
		free(b.data);

		/* A header that claims more pixels has the wrong checksum. */
		b = encode_png(rows, rowbytes, 15, 13, kind, variant & 1 ? NULL : palette, alpha, 256);
		width = b.data + 16;
		width[0] = 0x7F;
		CHECK(probe(b.data, b.size, 0, &limits, &err) == SC_BAD_IMAGE, "%s", err.message);
		free(b.data);
	}
}

static void
test_png_limits(void)
{
	uint8_t *rows = calloc(2000, 250);
	png_kind kind = {.type = PNG_COLOR_TYPE_GRAY, .bits = 1};
	sc_image_limits limit = limits;
	sc_error err;
	bytes b = encode_png(rows, 250, 2000, 2000, kind, NULL, NULL, 0);
	bytes c;

	CHECK(b.size < 2000, "%zu", b.size);
	limit.max_pixels = 4000000;
	CHECK(probe(b.data, b.size, 8, &limit, &err) == SC_OK, "%s", err.message);
	limit.max_pixels--;
	CHECK(probe(b.data, b.size, 8, &limit, &err) == SC_LIMIT, "%s", err.message);
	CHECK(strstr(err.hint, "selfclass.max_image_pixels") != NULL, "%s", err.hint);
	/* Row by row it needs little; interlaced, all rows at once. */
	limit = limits;
	limit.max_memory = 1000000;
	CHECK(probe(b.data, b.size, 8, &limit, &err) == SC_OK, "%s", err.message);
	kind.interlaced = true;
	c = encode_png(rows, 250, 2000, 2000, kind, NULL, NULL, 0);
	CHECK(probe(c.data, c.size, 8, &limit, &err) == SC_LIMIT, "%s", err.message);
	CHECK(strstr(err.hint, "selfclass.max_image_memory") != NULL, "%s", err.hint);
	CHECK(probe(c.data, c.size, 8, &limits, &err) == SC_OK, "%s", err.message);
	/* So little that libpng itself finds none. */
	limit.max_memory = 1000;
	CHECK(probe(b.data, b.size, 8, &limit, &err) == SC_LIMIT, "%s", err.message);
	free(c.data);
	free(b.data);
	free(rows);
}

#else

/* Without libpng a PNG is an image that cannot be read, and the reason says so. */
static void
test_no_png(void)
{
	sc_error err;

	CHECK(probe((const uint8_t *) "\x89PNG\r\n\x1a\n____", 12, 0, &limits, &err) == SC_UNSUPPORTED, "%s", err.message);
	CHECK(strstr(err.message, "PNG") != NULL && err.hint[0] != '\0', "%s", err.message);
}

#endif

int
main(int argc, char **argv)
{
	unit_begin(argc, argv);
	CASE ("variants of JPEG")
		test_jpeg_variants();
	CASE ("JPEG, reduced")
		test_jpeg_reduced();
	CASE ("JPEG in CMYK")
		test_cmyk();
	CASE ("orientation")
		test_orientation();
	CASE ("hostile JPEG")
		test_hostile_jpeg();
	CASE ("not images")
		test_not_images();
	CASE ("limits")
		test_limits();
	CASE ("a JPEG that is stopped")
		test_stop_jpeg();
	CASE ("a batch on lanes")
		test_batch();
	CASE ("writing JPEG")
		test_encode();
#ifdef SC_WITH_PNG
	CASE ("variants of PNG")
		test_png_variants();
	CASE ("PNG of more bits than it uses")
		test_png_deep();
	CASE ("PNG, what is transparent")
		test_png_ground();
	CASE ("PNG, its end")
		test_png_end();
	CASE ("PNG that is refused")
		test_png_refused();
	CASE ("PNG, orientation")
		test_png_orientation();
	CASE ("hostile PNG")
		test_hostile_png();
	CASE ("PNG, limits")
		test_png_limits();
#else
	CASE ("a build without PNG")
		test_no_png();
#endif
	return unit_end();
}
