/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_rows.h
 *	  The inner loops of conv_rows.c, once per instruction set.
 *
 * All numbers are counted in words of four bytes: a float, or two neighbouring
 * bf16 that are multiplied and added together. A block of channels is `words`
 * words of input, each of which meets one vector of weights, a value for each
 * channel of a block of the output.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_ROWS_H
#define SC_CONV_ROWS_H

#include "core/base/simd.h"
#include "core/nn/element.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Rows of a tile at most, and elements of a kernel. */
#define SC_ROWS_TILE 6
#define SC_ROWS_TAPS 9

/* Several rows of the output, each a pixel of a view, in so many neighbouring blocks of channels as a tile has. */
typedef struct sc_rows_tile
{
	int rows;
	const uint32_t *x[SC_ROWS_TILE]; /* the row's first block of input channels, where its first tap lies */
	void *y[SC_ROWS_TILE];			 /* the row's first block of the output */
	size_t y_block;					 /* bytes from a block of the output's channels to the next */
	bool add;						 /* to what is in y: float alone */
} sc_rows_tile;

/* What all rows of a group have in common. */
typedef struct sc_rows_group
{
	int taps;
	ptrdiff_t x_at[SC_ROWS_TAPS]; /* words from where the first tap lies */
	size_t w_at[SC_ROWS_TAPS];	  /* words from the first tap's weights */
	int blocks;					  /* of the input's channels */
	size_t x_block;				  /* words from one to the next */
	size_t w_block;				  /* likewise, of the weights */
	size_t w_panel;				  /* words to the weights of the output's next block */
} sc_rows_group;

/* A product over pixels: of input block x and output blocks y, for one tap. */
typedef struct sc_rows_pixels
{
	int count;			 /* of a view (in bf16: of two) */
	const int32_t *x_at; /* (count) words */
	const int32_t *y_at; /* (count) words */
	int views;
	size_t x_view, y_view; /* words from one to the next */
	size_t y_block;
} sc_rows_pixels;

typedef struct sc_rows_loops
{
	int lanes;		   /* channels of a block; 0: there are none of these loops */
	int tile_blocks;   /* blocks of the output that a tile has */
	int weight_blocks; /* blocks of the output that a product over pixels has */

	/* y = x w for a tile. */
	void (*tile)(const sc_rows_tile *tile, const sc_rows_group *group, const uint32_t *w);

	/* dw[n * dw_panel ...] (channels of a block, lanes) = x^T y over the pixels, for each of the blocks. */
	void (*weights)(float *dw, size_t dw_panel, const sc_rows_pixels *pixels, const uint32_t *x, const uint32_t *y);

	/* Weights (blocks of out, of in, taps, b, b) as a tile of the forward pass or, transposed, of data reads them. */
	void (*reorder)(uint32_t *to, const float *weights, int out_blocks, int in_blocks, int taps, bool data);
} sc_rows_loops;

SC_SIMD_DECLARE_TABLE(sc_rows_loops, sc_rows_f32);
SC_SIMD_DECLARE_TABLE(sc_rows_loops, sc_rows_bf16); /* only for a CPU with avx512_bf16 */

/* out (n): of each channel the pair that views x and x2 have there (bf16); x2 NULL: zeros. */
SC_SIMD_DECLARE(void, sc_rows_pair, (uint32_t * out, const uint16_t *x, const uint16_t *x2, size_t n));

#endif /* SC_CONV_ROWS_H */
