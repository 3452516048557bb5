/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv.c
 *	  The passes, each by the implementation that was chosen for it, and the
 *	  layout of the weights.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv.h"
#include "core/base/amx.h"
#include "core/base/arena.h"
#include "core/base/gemm.h"
#include "core/base/simd.h"
#include "core/nn/conv_amx.h"
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
	if (block == 0 && kind != SC_CONV_BLAS && sc_isa_best() == SC_ISA_AVX2)
		block = 8;
	return block ? block : 16;
}

static bool
code_forbidden(void)
{
#ifdef SC_WITH_ONEDNN
	return sc_conv_onednn_check_code(NULL) == SC_UNSUPPORTED;
#else
	return false;
#endif
}

/* Does conv_amx.c have bf16 of this kind? */
static bool
amx_has(sc_conv_kind kind)
{
	return (kind == SC_CONV_BEST || kind == SC_CONV_AMX) && sc_conv_amx_here(sc_conv_channel_block(kind));
}

bool
sc_conv_code_forbidden(sc_precision precision)
{
	return code_forbidden() && !(precision == SC_PRECISION_BF16 && amx_has(SC_CONV_BEST));
}

bool
sc_conv_has_bf16(sc_conv_kind kind)
{
	if (amx_has(kind))
		return true;
#ifdef SC_WITH_ONEDNN
	return kind != SC_CONV_BLAS && kind != SC_CONV_AMX && sc_conv_onednn_has_bf16() && !code_forbidden();
#else
	return false;
#endif
}

