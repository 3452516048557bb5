/*-------------------------------------------------------------------------
 *
 * src/core/analytics/silhouette.c
 *	  All pairs of distances, in blocks, in double; none of them is kept.
 *
 * Squared distances come from |x|^2 - 2 x.y + |y|^2. Where that leaves too few
 * digits, because two rows are much nearer to each other than to the row that
 * is taken from all, the distance is computed from the two rows themselves.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/silhouette.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"

/*
 * How far |x|^2 - 2 x.y + |y|^2 may be off, as a share of |x|^2 + |y|^2, is d
 * times the rounding of a double, 2^-53, and a little more. A distance has 30
 * good bits where it is larger than that by 2^30.
 */
static inline double
cancelled_below(int d)
{
	return ldexp(d + 8, 30 - 53);
}

/* Rows of a block: two of them, of 512 doubles a row, are half a megabyte, which a CPU's second cache keeps. */
#define BLOCK 64

/* What a shard works in. */
typedef struct shard_memory
{
	double *a, *b; /* (BLOCK, d): the rows of the shard that are looked at, and those that they are compared with */
	double *a_norm, *b_norm; /* (BLOCK), squared */
	double *dots;			 /* (BLOCK, BLOCK): products of a with b */
	double *sums;			 /* (BLOCK, k): distances of a row of a to the rows of a cluster */
} shard_memory;

static size_t
shard_doubles(const sc_silhouette *s)
{
	return sc_add(sc_mul(2 * BLOCK, (size_t) s->d + 1), sc_mul(BLOCK, (size_t) s->k + BLOCK));
}

static shard_memory
open_shard(const sc_silhouette *s, int shard)
{
	shard_memory t = {.a = s->blocks + (size_t) shard * shard_doubles(s)};

	t.b = t.a + (size_t) BLOCK * s->d;
	t.a_norm = t.b + (size_t) BLOCK * s->d;
	t.b_norm = t.a_norm + BLOCK;
	t.dots = t.b_norm + BLOCK;
	t.sums = t.dots + BLOCK * BLOCK;
	return t;
}

void
sc_silhouette_layout(sc_silhouette *s, sc_arena *arena)
{
	SC_ASSERT(s->n >= 1 && s->d >= 1 && s->k >= 1);
	/* Only the scores of shards are added up: as many shards as there can be lanes. */
	s->shards = (int) SC_MAX(SC_MIN((s->n + BLOCK - 1) / BLOCK, SC_MAX_LANES), 1);
	s->sizes = SC_TAKE(arena, int64_t, s->k);
	s->blocks = SC_TAKE(arena, double, sc_mul(s->shards, shard_doubles(s)));
	s->score = SC_TAKE(arena, double, s->shards);
}

/* Rows begin ... as double, less the first row of all; their squared norms. */
static void
load(const sc_silhouette *s, size_t begin, int m, double *out, double *norm)
{
	for (int i = 0; i < m; i++)
	{
		double sum = 0;

		for (int j = 0; j < s->d; j++)
		{
			double x = (double) s->rows[(begin + i) * s->d + j] - s->rows[j];

			out[(size_t) i * s->d + j] = x;
			sum += x * x;
		}
		norm[i] = sum;
	}
}

/* (b - a) / max(a, b) of one row, from its sums of distances to the clusters. */
static double
width(const sc_silhouette *s, const double *sums, int own)
{
	double a, b = INFINITY;

	if (s->sizes[own] < 2)
		return 0;
	a = sums[own] / (double) (s->sizes[own] - 1);
	for (int c = 0; c < s->k; c++)
		if (c != own && s->sizes[c] > 0)
			b = SC_MIN(b, sums[c] / (double) s->sizes[c]);
	return isinf(b) || SC_MAX(a, b) == 0 ? 0 : (b - a) / SC_MAX(a, b);
}

/* sums (m, k): distances of the rows in block a, which are begin ..., to the rows of each cluster among those in b. */
static sc_status
add_distances(const sc_lane *lane, const sc_silhouette *s, const shard_memory *t, size_t begin, int m, size_t other,
			  int w)
{
	const float *rows = s->rows;
	size_t d = (size_t) s->d;
	double cancelled = cancelled_below(s->d);

	sc_dgemm(false, true, m, w, s->d, 1, t->a, s->d, t->b, s->d, 0, t->dots, BLOCK);
	for (int i = 0; i < m; i++)
	{
		/* All the distances of a row may have to be computed anew. */
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (int j = 0; j < w; j++)
		{
			double both = t->a_norm[i] + t->b_norm[j];
			double square = both - 2 * t->dots[i * BLOCK + j];

			if (begin + i == other + j)
				continue;
			if (!(square > cancelled * both))
				square = sc_distance()->distance2(rows + (begin + i) * d, rows + (other + j) * d, s->d);
			t->sums[(size_t) i * s->k + s->labels[other + j]] += sqrt(square);
		}
	}
	return SC_OK;
}

/* The sum of the silhouettes of a shard's rows. */
static sc_status
score_shard(const sc_lane *lane, sc_silhouette *s, int shard)
{
	shard_memory t = open_shard(s, shard);
	size_t begin, end;

	s->score[shard] = 0;
	sc_shard_range(s->n, s->shards, shard, &begin, &end);
	for (; begin < end; begin += BLOCK)
	{
		int m = (int) SC_MIN((size_t) BLOCK, end - begin);

		load(s, begin, m, t.a, t.a_norm);
		memset(t.sums, 0, (size_t) BLOCK * s->k * sizeof(double));
		for (size_t other = 0; other < s->n; other += BLOCK)
		{
			int w = (int) SC_MIN((size_t) BLOCK, s->n - other);

			load(s, other, w, t.b, t.b_norm);
			SC_TRY(add_distances(lane, s, &t, begin, m, other, w));
		}
		for (int i = 0; i < m; i++)
			s->score[shard] += width(s, t.sums + (size_t) i * s->k, s->labels[begin + i]);
	}
	return SC_OK;
}

sc_status
sc_silhouette_run(const sc_lane *lane, void *arg)
{
	sc_silhouette *s = arg;

	if (lane->index == 0)
	{
		memset(s->sizes, 0, s->k * sizeof(int64_t));
		for (size_t i = 0; i < s->n; i++)
		{
			SC_ASSERT(s->labels[i] >= 0 && s->labels[i] < s->k);
			s->sizes[s->labels[i]]++;
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	for (int h = lane->index; h < s->shards; h += lane->count)
		SC_TRY(score_shard(lane, s, h));
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		s->mean = 0;
		for (int h = 0; h < s->shards; h++)
			s->mean += s->score[h];
		s->mean /= (double) s->n;
	}
	return SC_OK;
}
