/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans.c
 *	  k-means by blocked products, with exact distances where they decide.
 *
 * Distances come from |x|^2 - 2 x.c + |c|^2 with the product in float; where
 * its rounding error could decide which centroid is nearest, the distance is
 * computed again in double. Rows are centred and scaled by a power of two
 * first, so that large values neither cancel nor overflow.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"
#include "core/analytics/kmeans_parts.h"

#define BLOCK 128
#define SHARD_ROWS 512
#define MAX_SHARDS 16
#define SHARD_BYTES ((size_t) 64 << 20) /* for the sums of all shards, beyond the first */

static int
shard_count(size_t n, int d, int k)
{
	size_t shards = SC_MIN((n + SHARD_ROWS - 1) / SHARD_ROWS, MAX_SHARDS);
	size_t room = SHARD_BYTES / ((size_t) k * d * sizeof(double));

	return (int) SC_MAX(SC_MIN(shards, room), 1);
}

/* Candidates for each seed, as in scikit-learn. */
static int
trials_of(int k)
{
	return 2 + (int) log((double) k);
}

void
sc_kmeans_layout(sc_kmeans *km, sc_arena *arena)
{
	size_t n = km->n, d = (size_t) km->d;
	size_t k = (size_t) SC_MAX(km->k, km->curve_max);
	size_t nd = sc_mul(n, d), kd = sc_mul(k, d);

	km->most = (int) k;
	km->shards = shard_count(n, km->d, km->most);
	km->centroids = SC_TAKE(arena, float, kd);
	km->sizes = SC_TAKE(arena, int64_t, k);
	km->labels = SC_TAKE(arena, int32_t, n);
	km->distance = SC_TAKE(arena, double, n);
	km->curve = SC_TAKE(arena, double, (size_t) km->curve_max);

	km->hash = SC_TAKE(arena, uint64_t, n);
	km->order = SC_TAKE(arena, uint32_t, n);
	km->merge = SC_TAKE(arena, uint32_t, n);
	km->group = SC_TAKE(arena, uint32_t, n);
	km->z = SC_TAKE(arena, float, nd);
	km->norm = SC_TAKE(arena, double, n);
	km->near = SC_TAKE(arena, double, n);
	km->own = SC_TAKE(arena, int32_t, n);
	km->mean = SC_TAKE(arena, double, d);
	km->centre = SC_TAKE(arena, double, kd);
	km->best = SC_TAKE(arena, double, kd);
	km->narrow = SC_TAKE(arena, float, kd);
	km->centre_norm = SC_TAKE(arena, double, k);
	km->sums = SC_TAKE(arena, double, sc_mul(km->shards, kd));
	km->counts = SC_TAKE(arena, int64_t, sc_mul(km->shards, k));
	km->shard_sum = SC_TAKE(arena, double, (size_t) km->shards *SC_KMEANS_TRIALS);
	km->changed = SC_TAKE(arena, size_t, km->shards);
	km->trial_rows = SC_TAKE(arena, float, sc_mul(SC_KMEANS_TRIALS, d));
	km->trial_dots = SC_TAKE(arena, float, sc_mul(n, trials_of(km->most)));
	km->seed_distance = SC_TAKE(arena, double, sc_mul(k, trials_of(km->most)));
	km->dots = SC_TAKE(arena, float, sc_mul((size_t) km->shards * BLOCK, k));
}

static double
norm2(const double *c, int d)
{
	double sum = 0;

	for (int j = 0; j < d; j++)
		sum += c[j] * c[j];
	return sum;
}