bool
sc_conv_bf16_pays(sc_conv_kind kind)
{
	return amx_has(kind) || (sc_conv_has_bf16(kind) && sc_conv_measured_bf16_pays());
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

void
sc_conv_arithmetic(char *text, size_t size)
{
	static const char *const name[] = {[SC_ISA_BASE] = "base", [SC_ISA_AVX2] = "avx2", [SC_ISA_AVX512] = "avx512"};
	const char *loops = sc_amx_granted() ? "amx" : name[sc_isa_best()];
	char library[100] = "no oneDNN";

	if (!code_forbidden())
		sc_conv_library(library, sizeof(library));
	snprintf(text, size, "loops %s; OpenBLAS %s; %s", loops, sc_blas_kernel(), library);
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

/* Does the convolution have this pass? */
static bool
has_pass(const sc_conv_config *config, sc_conv_pass pass)
{
	return pass == SC_CONV_PASS_FORWARD || (config->backward && !(config->planar && pass == SC_CONV_PASS_DATA));
}

/* The path that is tried first. */
static sc_conv_path
first_path(const sc_conv_config *config, sc_conv_pass pass)
{
	switch (config->kind)
	{
		case SC_CONV_BLAS:
			return SC_CONV_BY_BLAS;
		case SC_CONV_ROWS:
			return SC_CONV_BY_ROWS;
		case SC_CONV_AMX:
			return SC_CONV_BY_AMX;
		case SC_CONV_WINOGRAD:
			return SC_CONV_BY_WINOGRAD;
		case SC_CONV_DNNL_WINOGRAD:
			return SC_CONV_BY_ONEDNN_WINOGRAD;
		case SC_CONV_DIRECT:
			return SC_CONV_BY_ONEDNN;
		default:
			return amx_has(config->kind) && config->precision == SC_PRECISION_BF16 ? SC_CONV_BY_AMX
																				   : sc_conv_choose(config, pass);
	}
}

/* Where oneDNN has no code our loops stand in, and OpenBLAS for those. */
static sc_status
replace_missing(sc_conv *conv, sc_conv_pass pass, sc_error *err)
{
	if (conv->config.kind == SC_CONV_BLAS || conv->path[pass] != SC_CONV_BY_BLAS)
		return SC_OK;
	if (sc_conv_rows_has(conv))
		conv->path[pass] = SC_CONV_BY_ROWS;
	else if (conv->config.precision == SC_PRECISION_BF16)
		return refuse_bf16(conv->config.kind, err);
	return SC_OK;
}

/* Is there code of winograd.c for the pass? Then conv->winograd says how. */
static bool
describe_winograd(sc_conv *conv, sc_conv_pass pass)
{
	const sc_conv_config *c = &conv->config;
	bool data = pass == SC_CONV_PASS_DATA;
	sc_winograd_config config = {.in = data ? c->out : c->in,
								 .out = data ? c->in : c->out,
								 .side = c->side,
								 .channel_block = c->channel_block,
								 .transposed = data,
								 .isa = sc_isa_best()};

	return c->kernel == 3 && c->stride == 1 && !c->planar && c->precision == SC_PRECISION_F32 &&
		   sc_winograd_describe(&conv->winograd[pass], &config);
}

/* What the pass needs, where oneDNN has not said so. */
static void
count_memory(sc_conv *conv, sc_conv_pass pass)
{
	if (conv->path[pass] == SC_CONV_BY_ROWS)
	{
		conv->reordered_at[pass] = conv->reordered;
		conv->reordered += sc_conv_rows_reordered(conv, pass);
		conv->scratch = SC_MAX(conv->scratch, sc_conv_rows_scratch(conv, pass));
	}
	else if (conv->path[pass] == SC_CONV_BY_WINOGRAD)
	{
		conv->reordered_at[pass] = conv->reordered;
		if (pass != SC_CONV_PASS_WEIGHTS)
			conv->reordered += sc_arena_round(sc_mul(conv->winograd[pass].transformed, sizeof(float)));
		conv->scratch = SC_MAX(conv->scratch, sc_winograd_scratch(&conv->winograd[pass], conv->config.views,
																  pass == SC_CONV_PASS_WEIGHTS));
	}
	else if (conv->path[pass] == SC_CONV_BY_AMX)
	{
		conv->reordered_at[pass] = conv->reordered;
		conv->reordered += sc_arena_round(sc_conv_amx_reordered(conv, pass));
		conv->scratch = SC_MAX(conv->scratch, sc_conv_amx_scratch(conv, pass));
	}
	else if (conv->path[pass] == SC_CONV_BY_BLAS)
		conv->scratch = SC_MAX(conv->scratch, sc_conv_blas_scratch(conv));
}

sc_status
sc_conv_open(sc_conv *conv, const sc_conv_config *config, sc_error *err)
{
	sc_conv_describe(conv, config);
	if (config->precision == SC_PRECISION_BF16 && !sc_conv_has_bf16(config->kind))
		return refuse_bf16(config->kind, err);
	for (sc_conv_pass pass = SC_CONV_PASS_FORWARD; pass < SC_CONV_PASSES; pass++)
	{
		conv->path[pass] = first_path(config, pass);
		if ((conv->path[pass] == SC_CONV_BY_ROWS && !sc_conv_rows_has(conv)) ||
			(conv->path[pass] == SC_CONV_BY_AMX && !sc_conv_amx_has(conv)) ||
			(conv->path[pass] == SC_CONV_BY_WINOGRAD && !describe_winograd(conv, pass)))
			conv->path[pass] = SC_CONV_BY_ONEDNN;
	}
#ifdef SC_WITH_ONEDNN
	SC_TRY(sc_conv_onednn_open(conv, err));
#endif
	for (sc_conv_pass pass = SC_CONV_PASS_FORWARD; pass < SC_CONV_PASSES; pass++)
	{
		sc_status status;

		if (!has_pass(config, pass))
			continue;
#ifndef SC_WITH_ONEDNN
		if (conv->path[pass] <= SC_CONV_BY_ONEDNN_WINOGRAD)
			conv->path[pass] = SC_CONV_BY_BLAS;
#endif
		status = replace_missing(conv, pass, err);
		if (status != SC_OK)
		{
			sc_conv_close(conv);
			return status;
		}
		count_memory(conv, pass);
	}
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

/* Does the pass read weights that sc_conv_reorder wrote for it? Else it reads ours. */
static bool
reads_reordered(const sc_conv *conv, sc_conv_pass pass)
{
	if (pass == SC_CONV_PASS_WEIGHTS)
		return false;
	if (conv->path[pass] == SC_CONV_BY_ROWS)
		return sc_conv_rows_reordered(conv, pass) > 0;
	if (conv->path[pass] == SC_CONV_BY_WINOGRAD || conv->path[pass] == SC_CONV_BY_AMX)
		return true;
#ifdef SC_WITH_ONEDNN
	if (conv->path[pass] != SC_CONV_BY_BLAS)
		return sc_conv_onednn_reorders(conv, pass);
#endif
	return false;
}

sc_status
sc_conv_reorder(const sc_lane *lane, const sc_conv *conv, void *reordered, const float *weights, int part, int parts)
{
	for (sc_conv_pass pass = SC_CONV_PASS_FORWARD; pass < SC_CONV_PASSES; pass++)
	{
		void *to = (char *) reordered + conv->reordered_at[pass];

		if (!has_pass(&conv->config, pass) || !reads_reordered(conv, pass))
			continue;
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		if (conv->path[pass] == SC_CONV_BY_WINOGRAD)
			SC_TRY(sc_winograd_transform(lane, &conv->winograd[pass], to, weights, part, parts));
		else if (conv->path[pass] == SC_CONV_BY_AMX)
			sc_conv_amx_reorder(conv, pass, to, weights, part, parts);
		else if (part > 0)
			continue;
		else if (conv->path[pass] == SC_CONV_BY_ROWS)
			sc_conv_rows_reorder(conv, pass, to, weights);
#ifdef SC_WITH_ONEDNN
		else
			SC_TRY(sc_conv_onednn_reorder(lane, conv, pass, to, weights));
#endif
	}
	return SC_OK;
}

static sc_status
run_winograd(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, float *y, float *x, float *weights,
			 void *scratch)
{
	const sc_winograd *w = &conv->winograd[pass];
	int views = conv->config.views;

	if (pass == SC_CONV_PASS_WEIGHTS)
		return sc_winograd_gradient(lane, w, views, weights, x, y, scratch);
	if (pass == SC_CONV_PASS_DATA)
		return sc_winograd_run(lane, w, views, x, y, weights, NULL, scratch);
	return sc_winograd_run(lane, w, views, y, x, weights, NULL, scratch);
}

/* One pass of whichever implementation has it. What the pass only reads has lost its const on the way. */
static sc_status
run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *y, void *x, void *weights, const void *reordered,
	void *scratch)
{
	SC_ASSERT(has_pass(&conv->config, pass));
	SC_ASSERT((uintptr_t) reordered % SC_ALIGN == 0);
	if (sc_lane_stopped(lane))
		return SC_ABORTED;
	if (reads_reordered(conv, pass))
		weights = (char *) reordered + conv->reordered_at[pass];
	switch (conv->path[pass])
	{
		case SC_CONV_BY_ROWS:
			return sc_conv_rows_run(lane, conv, pass, y, x, weights, scratch);
		case SC_CONV_BY_WINOGRAD:
			return run_winograd(lane, conv, pass, y, x, weights, scratch);
		case SC_CONV_BY_AMX:
			return sc_conv_amx_run(lane, conv, pass, conv->config.views, y, x, weights, NULL, scratch);
		case SC_CONV_BY_BLAS:
			return sc_conv_blas_run(lane, conv, pass, y, x, weights, scratch);
		default:
#ifdef SC_WITH_ONEDNN
			return sc_conv_onednn_run(lane, conv, pass, y, x, weights, scratch);
#else
			return SC_INTERNAL;
#endif
	}
}

sc_status
sc_conv_forward(const sc_lane *lane, const sc_conv *conv, void *y, const void *x, const float *weights,
				const void *reordered, void *scratch)
{
	return run(lane, conv, SC_CONV_PASS_FORWARD, y, (void *) x, (void *) weights, reordered, scratch);
}

sc_status
sc_conv_backward_data(const sc_lane *lane, const sc_conv *conv, void *dx, const void *dy, const float *weights,
					  const void *reordered, void *scratch)
{
	return run(lane, conv, SC_CONV_PASS_DATA, (void *) dy, dx, (void *) weights, reordered, scratch);
}

sc_status
sc_conv_backward_weights(const sc_lane *lane, const sc_conv *conv, float *dweights, const void *x, const void *dy,
						 void *scratch)
{
	return run(lane, conv, SC_CONV_PASS_WEIGHTS, (void *) dy, (void *) x, dweights, NULL, scratch);
}
