/*-------------------------------------------------------------------------
 *
 * src/core/nn/ntxent.c
 *	  NT-Xent (ntxent.h) by tiles.
 *
 * With the logits s_ij = cos(z_i, z_j) / t, where t is the temperature, and
 * p_i the softmax of row i without s_ii (and without the views of its kin), equation 1 of the SimCLR paper is
 *		loss_i = logsumexp(s_i) - s_i,pair(i),
 * and the loss of the batch its mean over the 2B views. As s is symmetric, the
 * gradient of the unit vector of view i is
 *		sum over j of (p_ij + p_ji - 2 [j = pair(i)]) / (2B t) * unit_j.
 * So each shard of views computes its own gradient whole. Of the other views'
 * rows it needs p alone, which two numbers a row from the first pass give (top
 * and share).
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/ntxent.h"
#include "core/base/gemm.h"
#include "core/nn/ntxent_parts.h"

#include <math.h>
#include <string.h>

/* A tile is at most 128 rows of 512 columns: 256 kB, the smallest second cache of a CPU with AVX2. */
#define COLUMNS 512
#define MAX_TILE_VIEWS 128

/* The least length that a vector is divided by, as of torch.nn.functional.normalize. */
#define LEAST_LENGTH 1e-12f

void
sc_ntxent_layout(sc_ntxent *loss, sc_arena *arena, int batch, int dim, float temperature, int lanes)
{
	size_t views = sc_mul((size_t) batch, 2);

	SC_ASSERT(batch > 0 && dim > 0 && lanes > 0 && temperature > 0.0f);
	memset(loss, 0, sizeof(*loss));
	loss->views = 2 * batch;
	loss->dim = dim;
	loss->temperature = temperature;
	/* Tall tiles make fast products; but not where they would be fewer than 32, for that many lanes. */
	loss->tile_views = loss->views <= 32 * MAX_TILE_VIEWS ? 32 : MAX_TILE_VIEWS;
	loss->shards = (loss->views + loss->tile_views - 1) / loss->tile_views;
	loss->tile_floats = (size_t) loss->tile_views * COLUMNS;

	loss->unit = SC_TAKE(arena, float, sc_mul(views, (size_t) dim));
	loss->length = SC_TAKE(arena, float, views);
	loss->top = SC_TAKE(arena, float, views);
	loss->share = SC_TAKE(arena, float, views);
	loss->partial = SC_TAKE(arena, double, (size_t) loss->shards);
	loss->tiles = SC_TAKE(arena, float, sc_mul((size_t) lanes, loss->tile_floats));
}

void
sc_ntxent_set_kin(sc_ntxent *loss, const int *kin, int each)
{
	SC_ASSERT(kin == NULL || each > 0);
	loss->kin = kin;
	loss->kin_each = each;
}

/* Of a row of a tile, which begins with column `from` and has n: what both views of the kin of its view have. */
static void
put_kin(float *row, const sc_ntxent *loss, int view, int from, int n, float value)
{
	int half = loss->views / 2;
	const int *kin = loss->kin + (ptrdiff_t) (view % half) * loss->kin_each;

	for (int i = 0; i < loss->kin_each && kin[i] >= 0; i++)
		for (int column = kin[i] - from; column < n; column += half)
			if (column >= 0)
				row[column] = value;
}

/*
 * The logits, cosines divided by the temperature, of rows begin ... begin + m - 1
 * and columns from ... from + n - 1: tile (m, n).
 */
static void
logits(float *tile, const sc_ntxent *loss, int begin, int m, int from, int n)
{
	const float *unit = loss->unit;
	size_t dim = (size_t) loss->dim;

	sc_sgemm(false, true, m, n, loss->dim, 1.0f / loss->temperature, unit + (size_t) begin * dim, loss->dim,
			 unit + (size_t) from * dim, loss->dim, 0.0f, tile, n);
}

static void
normalize_views(sc_ntxent *loss, const float *z, int begin, int m)
{
	size_t dim = (size_t) loss->dim;

	for (int i = begin; i < begin + m; i++)
	{
		const float *row = z + (size_t) i * dim;
		float *unit = loss->unit + (size_t) i * dim;
		double square = 0.0;
		float length;

		for (size_t d = 0; d < dim; d++)
			square += (double) row[d] * row[d];
		length = (float) sqrt(square);
		loss->length[i] = length < LEAST_LENGTH ? LEAST_LENGTH : length;
		for (size_t d = 0; d < dim; d++)
			unit[d] = row[d] / loss->length[i];
	}
}

