/*-------------------------------------------------------------------------
 *
 * src/core/simclr/gray.c
 *	  Views in gray, and small gray pictures of images.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/gray.h"

#include "core/simclr/augment.h"

void
sc_to_gray(float *gray, const float *view, int pixels, const float mean[3], const float std[3])
{
	static const float weight[3] = {0.299f, 0.587f, 0.114f};

	for (int i = 0; i < pixels; i++)
	{
		float sum = 0;

		for (int c = 0; c < 3; c++)
			sum += weight[c] * (view[3 * i + c] * std[c] + mean[c]);
		gray[i] = sum;
	}
}

/* Of a lane: nothing that another one writes is in the same line of a cache. */
static size_t
scratch_each(const sc_gray_space *space)
{
	return (sc_augment_scratch_bytes(space->side) + SC_ALIGN - 1) / SC_ALIGN * SC_ALIGN;
}

void
sc_gray_layout(sc_gray_space *space, int side, int lanes, sc_arena *arena)
{
	SC_ASSERT(side >= 1 && lanes >= 1 && lanes <= SC_MAX_LANES);
	space->side = side;
	space->lanes = lanes;
	space->augment = sc_arena_take(arena, (size_t) lanes, scratch_each(space));
	space->view = SC_TAKE(arena, float, (size_t) lanes *side *side * 3);
}

void
sc_gray_picture(const sc_lane *lane, const sc_gray_space *space, float *gray, const sc_image *image)
{
	static const float zero[3] = {0, 0, 0}, one[3] = {1, 1, 1};
	int pixels = space->side * space->side;
	float *view = space->view + (size_t) lane->index * pixels * 3;

	SC_ASSERT(lane->index < space->lanes);
	sc_plain_view(view, image, space->side, zero, one, (char *) space->augment + lane->index * scratch_each(space));
	sc_to_gray(gray, view, pixels, zero, one);
}
