/*-------------------------------------------------------------------------
 *
 * src/core/nn/ntxent.h
 *	  NT-Xent, the normalised temperature-scaled cross entropy loss (Chen and
 *	  others, "A Simple Framework for Contrastive Learning of Visual
 *	  Representations", ICML 2020, equation 1 and algorithm 1), and its
 *	  gradient.
 *
 * The similarity matrix of 2B rows is never held: it is computed tile by
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
	int rows; /* 2B; rows i and i + B are the two views of image i */
	int dim;
	int block; /* rows of a shard */
	int shards;
	float temperature;
	float *unit;		/* (rows, dim): z / ||z|| */
	float *length;		/* (rows): max(||z||, 1e-12) */
	float *top;			/* (rows): the largest logit of the row */
	float *share;		/* (rows): 1 / sum of exp(logit - top) */
	double *partial;	/* (shards): losses */
	float *tiles;		/* (lanes, block, a fixed number of columns) */
	size_t tile_floats; /* of one lane */
	double loss;		/* of the last run */
} sc_ntxent;

/* Take (or count) the work space of a loss over 2 * batch rows of dim floats. */
extern void sc_ntxent_layout(sc_ntxent *loss, sc_arena *arena, int batch, int dim, float temperature, int lanes);

/*
 * dz (rows, dim) of z (rows, dim), not normalised, and loss->loss, the mean
 * over the rows. Every lane calls it, after a barrier behind the writing of
 * z; ends with a barrier. A loss that is not finite is left to the caller to
 * report. dz may not be z.
 */
extern sc_status sc_ntxent_run(const sc_lane *lane, sc_ntxent *loss, float *dz, const float *z);

#endif /* SC_NTXENT_H */
