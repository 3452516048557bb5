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

/* The convolution of this shape, which layers share. */
static int
shape_of(sc_resnet *net, const sc_conv_config *config)
{
	for (int i = 0; i < net->convs; i++)
	{
		const sc_conv_config *o = &net->conv[i].config;

		if (o->in == config->in && o->out == config->out && o->side == config->side && o->kernel == config->kernel &&
			o->stride == config->stride)
			return i;
	}
	sc_conv_describe(&net->conv[net->convs], config);
	return net->convs++;
}

/* Layer `number` of the network; shape: its convolution, but for what all of them have in common. */
static void
add_layer(sc_resnet *net, int number, sc_conv_config shape)
{
	sc_resnet_layer *layer = &net->layer[number];

	shape.views = net->views;
	shape.channel_block = net->channel_block;
	shape.planar = shape.in == 3;
	shape.backward = net->backward;
	shape.kind = net->kind;
	shape.precision = net->precision;
	layer->shape = shape_of(net, &shape);
	layer->in = shape.in;
	layer->out = shape.out;
	layer->kernel = shape.kernel;
	layer->stride = shape.stride;
	layer->side = net->conv[layer->shape].out_side;
	layer->weight = net->params;
	layer->scale = layer->weight + net->conv[layer->shape].weights;
	layer->shift = layer->scale + (size_t) shape.out;
	net->params = layer->shift + (size_t) shape.out;
	layer->mean = net->stats;
	layer->var = layer->mean + (size_t) shape.out;
	net->stats = layer->var + (size_t) shape.out;
	net->largest_weight = SC_MAX(net->largest_weight, net->conv[layer->shape].weights);
}

static void
add_stem(sc_resnet *net)
{
	add_layer(net, 0,
			  (sc_conv_config){.in = 3,
							   .out = 64,
							   .side = net->input_size,
							   .kernel = net->small_stem ? 3 : 7,
							   .stride = net->small_stem ? 1 : 2});
	strcpy(net->layer[0].conv_name, "conv1");
	strcpy(net->layer[0].norm_name, "bn1");
	/* The max-pool: 3x3, stride 2, padding 1. */
	net->pool_side = net->small_stem ? net->layer[0].side : (net->layer[0].side - 1) / 2 + 1;
}

/* torchvision's names: "layer2.0.conv1", "layer2.0.bn1", "layer2.0.downsample.0". */
static void
name_layers(sc_resnet *net, int b)
{
	const sc_resnet_block *block = &net->blocks[b];
	int stage = b / 2 + 1, last = SC_MAX(block->second, block->shortcut);

	for (int l = block->first; l <= last; l++)
	{
		sc_resnet_layer *layer = &net->layer[l];
		bool down = l == block->shortcut;

		snprintf(layer->conv_name, sizeof(layer->conv_name), "layer%d.%d.%s%d", stage, b % 2,
				 down ? "downsample." : "conv", down ? 0 : l - block->first + 1);
		snprintf(layer->norm_name, sizeof(layer->norm_name), "layer%d.%d.%s%d", stage, b % 2,
				 down ? "downsample." : "bn", l - block->first + (down ? -1 : 1));
	}
}

static void
add_blocks(sc_resnet *net)
{
	int number = 0, channels = 64, side = net->pool_side, last = 0;

	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		sc_resnet_block *block = &net->blocks[b];
		int stage = b / 2, out = 64 << stage, stride = b % 2 == 0 && stage > 0 ? 2 : 1;
		bool changes = out != channels || stride != 1;

		block->input = last;
		block->first = ++number;
		add_layer(net, number,
				  (sc_conv_config){.in = channels, .out = out, .side = side, .kernel = 3, .stride = stride});
		block->second = ++number;
		add_layer(net, number,
				  (sc_conv_config){.in = out, .out = out, .side = net->layer[block->first].side, .kernel = 3, .stride = 1});
		block->shortcut = -1;
		if (changes)
		{
			block->shortcut = ++number;
			add_layer(net, number,
					  (sc_conv_config){.in = channels, .out = out, .side = side, .kernel = 1, .stride = stride});
		}
		name_layers(net, b);
		side = net->layer[block->second].side;
		channels = out;
		last = block->second;
	}
}

void
sc_resnet_describe(sc_resnet *net, const sc_net_config *config, int views, bool backward)
{
	SC_ASSERT(config->input_size >= 16 && config->input_size <= 512 && views > 0);
	memset(net, 0, sizeof(*net));
	net->precision = config->precision;
	net->kind = config->conv;
	net->input_size = config->input_size;
	net->small_stem = config->small_stem;
	net->channel_block = sc_conv_channel_block(config->conv);
	net->views = views;
	net->backward = backward;
	add_stem(net);
	add_blocks(net);
}

sc_status
sc_resnet_open(sc_resnet *net, const sc_net_config *config, int views, bool backward, sc_error *err)
{
	sc_resnet_describe(net, config, views, backward);
	for (int i = 0; i < net->convs; i++)
	{
		sc_conv_config shape = net->conv[i].config;
		sc_status status = sc_conv_open(&net->conv[i], &shape, err);

		if (status != SC_OK)
		{
			sc_resnet_close(net);
			return status;
		}
		net->scratch = SC_MAX(net->scratch, net->conv[i].scratch);
	}
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
	{
		net->reordered_at[l] = net->reordered;
		net->reordered += net->conv[net->layer[l].shape].reordered;
	}
	return SC_OK;
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

const sc_resnet_block *
sc_resnet_ends_block(const sc_resnet *net, int layer)
{
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
		if (net->blocks[b].second == layer)
			return &net->blocks[b];
	return NULL;
}

sc_status
sc_resnet_init(const sc_lane *lane, const sc_resnet *net, float *params, float *stats, uint64_t seed, float *work)
{
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
	{
		const sc_resnet_layer *layer = &net->layer[l];
		const sc_conv *conv = &net->conv[layer->shape];
		sc_rng rng = sc_rng_stream(seed, SC_INIT_STREAM, (uint64_t) l, 0);
		float deviation = sqrtf(2.0f / (float) (layer->out * layer->kernel * layer->kernel));

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
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
	return SC_OK;
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
