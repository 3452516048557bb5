/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_onednn.c
 *	  Convolution by oneDNN's generated code.
 *
 * Tensors and weights have one fixed layout each (conv.h), the one that
 * oneDNN's code for AVX-512 (blocks of 16) or AVX2 (8) works on, so nothing is
 * converted, but for the weights: a data gradient by the direct algorithm wants
 * them turned, and in bf16 the forward pass and the data gradient want them in
 * bf16, each in its own order. A direction that oneDNN could only do by its
 * slow reference code, or in another layout, is left to conv_blas.c.
 *
 * Winograd's algorithm (Lavin and Gray, "Fast algorithms for convolutional
 * neural networks", CVPR 2016, F(4x4, 3x3)) does a 3x3 convolution with a
 * quarter of the multiplications, and transforms the weights at each call. It
 * pays where the tiles are many against the channels: a rule on shapes alone,
 * so that the same training takes the same path every time. In bf16 there is
 * the direct algorithm alone.
 *
 * Every primitive runs on the lane that calls it, alone: OpenMP is held at one
 * thread, and scratch memory is the caller's.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/arena.h"
#include "core/nn/conv_parts.h"
#include "core/nn/onednn.h"
#include "core/base/simd.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PASSES 3

/* Of libgomp, which oneDNN is linked with; clang has no omp.h beside it. */
extern void omp_set_num_threads(int threads);
extern int omp_get_max_threads(void);

typedef struct onednn_pass
{
	dnnl_primitive_desc_t desc; /* NULL: not to be had */
	dnnl_primitive_t primitive;
	dnnl_primitive_desc_t turn_desc; /* NULL: takes our weights as they are */
	dnnl_primitive_t turn;
	size_t turned_at; /* bytes before its weights in what sc_conv_turn writes */
	bool direct;	  /* the direct algorithm, not Winograd's */
} onednn_pass;

typedef struct onednn_conv
{
	dnnl_engine_t engine;
	dnnl_stream_t stream;
	onednn_pass pass[PASSES];
} onednn_conv;

static void
lower_isa(void)
{
	static const dnnl_cpu_isa_t isa[] = {dnnl_cpu_isa_sse41, dnnl_cpu_isa_avx2, dnnl_cpu_isa_avx512_core};
	sc_isa asked;

	if (sc_isa_asked(&asked))
		(void) dnnl_set_max_cpu_isa(isa[asked]);
}

/* The instructions that oneDNN's code may have: everything here begins with this question. */
static dnnl_cpu_isa_t
effective_isa(void)
{
	static pthread_once_t lowered = PTHREAD_ONCE_INIT;

	(void) pthread_once(&lowered, lower_isa);
	return dnnl_get_effective_cpu_isa();
}

int
sc_conv_onednn_block(void)
{
	dnnl_cpu_isa_t isa = effective_isa();

	if ((isa & dnnl_cpu_isa_avx512_core) == dnnl_cpu_isa_avx512_core)
		return 16;
	if ((isa & dnnl_cpu_isa_avx2) == dnnl_cpu_isa_avx2)
		return 8;
	return 0;
}

/* Is Winograd's algorithm the faster one for this pass? */
static bool
winograd_pays(const sc_conv *conv, sc_conv_pass pass)
{
	const sc_conv_config *c = &conv->config;
	int tiles = (conv->out_side + 3) / 4;
	int all = c->views * tiles * tiles;

	if (c->kind != SC_CONV_BEST || c->precision != SC_PRECISION_F32 || c->kernel != 3 || c->stride != 1 || c->planar ||
		c->block != 16)
		return false;
	return pass == SC_CONV_WEIGHTS ? all * 16 >= c->out : all * 4 >= c->out;
}

/* The memory that a pass reads and writes, in the order src, weights, dst. */
static sc_dnnl_desc_ref
desc_of(const onednn_pass *p, sc_conv_pass pass, int which)
{
	static const dnnl_query_t query[PASSES][3] = {
		{dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_dst_md},
		{dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_diff_dst_md},
		{dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md},
	};

	return dnnl_primitive_desc_query_md(p->desc, query[pass][which], 0);
}

static size_t
scratch_of(const_dnnl_primitive_desc_t primitive)
{
	sc_dnnl_desc_ref desc = dnnl_primitive_desc_query_md(primitive, dnnl_query_scratchpad_md, 0);

	return desc == NULL ? 0 : sc_arena_round(dnnl_memory_desc_get_size(desc));
}

