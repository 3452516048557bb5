/*-------------------------------------------------------------------------
 *
 * src/core/base/distance.h
 *	  The loops over rows of k-means and k-NN, once per instruction set.
 *
 * Rows are float, sums are double, unless a comment says that float will do.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_DISTANCE_H
#define SC_DISTANCE_H

#include <stdint.h>

#include "core/base/simd.h"

/* |a - b|^2; a, b: (d). */
SC_SIMD_DECLARE(double, sc_distance2, (const float *a, const float *b, int d));

/* |x - c|^2; x: (d), c: (d). */
SC_SIMD_DECLARE(double, sc_distance2_centre, (const float *x, const double *c, int d));

/* |x|^2 */
SC_SIMD_DECLARE(double, sc_norm2, (const float *x, int d));

/* out (d) = (x - mean) * scale; returns |out|^2. */
SC_SIMD_DECLARE(double, sc_centre_row, (float *out, const float *x, const double *mean, double scale, int d));

/* sum (d) += x (d) */
SC_SIMD_DECLARE(void, sc_add_row, (double *sum, const float *x, int d));

/* The largest |x[j]|. */
SC_SIMD_DECLARE(float, sc_largest, (const float *x, int d));

/* out (m) = products, in float, of x (d) with the rows of y (m, d). */
SC_SIMD_DECLARE(void, sc_dot_rows, (float *out, const float *x, const float *y, int m, int d));

/* A hash of x (d) by its values: -0 is 0. */
SC_SIMD_DECLARE(uint64_t, sc_hash_row, (const float *x, int d));

/*
 * From products dots (k) of a row with k points: the least of xn + norm[j] -
 * 2 dots[j], which is the squared distance to the nearest but for rounding.
 * A product that overflowed says nothing; infinity if all did.
 */
SC_SIMD_DECLARE(double, sc_least_estimate, (const float *dots, const double *norm, double xn, int k));

/*
 * Of products dots (n) of a query with rows, the first from `from` on whose row
 * may be within reach: share * norm[i] - 2 dots[i] is at most limit, or the product
 * overflowed and says nothing. norm: (n), the rows' squared norms. n if there is
 * none.
 */
SC_SIMD_DECLARE(int, sc_next_near, (const float *dots, const double *norm, double share, double limit, int from, int n));

#endif /* SC_DISTANCE_H */
