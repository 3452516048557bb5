/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_onednn.c
 *	  Convolution by oneDNN's generated code.
 *
 * Tensors and weights have one fixed layout each (conv.h): the one that oneDNN's
 * code for AVX-512 (16 channels a block) or AVX2 (8) works on. So nothing is
 * converted but weights: a data gradient by the direct algorithm wants them in
 * another order, and in bf16 both it and the forward pass want them in bf16, each
 * in its own order. A pass that oneDNN could only do by its slow reference code,
 * or in another layout, is left to conv_blas.c.
 *
 * Winograd's algorithm (Lavin and Gray, "Fast algorithms for convolutional
 * neural networks", CVPR 2016, F(4x4, 3x3)) does a 3x3 convolution with a
 * quarter of the multiplications, and transforms the weights at each call. It
 * pays where the tiles are many against the channels, in float alone.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv_onednn_parts.h"

#include <stdlib.h>
#include <string.h>

static void
drop_pass(sc_onednn_pass *p)
{
	if (p->reorder != NULL)
		dnnl_primitive_destroy(p->reorder);
	if (p->reorder_desc != NULL)
		dnnl_primitive_desc_destroy(p->reorder_desc);
	if (p->primitive != NULL)
		dnnl_primitive_destroy(p->primitive);
	if (p->desc != NULL)
		dnnl_primitive_desc_destroy(p->desc);
	memset(p, 0, sizeof(*p));
}

/* The weights of conv.h, and their gradient. */
static dnnl_status_t
own_weights(sc_dnnl_desc *desc, const sc_conv *conv)
{
	const sc_conv_config *c = &conv->config;
	dnnl_dims_t dims = {c->out, c->in, c->kernel, c->kernel};
	bool wide = c->channel_block == 16;

	return sc_dnnl_desc_make(desc, dims, dnnl_f32,
							 c->planar ? (wide ? dnnl_Ohwi16o : dnnl_Ohwi8o) : (wide ? dnnl_OIhw16i16o : dnnl_OIhw8i8o));
}

/*
 * What a call of oneDNN's means: the same convolution must not be done one way
 * today and another tomorrow because memory was short. Another reason not to
 * have code is one of the shape and the CPU alone.
 */
sc_status
sc_onednn_short_of_memory(dnnl_status_t status, sc_error *err)
{
	if (status != dnnl_out_of_memory)
		return SC_OK;
	sc_fail(err, SC_NO_MEMORY, "out of memory");
	sc_detail(err, "oneDNN had none for the code of a convolution.");
	return SC_NO_MEMORY;
}

/*
 * Try one pass with one algorithm. p->desc stays NULL where it cannot be had
 * fast, or only with the weights in another layout than ours; but any layout
 * will do for a pass that sc_conv_reorder may reorder them for.
 */
