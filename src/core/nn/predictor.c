/*-------------------------------------------------------------------------
 *
 * src/core/nn/predictor.c
 *	  A linear layer that tells a descriptor of a view from the direction of its
 *	  feature, forward and backward at once.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/predictor.h"
#include "core/base/gemm.h"
#include "core/nn/head_parts.h"

#include <math.h>
#include <string.h>

/* Shorter features have no direction. */
#define SHORTEST 1e-6

void
sc_predictor_layout(sc_predictor *p, sc_arena *arena, int in_dim, int out_dim, float loss_weight, int views, int shards)
{
	SC_ASSERT(in_dim > 0 && out_dim > 0 && shards > 0 && shards <= views);
	memset(p, 0, sizeof(*p));
	p->in_dim = in_dim;
	p->out_dim = out_dim;
	p->views = views;
	p->shards = shards;
	p->loss_weight = loss_weight;
	p->direction = SC_TAKE(arena, float, sc_mul((size_t) views, (size_t) in_dim));
	p->inv = SC_TAKE(arena, float, (size_t) views);
	p->error = SC_TAKE(arena, float, sc_mul((size_t) views, (size_t) out_dim));
	p->dx = SC_TAKE(arena, float, sc_mul((size_t) views, (size_t) in_dim));
}

void
sc_predictor_bind(sc_predictor *p, float *params, float *grads)
{
	size_t weights = (size_t) p->in_dim * (size_t) p->out_dim;

	p->weight = params;
	p->bias = params + weights;
	p->grad_weight = grads;
	p->grad_bias = grads + weights;
}

static void
take_directions(const sc_predictor *p, const float *x, size_t begin, size_t end)
{
	size_t n = (size_t) p->in_dim;

	for (size_t v = begin; v < end; v++)
	{
		double square = 0;

		for (size_t i = 0; i < n; i++)
			square += (double) x[v * n + i] * x[v * n + i];
		p->inv[v] = square > SHORTEST * SHORTEST ? (float) (1 / sqrt(square)) : 0.0f;
		for (size_t i = 0; i < n; i++)
			p->direction[v * n + i] = x[v * n + i] * p->inv[v];
	}
}

/* From the gradient of directions to that of features, in place. */
static void
through_length(const sc_predictor *p, size_t begin, size_t end)
{
	size_t n = (size_t) p->in_dim;

	for (size_t v = begin; v < end; v++)
	{
		float *g = p->dx + v * n;
		const float *u = p->direction + v * n;
		double along = 0;

		for (size_t i = 0; i < n; i++)
			along += (double) g[i] * u[i];
		for (size_t i = 0; i < n; i++)
			g[i] = (g[i] - (float) along * u[i]) * p->inv[v];
	}
}

/* Views begin to end: their errors, and what these teach their features. */
static void
learn_from(const sc_predictor *p, const float *target, size_t begin, size_t end)
{
	int count = (int) (end - begin), in = p->in_dim, out = p->out_dim;
	float *error = p->error + begin * (size_t) out;
	float scale = 2 * p->loss_weight / (float) p->views;

	sc_sgemm(false, true, count, out, in, 1.0f, p->direction + begin * (size_t) in, in, p->weight, in, 0.0f, error, out);
	for (size_t i = 0; i < (size_t) count * (size_t) out; i++)
		error[i] = scale * (error[i] + p->bias[i % (size_t) out] - target[begin * (size_t) out + i]);
	sc_sgemm(false, false, count, in, out, 1.0f, error, out, p->weight, in, 0.0f, p->dx + begin * (size_t) in, in);
}

/* A lane takes every so many columns; the sum of each is in the order of the views. */
static void
bias_gradient(const sc_lane *lane, const sc_predictor *p)
{
	for (int j = lane->index; j < p->out_dim; j += lane->count)
	{
		double sum = 0;

		for (int v = 0; v < p->views; v++)
			sum += p->error[(size_t) v * p->out_dim + j];
		p->grad_bias[j] = (float) sum;
	}
}

sc_status
sc_predictor_run(const sc_lane *lane, sc_predictor *p, const float *target, const float *x)
{
	for (int s = lane->index; s < p->shards; s += lane->count)
	{
		size_t begin, end;

		sc_shard_range((size_t) p->views, p->shards, s, &begin, &end);
		for (size_t v = begin; v < end; v += SC_HEAD_CHUNK)
		{
			size_t some = SC_MIN(v + SC_HEAD_CHUNK, end);

			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			take_directions(p, x, v, some);
			learn_from(p, target, v, some);
			through_length(p, v, some);
		}
	}
	SC_TRY(sc_lane_barrier(lane));
	bias_gradient(lane, p);
	return sc_head_weight_gradient(lane, p->grad_weight, p->error, p->out_dim, p->direction, p->in_dim, p->views);
}

sc_status
sc_predictor_add(const sc_lane *lane, const sc_predictor *p, float *dx)
{
	for (int s = lane->index; s < p->shards; s += lane->count)
	{
		size_t begin, end;

		sc_shard_range((size_t) p->views, p->shards, s, &begin, &end);
		for (size_t i = begin * (size_t) p->in_dim; i < end * (size_t) p->in_dim; i++)
			dx[i] += p->dx[i];
	}
	return sc_lane_barrier(lane);
}
