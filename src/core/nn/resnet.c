/*-------------------------------------------------------------------------
 *
 * src/core/nn/resnet.c
 *	  The layers of ResNet-18.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/resnet.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

sc_precision
sc_precision_best(void)
{
	return sc_conv_bf16_pays(SC_CONV_BEST) ? SC_PRECISION_BF16 : SC_PRECISION_F32;
}

static const char *const part_names[SC_RESNET_PARTS] = {"weight",		"weight",	   "bias",
														"running_mean", "running_var", "num_batches_tracked"};

/* The convolution of this shape, opened unless another layer has. */
static sc_status
shape_of(sc_resnet *net, int *shape, int in, int out, int side, int kernel, int stride, bool backward,
		 sc_conv_kind kind, sc_error *err)
{
	sc_conv_config c = {.views = net->views,
						.in = in,
						.out = out,
						.side = side,
						.kernel = kernel,
						.stride = stride,
						.block = net->block,
						.planar = in == 3,
						.backward = backward,
						.kind = kind,
						.precision = net->precision};

	for (int i = 0; i < net->convs; i++)
	{
		const sc_conv_config *o = &net->conv[i].config;

		if (o->in == in && o->out == out && o->side == side && o->kernel == kernel && o->stride == stride)
		{
			*shape = i;
			return SC_OK;
		}
	}
	SC_TRY(sc_conv_open(&net->conv[net->convs], &c, err));
	net->scratch = SC_MAX(net->scratch, net->conv[net->convs].scratch);
	*shape = net->convs++;
	return SC_OK;
}

static sc_status
add_layer(sc_resnet *net, int number, int in, int out, int side, int kernel, int stride, bool backward,
		  sc_conv_kind kind, sc_error *err)
{
	sc_resnet_layer *layer = &net->layer[number];

	SC_TRY(shape_of(net, &layer->shape, in, out, side, kernel, stride, backward, kind, err));
	layer->in = in;
	layer->out = out;
	layer->kernel = kernel;
	layer->stride = stride;
	layer->side = net->conv[layer->shape].out_side;
	layer->weight = net->params;
	layer->scale = layer->weight + net->conv[layer->shape].weights;
	layer->shift = layer->scale + (size_t) out;
	net->params = layer->shift + (size_t) out;
	layer->mean = net->stats;
	layer->var = layer->mean + (size_t) out;
	net->stats = layer->var + (size_t) out;
	net->turned_at[number] = net->turned;
	net->turned += net->conv[layer->shape].turned;
	net->largest_weight = SC_MAX(net->largest_weight, net->conv[layer->shape].weights);
	return SC_OK;
}

static sc_status
add_layers(sc_resnet *net, bool backward, sc_conv_kind kind, sc_error *err)
{
	int number = 0, channels = 64, side, last = 0;

	if (net->small_stem)
		SC_TRY(add_layer(net, 0, 3, 64, net->input_size, 3, 1, backward, kind, err));
	else
		SC_TRY(add_layer(net, 0, 3, 64, net->input_size, 7, 2, backward, kind, err));
	strcpy(net->layer[0].conv_name, "conv1");
	strcpy(net->layer[0].norm_name, "bn1");
	side = net->layer[0].side;
	if (!net->small_stem)
		side = (side - 1) / 2 + 1; /* 3x3 max-pool, stride 2, padding 1 */
	net->pool_side = side;

	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		sc_resnet_block *block = &net->blocks[b];
		int stage = b / 2, out = 64 << stage, stride = b % 2 == 0 && stage > 0 ? 2 : 1;
		bool changes = out != channels || stride != 1;

		block->input = last;
		block->first = ++number;
		SC_TRY(add_layer(net, number, channels, out, side, 3, stride, backward, kind, err));
		block->second = ++number;
		SC_TRY(add_layer(net, number, out, out, net->layer[block->first].side, 3, 1, backward, kind, err));
		block->shortcut = -1;
		if (changes)
		{
			block->shortcut = ++number;
			SC_TRY(add_layer(net, number, channels, out, side, 1, stride, backward, kind, err));
		}
		for (int l = block->first; l <= number; l++)
		{
			sc_resnet_layer *layer = &net->layer[l];
			bool down = l == block->shortcut;

			snprintf(layer->conv_name, sizeof(layer->conv_name), "layer%d.%d.%s%d", stage + 1, b % 2,
					 down ? "downsample." : "conv", down ? 0 : l - block->first + 1);
			snprintf(layer->norm_name, sizeof(layer->norm_name), "layer%d.%d.%s%d", stage + 1, b % 2,
					 down ? "downsample." : "bn", l - block->first + (down ? -1 : 1));
		}
		side = net->layer[block->second].side;
		channels = out;
		last = block->second;
	}
	return SC_OK;
}

