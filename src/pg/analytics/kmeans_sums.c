/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_sums.c
 *	  The sums of one Lloyd iteration.
 *
 * The flat state holds the model that the iteration starts from, the sums of
 * the rows of each cluster, the rows that lie farthest from their centroids,
 * and the rows that wait to be measured together. A forged state gives a
 * meaningless model or an error, and nothing worse.
 *
 * A sum is a pair of doubles, the sum and what its roundings lost. As long as
 * the values of a cluster are not some 2^50 apart, nothing is lost at all, and
 * the result has the same bits for any order of the rows and of the merging.
 * This needs additions as they are written: this file must not be compiled
 * with the freedom to reassociate that the core's loops are given.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "pg/analytics/flat_state.h"
#include "pg/analytics/kmeans_sums.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/settings.h"
#include "pg/type/embedding.h"

#define STATE_MAGIC 0x4b4d5331 /* changes with the layout */

#define AGGREGATE "kmeans_step"

/* Rows that are measured at once: about half a megabyte, and 2^28 multiplications, for a cancel has to wait for them. */
static int
block_rows(int k, int d)
{
	size_t most = Max(Min((1 << 17) / d, 1024), 16);

	return (int) Max(Min(((size_t) 1 << 28) / ((size_t) k * d), most), 1);
}

/* For k below 2^31 and d up to EMBEDDING_MAX_DIM, where nothing overflows. */
static size_t
state_size(int k, int d)
{
	return offsetof(scpg_kmeans_flat, x) + sizeof(double) * (3 * (size_t) k * d + k + SCPG_KMEANS_FARTHEST) +
		   sizeof(float) * ((size_t) SCPG_KMEANS_FARTHEST + block_rows(k, d)) * d;
}

static scpg_kmeans_sums
parts_of(scpg_kmeans_flat *flat)
{
	scpg_kmeans_sums s = {.flat = flat, .k = flat->k, .d = flat->d};
	size_t kd = (size_t) s.k * s.d;

	s.centroids = flat->x;
	s.sum = s.centroids + kd;
	s.lost = s.sum + kd;
	s.count = s.lost + kd;
	s.far_distance = s.count + s.k;
	s.far = (float *) (s.far_distance + SCPG_KMEANS_FARTHEST);
	s.block = s.far + (size_t) SCPG_KMEANS_FARTHEST * s.d;
	return s;
}

scpg_kmeans_sums
scpg_kmeans_sums_open(void *state)
{
	scpg_kmeans_flat *flat = state;

	if (VARSIZE(flat) < offsetof(scpg_kmeans_flat, x) || flat->magic != STATE_MAGIC || flat->k < 1 || flat->d < 1 ||
		flat->d > EMBEDDING_MAX_DIM || VARSIZE(flat) != state_size(flat->k, flat->d) || flat->waiting < 0 ||
		flat->waiting >= block_rows(flat->k, flat->d) || flat->farthest < 0 || flat->farthest > SCPG_KMEANS_FARTHEST ||
		flat->iterations < 0)
		scpg_flat_state_refuse(AGGREGATE);
	return parts_of(flat);
}

scpg_kmeans_sums
scpg_kmeans_sums_new(const scpg_kmeans_model *m)
{
	size_t size = state_size(m->k, m->d);
	scpg_kmeans_flat *flat;
	scpg_kmeans_sums s;

	if (size > Min(scpg_memory_left(), MaxAllocSize))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("not enough memory for the sums of k-means"),
						errdetail("%d clusters in %d dimensions need %zu MB; \"selfclass.max_memory\" is %d MB.", m->k,
								  m->d, size / (1024 * 1024) + 1, scpg_max_memory_mb)));
	flat = scpg_flat_state_new(size);
	flat->magic = STATE_MAGIC;
	flat->k = m->k;
	flat->d = m->d;
	flat->iterations = m->iterations;
	s = parts_of(flat);
	memcpy(s.centroids, m->centroids, (size_t) s.k * s.d * sizeof(double));
	return s;
}

bool
scpg_kmeans_sums_same(const scpg_kmeans_sums *s, int k, int d, const double *centroids)
{
	return k == s->k && d == s->d && memcmp(centroids, s->centroids, (size_t) k * d * sizeof(double)) == 0;
}

/* Add x to the pair sum, lost: exactly, as long as what is lost fits into its own digits. */
static inline void
add(double *sum, double *lost, double x)
{
	double a = *sum;
	double s = a + x;
	double part = s - a;

	*lost += (a - (s - part)) + (x - part);
	*sum = s;
}

/* 1 where row x, at distance a, comes before row y, at distance b: farther, or as far and lower. 0: they are the same. */
static int
compare_far(double a, const float *x, double b, const float *y, int d)
{
	if (a != b)
		return a > b ? 1 : -1;
	for (int j = 0; j < d; j++)
		if (x[j] != y[j])
			return x[j] < y[j] ? 1 : -1;
	return 0;
}

/* Keep the row if it is one of the farthest. */
static void
keep_far(scpg_kmeans_sums *s, double distance, const float *x)
{
	size_t d = (size_t) s->d;
	int at = s->flat->farthest;
	int behind;

	if (!(distance > 0) || (at == SCPG_KMEANS_FARTHEST && distance < s->far_distance[SCPG_KMEANS_FARTHEST - 1]))
		return;
	while (at > 0)
	{
		int order = compare_far(distance, x, s->far_distance[at - 1], s->far + (at - 1) * d, s->d);

		if (order == 0)
			return;
		if (order < 0)
			break;
		at--;
	}
	if (at == SCPG_KMEANS_FARTHEST)
		return;
	behind = Min(s->flat->farthest, SCPG_KMEANS_FARTHEST - 1) - at;
	memmove(s->far_distance + at + 1, s->far_distance + at, behind * sizeof(double));
	memmove(s->far + (at + 1) * d, s->far + at * d, behind * d * sizeof(float));
	s->far_distance[at] = distance;
	memcpy(s->far + at * d, x, d * sizeof(float));
	s->flat->farthest = at + behind + 1;
}

