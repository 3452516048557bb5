/*-------------------------------------------------------------------------
 *
 * src/core/image/unknown.c
 *	  What is in none of the formats that are read, called by its name.
 *
 * The name is part of the message, so that a report of many images tells which
 * formats there are. It goes by the first bytes alone. An image that was stored
 * as text gets a hint with the expression that makes bytes of it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <string.h>

/* Bytes shown of what is no image. */
#define SHOWN 8
/* Text in which the element of an SVG is looked for. */
#define SVG_BYTES 1024

/* What a format's bytes are at one place, or at two. */
typedef struct signature
{
	const char *name;
	size_t at;
	const char *bytes;
	size_t length;
	size_t also_at;
	const char *also; /* NULL: one place is enough */
} signature;

#define AT(place, text) place, text, sizeof(text) - 1

/* Pictures; the first that fits is the name. */
static const signature pictures[] = {
	{"GIF", AT(0, "GIF8"), 0, NULL},
	{"TIFF", AT(0, "II*\0"), 0, NULL},
	{"TIFF", AT(0, "MM\0*"), 0, NULL},
	{"TIFF", AT(0, "II+\0"), 0, NULL},
	{"TIFF", AT(0, "MM\0+"), 0, NULL},
	{"AVIF", AT(4, "ftyp"), 8, "avi"},
	{"HEIC", AT(4, "ftyp"), 8, "hei"},
	{"HEIC", AT(4, "ftyp"), 8, "hev"},
	{"HEIC", AT(4, "ftyp"), 8, "mif1"}, /* or AVIF: is_avif() */
	{"HEIC", AT(4, "ftyp"), 8, "msf1"},
	{"Canon raw (CR3)", AT(4, "ftyp"), 8, "crx "},
	{"JPEG XL", AT(0, "\xFF\x0A"), 0, NULL},
	{"JPEG XL", AT(0, "\0\0\0\x0CJXL \r\n\x87\n"), 0, NULL},
	{"JPEG 2000", AT(0, "\0\0\0\x0CjP  \r\n\x87\n"), 0, NULL},
	{"JPEG 2000", AT(0, "\xFF\x4F\xFF\x51"), 0, NULL},
	{"JPEG XR", AT(0, "II\xBC\x01"), 0, NULL},
	{"PSD", AT(0, "8BPS"), 0, NULL},
	{"PDF", AT(0, "%PDF-"), 0, NULL},
	{"DICOM", AT(128, "DICM"), 0, NULL},
	{"OpenEXR", AT(0, "\x76\x2F\x31\x01"), 0, NULL},
	{"ICO", AT(0, "\0\0\1\0"), 0, NULL},
};

/* Other things that end up where pictures should be. */
static const signature others[] = {
	{"a video (MP4 or QuickTime)", AT(4, "ftyp"), 0, NULL},
	{"a ZIP archive", AT(0, "PK\x03\x04"), 0, NULL},
	{"a ZIP archive", AT(0, "PK\x05\x06"), 0, NULL},
	{"a gzip file", AT(0, "\x1F\x8B"), 0, NULL},
	{"HTML", AT(0, "<!DOCTYPE html"), 0, NULL},
	{"HTML", AT(0, "<!doctype html"), 0, NULL},
	{"HTML", AT(0, "<html"), 0, NULL},
	{"a URL", AT(0, "http://"), 0, NULL},
	{"a URL", AT(0, "https://"), 0, NULL},
};