sc_status
sc_resnet_open(sc_resnet *net, const sc_net_config *config, int views, bool backward, sc_error *err)
{
	sc_status status;

	memset(net, 0, sizeof(*net));
	net->precision = config->precision;
	net->input_size = config->input_size;
	net->small_stem = config->small_stem;
	net->block = sc_conv_block(config->conv);
	net->views = views;
	status = add_layers(net, backward, config->conv, err);
	if (status != SC_OK)
		sc_resnet_close(net);
	return status;
}

void
sc_resnet_close(sc_resnet *net)
{
	while (net->convs > 0)
		sc_conv_close(&net->conv[--net->convs]);
}

size_t
sc_resnet_elements(const sc_resnet *net, int layer)
{
	return (size_t) net->layer[layer].out * net->layer[layer].side * net->layer[layer].side;
}

size_t
sc_resnet_pool_elements(const sc_resnet *net)
{
	return (size_t) net->layer[0].out * net->pool_side * net->pool_side;
}

void
sc_resnet_put_view(const sc_resnet *net, void *x, size_t v, const float *view)
{
	size_t pixels = (size_t) net->input_size * net->input_size;

	for (size_t i = 0; i < pixels; i++)
		for (size_t c = 0; c < 3; c++)
			sc_element_put(x, (3 * v + c) * pixels + i, view[3 * i + c], net->precision);
}

void
sc_resnet_average(const sc_resnet *net, float *feature, const void *y, size_t v)
{
	const sc_resnet_layer *last = &net->layer[net->blocks[SC_RESNET_BLOCKS - 1].second];
	size_t pixels = (size_t) last->side * last->side, block = (size_t) net->block,
		   view = v * (size_t) last->out * pixels;

	for (size_t c = 0; c < (size_t) last->out; c++)
	{
		size_t channel = view + (c / block) * pixels * block + c % block;
		float sum = 0.0f;

		for (size_t i = 0; i < pixels; i++)
			sum += sc_element_get(y, channel + i * block, net->precision);
		feature[c] = sum / (float) pixels;
	}
}

void
sc_resnet_init(const sc_resnet *net, float *params, float *stats, uint64_t seed, float *work)
{
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
	{
		const sc_resnet_layer *layer = &net->layer[l];
		const sc_conv *conv = &net->conv[layer->shape];
		sc_rng rng = sc_rng_stream(seed, SC_INIT_STREAM, (uint64_t) l, 0);
		float deviation = sqrtf(2.0f / (float) (layer->out * layer->kernel * layer->kernel));

		/* The number of weights is even. */
		for (size_t i = 0; i < conv->weights; i += 2)
		{
			sc_rng_normal_pair(&rng, work + i);
			work[i] *= deviation;
			work[i + 1] *= deviation;
		}
		sc_conv_import(conv, params + layer->weight, work);
		for (int c = 0; c < layer->out; c++)
		{
			params[layer->scale + (size_t) c] = 1.0f;
			params[layer->shift + (size_t) c] = 0.0f;
			stats[layer->mean + (size_t) c] = 0.0f;
			stats[layer->var + (size_t) c] = 1.0f;
		}
	}
}

int
sc_resnet_tensor(const sc_resnet *net, int l, sc_resnet_part part, char name[SC_RESNET_NAME], int shape[4])
{
	const sc_resnet_layer *layer = &net->layer[l];

	snprintf(name, SC_RESNET_NAME, "%s.%s", part == SC_RESNET_WEIGHT ? layer->conv_name : layer->norm_name,
			 part_names[part]);
	shape[0] = layer->out;
	shape[1] = layer->in;
	shape[2] = shape[3] = layer->kernel;
	return part == SC_RESNET_WEIGHT ? 4 : part == SC_RESNET_STEPS ? 0 : 1;
}
