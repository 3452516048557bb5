/*-------------------------------------------------------------------------
 *
 * tests/unit/test_webp.c
 *	  Reading of WebP. Every image is encoded here, by libwebp, so what must
 *	  come out is known; files with more than pixels are put together by hand.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image.h"
#include "images.h"

#ifdef SC_WITH_WEBP
#include <webp/encode.h>

typedef struct webp_kind
{
	int samples;  /* 3, or 4 with alpha */
	bool lossy;	  /* else every pixel comes back, transparent ones as well */
	bool striped; /* lossy, in 4 parts */
} webp_kind;

static bytes
encode_webp(const uint8_t *pixels, int width, int height, webp_kind kind)
{
	WebPConfig config;
	WebPPicture picture;
	WebPMemoryWriter writer;

	CHECK(WebPConfigInit(&config) && WebPPictureInit(&picture), "libwebp");
	config.lossless = !kind.lossy;
	config.exact = 1;
	config.quality = kind.lossy ? 95 : 50;
	config.method = 2;
	config.partitions = kind.striped ? 2 : 0;
	picture.use_argb = !kind.lossy;
	picture.width = width;
	picture.height = height;
	WebPMemoryWriterInit(&writer);
	picture.writer = WebPMemoryWrite;
	picture.custom_ptr = &writer;
	CHECK(kind.samples == 4 ? WebPPictureImportRGBA(&picture, pixels, width * 4)
							: WebPPictureImportRGB(&picture, pixels, width * 3),
		  "import");
	CHECK(WebPEncode(&config, &picture), "error %d", picture.error_code);
	WebPPictureFree(&picture);
	return (bytes){writer.mem, writer.size};
}

/* ---- files by hand ---------------------------------------------------------------- */

static void
put_number(bytes *b, size_t value, int length)
{
	b->data = realloc(b->data, b->size + (size_t) length);
	for (int i = 0; i < length; i++)
		b->data[b->size++] = (uint8_t) (value >> 8 * i);
}

static void
put_bytes(bytes *b, const void *data, size_t size)
{
	b->data = realloc(b->data, b->size + size);
	memcpy(b->data + b->size, data, size);
	b->size += size;
}

static void
put_chunk(bytes *b, const char *name, const void *data, size_t size)
{
	put_bytes(b, name, 4);
	put_number(b, size, 4);
	put_bytes(b, data, size);
	if (size % 2)
		put_number(b, 0, 1);
}

/* An extended file, to which chunks are added; flags as in the chunk VP8X. */
static bytes
begin_file(int flags, int width, int height)
{
	bytes b = {NULL, 0};

	put_bytes(&b, "RIFF\0\0\0\0WEBPVP8X", 16);
	put_number(&b, 10, 4);
	put_number(&b, (size_t) flags, 4);
	put_number(&b, (size_t) width - 1, 3);
	put_number(&b, (size_t) height - 1, 3);
	return b;
}

static void
end_file(bytes *b)
{
	size_t length = b->size - 8;

	for (int i = 0; i < 4; i++)
		b->data[4 + i] = (uint8_t) (length >> 8 * i);
}

/* A picture's chunks, out of a file of its own: behind its header, and behind its VP8X where it has one. */
static bytes
chunks_of(bytes file)
{
	size_t skip = memcmp(file.data + 12, "VP8X", 4) == 0 ? 30 : 12;

	return (bytes){file.data + skip, file.size - skip};
}

#define FLAG_ANIMATION 2
#define FLAG_EXIF 8
#define FLAG_ALPHA 16

