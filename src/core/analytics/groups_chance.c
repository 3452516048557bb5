/*-------------------------------------------------------------------------
 *
 * src/core/analytics/groups_chance.c
 *	  What modularity points without groups have.
 *
 * A point is the mean of the rows and a sum of what the rows differ from it by,
 * each times a number of its own from the standard normal distribution: so it
 * is normal, with exactly the rows' mean and covariance, in any number of
 * dimensions and without an eigenvalue. (Rows without groups need not be
 * normal, but what spectrum they have matters most: the fewer directions rows
 * spread along, the more a graph of neighbours falls into parts.)
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/groups_parts.h"

#include <math.h>
#include <string.h>

#include "core/analytics/space.h"
#include "core/base/gemm.h"
#include "core/base/rng.h"

/* The stream of random numbers of the points, apart from those of other uses. */
#define POINTS_STREAM UINT64_C(0x6368616E6365)

/* Rows between two looks at the stop flag. */
#define STOP_ROWS 256

void
sc_groups_chance_layout(sc_groups *g, sc_arena *arena)
{
	sc_groups_work *w = g->work;
	size_t most = (size_t) w->most;

	w->mean = SC_TAKE(arena, double, g->d);
	w->centred = SC_TAKE(arena, float, sc_mul(most, g->d));
	w->normal = SC_TAKE(arena, float, sc_mul(g->lanes, sc_mul(SC_GROUPS_BLOCK, most + 1)));
	w->drawn = SC_TAKE(arena, uint32_t, sc_mul(SC_GROUPS_DRAWS, sc_mul(most, w->stride)));
	w->draws = SC_TAKE(arena, sc_groups_curve, SC_GROUPS_DRAWS);
}

/* mean and centred, of x. By one lane. */
static sc_status
centre(const sc_lane *lane, const sc_groups *g)
{
	sc_groups_work *w = g->work;
	size_t d = (size_t) g->d;

	memset(w->mean, 0, d * sizeof(double));
	for (size_t i = 0; i < (size_t) w->s; i++)
		for (size_t j = 0; j < d; j++)
			w->mean[j] += w->x[i * d + j];
	for (size_t j = 0; j < d; j++)
		w->mean[j] /= w->s;
	for (size_t i = 0; i < (size_t) w->s; i++)
	{
		if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		for (size_t j = 0; j < d; j++)
			w->centred[i * d + j] = (float) (w->x[i * d + j] - w->mean[j]);
	}
	return SC_OK;
}

/* points: those of one draw, each from random numbers of its own. */
static sc_status
draw(const sc_lane *lane, const sc_groups *g, int number)
{
	sc_groups_work *w = g->work;
	size_t d = (size_t) g->d, s = (size_t) w->s;
	/* Numbers are drawn in pairs. */
	size_t row = (s + 1) / 2 * 2;
	float *normal = w->normal + (size_t) lane->index * SC_GROUPS_BLOCK * ((size_t) w->most + 1);
	float scale = (float) (1 / sqrt((double) s - 1));

	/* Blocks are the same for any number of lanes, so that each product has the same bits. */
	for (size_t begin = (size_t) lane->index * SC_GROUPS_BLOCK; begin < s;
		 begin += (size_t) lane->count * SC_GROUPS_BLOCK)
	{
		int m = (int) SC_MIN(SC_GROUPS_BLOCK, s - begin);
		float *out = w->points + begin * d;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (int i = 0; i < m; i++)
		{
			sc_rng rng = sc_rng_stream(g->seed, POINTS_STREAM, (uint64_t) number, begin + i);

			for (size_t j = 0; j < row; j += 2)
				sc_rng_normal_pair(&rng, normal + i * row + j);
		}
		sc_sgemm(false, false, m, (int) d, (int) s, scale, normal, (int) row, w->centred, (int) d, 0, out, (int) d);
		for (int i = 0; i < m; i++)
		{
			for (size_t j = 0; j < d; j++)
				out[i * d + j] += (float) w->mean[j];
			if (g->cosine)
				(void) sc_space_normalize(out + i * d, out + i * d, g->d);
		}
	}
	return sc_lane_barrier(lane);
}

sc_status
sc_groups_draw(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;
	sc_groups_lane *own = &w->lane[lane->index];
	size_t each = (size_t) w->s * w->m;

	if (lane->index == 0)
		SC_TRY(centre(lane, g));
	SC_TRY(sc_lane_barrier(lane));
	for (int i = 0; i < SC_GROUPS_DRAWS; i++)
	{
		SC_TRY(draw(lane, g, i));
		SC_TRY(sc_groups_find_near(lane, g, w->points, w->drawn + i * each, w->m));
	}
	for (int i = lane->index; i < SC_GROUPS_DRAWS; i += lane->count)
	{
		sc_neighbour_graph(&own->graph, w->drawn + i * each, w->s, w->m, w->m, g->jaccard);
		SC_TRY(sc_groups_find_curve(lane, g, &own->graph, own, &w->draws[i]));
	}
	return sc_lane_barrier(lane);
}
