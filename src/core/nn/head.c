/*-------------------------------------------------------------------------
 *
 * src/core/nn/head.c
 *	  SimCLR's projection head on shards of rows.
 *
 * Products with the weights run by shard of rows. Gradients of the weights
 * run by block of their rows, over all rows of the batch at once, so they
 * need no partial sums. Sums over the batch are taken by shard in double and
 * added in the order of the shards. Batch norm: Ioffe and Szegedy, "Batch
 * Normalization", ICML 2015, with PyTorch's unbiased running variance.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/head.h"
#include "core/base/gemm.h"

#include <math.h>
#include <string.h>

#define BN_EPS 1e-5
#define BN_MOMENTUM 0.1f

/* Rows of one product and columns of one sum: both bound the time between two looks at the stop flag. */
#define CHUNK 256
/* Rows of the weights whose gradient is one piece of work. */
#define BLOCK 32

static int
width_of(const sc_head_config *config, int l)
{
	return l == 0 ? config->hidden_dim : config->out_dim;
}

static int
inputs_of(const sc_head_config *config, int l)
{
	return l == 0 ? config->in_dim : config->hidden_dim;
}

size_t
sc_head_param_count(const sc_head_config *config)
{
	size_t n = 0;

	for (int l = 0; l < 2; l++)
	{
		size_t width = (size_t) width_of(config, l);

		n = sc_add(n, sc_mul(width, (size_t) inputs_of(config, l)));
		n = sc_add(n, sc_mul(width, config->batch_norm ? 2 : 1));
	}
	return n;
}

size_t
sc_head_stat_count(const sc_head_config *config)
{
	return config->batch_norm ? 2 * ((size_t) config->hidden_dim + (size_t) config->out_dim) : 0;
}

int
sc_head_tensors(sc_head_tensor tensors[SC_HEAD_MAX_TENSORS], const sc_head_config *config)
{
	static const char *const with_norm[2][6] =
		{{"projection_head.layers.0.weight", "projection_head.layers.1.weight", "projection_head.layers.1.bias",
		  "projection_head.layers.1.running_mean", "projection_head.layers.1.running_var",
		  "projection_head.layers.1.num_batches_tracked"},
		 {"projection_head.layers.3.weight", "projection_head.layers.4.weight", "projection_head.layers.4.bias",
		  "projection_head.layers.4.running_mean", "projection_head.layers.4.running_var",
		  "projection_head.layers.4.num_batches_tracked"}};
	static const char *const with_bias[2][2] = {{"projection_head.layers.0.weight", "projection_head.layers.0.bias"},
												{"projection_head.layers.2.weight", "projection_head.layers.2.bias"}};
	size_t param = 0, stat = 0;
	int n = 0;

	for (int l = 0; l < 2; l++)
	{
		int width = width_of(config, l), inputs = inputs_of(config, l);
		const char *const *name = config->batch_norm ? with_norm[l] : with_bias[l];

		tensors[n++] = (sc_head_tensor){name[0], SC_HEAD_PARAM, param, 2, {width, inputs}};
		param += (size_t) width * inputs;
		for (int i = 1; i < (config->batch_norm ? 3 : 2); i++)
		{
			tensors[n++] = (sc_head_tensor){name[i], SC_HEAD_PARAM, param, 1, {width, 0}};
			param += (size_t) width;
		}
		if (!config->batch_norm)
			continue;
		for (int i = 3; i < 5; i++)
		{
			tensors[n++] = (sc_head_tensor){name[i], SC_HEAD_STAT, stat, 1, {width, 0}};
			stat += (size_t) width;
		}
		tensors[n++] = (sc_head_tensor){name[5], SC_HEAD_STEPS, 0, 0, {0, 0}};
	}
	return n;
}

