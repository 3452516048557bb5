/*-------------------------------------------------------------------------
 *
 * src/core/simclr/mirror.c
 *	  Small gray pictures of images and of their mirror images, as rows.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/mirror.h"

#include <math.h>

/* A picture whose luma varies less than this, as its root of a sum of squares, is of one tone. */
#define ONE_TONE 1e-3

void
sc_mirror_layout(sc_mirror *mirror, sc_arena *arena)
{
	sc_gray_layout(&mirror->space, SC_MIRROR_SIDE, mirror->lanes, arena);
}

/* Of the gray picture in row (SC_MIRROR_DIM). */
static void
make_row(float *row, float *mirrored)
{
	double mean = 0, square = 0;
	float norm;

	for (int i = 0; i < SC_MIRROR_DIM; i++)
		mean += row[i] / (double) SC_MIRROR_DIM;
	for (int i = 0; i < SC_MIRROR_DIM; i++)
	{
		row[i] -= (float) mean;
		square += (double) row[i] * row[i];
	}
	norm = sqrt(square) < ONE_TONE ? 0.0f : (float) (1 / sqrt(square));
	for (int i = 0; i < SC_MIRROR_DIM; i++)
		row[i] *= norm;
	for (int y = 0; y < SC_MIRROR_SIDE; y++)
		for (int x = 0; x < SC_MIRROR_SIDE; x++)
			mirrored[y * SC_MIRROR_SIDE + x] = row[(y + 1) * SC_MIRROR_SIDE - 1 - x];
}

sc_status
sc_mirror_run(const sc_lane *lane, void *arg)
{
	sc_mirror *m = arg;
	int i;

	while ((i = atomic_fetch_add(&m->next, 1)) < m->count)
	{
		float *row = m->rows + (size_t) i * SC_MIRROR_DIM;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_gray_picture(lane, &m->space, row, &m->images[i]);
		make_row(row, m->mirrored + (size_t) i * SC_MIRROR_DIM);
	}
	return SC_OK;
}
