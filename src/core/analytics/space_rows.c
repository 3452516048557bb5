/*-------------------------------------------------------------------------
 *
 * src/core/analytics/space_rows.c
 *	  The points of many rows, by blocked products.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/space.h"

#include <math.h>

#include "core/analytics/space_parts.h"
#include "core/base/gemm.h"

/* Rows of a product: 64 of 512 doubles are a quarter of a megabyte, which a CPU's second cache keeps. */
#define BLOCK 64

void
sc_space_project_layout(sc_space_rows *p, sc_arena *arena)
{
	const sc_space *s = p->space;

	SC_ASSERT(s->q >= 1 && s->q <= s->d && !s->l2_normalize);
	/* No row depends on another: as many shards as there can be lanes. */
	p->shards = (int) SC_MAX(SC_MIN((p->n + BLOCK - 1) / BLOCK, SC_MAX_LANES), 1);
	p->blocks = SC_TAKE(arena, double, sc_mul(sc_mul(p->shards, BLOCK), (size_t) s->d + (size_t) s->q));
}

/* Rows begin ... begin + m - 1, m <= BLOCK, of p. block: (BLOCK, d), y: (BLOCK, q), scratch. */
static void
project_block(const sc_space_rows *p, size_t begin, size_t m, double *block, double *y)
{
	const sc_space *s = p->space;
	size_t d = (size_t) s->d, q = (size_t) s->q;
	double mean_square = sc_space_mean_square(s);

	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < d; j++)
			block[i * d + j] = (double) p->rows[(begin + i) * d + j] - s->mean[j];
	sc_dgemm(false, true, (int) m, s->q, s->d, 1.0, block, s->d, s->components, s->d, 0.0, y, s->q);
	for (size_t c = 0; c < q; c++)
	{
		double variance = sc_space_variance(s, (int) c, mean_square);
		double scale = variance > 0 ? 1 / sqrt(variance) : 0;

		for (size_t i = 0; i < m; i++)
			p->out[(begin + i) * q + c] = (float) (y[i * q + c] * scale);
	}
}

sc_status
sc_space_project_run(const sc_lane *lane, void *arg)
{
	sc_space_rows *p = arg;
	size_t d = (size_t) p->space->d, q = (size_t) p->space->q;
	size_t begin, end;

	for (int s = lane->index; s < p->shards; s += lane->count)
	{
		double *block = p->blocks + (size_t) s * BLOCK * (d + q);

		sc_shard_range(p->n, p->shards, s, &begin, &end);
		for (; begin < end; begin += BLOCK)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			project_block(p, begin, SC_MIN((size_t) BLOCK, end - begin), block, block + BLOCK * d);
		}
	}
	return SC_OK;
}