/* First pass: top and share of the rows, and their part of the loss. */
static sc_status
softmax_rows(const sc_lane *lane, sc_ntxent *loss, float *tile, int shard)
{
	int begin = shard * loss->tile_views, m = SC_MIN(loss->tile_views, loss->views - begin), half = loss->views / 2;
	float top[MAX_TILE_VIEWS], pair[MAX_TILE_VIEWS];
	double sum[MAX_TILE_VIEWS];

	for (int i = 0; i < m; i++)
	{
		top[i] = -INFINITY;
		pair[i] = 0.0f;
		sum[i] = 0.0;
	}
	for (int from = 0; from < loss->views; from += COLUMNS)
	{
		int n = SC_MIN(COLUMNS, loss->views - from);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		logits(tile, loss, begin, m, from, n);
		for (int i = 0; i < m; i++)
		{
			float *row = tile + (size_t) i * n;
			int self = begin + i - from, other = (begin + i + half) % loss->views - from;
			float here;

			if (other >= 0 && other < n)
				pair[i] = row[other];
			if (self >= 0 && self < n)
				row[self] = -INFINITY;
			if (loss->kin != NULL)
				put_kin(row, loss, begin + i, from, n, -INFINITY);
			here = SC_SIMD_CALL(sc_ntxent_tile_max)(row, n);
			if (here > top[i])
			{
				sum[i] *= exp((double) top[i] - (double) here);
				top[i] = here;
			}
			sum[i] += SC_SIMD_CALL(sc_ntxent_tile_sum)(row, n, top[i]);
		}
	}

	loss->partial[shard] = 0.0;
	for (int i = 0; i < m; i++)
	{
		loss->top[begin + i] = top[i];
		loss->share[begin + i] = (float) (1.0 / sum[i]);
		/* Equation 1: top + log(sum) is the logarithm of the denominator, pair that of the numerator. */
		loss->partial[shard] += (double) top[i] + log(sum[i]) - (double) pair[i];
	}
	return SC_OK;
}

/* Second pass: the gradient of the z of the rows. */
static sc_status
gradient_rows(const sc_lane *lane, const sc_ntxent *loss, float *tile, float *dz, int shard)
{
	int begin = shard * loss->tile_views, m = SC_MIN(loss->tile_views, loss->views - begin), half = loss->views / 2;
	size_t dim = (size_t) loss->dim;
	float factor = (float) (1.0 / ((double) loss->views * (double) loss->temperature));

	for (int from = 0; from < loss->views; from += COLUMNS)
	{
		int n = SC_MIN(COLUMNS, loss->views - from);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		logits(tile, loss, begin, m, from, n);
		for (int i = 0; i < m; i++)
		{
			float *row = tile + (size_t) i * n;
			int self = begin + i - from, other = (begin + i + half) % loss->views - from;

			SC_SIMD_CALL(sc_ntxent_tile_gradient)
			(row, n, loss->top[begin + i], loss->share[begin + i], loss->top + from, loss->share + from, factor);
			if (self >= 0 && self < n)
				row[self] = 0.0f;
			if (loss->kin != NULL)
				put_kin(row, loss, begin + i, from, n, 0.0f);
			if (other >= 0 && other < n)
				row[other] -= 2.0f * factor;
		}
		sc_sgemm(false, false, m, loss->dim, n, 1.0f, tile, n, loss->unit + (size_t) from * dim, loss->dim,
				 from == 0 ? 0.0f : 1.0f, dz + (size_t) begin * dim, loss->dim);
	}

	for (int i = begin; i < begin + m; i++)
	{
		const float *unit = loss->unit + (size_t) i * dim;
		float *d = dz + (size_t) i * dim;
		double along = 0.0;

		/* Through the division by the length; a shorter vector was divided by a constant. */
		if (loss->length[i] > LEAST_LENGTH)
			for (size_t k = 0; k < dim; k++)
				along += (double) d[k] * unit[k];
		for (size_t k = 0; k < dim; k++)
			d[k] = (d[k] - (float) along * unit[k]) / loss->length[i];
	}
	return SC_OK;
}

sc_status
sc_ntxent_run(const sc_lane *lane, sc_ntxent *loss, float *dz, const float *z)
{
	float *tile = loss->tiles + (size_t) lane->index * loss->tile_floats;

	SC_ASSERT(dz != z);
	for (int s = lane->index; s < loss->shards; s += lane->count)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		normalize_views(loss, z, s * loss->tile_views, SC_MIN(loss->tile_views, loss->views - s * loss->tile_views));
	}
	SC_TRY(sc_lane_barrier(lane));
	for (int s = lane->index; s < loss->shards; s += lane->count)
		SC_TRY(softmax_rows(lane, loss, tile, s));
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		double sum = 0.0;

		for (int s = 0; s < loss->shards; s++)
			sum += loss->partial[s];
		loss->loss = sum / loss->views;
	}
	for (int s = lane->index; s < loss->shards; s += lane->count)
		SC_TRY(gradient_rows(lane, loss, tile, dz, s));
	return sc_lane_barrier(lane);
}