static void
drop_pass(onednn_pass *p)
{
	if (p->turn != NULL)
		dnnl_primitive_destroy(p->turn);
	if (p->turn_desc != NULL)
		dnnl_primitive_desc_destroy(p->turn_desc);
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
	bool wide = c->block == 16;

	return sc_dnnl_desc_make(desc, dims, dnnl_f32,
							 c->planar ? (wide ? dnnl_Ohwi16o : dnnl_Ohwi8o) : (wide ? dnnl_OIhw16i16o : dnnl_OIhw8i8o));
}

/*
 * Try one pass with one algorithm; p->desc stays NULL where it cannot be had
 * as it is wanted: fast, and with the weights in our layout (or, where
 * sc_conv_turn may turn them, in any).
 */
static void
try_pass(onednn_pass *p, const onednn_conv *o, const sc_conv *conv, sc_conv_pass pass, dnnl_alg_kind_t algorithm,
		 dnnl_primitive_attr_t attr)
{
	const sc_conv_config *c = &conv->config;
	dnnl_dims_t src_dims = {c->views, c->in, c->side, c->side}, weights_dims = {c->out, c->in, c->kernel, c->kernel},
				dst_dims = {c->views, c->out, conv->out_side, conv->out_side}, strides = {c->stride, c->stride},
				padding = {c->kernel / 2, c->kernel / 2};
	dnnl_format_tag_t data = c->block == 16 ? dnnl_nChw16c : dnnl_nChw8c;
	dnnl_data_type_t type = c->precision == SC_PRECISION_BF16 ? dnnl_bf16 : dnnl_f32;
	bool turns = pass == SC_CONV_DATA || (pass == SC_CONV_FORWARD && type == dnnl_bf16);
	sc_dnnl_desc src = SC_DNNL_NO_DESC, weights = SC_DNNL_NO_DESC, any = SC_DNNL_NO_DESC, dst = SC_DNNL_NO_DESC;
	dnnl_primitive_desc_t hint = NULL;
	const char *name = NULL;

	if (sc_dnnl_desc_make(&src, src_dims, type, c->planar ? dnnl_nchw : data) != dnnl_success ||
		own_weights(&weights, conv) != dnnl_success ||
		sc_dnnl_desc_make(&any, weights_dims, type, dnnl_format_tag_any) != dnnl_success ||
		sc_dnnl_desc_make(&dst, dst_dims, type, data) != dnnl_success)
		goto done;
	if (pass != SC_CONV_FORWARD && sc_dnnl_conv_desc(&hint, o->engine, 0, dnnl_convolution_direct, true, &src, &any,
													 &dst, strides, padding, NULL, attr) != dnnl_success)
		goto done;
	if (sc_dnnl_conv_desc(&p->desc, o->engine, pass, algorithm, c->backward, &src, turns ? &any : &weights, &dst,
						  strides, padding, hint, attr) != dnnl_success)
	{
		p->desc = NULL;
		goto done;
	}
	if (dnnl_primitive_desc_query(p->desc, dnnl_query_impl_info_str, 0, &name) != dnnl_success || name == NULL ||
		strncmp(name, "ref", 3) == 0 || dnnl_primitive_create(&p->primitive, p->desc) != dnnl_success)
		drop_pass(p);
	p->direct = algorithm == dnnl_convolution_direct;
done:
	if (hint != NULL)
		dnnl_primitive_desc_destroy(hint);
	sc_dnnl_desc_free(src);
	sc_dnnl_desc_free(weights);
	sc_dnnl_desc_free(any);
	sc_dnnl_desc_free(dst);
}

/* From our weights to those that the pass wants, where they are others. */
static void
plan_turn(sc_conv *conv, const onednn_conv *o, onednn_pass *p, sc_conv_pass pass, dnnl_primitive_attr_t attr)
{
	sc_dnnl_desc_ref wanted = desc_of(p, pass, 1);
	sc_dnnl_desc own = SC_DNNL_NO_DESC;

	if (own_weights(&own, conv) != dnnl_success)
	{
		drop_pass(p);
		return;
	}
	if (!dnnl_memory_desc_equal(wanted, SC_DNNL_REF(own)))
	{
		/* sc_conv_turn has no scratch memory; the versions known need none for this. */
		if (dnnl_reorder_primitive_desc_create(&p->turn_desc, SC_DNNL_REF(own), o->engine, wanted, o->engine, attr) ==
				dnnl_success &&
			scratch_of(p->turn_desc) == 0 && dnnl_primitive_create(&p->turn, p->turn_desc) == dnnl_success)
		{
			p->turned_at = conv->turned;
			conv->turned += sc_arena_round(dnnl_memory_desc_get_size(wanted));
		}
		else
			drop_pass(p);
	}
	sc_dnnl_desc_free(own);
}

