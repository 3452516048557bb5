/*-------------------------------------------------------------------------
 *
 * src/core/nn/head_pass.c
 *	  SimCLR's projection head at work on a batch: forward and backward.
 *
 * Products with the weights run by shard of views. Gradients of the weights run
 * by a few of their rows at a time, over all views of the batch at once, so they
 * need no partial sums. Sums over the batch are taken by shard in double and
 * added in the order of the shards.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/gemm.h"
#include "core/nn/head_parts.h"

#include <string.h>

/* Views of one product of a gradient of weights, which has so many rows that it takes no longer. */
#define GRADIENT_CHUNK (8 * SC_HEAD_CHUNK)
#define GRADIENT_ROWS (SC_HEAD_CHUNK / 8)

/* What a loop over the own shards is about: a layer, what it reads and what it writes. */
typedef struct work
{
	sc_head *head;
	int l;
	const float *in; /* (views, ...) */
	float *out;		 /* (views, ...) */
	bool sums;		 /* does it leave sums of the shard? */
} work;

/* Do it for `count` views from view v on; sum, product (the layer's width): of their shard. */
typedef void (*work_fn)(const work *w, size_t v, int count, double *sum, double *product);

static size_t
widest_of(const sc_head *head)
{
	return (size_t) SC_MAX(head->config.hidden_dim, head->config.out_dim);
}

static sc_status
for_own_shards(const sc_lane *lane, work_fn fn, const work *w)
{
	const sc_head *head = w->head;
	size_t widest = widest_of(head);

	for (int s = lane->index; s < head->shards; s += lane->count)
	{
		double *sum = head->partial + (size_t) s * SC_NORM_SUMS * widest;
		size_t begin, end;

		if (w->sums)
			memset(sum, 0, SC_NORM_SUMS * widest * sizeof(double));
		sc_shard_range((size_t) head->views, head->shards, s, &begin, &end);
		for (size_t v = begin; v < end; v += SC_HEAD_CHUNK)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			fn(w, v, (int) SC_MIN((size_t) SC_HEAD_CHUNK, end - v), sum, sum + widest);
		}
	}
	return SC_OK;
}

/* Sum of column j over the shards. */
static double
total(const sc_head *head, sc_norm_sum of, int j)
{
	size_t widest = widest_of(head);

	return sc_norm_total(head->partial + (size_t) of * widest + (size_t) j, head->shards, SC_NORM_SUMS * widest);
}

/* ---- forward ------------------------------------------------------------ */

/* u = in * weight^T (+ bias), and with a batch norm the sums for its statistics. */
static void
linear_forward(const work *w, size_t v, int count, double *sum, double *square)
{
	sc_head *head = w->head;
	const sc_head_layer *layer = &head->layer[w->l];
	int width = sc_head_width(&head->config, w->l), inputs = sc_head_inputs(&head->config, w->l);
	float *u = head->u[w->l] + v * (size_t) width;

	sc_sgemm(false, true, count, width, inputs, 1.0f, w->in + v * (size_t) inputs, inputs, layer->weight, inputs, 0.0f,
			 u, width);
	for (int i = 0; i < count; i++, u += width)
	{
		if (head->config.batch_norm)
			for (int j = 0; j < width; j++)
			{
				sum[j] += u[j];
				square[j] += (double) u[j] * u[j];
			}
		else
			for (int j = 0; j < width; j++)
				u[j] += layer->shift[j];
	}
}

/* Mean and deviation of the batch from the shards' sums, and the running statistics. */
static sc_status
norm_statistics(const sc_lane *lane, sc_head *head, int l)
{
	sc_head_layer *layer = &head->layer[l];
	int width = sc_head_width(&head->config, l);
	double n = head->views;

	SC_TRY(sc_lane_barrier(lane));
	for (int j = lane->index; j < width; j += lane->count)
	{
		sc_norm_moments m = sc_norm_moments_of(total(head, SC_NORM_SUM, j), total(head, SC_NORM_PRODUCT, j), n);

		head->norm_mean[l][j] = (float) m.mean;
		head->norm_inv[l][j] = sc_norm_inv(m);
		sc_norm_track(&layer->mean[j], &layer->var[j], m, n);
	}
	return sc_lane_barrier(lane);
}

