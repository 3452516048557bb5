/*-------------------------------------------------------------------------
 *
 * src/core/analytics/erasure.c
 *	  Rows without what they say of traits.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/erasure.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"

/* Rows between two looks at the stop flag. */
#define STOP_ROWS 256

/* Of a direction, what the others before it leave of its length: less is rounding. */
#define LEAST_OWN 1e-6

/* A trait that varies by less of its size is the same for all rows. */
#define LEAST_DEVIATION 1e-9

void
sc_erasure_layout(sc_erasure *e, sc_arena *arena)
{
	size_t d = (size_t) e->d, traits = (size_t) e->traits;

	SC_ASSERT(e->n >= 1 && e->d >= 1 && e->traits >= 1);
	e->basis = SC_TAKE(arena, double, sc_mul(traits, d));
	e->mean = SC_TAKE(arena, double, d);
	e->score = SC_TAKE(arena, double, sc_mul(e->n, traits));
	e->part = SC_TAKE(arena, double, sc_mul(SC_ERASURE_PARTS, sc_mul(traits, d)));
}

/* out (d): the sums of all parts, which lie `stride` apart. */
static void
add_parts(double *out, const double *part, size_t stride, size_t d)
{
	memcpy(out, part, d * sizeof(double));
	for (size_t p = 1; p < SC_ERASURE_PARTS; p++)
		for (size_t j = 0; j < d; j++)
			out[j] += part[p * stride + j];
}

/* On one lane: a few numbers of each row. */
static void
find_scores(sc_erasure *e)
{
	size_t traits = (size_t) e->traits;

	for (size_t t = 0; t < traits; t++)
	{
		double mean = 0, largest = 0, squares = 0, scale;

		for (size_t i = 0; i < e->n; i++)
		{
			mean += e->trait[i * traits + t] / (double) e->n;
			largest = fmax(largest, fabs(e->trait[i * traits + t]));
		}
		for (size_t i = 0; i < e->n; i++)
			squares += (e->trait[i * traits + t] - mean) * (e->trait[i * traits + t] - mean) / (double) e->n;
		scale = sqrt(squares) > LEAST_DEVIATION * largest ? 1 / sqrt(squares) : 0;
		for (size_t i = 0; i < e->n; i++)
			e->score[i * traits + t] = (e->trait[i * traits + t] - mean) * scale;
	}
}

static sc_status
find_mean(const sc_lane *lane, sc_erasure *e)
{
	size_t d = (size_t) e->d, stride = (size_t) e->traits * d;

	for (int p = lane->index; p < SC_ERASURE_PARTS; p += lane->count)
	{
		double *sum = e->part + (size_t) p * stride;
		size_t begin, end;

		sc_shard_range(e->n, SC_ERASURE_PARTS, p, &begin, &end);
		memset(sum, 0, d * sizeof(double));
		for (size_t i = begin; i < end; i++)
		{
			if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_distance()->add_row(sum, e->rows + i * d, e->d);
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		add_parts(e->mean, e->part, stride, d);
		for (size_t j = 0; j < d; j++)
			e->mean[j] /= (double) e->n;
		find_scores(e);
	}
	return sc_lane_barrier(lane);
}

/* Make basis (count + 1, d) of an orthonormal one (count, d) and a direction, if that has something of its own. */
static bool
add_direction(double *basis, int count, const double *direction, size_t d)
{
	double *own = basis + (size_t) count * d;
	double before = 0, after = 0;

	memcpy(own, direction, d * sizeof(double));
	for (size_t j = 0; j < d; j++)
		before += own[j] * own[j];
	/* Twice is enough for any (Giraud and others 2005). */
	for (int pass = 0; pass < 2; pass++)
		for (int b = 0; b < count; b++)
		{
			const double *other = basis + (size_t) b * d;
			double along = 0;

			for (size_t j = 0; j < d; j++)
				along += own[j] * other[j];
			for (size_t j = 0; j < d; j++)
				own[j] -= along * other[j];
		}
	for (size_t j = 0; j < d; j++)
		after += own[j] * own[j];
	if (!(sqrt(after) > LEAST_OWN * sqrt(before)))
		return false;
	for (size_t j = 0; j < d; j++)
		own[j] /= sqrt(after);
	return true;
}

/* The covariances of traits and coordinates, and the basis of what they span. */
static sc_status
find_basis(const sc_lane *lane, sc_erasure *e)
{
	size_t d = (size_t) e->d, traits = (size_t) e->traits, stride = traits * d;

	for (int p = lane->index; p < SC_ERASURE_PARTS; p += lane->count)
	{
		double *sum = e->part + (size_t) p * stride;
		size_t begin, end;

		sc_shard_range(e->n, SC_ERASURE_PARTS, p, &begin, &end);
		memset(sum, 0, stride * sizeof(double));
		for (size_t i = begin; i < end; i++)
		{
			const float *x = e->rows + i * d;

			if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			for (size_t t = 0; t < traits; t++)
				for (size_t j = 0; j < d; j++)
					sum[t * d + j] += e->score[i * traits + t] * (x[j] - e->mean[j]);
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		e->found = 0;
		for (size_t t = 0; t < traits; t++)
		{
			double *covariance = e->part + t * d;

			add_parts(e->basis + (size_t) e->found * d, covariance, stride, d);
			memcpy(covariance, e->basis + (size_t) e->found * d, d * sizeof(double));
			if (add_direction(e->basis, e->found, covariance, d))
				e->found++;
		}
	}
	return sc_lane_barrier(lane);
}

static sc_status
erase(const sc_lane *lane, const sc_erasure *e)
{
	size_t d = (size_t) e->d, begin, end;

	sc_shard_range(e->n, lane->count, lane->index, &begin, &end);
	for (size_t i = begin; i < end; i++)
	{
		const float *x = e->rows + i * d;
		float *out = e->out + i * d;

		if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		if (out != x)
			memcpy(out, x, d * sizeof(float));
		for (int b = 0; b < e->found; b++)
		{
			const double *direction = e->basis + (size_t) b * d;
			double along = sc_distance()->dot_centred(out, e->mean, direction, e->d);

			for (size_t j = 0; j < d; j++)
				out[j] = (float) (out[j] - along * direction[j]);
		}
	}
	return SC_OK;
}

sc_status
sc_erasure_run(const sc_lane *lane, void *arg)
{
	sc_erasure *e = arg;

	SC_TRY(find_mean(lane, e));
	SC_TRY(find_basis(lane, e));
	return erase(lane, e);
}