sc_status
sc_conv_onednn_open(sc_conv *conv, sc_error *err)
{
	onednn_conv *o;
	dnnl_primitive_attr_t attr = NULL;
	int threads = omp_get_max_threads();

	if (sc_conv_onednn_block() != conv->config.block)
		return SC_OK;
	/* A few hundred bytes, beside what oneDNN itself takes for its code. */
	o = calloc(1, sizeof(*o));
	if (o == NULL)
		return sc_fail(err, SC_NO_MEMORY, "out of memory");
	conv->onednn = o;
	omp_set_num_threads(1);
	if (dnnl_engine_create(&o->engine, dnnl_cpu, 0) == dnnl_success &&
		dnnl_stream_create(&o->stream, o->engine, dnnl_stream_default_flags) == dnnl_success &&
		dnnl_primitive_attr_create(&attr) == dnnl_success &&
		dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user) == dnnl_success)
	{
		for (sc_conv_pass pass = SC_CONV_FORWARD; pass < PASSES; pass++)
		{
			onednn_pass *p = &o->pass[pass];

			if (pass != SC_CONV_FORWARD && !conv->config.backward)
				break;
			if (pass == SC_CONV_DATA && conv->config.planar)
				continue;
			if (winograd_pays(conv, pass))
				try_pass(p, o, conv, pass, dnnl_convolution_winograd, attr);
			if (p->desc == NULL)
				try_pass(p, o, conv, pass, dnnl_convolution_direct, attr);
			if (p->desc != NULL && pass != SC_CONV_WEIGHTS)
				plan_turn(conv, o, p, pass, attr);
			if (p->desc != NULL)
				conv->scratch = SC_MAX(conv->scratch, scratch_of(p->desc) + SC_ALIGN);
		}
	}
	if (attr != NULL)
		dnnl_primitive_attr_destroy(attr);
	omp_set_num_threads(threads);
	return SC_OK;
}

void
sc_conv_onednn_close(sc_conv *conv)
{
	onednn_conv *o = conv->onednn;

	for (int pass = 0; pass < PASSES; pass++)
		drop_pass(&o->pass[pass]);
	if (o->stream != NULL)
		dnnl_stream_destroy(o->stream);
	if (o->engine != NULL)
		dnnl_engine_destroy(o->engine);
	free(o);
}

/* Does Intel's AMX run all passes of a convolution like those of a network? */
static bool
runs_on_tiles(void)
{
	sc_conv conv = {.config = {.views = 8,
							   .in = 128,
							   .out = 128,
							   .side = 16,
							   .kernel = 3,
							   .stride = 1,
							   .block = 16,
							   .backward = true,
							   .kind = SC_CONV_BEST,
							   .precision = SC_PRECISION_BF16},
					.out_side = 16};
	bool all = true;

	if (sc_conv_onednn_open(&conv, NULL) != SC_OK || conv.onednn == NULL)
		return false;
	for (sc_conv_pass pass = SC_CONV_FORWARD; pass < PASSES; pass++)
	{
		const onednn_pass *p = &((const onednn_conv *) conv.onednn)->pass[pass];
		const char *name = NULL;

		all = all && p->desc != NULL &&
			  dnnl_primitive_desc_query(p->desc, dnnl_query_impl_info_str, 0, &name) == dnnl_success && name != NULL &&
			  strstr(name, "amx") != NULL;
	}
	sc_conv_onednn_close(&conv);
	return all;
}

bool
sc_conv_onednn_has_bf16(void)
{
	return (effective_isa() & dnnl_cpu_isa_avx512_core_bf16) == dnnl_cpu_isa_avx512_core_bf16;
}

/*
 * AMD's CPUs multiply bf16 at twice the speed of float: 135 against 111 views/s
 * (Zen 4, Winograd's algorithm for float). Intel's without AMX do not, and
 * Winograd's algorithm then makes float twice as fast.
 */
bool
sc_conv_onednn_bf16_pays(void)
{
#if defined(__x86_64__)
	if (__builtin_cpu_is("amd"))
		return true;
#endif
	return runs_on_tiles();
}

void
sc_conv_onednn_name(char *name, size_t size)
{
	const dnnl_version_t *version = dnnl_version();

	snprintf(name, size, "oneDNN %d.%d %s", version->major, version->minor,
			 dnnl_cpu_isa2str(effective_isa()) + strlen("cpu_isa_"));
}

