/*-------------------------------------------------------------------------
 *
 * src/pg/report/tile.c
 *	  One tile of a sheet of pictures: an image, or the cross of one that
 *	  cannot be read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/report/tile.h"

#define CROSS_BACKGROUND 0xC8
#define CROSS 0x8C

static void
put_pixel(uint8 *tile, int side, int x, int y, const uint8 rgb[3])
{
	memcpy(tile + ((size_t) y * side + x) * 3, rgb, 3);
}

void
scpg_tile_draw_image(uint8 *tile, int side, const sc_image *image)
{
	int longest = Max(image->width, image->height);
	int times = Max(1, side / longest);
	int width = Min(image->width * times, side);
	int height = Min(image->height * times, side);
	int left = (side - width) / 2;
	int top = (side - height) / 2;

	memset(tile, SCPG_TILE_BACKGROUND, (size_t) side * side * 3);
	for (int y = 0; y < height; y++)
	{
		const uint8 *row =
			image->pixels + (size_t) ((int64) y * image->height / height) * image->width * image->channels;

		for (int x = 0; x < width; x++)
		{
			const uint8 *p = row + (size_t) ((int64) x * image->width / width) * image->channels;
			/* Gray has one channel, colour three. */
			uint8 rgb[3] = {p[0], p[image->channels / 2], p[image->channels - 1]};

			put_pixel(tile, side, left + x, top + y, rgb);
		}
	}
}

void
scpg_tile_draw_cross(uint8 *tile, int side)
{
	static const uint8 rgb[3] = {CROSS, CROSS, CROSS};
	int margin = side / 4;
	int thickness = 2 + side / 48;

	memset(tile, CROSS_BACKGROUND, (size_t) side * side * 3);
	for (int y = margin; y < side - margin; y++)
		for (int x = margin; x < side - margin; x++)
			if (abs(x - y) < thickness || abs(x + y - side + 1) < thickness)
				put_pixel(tile, side, x, y, rgb);
}
