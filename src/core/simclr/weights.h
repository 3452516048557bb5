/*-------------------------------------------------------------------------
 *
 * src/core/simclr/weights.h
 *	  The backbone's tensors out of a safetensors file, for trainer and encoder.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_WEIGHTS_H
#define SC_WEIGHTS_H

#include "core/nn/resnet.h"
#include "core/simclr/safetensors.h"

/* More tensors than any file of ours has. */
#define SC_WEIGHTS_MAX 400

/*
 * Read a file's header and check that it holds the whole backbone, finite, in
 * these shapes (num_batches_tracked may be missing), and beside it nothing but
 * torchvision's fc.* and what begins with projection_head. or optimizer.
 */
extern sc_status sc_weights_open(sc_st_tensor tensors[SC_WEIGHTS_MAX], int *count, const sc_resnet *net,
								 const uint8_t *bytes, size_t size, sc_error *err);

/* Take the backbone out of a checked file. steps: unchanged where the file has none. work: (largest_weight). */
extern void sc_weights_take(const sc_resnet *net, float *params, float *stats, int64_t *steps,
							const sc_st_tensor *tensors, int count, float *work);

#endif /* SC_WEIGHTS_H */
