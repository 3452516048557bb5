/*-------------------------------------------------------------------------
 *
 * src/core/analytics/silhouette.c
 *	  All pairs of distances, in blocks, in double; none of them is kept.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/silhouette.h"

#include <math.h>
#include <string.h>

#include "core/base/gemm.h"

#define BLOCK 64

/* Two blocks of rows, their norms, their products, and sums per cluster. */
static size_t
shard_doubles(const sc_silhouette *s)
{
	return sc_add(sc_mul(2 * BLOCK, (size_t) s->d + 1), sc_mul(BLOCK, (size_t) s->k + BLOCK));
}

void
sc_silhouette_layout(sc_silhouette *s, sc_arena *arena)
{
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

sc_status
sc_silhouette_run(const sc_lane *lane, void *arg)
{
	sc_silhouette *s = arg;

	if (lane->index == 0)
	{
		memset(s->sizes, 0, s->k * sizeof(int64_t));
		for (size_t i = 0; i < s->n; i++)
			s->sizes[s->labels[i]]++;
	}
	SC_TRY(sc_lane_barrier(lane));
	for (int h = lane->index; h < s->shards; h += lane->count)
	{
		double *a = s->blocks + (size_t) h * shard_doubles(s);
		double *b = a + (size_t) BLOCK * s->d;
		double *an = b + (size_t) BLOCK * s->d;
		double *bn = an + BLOCK;
		double *dots = bn + BLOCK;
		double *sums = dots + BLOCK * BLOCK;
		size_t begin, end;

		s->score[h] = 0;
		sc_shard_range(s->n, s->shards, h, &begin, &end);
		for (; begin < end; begin += BLOCK)
		{
			int m = (int) SC_MIN((size_t) BLOCK, end - begin);

			load(s, begin, m, a, an);
			memset(sums, 0, (size_t) BLOCK * s->k * sizeof(double));
			for (size_t other = 0; other < s->n; other += BLOCK)
			{
				int w = (int) SC_MIN((size_t) BLOCK, s->n - other);

				if (sc_lane_stopped(lane))
					return SC_ABORTED;
				load(s, other, w, b, bn);
				sc_dgemm(false, true, m, w, s->d, 1, a, s->d, b, s->d, 0, dots, BLOCK);
				for (int i = 0; i < m; i++)
					for (int j = 0; j < w; j++)
						if (begin + i != other + j)
							sums[(size_t) i * s->k + s->labels[other + j]] +=
								sqrt(SC_MAX(an[i] + bn[j] - 2 * dots[i * BLOCK + j], 0));
			}
			for (int i = 0; i < m; i++)
				s->score[h] += width(s, sums + (size_t) i * s->k, s->labels[begin + i]);
		}
	}
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
