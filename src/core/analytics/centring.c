/*-------------------------------------------------------------------------
 *
 * src/core/analytics/centring.c
 *	  The mean of rows and their largest magnitude, by shards.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/centring.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"

/* Rows between two looks at the stop flag: 256 of 16,000 numbers are read in a few milliseconds. */
#define STOP_ROWS 256

double
sc_centring_scale(double largest)
{
	int exponent;

	frexp(largest, &exponent);
	return largest > 0 ? ldexp(1, -exponent) : 1;
}

void
sc_centring_layout(sc_centring *c, int shards, int d, sc_arena *arena)
{
	c->shards = shards;
	c->mean = SC_TAKE(arena, double, d);
	c->sums = SC_TAKE(arena, double, sc_mul(shards, (size_t) d + 1));
}

/* Mean and scale from the sums of all shards, in their order. */
static void
finish(sc_centring *c, size_t n, size_t d, int reach)
{
	double largest = 0;

	memset(c->mean, 0, d * sizeof(double));
	for (int s = 0; s < c->shards; s++)
	{
		const double *sum = c->sums + (size_t) s * (d + 1);

		for (size_t j = 0; j < d; j++)
			c->mean[j] += sum[j];
		largest = fmax(largest, sum[d]);
	}
	for (size_t j = 0; j < d; j++)
		c->mean[j] /= (double) n;
	c->scale = sc_centring_scale(reach * largest);
}

sc_status
sc_centring_find(const sc_lane *lane, sc_centring *c, const float *rows, const uint32_t *order, size_t n, int d,
				 int reach)
{
	size_t begin, end;

	for (int s = lane->index; s < c->shards; s += lane->count)
	{
		double *sum = c->sums + (size_t) s * ((size_t) d + 1);

		memset(sum, 0, ((size_t) d + 1) * sizeof(double));
		sc_shard_range(n, c->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			const float *x = rows + (order != NULL ? order[i] : i) * (size_t) d;

			if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_distance()->add_row(sum, x, d);
			sum[d] = fmax(sum[d], sc_distance()->largest(x, d));
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		finish(c, n, (size_t) d, reach);
	return sc_lane_barrier(lane);
}
