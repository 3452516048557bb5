/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_onednn_run.c
 *	  Running oneDNN's code on a lane.
 *
 * A primitive runs on the lane that calls it, alone: OpenMP is held at one
 * thread, and scratch memory is the caller's.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv_onednn_parts.h"

#include <string.h>

sc_status
sc_onednn_execute(dnnl_engine_t engine, dnnl_stream_t stream, dnnl_primitive_t primitive, const sc_dnnl_desc_ref *desc,
				  const int *kind, void *const *memory, int count, sc_error *err)
{
	dnnl_exec_arg_t args[SC_ONEDNN_ARGS];
	dnnl_status_t status = dnnl_success;
	int made = 0;

	omp_set_num_threads(1);
	for (; made < count; made++)
	{
		args[made].arg = kind[made];
		status = dnnl_memory_create(&args[made].memory, desc[made], engine, memory[made]);
		if (status != dnnl_success)
			break;
	}
	if (status == dnnl_success)
		status = dnnl_primitive_execute(primitive, stream, count, args);
	if (status == dnnl_success)
		status = dnnl_stream_wait(stream);
	while (made > 0)
		dnnl_memory_destroy(args[--made].memory);
	if (status != dnnl_success)
	{
		sc_status failed = status == dnnl_out_of_memory ? SC_NO_MEMORY : SC_INTERNAL;

		sc_fail(err, failed, "a convolution failed");
		sc_detail(err, "oneDNN's status is %d.", (int) status);
		return failed;
	}
	return SC_OK;
}

/* The same for a lane, whose failure is the job's. */
static sc_status
execute(const sc_lane *lane, const sc_onednn_conv *o, dnnl_primitive_t primitive, const sc_dnnl_desc_ref *desc,
		const int *kind, void *const *memory, int count)
{
	sc_error err;
	sc_status status = sc_onednn_execute(o->engine, o->stream, primitive, desc, kind, memory, count, &err);

	return status == SC_OK ? SC_OK : sc_lane_fail(lane, &err);
}

bool
sc_conv_onednn_reorders(const sc_conv *conv, sc_conv_pass pass)
{
	return ((const sc_onednn_conv *) conv->onednn)->pass[pass].reorder != NULL;
}

sc_status
sc_conv_onednn_reorder(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *reordered,
					   const float *weights)
{
	static const int kind[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
	const sc_onednn_conv *o = conv->onednn;
	const sc_onednn_pass *p = &o->pass[pass];
	void *memory[] = {(void *) weights, reordered};
	sc_dnnl_desc_ref desc[2];

	desc[0] = dnnl_primitive_desc_query_md(p->reorder_desc, dnnl_query_src_md, 0);
	desc[1] = dnnl_primitive_desc_query_md(p->reorder_desc, dnnl_query_dst_md, 0);
	return execute(lane, o, p->reorder, desc, kind, memory, 2);
}

sc_status
sc_conv_onednn_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *y, void *x, void *weights,
				   void *scratch)
{
	static const int kind[SC_CONV_PASSES][SC_ONEDNN_ROLES + 1] = {
		[SC_CONV_PASS_FORWARD] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD},
		[SC_CONV_PASS_DATA] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
		[SC_CONV_PASS_WEIGHTS] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
	};
	const sc_onednn_conv *o = conv->onednn;
	const sc_onednn_pass *p = &o->pass[pass];
	size_t bytes = sc_onednn_scratch_of(p->desc);
	sc_arena arena = sc_arena_over(scratch, bytes + SC_ALIGN);
	void *scratchpad = sc_arena_take(&arena, bytes, 1);
	void *memory[SC_ONEDNN_ROLES + 1] = {x, weights, y, scratchpad};
	sc_dnnl_desc_ref desc[SC_ONEDNN_ROLES + 1];

	for (sc_onednn_role role = SC_ONEDNN_SRC; role < SC_ONEDNN_ROLES; role++)
		desc[role] = sc_onednn_desc_of(p, pass, role);
	desc[SC_ONEDNN_ROLES] = dnnl_primitive_desc_query_md(p->desc, dnnl_query_scratchpad_md, 0);

	/*
	 * oneDNN 2.6 copies the input of a bf16 weights gradient to scratch memory,
	 * to lay columns of zeros beside it. Where stride 2 meets an input of one
	 * pixel it leaves them as they were, and multiplies what was there. Zeros
	 * put there first are what it meant. It is done for every pass of the
	 * direct algorithm, whose scratch is small (at most 0.1 % of the pass);
	 * Winograd's, which is large, is written whole before it is read.
	 */
	if (p->direct)
		memset(scratchpad, 0, bytes);
	return execute(lane, o, p->primitive, desc, kind[pass], memory, SC_ONEDNN_ROLES + (bytes > 0 ? 1 : 0));
}