static sc_status
try_pass(sc_onednn_pass *p, const sc_onednn_conv *o, const sc_conv *conv, sc_conv_pass pass, dnnl_alg_kind_t algorithm,
		 dnnl_primitive_attr_t attr, sc_error *err)
{
	const sc_conv_config *c = &conv->config;
	dnnl_dims_t src_dims = {c->views, c->in, c->side, c->side}, weights_dims = {c->out, c->in, c->kernel, c->kernel},
				dst_dims = {c->views, c->out, conv->out_side, conv->out_side}, strides = {c->stride, c->stride},
				padding = {c->kernel / 2, c->kernel / 2};
	dnnl_format_tag_t data = c->channel_block == 16 ? dnnl_nChw16c : dnnl_nChw8c;
	dnnl_data_type_t type = c->precision == SC_PRECISION_BF16 ? dnnl_bf16 : dnnl_f32;
	bool reorders = pass == SC_CONV_PASS_DATA || (pass == SC_CONV_PASS_FORWARD && type == dnnl_bf16);
	sc_dnnl_desc src = SC_DNNL_NO_DESC, weights = SC_DNNL_NO_DESC, any = SC_DNNL_NO_DESC, dst = SC_DNNL_NO_DESC;
	dnnl_primitive_desc_t hint = NULL;
	dnnl_status_t status;
	const char *name = NULL;

	SC_TRY(sc_conv_onednn_check_code(err));
	if ((status = sc_dnnl_desc_make(&src, src_dims, type, c->planar ? dnnl_nchw : data)) != dnnl_success ||
		(status = own_weights(&weights, conv)) != dnnl_success ||
		(status = sc_dnnl_desc_make(&any, weights_dims, type, dnnl_format_tag_any)) != dnnl_success ||
		(status = sc_dnnl_desc_make(&dst, dst_dims, type, data)) != dnnl_success)
		goto done;
	if (pass != SC_CONV_PASS_FORWARD &&
		(status = sc_dnnl_conv_desc(&hint, o->engine, SC_CONV_PASS_FORWARD, dnnl_convolution_direct, true, &src, &any,
									&dst, strides, padding, NULL, attr)) != dnnl_success)
		goto done;
	status = sc_dnnl_conv_desc(&p->desc, o->engine, pass, algorithm, c->backward, &src, reorders ? &any : &weights,
							   &dst, strides, padding, hint, attr);
	if (status != dnnl_success)
	{
		p->desc = NULL;
		goto done;
	}
	if (dnnl_primitive_desc_query(p->desc, dnnl_query_impl_info_str, 0, &name) != dnnl_success || name == NULL ||
		strncmp(name, "ref", 3) == 0 || (status = dnnl_primitive_create(&p->primitive, p->desc)) != dnnl_success)
		drop_pass(p);
	p->direct = algorithm == dnnl_convolution_direct;
done:
	if (hint != NULL)
		dnnl_primitive_desc_destroy(hint);
	sc_dnnl_desc_free(src);
	sc_dnnl_desc_free(weights);
	sc_dnnl_desc_free(any);
	sc_dnnl_desc_free(dst);
	return sc_onednn_short_of_memory(status, err);
}

/* The reorder from our weights to those that the pass wants, where they are others. */
static sc_status
plan_reorder(sc_conv *conv, const sc_onednn_conv *o, sc_onednn_pass *p, sc_conv_pass pass, dnnl_primitive_attr_t attr,
			 sc_error *err)
{
	sc_dnnl_desc_ref wanted = sc_onednn_desc_of(p, pass, SC_ONEDNN_WEIGHTS);
	sc_dnnl_desc own = SC_DNNL_NO_DESC;
	dnnl_status_t status;

	SC_TRY(sc_conv_onednn_check_code(err));
	status = own_weights(&own, conv);
	if (status != dnnl_success)
	{
		drop_pass(p);
		return sc_onednn_short_of_memory(status, err);
	}
	if (!dnnl_memory_desc_equal(wanted, SC_DNNL_REF(own)))
	{
		/* sc_conv_reorder has no scratch memory; the versions known need none for this. */
		if ((status = dnnl_reorder_primitive_desc_create(&p->reorder_desc, SC_DNNL_REF(own), o->engine, wanted,
														 o->engine, attr)) == dnnl_success &&
			sc_onednn_scratch_of(p->reorder_desc) == 0 &&
			(status = dnnl_primitive_create(&p->reorder, p->reorder_desc)) == dnnl_success)
		{
			conv->reordered_at[pass] = conv->reordered;
			conv->reordered += sc_arena_round(dnnl_memory_desc_get_size(wanted));
		}
		else
			drop_pass(p);
	}
	sc_dnnl_desc_free(own);
	return sc_onednn_short_of_memory(status, err);
}

/* Is this pass to be oneDNN's? */
static bool
wants(const sc_conv *conv, sc_conv_pass pass)
{
	const sc_conv_config *c = &conv->config;

	if (pass != SC_CONV_PASS_FORWARD && (!c->backward || (pass == SC_CONV_PASS_DATA && c->planar)))
		return false;
	return conv->path[pass] == SC_CONV_BY_ONEDNN || conv->path[pass] == SC_CONV_BY_ONEDNN_WINOGRAD;
}

