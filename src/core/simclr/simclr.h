/*-------------------------------------------------------------------------
 *
 * src/core/simclr/simclr.h
 *	  Training an encoder (SimCLR: ResNet-18, projection head, NT-Xent, SGD)
 *	  and embedding images with it. The door through which src/pg trains.
 *
 * Chen and others, "A Simple Framework for Contrastive Learning of Visual
 * Representations", ICML 2020, algorithm 1; He and others, "Deep Residual
 * Learning for Image Recognition", CVPR 2016, section 4.1 (torchvision's
 * resnet18, without fc). Where the parts of algorithm 1 are:
 *
 *	  the step		simclr/trainer_step.c, sc_train_step_run()
 *	  two views		simclr/trainer_views.c, simclr/augment.c
 *	  encoder f		simclr/trainer_forward.c, nn/resnet.c; back: trainer_backward.c
 *	  head g		nn/head_pass.c
 *	  loss			nn/ntxent.c: the temperature in logits(), equation 1 in softmax_rows()
 *	  update		nn/optim.c
 *
 * Beside it, where it is asked for, a second loss: nn/predictor.c tells simclr/hog.c
 * of a view.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SIMCLR_H
#define SC_SIMCLR_H

#include <stdatomic.h>

#include "core/base/pool.h"
#include "core/nn/net.h"
#include "core/simclr/augment.h"

typedef struct sc_train_config
{
	sc_net_config net;
	sc_augment_config augment;
	int batch_size;	  /* images of a step; twice as many views */
	int batch_pieces; /* the step holds the tensors of one of so many at a time (trainer_step.c); 0 and 1: of all */
	int proj_hidden_dim;
	int proj_out_dim;
	bool proj_batch_norm; /* false: biases instead, as Lightly 1.2 */
	float hog_weight;  /* of the loss that teaches where edges run (nn/predictor.h), beside NT-Xent; 0: there is none */
	float temperature; /* t of NT-Xent: nn/ntxent.c divides the similarities by it, in logits() */
	float momentum;
	float weight_decay;
	uint64_t seed;
} sc_train_config;

/* ---- training ---------------------------------------------------------- */

typedef struct sc_trainer sc_trainer;

/* Bytes that a trainer for this configuration needs, everything included. */
extern sc_status sc_trainer_plan(size_t *bytes, const sc_train_config *config, int lanes, sc_error *err);

/*
 * Make a trainer in memory (bytes of sc_trainer_plan, uninitialised), weights
 * initialised from the seed (He, fan-out, as torchvision; linear layers as
 * PyTorch's default). That takes a few tenths of a second: a server does it by
 * the job, which works on one lane and can be stopped.
 */
extern sc_status sc_trainer_create(sc_trainer **trainer, const sc_train_config *config, int lanes, void *memory,
								   size_t bytes, sc_error *err);

typedef struct sc_trainer_making
{
	sc_trainer **trainer; /* out: NULL unless it was made */
	const sc_train_config *config;
	int lanes;
	void *memory;
	size_t bytes;
} sc_trainer_making;

extern sc_status sc_trainer_create_run(const sc_lane *lane, void *making);

/* Free what lies outside of the caller's memory (oneDNN's primitives). NULL is nothing. */
extern void sc_trainer_destroy(sc_trainer *trainer);

/*
 * One optimiser step, a job. Image i of the batch takes its two views from
 * the streams (seed, epoch, keys[i], 0) and (seed, epoch, keys[i], 1). Positives
 * may be neighbours (Dwibedi and others, "With a Little Help from My Friends",
 * ICCV 2021): then the second view is one of seconds[i], and images that are kin
 * are no negatives of each other.
 */
typedef struct sc_train_step
{
	sc_trainer *trainer;
	const sc_image *images;	 /* (batch_size) */
	const sc_image *seconds; /* (batch_size); NULL: images */
	const int *kin;			 /* (batch_size, kin_each), as sc_ntxent_set_kin wants them; NULL: none */
	int kin_each;
	const uint64_t *keys; /* (batch_size): hash of the bytes and occurrence */
	int epoch;
	float lr;
	double loss; /* out: mean NT-Xent over the 2 * batch_size views */
} sc_train_step;

extern sc_status sc_train_step_run(const sc_lane *lane, void *step);