int
sc_kmeans_choose(const float *x, double xn, const float *dots, const double *centre, const double *centre_norm,
				 double largest_norm, int k, int d, const float *measure_x, const double *measure_centre, double *out)
{
	/* FLT_MIN: what a product loses below the smallest numbers. */
	double slack = 2 * 1.2e-7 * (d + 8) * (xn + largest_norm) + 4 * d * (double) FLT_MIN;
	double least = SC_SIMD_CALL(sc_least_estimate)(dots, centre_norm, xn, k);
	double best = INFINITY;
	int label = 0;

	if (measure_x == NULL && isfinite(least))
	{
		/* A centre that alone may be the nearest is it, whatever the rounding. */
		double limit = least + slack - xn;
		int only = SC_SIMD_CALL(sc_next_near)(dots, centre_norm, 1, limit, 0, k);

		if (only < k && SC_SIMD_CALL(sc_next_near)(dots, centre_norm, 1, limit, only + 1, k) == k)
		{
			*out = SC_MAX(least, 0);
			return only;
		}
	}
	if (measure_x == NULL)
	{
		measure_x = x;
		measure_centre = centre;
	}
	for (int j = 0; j < k; j++)
	{
		double a = xn + centre_norm[j] - 2 * (double) dots[j];

		if (!(a > least + slack) || !isfinite(a))
		{
			a = SC_SIMD_CALL(sc_distance2_centre)(measure_x, measure_centre + (size_t) j * d, d);
			if (a < best)
			{
				best = a;
				label = j;
			}
		}
	}
	*out = best;
	return label;
}

/* ------------------------------------------------------------------
 * The canonical order
 * ------------------------------------------------------------------
 */

/* By hash, then by contents; 0 for equal rows. */
static int
compare_rows(const sc_kmeans *km, uint32_t a, uint32_t b)
{
	if (km->hash[a] != km->hash[b])
		return km->hash[a] < km->hash[b] ? -1 : 1;
	for (int j = 0; j < km->d; j++)
	{
		float x = km->rows[(size_t) a * km->d + j], y = km->rows[(size_t) b * km->d + j];

		if (x != y)
			return x < y ? -1 : 1;
	}
	return 0;
}

/* Merge sort, so that it can be stopped; equal rows are the same to everyone. */
static sc_status
sort_rows(const sc_lane *lane, sc_kmeans *km)
{
	uint32_t *from = km->order, *to = km->merge;
	size_t n = km->n;

	for (size_t i = 0; i < n; i++)
		from[i] = (uint32_t) i;
	for (size_t width = 1; width < n; width *= 2)
	{
		uint32_t *t;

		for (size_t lo = 0; lo < n; lo += 2 * width)
		{
			size_t mid = SC_MIN(lo + width, n), hi = SC_MIN(lo + 2 * width, n);
			size_t a = lo, b = mid;

			for (size_t i = lo; i < hi; i++)
			{
				if (i % 16384 == 0 && sc_lane_stopped(lane))
					return SC_ABORTED;
				if (a < mid && (b >= hi || compare_rows(km, from[a], from[b]) <= 0))
					to[i] = from[a++];
				else
					to[i] = from[b++];
			}
		}
		t = from;
		from = to;
		to = t;
	}
	if (from != km->order)
		memcpy(km->order, from, n * sizeof(uint32_t));
	km->group[0] = 0;
	for (size_t i = 1; i < n; i++)
		km->group[i] = km->group[i - 1] + (compare_rows(km, km->order[i - 1], km->order[i]) != 0);
	km->distinct = (size_t) km->group[n - 1] + 1;
	return SC_OK;
}

