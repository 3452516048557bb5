/*-------------------------------------------------------------------------
 *
 * src/core/nn/head.c
 *	  The form of SimCLR's projection head: its tensors, memory, initial values.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/head_parts.h"

#include <math.h>
#include <string.h>

size_t
sc_head_param_count(const sc_head_config *config)
{
	size_t n = 0;

	for (int l = 0; l < SC_HEAD_LAYERS; l++)
	{
		size_t width = (size_t) sc_head_width(config, l);

		n = sc_add(n, sc_mul(width, (size_t) sc_head_inputs(config, l)));
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

	for (int l = 0; l < SC_HEAD_LAYERS; l++)
	{
		int width = sc_head_width(config, l), inputs = sc_head_inputs(config, l);
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
sc_head_layout(sc_head *head, sc_arena *arena, const sc_head_config *config, int views, int shards)
{
	size_t hidden = (size_t) config->hidden_dim, out = (size_t) config->out_dim, widest = SC_MAX(hidden, out);

	SC_ASSERT(config->in_dim > 0 && config->hidden_dim > 0 && config->out_dim > 0);
	SC_ASSERT(shards > 0 && shards <= views && (views >= 2 || !config->batch_norm));
	memset(head, 0, sizeof(*head));
	head->config = *config;
	head->views = views;
	head->shards = shards;
	for (int l = 0; l < SC_HEAD_LAYERS; l++)
	{
		size_t width = (size_t) sc_head_width(config, l);

		head->u[l] = SC_TAKE(arena, float, sc_mul((size_t) views, width));
		head->du[l] = SC_TAKE(arena, float, sc_mul((size_t) views, width));
		head->norm_mean[l] = SC_TAKE(arena, float, width);
		head->norm_inv[l] = SC_TAKE(arena, float, width);
	}
	for (int i = 0; i < SC_NORM_SUMS; i++)
		head->term[i] = SC_TAKE(arena, float, widest);
	head->h = SC_TAKE(arena, float, sc_mul((size_t) views, hidden));
	head->partial = SC_TAKE(arena, double, sc_mul(sc_mul((size_t) shards, SC_NORM_SUMS), widest));
}

static void
bind_slab(sc_head_layer layer[SC_HEAD_LAYERS], const sc_head_config *config, float *params, float *stats)
{
	for (int l = 0; l < SC_HEAD_LAYERS; l++)
	{
		size_t width = (size_t) sc_head_width(config, l);

		layer[l] = (sc_head_layer){.weight = params};
		params += width * (size_t) sc_head_inputs(config, l);
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
	sc_head_layer layers[SC_HEAD_LAYERS];

	bind_slab(layers, config, params, config->batch_norm ? stats : NULL);
	for (int l = 0; l < SC_HEAD_LAYERS; l++)
	{
		sc_head_layer *layer = &layers[l];
		int width = sc_head_width(config, l), inputs = sc_head_inputs(config, l);
		float bound = (float) (1.0 / sqrt(inputs));

		SC_ASSERT(!config->batch_norm || (layer->scale != NULL && layer->mean != NULL && layer->var != NULL));
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
