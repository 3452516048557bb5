/*-------------------------------------------------------------------------
 *
 * src/core/analytics/knn.c
 *	  Nearest neighbours by blocked products of queries with rows.
 *
 * As in kmeans.c, |q|^2 - 2 q.x + |x|^2 comes from a product in float of rows
 * that are centred and scaled by a power of two. A row whose distance, less
 * the rounding error of that, is above that of the k-th neighbour so far is
 * passed over; any other is measured in double, as it came.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/knn.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"
#include "core/analytics/knn_parts.h"

/* Parts of the rows whose sums are added in their order, for the mean. */
#define MEAN_SHARDS 16

void
sc_knn_layout(sc_knn *knn, sc_arena *arena)
{
	size_t others = knn->n - (knn->leave_out ? 1 : 0);

	knn->found = (int) SC_MIN((size_t) knn->k, others);
	knn->index = SC_TAKE(arena, uint32_t, sc_mul(knn->most, (size_t) knn->found));
	knn->distance = SC_TAKE(arena, double, sc_mul(knn->most, (size_t) knn->found));
	knn->mean = SC_TAKE(arena, double, knn->d);
	knn->sums = SC_TAKE(arena, double, sc_mul(MEAN_SHARDS, (size_t) knn->d + 1));
	knn->norm = SC_TAKE(arena, double, knn->n);
	knn->blocks = SC_TAKE(arena, float, sc_mul(knn->lanes, sc_knn_lane_floats(knn->d)));
	knn->query_norm = SC_TAKE(arena, double, sc_mul(knn->lanes, sc_knn_query_block(knn->d)));
	knn->ready = false;
}

void
sc_knn_load(const sc_knn *knn, const float *x, int m, float *out, double *norm)
{
	for (int i = 0; i < m; i++)
	{
		size_t at = (size_t) i * knn->d;
		double square = sc_distance()->centre_row(out + at, x + at, knn->mean, knn->scale, knn->d);

		if (norm != NULL)
			norm[i] = square;
	}
}