/* out = the layer's output: norm where there is one, ReLU after the first. */
static void
activate(const work *w, size_t v, int count, double *sum, double *product)
{
	const sc_head *head = w->head;
	const sc_head_layer *layer = &head->layer[w->l];
	int l = w->l, width = sc_head_width(&head->config, l);
	float floor = l == SC_HEAD_HIDDEN ? 0.0f : -INFINITY;
	const float *u = head->u[l] + v * (size_t) width;
	float *y = w->out + v * (size_t) width;

	for (int i = 0; i < count; i++, u += width, y += width)
		for (int j = 0; j < width; j++)
		{
			float value = u[j];

			if (head->config.batch_norm)
				value = (value - head->norm_mean[l][j]) * head->norm_inv[l][j] * layer->scale[j] + layer->shift[j];
			y[j] = value < floor ? floor : value; /* keeps NaN, as PyTorch's relu */
		}
}

sc_status
sc_head_forward(const sc_lane *lane, sc_head *head, float *z, const float *x)
{
	for (int l = 0; l < SC_HEAD_LAYERS; l++)
	{
		work linear = {.head = head, .l = l, .in = l == SC_HEAD_HIDDEN ? x : head->h, .sums = true};
		work output = {.head = head, .l = l, .out = l == SC_HEAD_HIDDEN ? head->h : z};

		SC_TRY(for_own_shards(lane, linear_forward, &linear));
		if (head->config.batch_norm)
			SC_TRY(norm_statistics(lane, head, l));
		SC_TRY(for_own_shards(lane, activate, &output));
	}
	return sc_lane_barrier(lane);
}

/* ---- backward ----------------------------------------------------------- */

/*
 * du = the gradient of what comes before the ReLU, and its sums: of dy, and with
 * a batch norm of dy * xhat. in: dz for the output layer; du itself, in place,
 * for the hidden one.
 */
static void
gradient_sums(const work *w, size_t v, int count, double *sum, double *product)
{
	const sc_head *head = w->head;
	int l = w->l, width = sc_head_width(&head->config, l);

	for (size_t at = v; at < v + (size_t) count; at++)
	{
		const float *u = head->u[l] + at * (size_t) width;
		const float *in = w->in + at * (size_t) width;
		float *du = head->du[l] + at * (size_t) width;

		if (l == SC_HEAD_HIDDEN)
		{
			const float *h = head->h + at * (size_t) width;

			for (int j = 0; j < width; j++)
				du[j] = h[j] > 0.0f ? in[j] : 0.0f;
		}
		else
			memcpy(du, in, (size_t) width * sizeof(float));
		for (int j = 0; j < width; j++)
			sum[j] += du[j];
		if (head->config.batch_norm)
			for (int j = 0; j < width; j++)
				product[j] += (double) du[j] * ((u[j] - head->norm_mean[l][j]) * head->norm_inv[l][j]);
	}
}

/* Gradients of scale and shift from the shards' sums. */
static sc_status
gradient_vectors(const sc_lane *lane, sc_head *head, int l)
{
	sc_head_layer *grad = &head->grad[l];
	int width = sc_head_width(&head->config, l);

	SC_TRY(sc_lane_barrier(lane));
	for (int j = lane->index; j < width; j += lane->count)
	{
		double sum = total(head, SC_NORM_SUM, j);

		grad->shift[j] = (float) sum;
		if (head->config.batch_norm)
		{
			double product = total(head, SC_NORM_PRODUCT, j);

			grad->scale[j] = (float) product;
			head->term[SC_NORM_SUM][j] = (float) (sum / head->views);
			head->term[SC_NORM_PRODUCT][j] = (float) (product / head->views);
		}
	}
	return sc_lane_barrier(lane);
}

