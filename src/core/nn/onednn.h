/*-------------------------------------------------------------------------
 *
 * src/core/nn/onednn.h
 *	  What differs between oneDNN 2.x and 3.x in the C interface, in one place.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_ONEDNN_H
#define SC_ONEDNN_H

#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_debug.h>
#include <oneapi/dnnl/dnnl_version.h>

#include "core/nn/conv_parts.h"

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t sc_dnnl_desc;
typedef const_dnnl_memory_desc_t sc_dnnl_desc_ref;
#define SC_DNNL_REF(desc) (desc)
#define SC_DNNL_NO_DESC NULL
#else
typedef dnnl_memory_desc_t sc_dnnl_desc;
typedef const dnnl_memory_desc_t *sc_dnnl_desc_ref;
#define SC_DNNL_REF(desc) (&(desc))
#define SC_DNNL_NO_DESC ((dnnl_memory_desc_t){0})
#endif

static inline dnnl_status_t
sc_dnnl_desc_make(sc_dnnl_desc *desc, const dnnl_dims_t dims, dnnl_data_type_t type, dnnl_format_tag_t tag)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_memory_desc_create_with_tag(desc, 4, dims, type, tag);
#else
	return dnnl_memory_desc_init_by_tag(desc, 4, dims, type, tag);
#endif
}

static inline dnnl_status_t
sc_dnnl_desc_make_vector(sc_dnnl_desc *desc, int length, dnnl_data_type_t type)
{
	dnnl_dims_t dims = {length};

#if DNNL_VERSION_MAJOR >= 3
	return dnnl_memory_desc_create_with_tag(desc, 1, dims, type, dnnl_a);
#else
	return dnnl_memory_desc_init_by_tag(desc, 1, dims, type, dnnl_a);
#endif
}

static inline void
sc_dnnl_desc_free(sc_dnnl_desc desc)
{
#if DNNL_VERSION_MAJOR >= 3
	if (desc != NULL)
		dnnl_memory_desc_destroy(desc);
#else
	(void) desc;
#endif
}

/* The code of a pass; hint: that of the forward pass, for the gradients. */
static inline dnnl_status_t
sc_dnnl_conv_desc(dnnl_primitive_desc_t *result, dnnl_engine_t engine, sc_conv_pass pass, dnnl_alg_kind_t algorithm,
				  bool training, const sc_dnnl_desc *src, const sc_dnnl_desc *weights, const sc_dnnl_desc *dst,
				  const dnnl_dims_t strides, const dnnl_dims_t padding, dnnl_primitive_desc_t hint,
				  dnnl_primitive_attr_t attr)
{
	dnnl_prop_kind_t forward = training ? dnnl_forward_training : dnnl_forward_inference;

#if DNNL_VERSION_MAJOR >= 3
	if (pass == SC_CONV_PASS_FORWARD)
		return dnnl_convolution_forward_primitive_desc_create(result, engine, forward, algorithm, *src, *weights, NULL,
															  *dst, strides, NULL, padding, padding, attr);
	if (pass == SC_CONV_PASS_DATA)
		return dnnl_convolution_backward_data_primitive_desc_create(result, engine, algorithm, *src, *weights, *dst,
																	strides, NULL, padding, padding, hint, attr);
	return dnnl_convolution_backward_weights_primitive_desc_create(result, engine, algorithm, *src, *weights, NULL,
																   *dst, strides, NULL, padding, padding, hint, attr);
#else
	dnnl_convolution_desc_t desc;
	dnnl_status_t status;

	if (pass == SC_CONV_PASS_FORWARD)
		status = dnnl_convolution_forward_desc_init(&desc, forward, algorithm, src, weights, NULL, dst, strides,
													padding, padding);
	else if (pass == SC_CONV_PASS_DATA)
		status =
			dnnl_convolution_backward_data_desc_init(&desc, algorithm, src, weights, dst, strides, padding, padding);
	else
		status = dnnl_convolution_backward_weights_desc_init(&desc, algorithm, src, weights, NULL, dst, strides,
															 padding, padding);
	return status != dnnl_success ? status : dnnl_primitive_desc_create(result, &desc, attr, engine, hint);
#endif
}

/* The code of a forward pass without learning, by the direct algorithm, with a bias. */
static inline dnnl_status_t
sc_dnnl_infer_desc(dnnl_primitive_desc_t *result, dnnl_engine_t engine, const sc_dnnl_desc *src,
				   const sc_dnnl_desc *weights, const sc_dnnl_desc *bias, const sc_dnnl_desc *dst,
				   const dnnl_dims_t strides, const dnnl_dims_t padding, dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_convolution_forward_primitive_desc_create(result, engine, dnnl_forward_inference,
														  dnnl_convolution_direct, *src, *weights, *bias, *dst, strides,
														  NULL, padding, padding, attr);
#else
	dnnl_convolution_desc_t desc;
	dnnl_status_t status = dnnl_convolution_forward_desc_init(&desc, dnnl_forward_inference, dnnl_convolution_direct,
															  src, weights, bias, dst, strides, padding, padding);

	return status != dnnl_success ? status : dnnl_primitive_desc_create(result, &desc, attr, engine, NULL);
#endif
}

/* What is done to each result: what was at its place is added; what is negative becomes 0. */
static inline dnnl_status_t
sc_dnnl_append_sum(dnnl_post_ops_t ops)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
#else
	return dnnl_post_ops_append_sum(ops, 1.0f);
#endif
}

static inline dnnl_status_t
sc_dnnl_append_relu(dnnl_post_ops_t ops)
{
#if DNNL_VERSION_MAJOR >= 3
	return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0.0f, 0.0f);
#else
	return dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
#endif
}

#endif /* SC_ONEDNN_H */
