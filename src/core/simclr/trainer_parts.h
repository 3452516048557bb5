/*-------------------------------------------------------------------------
 *
 * src/core/simclr/trainer_parts.h
 *	  The inside of a trainer, for the files trainer*.c; src/pg knows simclr.h
 *	  alone.
 *
 * trainer.c makes one, trainer_step.c runs a step on it: trainer_views.c,
 * trainer_forward.c, the head and the loss of nn, trainer_backward.c, SGD.
 * trainer_state.c writes it to a file and reads it back.
 *
 * The images of a batch are cut into pieces, as a rule into one, whose tensors
 * are held at a time. The 2 B views of a piece, view v showing its image v mod
 * B, are cut into shards by sc_shard_range. Every tensor has the same number of
 * places for each shard; where a shard has fewer views than that, its last
 * places hold zeros, and their gradients are zeros.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_TRAINER_PARTS_H
#define SC_TRAINER_PARTS_H

#include "core/base/arena.h"
#include "core/nn/head.h"
#include "core/nn/ntxent.h"
#include "core/nn/predictor.h"
#include "core/nn/resnet.h"
#include "core/simclr/simclr.h"

/* How a batch is cut. Fixed when the trainer is made. */
typedef struct sc_trainer_cut
{
	int views;	/* of a batch */
	int pieces; /* of a batch */
	int shards; /* of a piece, whichever */
	int places; /* views of the largest shard of the first piece, which is none of the smaller ones */
} sc_trainer_cut;

/* The piece whose tensors are held. Lane 0 changes it, between barriers (sc_trainer_turn_to). */
typedef struct sc_trainer_piece
{
	size_t first; /* of its images, among the batch's */
	int images;
	int views; /* twice as many */
	bool adds; /* its gradients of parameters are added to those of the pieces before */
} sc_trainer_piece;

/* What is learned: all that a file holds. A step changes it at its end, but for the running statistics. */
typedef struct sc_trainer_state
{
	size_t param_count; /* the backbone's, then the head's, then the predictor's */
	size_t stat_count;	/* likewise */
	float *params;		/* (param_count) */
	float *velocity;	/* (param_count) */
	float *stats;		/* (stat_count): running means and variances; moved by the forward pass */
	int64_t steps;		/* done */
} sc_trainer_state;

/*
 * The tensors of a step. The forward pass writes them, and keeps of each layer
 * the outputs of its convolution (u) and of its ReLU (y), and nothing else. The
 * backward pass puts gradients in their places: in u's that of the convolution's
 * output, in y's that of the ReLU's input. u, y and input have elements of
 * net.precision.
 */
typedef struct sc_trainer_tensors
{
	void *input;			   /* (shards, places, 3, side, side); a step whose images are NULL finds its views here */
	void *u[SC_RESNET_LAYERS]; /* (shards, places, out / channel_block, side, side, channel_block) */
	void *y[SC_RESNET_LAYERS]; /* likewise; y[0] after the max-pool; NULL for shortcuts */
	uint8_t *argmax;		   /* as y[0], of the max-pool; NULL for the small stem */
	/* Of the whole batch, all first views before all second ones. */
	float *feature; /* (views, 512); in the backward pass its gradient */
	float *z;		/* (views, proj_out_dim) */
	float *dz;		/* (views, proj_out_dim) */
	float *hog;		/* (views, SC_HOG_DIM): of the views; NULL where nothing predicts it */
} sc_trainer_tensors;

/* The shards' sums that a batch norm needs, (shards, SC_NORM_SUMS, out). Written before a barrier, read after it. */
typedef struct sc_trainer_sums
{
	double *forward[SC_RESNET_LAYERS];	/* of u, and of its square */
	double *backward[SC_RESNET_LAYERS]; /* of the gradient g of the norm's output, and of g times the normalised u */
} sc_trainer_sums;

/* Gradients of the parameters. Written by the backward pass, read by SGD. */
typedef struct sc_trainer_grads
{
	float *params; /* (param_count) */
	/* Each shard's gradient of the weights of the layers at work, until they are added. */
	float *by_shard[SC_RESNET_ROLES]; /* (shards, floats[role]) */
	size_t floats[SC_RESNET_ROLES];
} sc_trainer_grads;

