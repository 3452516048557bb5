/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_seed.c
 *	  The centres that Lloyd's iteration starts from.
 *
 * Greedy k-means++: each seed is the best of a few points that are drawn with
 * a chance in proportion to their squared distance to the nearest seed so far;
 * the best is the one that leaves the smallest sum of these distances. Of many
 * rows the points are a sample at first. What the draws have missed, and what
 * the sample did not hold, the search finds (kmeans_search.c).
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_parts.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"

/*
 * Points of a sample: so many for each seed, and no fewer than SAMPLE_LEAST:
 * 4,096 rows of 512 floats are 8 MB, which a third cache keeps from seed to
 * seed. What it does not hold, the search among all rows finds. A sample that
 * is not much smaller than all rows would save nothing.
 */
#define SAMPLE_EACH 64
#define SAMPLE_LEAST 4096
#define SAMPLE_SHARE 2

/*
 * Seeds that are replaced at most: among the sample, and then among all rows,
 * where a search is dear and has little left to find.
 */
#define SEARCH_SAMPLE 32
#define SEARCH_ALL 4

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

/* Points of the sample for k seeds, or n where all rows are taken. */
static size_t
sample_size(size_t n, int k)
{
	size_t m = SC_MAX((size_t) SAMPLE_EACH * (size_t) k, SAMPLE_LEAST);

	return n / SAMPLE_SHARE >= m ? m : n;
}

void
sc_kmeans_seeds_layout(sc_kmeans *km, sc_arena *arena)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_seeds *s = &w->seeds;
	size_t shards = (size_t) w->shards, d = (size_t) km->d;
	/* Of fewer clusters the sample is smaller, or there is one where there is none of more. */
	size_t m = SC_MIN(sample_size(km->n, w->most), km->n / SAMPLE_SHARE);

	SC_ASSERT(trials_of(w->most) <= SC_KMEANS_TRIALS);
	s->rows = SC_TAKE(arena, float, sc_mul(SC_KMEANS_TRIALS, d));
	/* Of all rows, for where the sample will not do. */
	s->dots = SC_TAKE(arena, float, sc_mul(km->n, (size_t) trials_of(w->most)));
	s->apart = SC_TAKE(arena, double, sc_mul((size_t) w->most, SC_KMEANS_TRIALS));
	s->sums = SC_TAKE(arena, double, shards *SC_KMEANS_TRIALS);
	s->losses = SC_TAKE(arena, double, sc_mul(shards, (size_t) w->most));
	s->replaced = SC_TAKE(arena, double, d);
	if (sample_size(km->n, 1) == km->n)
		return;
	w->sample.z = SC_TAKE(arena, float, sc_mul(m, d));
	w->sample.norm = SC_TAKE(arena, double, m);
	w->sample.own = SC_TAKE(arena, int32_t, m);
	w->sample.near = SC_TAKE(arena, double, m);
	w->sample.upper = SC_TAKE(arena, double, m);
	w->sample.lower = SC_TAKE(arena, double, m);
}

void
sc_kmeans_take(sc_kmeans *km, const sc_kmeans_points *p, int c, size_t i)
{
	for (int j = 0; j < km->d; j++)
		km->work->centres.point[(size_t) c * km->d + j] = p->z[i * km->d + j];
}

/* The points trial[], one after the other; by one lane. */
static void
gather_trials(sc_kmeans *km, const sc_kmeans_points *p)
{
	sc_kmeans_seeds *s = &km->work->seeds;
	size_t d = (size_t) km->d;

	for (int t = 0; t < s->m; t++)
		memcpy(s->rows + t * d, p->z + s->trial[t] * d, d * sizeof(float));
}

/*
 * apart tells which points no candidate can improve, and so need not be read:
 * those whose seed is less than half as far as it is from every candidate
 * (Elkan, "Using the triangle inequality to accelerate k-means", ICML 2003,
 * lemma 1). So the rows of a group that has its seed are not read again.
 */