/* Pictures as text, and the bytes of it; the values are in a column "image". */
static const struct
{
	signature is;
	const char *bytes;
	bool blanks; /* before it are nothing to decode() */
} texts[] = {
	{{"hexadecimal text", AT(0, "\\x"), 0, NULL}, "decode(substr(convert_from(image, 'UTF8'), 3), 'hex')"},
	{{"hexadecimal text", AT(0, "0x"), 0, NULL}, "decode(substr(convert_from(image, 'UTF8'), 3), 'hex')"},
	{{"hexadecimal text", AT(0, "ffd8ff"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'hex')", true},
	{{"hexadecimal text", AT(0, "FFD8FF"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'hex')", true},
	{{"hexadecimal text", AT(0, "89504e47"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'hex')", true},
	{{"hexadecimal text", AT(0, "89504E47"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'hex')", true},
	{{"hexadecimal text", AT(0, "52494646"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'hex')", true},
	{{"base64 text", AT(0, "/9j/"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'base64')", true},
	{{"base64 text", AT(0, "iVBORw0KG"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'base64')", true},
	{{"base64 text", AT(0, "UklGR"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'base64')", true},
	{{"base64url text", AT(0, "_9j_"), 0, NULL},
	 "decode(rpad(translate(convert_from(image, 'UTF8'), '-_', '+/'), (length(image) + 3) / 4 * 4, '='), 'base64')"},
	{{"escaped text", AT(0, "\\377\\330\\377"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'escape')"},
	{{"escaped text", AT(0, "\\211PNG"), 0, NULL}, "decode(convert_from(image, 'UTF8'), 'escape')"},
	{{"a data: URL", AT(0, "data:"), 0, NULL}, "decode(split_part(convert_from(image, 'UTF8'), ',', 2), 'base64')"},
};

static bool
stands_at(const uint8_t *bytes, size_t size, size_t at, const char *what, size_t length)
{
	return size >= at + length && memcmp(bytes + at, what, length) == 0;
}

static bool
fits(const uint8_t *bytes, size_t size, const signature *s)
{
	return stands_at(bytes, size, s->at, s->bytes, s->length) &&
		   (s->also == NULL || stands_at(bytes, size, s->also_at, s->also, strlen(s->also)));
}

static const char *
find(const uint8_t *bytes, size_t size, const signature *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fits(bytes, size, &list[i]))
			return list[i].name;
	return NULL;
}

/* Among the brands (of 4 bytes each) of a file that is HEIC or AVIF. */
static bool
is_avif(const uint8_t *bytes, size_t size)
{
	size_t end = SC_MIN(size, (size_t) bytes[2] << 8 | bytes[3]);

	for (size_t at = 16; at + 4 <= end; at += 4)
		if (memcmp(bytes + at, "avif", 4) == 0 || memcmp(bytes + at, "avis", 4) == 0)
			return true;
	return false;
}

/* "BM" alone could begin any text: the four reserved bytes are zero, and the next header is no longer than 124. */
static bool
is_bmp(const uint8_t *bytes, size_t size)
{
	return stands_at(bytes, size, 0, "BM", 2) && stands_at(bytes, size, 6, "\0\0\0\0", 4) &&
		   stands_at(bytes, size, 15, "\0\0\0", 3) && bytes[14] >= 12 && bytes[14] <= 124;
}

static bool
is_blank(uint8_t byte)
{
	return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* Text in marks that begins with an svg element, maybe after a declaration and comments. */
static bool
is_svg(const uint8_t *bytes, size_t size)
{
	size_t at = stands_at(bytes, size, 0, "\xEF\xBB\xBF", 3) ? 3 : 0;

	while (at < size && is_blank(bytes[at]))
		at++;
	if (!stands_at(bytes, size, at, "<", 1))
		return false;
	for (; at < SC_MIN(size, (size_t) SVG_BYTES); at++)
		if (stands_at(bytes, size, at, "<svg", 4))
			return true;
	return false;
}

const char *
sc_image_other_format(const uint8_t *bytes, size_t size)
{
	const char *name = find(bytes, size, pictures, sizeof(pictures) / sizeof(pictures[0]));

	if (name != NULL)
		return strcmp(name, "HEIC") == 0 && is_avif(bytes, size) ? "AVIF" : name;
	return is_bmp(bytes, size) ? "BMP" : is_svg(bytes, size) ? "SVG" : NULL;
}

/* The message, and a hint where there is one. */
static void
name_it(const uint8_t *bytes, size_t size, sc_error *err)
{
	const char *name;
	size_t blanks = 0;

	while (blanks < size && is_blank(bytes[blanks]))
		blanks++;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (fits(bytes, size, &texts[i].is) || (texts[i].blanks && fits(bytes + blanks, size - blanks, &texts[i].is)))
		{
			sc_fail(err, SC_BAD_IMAGE, "not a JPEG, PNG or WebP image but %s", texts[i].is.name);
			sc_hint(err, "Store its bytes; of a column \"image\" they are %s.", texts[i].bytes);
			return;
		}
	if ((name = sc_image_other_format(bytes, size)) != NULL)
	{
		sc_fail(err, SC_BAD_IMAGE, "not a JPEG, PNG or WebP image but %s", name);
		sc_hint(err, "Store the image as JPEG, PNG or WebP.");
		return;
	}
	name = find(bytes, size, others, sizeof(others) / sizeof(others[0]));
	if (name != NULL)
		sc_fail(err, SC_BAD_IMAGE, "not a JPEG, PNG or WebP image but %s", name);
	else
		sc_fail(err, SC_BAD_IMAGE, "not a JPEG, PNG or WebP image");
}

sc_status
sc_image_fail_unknown(const uint8_t *bytes, size_t size, sc_error *err)
{
	static const char digits[] = "0123456789abcdef";
	size_t shown = SC_MIN(size, (size_t) SHOWN);
	char hex[3 * SHOWN];

	if (size == 0)
	{
		sc_fail(err, SC_BAD_IMAGE, "image is empty");
		sc_detail(err, "The value has no bytes.");
		return SC_BAD_IMAGE;
	}
	name_it(bytes, size, err);
	for (size_t i = 0; i < shown; i++)
	{
		hex[3 * i] = digits[bytes[i] >> 4];
		hex[3 * i + 1] = digits[bytes[i] & 15];
		hex[3 * i + 2] = ' ';
	}
	hex[3 * shown - 1] = '\0';
	sc_detail(err, "Its %zu bytes begin with %s.", size, hex);
	return SC_BAD_IMAGE;
}
