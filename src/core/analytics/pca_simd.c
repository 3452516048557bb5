/*-------------------------------------------------------------------------
 *
 * src/core/analytics/pca_simd.c
 *	  The loop that joins the products of a block to those before it.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/pca_parts.h"

void
SC_SIMD(sc_pca_join)(double *restrict to, const float *restrict products, double unscale, double apart,
					 const double *restrict aparts, double over, const double *restrict sums, int n)
{
	for (int j = 0; j < n; j++)
		to[j] += unscale * products[j] + apart * aparts[j] - over * sums[j];
}