/*
 * What the encoder sees in images as it is now, a job: of their plain views the
 * 512 outputs of the average pool, as an embedding is made: with the running
 * statistics. Nothing that is learned changes.
 */
typedef struct sc_trainer_look
{
	sc_trainer *trainer;
	const sc_image *images; /* (count) */
	int count;				/* 1 ... twice the images of a piece, which are batch_size / batch_pieces or one more */
	float *out;				/* (count, SC_EMBEDDING_DIM) */
} sc_trainer_look;

extern sc_status sc_trainer_look_run(const sc_lane *lane, void *look);

/*
 * The state as one safetensors stream with torchvision's names ("conv1.weight",
 * "layer1.0.bn1.running_mean", ...), the head as "projection_head.*", the predictor
 * as "hog_head.*"; with
 * with_optimizer also the momenta as "optimizer.<name>". Loading checks every
 * name, shape and length, and that all values are finite (SC_BAD_WEIGHTS);
 * tensors "fc.*" of a torchvision file are ignored; a file without head, predictor or
 * optimiser keeps those of the trainer. As jobs they work on one lane; after a
 * load that was stopped the trainer is good for nothing but to be destroyed.
 */
extern size_t sc_trainer_save_bytes(const sc_trainer *trainer, bool with_optimizer);
extern void sc_trainer_save(uint8_t *out, const sc_trainer *trainer, bool with_optimizer);
extern sc_status sc_trainer_load(sc_trainer *trainer, const uint8_t *bytes, size_t size, sc_error *err);

typedef struct sc_trainer_saving
{
	const sc_trainer *trainer;
	uint8_t *out; /* (sc_trainer_save_bytes) */
	bool with_optimizer;
} sc_trainer_saving;

typedef struct sc_trainer_loading
{
	sc_trainer *trainer;
	const uint8_t *bytes; /* (size) */
	size_t size;
} sc_trainer_loading;

extern sc_status sc_trainer_save_run(const sc_lane *lane, void *saving);
extern sc_status sc_trainer_load_run(const sc_lane *lane, void *loading);

/* ---- embedding --------------------------------------------------------- */

typedef struct sc_encoder sc_encoder;

/* Views that an embedding may be the mean of. */
#define SC_MAX_EMBED_VIEWS 32

typedef struct sc_encoder_config
{
	sc_net_config net;
	int views; /* 1: the plain view; more: the mean of so many random ones */
	/* The views' randomness, and of one as of many the mean and std of the normalisation. */
	sc_augment_config augment;
	uint64_t seed;
} sc_encoder_config;

/* max_batch: images of one job. */
extern sc_status sc_encoder_plan(size_t *bytes, const sc_encoder_config *config, int max_batch, int lanes,
								 sc_error *err);
extern sc_status sc_encoder_create(sc_encoder **encoder, const sc_encoder_config *config, int max_batch, int lanes,
								   const uint8_t *weights, size_t weights_size, void *memory, size_t bytes,
								   sc_error *err);

/* The same as a job, on one lane. */
typedef struct sc_encoder_making
{
	sc_encoder **encoder; /* out: NULL unless it was made */
	const sc_encoder_config *config;
	int max_batch;
	int lanes;
	const uint8_t *weights; /* (weights_size) */
	size_t weights_size;
	void *memory;
	size_t bytes;
} sc_encoder_making;

extern sc_status sc_encoder_create_run(const sc_lane *lane, void *making);
extern void sc_encoder_destroy(sc_encoder *encoder);

/*
 * Embed count images (count <= max_batch), a job: plain view, eval-mode batch
 * norm, the 512 outputs of the average pool, not normalised; or the mean of
 * these over several views, which come from the streams (seed, SC_EMBED_STREAM,
 * hash of the image, number of the view). An image's embedding depends on that
 * image, its hash and the encoder alone, to the bit, not on its neighbours in
 * the batch nor on the number of lanes.
 */
/* Where a training's streams have their epoch. */
#define SC_EMBED_STREAM UINT64_MAX

typedef struct sc_embed_batch
{
	sc_encoder *encoder;
	const sc_image *images; /* (count) */
	int count;
	float *out;		 /* (count, SC_EMBEDDING_DIM) */
	atomic_int next; /* 0 at the start: the image with which the next group begins */
} sc_embed_batch;

extern sc_status sc_embed_batch_run(const sc_lane *lane, void *batch);

#endif /* SC_SIMCLR_H */
