/*-------------------------------------------------------------------------
 *
 * src/core/simclr/mirror.c
 *	  Small gray pictures of images and of their mirror images, as rows.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/mirror.h"

#include <math.h>

#include "core/simclr/augment.h"
#include "core/simclr/gray.h"

/* A picture whose luma varies less than this, as its root of a sum of squares, is of one tone. */
#define ONE_TONE 1e-3

/* A view in colours of 0 ... 1. */
static const float zero[3] = {0, 0, 0}, one[3] = {1, 1, 1};

static size_t
scratch_each(void)
{
	return (sc_augment_scratch_bytes(SC_MIRROR_SIDE) + SC_ALIGN - 1) / SC_ALIGN * SC_ALIGN;
}

void
sc_mirror_layout(sc_mirror *mirror, sc_arena *arena)
{
	SC_ASSERT(mirror->lanes >= 1 && mirror->lanes <= SC_MAX_LANES);
	mirror->augment = sc_arena_take(arena, (size_t) mirror->lanes, scratch_each());
	mirror->view = SC_TAKE(arena, float, (size_t) mirror->lanes *SC_MIRROR_DIM * 3);
}

/* view (SC_MIRROR_DIM, 3): colours, 0 ... 1 */
static void
make_row(float *row, float *mirrored, const float *view)
{
	double mean = 0, square = 0;
	float norm;

	sc_to_gray(row, view, SC_MIRROR_DIM, zero, one);
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
	void *scratch = (char *) m->augment + (size_t) lane->index * scratch_each();
	float *view = m->view + (size_t) lane->index * SC_MIRROR_DIM * 3;
	int i;

	SC_ASSERT(lane->index < m->lanes);
	while ((i = atomic_fetch_add(&m->next, 1)) < m->count)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_plain_view(view, &m->images[i], SC_MIRROR_SIDE, zero, one, scratch);
		make_row(m->rows + (size_t) i * SC_MIRROR_DIM, m->mirrored + (size_t) i * SC_MIRROR_DIM, view);
	}
	return SC_OK;
}
