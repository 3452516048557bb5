/*-------------------------------------------------------------------------
 *
 * src/core/image/exif.c
 *	  The orientation of a picture from its EXIF data (EXIF 2.32, 4.6.4 A:
 *	  tag 0x0112 of the first directory).
 *
 * The bytes are hostile: every read is checked against the end, and what is
 * not understood means "upright", for EXIF data say nothing about the pixels.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

/* A TIFF header: the order of bytes twice ("II" or "MM"), this number, where the first directory begins. */
#define HEADER_BYTES 8
#define TIFF_NUMBER 42
/* An entry of a directory: tag (2 bytes), type (2), how many values (4), the value (4). */
#define ENTRY_BYTES 12
#define TAG_ORIENTATION 0x0112
/* Types of whole numbers without a sign; TIFF 6.0 asks readers to take any of them for the others. */
#define TYPE_BYTE 1
#define TYPE_SHORT 3
#define TYPE_LONG 4

static uint32_t
read_number(const uint8_t *p, int bytes, bool big)
{
	uint32_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint32_t) p[i] << 8 * (big ? bytes - 1 - i : i);
	return v;
}

/* Bytes of a value of this type; 0: no type that an orientation has. */
static int
bytes_of(uint32_t type)
{
	return type == TYPE_BYTE ? 1 : type == TYPE_SHORT ? 2 : type == TYPE_LONG ? 4 : 0;
}

sc_orientation
sc_exif_orientation(const uint8_t *tiff, size_t size)
{
	bool big;
	size_t at, entries;

	if (size < HEADER_BYTES || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M'))
		return SC_UPRIGHT;
	big = tiff[0] == 'M';
	if (read_number(tiff + 2, 2, big) != TIFF_NUMBER)
		return SC_UPRIGHT;
	at = read_number(tiff + 4, 4, big);
	if (at > size - 2)
		return SC_UPRIGHT;
	entries = read_number(tiff + at, 2, big);
	at += 2;
	for (; entries > 0 && size - at >= ENTRY_BYTES; entries--, at += ENTRY_BYTES)
	{
		const uint8_t *entry = tiff + at;
		int bytes;
		uint32_t value;

		if (read_number(entry, 2, big) != TAG_ORIENTATION)
			continue;
		bytes = bytes_of(read_number(entry + 2, 2, big));
		value = read_number(entry + 8, bytes, big);
		if (read_number(entry + 4, 4, big) == 1 && value >= SC_UPRIGHT && value <= SC_TURN_LEFT)
			return (sc_orientation) value;
		return SC_UPRIGHT;
	}
	return SC_UPRIGHT;
}
