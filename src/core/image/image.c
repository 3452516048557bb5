/*-------------------------------------------------------------------------
 *
 * src/core/image/image.c
 *	  Which format an image has, how large it may be and how large it becomes.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <string.h>

sc_status
sc_image_check_size(size_t width, size_t height, const sc_image_limits *limits, sc_error *err)
{
	if (width == 0 || height == 0)
		return sc_fail(err, SC_BAD_IMAGE, "image has no pixels");
	if (width > SC_IMAGE_MAX_SIDE || height > SC_IMAGE_MAX_SIDE)
	{
		sc_fail(err, SC_UNSUPPORTED, "image is too long or too wide");
		sc_detail(err, "It has %zu by %zu pixels; a side may have up to %d.", width, height, SC_IMAGE_MAX_SIDE);
		return SC_UNSUPPORTED;
	}
	if (sc_mul(width, height) > limits->max_pixels)
	{
		sc_fail(err, SC_LIMIT, "image has too many pixels");
		sc_detail(err, "It has %zu by %zu pixels; the limit is %zu.", width, height, limits->max_pixels);
		sc_hint(err, "Reduce the image, or raise \"selfclass.max_image_pixels\".");
		return SC_LIMIT;
	}
	return SC_OK;
}

sc_status
sc_image_check_memory(size_t bytes, const sc_image_limits *limits, sc_error *err)
{
	if (bytes > limits->max_memory)
	{
		sc_fail(err, SC_LIMIT, "image needs too much memory to be decoded");
		sc_detail(err, "It needs %zu kB; the limit is %zu kB.", bytes / 1024, limits->max_memory / 1024);
		sc_hint(err, "Reduce the image, store it as a baseline JPEG, or raise \"selfclass.max_image_memory\".");
		return SC_LIMIT;
	}
	return SC_OK;
}

void
sc_image_plan_size(sc_image_plan *plan, int width, int height, int max_side)
{
	bool turned = plan->orientation >= 5;
	int64_t w = turned ? height : width;
	int64_t h = turned ? width : height;
	int64_t small = SC_MIN(w, h);

	plan->source_width = (int) w;
	plan->source_height = (int) h;
	if (max_side > 0 && small > max_side)
	{
		/* The short side exactly, the long one in proportion, rounded. */
		w = SC_MAX((2 * w * max_side + small) / (2 * small), 1);
		h = SC_MAX((2 * h * max_side + small) / (2 * small), 1);
	}
	plan->width = (int) w;
	plan->height = (int) h;
	plan->bytes = (size_t) w * (size_t) h * (size_t) plan->channels;
}

static bool
is_png(const uint8_t *bytes, size_t size)
{
	return size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1a\n", 8) == 0;
}

sc_status
sc_image_plan_read(sc_image_plan *plan, const uint8_t *bytes, size_t size, int max_side, const sc_image_limits *limits,
				   sc_error *err)
{
	sc_image_source source = {.bytes = bytes, .size = size, .limits = limits, .err = err};

	memset(plan, 0, sizeof(*plan));
	if (size >= 3 && bytes[0] == 0xFF && bytes[1] == 0xD8 && bytes[2] == 0xFF)
		return sc_jpeg_plan(plan, &source, max_side);
	if (is_png(bytes, size))
	{
#ifdef SC_WITH_PNG
		return sc_png_plan(plan, &source, max_side);
#else
		sc_fail(err, SC_UNSUPPORTED, "PNG images are not supported by this build");
		sc_detail(err, "This selfclass was built without libpng.");
		sc_hint(err, "Store the image as JPEG, or build selfclass with libpng.");
		return SC_UNSUPPORTED;
#endif
	}
	sc_fail(err, SC_BAD_IMAGE, "not a JPEG or PNG image");
	if (size == 0)
		sc_detail(err, "The value is empty.");
	else
	{
		char hex[3 * 8 + 1] = "";

		for (size_t i = 0; i < SC_MIN(size, (size_t) 8); i++)
		{
			static const char digits[] = "0123456789abcdef";

			hex[3 * i] = digits[bytes[i] >> 4];
			hex[3 * i + 1] = digits[bytes[i] & 15];
			hex[3 * i + 2] = ' ';
			hex[3 * i + 3] = '\0';
		}
		hex[strlen(hex) - 1] = '\0';
		sc_detail(err, "Its %zu bytes begin with %s.", size, hex);
	}
	return SC_BAD_IMAGE;
}

sc_status
sc_image_decode(uint8_t *pixels, const sc_image_plan *plan, const uint8_t *bytes, size_t size,
				const sc_image_limits *limits, void *scratch, bool (*stopped)(void *arg), void *arg, sc_error *err)
{
	sc_image_source source = {bytes, size, limits, stopped, arg, err};

#ifdef SC_WITH_PNG
	if (plan->format == SC_IMAGE_PNG)
		return sc_png_decode(pixels, plan, &source, scratch);
#endif
	return sc_jpeg_decode(pixels, plan, &source, scratch);
}