/* The two pictures as an animation. */
static bytes
animate(bytes first, bytes second, int width, int height)
{
	bytes b = begin_file(FLAG_ANIMATION | FLAG_ALPHA, width, height);
	bytes frames[2] = {chunks_of(first), chunks_of(second)};

	put_chunk(&b, "ANIM", "\xff\xff\xff\xff\0\0", 6);
	for (int i = 0; i < 2; i++)
	{
		bytes frame = {NULL, 0};

		put_number(&frame, 0, 3);
		put_number(&frame, 0, 3);
		put_number(&frame, (size_t) width - 1, 3);
		put_number(&frame, (size_t) height - 1, 3);
		put_number(&frame, 100, 3);
		put_number(&frame, 0, 1);
		put_bytes(&frame, frames[i].data, frames[i].size);
		put_chunk(&b, "ANMF", frame.data, frame.size);
		free(frame.data);
	}
	end_file(&b);
	return b;
}

/* ---- the tests -------------------------------------------------------------------- */

/* Lossless: the pixels that were written. Lossy: nearly those, of a smooth picture. */
static void
test_variants(void)
{
	static const int sizes[][2] = {{37, 29}, {1, 1}, {3, 2}, {1, 20}, {20, 1}, {200, 150}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		int w = sizes[i][0], h = sizes[i][1];
		uint8_t *p = malloc((size_t) w * h * 3), *q = smooth(w, h, 3);
		bytes b;
		int d;

		noise(p, (size_t) w * h * 3, i);
		b = encode_webp(p, w, h, (webp_kind){.samples = 3});
		CHECK(distance(b, 0, w, h, 3, p) == 0, "%d x %d, lossless", w, h);
		free(b.data);
		for (int striped = 0; striped < 2; striped++)
		{
			b = encode_webp(q, w, h, (webp_kind){.samples = 3, .lossy = true, .striped = striped});
			d = distance(b, 0, w, h, 3, q);
			/* A few pixels share their colour. */
			CHECK(d <= (w * h > 20 ? 12 : 60), "%d x %d, lossy: off by %d", w, h, d);
			free(b.data);
		}
		free(q);
		free(p);
	}
}

/* The mean over an area, of lossless pixels to the rounding of libwebp's. */
static void
test_reduced(void)
{
	static const int sizes[][3] = {{300, 200, 64}, {200, 300, 64}, {101, 100, 99},
								   {37, 500, 36},  {500, 37, 1},   {64, 64, 200}};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
	{
		int w = sizes[i][0], h = sizes[i][1], side = sizes[i][2];
		double shrink = SC_MIN(1.0, (double) side / SC_MIN(w, h));
		int ow = SC_MAX(1, (int) floor(w * shrink + 0.5)), oh = SC_MAX(1, (int) floor(h * shrink + 0.5));
		uint8_t *p = smooth(w, h, 3);
		uint8_t *q = area_mean(p, w, h, 3, ow, oh);

		for (int lossy = 0; lossy < 2; lossy++)
		{
			bytes b = encode_webp(p, w, h, (webp_kind){.samples = 3, .lossy = lossy});
			int d = distance(b, side, ow, oh, 3, q);

			CHECK(d <= (lossy ? 12 : 2), "%d x %d to %d, lossy %d: off by %d", w, h, side, lossy, d);
			free(b.data);
		}
		free(q);
		free(p);
	}
}