void
sc_head_layout(sc_head *head, sc_arena *arena, const sc_head_config *config, int rows, int shards)
{
	size_t hidden = (size_t) config->hidden_dim, out = (size_t) config->out_dim, widest = SC_MAX(hidden, out);

	memset(head, 0, sizeof(*head));
	head->config = *config;
	head->rows = rows;
	head->shards = shards;
	for (int l = 0; l < 2; l++)
	{
		size_t width = (size_t) width_of(config, l);

		head->u[l] = SC_TAKE(arena, float, sc_mul((size_t) rows, width));
		head->du[l] = SC_TAKE(arena, float, sc_mul((size_t) rows, width));
		head->norm_mean[l] = SC_TAKE(arena, float, width);
		head->norm_inv[l] = SC_TAKE(arena, float, width);
		head->term[l] = SC_TAKE(arena, float, widest);
	}
	head->h = SC_TAKE(arena, float, sc_mul((size_t) rows, hidden));
	head->partial = SC_TAKE(arena, double, sc_mul(sc_mul((size_t) shards, 2), widest));
}

static void
bind_slab(sc_head_layer layer[2], const sc_head_config *config, float *params, float *stats)
{
	for (int l = 0; l < 2; l++)
	{
		size_t width = (size_t) width_of(config, l);

		layer[l] = (sc_head_layer){.weight = params};
		params += width * (size_t) inputs_of(config, l);
		if (config->batch_norm)
		{
			layer[l].scale = params;
			params += width;
		}
		layer[l].shift = params;
		params += width;
		if (stats != NULL)
		{
			layer[l].mean = stats;
			layer[l].var = stats + width;
			stats += 2 * width;
		}
	}
}

void
sc_head_bind(sc_head *head, float *params, float *grads, float *stats)
{
	bind_slab(head->layer, &head->config, params, head->config.batch_norm ? stats : NULL);
	bind_slab(head->grad, &head->config, grads, NULL);
}

void
sc_head_init(const sc_head_config *config, float *params, float *stats, sc_rng *rng)
{
	sc_head_layer layers[2];

	bind_slab(layers, config, params, config->batch_norm ? stats : NULL);
	for (int l = 0; l < 2; l++)
	{
		sc_head_layer *layer = &layers[l];
		int width = width_of(config, l), inputs = inputs_of(config, l);
		float bound = (float) (1.0 / sqrt(inputs));

		for (size_t i = 0; i < (size_t) width * inputs; i++)
			layer->weight[i] = sc_rng_range(rng, -bound, bound);
		for (int j = 0; j < width; j++)
		{
			if (config->batch_norm)
			{
				layer->scale[j] = 1.0f;
				layer->shift[j] = 0.0f;
				layer->mean[j] = 0.0f;
				layer->var[j] = 1.0f;
			}
			else
				layer->shift[j] = sc_rng_range(rng, -bound, bound);
		}
	}
}

/* The sums of one shard: two rows of doubles. */
static double *
partial_of(const sc_head *head, int s)
{
	return head->partial + (size_t) s * 2 * SC_MAX(head->config.hidden_dim, head->config.out_dim);
}

/* Sum of column j over the shards, in their order; which: 0 or 1. */
static double
total(const sc_head *head, int which, int j)
{
	size_t widest = (size_t) SC_MAX(head->config.hidden_dim, head->config.out_dim);
	double sum = 0.0;

	for (int s = 0; s < head->shards; s++)
		sum += partial_of(head, s)[(size_t) which * widest + (size_t) j];
	return sum;
}

/* ---- forward ------------------------------------------------------------ */