sc_status
sc_kmeans_measure_seeds(const sc_lane *lane, sc_kmeans *km, int seeds)
{
	sc_kmeans_work *w = km->work;
	size_t d = (size_t) km->d;
	size_t begin, end;

	sc_shard_range((size_t) seeds, lane->count, lane->index, &begin, &end);
	for (size_t c = begin; c < end; c++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (int t = 0; t < w->seeds.m; t++)
			w->seeds.apart[c * SC_KMEANS_TRIALS + t] =
				sc_distance()->distance2_centre(w->seeds.rows + t * d, w->centres.point + c * d, km->d);
	}
	return sc_lane_barrier(lane);
}

bool
sc_kmeans_may_be_nearer(const sc_kmeans_work *w, const sc_kmeans_points *p, size_t i, int t)
{
	return w->seeds.apart[(size_t) p->own[i] * SC_KMEANS_TRIALS + t] < REACH * p->near[i];
}

static bool
any_may_be_nearer(const sc_kmeans_work *w, const sc_kmeans_points *p, size_t i)
{
	for (int t = 0; t < w->seeds.m; t++)
		if (sc_kmeans_may_be_nearer(w, p, i, t))
			return true;
	return false;
}

double
sc_kmeans_trial_distance(const sc_kmeans *km, const sc_kmeans_points *p, size_t i, int t, float dot)
{
	size_t trial = km->work->seeds.trial[t];
	double both = p->norm[i] + p->norm[trial];
	double a = both - 2 * (double) dot;

	if (a < CANCELLED * both)
		a = sc_distance()->distance2(p->z + i * km->d, p->z + trial * km->d, km->d);
	return a;
}

/* The distance of point i to the nearest seed, were trial t the next one; the first has nothing before it. */
static double
distance_with(const sc_kmeans *km, const sc_kmeans_points *p, size_t i, int t, float dot, bool first)
{
	double a = sc_kmeans_trial_distance(km, p, i, t, dot);

	return first ? a : SC_MIN(a, p->near[i]);
}

/*
 * dots: the products of every point with the rows trial[], from which
 * keep_trial computes the distances again, or -infinity, an infinite distance,
 * where no trial can be nearer than the point's seed. sums: for each trial the
 * sum of the points' distances to the nearest seed, were it a seed too.
 */
static sc_status
measure_trials(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p, int seeds)
{
	sc_kmeans_work *w = km->work;
	int m = w->seeds.m;
	size_t begin, end;

	SC_TRY(sc_kmeans_measure_seeds(lane, km, seeds));
	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		double *sum = w->seeds.sums + (size_t) s * SC_KMEANS_TRIALS;

		memset(sum, 0, SC_KMEANS_TRIALS * sizeof(double));
		sc_shard_range(p->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			float *dots = w->seeds.dots + i * (size_t) m;

			if (i % SC_KMEANS_BLOCK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			if (seeds > 0 && !any_may_be_nearer(w, p, i))
				for (int t = 0; t < m; t++)
				{
					dots[t] = -INFINITY;
					sum[t] += p->near[i];
				}
			else
			{
				sc_distance()->dot_rows(dots, p->z + i * km->d, w->seeds.rows, m, km->d);
				for (int t = 0; t < m; t++)
					sum[t] += distance_with(km, p, i, t, dots[t], seeds == 0);
			}
		}
	}
	return sc_lane_barrier(lane);
}

/* Trial t of those that were measured is seed c. */
static sc_status
keep_trial(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p, int t, int c)
{
	sc_kmeans_work *w = km->work;
	size_t m = (size_t) w->seeds.m;
	size_t begin, end;

	for (int s = lane->index; s < w->shards; s += lane->count)
	{
		double sum = 0;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_shard_range(p->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			double a = distance_with(km, p, i, t, w->seeds.dots[i * m + t], c == 0);

			if (c == 0 || a < p->near[i])
			{
				p->near[i] = a;
				p->own[i] = c;
			}
			sum += p->near[i];
		}
		w->seeds.sums[(size_t) s * SC_KMEANS_TRIALS] = sum;
	}
	return sc_lane_barrier(lane);
}

double
sc_kmeans_total(const sc_kmeans_work *w, int t)
{
	double sum = 0;

	for (int s = 0; s < w->shards; s++)
		sum += w->seeds.sums[(size_t) s * SC_KMEANS_TRIALS + t];
	return sum;
}

