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

static uint32_t
read_number(const uint8_t *p, int bytes, bool big)
{
	uint32_t v = 0;

	for (int i = 0; i < bytes; i++)
		v |= (uint32_t) p[i] << 8 * (big ? bytes - 1 - i : i);
	return v;
}

int
sc_exif_orientation(const uint8_t *tiff, size_t size)
{
	bool big;
	size_t at, entries;

	if (size < 8 || tiff[0] != tiff[1] || (tiff[0] != 'I' && tiff[0] != 'M'))
		return 1;
	big = tiff[0] == 'M';
	if (read_number(tiff + 2, 2, big) != 42)
		return 1;
	at = read_number(tiff + 4, 4, big);
	if (at > size - 2)
		return 1;
	entries = read_number(tiff + at, 2, big);
	at += 2;
	for (; entries > 0 && size - at >= 12; entries--, at += 12)
	{
		uint32_t value;

		/* Tag orientation, one value, of type SHORT. */
		if (read_number(tiff + at, 2, big) != 0x0112)
			continue;
		value = read_number(tiff + at + 8, 2, big);
		if (read_number(tiff + at + 2, 2, big) == 3 && read_number(tiff + at + 4, 4, big) == 1 && value >= 1 &&
			value <= 8)
			return (int) value;
		return 1;
	}
	return 1;
}
