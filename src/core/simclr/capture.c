/*-------------------------------------------------------------------------
 *
 * src/core/simclr/capture.c
 *	  How pictures were taken.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/capture.h"

#include <math.h>

#define SIDE SC_CAPTURE_SIDE
#define PIXELS (SIDE * SIDE)

/* A picture of one tone has a finite contrast and sharpness too. */
#define LEAST_CONTRAST 1e-3
#define LEAST_SLOPE 1e-4

void
sc_capture_layout(sc_capture *capture, sc_arena *arena)
{
	sc_gray_layout(&capture->space, SIDE, capture->lanes, arena);
	capture->gray = SC_TAKE(arena, float, (size_t) capture->lanes *PIXELS);
}

static void
measure(double *traits, const float *gray)
{
	double sum = 0, squares = 0, slopes = 0, bends = 0, mean, contrast, slope;

	for (int i = 0; i < PIXELS; i++)
		sum += gray[i];
	mean = sum / PIXELS;
	for (int i = 0; i < PIXELS; i++)
		squares += (gray[i] - mean) * (gray[i] - mean);
	for (int y = 0; y < SIDE - 1; y++)
		for (int x = 0; x < SIDE - 1; x++)
		{
			const float *p = gray + y * SIDE + x;
			double dx = p[1] - p[0], dy = p[SIDE] - p[0];

			slopes += dx * dx + dy * dy;
		}
	for (int y = 1; y < SIDE - 1; y++)
		for (int x = 1; x < SIDE - 1; x++)
		{
			const float *p = gray + y * SIDE + x;
			double bend = 4 * p[0] - p[-1] - p[1] - p[-SIDE] - p[SIDE];

			bends += bend * bend;
		}
	contrast = log(sqrt(squares / PIXELS) + LEAST_CONTRAST);
	slope = log(sqrt(slopes / ((SIDE - 1) * (SIDE - 1))) + LEAST_SLOPE);
	traits[SC_CAPTURE_BRIGHTNESS] = mean;
	traits[SC_CAPTURE_CONTRAST] = contrast;
	traits[SC_CAPTURE_SHARPNESS] = slope - contrast;
	traits[SC_CAPTURE_DETAIL] = log(sqrt(bends / ((SIDE - 2) * (SIDE - 2))) + LEAST_SLOPE) - slope;
}

sc_status
sc_capture_run(const sc_lane *lane, void *arg)
{
	sc_capture *c = arg;
	float *gray = c->gray + (size_t) lane->index * PIXELS;
	int i;

	while ((i = atomic_fetch_add(&c->next, 1)) < c->count)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_gray_picture(lane, &c->space, gray, &c->images[i]);
		measure(c->traits + (size_t) i * SC_CAPTURE_TRAITS, gray);
	}
	return SC_OK;
}
