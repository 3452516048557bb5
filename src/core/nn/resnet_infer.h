/*-------------------------------------------------------------------------
 *
 * src/core/nn/resnet_infer.h
 *	  ResNet-18 (resnet.h) that does not learn any more: from pictures to
 *	  features, a few at a time, on one lane.
 *
 * A picture's features depend on that picture and the weights alone, to the
 * bit: not on the others, nor on how many there are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_RESNET_INFER_H
#define SC_RESNET_INFER_H

#include "core/base/arena.h"
#include "core/nn/conv_infer.h"
#include "core/nn/resnet.h"

#define SC_RESNET_STAGES 4
/* Different convolutions: the stem, two of the first stage and four of each other one. */
#define SC_RESNET_INFER_CODES 15

typedef struct sc_resnet_infer
{
	sc_resnet net; /* described, not opened; its precision is the input's */
	/*
	 * In bf16 where some convolutions are faster in float (sc_conv_infer_mixes):
	 * these read and write float, and what the others read is rounded to bf16.
	 */
	bool mixed;
	sc_precision precision[SC_RESNET_STAGES]; /* of the tensors of a stage; the stem's output has the first one's */
	int pictures;							  /* of a group */
	int stem_pictures;						  /* of a call of the stem, */
	int stage_pictures[SC_RESNET_STAGES];	  /* ... and of one of a convolution of a stage */
	sc_conv_infer code[SC_RESNET_INFER_CODES];
	int codes;
	int shape_of[SC_RESNET_INFER_CODES]; /* which of net.conv a code convolves */
	int code_of[SC_RESNET_LAYERS];
	size_t prepared; /* bytes of all layers' weights and biases */
	size_t prepared_at[SC_RESNET_LAYERS];
	size_t scratch; /* bytes that one lane needs for any convolution */
} sc_resnet_infer;

/* What one lane works in; nothing in it outlives a call. All but input and scratch are (pictures, ...) of a call. */
typedef struct sc_resnet_infer_space
{
	void *input;   /* (pictures of a group, 3, side, side) */
	void *stem;	   /* what the max-pool reads */
	void *even;	   /* (pictures of a group, ...): what stages 1 and 3 return */
	void *odd;	   /* likewise stages 2 and 4 */
	void *inner;   /* between the two convolutions of a block */
	void *narrow;  /* what a stage reads, rounded; where mixed */
	void *scratch; /* of the convolutions */
} sc_resnet_infer_space;

/* For up to so many pictures at once; fewer are taken where more would not be faster. */
extern sc_status sc_resnet_infer_open(sc_resnet_infer *infer, const sc_net_config *config, int pictures, sc_error *err);
extern void sc_resnet_infer_close(sc_resnet_infer *infer);

/* A layer's weights and norm into prepared (infer->prepared bytes); as sc_conv_infer_prepare. */
extern sc_status sc_resnet_infer_prepare(const sc_resnet_infer *infer, void *prepared, int layer, float *weights,
										 const float *a, const float *b, sc_error *err);

extern void sc_resnet_infer_layout(const sc_resnet_infer *infer, sc_resnet_infer_space *space, sc_arena *arena);

/* Features of the first `count` pictures of space->input: out (count, 512). */
extern sc_status sc_resnet_infer_run(const sc_lane *lane, const sc_resnet_infer *infer, const void *prepared,
									 const sc_resnet_infer_space *space, float *out, int count);

#endif /* SC_RESNET_INFER_H */
