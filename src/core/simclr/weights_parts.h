/*-------------------------------------------------------------------------
 *
 * src/core/simclr/weights_parts.h
 *	  The tensors of a file of weights, for the files of this room: their names,
 *	  shapes and places, and what is checked before one is taken.
 *
 * Names are torchvision's for the backbone and Lightly's for the head; momenta
 * are named "optimizer.<name of the parameter>".
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_WEIGHTS_PARTS_H
#define SC_WEIGHTS_PARTS_H

#include "core/nn/head.h"
#include "core/nn/predictor.h"
#include "core/nn/resnet.h"
#include "core/simclr/safetensors.h"
#include "core/simclr/simclr.h"

/* More tensors than any file of ours has: 120 of the backbone, 14 of the heads, 60 and 8 momenta, 2 of fc. */
#define SC_WEIGHTS_MAX 400

#define SC_WEIGHTS_OPTIMIZER "optimizer."
#define SC_WEIGHTS_HEAD "projection_head."
#define SC_WEIGHTS_HOG "hog_head."

/* Where a tensor's values lie. */
typedef enum sc_weights_slab
{
	SC_WEIGHTS_PARAM,
	SC_WEIGHTS_VELOCITY,
	SC_WEIGHTS_STAT,
	SC_WEIGHTS_STEPS /* nowhere: num_batches_tracked, an int64, the steps done */
} sc_weights_slab;

typedef struct sc_weights_tensor
{
	char name[SC_RESNET_NAME + sizeof(SC_WEIGHTS_OPTIMIZER)];
	int ndim;
	int shape[4];
	sc_weights_slab slab;
	size_t offset;		 /* floats before it in its slab: the backbone's first, then the heads' */
	const sc_conv *conv; /* not NULL: the slab has it in this convolution's layout, the file in PyTorch's */
} sc_weights_tensor;

/* The projection head of a configuration. */
extern sc_head_config sc_weights_head(const sc_train_config *config);

/* Floats of the parameters behind the backbone's: of the head, and of the predictor where there is one. */
extern size_t sc_weights_head_params(const sc_train_config *config);

/* Initial values of these: params (sc_weights_head_params), stats (sc_head_stat_count). */
extern void sc_weights_init_head(float *params, float *stats, const sc_train_config *config);

/*
 * All tensors, in the order of the file, momenta last; returns how many. They
 * point into net. config NULL: the backbone's alone.
 */
extern int sc_weights_list(sc_weights_tensor list[SC_WEIGHTS_MAX], const sc_resnet *net, const sc_train_config *config,
						   bool with_optimizer);

/* What the writer of safetensors wants to know of them; names point into list. */
extern void sc_weights_entries(sc_st_entry entries[SC_WEIGHTS_MAX], const sc_weights_tensor *list, int count);

/*
 * Check that what was read of a file holds the whole backbone, finite, in these
 * shapes (num_batches_tracked may be missing), and beside it nothing but
 * torchvision's fc.* and what begins with projection_head., hog_head. or optimizer.
 */
extern sc_status sc_weights_check_backbone(const sc_st_tensor *tensors, int count, const sc_resnet *net, sc_error *err);

/* Read a file's header and check its backbone. */
extern sc_status sc_weights_open(sc_st_tensor tensors[SC_WEIGHTS_MAX], int *count, const sc_resnet *net,
								 const uint8_t *bytes, size_t size, sc_error *err);

/*
 * Check the heads and the momenta of an opened file against the list (momenta
 * included): each may be missing as a whole, not in part, and the momenta of one
 * that is missing with it.
 */
extern sc_status sc_weights_check(const sc_weights_tensor *list, int n, const sc_st_tensor *tensors, int count,
								  sc_error *err);

/* The steps done, of an opened file; unchanged where it does not say. */
extern void sc_weights_steps(int64_t *steps, const sc_st_tensor *tensors, int count);

/* A tensor of an opened file into the slab it belongs to. work: (largest_weight). */
extern void sc_weights_take(const sc_weights_tensor *to, float *slab, const sc_st_tensor *from, float *work);

#endif /* SC_WEIGHTS_PARTS_H */
