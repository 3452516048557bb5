/*-------------------------------------------------------------------------
 *
 * src/core/base/distance.h
 *	  The loops over rows (points, embeddings), once per instruction set.
 *
 * Rows are float, sums are double, unless a comment says that float will do: a
 * distance is right to the last digits whatever the dimension, and cannot
 * overflow (16,000 squares of the largest float stay far below the largest
 * double). Linked into both libraries: it stands on nothing but simd.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_DISTANCE_H
#define SC_DISTANCE_H

#include <stdint.h>

#include "core/base/simd.h"

/* The loops of one instruction set. */
typedef struct sc_distance_kernels
{
	/* |a - b|^2; a, b: (d). */
	double (*distance2)(const float *a, const float *b, int d);

	/* |x - c|^2; x: (d), c: (d). */
	double (*distance2_centre)(const float *x, const double *c, int d);

	/* The sum of |a[j] - b[j]|; a, b: (d). */
	double (*distance1)(const float *a, const float *b, int d);

	/* a . b; a, b: (d). With b = a: |a|^2. */
	double (*dot)(const float *a, const float *b, int d);

	/* sums (3) = a . b, a . a, b . b in one pass; a, b: (d). */
	void (*dot_norms)(double *sums, const float *a, const float *b, int d);

	/* (x - mean) . axis; x, mean, axis: (d). */
	double (*dot_centred)(const float *x, const double *mean, const double *axis, int d);

	/* out (d) = (x - mean) * scale; returns |out|^2. x, mean: (d). */
	double (*centre_row)(float *out, const float *x, const double *mean, double scale, int d);

	/* sum (d) += x (d) */
	void (*add_row)(double *sum, const float *x, int d);

	/* The largest |x[j]|; x: (d). */
	float (*largest)(const float *x, int d);

	/* out (m) = products, in float, of x (d) with the rows of y (m, d). */
	void (*dot_rows)(float *out, const float *x, const float *y, int m, int d);

	/* A hash of x (d) by its values: -0 is 0. */
	uint64_t (*hash_row)(const float *x, int d);

	/*
	 * From the products dots (k) of a row with k points: the squared distance to
	 * the nearest, but for rounding, which is the least of xn + norm[j] - 2
	 * dots[j]. xn: the row's squared norm; norm (k): the points'. A product that
	 * overflowed says nothing; infinity if all did.
	 */
	double (*least_estimate)(const float *dots, const double *norm, double xn, int k);

	/*
	 * Of the products dots (n) of a query with n rows: the first from `from` on
	 * whose row may be within reach, or n. It may be where share * norm[i] - 2
	 * dots[i] is at most limit, and where the product overflowed, which says
	 * nothing. norm (n): the rows' squared norms.
	 */
	int (*next_near)(const float *dots, const double *norm, double share, double limit, int from, int n);

	/* The first of dots (n) from `from` on that is not below bar[i] - level, or n. bar (n). In float. */
	int (*next_above)(const float *dots, const float *bar, float level, int from, int n);

	/*
	 * |a - b|^2 in float; a, b: (d). Off by no more than (d + 3) 2^-24 of it, but
	 * for what underflows, which makes it less; infinity where it overflows.
	 */
	float (*distance2_rough)(const float *a, const float *b, int d);
} sc_distance_kernels;

/* Those that this CPU runs best; the same in the whole process. */
extern const sc_distance_kernels *sc_distance(void);

/* Those of one instruction set, which the CPU must have; those of base where none are built for it. For tests. */
extern const sc_distance_kernels *sc_distance_of(sc_isa isa);

SC_SIMD_DECLARE_TABLE(sc_distance_kernels, sc_distance_table);

#endif /* SC_DISTANCE_H */
