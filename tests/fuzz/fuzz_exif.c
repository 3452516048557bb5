/*-------------------------------------------------------------------------
 *
 * tests/fuzz/fuzz_exif.c
 *	  libFuzzer on the reader of EXIF: any bytes are a TIFF header and its
 *	  directory, by themselves and as a segment of a JPEG.
 *
 * Whatever they are, the orientation is one of eight, and within a JPEG that
 * they are put in it is the same.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <stdlib.h>
#include <string.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A gray JPEG of 8 by 8 pixels, after its first two bytes: one block of two bits. */
static const uint8_t rest[] = {0xFF, 0xC0, 0,	 11, 8, 0, 8, 0, 8, 1,	1, 0x11,
							   0,	 0xFF, 0xDA, 0,	 8, 1, 1, 0, 0, 63, 0, 0x3F};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const sc_image_limits limits = {1 << 18, 4 << 20, 20, 1 << 20};
	sc_orientation found = sc_exif_orientation(data, size);
	size_t segment = size + 8; /* its length, itself included, and "Exif" */
	uint8_t *jpeg;
	sc_image_plan plan;
	sc_error err;

	if (found < SC_UPRIGHT || found > SC_TURN_LEFT)
		abort();
	if (segment > 65535)
		return 0;
	jpeg = malloc(4 + segment + sizeof(rest));
	memcpy(jpeg, "\xFF\xD8\xFF\xE1", 4);
	jpeg[4] = (uint8_t) (segment >> 8);
	jpeg[5] = (uint8_t) segment;
	memcpy(jpeg + 6, "Exif\0\0", 6);
	memcpy(jpeg + 12, data, size);
	memcpy(jpeg + 4 + segment, rest, sizeof(rest));
	if (sc_image_plan_read(&plan, jpeg, 4 + segment + sizeof(rest), 0, &limits, &err) != SC_OK ||
		plan.orientation != found)
		abort();
	free(jpeg);
	return 0;
}