/* u of the own shards = input * weight^T (+ bias), and the sums for the statistics. */
static sc_status
linear_forward(const sc_lane *lane, sc_head *head, int l, const float *input)
{
	const sc_head_layer *layer = &head->layer[l];
	int width = width_of(&head->config, l), inputs = inputs_of(&head->config, l);
	size_t widest = (size_t) SC_MAX(head->config.hidden_dim, head->config.out_dim);

	for (int s = lane->index; s < head->shards; s += lane->count)
	{
		double *sum = partial_of(head, s);
		double *square = sum + widest;
		size_t begin, end;

		memset(sum, 0, 2 * widest * sizeof(double));
		sc_shard_range((size_t) head->rows, head->shards, s, &begin, &end);
		for (size_t r = begin; r < end; r += CHUNK)
		{
			int m = (int) SC_MIN((size_t) CHUNK, end - r);
			float *u = head->u[l] + r * (size_t) width;

			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_sgemm(false, true, m, width, inputs, 1.0f, input + r * (size_t) inputs, inputs, layer->weight, inputs,
					 0.0f, u, width);
			for (int i = 0; i < m; i++, u += width)
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
	}
	return SC_OK;
}

/* Mean and variance of the batch from the shards' sums, and the running ones. */
static sc_status
norm_statistics(const sc_lane *lane, sc_head *head, int l)
{
	sc_head_layer *layer = &head->layer[l];
	int width = width_of(&head->config, l);
	double n = head->rows;

	SC_TRY(sc_lane_barrier(lane));
	for (int j = lane->index; j < width; j += lane->count)
	{
		double mean = total(head, 0, j) / n;
		double var = SC_MAX(total(head, 1, j) / n - mean * mean, 0.0);

		head->norm_mean[l][j] = (float) mean;
		head->norm_inv[l][j] = (float) (1.0 / sqrt(var + BN_EPS));
		layer->mean[j] += BN_MOMENTUM * ((float) mean - layer->mean[j]);
		layer->var[j] += BN_MOMENTUM * ((float) (var * n / (n - 1.0)) - layer->var[j]);
	}
	return sc_lane_barrier(lane);
}

/* out of the own shards = the layer's output: norm where there is one, ReLU after the first. */
static sc_status
activate(const sc_lane *lane, sc_head *head, int l, float *out)
{
	const sc_head_layer *layer = &head->layer[l];
	int width = width_of(&head->config, l);
	float floor = l == 0 ? 0.0f : -INFINITY;

	for (int s = lane->index; s < head->shards; s += lane->count)
	{
		size_t begin, end;

		sc_shard_range((size_t) head->rows, head->shards, s, &begin, &end);
		for (size_t r = begin; r < end; r++)
		{
			const float *u = head->u[l] + r * (size_t) width;
			float *y = out + r * (size_t) width;

			if (r % CHUNK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			for (int j = 0; j < width; j++)
			{
				float v = u[j];

				if (head->config.batch_norm)
					v = (v - head->norm_mean[l][j]) * head->norm_inv[l][j] * layer->scale[j] + layer->shift[j];
				y[j] = v < floor ? floor : v; /* keeps NaN, as PyTorch's relu */
			}
		}
	}
	return SC_OK;
}

sc_status
sc_head_forward(const sc_lane *lane, sc_head *head, float *z, const float *x)
{
	for (int l = 0; l < 2; l++)
	{
		SC_TRY(linear_forward(lane, head, l, l == 0 ? x : head->h));
		if (head->config.batch_norm)
			SC_TRY(norm_statistics(lane, head, l));
		SC_TRY(activate(lane, head, l, l == 0 ? head->h : z));
	}
	return sc_lane_barrier(lane);
}

/* ---- backward ----------------------------------------------------------- */

/*
 * du of the own shards = the gradient of the layer's output (after the mask of
 * the ReLU), and its sums: of dy, and with a batch norm of dy * xhat.
 * dy: dz for the second layer, du itself (in place) for the first.
 */
static sc_status
gradient_sums(const sc_lane *lane, sc_head *head, int l, const float *dy)
{
	int width = width_of(&head->config, l);
	size_t widest = (size_t) SC_MAX(head->config.hidden_dim, head->config.out_dim);

	for (int s = lane->index; s < head->shards; s += lane->count)
	{
		double *sum = partial_of(head, s);
		double *product = sum + widest;
		size_t begin, end;

		memset(sum, 0, 2 * widest * sizeof(double));
		sc_shard_range((size_t) head->rows, head->shards, s, &begin, &end);
		for (size_t r = begin; r < end; r++)
		{
			const float *u = head->u[l] + r * (size_t) width;
			const float *in = dy + r * (size_t) width;
			float *du = head->du[l] + r * (size_t) width;

			if (r % CHUNK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			if (l == 0)
			{
				const float *h = head->h + r * (size_t) width;

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
	return SC_OK;
}

/* Gradients of scale and shift from the shards' sums. */
static sc_status
gradient_vectors(const sc_lane *lane, sc_head *head, int l)
{
	sc_head_layer *grad = &head->grad[l];
	int width = width_of(&head->config, l);

	SC_TRY(sc_lane_barrier(lane));
	for (int j = lane->index; j < width; j += lane->count)
	{
		double sum = total(head, 0, j);

		grad->shift[j] = (float) sum;
		if (head->config.batch_norm)
		{
			double product = total(head, 1, j);

			grad->scale[j] = (float) product;
			head->term[0][j] = (float) (sum / head->rows);
			head->term[1][j] = (float) (product / head->rows);
		}
	}
	return sc_lane_barrier(lane);
}

/* du of the own shards through the batch norm: scale * inv * (dy - mean(dy) - xhat * mean(dy * xhat)). */
static sc_status
norm_backward(const sc_lane *lane, sc_head *head, int l)
{
	const sc_head_layer *layer = &head->layer[l];
	int width = width_of(&head->config, l);

	for (int s = lane->index; s < head->shards; s += lane->count)
	{
		size_t begin, end;

		sc_shard_range((size_t) head->rows, head->shards, s, &begin, &end);
		for (size_t r = begin; r < end; r++)
		{
			const float *u = head->u[l] + r * (size_t) width;
			float *du = head->du[l] + r * (size_t) width;

			if (r % CHUNK == 0 && sc_lane_stopped(lane))
				return SC_ABORTED;
			for (int j = 0; j < width; j++)
			{
				float xhat = (u[j] - head->norm_mean[l][j]) * head->norm_inv[l][j];

				du[j] = layer->scale[j] * head->norm_inv[l][j] * (du[j] - head->term[0][j] - xhat * head->term[1][j]);
			}
		}
	}
	return SC_OK;
}

/* out (rows, inputs) of the own shards = du * weight. */
static sc_status
input_gradient(const sc_lane *lane, sc_head *head, int l, float *out)
{
	int width = width_of(&head->config, l), inputs = inputs_of(&head->config, l);

	for (int s = lane->index; s < head->shards; s += lane->count)
	{
		size_t begin, end;

		sc_shard_range((size_t) head->rows, head->shards, s, &begin, &end);
		for (size_t r = begin; r < end; r += CHUNK)
		{
			int m = (int) SC_MIN((size_t) CHUNK, end - r);

			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_sgemm(false, false, m, inputs, width, 1.0f, head->du[l] + r * (size_t) width, width,
					 head->layer[l].weight, inputs, 0.0f, out + r * (size_t) inputs, inputs);
		}
	}
	return SC_OK;
}

/* Gradient of the weights = du^T * input, by blocks of its rows. */
static sc_status
weight_gradient(const sc_lane *lane, sc_head *head, int l, const float *input)
{
	int width = width_of(&head->config, l), inputs = inputs_of(&head->config, l);

	for (int b = lane->index * BLOCK; b < width; b += lane->count * BLOCK)
	{
		int m = SC_MIN(BLOCK, width - b);
		float *grad = head->grad[l].weight + (size_t) b * inputs;

		for (int r = 0; r < head->rows; r += 8 * CHUNK)
		{
			int k = SC_MIN(8 * CHUNK, head->rows - r);

			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			sc_sgemm(true, false, m, inputs, k, 1.0f, head->du[l] + (size_t) r * width + b, width,
					 input + (size_t) r * inputs, inputs, r == 0 ? 0.0f : 1.0f, grad, inputs);
		}
	}
	return SC_OK;
}

sc_status
sc_head_backward(const sc_lane *lane, sc_head *head, float *dx, const float *dz, const float *x)
{
	for (int l = 1; l >= 0; l--)
	{
		SC_TRY(gradient_sums(lane, head, l, l == 1 ? dz : head->du[0]));
		SC_TRY(gradient_vectors(lane, head, l));
		if (head->config.batch_norm)
			SC_TRY(norm_backward(lane, head, l));
		if (l == 1)
			SC_TRY(input_gradient(lane, head, 1, head->du[0]));
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(weight_gradient(lane, head, 1, head->h));
	SC_TRY(weight_gradient(lane, head, 0, x));
	/* dx may be x, which the weights' gradient still reads. */
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(input_gradient(lane, head, 0, dx));
	return sc_lane_barrier(lane);
}