static sc_status
prepare(const sc_lane *lane, sc_kmeans *km)
{
	size_t n = km->n, d = (size_t) km->d;
	size_t begin, end;

	for (int s = lane->index; s < km->shards; s += lane->count)
	{
		sc_shard_range(n, km->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (i % 256 == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			km->hash[i] = SC_SIMD_CALL(sc_hash_row)(km->rows + i * d, km->d);
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
		SC_TRY(sort_rows(lane, km));
	SC_TRY(sc_lane_barrier(lane));

	/* The mean, from sums per shard; sums (shards, k, d) has room for them. */
	for (int s = lane->index; s < km->shards; s += lane->count)
	{
		double *sum = km->sums + (size_t) s * d;
		double largest = 0;

		memset(sum, 0, d * sizeof(double));
		sc_shard_range(n, km->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			const float *x = km->rows + (size_t) km->order[i] * d;

			if (i % 256 == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			SC_SIMD_CALL(sc_add_row)(sum, x, km->d);
			largest = fmax(largest, SC_SIMD_CALL(sc_largest)(x, km->d));
		}
		km->shard_sum[s] = largest;
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		double largest = 0;
		int exponent;

		memset(km->mean, 0, d * sizeof(double));
		for (int s = 0; s < km->shards; s++)
		{
			for (size_t j = 0; j < d; j++)
				km->mean[j] += km->sums[(size_t) s * d + j];
			largest = SC_MAX(largest, km->shard_sum[s]);
		}
		for (size_t j = 0; j < d; j++)
		{
			km->mean[j] /= (double) n;
			largest = SC_MAX(largest, fabs(km->mean[j]));
		}
		frexp(largest, &exponent);
		km->scale = largest > 0 ? ldexp(1, -exponent) : 1;
	}
	SC_TRY(sc_lane_barrier(lane));
	for (int s = lane->index; s < km->shards; s += lane->count)
	{
		double sum = 0;

		sc_shard_range(n, km->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (i % 256 == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			km->norm[i] = SC_SIMD_CALL(sc_centre_row)(km->z + i * d, km->rows + (size_t) km->order[i] * d, km->mean,
													  km->scale, km->d);
			sum += km->norm[i];
		}
		km->shard_sum[s] = sum;
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		double sum = 0;

		for (int s = 0; s < km->shards; s++)
			sum += km->shard_sum[s];
		km->tolerance = km->tol * sum / ((double) n * (double) d);
		km->still = km->tolerance / (km->scale * km->scale);
	}
	return sc_lane_barrier(lane);
}

/* ------------------------------------------------------------------
 * Seeds
 * ------------------------------------------------------------------
 */

/* Row i as centre c. */
static void
take_row(sc_kmeans *km, int c, size_t i)
{
	for (int j = 0; j < km->d; j++)
		km->centre[(size_t) c * km->d + j] = km->z[i * km->d + j];
}

/* The rows trial[], one after the other; by one lane. */
static void
gather_trials(sc_kmeans *km, int m)
{
	size_t d = (size_t) km->d;

	for (int t = 0; t < m; t++)
		memcpy(km->trial_rows + t * d, km->z + km->trial[t] * d, d * sizeof(float));
}

/*
 * Squared distances of the m rows trial[] to the `seeds` seeds so far. A row
 * that is less than half as far from its own seed as that seed is from a trial
 * is nearer to its seed than to the trial, and need not be looked at: so a row
 * of a group that has its seed is not read again (Elkan, "Using the triangle
 * inequality to accelerate k-means", ICML 2003, lemma 1).
 */
static sc_status
measure_seeds(const sc_lane *lane, sc_kmeans *km, int m, int seeds)
{
	size_t begin, end;

	sc_shard_range((size_t) seeds, lane->count, lane->index, &begin, &end);
	for (size_t c = begin; c < end; c++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (int t = 0; t < m; t++)
			km->seed_distance[c * (size_t) m + t] = SC_SIMD_CALL(
				sc_distance2_centre)(km->trial_rows + (size_t) t * km->d, km->centre + c * (size_t) km->d, km->d);
	}
	return sc_lane_barrier(lane);
}

/* Can one of the m trials be nearer to row i than its seed? */
static bool
may_be_nearer(const sc_kmeans *km, size_t i, int m)
{
	const double *apart = km->seed_distance + (size_t) km->own[i] * m;
	double reach = 4.0001 * km->near[i]; /* more than any rounding */

	for (int t = 0; t < m; t++)
		if (apart[t] < reach)
			return true;
	return false;
}

/* Squared distance of row i to row trial[t], no more than near unless it is the first seed. */
static double
trial_distance(const sc_kmeans *km, size_t i, int t, float dot, bool first)
{
	double both = km->norm[i] + km->norm[km->trial[t]];
	double a = both - 2 * (double) dot;

	/* A row must be at distance 0 from its like, or it is chosen twice. */
	if (a < 1e-4 * both)
		a = SC_SIMD_CALL(sc_distance2)(km->z + i * km->d, km->z + (size_t) km->trial[t] * km->d, km->d);
	return first ? a : SC_MIN(a, km->near[i]);
}

/*
 * The products of the rows with the m rows trial[], for keep_trial, or -infinity
 * where none of them can be nearer than the seeds so far; shard_sum gets the
 * sums of the distances.
 */
static sc_status
measure_trials(const sc_lane *lane, sc_kmeans *km, int m, int seeds)
{
	size_t begin, end;

	SC_TRY(measure_seeds(lane, km, m, seeds));
	for (int s = lane->index; s < km->shards; s += lane->count)
	{
		double *sum = km->shard_sum + (size_t) s * SC_KMEANS_TRIALS;

		memset(sum, 0, SC_KMEANS_TRIALS * sizeof(double));
		sc_shard_range(km->n, km->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			float *dots = km->trial_dots + i * (size_t) m;

			if (i % BLOCK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			if (seeds > 0 && !may_be_nearer(km, i, m))
				for (int t = 0; t < m; t++)
				{
					dots[t] = -INFINITY;
					sum[t] += km->near[i];
				}
			else
			{
				SC_SIMD_CALL(sc_dot_rows)(dots, km->z + i * km->d, km->trial_rows, m, km->d);
				for (int t = 0; t < m; t++)
					sum[t] += trial_distance(km, i, t, dots[t], seeds == 0);
			}
		}
	}
	return sc_lane_barrier(lane);
}

/* Trial t of the m that were measured is seed c. */
static sc_status
keep_trial(const sc_lane *lane, sc_kmeans *km, int m, int t, int c)
{
	size_t begin, end;

	for (int s = lane->index; s < km->shards; s += lane->count)
	{
		double sum = 0;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_shard_range(km->n, km->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			double a = trial_distance(km, i, t, km->trial_dots[i * (size_t) m + t], c == 0);

			if (c == 0 || a < km->near[i])
			{
				km->near[i] = a;
				km->own[i] = c;
			}
			sum += km->near[i];
		}
		km->shard_sum[(size_t) s * SC_KMEANS_TRIALS] = sum;
	}
	return sc_lane_barrier(lane);
}

static double
total(const sc_kmeans *km, int t)
{
	double sum = 0;

	for (int s = 0; s < km->shards; s++)
		sum += km->shard_sum[(size_t) s * SC_KMEANS_TRIALS + t];
	return sum;
}

/* The row at which the running sum of near passes u. */
static uint32_t
draw(const sc_kmeans *km, double u)
{
	size_t last = 0;

	for (int s = 0; s < km->shards; s++)
	{
		double part = km->shard_sum[(size_t) s * SC_KMEANS_TRIALS];
		size_t begin, end;

		if (u >= part && s < km->shards - 1)
		{
			u -= part;
			continue;
		}
		sc_shard_range(km->n, km->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (km->near[i] > 0)
				last = i;
			u -= km->near[i];
			if (u < 0)
				return (uint32_t) i;
		}
	}
	return (uint32_t) last;
}

static sc_status
seed_plus_plus(const sc_lane *lane, sc_kmeans *km, int k, sc_rng *rng)
{
	int trials = trials_of(k);

	if (lane->index == 0)
	{
		km->trial[0] = (uint32_t) sc_rng_below(rng, km->n);
		gather_trials(km, 1);
		take_row(km, 0, km->trial[0]);
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(measure_trials(lane, km, 1, 0));
	SC_TRY(keep_trial(lane, km, 1, 0, 0));
	for (int c = 1; c < k; c++)
	{
		int best;

		if (lane->index == 0)
		{
			double pot = total(km, 0);

			for (int t = 0; t < trials; t++)
				km->trial[t] = draw(km, sc_rng_uniform53(rng) * pot);
			gather_trials(km, trials);
		}
		SC_TRY(sc_lane_barrier(lane));
		SC_TRY(measure_trials(lane, km, trials, c));
		best = 0;
		for (int t = 1; t < trials; t++)
			if (total(km, t) < total(km, best))
				best = t;
		/* Every lane has read the sums, before any writes them. */
		SC_TRY(sc_lane_barrier(lane));
		if (lane->index == 0)
			take_row(km, c, km->trial[best]);
		SC_TRY(keep_trial(lane, km, trials, best, c));
	}
	return SC_OK;
}

/* k of the distinct rows, every choice equally likely (Knuth's algorithm S). */
static void
seed_random(sc_kmeans *km, int k, sc_rng *rng)
{
	size_t left = km->distinct;
	int c = 0;

	for (size_t i = 0; i < km->n && c < k; i++)
	{
		if (i > 0 && km->group[i] == km->group[i - 1])
			continue;
		if (sc_rng_below(rng, left) < (uint64_t) (k - c))
			take_row(km, c++, i);
		left--;
	}
}

/* ------------------------------------------------------------------
 * Lloyd's iteration
 * ------------------------------------------------------------------
 */

/* Centres in float and their norms; by one lane. */
static double
narrow(const double *centre, float *out, double *norm, int k, int d)
{
	double largest = 0;

	for (int c = 0; c < k; c++)
	{
		for (int j = 0; j < d; j++)
			out[(size_t) c * d + j] = (float) centre[(size_t) c * d + j];
		norm[c] = norm2(centre + (size_t) c * d, d);
		largest = SC_MAX(largest, norm[c]);
	}
	return largest;
}

/* Every row to its nearest centre; exact: with exact distances, whose sum goes to shard_sum. */
static sc_status
assign(const sc_lane *lane, sc_kmeans *km, int k, bool exact)
{
	size_t d = (size_t) km->d;
	double largest = 0;
	size_t begin, end;

	for (int c = 0; c < k; c++)
		largest = SC_MAX(largest, km->centre_norm[c]);
	for (int s = lane->index; s < km->shards; s += lane->count)
	{
		float *dots = km->dots + (size_t) s * BLOCK * km->most;
		double *sums = km->sums + (size_t) s * km->most * d;
		int64_t *counts = km->counts + (size_t) s * km->most;
		double inertia = 0;
		size_t changed = 0;

		memset(sums, 0, k * d * sizeof(double));
		memset(counts, 0, k * sizeof(int64_t));
		sc_shard_range(km->n, km->shards, s, &begin, &end);
		for (; begin < end; begin += BLOCK)
		{
			int rows = (int) SC_MIN((size_t) BLOCK, end - begin);

			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_sgemm(false, true, rows, k, km->d, 1, km->z + begin * d, km->d, km->narrow, km->d, 0, dots, k);
			for (int i = 0; i < rows; i++)
			{
				size_t p = begin + i;
				const float *z = km->z + p * d;
				int label = sc_kmeans_choose(z, km->norm[p], dots + (size_t) i * k, km->centre, km->centre_norm,
											 largest, k, km->d, exact ? z : NULL, km->centre, &km->near[p]);

				changed += km->own[p] != label;
				km->own[p] = label;
				inertia += km->near[p];
				counts[label]++;
				SC_SIMD_CALL(sc_add_row)(sums + (size_t) label * d, z, km->d);
			}
		}
		km->shard_sum[(size_t) s * SC_KMEANS_TRIALS] = inertia;
		km->changed[s] = changed;
	}
	return sc_lane_barrier(lane);
}

/* An empty cluster takes the row that is farthest from its centre. */
static void
fill_empty(sc_kmeans *km, int k)
{
	size_t d = (size_t) km->d;

	for (int c = 0; c < k; c++)
	{
		size_t far = SIZE_MAX;

		if (km->counts[c] > 0)
			continue;
		for (size_t i = 0; i < km->n; i++)
			if (km->near[i] > 0 && km->counts[km->own[i]] > 1 && (far == SIZE_MAX || km->near[i] > km->near[far]))
				far = i;
		if (far == SIZE_MAX)
			return;
		for (size_t j = 0; j < d; j++)
		{
			km->sums[(size_t) km->own[far] * d + j] -= km->z[far * d + j];
			km->sums[(size_t) c * d + j] = km->z[far * d + j];
		}
		km->counts[km->own[far]]--;
		km->counts[c] = 1;
		km->own[far] = c;

		/* Its likes are as far, and must not make a second cluster. */
		for (size_t i = far; i < km->n && km->group[i] == km->group[far]; i++)
			km->near[i] = 0;
		for (size_t i = far; i-- > 0 && km->group[i] == km->group[far];)
			km->near[i] = 0;
	}
}

/* New centres from the sums of all shards; how far they moved, squared. By one lane. */
static double
update(sc_kmeans *km, int k)
{
	size_t d = (size_t) km->d, stride = (size_t) km->most * d;
	double moved = 0;

	for (int s = 1; s < km->shards; s++)
	{
		for (size_t i = 0; i < k * d; i++)
			km->sums[i] += km->sums[s * stride + i];
		for (int c = 0; c < k; c++)
			km->counts[c] += km->counts[(size_t) s * km->most + c];
	}
	fill_empty(km, k);
	for (int c = 0; c < k; c++)
	{
		if (km->counts[c] == 0)
			continue;
		for (size_t j = 0; j < d; j++)
		{
			double to = km->sums[c * d + j] / (double) km->counts[c];
			double step = to - km->centre[c * d + j];

			moved += step * step;
			km->centre[c * d + j] = to;
		}
	}
	return moved;
}

/* The best of n_init runs with k clusters: best, inertia (scaled), iterations, converged. */
static sc_status
fit(const sc_lane *lane, sc_kmeans *km, int k)
{
	size_t kd = (size_t) k * km->d;
	int runs = km->init == SC_KMEANS_GIVEN ? 1 : km->n_init;

	for (int run = 0; run < runs; run++)
	{
		sc_rng rng = sc_rng_stream(km->seed, (uint64_t) k, (uint64_t) run, 0);
		int iteration = 0;
		bool converged = false;

		if (km->init == SC_KMEANS_PLUS_PLUS)
			SC_TRY(seed_plus_plus(lane, km, k, &rng));
		if (lane->index == 0)
		{
			if (km->init == SC_KMEANS_RANDOM)
				seed_random(km, k, &rng);
			if (km->init == SC_KMEANS_GIVEN)
				for (size_t i = 0; i < kd; i++)
					km->centre[i] = ((double) km->start[i] - km->mean[i % km->d]) * km->scale;
			narrow(km->centre, km->narrow, km->centre_norm, k, km->d);
			for (size_t i = 0; i < km->n; i++)
				km->own[i] = -1;
			km->done = false;
		}
		SC_TRY(sc_lane_barrier(lane));
		while (iteration < km->max_iter && !converged)
		{
			SC_TRY(assign(lane, km, k, false));
			if (lane->index == 0)
			{
				size_t changed = 0;
				double moved = update(km, k);

				for (int s = 0; s < km->shards; s++)
					changed += km->changed[s];
				km->done = changed == 0 || moved <= km->tolerance;
				narrow(km->centre, km->narrow, km->centre_norm, k, km->d);
			}
			SC_TRY(sc_lane_barrier(lane));
			converged = km->done;
			iteration++;
		}
		SC_TRY(assign(lane, km, k, true));
		if (lane->index == 0)
		{
			double inertia = total(km, 0);

			if (run == 0 || inertia < km->inertia)
			{
				km->inertia = inertia;
				km->iterations = iteration;
				km->converged = converged;
				memcpy(km->best, km->centre, kd * sizeof(double));
			}
		}
		SC_TRY(sc_lane_barrier(lane));
	}
	return SC_OK;
}

/* Does cluster a come before b: larger, or of equal size and lower centre? */
static bool
before(const sc_kmeans *km, const int64_t *size, int a, int b)
{
	const double *x = km->best + (size_t) a * km->d, *y = km->best + (size_t) b * km->d;

	if (size[a] != size[b])
		return size[a] > size[b];
	for (int j = 0; j < km->d; j++)
		if (x[j] != y[j])
			return x[j] < y[j];
	return false;
}

/* Number the clusters and write their centres where the rows lived; by one lane. */
static void
number(sc_kmeans *km)
{
	int64_t *size = km->counts;
	int32_t *rank = km->own; /* k <= n; labels by position are not needed any more */

	memset(size, 0, km->k * sizeof(int64_t));
	for (size_t i = 0; i < km->n; i++)
		size[km->own[i]]++;
	for (int c = 0; c < km->k; c++)
	{
		int i = c;

		for (; i > 0 && before(km, size, c, rank[i - 1]); i--)
			rank[i] = rank[i - 1];
		rank[i] = c;
	}
	for (int c = 0; c < km->k; c++)
		for (int j = 0; j < km->d; j++)
			km->centroids[(size_t) c * km->d + j] =
				(float) (km->best[(size_t) rank[c] * km->d + j] / km->scale + km->mean[j]);
}

/* Labels, distances, sizes and inertia of the rows as they came, by the centroids as they leave. */
static sc_status
label_rows(const sc_lane *lane, sc_kmeans *km)
{
	sc_kmeans_nearest p = {.n = km->n,
						   .d = km->d,
						   .k = km->k,
						   .rows = km->rows,
						   .centroids = km->centroids,
						   .labels = km->labels,
						   .distance = km->distance,
						   .shards = km->shards,
						   .centre = km->centre,
						   .centre_norm = km->centre_norm,
						   .dots = km->dots};

	SC_TRY(sc_kmeans_nearest_run(lane, &p));
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index != 0)
		return SC_OK;
	km->inertia = 0;
	memset(km->sizes, 0, km->k * sizeof(int64_t));
	for (size_t i = 0; i < km->n; i++)
	{
		size_t r = km->order[i];

		km->sizes[km->labels[r]]++;
		km->inertia += km->distance[r] * km->distance[r];
	}
	return SC_OK;
}

sc_status
sc_kmeans_run(const sc_lane *lane, void *arg)
{
	sc_kmeans *km = arg;

	SC_TRY(prepare(lane, km));
	for (int k = 1; k <= km->curve_max; k++)
	{
		if ((size_t) k < km->distinct)
			SC_TRY(fit(lane, km, k));
		if (lane->index == 0)
		{
			double inertia = (size_t) k < km->distinct ? km->inertia / (km->scale * km->scale) : 0;

			/* One more centre than the last clustering has never made it worse. */
			km->curve[k - 1] = k > 1 ? SC_MIN(inertia, km->curve[k - 2]) : inertia;
		}
		SC_TRY(sc_lane_barrier(lane));
	}
	if (km->curve_max > 0)
		return SC_OK;

	if (lane->index == 0)
		km->k = (int) SC_MIN((size_t) km->k, km->distinct);
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(fit(lane, km, km->k));

	/* The labels of the best run, to count and rank its clusters. */
	if (lane->index == 0)
	{
		memcpy(km->centre, km->best, (size_t) km->k * km->d * sizeof(double));
		narrow(km->centre, km->narrow, km->centre_norm, km->k, km->d);
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(assign(lane, km, km->k, true));
	if (lane->index == 0)
		number(km);
	SC_TRY(sc_lane_barrier(lane));
	return label_rows(lane, km);
}

/* ------------------------------------------------------------------
 * The nearest of given centroids
 * ------------------------------------------------------------------
 */

void
sc_kmeans_nearest_layout(sc_kmeans_nearest *p, sc_arena *arena)
{
	size_t k = (size_t) p->k;

	p->shards = (int) SC_MAX(SC_MIN((p->n + BLOCK - 1) / BLOCK, 64), 1);
	p->centre = SC_TAKE(arena, double, sc_mul(k, (size_t) p->d));
	p->centre_norm = SC_TAKE(arena, double, k);
	p->dots = SC_TAKE(arena, float, sc_mul((size_t) p->shards * BLOCK, k));
}

sc_status
sc_kmeans_nearest_run(const sc_lane *lane, void *arg)
{
	sc_kmeans_nearest *p = arg;
	size_t d = (size_t) p->d;
	double largest = 0;
	size_t begin, end;

	if (lane->index == 0)
		for (int c = 0; c < p->k; c++)
		{
			for (size_t j = 0; j < d; j++)
				p->centre[c * d + j] = p->centroids[c * d + j];
			p->centre_norm[c] = norm2(p->centre + c * d, p->d);
		}
	SC_TRY(sc_lane_barrier(lane));
	for (int c = 0; c < p->k; c++)
		largest = SC_MAX(largest, p->centre_norm[c]);
	for (int s = lane->index; s < p->shards; s += lane->count)
	{
		float *dots = p->dots + (size_t) s * BLOCK * p->k;

		sc_shard_range(p->n, p->shards, s, &begin, &end);
		for (; begin < end; begin += BLOCK)
		{
			int rows = (int) SC_MIN((size_t) BLOCK, end - begin);

			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_sgemm(false, true, rows, p->k, p->d, 1, p->rows + begin * d, p->d, p->centroids, p->d, 0, dots, p->k);
			for (int i = 0; i < rows; i++)
			{
				const float *x = p->rows + (begin + i) * d;
				double a;

				p->labels[begin + i] =
					sc_kmeans_choose(x, SC_SIMD_CALL(sc_norm2)(x, p->d), dots + (size_t) i * p->k, p->centre,
									 p->centre_norm, largest, p->k, p->d, x, p->centre, &a);
				p->distance[begin + i] = sqrt(a);
			}
		}
	}
	return SC_OK;
}