/* The nearest centroids of n rows; in one piece of memory that the caller frees. */
static sc_kmeans_step
assign(const scpg_kmeans_sums *s, const float *rows, int n, void **memory)
{
	sc_kmeans_step job = {.n = n, .d = s->d, .k = s->k, .rows = rows, .centroids = s->centroids};
	sc_arena arena = sc_arena_counter();
	size_t size;

	scpg_core()->sc_kmeans_step_layout(&job, &arena);
	size = sc_arena_need(&arena);
	*memory = palloc_extended(size, MCXT_ALLOC_HUGE);
	arena = sc_arena_over(*memory, size);
	scpg_core()->sc_kmeans_step_layout(&job, &arena);
	scpg_core()->sc_kmeans_step_assign(&job);
	return job;
}

/* Take the waiting rows into the sums. */
static void
flush(scpg_kmeans_sums *s)
{
	void *memory;
	sc_kmeans_step job;

	if (s->flat->waiting == 0)
		return;
	job = assign(s, s->block, s->flat->waiting, &memory);
	for (int i = 0; i < s->flat->waiting; i++)
	{
		const float *x = s->block + (size_t) i * s->d;
		double *sum = s->sum + (size_t) job.labels[i] * s->d;
		double *lost = s->lost + (size_t) job.labels[i] * s->d;

		for (int j = 0; j < s->d; j++)
			add(&sum[j], &lost[j], x[j]);
		s->count[job.labels[i]] += 1;
		add(&s->flat->inertia[0], &s->flat->inertia[1], job.distance[i]);
		keep_far(s, job.distance[i], x);
	}
	s->flat->waiting = 0;
	pfree(memory);
}

void
scpg_kmeans_sums_add(scpg_kmeans_sums *s, const float *x)
{
	memcpy(s->block + (size_t) s->flat->waiting * s->d, x, s->d * sizeof(float));
	if (++s->flat->waiting == block_rows(s->k, s->d))
		flush(s);
}

void
scpg_kmeans_sums_merge(scpg_kmeans_sums *a, scpg_kmeans_sums *b)
{
	Assert(scpg_kmeans_sums_same(a, b->k, b->d, b->centroids));
	flush(b);
	for (size_t i = 0; i < (size_t) a->k * a->d; i++)
	{
		add(&a->sum[i], &a->lost[i], b->sum[i]);
		a->lost[i] += b->lost[i];
	}
	for (int c = 0; c < a->k; c++)
		a->count[c] += b->count[c];
	add(&a->flat->inertia[0], &a->flat->inertia[1], b->flat->inertia[0]);
	a->flat->inertia[1] += b->flat->inertia[1];
	for (int i = 0; i < b->flat->farthest; i++)
		keep_far(a, b->far_distance[i], b->far + (size_t) i * b->d);
}

/* Every empty cluster takes the row that is farthest from its centroid; left: (k), rows of the others. */
static void
fill_empty(scpg_kmeans_sums *s, double *left)
{
	size_t d = (size_t) s->d;
	void *memory;
	sc_kmeans_step job;
	int next = 0;

	if (s->flat->farthest == 0)
		return;
	job = assign(s, s->far, s->flat->farthest, &memory);
	for (int c = 0; c < s->k; c++)
	{
		const float *x;

		if (left[c] > 0)
			continue;
		while (next < s->flat->farthest && left[job.labels[next]] <= 1)
			next++;
		if (next == s->flat->farthest)
			break;
		x = s->far + next * d;
		for (size_t j = 0; j < d; j++)
		{
			size_t from = job.labels[next] * d + j;

			add(&s->sum[from], &s->lost[from], -x[j]);
			s->sum[c * d + j] = x[j];
			s->lost[c * d + j] = 0;
		}
		left[job.labels[next++]] -= 1;
		left[c] = 1;
	}
	pfree(memory);
}

scpg_numbers *
scpg_kmeans_sums_means(scpg_kmeans_sums *s)
{
	size_t d = (size_t) s->d;
	float *centroids = palloc(s->k * d * sizeof(float));
	int64 *sizes = palloc(s->k * sizeof(int64));
	double *left = palloc(s->k * sizeof(double));
	double inertia;
	bool moved = false;
	bool valid = true;

	flush(s);
	inertia = s->flat->inertia[0] + s->flat->inertia[1];
	valid = isfinite(inertia) && inertia >= 0;
	for (int c = 0; c < s->k; c++)
	{
		left[c] = s->count[c];
		valid = valid && left[c] >= 0 && left[c] <= SCPG_MOST_ROWS && left[c] == floor(left[c]);
		sizes[c] = valid ? (int64) left[c] : 0;
	}
	fill_empty(s, left);
	for (int c = 0; c < s->k; c++)
		for (size_t i = c * d; i < (c + 1) * d; i++)
		{
			float old = (float) s->centroids[i];

			centroids[i] = left[c] > 0 ? (float) ((s->sum[i] + s->lost[i]) / left[c]) : old;
			moved = moved || centroids[i] != old;
			valid = valid && isfinite(centroids[i]);
		}
	if (!valid)
		scpg_flat_state_refuse(AGGREGATE);
	return scpg_kmeans_model_make(s->k, s->d, centroids, sizes, inertia, Min(s->flat->iterations, PG_INT32_MAX - 1) + 1,
								  !moved);
}
