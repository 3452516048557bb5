/*-------------------------------------------------------------------------
 *
 * src/core/analytics/knn.c
 *	  Nearest neighbours by blocked products of queries with rows.
 *
 * Of the rows that may be nearer than the k-th neighbour so far (candidates.h),
 * each is measured in double and takes its place among the neighbours.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/knn.h"

#include <math.h>

#include "core/base/distance.h"

/* Queries of a lane, at least, where there are few: each block of queries goes through all rows. */
#define FEW_QUERIES 16

void
sc_knn_layout(sc_knn *knn, sc_arena *arena)
{
	size_t others = knn->n - (knn->leave_out ? 1 : 0);

	SC_ASSERT(knn->k >= 1);
	knn->found = (int) SC_MIN((size_t) knn->k, others);
	knn->index = SC_TAKE(arena, uint32_t, sc_mul(knn->most, (size_t) knn->found));
	knn->distance = SC_TAKE(arena, double, sc_mul(knn->most, (size_t) knn->found));
	knn->candidates = (sc_candidates){.n = knn->n, .d = knn->d, .rows = knn->rows, .lanes = knn->lanes};
	sc_candidates_layout(&knn->candidates, arena);
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

/* The neighbours so far of one query. */
typedef struct neighbours
{
	size_t query;	  /* of this run */
	uint32_t *index;  /* (found), a heap */
	double *distance; /* (found), squared */
	int count;
} neighbours;

/* Those of the rows of a block that are nearer than what a query has; i: the query's place in the block. */
static void
look_at(const sc_knn *knn, sc_candidates_block *b, int i, neighbours *near)
{
	size_t d = (size_t) knn->d;
	const float *query = knn->queries + near->query * d;
	size_t self = knn->leave_out ? knn->first + near->query : SIZE_MAX;

	for (int j = 0;; j++)
	{
		double reach = near->count < knn->found ? INFINITY : near->distance[0];
		uint32_t row;
		double a;

		j = sc_candidates_next(&knn->candidates, b, i, reach, j);
		if (j == b->count)
			break;
		row = (uint32_t) (b->first + j);
		if (row == self)
			continue;
		a = sc_distance()->distance2(query, knn->rows + row * d, knn->d);
		if (near->count < knn->found)
			sift_up(knn, near->index, near->distance, near->count++, a, row);
		else if (nearer(knn, a, row, near->distance[0], near->index[0]))
			sift_down(knn, near->index, near->distance, knn->found, 0, a, row);
	}
}

/* All neighbours of queries begin ... begin + m - 1. */
static sc_status
search(const sc_lane *lane, sc_knn *knn, size_t begin, int m)
{
	size_t found = (size_t) knn->found;
	sc_candidates_block *b = sc_candidates_open(&knn->candidates, lane);
	neighbours near[SC_CANDIDATES_QUERIES];

	for (int i = 0; i < m; i++)
		near[i] = (neighbours){.query = begin + i,
							   .index = knn->index + (begin + i) * found,
							   .distance = knn->distance + (begin + i) * found};
	sc_candidates_ask(&knn->candidates, b, knn->queries + begin * knn->d, m);
	for (size_t r = 0; r < knn->n; r += b->count)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_candidates_multiply(&knn->candidates, b, r);
		for (int i = 0; i < m; i++)
			look_at(knn, b, i, &near[i]);
	}
	for (int i = 0; i < m; i++)
		finish(knn, near[i].index, near[i].distance);
	return SC_OK;
}

sc_status
sc_knn_run(const sc_lane *lane, void *arg)
{
	sc_knn *knn = arg;
	size_t block = (size_t) sc_candidates_queries(knn->d);

	SC_ASSERT(knn->m >= 1 && knn->m <= knn->most && (!knn->leave_out || knn->first + knn->m <= knn->n));
	/* Few queries are shared out evenly. */
	block = SC_MIN(block, SC_MAX((knn->m + lane->count - 1) / lane->count, FEW_QUERIES));
	if (knn->found == 0)
		return SC_OK;
	SC_TRY(sc_candidates_prepare(lane, &knn->candidates, knn->m));
	for (size_t begin = lane->index * block; begin < knn->m; begin += lane->count * block)
		SC_TRY(search(lane, knn, begin, (int) SC_MIN(block, knn->m - begin)));
	return SC_OK;
}
