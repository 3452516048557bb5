/*-------------------------------------------------------------------------
 *
 * tests/unit/points.h
 *	  Points by formula, the same as in tests/fixtures/make_sklearn.py.
 *
 *-------------------------------------------------------------------------
 */
#ifndef POINTS_H
#define POINTS_H

#include "core/base/arena.h"

#define POINTS_N 600
#define POINTS_D 12
#define POINTS_CENTRES 5

/* x: (n, d), around `centres` centres; row i belongs to centre i % centres. */
static inline void
points_fill(float *x, int n, int d, int centres)
{
	for (long i = 0; i < n; i++)
		for (long j = 0; j < d; j++)
		{
			long c = i % centres;
			double h = (double) ((i * 7919 + j * 104729 + i * i * 31 + j * i * 17) % 1009) / 1009.0;

			x[i * d + j] = (float) ((double) ((c * 37 + j * 11 + c * j * 5) % 23) * 0.5 + h * (double) (1 + j % 3));
		}
}

/* Memory for what a counting arena counted. */
static inline sc_arena
points_arena(const sc_arena *count)
{
	size_t bytes = sc_arena_need(count);

	return sc_arena_over(unit_keep(bytes), bytes);
}

#endif /* POINTS_H */
