/*-------------------------------------------------------------------------
 *
 * src/core/image/quality.c
 *	  How sharp, how bright and how varied a picture is.
 *
 * The variance of the Laplacian as a measure of focus: Pech-Pacheco and others,
 * "Diatom autofocusing in brightfield microscopy: a comparative study" (2000).
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/quality.h"

#include <math.h>

/* The variance that is half sharp. */
#define HALF_SHARP 100.0

/* In 16 bits after the point; the three add up to 1. */
static int
luma(const uint8_t *pixel, int channels)
{
	if (channels == SC_GRAY)
		return pixel[0];
	return (int) ((19595u * pixel[0] + 38470u * pixel[1] + 7471u * pixel[2] + 32768u) >> 16);
}

static int
luma_at(const sc_image *image, int x, int y)
{
	size_t at = (size_t) y * (size_t) image->width + (size_t) x;

	return luma(image->pixels + at * (size_t) image->channels, image->channels);
}

/* The neighbours on the left and the right, above and below, minus four times the pixel. */
static int
laplacian(const sc_image *image, int x, int y)
{
	int right = SC_MIN(x + 1, image->width - 1), below = SC_MIN(y + 1, image->height - 1);

	return luma_at(image, SC_MAX(x - 1, 0), y) + luma_at(image, right, y) + luma_at(image, x, SC_MAX(y - 1, 0)) +
		   luma_at(image, x, below) - 4 * luma_at(image, x, y);
}

sc_status
sc_quality_run(const sc_lane *lane, void *arg)
{
	sc_quality *q = arg;
	const sc_image *image = &q->image;
	double pixels = (double) image->width * image->height;
	uint64_t histogram[256] = {0};
	uint64_t sum = 0, squares = 0;
	int64_t edges = 0;
	double variance, bits = 0;

	SC_ASSERT(image->width >= 1 && image->height >= 1);
	if (lane->index > 0)
		return SC_OK;
	for (int y = 0; y < image->height; y++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (int x = 0; x < image->width; x++)
		{
			int v = luma_at(image, x, y), l = laplacian(image, x, y);

			histogram[v]++;
			sum += (uint64_t) v;
			edges += l;
			squares += (uint64_t) (l * l);
		}
	}
	for (int v = 0; v < 256; v++)
		if (histogram[v] > 0)
			bits -= (double) histogram[v] / pixels * log2((double) histogram[v] / pixels);
	variance = (double) squares / pixels - (double) edges / pixels * ((double) edges / pixels);
	variance = fmax(variance, 0);
	q->sharpness = variance / (variance + HALF_SHARP);
	q->brightness = (double) sum / pixels / 255;
	q->entropy = fmin(fmax(bits / 8, 0), 1);
	return SC_OK;
}
