/*-------------------------------------------------------------------------
 *
 * src/core/image/limits.c
 *	  How large an image may be: its sides, pixels, memory and scans.
 *
 * The readers of the formats ask here as soon as they know a number: the sides
 * and the memory once the header is read (plan_body in jpeg.c and in png.c),
 * the scans of a progressive JPEG while they come (on_progress in jpeg.c).
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

sc_status
sc_image_check_size(size_t width, size_t height, const sc_image_limits *limits, sc_error *err)
{
	if (width == 0 || height == 0)
		return sc_fail(err, SC_BAD_IMAGE, "image has no pixels");
	if (width > SC_IMAGE_MAX_SIDE || height > SC_IMAGE_MAX_SIDE)
	{
		sc_fail(err, SC_LIMIT, "image is too long or too wide");
		sc_detail(err, "It has %zu by %zu pixels; a side may have up to %d.", width, height, SC_IMAGE_MAX_SIDE);
		sc_hint(err, "Reduce the image.");
		return SC_LIMIT;
	}
	return sc_image_check_pixels(width, height, 1, limits, err);
}

sc_status
sc_image_check_pixels(size_t width, size_t height, size_t scale, const sc_image_limits *limits, sc_error *err)
{
	size_t decoded_width = (width + scale - 1) / scale;
	size_t decoded_height = (height + scale - 1) / scale;

	SC_ASSERT(scale >= 1);
	if (sc_mul(decoded_width, decoded_height) <= limits->max_pixels)
		return SC_OK;
	sc_fail(err, SC_LIMIT, "image has too many pixels");
	if (scale == 1)
		sc_detail(err, "It has %zu by %zu pixels; the limit is %zu.", width, height, limits->max_pixels);
	else
		sc_detail(err, "It has %zu by %zu pixels, of which %zu by %zu are decoded; the limit is %zu.", width, height,
				  decoded_width, decoded_height, limits->max_pixels);
	sc_hint(err, "Reduce the image, or raise \"selfclass.max_image_pixels\".");
	return SC_LIMIT;
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

sc_status
sc_image_check_scans(size_t scans, size_t pixels, const sc_image_limits *limits, sc_error *err)
{
	if (scans <= 1)
		return SC_OK;
	if (scans > (size_t) limits->max_scans)
	{
		sc_fail(err, SC_LIMIT, "progressive JPEG image has too many scans");
		sc_detail(err, "The limit is %d.", limits->max_scans);
		sc_hint(err, "Store the image as a baseline JPEG, or raise \"selfclass.max_image_scans\".");
		return SC_LIMIT;
	}
	if (sc_mul(scans, pixels) > limits->max_scan_pixels)
	{
		sc_fail(err, SC_LIMIT, "progressive JPEG image has too many scans for its size");
		sc_detail(err, "It has %zu or more scans of %zu pixels; the limit is %zu pixels in all scans.", scans, pixels,
				  limits->max_scan_pixels);
		sc_hint(err, "Reduce the image, or store it as a baseline JPEG.");
		return SC_LIMIT;
	}
	return SC_OK;
}

sc_status
sc_image_fail_malloc(sc_error *err)
{
	return sc_fail(err, SC_NO_MEMORY, "out of memory for an image");
}

sc_status
sc_image_fail_memory(sc_image_format format, const sc_image_limits *limits, sc_error *err)
{
	sc_fail(err, SC_LIMIT, "image needs too much memory to be decoded");
	sc_detail(err, "The limit is %zu kB.", limits->max_memory / 1024);
	sc_hint(err, format == SC_IMAGE_JPEG
					 ? "Reduce the image, store it as a baseline JPEG, or raise \"selfclass.max_image_memory\"."
					 : "Reduce the image, or raise \"selfclass.max_image_memory\".");
	return SC_LIMIT;
}