/* What is transparent is laid on white, or on black where white would hide it, as of a PNG. */
static void
test_transparent(void)
{
	enum
	{
		W = 33,
		H = 21,
		N = W * H
	};

	for (int white = 0; white < 2; white++)
	{
		uint8_t p[N * 4], wanted[N * 3], alpha_bytes[N];
		int colours[N * 3], alpha[N];
		bytes b;

		noise(p, sizeof(p), 5);
		noise(alpha_bytes, sizeof(alpha_bytes), 6);
		for (int i = 0; i < N; i++)
		{
			alpha[i] = p[4 * i + 3] = alpha_bytes[i] < 100 ? 0 : alpha_bytes[i];
			for (int c = 0; c < 3; c++)
				colours[3 * i + c] = p[4 * i + c] = white ? 255 - p[4 * i + c] % 8 : p[4 * i + c];
		}
		show(wanted, colours, alpha, N, 3, 8, 0);
		b = encode_webp(p, W, H, (webp_kind){.samples = 4});
		CHECK(distance(b, 0, W, H, 3, wanted) == 0, "white %d", white);
		CHECK(white == (wanted[0] < 128 || alpha[0] > 0) || alpha[0] > 0, "the ground");
		free(b.data);
		/* Lossy: wholly transparent ones are the ground exactly. */
		b = encode_webp(p, W, H, (webp_kind){.samples = 4, .lossy = true});
		{
			sc_image_plan plan;
			sc_error err;
			uint8_t *pixels;

			CHECK(read_image(&pixels, &plan, b.data, b.size, 0, &limits, &err) == SC_OK, "%s", err.message);
			CHECK(plan.source_channels == 4, "%d", plan.source_channels);
			for (int i = 0; pixels != NULL && i < N; i++)
				if (alpha[i] == 0)
					CHECK(pixels[3 * i] == (white ? 0 : 255), "pixel %d is %d", i, pixels[3 * i]);
			free(pixels);
		}
		free(b.data);
	}
}

static void
test_orientation(void)
{
	for (int i = 0; i < 4 * 8; i++)
	{
		int orientation = 1 + i % 8;
		bool big = i / 8 & 1, prefix = i / 16;
		uint8_t p[5 * 7 * 3], upright[5 * 7 * 3], segment[128];
		unsigned size = exif_segment(segment, orientation, big);
		int uw = orientation >= 5 ? 7 : 5, uh = orientation >= 5 ? 5 : 7, sx, sy;
		bytes b, plain, chunks;

		noise(p, sizeof(p), 3);
		for (int k = 0; k < 35; k++)
		{
			stored_place(orientation, k % uw, k / uw, 5, 7, &sx, &sy);
			memcpy(upright + 3 * k, p + 3 * (sy * 5 + sx), 3);
		}
		plain = encode_webp(p, 5, 7, (webp_kind){.samples = 3});
		chunks = chunks_of(plain);
		b = begin_file(FLAG_EXIF, 5, 7);
		put_bytes(&b, chunks.data, chunks.size);
		put_chunk(&b, "EXIF", segment + (prefix ? 0 : 6), size - (prefix ? 0 : 6));
		end_file(&b);
		CHECK(distance(b, 0, uw, uh, 3, upright) == 0, "orientation %d", orientation);
		/* Without what says which side is up it is not whole, unless the file says that it has nothing of the kind. */
		for (size_t cut = 30 + chunks.size; cut < b.size - 1; cut++)
		{
			sc_error err;

			CHECK(probe(b.data, cut, 0, &limits, &err) == SC_BAD_IMAGE, "%zu of %zu bytes", cut, b.size);
			CHECK(strstr(err.detail, "EXIF") != NULL, "%s", err.detail);
		}
		free(b.data);
		free(plain.data);
	}
}

/* The first frame, whole, wherever the file ends behind it. */
static void
test_animation(void)
{
	for (int samples = 3; samples <= 4; samples++)
	{
		uint8_t *p = smooth(40, 30, samples), *q = calloc(40 * 30, (size_t) samples);
		uint8_t wanted[40 * 30 * 3];
		bytes first, second, b;

		for (int i = 0; i < 40 * 30; i++)
		{
			memcpy(wanted + 3 * i, p + samples * i, 3);
			if (samples == 4)
				p[4 * i + 3] = 255;
		}
		first = encode_webp(p, 40, 30, (webp_kind){.samples = samples});
		second = encode_webp(q, 40, 30, (webp_kind){.samples = samples});
		b = animate(first, second, 40, 30);
		CHECK(distance(b, 0, 40, 30, 3, wanted) == 0, "%d samples", samples);
		for (size_t size = 0; size < b.size; size++)
		{
			sc_error err;
			sc_status status = probe(b.data, size, 0, &limits, &err);

			CHECK(status == SC_BAD_IMAGE || (status == SC_OK && size > first.size), "%zu of %zu bytes: %d", size,
				  b.size, status);
			if (status == SC_OK)
				CHECK(distance((bytes){b.data, size}, 0, 40, 30, 3, wanted) == 0, "%zu of %zu bytes", size, b.size);
		}
		test_damage(b, 1000, 7);
		free(b.data);
		free(first.data);
		free(second.data);
		free(q);
		free(p);
	}
}

