/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_parts.h
 *	  The two implementations, for conv.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_PARTS_H
#define SC_CONV_PARTS_H

#include "core/nn/conv.h"

extern size_t sc_conv_blas_scratch(const sc_conv *conv);
extern sc_status sc_conv_blas_forward(const sc_lane *lane, const sc_conv *conv, float *y, const float *x,
									  const float *weights, void *scratch);
extern sc_status sc_conv_blas_backward_data(const sc_lane *lane, const sc_conv *conv, float *dx, const float *dy,
											const float *weights, void *scratch);
extern sc_status sc_conv_blas_backward_weights(const sc_lane *lane, const sc_conv *conv, float *dweights,
											   const float *x, const float *dy, void *scratch);

#ifdef SC_WITH_ONEDNN
typedef enum sc_conv_pass
{
	SC_CONV_FORWARD,
	SC_CONV_DATA,
	SC_CONV_WEIGHTS
} sc_conv_pass;

/* Block of channels that oneDNN's code for this CPU works on; 0: it has none that is fast. */
extern int sc_conv_onednn_block(void);
extern bool sc_conv_onednn_has_bf16(void);
extern bool sc_conv_onednn_bf16_pays(void);
extern void sc_conv_onednn_name(char *name, size_t size);

/* Sets conv->onednn (NULL if nothing can be had), turned and scratch. */
extern sc_status sc_conv_onednn_open(sc_conv *conv, sc_error *err);
extern void sc_conv_onednn_close(sc_conv *conv);
extern bool sc_conv_onednn_has(const sc_conv *conv, sc_conv_pass pass);
extern sc_status sc_conv_onednn_turn(const sc_lane *lane, const sc_conv *conv, void *turned, const float *weights);
/* Where in `turned` the pass finds its weights; NULL: it takes them as they are. */
extern const void *sc_conv_onednn_turned(const sc_conv *conv, sc_conv_pass pass, const void *turned);
/* in, out: x and y, dy and dx, and the weights as third; the weights' pass: x, dweights and dy as third. */
extern sc_status sc_conv_onednn_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *out,
									const void *in, const void *third, void *scratch);
#endif

#endif /* SC_CONV_PARTS_H */