sc_status
sc_knn_prepare(const sc_lane *lane, sc_knn *knn)
{
	size_t d = (size_t) knn->d;
	int block = sc_knn_row_block(knn->d);
	float *z = knn->blocks + (size_t) lane->index * sc_knn_lane_floats(knn->d);
	size_t begin, end;

	for (int s = lane->index; s < MEAN_SHARDS; s += lane->count)
	{
		double *sum = knn->sums + (size_t) s * (d + 1);

		memset(sum, 0, (d + 1) * sizeof(double));
		sc_shard_range(knn->n, MEAN_SHARDS, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (i % 256 == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_distance()->add_row(sum, knn->rows + i * d, knn->d);
			sum[d] = fmax(sum[d], sc_distance()->largest(knn->rows + i * d, knn->d));
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		double largest = 0;
		int exponent;

		memset(knn->mean, 0, d * sizeof(double));
		for (int s = 0; s < MEAN_SHARDS; s++)
		{
			const double *sum = knn->sums + (size_t) s * (d + 1);

			for (size_t j = 0; j < d; j++)
				knn->mean[j] += sum[j];
			largest = fmax(largest, sum[d]);
		}
		for (size_t j = 0; j < d; j++)
			knn->mean[j] /= (double) knn->n;
		/* A row differs from the mean by no more than twice the largest. */
		frexp(largest, &exponent);
		knn->scale = largest > 0 ? ldexp(1, -exponent - 1) : 1;
	}
	SC_TRY(sc_lane_barrier(lane));
	sc_shard_range(knn->n, lane->count, lane->index, &begin, &end);
	for (; begin < end; begin += block)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_knn_load(knn, knn->rows + begin * d, (int) SC_MIN((size_t) block, end - begin), z, knn->norm + begin);
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		knn->ready = true;
	return sc_lane_barrier(lane);
}

/* Is (a, row i) nearer than (b, row j)? */
static inline bool
nearer(const sc_knn *knn, double a, uint32_t i, double b, uint32_t j)
{
	if (a != b)
		return a < b;
	return knn->rank ? knn->rank[i] < knn->rank[j] : i < j;
}

/*
 * The neighbours so far are a heap, the furthest on top: put (a, row) where
 * its place is below slot `at` of `count`, whose entry may be overwritten.
 */
static void
sift_down(const sc_knn *knn, uint32_t *index, double *distance, int count, int at, double a, uint32_t row)
{
	for (;;)
	{
		int64_t child = 2 * (int64_t) at + 1;

		if (child >= count)
			break;
		if (child + 1 < count && nearer(knn, distance[child], index[child], distance[child + 1], index[child + 1]))
			child++;
		if (!nearer(knn, a, row, distance[child], index[child]))
			break;
		distance[at] = distance[child];
		index[at] = index[child];
		at = (int) child;
	}
	distance[at] = a;
	index[at] = row;
}

static void
sift_up(const sc_knn *knn, uint32_t *index, double *distance, int at, double a, uint32_t row)
{
	while (at > 0)
	{
		int parent = (at - 1) / 2;

		if (!nearer(knn, distance[parent], index[parent], a, row))
			break;
		distance[at] = distance[parent];
		index[at] = index[parent];
		at = parent;
	}
	distance[at] = a;
	index[at] = row;
}

/* The heap to ascending order, squares to distances. */
static void
finish(const sc_knn *knn, uint32_t *index, double *distance)
{
	for (int last = knn->found - 1; last > 0; last--)
	{
		double a = distance[last];
		uint32_t row = index[last];

		distance[last] = distance[0];
		index[last] = index[0];
		sift_down(knn, index, distance, last, 0, a, row);
	}
	for (int i = 0; i < knn->found; i++)
		distance[i] = sqrt(distance[i]);
}

/* All neighbours of queries begin ... begin + m - 1. */
static sc_status
search(const sc_lane *lane, sc_knn *knn, size_t begin, int m)
{
	size_t d = (size_t) knn->d, found = (size_t) knn->found;
	int most = sc_knn_row_block(knn->d);
	float *zq = knn->blocks + (size_t) lane->index * sc_knn_lane_floats(knn->d);
	float *zx = zq + (size_t) sc_knn_query_block(knn->d) * d;
	float *dots = zx + (size_t) most * d;
	double *qn = knn->query_norm + (size_t) lane->index * sc_knn_query_block(knn->d);
	double error = sc_knn_error(knn->d);
	double slack = knn->d * (double) FLT_MIN; /* what is lost below the smallest numbers */
	int count[SC_KNN_QUERIES];

	sc_knn_load(knn, knn->queries + begin * d, m, zq, qn);
	memset(count, 0, sizeof(count));
	for (size_t r = 0; r < knn->n; r += most)
	{
		int rows = (int) SC_MIN((size_t) most, knn->n - r);

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_knn_load(knn, knn->rows + r * d, rows, zx, NULL);
		sc_sgemm(false, true, m, rows, knn->d, 1, zq, knn->d, zx, knn->d, 0, dots, rows);
		for (int i = 0; i < m; i++)
		{
			uint32_t *index = knn->index + (begin + i) * found;
			double *distance = knn->distance + (begin + i) * found;
			const float *query = knn->queries + (begin + i) * d;
			size_t self = knn->leave_out ? knn->first + begin + i : SIZE_MAX;
			double reach = count[i] < knn->found ? INFINITY : distance[0] * knn->scale * knn->scale;

			for (int j = 0;; j++)
			{
				double a;

				j = sc_distance()->next_near(dots + (size_t) i * rows, knn->norm + r, 1 - error,
											 reach - (1 - error) * qn[i] + slack, j, rows);
				if (j == rows)
					break;
				if (r + j == self)
					continue;
				a = sc_distance()->distance2(query, knn->rows + (r + j) * d, knn->d);
				if (count[i] < knn->found)
					sift_up(knn, index, distance, count[i]++, a, (uint32_t) (r + j));
				else if (nearer(knn, a, (uint32_t) (r + j), distance[0], index[0]))
					sift_down(knn, index, distance, knn->found, 0, a, (uint32_t) (r + j));
				if (count[i] == knn->found)
					reach = distance[0] * knn->scale * knn->scale;
			}
		}
	}
	for (int i = 0; i < m; i++)
		finish(knn, knn->index + (begin + i) * found, knn->distance + (begin + i) * found);
	return SC_OK;
}

sc_status
sc_knn_run(const sc_lane *lane, void *arg)
{
	sc_knn *knn = arg;
	size_t block = (size_t) sc_knn_query_block(knn->d);

	/* Few queries are shared out evenly. */
	block = SC_MIN(block, SC_MAX((knn->m + lane->count - 1) / lane->count, 16));
	if (knn->found == 0)
		return SC_OK;
	if (!knn->ready)
		SC_TRY(sc_knn_prepare(lane, knn));
	for (size_t begin = lane->index * block; begin < knn->m; begin += lane->count * block)
		SC_TRY(search(lane, knn, begin, (int) SC_MIN(block, knn->m - begin)));
	return SC_OK;
}