/* Cut off anywhere it is corrupt; damaged anywhere nothing else happens. */
static void
test_hostile(void)
{
	for (int variant = 0; variant < 4; variant++)
	{
		webp_kind kind = {.samples = variant & 1 ? 4 : 3, .lossy = variant & 2, .striped = true};
		uint8_t *p = smooth(40, 33, kind.samples);
		bytes b = encode_webp(p, 40, 33, kind);
		sc_error err;

		for (size_t size = 0; size < b.size; size++)
		{
			sc_status status = probe(b.data, size, size & 1 ? 4 : 0, &limits, &err);

			/* The last byte may be one that no pixel needs. */
			CHECK(status == SC_BAD_IMAGE || (status == SC_OK && size >= b.size - 3), "variant %d, %zu of %zu bytes: %d",
				  variant, size, b.size, status);
		}
		test_damage(b, 2000, 50 + (uint64_t) variant);
		free(b.data);
		free(p);
	}
}

static void
test_limits(void)
{
	uint8_t *p = calloc(2000 * 1000, 3);
	sc_image_limits limit = limits;
	sc_error err;

	for (int lossy = 0; lossy < 2; lossy++)
	{
		bytes b = encode_webp(p, 2000, 1000, (webp_kind){.samples = 3, .lossy = lossy});

		limit = limits;
		limit.max_pixels = 2000000;
		CHECK(probe(b.data, b.size, 8, &limit, &err) == SC_OK, "%s", err.message);
		limit.max_pixels--;
		CHECK(probe(b.data, b.size, 8, &limit, &err) == SC_LIMIT, "%s", err.message);
		CHECK(strstr(err.hint, "selfclass.max_image_pixels") != NULL, "%s", err.hint);
		/* A lossless one is decoded as a whole. */
		limit = limits;
		limit.max_memory = 4000000;
		CHECK(probe(b.data, b.size, 8, &limit, &err) == (lossy ? SC_OK : SC_LIMIT), "%s", err.message);
		limit.max_memory = 10000;
		CHECK(probe(b.data, b.size, 8, &limit, &err) == SC_LIMIT, "%s", err.message);
		CHECK(strstr(err.hint, "selfclass.max_image_memory") != NULL, "%s", err.hint);
		/* More than a million pixels are decoded in parts. */
		test_stop(b);
		free(b.data);
	}
	free(p);
}

#else

/* Without libwebp a WebP is an image that cannot be read, and the reason says so. */
static void
test_no_webp(void)
{
	sc_error err;

	CHECK(probe((const uint8_t *) "RIFF____WEBPVP8 ", 16, 0, &limits, &err) == SC_UNSUPPORTED, "%s", err.message);
	CHECK(strstr(err.message, "WebP") != NULL && strstr(err.hint, "libwebp") != NULL, "%s", err.message);
}

#endif

int
main(int argc, char **argv)
{
	unit_begin(argc, argv);
#ifdef SC_WITH_WEBP
	CASE ("variants of WebP")
		test_variants();
	CASE ("WebP, reduced")
		test_reduced();
	CASE ("WebP, what is transparent")
		test_transparent();
	CASE ("WebP, orientation")
		test_orientation();
	CASE ("WebP, an animation")
		test_animation();
	CASE ("hostile WebP")
		test_hostile();
	CASE ("WebP, limits and stops")
		test_limits();
#else
	CASE ("no libwebp")
		test_no_webp();
#endif
	return unit_end();
}