/* du through the batch norm: scale * inv * (dy - mean(dy) - xhat * mean(dy * xhat)). */
static void
norm_backward(const work *w, size_t v, int count, double *sum, double *product)
{
	const sc_head *head = w->head;
	const sc_head_layer *layer = &head->layer[w->l];
	int l = w->l, width = sc_head_width(&head->config, l);
	const float *u = head->u[l] + v * (size_t) width;
	float *du = head->du[l] + v * (size_t) width;

	for (int i = 0; i < count; i++, u += width, du += width)
		for (int j = 0; j < width; j++)
		{
			float xhat = (u[j] - head->norm_mean[l][j]) * head->norm_inv[l][j];

			du[j] = layer->scale[j] * head->norm_inv[l][j] *
					(du[j] - head->term[SC_NORM_SUM][j] - xhat * head->term[SC_NORM_PRODUCT][j]);
		}
}

/* out = du * weight. */
static void
input_gradient(const work *w, size_t v, int count, double *sum, double *product)
{
	const sc_head *head = w->head;
	int width = sc_head_width(&head->config, w->l), inputs = sc_head_inputs(&head->config, w->l);

	sc_sgemm(false, false, count, inputs, width, 1.0f, head->du[w->l] + v * (size_t) width, width,
			 head->layer[w->l].weight, inputs, 0.0f, w->out + v * (size_t) inputs, inputs);
}

/* Gradient of the weights = du^T * input. */
sc_status
sc_head_weight_gradient(const sc_lane *lane, float *grad, const float *du, int width, const float *input, int inputs,
						int views)
{
	for (int row = lane->index * GRADIENT_ROWS; row < width; row += lane->count * GRADIENT_ROWS)
	{
		int rows = SC_MIN(GRADIENT_ROWS, width - row);

		for (int v = 0; v < views; v += GRADIENT_CHUNK)
		{
			int count = SC_MIN(GRADIENT_CHUNK, views - v);

			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_sgemm(true, false, rows, inputs, count, 1.0f, du + (size_t) v * width + row, width,
					 input + (size_t) v * inputs, inputs, v == 0 ? 0.0f : 1.0f, grad + (size_t) row * inputs, inputs);
		}
	}
	return SC_OK;
}

static sc_status
weight_gradient(const sc_lane *lane, sc_head *head, int l, const float *input)
{
	return sc_head_weight_gradient(lane, head->grad[l].weight, head->du[l], sc_head_width(&head->config, l), input,
								   sc_head_inputs(&head->config, l), head->views);
}

sc_status
sc_head_backward(const sc_lane *lane, sc_head *head, float *dx, const float *dz, const float *x)
{
	for (int l = SC_HEAD_OUTPUT; l >= SC_HEAD_HIDDEN; l--)
	{
		work gradient = {.head = head, .l = l, .in = l == SC_HEAD_OUTPUT ? dz : head->du[l], .sums = true};
		work through = {.head = head, .l = l, .out = head->du[SC_HEAD_HIDDEN]};

		SC_TRY(for_own_shards(lane, gradient_sums, &gradient));
		SC_TRY(gradient_vectors(lane, head, l));
		if (head->config.batch_norm)
			SC_TRY(for_own_shards(lane, norm_backward, &through));
		if (l == SC_HEAD_OUTPUT)
			SC_TRY(for_own_shards(lane, input_gradient, &through));
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(weight_gradient(lane, head, SC_HEAD_OUTPUT, head->h));
	SC_TRY(weight_gradient(lane, head, SC_HEAD_HIDDEN, x));
	/* dx may be x, which the weights' gradient still reads. */
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(for_own_shards(lane, input_gradient, &(work){.head = head, .l = SC_HEAD_HIDDEN, .out = dx}));
	return sc_lane_barrier(lane);
}
