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

/* What is added up of two numbers for their correlation. */
enum
{
	A,
	B,
	AA,
	BB,
	AB,
	SUMS
};

/* A trait that varies by less of its size is the same for all rows. */
#define LEAST_DEVIATION 1e-9

void
sc_erasure_layout(sc_erasure *e, sc_arena *arena)
{
	size_t d = (size_t) e->d, traits = (size_t) e->traits;

	SC_ASSERT(e->n >= 1 && e->d >= 1 && e->traits >= 1);
	e->basis = SC_TAKE(arena, double, sc_mul(traits, d));
	sc_centring_layout(&e->centring, SC_ERASURE_PARTS, e->d, arena);
	e->score = SC_TAKE(arena, double, sc_mul(e->n, traits));
	e->part = SC_TAKE(arena, double, sc_mul(SC_ERASURE_PARTS, sc_mul(traits, d)));
	e->told = SC_TAKE(arena, double, traits);
	e->half = SC_TAKE(arena, double, sc_mul(2, sc_mul(traits, d)));
	e->sums = SC_TAKE(arena, double, sc_mul(SC_ERASURE_PARTS * SUMS, traits));
}

/* out (d): the sums of every step-th of the parts from the first on; they lie `stride` apart. */
static void
add_parts(double *out, const double *part, size_t parts, size_t first, size_t step, size_t stride, size_t d)
{
	memcpy(out, part + first * stride, d * sizeof(double));
	for (size_t p = first + step; p < parts; p += step)
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

/* The covariances of traits and coordinates, but for the number of rows: of each part, and of the halves. */
static sc_status
find_covariances(const sc_lane *lane, sc_erasure *e)
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
					sum[t * d + j] += e->score[i * traits + t] * (x[j] - e->centring.mean[j]);
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		for (size_t h = 0; h < 2; h++)
			add_parts(e->half + h * stride, e->part, SC_ERASURE_PARTS, h, 2, stride, stride);
	return sc_lane_barrier(lane);
}

/* Of sums (SUMS) over so many pairs; 0 where one of the two does not vary. */
static double
correlation(const double *sums, double pairs)
{
	double a = sums[AA] - sums[A] * sums[A] / pairs, b = sums[BB] - sums[B] * sums[B] / pairs;

	return a > 0 && b > 0 ? (sums[AB] - sums[A] * sums[B] / pairs) / sqrt(a * b) : 0;
}

static size_t
rows_of_half(const sc_erasure *e, int half)
{
	size_t rows = 0;

	for (int p = half; p < SC_ERASURE_PARTS; p += 2)
	{
		size_t begin, end;

		sc_shard_range(e->n, SC_ERASURE_PARTS, p, &begin, &end);
		rows += end - begin;
	}
	return rows;
}

/* What the direction of one half says of the other. */
static sc_status
find_told(const sc_lane *lane, sc_erasure *e)
{
	size_t d = (size_t) e->d, traits = (size_t) e->traits;

	for (int p = lane->index; p < SC_ERASURE_PARTS; p += lane->count)
	{
		const double *other = e->half + (size_t) (1 - p % 2) * traits * d;
		double *sums = e->sums + (size_t) p * traits * SUMS;
		size_t begin, end;

		sc_shard_range(e->n, SC_ERASURE_PARTS, p, &begin, &end);
		memset(sums, 0, traits * SUMS * sizeof(double));
		for (size_t i = begin; i < end; i++)
		{
			if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			for (size_t t = 0; t < traits; t++)
			{
				double a = sc_distance()->dot_centred(e->rows + i * d, e->centring.mean, other + t * d, e->d);
				double b = e->score[i * traits + t], *s = sums + t * SUMS;

				s[A] += a;
				s[B] += b;
				s[AA] += a * a;
				s[BB] += b * b;
				s[AB] += a * b;
			}
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		for (size_t t = 0; t < traits; t++)
		{
			e->told[t] = 0;
			for (int h = 0; h < 2; h++)
			{
				size_t rows = rows_of_half(e, h);
				double sums[SUMS];

				add_parts(sums, e->sums + t * SUMS, SC_ERASURE_PARTS, (size_t) h, 2, traits * SUMS, SUMS);
				e->told[t] += rows > 0 ? correlation(sums, (double) rows) / 2 : 0;
			}
		}
	return sc_lane_barrier(lane);
}

/* A basis of the directions of the traits that rows tell. By one lane. */
static void
find_basis(sc_erasure *e)
{
	size_t d = (size_t) e->d, traits = (size_t) e->traits, stride = traits * d;

	e->found = 0;
	for (size_t t = 0; t < traits; t++)
	{
		double *covariance = e->part;

		if (!(e->told[t] * sqrt((double) e->n) > SC_ERASURE_TOLD))
			continue;
		add_parts(covariance, e->half + t * d, 2, 0, 1, stride, d);
		if (add_direction(e->basis, e->found, covariance, d))
			e->found++;
	}
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
			double along = sc_distance()->dot_centred(out, e->centring.mean, direction, e->d);

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

	/* All see them behind the barriers of the mean. */
	if (lane->index == 0)
		find_scores(e);
	SC_TRY(sc_centring_find(lane, &e->centring, e->rows, NULL, e->n, e->d, 1));
	SC_TRY(find_covariances(lane, e));
	SC_TRY(find_told(lane, e));
	if (lane->index == 0)
		find_basis(e);
	SC_TRY(sc_lane_barrier(lane));
	return erase(lane, e);
}
