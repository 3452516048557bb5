/*-------------------------------------------------------------------------
 *
 * src/core/nn/ntxent.h
 *	  NT-Xent, the normalised temperature-scaled cross entropy loss (Chen and
 *	  others, "A Simple Framework for Contrastive Learning of Visual
 *	  Representations", ICML 2020, equation 1 and algorithm 1), and its
 *	  gradient.
 *
 * The temperature divides the similarities in logits() of ntxent.c; the loss of
 * the batch is put together in softmax_rows(), its gradient in gradient_rows().
 * The 2B x 2B matrix of similarities is never held: it is computed tile by
 * tile, twice. Memory is linear in the batch.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_NTXENT_H
#define SC_NTXENT_H

#include "core/base/arena.h"
#include "core/base/pool.h"

typedef struct sc_ntxent
{
	int views; /* 2B; views i and i + B are the two of image i */
	int dim;
	int tile_views; /* of a shard, and rows of a tile of the matrix */
	int shards;
	float temperature;
	float *unit;		/* (views, dim): z / ||z|| */
	float *length;		/* (views): max(||z||, 1e-12) */
	float *top;			/* (views): the largest logit of the row */
	float *share;		/* (views): 1 / sum of exp(logit - top) over the row */
	double *partial;	/* (shards): losses */
	float *tiles;		/* (lanes, tile_views, a fixed number of columns) */
	size_t tile_floats; /* of one lane */
	const int *kin;		/* sc_ntxent_set_kin */
	int kin_each;
	double loss; /* of the last run */
} sc_ntxent;

/* Take (or count) the work space of a loss over 2 * batch views of dim floats; temperature > 0. */
extern void sc_ntxent_layout(sc_ntxent *loss, sc_arena *arena, int batch, int dim, float temperature, int lanes);

/*
 * Images of the batch that are no negatives of each other in the runs to come:
 * kin (batch, each), of each image some others, ended by -1 where they are
 * fewer. Whoever has another among its kin is among that one's. NULL: all are
 * negatives, as in the paper.
 */
extern void sc_ntxent_set_kin(sc_ntxent *loss, const int *kin, int each);

/*
 * dz (views, dim) of z (views, dim), not normalised, and loss->loss, the mean
 * over the views. Every lane calls it, after a barrier behind the writing of
 * z; ends with a barrier. A loss that is not finite is left to the caller to
 * report. dz may not be z.
 */
extern sc_status sc_ntxent_run(const sc_lane *lane, sc_ntxent *loss, float *dz, const float *z);

#endif /* SC_NTXENT_H */