bool
sc_conv_onednn_has(const sc_conv *conv, sc_conv_pass pass)
{
	const onednn_conv *o = conv->onednn;

	return o != NULL && o->pass[pass].desc != NULL;
}

/* Run a primitive on pieces of the caller's memory. */
static sc_status
execute(const sc_lane *lane, const onednn_conv *o, dnnl_primitive_t primitive, const sc_dnnl_desc_ref *desc,
		const int *kind, void *const *memory, int count)
{
	dnnl_exec_arg_t args[4];
	dnnl_status_t status = dnnl_success;
	int made = 0;

	omp_set_num_threads(1);
	for (; made < count; made++)
	{
		args[made].arg = kind[made];
		status = dnnl_memory_create(&args[made].memory, desc[made], o->engine, memory[made]);
		if (status != dnnl_success)
			break;
	}
	if (status == dnnl_success)
		status = dnnl_primitive_execute(primitive, o->stream, count, args);
	if (status == dnnl_success)
		status = dnnl_stream_wait(o->stream);
	while (made > 0)
		dnnl_memory_destroy(args[--made].memory);
	if (status != dnnl_success)
	{
		sc_error err;

		sc_fail(&err, status == dnnl_out_of_memory ? SC_NO_MEMORY : SC_INTERNAL, "a convolution failed");
		sc_detail(&err, "oneDNN's status is %d.", (int) status);
		return sc_lane_fail(lane, &err);
	}
	return SC_OK;
}

sc_status
sc_conv_onednn_turn(const sc_lane *lane, const sc_conv *conv, void *turned, const float *weights)
{
	static const int kind[] = {DNNL_ARG_FROM, DNNL_ARG_TO};
	const onednn_conv *o = conv->onednn;

	for (int pass = 0; pass < PASSES; pass++)
	{
		const onednn_pass *p = &o->pass[pass];
		void *memory[] = {(void *) weights, (char *) turned + p->turned_at};
		sc_dnnl_desc_ref desc[2];

		if (p->turn == NULL)
			continue;
		desc[0] = dnnl_primitive_desc_query_md(p->turn_desc, dnnl_query_src_md, 0);
		desc[1] = dnnl_primitive_desc_query_md(p->turn_desc, dnnl_query_dst_md, 0);
		SC_TRY(execute(lane, o, p->turn, desc, kind, memory, 2));
	}
	return SC_OK;
}

const void *
sc_conv_onednn_turned(const sc_conv *conv, sc_conv_pass pass, const void *turned)
{
	const onednn_pass *p = &((const onednn_conv *) conv->onednn)->pass[pass];

	return p->turn == NULL ? NULL : (const char *) turned + p->turned_at;
}

sc_status
sc_conv_onednn_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *out, const void *in,
				   const void *third, void *scratch)
{
	/* out, in, third and scratch memory of each pass; and which of src, weights, dst they are. */
	static const int kind[PASSES][4] = {
		{DNNL_ARG_DST, DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_SCRATCHPAD},
		{DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_SCRATCHPAD},
		{DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
	};
	static const int which[PASSES][3] = {{2, 0, 1}, {0, 2, 1}, {1, 0, 2}};
	const onednn_conv *o = conv->onednn;
	const onednn_pass *p = &o->pass[pass];
	size_t bytes = scratch_of(p->desc);
	sc_arena arena = sc_arena_over(scratch, bytes + SC_ALIGN);
	void *memory[] = {out, (void *) in, (void *) third, sc_arena_take(&arena, bytes, 1)};
	sc_dnnl_desc_ref desc[4];

	for (int i = 0; i < 3; i++)
		desc[i] = desc_of(p, pass, which[pass][i]);
	desc[3] = dnnl_primitive_desc_query_md(p->desc, dnnl_query_scratchpad_md, 0);

	/*
	 * oneDNN 2.6 copies the input of a bf16 weights gradient to scratch memory,
	 * to lay columns of zeros beside it. Where stride 2 meets an input of one
	 * pixel it leaves them as they were, and multiplies what was there. Zeros
	 * put there first are what it meant. It is done for every pass of the
	 * direct algorithm, whose scratch is small (at most 0.1 % of the pass);
	 * Winograd's, which is large, is written whole before it is read.
	 */
	if (p->direct)
		memset(memory[3], 0, bytes);
	return execute(lane, o, p->primitive, desc, kind[pass], memory, bytes > 0 ? 4 : 3);
}
