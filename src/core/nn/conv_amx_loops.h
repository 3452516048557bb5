/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_amx_loops.h
 *	  The inner loops of conv_amx.c, on the tile registers of AMX: 16 rows of 64
 *	  bytes, a row 32 bf16 or 16 floats.
 *
 * A product of a row of 32 with a column of 32 wants the column's numbers in
 * pairs: a tile of weights is (16 pairs, 16 columns, 2). Only where
 * sc_amx_granted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_AMX_LOOPS_H
#define SC_CONV_AMX_LOOPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Positions and channels that are multiplied at once, numbers that are added up at once, and what one register holds. */
#define SC_AMX_ROWS 32
#define SC_AMX_COLUMNS 32
#define SC_AMX_DEPTH 32
#define SC_AMX_HALF 16
#define SC_AMX_TILE_BYTES 1024

/* Elements of a kernel, or rows of the stem's. */
#define SC_AMX_TAPS 9

/* What is added up for a position. */
typedef struct sc_amx_product
{
	int taps;
	ptrdiff_t at[SC_AMX_TAPS];	 /* bytes from a position to what its tap reads */
	size_t weights[SC_AMX_TAPS]; /* bytes from a chunk's weights to two tiles */
	int chunks;					 /* 32 numbers each: the taps of one come before the next chunk's */
	size_t chunk;				 /* bytes from one to the next */
	size_t chunk_weights;		 /* likewise, of the weights */
	size_t position;			 /* bytes from a position to the next */
} sc_amx_product;

/* Registers are configured for the calling thread until sc_amx_end. */
extern void sc_amx_begin(void);
extern void sc_amx_end(void);

/* out (2 of columns, 32 rows, 16) of 32 positions from x on. */
extern void sc_amx_multiply(float *out, const sc_amx_product *product, const char *x, const char *w);

/* How 32 positions are laid down. */
typedef struct sc_amx_result
{
	char *y;		   /* of the first 16 channels */
	size_t block;	   /* bytes to the next 16 */
	const int32_t *at; /* (32) elements from y; -1: no pixel */
	const float *bias; /* (32) or NULL */
	bool add;		   /* to what y holds */
	bool relu;
	bool wide; /* floats, not bf16 */
} sc_amx_result;

extern void sc_amx_put(const sc_amx_result *result, const float *sums);

/* Positions that meet in a gradient of the weights: where they begin, in bytes. */
typedef struct sc_amx_run
{
	size_t x, dy;
} sc_amx_run;

/*
 * 32 by 32 numbers of the gradient of the weights: dw[i][j] (16, 16) += the sum
 * over the runs, each of 32 * steps positions; x: 32 rows of positions, x_row bytes
 * apart; dy: pairs of positions (16 of channels each), dy_block bytes to the next
 * 16 channels.
 */
extern void sc_amx_gradient(float *const dw[2][2], bool add, const char *x, size_t x_row, const char *dy,
							size_t dy_block, const sc_amx_run *runs, int count, int steps);

/* out (channels 16, row bytes apart; n) of x (n positions, `position` bytes apart; 16): n a multiple of 32. */
extern void sc_amx_transpose(char *out, size_t row, const char *x, size_t position, size_t n);

/* out (pairs of positions, 16, 2) of x likewise. */
extern void sc_amx_pair(char *out, const char *x, size_t position, size_t n);

/* A pixel's 16 channels, n times. */
extern void sc_amx_copy(char *out, size_t out_step, const char *x, size_t x_step, size_t n);

/* Weights (16 of in, 16 of out) of two neighbouring blocks of in: a tile that adds up over in. */
extern void sc_amx_weights(char *tile, const float *first, const float *second);

/* ... of two neighbouring blocks of out: a tile that adds up over out. */
extern void sc_amx_weights_transposed(char *tile, const float *first, const float *second);

#endif /* SC_CONV_AMX_LOOPS_H */
