/*-------------------------------------------------------------------------
 *
 * src/core/image/reduce_loops.h
 *	  The loops of a reduction by area (reduce.c), compiled per instruction set.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_REDUCE_LOOPS_H
#define SC_REDUCE_LOOPS_H

#include "core/base/simd.h"

#include <stddef.h>
#include <stdint.h>

/* Values that must be readable, whatever they are, behind the sums that sc_reduce_columns takes. */
#define SC_REDUCE_PAD 4

/* How the columns of a row are reduced: lengths in units (reduce.c). */
typedef struct sc_reduce_axis
{
	int columns; /* of the result */
	int wide;	 /* units of one of them */
	int each;	 /* units of a pixel that comes */
	int channels;
	double area; /* units of a pixel of the result, its rows counted too */
} sc_reduce_axis;

/* sum = weight * row, or with add sum += weight * row: n values. */
SC_SIMD_DECLARE(void, sc_reduce_add, (int32_t * sum, const uint8_t *row, int32_t weight, size_t n, bool add));

/* mean (columns, channels): the rounded means of sums (pixels that came, channels) that rows have been added to. */
SC_SIMD_DECLARE(void, sc_reduce_columns, (uint8_t * mean, const int32_t *sum, const sc_reduce_axis *axis));

#endif /* SC_REDUCE_LOOPS_H */
