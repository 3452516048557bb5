/*-------------------------------------------------------------------------
 *
 * src/core/nn/resnet_infer.c
 *	  ResNet-18 without learning.
 *
 * A group of pictures goes through the network stage by stage, so that the
 * weights of the last ones, nearly all there are, are read once for it. Within
 * the first ones so many pictures at a time go through all convolutions as a
 * core's second cache holds. The second convolution of a block adds to what
 * the shortcut left in its output: the block's input itself where the shape stays.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/resnet_infer.h"

#include "core/nn/infer.h"

#include <string.h>

/*
 * Pictures of a group, by the side of the stem's output: enough that weights are
 * read seldom, few enough for many lanes to have one each.
 */
static int
group_of(int side)
{
	return side > 32 ? 16 : 32;
}

/* Bytes of a tensor that may stay in the second cache beside two others. */
#define NEAR_BYTES ((size_t) 256 << 10)

static int
pictures_of_call(const sc_resnet_infer *infer, int layer, sc_precision precision)
{
	size_t bytes = sc_resnet_elements(&infer->net, layer) * sc_element_bytes(precision);
	int n = infer->pictures;

	while (n > 1 && (size_t) n * bytes > NEAR_BYTES)
		n = (n + 1) / 2;
	return n;
}

/*
 * Where mixed: 4x4 maps of 512 channels and larger ones stay in bf16, for their
 * transformed weights in float would be 50 MB or more.
 */
static sc_precision
precision_of_stage(const sc_resnet_infer *infer, int stage)
{
	if (!infer->mixed)
		return infer->net.precision;
	return stage == SC_RESNET_STAGES - 1 && infer->net.layer[infer->net.blocks[2 * stage].second].side >= 4
			   ? SC_PRECISION_BF16
			   : SC_PRECISION_F32;
}

/* The code for a layer of a stage (of the stem: the first), which layers that do the same share. */
static sc_status
open_layer(sc_resnet_infer *infer, int layer, int stage, int pictures, bool add, bool relu, sc_error *err)
{
	sc_conv_infer_config config = {infer->net.conv[infer->net.layer[layer].shape].config, infer->precision[stage], add,
								   relu};
	int i = 0;

	config.conv.views = pictures;
	if (config.conv.kernel == 3 && config.conv.stride == 1 && !config.conv.planar)
		config.conv.precision = infer->precision[stage];
	while (i < infer->codes && (infer->net.layer[layer].shape != infer->shape_of[i] ||
								infer->code[i].config.add != add || infer->code[i].config.relu != relu))
		i++;
	infer->code_of[layer] = i;
	if (i == infer->codes)
	{
		SC_ASSERT(i < SC_RESNET_INFER_CODES);
		SC_TRY(sc_conv_infer_open(&infer->code[i], &config, err));
		infer->shape_of[i] = infer->net.layer[layer].shape;
		infer->codes++;
	}
	infer->prepared_at[layer] = infer->prepared;
	infer->prepared += infer->code[i].prepared;
	infer->scratch = SC_MAX(infer->scratch, infer->code[i].scratch);
	return SC_OK;
}

static sc_status
open_layers(sc_resnet_infer *infer, sc_error *err)
{
	SC_TRY(open_layer(infer, 0, 0, infer->stem_pictures, false, true, err));
	for (int b = 0; b < SC_RESNET_BLOCKS; b++)
	{
		const sc_resnet_block *block = &infer->net.blocks[b];
		int stage = b / 2, pictures = infer->stage_pictures[stage];

		SC_TRY(open_layer(infer, block->first, stage, pictures, false, true, err));
		SC_TRY(open_layer(infer, block->second, stage, pictures, true, true, err));
		if (block->shortcut >= 0)
			SC_TRY(open_layer(infer, block->shortcut, stage, pictures, false, false, err));
	}
	return SC_OK;
}

