/*-------------------------------------------------------------------------
 *
 * src/core/simclr/gray.h
 *	  Views in gray, and small gray pictures of images.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_GRAY_H
#define SC_GRAY_H

#include "core/base/arena.h"
#include "core/base/pool.h"
#include "core/image/image.h"

/*
 * Brightness in 0 ... 1, as ITU-R BT.601 weighs the channels: gray (pixels) of
 * view (pixels, 3), normalised by mean and std.
 */
extern void sc_to_gray(float *gray, const float *view, int pixels, const float mean[3], const float std[3]);

/* What lanes make small gray pictures in. */
typedef struct sc_gray_space
{
	int side; /* of the pictures */
	int lanes;
	void *augment; /* (lanes, sc_augment_scratch_bytes of the side, rounded up) */
	float *view;   /* (lanes, side, side, 3) */
} sc_gray_space;

/* Count or take the memory. */
extern void sc_gray_layout(sc_gray_space *space, int side, int lanes, sc_arena *arena);

/* An image's plain view (augment.h) in gray, 0 ... 1: gray (side, side). Each lane by itself. */
extern void sc_gray_picture(const sc_lane *lane, const sc_gray_space *space, float *gray, const sc_image *image);

#endif /* SC_GRAY_H */
