/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv.c
 *	  Which implementation runs, and the layout of the weights.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv.h"
#include "core/base/arena.h"
#include "core/nn/conv_parts.h"

#include <stdio.h>

int
sc_conv_channel_block(sc_conv_kind kind)
{
	int block = 0;

#ifdef SC_WITH_ONEDNN
	if (kind != SC_CONV_BLAS)
		block = sc_conv_onednn_channel_block();
#endif
	return block ? block : 16;
}

bool
sc_conv_code_forbidden(void)
{
#ifdef SC_WITH_ONEDNN
	return sc_conv_onednn_check_code(NULL) == SC_UNSUPPORTED;
#else
	return false;
#endif
}

bool
sc_conv_has_bf16(sc_conv_kind kind)
{
#ifdef SC_WITH_ONEDNN
	return kind != SC_CONV_BLAS && sc_conv_onednn_has_bf16() && !sc_conv_code_forbidden();
#else
	(void) kind;
	return false;
#endif
}

sc_status
sc_conv_bf16_pays(bool *pays, sc_conv_kind kind, sc_error *err)
{
	*pays = false;
#ifdef SC_WITH_ONEDNN
	if (sc_conv_has_bf16(kind))
		return sc_conv_onednn_bf16_pays(pays, err);
#endif
	return SC_OK;
}

void
sc_conv_library(char *name, size_t size)
{
#ifdef SC_WITH_ONEDNN
	sc_conv_onednn_name(name, size);
#else
	snprintf(name, size, "no oneDNN");
#endif
}

static sc_status
refuse_bf16(sc_conv_kind kind, sc_error *err)
{
#ifdef SC_WITH_ONEDNN
	if (kind != SC_CONV_BLAS && sc_conv_onednn_has_bf16())
	{
		sc_status code = sc_conv_onednn_check_code(err);

		if (code == SC_NO_MEMORY)
			return code;
		sc_fail(err, SC_UNSUPPORTED,
				code == SC_OK
					? "this oneDNN has no bf16 arithmetic for all passes of a convolution"
					: "there is no bf16 arithmetic: the operating system forbids the code that oneDNN generates");
	}
	else if (kind != SC_CONV_BLAS)
		sc_fail(err, SC_UNSUPPORTED, "this CPU has no bf16 arithmetic");
	else
#endif
		sc_fail(err, SC_UNSUPPORTED, "without oneDNN there is no bf16 arithmetic");
	sc_hint(err, "Train with \"precision\" \"f32\" or \"auto\"; a training in bf16 resumes where there is some.");
	return SC_UNSUPPORTED;
}

void
sc_conv_describe(sc_conv *conv, const sc_conv_config *config)
{
	SC_ASSERT(config->views > 0 && config->side > 0 && config->stride > 0);
	SC_ASSERT(config->kernel % 2 == 1);
	SC_ASSERT(config->channel_block > 0 && config->out % config->channel_block == 0);
	SC_ASSERT(config->planar || config->in % config->channel_block == 0);
	*conv = (sc_conv){.config = *config};
	conv->out_side = (config->side + 2 * (config->kernel / 2) - config->kernel) / config->stride + 1;
	conv->weights = (size_t) config->out * config->in * config->kernel * config->kernel;
}

sc_status
sc_conv_open(sc_conv *conv, const sc_conv_config *config, sc_error *err)
{
	sc_conv_describe(conv, config);
	if (config->precision == SC_PRECISION_BF16 && !sc_conv_has_bf16(config->kind))
		return refuse_bf16(config->kind, err);
#ifdef SC_WITH_ONEDNN
	if (config->kind != SC_CONV_BLAS)
		SC_TRY(sc_conv_onednn_open(conv, err));
	if (sc_conv_onednn_has(conv, SC_CONV_FORWARD) &&
		(!config->backward ||
		 (sc_conv_onednn_has(conv, SC_CONV_WEIGHTS) && (config->planar || sc_conv_onednn_has(conv, SC_CONV_DATA)))))
		return SC_OK;
	if (config->precision == SC_PRECISION_BF16)
	{
		sc_conv_close(conv);
		return refuse_bf16(config->kind, err);
	}
#endif
	conv->scratch = SC_MAX(conv->scratch, sc_conv_blas_scratch(conv));
	return SC_OK;
}