/* A batch norm at work on a lane, with the letters of nn/norm.h. */
typedef struct sc_trainer_norm
{
	float mean[512], inv[512];	  /* of the batch; 1 / sqrt(variance + eps) */
	float a[512], b[512];		  /* forward: a u + b */
	float p[512], q[512], r[512]; /* backward: p g + q u + r */
} sc_trainer_norm;

/* What one lane works in, between two barriers. Nothing in it outlives a step. */
typedef struct sc_trainer_space
{
	void *conv;					   /* scratch of the convolutions */
	void *augment;				   /* ... and of the views */
	float *view;				   /* (input_size, input_size, 3) */
	float *gray;				   /* (input_size, input_size): what sc_hog works in; NULL likewise */
	void *dx;					   /* (places, elements of the largest input of a block): a gradient on its way */
	void *dx_shortcut;			   /* ... and the one that comes through the shortcut's convolution */
	void *plane;				   /* (stem side, stem side, channel_block): before the max-pool; NULL: small stem */
	sc_trainer_norm *norm;		   /* of the layer at work, */
	sc_trainer_norm *shortcut;	   /* ... of the shortcut beside it, */
	sc_trainer_norm *norm_of_next; /* ... and of the layer that the backward pass comes to next */
} sc_trainer_space;

/* Owned by whoever called sc_trainer_create, with all memory but what oneDNN holds for net. */
struct sc_trainer
{
	sc_train_config config;
	int lanes;
	sc_trainer_cut cut;
	sc_trainer_piece piece;

	sc_resnet net;
	sc_head head;
	sc_predictor predictor; /* of tensors.hog, where that is there */
	sc_ntxent loss;

	sc_trainer_state state;
	sc_trainer_tensors tensors;
	void *reordered; /* the weights as passes of convolutions want them; made of params as a step begins */
	sc_trainer_sums sums;
	sc_trainer_grads grads;
	sc_trainer_space space[SC_MAX_LANES];
};

/* ---- a shard and its places --------------------------------------------------- */

typedef struct sc_trainer_shard
{
	int index;
	size_t first; /* of its views */
	int views;
} sc_trainer_shard;

static inline sc_trainer_shard
sc_trainer_shard_at(const sc_trainer *t, int index)
{
	sc_trainer_shard s = {.index = index};
	size_t end;

	sc_shard_range((size_t) t->piece.views, t->cut.shards, index, &s.first, &end);
	s.views = (int) (end - s.first);
	return s;
}

/* The number of a view of the piece among the batch's. */
static inline size_t
sc_trainer_number(const sc_trainer *t, size_t view)
{
	size_t images = (size_t) t->piece.images, batch = (size_t) t->config.batch_size;

	return view / images * batch + t->piece.first + view % images;
}

/* The feature (512) of a view of the piece. */
static inline float *
sc_trainer_feature(const sc_trainer *t, size_t view)
{
	return t->tensors.feature + sc_trainer_number(t, view) * (size_t) SC_EMBEDDING_DIM;
}

/* The place of an element of a tensor. */
static inline void *
sc_trainer_at(const sc_trainer *t, const void *tensor, size_t element)
{
	return sc_element_at(tensor, element, t->net.precision);
}

/* The first place of a shard, in a tensor that has `elements` of them for a view. */
static inline void *
sc_trainer_places(const sc_trainer *t, void *tensor, int shard, size_t elements)
{
	return sc_trainer_at(t, tensor, (size_t) shard * t->cut.places * elements);
}

static inline void *
sc_trainer_input(const sc_trainer *t, int shard)
{
	return sc_trainer_places(t, t->tensors.input, shard, 3 * (size_t) t->net.input_size * t->net.input_size);
}

static inline void *
sc_trainer_u(const sc_trainer *t, int l, int shard)
{
	return sc_trainer_places(t, t->tensors.u[l], shard, sc_resnet_elements(&t->net, l));
}

/* Elements of a view of y. */
static inline size_t
sc_trainer_y_elements(const sc_trainer *t, int l)
{
	return l == 0 ? sc_resnet_pool_elements(&t->net) : sc_resnet_elements(&t->net, l);
}

static inline void *
sc_trainer_y(const sc_trainer *t, int l, int shard)
{
	return sc_trainer_places(t, t->tensors.y[l], shard, sc_trainer_y_elements(t, l));
}