sc_status
sc_resnet_infer_open(sc_resnet_infer *infer, const sc_net_config *config, int pictures, sc_error *err)
{
	sc_status status;

	memset(infer, 0, sizeof(*infer));
	sc_resnet_describe(&infer->net, config, pictures, false);
	infer->pictures = SC_MIN(pictures, group_of(infer->net.layer[0].side));
	infer->mixed = config->precision == SC_PRECISION_BF16 && sc_conv_infer_mixes(config->conv);
	for (int s = 0; s < SC_RESNET_STAGES; s++)
		infer->precision[s] = precision_of_stage(infer, s);
	infer->stem_pictures = pictures_of_call(infer, 0, infer->precision[0]);
	/* The weights of the first two stages, 3 MB at most, stay near by themselves; those of the others are read once. */
	for (int s = 0; s < SC_RESNET_STAGES; s++)
		infer->stage_pictures[s] =
			s < 2 ? pictures_of_call(infer, infer->net.blocks[2 * s].second, infer->precision[s]) : infer->pictures;
	status = open_layers(infer, err);
	if (status != SC_OK)
		sc_resnet_infer_close(infer);
	return status;
}

void
sc_resnet_infer_close(sc_resnet_infer *infer)
{
	while (infer->codes > 0)
		sc_conv_infer_close(&infer->code[--infer->codes]);
}

sc_status
sc_resnet_infer_prepare(const sc_resnet_infer *infer, void *prepared, int layer, float *weights, const float *a,
						const float *b, sc_error *err)
{
	return sc_conv_infer_prepare(&infer->code[infer->code_of[layer]], (char *) prepared + infer->prepared_at[layer],
								 weights, a, b, err);
}

/* Pictures that calls of `each` take at once to do `count`. */
static size_t
covered(int count, int each)
{
	return (size_t) ((count + each - 1) / each * each);
}

/* Zeros for the pictures that calls of `each` read beyond those that calls of `before` wrote. */
static void
clear_rest(void *tensor, size_t elements, int count, int before, int each, sc_precision precision)
{
	size_t begin = covered(count, before), end = covered(count, each);

	if (begin < end)
		memset(sc_element_at(tensor, begin * elements, precision), 0,
			   (end - begin) * elements * sc_element_bytes(precision));
}

void
sc_resnet_infer_layout(const sc_resnet_infer *infer, sc_resnet_infer_space *space, sc_arena *arena)
{
	const sc_resnet *net = &infer->net;
	size_t input = sc_element_bytes(net->precision), element = sc_element_bytes(infer->precision[0]),
		   side = (size_t) net->input_size, inner = 0, narrow = 0, held = 0;

	for (int s = 0; s < SC_RESNET_STAGES; s++)
	{
		inner = SC_MAX(inner, (size_t) infer->stage_pictures[s] * sc_resnet_elements(net, net->blocks[2 * s].second));
		if (infer->mixed && s > 0)
			narrow = SC_MAX(narrow,
							(size_t) infer->stage_pictures[s] * sc_resnet_elements(net, net->blocks[2 * s - 1].second));
		held = SC_MAX(held, covered(infer->pictures, infer->stage_pictures[s]));
	}
	held = SC_MAX(held, covered(infer->pictures, infer->stem_pictures));
	space->input = sc_arena_take(arena, sc_mul(held, 3 * side * side), input);
	space->stem = sc_arena_take(arena, sc_mul((size_t) infer->stem_pictures, sc_resnet_elements(net, 0)), element);
	space->even = sc_arena_take(arena, sc_mul(held, sc_resnet_pool_elements(net)), element);
	space->odd = sc_arena_take(arena, sc_mul(held, sc_resnet_elements(net, net->blocks[2].second)), element);
	space->inner = sc_arena_take(arena, inner, element);
	space->narrow = sc_arena_take(arena, narrow, sizeof(uint16_t));
	space->scratch = sc_arena_take(arena, infer->scratch, 1);
}

static sc_status
convolve(const sc_lane *lane, const sc_resnet_infer *infer, const void *prepared, const sc_resnet_infer_space *space,
		 int layer, int pictures, void *y, const void *x)
{
	return sc_conv_infer_run(lane, &infer->code[infer->code_of[layer]], pictures, y, x,
							 (const char *) prepared + infer->prepared_at[layer], space->scratch);
}

