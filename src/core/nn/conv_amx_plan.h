/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_amx_plan.h
 *	  Where the numbers of a convolution on AMX lie.
 *
 * A product wants 32 positions at equal distances, whatever rows and views they
 * belong to. So a group of views is copied into grids with zeros between: a
 * column of zeros ends each row and begins the next, a row of zeros each view. A
 * tap of the kernel is then one distance for all positions; the sums at the
 * positions of zeros are thrown away. With a stride of 2 pixels go by their even
 * and odd rows and columns into grids of their own ("planes"), in which a tap is
 * one distance again.
 *
 *	  source	(planes, chunks of 32 channels, positions, 32)
 *
 * Of small maps that would be mostly zeros. There the same pixel of all views
 * lies together, and each pixel of the result is a phase of its own, with the
 * taps that it has: of 3x3 on 2x2 pixels 16 of 36.
 *
 *	  source	(chunks of 32 channels, pixels, views, 32)
 *
 * The network's input has 3 channels, with a zero 4, and a position of it is
 * `stride` pixels; 8 pixels from there on are the 32 numbers of a row of the
 * kernel, which is the tap.
 *
 *	  source	(rows by their remainder, positions, stride, 4)
 *
 * Whichever it is, a sum has the same order, and the bits are the same.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CONV_AMX_PLAN_H
#define SC_CONV_AMX_PLAN_H

#include "core/nn/conv.h"
#include "core/nn/conv_amx_loops.h"

/* Maps of a side up to this may have their views together. */
#define SC_AMX_SMALL 5
#define SC_AMX_PHASES (SC_AMX_SMALL * SC_AMX_SMALL)

/* Results that the same taps add up to: all, those of even and odd rows and columns, or those of a pixel. */
typedef struct sc_amx_phase
{
	sc_amx_product product;
	int element[SC_AMX_TAPS]; /* of the kernel, for each tap: its number, or row */
} sc_amx_phase;

typedef struct sc_amx_plan
{
	bool together; /* the views of a pixel */
	int views;	   /* of a group */

	/* the source: x, or dy of the gradient of the input */
	int side, channels;
	int split;		  /* remainders of rows (and, but for the input, of columns) with planes of their own */
	int lead;		  /* positions before the first row */
	size_t positions; /* of a plane and chunk, zeros and slack included: a multiple of 32 */
	size_t plane;	  /* bytes */
	int planes;

	/* the grid that source and result have in common; 1 by 1 where views lie together */
	int rows, pitch; /* of a view; of a row */

	/* the result: y, or dx; of the gradient of the weights, what x is multiplied with */
	int result_side, result_channels, result_split, phases;
	sc_amx_phase phase[SC_AMX_PHASES];

	/* the weights */
	int elements; /* of the kernel: tiles of a chunk */
	size_t panel; /* bytes of those of 32 channels of the result */
} sc_amx_plan;

/* A gradient of the weights has the plan of the forward pass, but for smaller groups. */
extern void sc_amx_plan_make(sc_amx_plan *plan, const sc_conv *conv, sc_conv_pass pass);

/* Positions of a phase of so many views, rounded up to whole products. */
static inline size_t
sc_amx_result_positions(const sc_amx_plan *plan, int views)
{
	size_t n = (size_t) views * (size_t) plan->rows * (size_t) plan->pitch;

	return (n + SC_AMX_ROWS - 1) / SC_AMX_ROWS * SC_AMX_ROWS;
}

#endif /* SC_CONV_AMX_PLAN_H */
