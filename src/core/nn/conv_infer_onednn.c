/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_infer_onednn.c
 *	  Convolutions without learning by oneDNN's generated code: its direct
 *	  algorithm, with bias, shortcut (its post-operation "sum") and ReLU.
 *
 * What it holds is what an sc_conv does, with the forward pass alone. Pictures
 * stay in the layout that its code works on (conv.h); weights are
 * brought into whichever it wants, once. Its results for a picture depend on
 * that picture alone: it adds over channels and the kernel in one order. (Its
 * Winograd's do not: there the order follows from the number of tiles.)
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv_infer_parts.h"
#include "core/nn/conv_onednn_parts.h"

#include <stdlib.h>
#include <string.h>

static dnnl_data_type_t
type_of(sc_precision precision)
{
	return precision == SC_PRECISION_BF16 ? dnnl_bf16 : dnnl_f32;
}

/* The primitive, with attr, and the reorder of its weights, with plain; dnnl_unimplemented: there is no fast code for it. */
static dnnl_status_t
make(sc_onednn_conv *o, const sc_conv_infer *infer, dnnl_primitive_attr_t plain, dnnl_primitive_attr_t attr)
{
	sc_onednn_pass *code = &o->pass[SC_CONV_PASS_FORWARD];
	const sc_conv_config *c = &infer->config.conv;
	int side = infer->conv.out_side;
	bool wide = c->channel_block == 16;
	dnnl_dims_t src_dims = {c->views, c->in, c->side, c->side}, weights_dims = {c->out, c->in, c->kernel, c->kernel},
				dst_dims = {c->views, c->out, side, side}, strides = {c->stride, c->stride},
				padding = {c->kernel / 2, c->kernel / 2};
	dnnl_format_tag_t data = wide ? dnnl_nChw16c : dnnl_nChw8c,
					  own = c->planar ? (wide ? dnnl_Ohwi16o : dnnl_Ohwi8o) : (wide ? dnnl_OIhw16i16o : dnnl_OIhw8i8o);
	dnnl_data_type_t type = type_of(c->precision);
	sc_dnnl_desc src = SC_DNNL_NO_DESC, any = SC_DNNL_NO_DESC, bias = SC_DNNL_NO_DESC, dst = SC_DNNL_NO_DESC,
				 weights = SC_DNNL_NO_DESC;
	sc_dnnl_desc_ref wanted;
	dnnl_status_t status;
	const char *name = NULL;

	if ((status = sc_dnnl_desc_make(&src, src_dims, type, c->planar ? dnnl_nchw : data)) != dnnl_success ||
		(status = sc_dnnl_desc_make(&any, weights_dims, type, dnnl_format_tag_any)) != dnnl_success ||
		(status = sc_dnnl_desc_make(&weights, weights_dims, dnnl_f32, own)) != dnnl_success ||
		(status = sc_dnnl_desc_make(&dst, dst_dims, type_of(infer->config.output), data)) != dnnl_success ||
		(status = sc_dnnl_desc_make_vector(&bias, c->out, dnnl_f32)) != dnnl_success ||
		(status = sc_dnnl_infer_desc(&code->desc, o->engine, &src, &any, &bias, &dst, strides, padding, attr)) !=
			dnnl_success ||
		(status = dnnl_primitive_desc_query(code->desc, dnnl_query_impl_info_str, 0, &name)) != dnnl_success)
		goto done;
	wanted = dnnl_primitive_desc_query_md(code->desc, dnnl_query_weights_md, 0);
	/* sc_conv_infer_prepare has no scratch memory; the versions known need none for this. */
	if ((status = dnnl_reorder_primitive_desc_create(&code->reorder_desc, SC_DNNL_REF(weights), o->engine, wanted,
													 o->engine, plain)) == dnnl_success &&
		(strncmp(name, "ref", 3) == 0 || sc_onednn_scratch_of(code->reorder_desc) > 0))
		status = dnnl_unimplemented;
	if (status == dnnl_success && (status = dnnl_primitive_create(&code->reorder, code->reorder_desc)) == dnnl_success)
		status = dnnl_primitive_create(&code->primitive, code->desc);
done:
	sc_dnnl_desc_free(src);
	sc_dnnl_desc_free(any);
	sc_dnnl_desc_free(weights);
	sc_dnnl_desc_free(bias);
	sc_dnnl_desc_free(dst);
	return status;
}

static dnnl_status_t
set_operations(dnnl_primitive_attr_t attr, const sc_conv_infer_config *config)
{
	dnnl_post_ops_t ops = NULL;
	dnnl_status_t status = dnnl_post_ops_create(&ops);

	if (status == dnnl_success && config->add)
		status = sc_dnnl_append_sum(ops);
	if (status == dnnl_success && config->relu)
		status = sc_dnnl_append_relu(ops);
	if (status == dnnl_success)
		status = dnnl_primitive_attr_set_post_ops(attr, ops);
	if (ops != NULL)
		dnnl_post_ops_destroy(ops);
	return status;
}

sc_status
sc_conv_infer_onednn_open(sc_conv_infer *infer, sc_error *err)
{
	sc_onednn_conv *o;
	dnnl_primitive_attr_t plain = NULL, attr = NULL;
	dnnl_status_t made;
	int threads;
	sc_status status;

	if (sc_conv_onednn_channel_block() != infer->config.conv.channel_block)
		return SC_OK;
	status = sc_conv_onednn_check_code(err);
	if (status != SC_OK)
		return status == SC_UNSUPPORTED ? SC_OK : status;
	/* A few hundred bytes, beside what oneDNN itself takes for its code. */
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return sc_fail(err, SC_NO_MEMORY, "out of memory");
	infer->conv.onednn = o;
	threads = omp_get_max_threads();
	omp_set_num_threads(1);
	if ((made = dnnl_engine_create(&o->engine, dnnl_cpu, 0)) == dnnl_success &&
		(made = dnnl_stream_create(&o->stream, o->engine, dnnl_stream_default_flags)) == dnnl_success &&
		(made = dnnl_primitive_attr_create(&plain)) == dnnl_success &&
		(made = dnnl_primitive_attr_set_scratchpad_mode(plain, dnnl_scratchpad_mode_user)) == dnnl_success &&
		(made = dnnl_primitive_attr_clone(&attr, plain)) == dnnl_success &&
		(made = set_operations(attr, &infer->config)) == dnnl_success)
		made = make(o, infer, plain, attr);
	if (plain != NULL)
		dnnl_primitive_attr_destroy(plain);
	if (attr != NULL)
		dnnl_primitive_attr_destroy(attr);
	omp_set_num_threads(threads);
	if (made != dnnl_success)
	{
		sc_conv_infer_close(infer);
		return sc_onednn_short_of_memory(made, err);
	}
	infer->prepared = sc_conv_infer_bias_bytes(infer) +
					  sc_arena_round(dnnl_memory_desc_get_size(
						  sc_onednn_desc_of(&o->pass[SC_CONV_PASS_FORWARD], SC_CONV_PASS_FORWARD, SC_ONEDNN_WEIGHTS)));
	infer->scratch = sc_onednn_scratch_of(o->pass[SC_CONV_PASS_FORWARD].desc) + SC_ALIGN;
	return SC_OK;
}

sc_status
sc_conv_infer_onednn_prepare(const sc_conv_infer *infer, void *prepared, float *weights, sc_error *err)
{
	static const int kind[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
	const sc_onednn_conv *o = infer->conv.onednn;
	const sc_onednn_pass *code = &o->pass[SC_CONV_PASS_FORWARD];
	void *memory[] = {weights, (char *) prepared + sc_conv_infer_bias_bytes(infer)};
	sc_dnnl_desc_ref desc[] = {dnnl_primitive_desc_query_md(code->reorder_desc, dnnl_query_src_md, 0),
							   dnnl_primitive_desc_query_md(code->reorder_desc, dnnl_query_dst_md, 0)};

	return sc_onednn_execute(o->engine, o->stream, code->reorder, desc, kind, memory, 2, err);
}

sc_status
sc_conv_infer_onednn_run(const sc_lane *lane, const sc_conv_infer *infer, void *y, const void *x, const void *prepared,
						 void *scratch)
{
	static const int kind[] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD};
	static const dnnl_query_t query[] = {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_weights_md,
										 dnnl_query_dst_md, dnnl_query_scratchpad_md};
	const sc_onednn_conv *o = infer->conv.onednn;
	const sc_onednn_pass *code = &o->pass[SC_CONV_PASS_FORWARD];
	size_t bytes = infer->scratch - SC_ALIGN;
	sc_arena arena = sc_arena_over(scratch, infer->scratch);
	void *memory[] = {(void *) x, (char *) prepared + sc_conv_infer_bias_bytes(infer), (void *) prepared, y,
					  sc_arena_take(&arena, bytes, 1)};
	sc_dnnl_desc_ref desc[5];
	sc_error err;
	sc_status status;

	for (int i = 0; i < 5; i++)
		desc[i] = dnnl_primitive_desc_query_md(code->desc, query[i], i == 2 ? 1 : 0);
	status = sc_onednn_execute(o->engine, o->stream, code->primitive, desc, kind, memory, bytes > 0 ? 5 : 4, &err);
	return status == SC_OK ? SC_OK : sc_lane_fail(lane, &err);
}