/* NULL for the small stem. */
static inline uint8_t *
sc_trainer_argmax(const sc_trainer *t, int shard)
{
	return t->tensors.argmax == NULL
			   ? NULL
			   : t->tensors.argmax + (size_t) shard * t->cut.places * sc_resnet_pool_elements(&t->net);
}

static inline size_t
sc_trainer_pixels(const sc_trainer *t, int l)
{
	return (size_t) t->net.layer[l].side * t->net.layer[l].side;
}

/* ---- a layer's convolution ---------------------------------------------------- */

static inline const sc_conv *
sc_trainer_conv(const sc_trainer *t, int l)
{
	return &t->net.conv[t->net.layer[l].shape];
}

static inline void *
sc_trainer_reordered(const sc_trainer *t, int l)
{
	return (char *) t->reordered + t->net.reordered_at[l];
}

/* ---- a layer's batch norm (trainer_norm.c) --------------------------------------- */

/* Whose mean and deviation a batch norm takes. */
typedef enum sc_trainer_norm_by
{
	SC_TRAINER_BATCH,
	SC_TRAINER_BATCH_TRACKED, /* ... and the running statistics move, which lane 0 does */
	SC_TRAINER_RUNNING		  /* as an encoder's */
} sc_trainer_norm_by;

/* Mean and deviation of the layer's u, and a and b. Of the batch: needs sums.forward of all shards. */
extern void sc_trainer_norm_forward(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_norm *norm,
									sc_trainer_norm_by by);

/*
 * The same of the stem, or of a block's second layer and of the shortcut beside
 * it where that has a layer: all that the output of l is made with.
 */
extern void sc_trainer_norms_of_output(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_norm *norm,
									   sc_trainer_norm *shortcut, sc_trainer_norm_by by);

/*
 * p, q and r beside them, for the gradient of the layer's u. Needs sums.backward
 * of all shards. Lane 0 stores the gradients of the norm's scale and shift.
 */
extern void sc_trainer_norm_backward(const sc_lane *lane, sc_trainer *t, int l, sc_trainer_norm *norm);

/* ---- the phases of a step, each run by all lanes ----------------------------------- */

/* A forward pass: of which views, and how much of it. */
typedef struct sc_trainer_pass
{
	/* The views of a shard, into tensors.input; NULL: they are there. */
	sc_status (*views)(const sc_lane *lane, const void *arg, sc_trainer_shard s);
	const void *arg;
	int shards; /* the first so many; all, unless norms are by the running statistics */
	sc_trainer_norm_by norms;
	bool again; /* made for the backward pass once more: the features are known, their places hold the gradient */
} sc_trainer_pass;

/*
 * Take up another piece: none is at work when this returns, and all see it. The
 * places of shards that have a view less than before are zeros.
 */
extern sc_status sc_trainer_turn_to(const sc_lane *lane, sc_trainer *t, int piece, bool adds);

/* As a trainer is made. */
extern void sc_trainer_take_piece(sc_trainer *t, int piece);
extern void sc_trainer_clear_places(sc_trainer *t);

/* The weights as the passes of their convolutions want them, after the last change of them; ends with a barrier. */
extern sc_status sc_trainer_reorder_weights(const sc_lane *lane, sc_trainer *t);

/* The two views of each image of an sc_train_step; the images of an sc_trainer_look as they are. */
extern sc_status sc_trainer_make_views(const sc_lane *lane, const void *step, sc_trainer_shard s);
extern sc_status sc_trainer_make_plain_views(const sc_lane *lane, const void *look, sc_trainer_shard s);

/* From the images of the piece to tensors.feature, of the own shards; no barrier at the end. */
extern sc_status sc_trainer_forward(const sc_lane *lane, sc_trainer *t, const sc_trainer_pass *pass);

/* From the gradient in tensors.feature to grads.params, of the piece that was last forward; ends with a barrier. */
extern sc_status sc_trainer_backward(const sc_lane *lane, sc_trainer *t);

/*
 * What lanes share by pieces, as sums over parameters: in so many floats, which
 * is 64 kB of each array, so that the three that SGD works on fit the second
 * cache, and 700 pieces of a ResNet-18 are enough for all lanes.
 */
#define SC_TRAINER_SLICE 16384

#endif /* SC_TRAINER_PARTS_H */
