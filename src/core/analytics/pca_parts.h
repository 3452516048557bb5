/*-------------------------------------------------------------------------
 *
 * src/core/analytics/pca_parts.h
 *	  What pca.c has built once per instruction set.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_PCA_PARTS_H
#define SC_PCA_PARTS_H

#include "core/base/simd.h"

/*
 * to (n) += unscale * products (n) + apart * aparts (n) - over * sums (n): a
 * row of the products of a block, and what its distance from the rows before
 * it and the rounding of its own mean make.
 */
SC_SIMD_DECLARE(void, sc_pca_join,
				(double *restrict to, const float *restrict products, double unscale, double apart,
				 const double *restrict aparts, double over, const double *restrict sums, int n));

#endif /* SC_PCA_PARTS_H */
