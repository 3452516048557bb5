/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_seed.c
 *	  The centres that Lloyd's iteration starts from.
 *
 * Greedy k-means++: each seed is the best of a few rows that are drawn with a
 * chance in proportion to their squared distance to the nearest seed so far;
 * the best is the one that leaves the smallest sum of these distances.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_parts.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"

/*
 * A squared distance that is less than this share of the two squared norms
 * that it is the difference of is computed in double: the product in float
 * would leave rows that are the same some distance apart, and both could
 * become seeds. Measured, on rows of all kinds: the product puts equal rows
 * apart by 2.5e-6 of their norms at most (16,000 dimensions without AVX; 2e-7
 * at 512 dimensions with AVX-512).
 */
#define CANCELLED 1e-4

/*
 * By the triangle inequality a candidate is no nearer to a row than the row's
 * seed if it is at least twice as far from that seed as the row is: 4, for
 * these are squares, and a little for the rounding of doubles. Where near comes from a product in float it may be too
 * small, at most by 0.4 percent at 512 dimensions, by 2.5 at 16,000 (measured,
 * where CANCELLED takes the digits); such a row may be passed over by a seed
 * that is nearer by no more than that, which makes the seeds no worse.
 */
#define REACH 4.0001

/* Candidates for each seed, as in scikit-learn. */
static int
trials_of(int k)
{
	return 2 + (int) log((double) k);
}

void
sc_kmeans_seeds_layout(sc_kmeans *km, sc_arena *arena)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_seeds *s = &w->seeds;
	int trials = trials_of(w->most);

	SC_ASSERT(trials <= SC_KMEANS_TRIALS);
	s->rows = SC_TAKE(arena, float, sc_mul(SC_KMEANS_TRIALS, (size_t) km->d));
	s->dots = SC_TAKE(arena, float, sc_mul(km->n, trials));
	s->apart = SC_TAKE(arena, double, sc_mul(w->most, trials));
	s->sums = SC_TAKE(arena, double, (size_t) w->shards *SC_KMEANS_TRIALS);
}

/* Row i as centre c. */
static void
take_row(sc_kmeans *km, int c, size_t i)
{
	for (int j = 0; j < km->d; j++)
		km->work->centres.point[(size_t) c * km->d + j] = km->work->order.z[i * km->d + j];
}

/* The rows trial[], one after the other; by one lane. */
static void
gather_trials(sc_kmeans *km, int m)
{
	sc_kmeans_seeds *s = &km->work->seeds;
	size_t d = (size_t) km->d;

	for (int t = 0; t < m; t++)
		memcpy(s->rows + t * d, km->work->order.z + s->trial[t] * d, d * sizeof(float));
}

/*
 * apart: squared distances of the m rows trial[] to the `seeds` seeds so far.
 * They tell which rows no candidate can improve, and so need not be read: those
 * whose seed is less than half as far as it is from every candidate (Elkan, "Using the triangle inequality to accelerate k-means", ICML
 * 2003, lemma 1). So the rows of a group that has its seed are not read again.
 */
static sc_status
measure_seeds(const sc_lane *lane, sc_kmeans *km, int m, int seeds)
{
	sc_kmeans_work *w = km->work;
	size_t d = (size_t) km->d;
	size_t begin, end;

	sc_shard_range((size_t) seeds, lane->count, lane->index, &begin, &end);
	for (size_t c = begin; c < end; c++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (int t = 0; t < m; t++)
			w->seeds.apart[c * (size_t) m + t] =
				sc_distance()->distance2_centre(w->seeds.rows + t * d, w->centres.point + c * d, km->d);
	}
	return sc_lane_barrier(lane);
}

/* Can one of the m trials be nearer to row i than its seed? */
static bool
may_be_nearer(const sc_kmeans_work *w, size_t i, int m)
{
	const double *apart = w->seeds.apart + (size_t) w->own[i] * m;
	double reach = REACH * w->near[i];

	for (int t = 0; t < m; t++)
		if (apart[t] < reach)
			return true;
	return false;
}

/* Squared distance of row i to row trial[t], no more than near unless it is the first seed. */
static double
trial_distance(const sc_kmeans *km, size_t i, int t, float dot, bool first)
{
	const sc_kmeans_order *o = &km->work->order;
	size_t trial = km->work->seeds.trial[t];
	double both = o->norm[i] + o->norm[trial];
	double a = both - 2 * (double) dot;

	if (a < CANCELLED * both)
		a = sc_distance()->distance2(o->z + i * km->d, o->z + trial * km->d, km->d);
	return first ? a : SC_MIN(a, km->work->near[i]);
}

/*
 * dots: the products of every row with the m rows trial[], from which
 * keep_trial computes the distances again, or -infinity, an infinite distance,
 * where no trial can be nearer than the row's seed. sums: for each trial the
 * sum of the rows' distances to the nearest seed, were it a seed too.
 */
