/*-------------------------------------------------------------------------
 *
 * src/core/image/image.c
 *	  Which format the bytes of an image have, and on to the reader of it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <string.h>

static bool
begins_with(const uint8_t *bytes, size_t size, const char *signature, size_t length)
{
	return size >= length && memcmp(bytes, signature, length) == 0;
}

/* false: neither JPEG nor PNG. */
static bool
find_format(sc_image_format *format, const uint8_t *bytes, size_t size)
{
	if (begins_with(bytes, size, "\xFF\xD8\xFF", 3))
		*format = SC_IMAGE_JPEG;
	else if (begins_with(bytes, size, "\x89PNG\r\n\x1a\n", 8))
		*format = SC_IMAGE_PNG;
	else
		return false;
	return true;
}

const char *
sc_image_format_name(const uint8_t *bytes, size_t size)
{
	sc_image_format format;

	if (!find_format(&format, bytes, size))
		return sc_image_other_format(bytes, size);
	return format == SC_IMAGE_JPEG ? "JPEG" : "PNG";
}

sc_status
sc_image_plan_read(sc_image_plan *plan, const uint8_t *bytes, size_t size, int max_side, const sc_image_limits *limits,
				   sc_error *err)
{
	sc_image_task task = {.bytes = bytes, .size = size, .limits = limits, .err = err, .plan = plan, .max_side = max_side};

	SC_ASSERT(plan != NULL && limits != NULL && max_side >= 0);
	SC_ASSERT(bytes != NULL || size == 0);
	memset(plan, 0, sizeof(*plan));
	if (!find_format(&plan->format, bytes, size))
		return sc_image_fail_unknown(bytes, size, err);
	if (plan->format == SC_IMAGE_JPEG)
		return sc_jpeg_read(&task);
#ifdef SC_WITH_PNG
	return sc_png_read(&task);
#else
	sc_fail(err, SC_UNSUPPORTED, "PNG images are not supported by this build");
	sc_detail(err, "This selfclass was built without libpng.");
	sc_hint(err, "Store the image as JPEG, or build selfclass with libpng.");
	return SC_UNSUPPORTED;
#endif
}

sc_status
sc_image_decode(uint8_t *pixels, const sc_image_plan *plan, const uint8_t *bytes, size_t size,
				const sc_image_limits *limits, void *scratch, bool (*stopped)(void *arg), void *arg, sc_error *err)
{
	sc_image_plan followed = *plan;
	sc_image_task task = {.bytes = bytes,
						  .size = size,
						  .limits = limits,
						  .stopped = stopped,
						  .arg = arg,
						  .err = err,
						  .plan = &followed,
						  .pixels = pixels,
						  .scratch = scratch};

	SC_ASSERT(pixels != NULL && bytes != NULL && limits != NULL && scratch != NULL);
	SC_ASSERT(plan->width > 0 && plan->height > 0 && plan->scratch > 0);
#ifdef SC_WITH_PNG
	if (plan->format == SC_IMAGE_PNG)
		return sc_png_read(&task);
#endif
	return sc_jpeg_read(&task);
}
