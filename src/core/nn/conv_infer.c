/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_infer.c
 *	  Which implementation convolves, and folding the norm into its weights.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv_infer.h"

#include "core/nn/conv_amx.h"
#include "core/nn/conv_infer_parts.h"

#include <string.h>

/*
 * Winograd's algorithm, in float: for each shape of ResNet-18 from 1x1 to 32x32
 * and groups of 8 or more pictures it takes 1/2 to 1/4 of the time of oneDNN's
 * direct one, with AVX2 and with AVX-512 (Zen 4). A picture by itself waits
 * for the weights, and in bf16 would now and then be faster directly; but it is
 * to have the same bits as in a group, so the way never goes by their number.
 * 4x4 maps of 512 channels are cut into tiles of 2x2, whose transformed weights
 * are 17 MB, not 37: for a picture by itself that takes 0.6 of the time, in
 * groups of 16 with AVX2 as long, with AVX-512 1.6 times.
 */
static bool
minimal_pays(sc_conv_infer *infer)
{
	const sc_conv_config *c = &infer->config.conv;
	sc_winograd_config config = {.in = c->in,
								 .out = c->out,
								 .side = c->side,
								 .channel_block = c->channel_block,
								 .form = c->out >= 512 && c->side == 4 ? SC_WINOGRAD_F2 : SC_WINOGRAD_BEST,
								 .isa = sc_isa_best()};

	return c->kind == SC_CONV_BEST && c->precision == SC_PRECISION_F32 && c->kernel == 3 && c->stride == 1 &&
		   !c->planar && sc_winograd_describe(&infer->winograd, &config);
}

/*
 * With AVX-512 alone bf16 has twice the speed of float, and Winograd's algorithm
 * saves more: 64 channels of 32x32 take 0.25 ms against 0.34, 128 of 16x16 0.25
 * against 0.33, 256 of 8x8 0.23 against 0.33 (Zen 4).
 */
bool
sc_conv_infer_mixes(sc_conv_kind kind)
{
#ifdef SC_WITH_ONEDNN
	return kind == SC_CONV_BEST && sc_conv_has_bf16(kind) && !sc_conv_amx_here(sc_conv_channel_block(kind));
#else
	return false;
#endif
}

sc_status
sc_conv_infer_open(sc_conv_infer *infer, const sc_conv_infer_config *config, sc_error *err)
{
	*infer = (sc_conv_infer){.config = *config};
	SC_ASSERT(!config->conv.backward);
	SC_ASSERT(config->output == config->conv.precision || config->output == SC_PRECISION_F32);
	sc_conv_describe(&infer->conv, &config->conv);
	if (minimal_pays(infer))
	{
		infer->minimal = true;
		infer->prepared = sc_conv_infer_bias_bytes(infer) + sc_arena_round(infer->winograd.transformed * sizeof(float));
		infer->scratch = sc_winograd_scratch(&infer->winograd, config->conv.views, false) + SC_ALIGN;
		return SC_OK;
	}
	if ((config->conv.kind == SC_CONV_BEST || config->conv.kind == SC_CONV_AMX) && sc_conv_amx_has(&infer->conv))
	{
		infer->amx = true;
		infer->prepared =
			sc_conv_infer_bias_bytes(infer) + sc_arena_round(sc_conv_amx_reordered(&infer->conv, SC_CONV_PASS_FORWARD));
		infer->scratch = sc_conv_amx_scratch(&infer->conv, SC_CONV_PASS_FORWARD);
		return SC_OK;
	}
#ifdef SC_WITH_ONEDNN
	if (config->conv.kind != SC_CONV_BLAS)
		SC_TRY(sc_conv_infer_onednn_open(infer, err));
	if (infer->conv.onednn != NULL)
		return SC_OK;
#endif
	if (config->conv.precision != SC_PRECISION_F32)
		return sc_fail(err, SC_UNSUPPORTED, "there is no bf16 arithmetic for this convolution");
	sc_conv_infer_blas_open(infer);
	return SC_OK;
}

/* Each block of outputs lies together, and within it the outputs of the block. */
static void
fold(const sc_conv *conv, float *weights, const float *a)
{
	size_t block = (size_t) conv->config.channel_block, each = conv->weights / (size_t) conv->config.out * block;

	for (size_t i = 0; i < conv->weights; i += block)
		for (size_t c = 0; c < block; c++)
			weights[i + c] *= a[i / each * block + c];
}

sc_status
sc_conv_infer_prepare(const sc_conv_infer *infer, void *prepared, float *weights, const float *a, const float *b,
					  sc_error *err)
{
	SC_ASSERT((uintptr_t) prepared % SC_ALIGN == 0);
	memcpy(prepared, b, (size_t) infer->config.conv.out * sizeof(float));
	fold(&infer->conv, weights, a);
	if (infer->minimal)
		return sc_winograd_transform(NULL, &infer->winograd,
									 (float *) ((char *) prepared + sc_conv_infer_bias_bytes(infer)), weights, 0, 1);
	if (infer->amx)
	{
		sc_conv_amx_reorder(&infer->conv, SC_CONV_PASS_FORWARD, (char *) prepared + sc_conv_infer_bias_bytes(infer),
							weights, 0, 1);
		return SC_OK;
	}
#ifdef SC_WITH_ONEDNN
	if (infer->conv.onednn != NULL)
		return sc_conv_infer_onednn_prepare(infer, prepared, weights, err);
#endif
	sc_conv_infer_blas_prepare(infer, prepared, weights);
	return SC_OK;
}

static sc_status
run_minimal(const sc_lane *lane, const sc_conv_infer *infer, int pictures, float *y, const float *x,
			const void *prepared, void *scratch)
{
	const float *transformed = (const float *) ((const char *) prepared + sc_conv_infer_bias_bytes(infer));
	sc_winograd_epilogue epilogue = {.bias = prepared,
									 .shortcut = infer->config.add ? y : NULL,
									 .relu = infer->config.relu};

	return sc_winograd_run(lane, &infer->winograd, pictures, y, x, transformed, &epilogue, scratch);
}

static sc_status
run_amx(const sc_lane *lane, const sc_conv_infer *infer, int pictures, void *y, const void *x, const void *prepared,
		void *scratch)
{
	sc_conv_amx_epilogue epilogue = {.bias = prepared,
									 .add = infer->config.add,
									 .relu = infer->config.relu,
									 .wide = infer->config.output == SC_PRECISION_F32};

	return sc_conv_amx_run(lane, &infer->conv, SC_CONV_PASS_FORWARD, pictures, y, (void *) x,
						   (char *) prepared + sc_conv_infer_bias_bytes(infer), &epilogue, scratch);
}

sc_status
sc_conv_infer_run(const sc_lane *lane, const sc_conv_infer *infer, int pictures, void *y, const void *x,
				  const void *prepared, void *scratch)
{
	SC_ASSERT(pictures <= infer->config.conv.views);
	if (sc_lane_stopped(lane))
		return SC_ABORTED;
	if (infer->minimal)
		return run_minimal(lane, infer, pictures, y, x, prepared, scratch);
	if (infer->amx)
		return run_amx(lane, infer, pictures, y, x, prepared, scratch);
#ifdef SC_WITH_ONEDNN
	if (infer->conv.onednn != NULL)
		return sc_conv_infer_onednn_run(lane, infer, y, x, prepared, scratch);
#endif
	return sc_conv_infer_blas_run(lane, infer, pictures, y, x, prepared, scratch);
}
