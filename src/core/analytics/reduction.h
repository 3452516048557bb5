/*-------------------------------------------------------------------------
 *
 * src/core/analytics/reduction.h
 *	  Rows in a few dimensions, whose products are never less than those of the
 *	  rows themselves.
 *
 * With P the projection to a subspace and r = |x - P x|, the Cauchy-Schwarz
 * inequality gives q.x <= Pq.Px + r_q r_x: with r as one more coordinate, a
 * product in SC_REDUCED_DIM dimensions bounds a distance from below. How near
 * the bound is to the distance is a matter of how much of the rows' variance
 * lies in the subspace; that it is a bound is not. The subspace is that of the
 * leading principal components of a sample of the rows, found by two steps of
 * the randomised range finder (Halko, Martinsson and Tropp, "Finding structure
 * with randomness", SIAM Review 2011, algorithm 4.4).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_REDUCTION_H
#define SC_REDUCTION_H

#include "core/analytics/centring.h"

/* Coordinates of a reduced row: the subspace's, and the length of what is outside it. */
#define SC_REDUCED_DIM 64
#define SC_REDUCED_BASIS (SC_REDUCED_DIM - 1)

typedef struct sc_reduction
{
	int d;
	float *basis; /* (SC_REDUCED_BASIS, d): rows of length 1 at right angles, or of zeros */

	/*
	 * By how much a squared distance from reduced rows may exceed that of the
	 * rows, as a share of |q|^2 + |x|^2, but for what the product of the reduced
	 * rows adds.
	 */
	double error;

	/* scratch */
	int samples;
	float *sample;	/* (samples, d) */
	float *product; /* (SC_REDUCED_BASIS, samples) */
	float *next;	/* (SC_REDUCED_BASIS, d) */
} sc_reduction;

/* Take the memory, for n rows of d. */
extern void sc_reduction_layout(sc_reduction *r, size_t n, int d, sc_arena *arena);

/* Find the subspace of rows (n, d), centred and scaled. A part of a job: all lanes call it, and it ends with a barrier. */
extern sc_status sc_reduction_find(const sc_lane *lane, sc_reduction *r, const sc_centring *c, const float *rows,
								   size_t n);

/* out (m, SC_REDUCED_DIM): x (m, d), centred and scaled; norm (m): the squared norms of x. */
extern void sc_reduction_apply(const sc_reduction *r, float *out, const float *x, const double *norm, int m);

#endif /* SC_REDUCTION_H */