/* oneDNN has no code at all. */
static sc_status
leave_all(sc_conv *conv)
{
	for (sc_conv_pass pass = SC_CONV_PASS_FORWARD; pass < SC_CONV_PASSES; pass++)
		if (wants(conv, pass))
			conv->path[pass] = SC_CONV_BY_BLAS;
	return SC_OK;
}

/* The passes that oneDNN has code for. */
static sc_status
open_passes(sc_conv *conv, sc_onednn_conv *o, dnnl_primitive_attr_t attr, sc_error *err)
{
	for (sc_conv_pass pass = SC_CONV_PASS_FORWARD; pass < SC_CONV_PASSES; pass++)
	{
		sc_onednn_pass *p = &o->pass[pass];

		if (!wants(conv, pass))
			continue;
		if (conv->path[pass] == SC_CONV_BY_ONEDNN_WINOGRAD)
			SC_TRY(try_pass(p, o, conv, pass, dnnl_convolution_winograd, attr, err));
		if (p->desc == NULL)
		{
			conv->path[pass] = SC_CONV_BY_ONEDNN;
			SC_TRY(try_pass(p, o, conv, pass, dnnl_convolution_direct, attr, err));
		}
		if (p->desc != NULL && pass != SC_CONV_PASS_WEIGHTS)
			SC_TRY(plan_reorder(conv, o, p, pass, attr, err));
		if (p->desc == NULL)
			conv->path[pass] = SC_CONV_BY_BLAS;
		else
			conv->scratch = SC_MAX(conv->scratch, sc_onednn_scratch_of(p->desc) + SC_ALIGN);
	}
	return SC_OK;
}

sc_status
sc_conv_onednn_open(sc_conv *conv, sc_error *err)
{
	sc_onednn_conv *o;
	dnnl_primitive_attr_t attr = NULL;
	dnnl_status_t made;
	int threads;
	sc_status status;

	if (!wants(conv, SC_CONV_PASS_FORWARD) && !wants(conv, SC_CONV_PASS_DATA) && !wants(conv, SC_CONV_PASS_WEIGHTS))
		return SC_OK;
	if (sc_conv_onednn_channel_block() != conv->config.channel_block)
		return leave_all(conv);
	status = sc_conv_onednn_check_code(err);
	if (status != SC_OK)
		return status == SC_UNSUPPORTED ? leave_all(conv) : status;
	/* A few hundred bytes, beside what oneDNN itself takes for its code. */
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return sc_fail(err, SC_NO_MEMORY, "out of memory");
	conv->onednn = o;
	threads = omp_get_max_threads();
	omp_set_num_threads(1);
	if ((made = dnnl_engine_create(&o->engine, dnnl_cpu, 0)) == dnnl_success &&
		(made = dnnl_stream_create(&o->stream, o->engine, dnnl_stream_default_flags)) == dnnl_success &&
		(made = dnnl_primitive_attr_create(&attr)) == dnnl_success &&
		(made = dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user)) == dnnl_success)
		status = open_passes(conv, o, attr, err);
	else
		status = sc_onednn_short_of_memory(made, err);
	if (attr != NULL)
		dnnl_primitive_attr_destroy(attr);
	omp_set_num_threads(threads);
	if (status != SC_OK)
		sc_conv_close(conv);
	return status;
}

void
sc_conv_onednn_close(sc_conv *conv)
{
	sc_onednn_conv *o = conv->onednn;

	for (int pass = 0; pass < SC_CONV_PASSES; pass++)
		drop_pass(&o->pass[pass]);
	if (o->stream != NULL)
		dnnl_stream_destroy(o->stream);
	if (o->engine != NULL)
		dnnl_engine_destroy(o->engine);
	free(o);
}