static sc_status
measure_trials(const sc_lane *lane, sc_kmeans *km, int m, int seeds)
{
	sc_kmeans_work *w = km->work;
	size_t begin, end;

	SC_TRY(measure_seeds(lane, km, m, seeds));
	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		double *sum = w->seeds.sums + (size_t) s * SC_KMEANS_TRIALS;

		memset(sum, 0, SC_KMEANS_TRIALS * sizeof(double));
		sc_shard_range(km->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			float *dots = w->seeds.dots + i * (size_t) m;

			if (i % SC_KMEANS_BLOCK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			if (seeds > 0 && !may_be_nearer(w, i, m))
				for (int t = 0; t < m; t++)
				{
					dots[t] = -INFINITY;
					sum[t] += w->near[i];
				}
			else
			{
				sc_distance()->dot_rows(dots, w->order.z + i * km->d, w->seeds.rows, m, km->d);
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
	sc_kmeans_work *w = km->work;
	size_t begin, end;

	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		double sum = 0;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_shard_range(km->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			double a = trial_distance(km, i, t, w->seeds.dots[i * (size_t) m + t], c == 0);

			if (c == 0 || a < w->near[i])
			{
				w->near[i] = a;
				w->own[i] = c;
			}
			sum += w->near[i];
		}
		w->seeds.sums[(size_t) s * SC_KMEANS_TRIALS] = sum;
	}
	return sc_lane_barrier(lane);
}

/* The sum of the distances, were trial t a seed. */
static double
total(const sc_kmeans_work *w, int t)
{
	double sum = 0;

	for (int s = 0; s < w->shards; s++)
		sum += w->seeds.sums[(size_t) s * SC_KMEANS_TRIALS + t];
	return sum;
}

/* The row at which the running sum of near passes u. */
static uint32_t
draw(const sc_kmeans *km, double u)
{
	const sc_kmeans_work *w = km->work;
	size_t last = 0;

	for (int s = 0; s < w->shards; s++)
	{
		double part = w->seeds.sums[(size_t) s * SC_KMEANS_TRIALS];
		size_t begin, end;

		if (u >= part && s < w->shards - 1)
		{
			u -= part;
			continue;
		}
		sc_shard_range(km->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (w->near[i] > 0)
				last = i;
			u -= w->near[i];
			if (u < 0)
				return (uint32_t) i;
		}
	}
	return (uint32_t) last;
}

static sc_status
seed_plus_plus(const sc_lane *lane, sc_kmeans *km, int k, sc_rng *rng)
{
	sc_kmeans_work *w = km->work;
	int trials = trials_of(k);

	if (lane->index == 0)
	{
		w->seeds.trial[0] = (uint32_t) sc_rng_below(rng, km->n);
		gather_trials(km, 1);
		take_row(km, 0, w->seeds.trial[0]);
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(measure_trials(lane, km, 1, 0));
	SC_TRY(keep_trial(lane, km, 1, 0, 0));
	for (int c = 1; c < k; c++)
	{
		int best = 0;

		if (lane->index == 0)
		{
			double pot = total(w, 0);

			for (int t = 0; t < trials; t++)
				w->seeds.trial[t] = draw(km, sc_rng_uniform53(rng) * pot);
			gather_trials(km, trials);
		}
		SC_TRY(sc_lane_barrier(lane));
		SC_TRY(measure_trials(lane, km, trials, c));
		for (int t = 1; t < trials; t++)
			if (total(w, t) < total(w, best))
				best = t;
		/* Every lane has read the sums, before any writes them. */
		SC_TRY(sc_lane_barrier(lane));
		if (lane->index == 0)
			take_row(km, c, w->seeds.trial[best]);
		SC_TRY(keep_trial(lane, km, trials, best, c));
	}
	return SC_OK;
}

/* k of the distinct rows, every choice equally likely (Knuth's algorithm S). */
static void
seed_random(sc_kmeans *km, int k, sc_rng *rng)
{
	const uint32_t *group = km->work->order.group;
	size_t left = km->distinct;
	int c = 0;

	for (size_t i = 0; i < km->n && c < k; i++)
	{
		if (i > 0 && group[i] == group[i - 1])
			continue;
		if (sc_rng_below(rng, left) < (uint64_t) (k - c))
			take_row(km, c++, i);
		left--;
	}
}

static void
seed_given(sc_kmeans *km, int k)
{
	const sc_centring *centring = &km->work->order.centring;

	for (size_t i = 0; i < (size_t) k * km->d; i++)
		km->work->centres.point[i] = ((double) km->start[i] - centring->mean[i % km->d]) * centring->scale;
}

sc_status
sc_kmeans_seed(const sc_lane *lane, sc_kmeans *km, int k, int run)
{
	sc_rng rng = sc_rng_stream(km->seed, (uint64_t) k, (uint64_t) run, 0);

	if (lane->index == 0)
		km->work->centres.k = k;
	switch (km->init)
	{
		case SC_KMEANS_PLUS_PLUS:
			return seed_plus_plus(lane, km, k, &rng);
		case SC_KMEANS_RANDOM:
			if (lane->index == 0)
				seed_random(km, k, &rng);
			break;
		case SC_KMEANS_GIVEN:
			if (lane->index == 0)
				seed_given(km, k);
			break;
	}
	return sc_lane_barrier(lane);
}
