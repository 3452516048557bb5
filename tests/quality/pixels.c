/*-------------------------------------------------------------------------
 *
 * tests/quality/pixels.c
 *	  What clustering has without learning: the pixels of pictures as rows.
 *
 *   pixels SIDE < NAMES > ROWS
 *
 * Reads names of files, one a line, and writes "name<tab>[p,p,...]" for each:
 * its view of SIDE by SIDE pixels, RGB, 0 to 1. What cannot be read is left out.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/image.h"
#include "core/simclr/augment.h"

#define MAX_SIDE 128

static const sc_image_limits limits = {100000000, (size_t) 1 << 30, 100, (size_t) 1 << 30};

/* The whole file; NULL where it cannot be read. */
static uint8_t *
contents(const char *name, size_t *size)
{
	FILE *f = fopen(name, "rb");
	uint8_t *bytes = NULL;

	*size = 0;
	if (f == NULL)
		return NULL;
	for (size_t got = 1; got > 0; *size += got)
	{
		bytes = realloc(bytes, *size + 65536);
		got = fread(bytes + *size, 1, 65536, f);
	}
	fclose(f);
	return bytes;
}

static bool
print_pixels(const char *name, int side)
{
	static float view[3 * MAX_SIDE * MAX_SIDE];
	const float none[3] = {0, 0, 0};
	const float one[3] = {1, 1, 1};
	sc_image_plan plan;
	sc_error err;
	size_t size;
	uint8_t *bytes = contents(name, &size);
	uint8_t *pixels;
	void *scratch;
	bool read;

	if (bytes == NULL || sc_image_plan_read(&plan, bytes, size, side, &limits, &err) != SC_OK)
		return false;
	pixels = malloc(plan.bytes);
	scratch = malloc(plan.scratch + 1);
	read = sc_image_decode(pixels, &plan, bytes, size, &limits, scratch, NULL, NULL, &err) == SC_OK;
	if (read)
	{
		sc_image image = {plan.width, plan.height, plan.channels, pixels};
		void *room = malloc(sc_augment_scratch_bytes(side));

		sc_plain_view(view, &image, side, none, one, room);
		printf("%s\t[", name);
		for (int i = 0; i < 3 * side * side; i++)
			printf(i == 0 ? "%.4f" : ",%.4f", view[i]);
		printf("]\n");
		free(room);
	}
	free(scratch);
	free(pixels);
	free(bytes);
	return read;
}

int
main(int argc, char **argv)
{
	char name[4096];
	int side = argc > 1 ? atoi(argv[1]) : 0;

	if (side < 1 || side > MAX_SIDE)
	{
		fprintf(stderr, "usage: pixels SIDE < names\n");
		return 2;
	}
	while (fgets(name, sizeof(name), stdin) != NULL)
	{
		name[strcspn(name, "\n")] = 0;
		if (!print_pixels(name, side))
			fprintf(stderr, "pixels: %s cannot be read\n", name);
	}
	return 0;
}
