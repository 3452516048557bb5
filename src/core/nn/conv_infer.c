/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_infer.c
 *	  Which implementation convolves, and folding the norm into its weights.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv_infer.h"

#include "core/nn/conv_infer_parts.h"

#include <string.h>

sc_status
sc_conv_infer_open(sc_conv_infer *infer, const sc_conv_infer_config *config, sc_error *err)
{
	*infer = (sc_conv_infer){.config = *config};
	SC_ASSERT(!config->conv.backward);
	sc_conv_describe(&infer->conv, &config->conv);
#ifdef SC_WITH_ONEDNN
	if (config->conv.kind != SC_CONV_BLAS)
		SC_TRY(sc_conv_infer_onednn_open(infer, err));
	if (infer->onednn != NULL)
		return SC_OK;
#endif
	if (config->conv.precision != SC_PRECISION_F32)
		return sc_fail(err, SC_UNSUPPORTED, "there is no bf16 arithmetic for this convolution");
	sc_conv_infer_blas_open(infer);
	return SC_OK;
}

void
sc_conv_infer_close(sc_conv_infer *infer)
{
#ifdef SC_WITH_ONEDNN
	if (infer->onednn != NULL)
		sc_conv_infer_onednn_close(infer);
#endif
	infer->onednn = NULL;
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
#ifdef SC_WITH_ONEDNN
	if (infer->onednn != NULL)
		return sc_conv_infer_onednn_prepare(infer, prepared, weights, err);
#endif
	sc_conv_infer_blas_prepare(infer, prepared, weights);
	return SC_OK;
}

sc_status
sc_conv_infer_run(const sc_lane *lane, const sc_conv_infer *infer, void *y, const void *x, const void *prepared,
				  void *scratch)
{
	if (sc_lane_stopped(lane))
		return SC_ABORTED;
#ifdef SC_WITH_ONEDNN
	if (infer->onednn != NULL)
		return sc_conv_infer_onednn_run(lane, infer, y, x, prepared, scratch);
#endif
	return sc_conv_infer_blas_run(lane, infer, y, x, prepared, scratch);
}
