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

#endif /* SC_ONEDNN_H */
