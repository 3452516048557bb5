/*-------------------------------------------------------------------------
 *
 * src/core/nn/resnet_views.c
 *	  What is done to the views of a shard between two convolutions.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/norm.h"
#include "core/nn/resnet.h"

/* The place of an element of a tensor. */
static void *
at(const sc_resnet *net, const void *tensor, size_t element)
{
	return sc_element_at(tensor, element, net->precision);
}

void
sc_resnet_put_view(const sc_resnet *net, void *x, size_t v, const float *view)
{
	size_t pixels = (size_t) net->input_size * net->input_size;

	/* A loop of its own for each precision and colour: the compiler makes better code of it. */
	for (size_t c = 0; c < 3; c++)
	{
		void *plane = at(net, x, (3 * v + c) * pixels);

		if (net->precision == SC_PRECISION_BF16)
			for (size_t i = 0; i < pixels; i++)
				sc_element_put(plane, i, view[3 * i + c], SC_PRECISION_BF16);
		else
			for (size_t i = 0; i < pixels; i++)
				sc_element_put(plane, i, view[3 * i + c], SC_PRECISION_F32);
	}
}

sc_norm_shape
sc_resnet_norm_shape(const sc_resnet *net, int l, int views)
{
	const sc_resnet_layer *layer = &net->layer[l];

	return (sc_norm_shape){views, layer->out / net->channel_block, (size_t) layer->side * layer->side,
						   net->channel_block, net->precision};
}

void
sc_resnet_activate(const sc_resnet *net, int l, int views, void *y, const void *u, sc_resnet_norm norm,
				   const void *shortcut, const sc_resnet_norm *shortcut_norm)
{
	sc_norm_shape shape = sc_resnet_norm_shape(net, l, views);

	SC_SIMD_CALL(sc_norm_apply)
	(y, u, norm.a, norm.b, shortcut, shortcut_norm ? shortcut_norm->a : NULL, shortcut_norm ? shortcut_norm->b : NULL,
	 &shape);
}

void
sc_resnet_activate_stem(const sc_resnet *net, int views, void *y, uint8_t *argmax, size_t argmax_step, const void *u,
						sc_resnet_norm norm)
{
	const sc_resnet_layer *stem = &net->layer[0];
	int block = net->channel_block;
	size_t plane = (size_t) stem->side * stem->side * (size_t) block;
	size_t pooled = (size_t) net->pool_side * net->pool_side * (size_t) block;

	if (net->small_stem)
	{
		sc_resnet_activate(net, 0, views, y, u, norm, NULL, NULL);
		return;
	}
	for (int v = 0; v < views; v++)
		for (int c = 0; c < stem->out; c += block, u = at(net, u, plane), y = at(net, y, pooled), argmax += argmax_step)
			SC_SIMD_CALL(sc_norm_pool)
	(y, argmax, u, norm.a + c, norm.b + c, stem->side, net->pool_side, block, net->precision);
}

void
sc_resnet_average(const sc_resnet *net, float *feature, const void *y, size_t v)
{
	const sc_resnet_layer *last = &net->layer[net->blocks[SC_RESNET_BLOCKS - 1].second];
	size_t pixels = (size_t) last->side * last->side, block = (size_t) net->channel_block,
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
