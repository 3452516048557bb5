/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding_simd.h
 *	  The inner loops over two embeddings, by the best instruction set.
 *
 * Terms are float, sums are double: a distance is right to the last digits
 * whatever the dimension, and cannot overflow (16,000 squares of the largest
 * float stay far below the largest double).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_EMBEDDING_SIMD_H
#define SCPG_EMBEDDING_SIMD_H

#include "core/api.h"

/* a, b: float [n] */
SC_SIMD_DECLARE(double, scpg_l2_squared, (const float *a, const float *b, int n));
SC_SIMD_DECLARE(double, scpg_dot, (const float *a, const float *b, int n));
SC_SIMD_DECLARE(double, scpg_l1, (const float *a, const float *b, int n));
/* sums: double [3] = a.b, a.a, b.b in one pass */
SC_SIMD_DECLARE(void, scpg_dot_norms, (double *sums, const float *a, const float *b, int n));
/* sum: double [n] += x: float [n] */
SC_SIMD_DECLARE(void, scpg_accumulate, (double *sum, const float *x, int n));
/* (x - mean) . axis; x: float [n], mean, axis: double [n] */
SC_SIMD_DECLARE(double, scpg_dot_centred, (const float *x, const double *mean, const double *axis, int n));
/* |x - c|^2; x: float [n], c: double [n] */
SC_SIMD_DECLARE(double, scpg_l2_squared_double, (const float *x, const double *c, int n));

#endif /* SCPG_EMBEDDING_SIMD_H */
