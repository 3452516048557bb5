/*-------------------------------------------------------------------------
 *
 * src/pg/report/tile.h
 *	  One tile of a sheet of pictures: an image, or the cross of one that
 *	  cannot be read.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_TILE_H
#define SCPG_TILE_H

#include "postgres.h"

#include "core/api.h"

/* Gray of a sheet where there is no image. */
#define SCPG_TILE_BACKGROUND 0xF4

/*
 * An image in the middle of tile (side, side, 3). A small one is enlarged by a
 * whole number; one that could not be reduced enough, being a pixel wide,
 * loses pixels.
 */
extern void scpg_tile_draw_image(uint8 *tile, int side, const sc_image *image);

extern void scpg_tile_draw_cross(uint8 *tile, int side);

#endif /* SCPG_TILE_H */
