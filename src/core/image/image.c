/*-------------------------------------------------------------------------
 *
 * src/core/image/image.c
 *	  Which format the bytes of an image have, and on to the reader of it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <string.h>

/* Those that this build has a library for have a reader. */
#ifdef SC_WITH_PNG
#define PNG_READER sc_png_read
#else
#define PNG_READER NULL
#endif
#ifdef SC_WITH_WEBP
#define WEBP_READER sc_webp_read
#else
#define WEBP_READER NULL
#endif

static const struct
{
	const char *name;
	const char *needs;
	sc_status (*read)(const sc_image_task *task);
} formats[] = {[SC_IMAGE_JPEG] = {"JPEG", "libjpeg", sc_jpeg_read},
			   [SC_IMAGE_PNG] = {"PNG", "libpng", PNG_READER},
			   [SC_IMAGE_WEBP] = {"WebP", "libwebp", WEBP_READER}};

static bool
begins_with(const uint8_t *bytes, size_t size, const char *signature, size_t length)
{
	return size >= length && memcmp(bytes, signature, length) == 0;
}

/* false: none of those that are read. */
static bool
find_format(sc_image_format *format, const uint8_t *bytes, size_t size)
{
	if (begins_with(bytes, size, "\xFF\xD8\xFF", 3))
		*format = SC_IMAGE_JPEG;
	else if (begins_with(bytes, size, "\x89PNG\r\n\x1a\n", 8))
		*format = SC_IMAGE_PNG;
	else if (begins_with(bytes, size, "RIFF", 4) && size >= 12 && memcmp(bytes + 8, "WEBP", 4) == 0)
		*format = SC_IMAGE_WEBP;
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
	return formats[format].name;
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
	if (formats[plan->format].read != NULL)
		return formats[plan->format].read(&task);
	sc_fail(err, SC_UNSUPPORTED, "%s images are not supported by this build", formats[plan->format].name);
	sc_detail(err, "This selfclass was built without %s.", formats[plan->format].needs);
	sc_hint(err, "Store the image as JPEG, or build selfclass with %s.", formats[plan->format].needs);
	return SC_UNSUPPORTED;
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
	return formats[plan->format].read(&task);
}
