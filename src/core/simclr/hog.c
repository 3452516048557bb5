/*-------------------------------------------------------------------------
 *
 * src/core/simclr/hog.c
 *	  Where the edges of a view run: a histogram of oriented gradients.
 *
 * The root of shares makes the distance of two histograms Hellinger's, which
 * does not leave it to the few strongest edges (Arandjelovic and Zisserman,
 * "Three Things Everyone Should Know to Improve Object Retrieval", CVPR 2012).
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/hog.h"
#include "core/base/status.h"
#include "core/simclr/gray.h"

#include <math.h>
#include <string.h>

/* The slope between the neighbours of place i of a line, which has one only at its ends. */
static float
slope(const float *line, int i, int side, int step)
{
	int before = SC_MAX(i - 1, 0), after = SC_MIN(i + 1, side - 1);

	return (line[after * step] - line[before * step]) / (float) (after - before);
}

void
sc_hog(float *out, const float *view, int side, const float mean[3], const float std[3], float *gray)
{
	const float half_turn = 3.14159265f;
	double sum = 0;

	memset(out, 0, SC_HOG_DIM * sizeof(float));
	sc_to_gray(gray, view, side * side, mean, std);
	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++)
		{
			float *cell = out + (y * SC_HOG_CELLS / side * SC_HOG_CELLS + x * SC_HOG_CELLS / side) * SC_HOG_BINS;
			float dx = slope(gray + (size_t) y * side, x, side, 1), dy = slope(gray + x, y, side, side);
			float size = sqrtf(dx * dx + dy * dy), angle = atan2f(dy, dx);
			float at = (angle < 0 ? angle + half_turn : angle) * (SC_HOG_BINS / half_turn);
			int bin = (int) at;
			float share = at - (float) bin;

			/* Between the two directions that it lies between; the last one's next is the first. */
			cell[bin % SC_HOG_BINS] += size * (1 - share);
			cell[(bin + 1) % SC_HOG_BINS] += size * share;
		}
	for (int i = 0; i < SC_HOG_DIM; i++)
		sum += out[i];
	for (int i = 0; i < SC_HOG_DIM; i++)
		out[i] = sum > 0 ? (float) sqrt(out[i] / sum) : 0.0f;
}