/* The point at which the running sum of near passes u. */
static uint32_t
draw(const sc_kmeans *km, const sc_kmeans_points *p, double u)
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
		sc_shard_range(p->n, w->shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++)
		{
			if (p->near[i] > 0)
				last = i;
			u -= p->near[i];
			if (u < 0)
				return (uint32_t) i;
		}
	}
	return (uint32_t) last;
}

void
sc_kmeans_draw(sc_kmeans *km, const sc_kmeans_points *p, int m, sc_rng *rng)
{
	sc_kmeans_seeds *s = &km->work->seeds;
	double pot = sc_kmeans_total(km->work, 0);

	s->m = m;
	for (int t = 0; t < m; t++)
		s->trial[t] = draw(km, p, sc_rng_uniform53(rng) * pot);
	gather_trials(km, p);
}

static sc_status
seed_plus_plus(const sc_lane *lane, sc_kmeans *km, const sc_kmeans_points *p, int k, sc_rng *rng)
{
	sc_kmeans_work *w = km->work;

	if (lane->index == 0)
	{
		w->seeds.m = 1;
		w->seeds.trial[0] = (uint32_t) sc_rng_below(rng, p->n);
		gather_trials(km, p);
		sc_kmeans_take(km, p, 0, w->seeds.trial[0]);
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(measure_trials(lane, km, p, 0));
	SC_TRY(keep_trial(lane, km, p, 0, 0));
	for (int c = 1; c < k; c++)
	{
		int best = 0;

		if (lane->index == 0)
			sc_kmeans_draw(km, p, trials_of(k), rng);
		SC_TRY(sc_lane_barrier(lane));
		SC_TRY(measure_trials(lane, km, p, c));
		for (int t = 1; t < w->seeds.m; t++)
			if (sc_kmeans_total(w, t) < sc_kmeans_total(w, best))
				best = t;
		/* Every lane has read the sums, before any writes them. */
		SC_TRY(sc_lane_barrier(lane));
		if (lane->index == 0)
			sc_kmeans_take(km, p, c, w->seeds.trial[best]);
		SC_TRY(keep_trial(lane, km, p, best, c));
	}
	return SC_OK;
}

/*
 * A sample of the rows for k seeds, every so many-th in their order, so that
 * equal rows, which stand together there, have their share of it. n of the
 * sample is 0 where it would save nothing or has too few different rows. By
 * one lane.
 */
static void
take_sample(sc_kmeans *km, int k, sc_rng *rng)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_points *p = &w->sample;
	const uint32_t *group = w->order.group;
	size_t m = sample_size(km->n, k), d = (size_t) km->d;
	size_t first = (size_t) sc_rng_below(rng, km->n);
	size_t distinct = 0;
	float *z = (float *) p->z;
	double *norm = (double *) p->norm;

	p->n = m < km->n ? m : 0;
	for (size_t i = 0; i < p->n; i++)
	{
		size_t at = (i * km->n + first) / m;

		memcpy(z + i * d, w->all.z + at * d, d * sizeof(float));
		norm[i] = w->all.norm[at];
		distinct += i == 0 || group[at] != group[((i - 1) * km->n + first) / m];
	}
	if (distinct < 4 * (size_t) k)
		p->n = 0;
}

/* Seeds by draws and by search, among a sample first where there is one. */
static sc_status
seed_among(const sc_lane *lane, sc_kmeans *km, int k, sc_rng *rng)
{
	sc_kmeans_work *w = km->work;
	bool sampled;

	if (lane->index == 0)
		take_sample(km, k, rng);
	SC_TRY(sc_lane_barrier(lane));
	sampled = w->sample.n > 0;
	SC_TRY(seed_plus_plus(lane, km, sampled ? &w->sample : &w->all, k, rng));
	if (sampled)
		SC_TRY(sc_kmeans_search(lane, km, &w->sample, SEARCH_SAMPLE, rng));
	return sc_kmeans_search(lane, km, &w->all, sampled ? SEARCH_ALL : SEARCH_SAMPLE, rng);
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
			sc_kmeans_take(km, &km->work->all, c++, i);
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
	{
		km->work->centres.k = k;
		km->work->bounded = km->init == SC_KMEANS_PLUS_PLUS;
	}
	switch (km->init)
	{
		case SC_KMEANS_PLUS_PLUS:
			return seed_among(lane, km, k, &rng);
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
