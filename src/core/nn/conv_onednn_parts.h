/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_onednn_parts.h
 *	  What oneDNN holds of a convolution, for conv_onednn.c, which makes it, and
 *	  conv_onednn_run.c, which runs it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_ONEDNN_PARTS_H
#define SC_CONV_ONEDNN_PARTS_H

#include "core/base/arena.h"
#include "core/nn/onednn.h"

/* Of libgomp, which oneDNN is linked with; clang has no omp.h beside it. */
extern void omp_set_num_threads(int threads);
extern int omp_get_max_threads(void);

/* What a pass reads and writes. */
typedef enum sc_onednn_role
{
	SC_ONEDNN_SRC,
	SC_ONEDNN_WEIGHTS,
	SC_ONEDNN_DST,
	SC_ONEDNN_ROLES
} sc_onednn_role;

typedef struct sc_onednn_pass
{
	dnnl_primitive_desc_t desc; /* NULL: not to be had */
	dnnl_primitive_t primitive;
	dnnl_primitive_desc_t reorder_desc; /* NULL: takes our weights as they are */
	dnnl_primitive_t reorder;
	bool direct; /* the direct algorithm, not Winograd's */
} sc_onednn_pass;

/* Made by sc_conv_onednn_open and owned by the sc_conv; calls on lanes only read it. */
typedef struct sc_onednn_conv
{
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	sc_onednn_pass pass[SC_CONV_PASSES];
} sc_onednn_conv;

/* The layout of the memory that a pass has for this role. */
static inline sc_dnnl_desc_ref
sc_onednn_desc_of(const sc_onednn_pass *p, sc_conv_pass pass, sc_onednn_role role)
{
	static const dnnl_query_t query[SC_CONV_PASSES][SC_ONEDNN_ROLES] = {
		[SC_CONV_PASS_FORWARD] = {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md},
		[SC_CONV_PASS_DATA] = {dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md},
		[SC_CONV_PASS_WEIGHTS] = {dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md},
	};

	return dnnl_primitive_desc_query_md(p->desc, query[pass][role], 0);
}

static inline size_t
sc_onednn_scratch_of(const_dnnl_primitive_desc_t primitive)
{
	sc_dnnl_desc_ref desc = dnnl_primitive_desc_query_md(primitive, dnnl_query_scratchpad_md, 0);

	return desc == NULL ? 0 : sc_arena_round(dnnl_memory_desc_get_size(desc));
}

/* SC_NO_MEMORY where that is what the status means, else SC_OK (conv_onednn.c). */
extern sc_status sc_onednn_short_of_memory(dnnl_status_t status, sc_error *err);

/* Run a primitive, which takes at most so many arguments, on pieces of the caller's memory (conv_onednn_run.c). */
#define SC_ONEDNN_ARGS 5
extern sc_status sc_onednn_execute(dnnl_engine_t engine, dnnl_stream_t stream, dnnl_primitive_t primitive,
								   const sc_dnnl_desc_ref *desc, const int *kind, void *const *memory, int count,
								   sc_error *err);

#endif /* SC_CONV_ONEDNN_PARTS_H */
