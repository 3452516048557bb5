/*-------------------------------------------------------------------------
 *
 * src/core/analytics/erasure.h
 *	  Rows without what they say of traits that are known beside them.
 *
 * The directions in which rows vary together with a trait are those of its
 * covariance with them; what rows have along these is taken out, and afterwards
 * no trait covaries with any coordinate: spectral attribute removal (Shao,
 * Ziser, Cohen, "Gold Doesn't Always Glitter: Spectral Removal of Linear and
 * Nonlinear Guarded Attribute Information", EACL 2023, section 3), of all
 * directions. The mean stays what it was, and so is the distance between two
 * rows as far as it has nothing to do with those directions; so a point of the
 * erased rows is the nearest to a row if it is the nearest to the row as it was.
 *
 * A trait of which rows tell nothing has a direction too, one by chance, and most
 * likely that in which rows vary most. So only those are taken out that rows tell:
 * the direction of one half of the rows must say of the other half what the trait
 * is there (SC_ERASURE_TOLD).
 *
 * The result does not depend on the number of lanes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_ERASURE_H
#define SC_ERASURE_H

#include "core/analytics/centring.h"
#include "core/base/arena.h"
#include "core/base/pool.h"

/* Sums over all rows are those of so many parts, added in their order; halves are the even and the odd ones. */
#define SC_ERASURE_PARTS 64

/* Rows tell a trait where that correlation, times the root of their number, is above this: by chance about one of 700 is. */
#define SC_ERASURE_TOLD 3.0

typedef struct sc_erasure
{
	/* set by the caller before sc_erasure_layout */
	size_t n; /* rows, at least 1 */
	int d;
	int traits;			 /* of a row, at least 1 */
	const float *rows;	 /* (n, d), finite */
	const double *trait; /* (n, traits), finite */

	/* the result */
	float *out;	   /* (n, d), where the caller wants it; may be rows */
	int found;	   /* directions: fewer than traits where rows do not tell a trait, or it says what others say */
	double *told;  /* (traits): the correlation of a trait with the coordinate along the other half's direction */
	double *basis; /* (found, d): orthonormal */

	/* scratch */
	sc_centring centring;
	double *score; /* (n, traits): the traits with mean 0 and deviation 1; all 0 where they do not vary */
	double *part;  /* (SC_ERASURE_PARTS, traits, d) */
	double *half;  /* (2, traits, d): the directions of the even parts, and of the odd ones */
	double *sums;  /* (SC_ERASURE_PARTS, traits, 5): of coordinate and score, their squares, their product */
} sc_erasure;

/* Count or take the memory of the result, but for out, and of the work. */
extern void sc_erasure_layout(sc_erasure *erasure, sc_arena *arena);

/* The job; arg is a sc_erasure. */
extern sc_status sc_erasure_run(const sc_lane *lane, void *arg);

#endif /* SC_ERASURE_H */