/* From the input to what the first stage begins with. */
static sc_status
run_stem(const sc_lane *lane, const sc_resnet_infer *infer, const void *prepared, const sc_resnet_infer_space *space,
		 int count)
{
	const sc_resnet *net = &infer->net;
	size_t block = (size_t) net->channel_block, read = 3 * (size_t) net->input_size * (size_t) net->input_size,
		   plane = (size_t) net->layer[0].side * (size_t) net->layer[0].side * block,
		   pooled = (size_t) net->pool_side * (size_t) net->pool_side * block, planes = 64 / block;

	sc_precision precision = infer->precision[0];

	for (int v = 0; v < count; v += infer->stem_pictures)
	{
		const void *x = sc_element_at(space->input, (size_t) v * read, net->precision);
		void *y = sc_element_at(space->even, (size_t) v * planes * pooled, precision);

		SC_TRY(convolve(lane, infer, prepared, space, 0, SC_MIN(infer->stem_pictures, count - v),
						net->small_stem ? y : space->stem, x));
		for (size_t i = 0; !net->small_stem && i < (size_t) infer->stem_pictures * planes; i++)
			SC_SIMD_CALL(sc_infer_pool)
		(sc_element_at(y, i * pooled, precision), sc_element_at(space->stem, i * plane, precision), net->layer[0].side,
		 net->pool_side, net->channel_block, precision);
	}
	return SC_OK;
}

/* The two blocks of a stage, for as many pictures as its convolutions take: from x to y, which may be x. */
static sc_status
run_stage(const sc_lane *lane, const sc_resnet_infer *infer, const void *prepared, const sc_resnet_infer_space *space,
		  int stage, int pictures, void *y, const void *x)
{
	for (int b = 2 * stage; b < 2 * stage + 2; b++)
	{
		const sc_resnet_block *block = &infer->net.blocks[b];

		if (block->shortcut >= 0 && infer->mixed)
		{
			SC_SIMD_CALL(sc_infer_narrow)
			(space->narrow, x, (size_t) infer->stage_pictures[stage] * sc_resnet_elements(&infer->net, block->input));
			x = space->narrow;
		}
		SC_TRY(convolve(lane, infer, prepared, space, block->first, pictures, space->inner, x));
		if (block->shortcut >= 0)
			SC_TRY(convolve(lane, infer, prepared, space, block->shortcut, pictures, y, x));
		SC_TRY(convolve(lane, infer, prepared, space, block->second, pictures, y, space->inner));
		x = y;
	}
	return SC_OK;
}

sc_status
sc_resnet_infer_run(const sc_lane *lane, const sc_resnet_infer *infer, const void *prepared,
					const sc_resnet_infer_space *space, float *out, int count)
{
	const sc_resnet *net = &infer->net;
	const sc_resnet_layer *last = &net->layer[net->blocks[SC_RESNET_BLOCKS - 1].second];
	size_t read = sc_resnet_pool_elements(net), block = (size_t) net->channel_block,
		   pixels = (size_t) last->side * (size_t) last->side;
	void *from = space->even;
	sc_precision precision = infer->precision[0];
	int before = infer->stem_pictures;

	clear_rest(space->input, 3 * (size_t) net->input_size * (size_t) net->input_size, count, 1, before, net->precision);
	SC_TRY(run_stem(lane, infer, prepared, space, count));
	for (int s = 0; s < SC_RESNET_STAGES; s++)
	{
		size_t written = sc_resnet_elements(net, net->blocks[2 * s].second);
		void *to = s % 2 == 0 ? space->even : space->odd;
		int each = infer->stage_pictures[s];

		clear_rest(from, read, count, before, each, precision);
		for (int v = 0; v < count; v += each)
			SC_TRY(run_stage(lane, infer, prepared, space, s, SC_MIN(each, count - v),
							 sc_element_at(to, (size_t) v * written, infer->precision[s]),
							 sc_element_at(from, (size_t) v * read, precision)));
		from = to;
		read = written;
		before = each;
		precision = infer->precision[s];
	}
	for (size_t c = 0; c < (size_t) count * SC_EMBEDDING_DIM; c += block)
		SC_SIMD_CALL(sc_infer_average)
	(out + c, sc_element_at(from, c * pixels, precision), pixels, net->channel_block, precision);
	return SC_OK;
}
