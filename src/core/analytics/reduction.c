/*-------------------------------------------------------------------------
 *
 * src/core/analytics/reduction.c
 *	  The subspace of a sample, and rows in it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/reduction.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"
#include "core/base/gemm.h"
#include "core/base/rng.h"

/* Floats of the sample, about, and rows of it: several for each direction. */
#define SAMPLE_FLOATS (1 << 19)
#define SAMPLE_ROWS 256

/* Rounds of multiplying a random start with the sample's covariance. */
#define ROUNDS 2

/* A direction of which less than this is left is one of those before it, and rounding. */
#define NOTHING_LEFT 1e-4

static int
samples(size_t n, int d)
{
	return (int) SC_MIN(n, (size_t) SC_MAX(SAMPLE_FLOATS / d, SAMPLE_ROWS));
}

void
sc_reduction_layout(sc_reduction *r, size_t n, int d, sc_arena *arena)
{
	r->d = d;
	r->samples = samples(n, d);
	r->basis = SC_TAKE(arena, float, sc_mul(SC_REDUCED_BASIS, (size_t) d));
	r->next = SC_TAKE(arena, float, sc_mul(SC_REDUCED_BASIS, (size_t) d));
	r->sample = SC_TAKE(arena, float, sc_mul((size_t) r->samples, (size_t) d));
	r->product = SC_TAKE(arena, float, sc_mul(SC_REDUCED_BASIS, (size_t) r->samples));
}

/* v (d) becomes at right angles to the rows of the basis before i, as far as floats can be. */
static void
take_out(const sc_reduction *r, float *v, int i)
{
	for (int j = 0; j < i; j++)
	{
		const float *b = r->basis + (size_t) j * r->d;
		float share = (float) sc_distance()->dot(v, b, r->d);

		for (int c = 0; c < r->d; c++)
			v[c] -= share * b[c];
	}
}

/* The basis, from the rows of `next`: Gram and Schmidt's method, twice ("twice is enough"). */
static sc_status
make_basis(const sc_lane *lane, sc_reduction *r)
{
	for (int i = 0; i < SC_REDUCED_BASIS; i++)
	{
		float *v = r->next + (size_t) i * r->d, *out = r->basis + (size_t) i * r->d;
		double before = sqrt(sc_distance()->dot(v, v, r->d)), after;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		take_out(r, v, i);
		take_out(r, v, i);
		after = sqrt(sc_distance()->dot(v, v, r->d));
		for (int c = 0; c < r->d; c++)
			out[c] = after > NOTHING_LEFT * before ? (float) (v[c] / after) : 0;
	}
	return SC_OK;
}

/* How far the products of the basis's rows, other than zeros, with each other are from those of an orthonormal one. */
static double
skew(const sc_reduction *r)
{
	double sum = 0;

	for (int i = 0; i < SC_REDUCED_BASIS; i++)
		for (int j = 0; j <= i; j++)
		{
			double dot = sc_distance()->dot(r->basis + (size_t) i * r->d, r->basis + (size_t) j * r->d, r->d);

			if (i != j)
				sum += 2 * dot * dot;
			else if (dot > 0)
				sum += (dot - 1) * (dot - 1);
		}
	return sqrt(sum);
}

/*
 * Let t be the skew, u = 2^-24, and p = P x the exact product with the basis.
 * In float it is off by e |x|, e = sqrt(dimensions) d u (1 + t), whatever the
 * order of its sums (Higham, section 3.1), and |P x|^2 is within t |x|^2 of
 * what an orthonormal basis of the same space gives, as is Pq.Px within
 * t |q||x|. So r^2 is at most |x|^2 - |p|^2 + (2 e (1 + t) + e^2 + t) |x|^2, and
 * q.x at most Pq.Px + r_q r_x + (2 e (1 + t) + e^2 + t) |q||x|. Three times
 * e + t is more than that bracket, while both are below 0.1; the last term is
 * for r's own rounding.
 */
static double
slack(double skew, int d)
{
	double e = sqrt(SC_REDUCED_DIM) * d * 0x1p-24 * (1 + skew);

	return 3 * (e + skew) + 1e-6;
}

sc_status
sc_reduction_find(const sc_lane *lane, sc_reduction *r, const sc_centring *c, const float *rows, size_t n)
{
	size_t d = (size_t) r->d, begin, end, first, last;

	sc_shard_range((size_t) r->samples, lane->count, lane->index, &begin, &end);
	sc_shard_range(d, lane->count, lane->index, &first, &last);
	for (size_t i = begin; i < end; i++)
		(void) sc_distance()->centre_row(r->sample + i * d, rows + i * n / (size_t) r->samples * d, c->mean, c->scale,
										 r->d);
	for (size_t i = 0; lane->index == 0 && i < SC_REDUCED_BASIS * d; i++)
		r->basis[i] = sc_mix64(i) & 1 ? 1 : -1;
	SC_TRY(sc_lane_barrier(lane));
	for (int round = 0; round < ROUNDS; round++)
	{
		if (end > begin)
			sc_sgemm(false, true, SC_REDUCED_BASIS, (int) (end - begin), r->d, 1, r->basis, r->d, r->sample + begin * d,
					 r->d, 0, r->product + begin, r->samples);
		SC_TRY(sc_lane_barrier(lane));
		if (last > first)
			sc_sgemm(false, false, SC_REDUCED_BASIS, (int) (last - first), r->samples, 1, r->product, r->samples,
					 r->sample + first, r->d, 0, r->next + first, r->d);
		SC_TRY(sc_lane_barrier(lane));
		if (lane->index == 0)
			SC_TRY(make_basis(lane, r));
		SC_TRY(sc_lane_barrier(lane));
	}
	if (lane->index == 0)
		r->error = slack(skew(r), r->d);
	return sc_lane_barrier(lane);
}

void
sc_reduction_apply(const sc_reduction *r, float *out, const float *x, const double *norm, int m)
{
	sc_sgemm(false, true, m, SC_REDUCED_BASIS, r->d, 1, x, r->d, r->basis, r->d, 0, out, SC_REDUCED_DIM);
	for (int i = 0; i < m; i++)
	{
		float *p = out + (size_t) i * SC_REDUCED_DIM;
		double inside = sc_distance()->dot(p, p, SC_REDUCED_BASIS);

		p[SC_REDUCED_BASIS] = (float) sqrt(SC_MAX(norm[i] - inside, 0) + r->error * norm[i]);
	}
}