void
sc_conv_close(sc_conv *conv)
{
#ifdef SC_WITH_ONEDNN
	if (conv->onednn != NULL)
		sc_conv_onednn_close(conv);
#endif
	conv->onednn = NULL;
}

/* Where the first element of kernel (o, i) lies. */
static size_t
place(const sc_conv_config *c, int o, int i)
{
	size_t b = (size_t) c->channel_block;
	size_t kk = (size_t) c->kernel * c->kernel;

	if (c->planar)
		return ((size_t) o / b * kk * (size_t) c->in + (size_t) i) * b + (size_t) o % b;
	return (((size_t) o / b * ((size_t) c->in / b) + (size_t) i / b) * kk * b + (size_t) i % b) * b + (size_t) o % b;
}

/* ... and how far apart its elements are. */
static size_t
step_of(const sc_conv_config *c)
{
	return (size_t) (c->planar ? c->in : c->channel_block) * (size_t) c->channel_block;
}

void
sc_conv_import(const sc_conv *conv, float *weights, const float *oihw)
{
	const sc_conv_config *c = &conv->config;
	size_t step = step_of(c);
	int kk = c->kernel * c->kernel;

	for (int o = 0; o < c->out; o++)
		for (int i = 0; i < c->in; i++)
		{
			float *at = weights + place(c, o, i);

			for (int k = 0; k < kk; k++)
				at[(size_t) k * step] = *oihw++;
		}
}

void
sc_conv_export(const sc_conv *conv, float *oihw, const float *weights)
{
	const sc_conv_config *c = &conv->config;
	size_t step = step_of(c);
	int kk = c->kernel * c->kernel;

	for (int o = 0; o < c->out; o++)
		for (int i = 0; i < c->in; i++)
		{
			const float *at = weights + place(c, o, i);

			for (int k = 0; k < kk; k++)
				*oihw++ = at[(size_t) k * step];
		}
}

sc_status
sc_conv_reorder(const sc_lane *lane, const sc_conv *conv, void *reordered, const float *weights)
{
#ifdef SC_WITH_ONEDNN
	if (conv->reordered > 0)
		return sc_conv_onednn_reorder(lane, conv, reordered, weights);
#endif
	return SC_OK;
}

/* One pass of whichever implementation has it. What the pass only reads has lost its const on the way. */
static sc_status
run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *y, void *x, void *weights, const void *reordered,
	void *scratch)
{
	SC_ASSERT(conv->config.backward || pass == SC_CONV_FORWARD);
	SC_ASSERT(!conv->config.planar || pass != SC_CONV_DATA);
	SC_ASSERT(conv->reordered == 0 || (uintptr_t) reordered % SC_ALIGN == 0);
	if (sc_lane_stopped(lane))
		return SC_ABORTED;
#ifdef SC_WITH_ONEDNN
	if (sc_conv_onednn_has(conv, pass))
		return sc_conv_onednn_run(lane, conv, pass, y, x,
								  pass == SC_CONV_WEIGHTS
									  ? weights
									  : (void *) sc_conv_onednn_weights(conv, pass, weights, reordered),
								  scratch);
#endif
	return sc_conv_blas_run(lane, conv, pass, y, x, weights, scratch);
}

sc_status
sc_conv_forward(const sc_lane *lane, const sc_conv *conv, void *y, const void *x, const float *weights,
				const void *reordered, void *scratch)
{
	return run(lane, conv, SC_CONV_FORWARD, y, (void *) x, (void *) weights, reordered, scratch);
}

sc_status
sc_conv_backward_data(const sc_lane *lane, const sc_conv *conv, void *dx, const void *dy, const float *weights,
					  const void *reordered, void *scratch)
{
	return run(lane, conv, SC_CONV_DATA, (void *) dy, dx, (void *) weights, reordered, scratch);
}

sc_status
sc_conv_backward_weights(const sc_lane *lane, const sc_conv *conv, float *dweights, const void *x, const void *dy,
						 void *scratch)
{
	return run(lane, conv, SC_CONV_WEIGHTS, (void *) dy, (void *) x, dweights, NULL, scratch);
}
