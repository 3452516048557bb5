/*-------------------------------------------------------------------------
 *
 * src/core/analytics/centring.h
 *	  Rows moved and scaled so that products of them in float are good ones.
 *
 * |x|^2 - 2 x.y + |y|^2 cancels where x and y are far from zero and near each
 * other, and overflows where they are large. So the mean is taken from the
 * rows, and what is left is multiplied by a power of two, which rounds
 * nothing, so that it is about 1.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CENTRING_H
#define SC_CENTRING_H

#include "core/base/arena.h"
#include "core/base/pool.h"

typedef struct sc_centring
{
	double *mean; /* (d) */
	double scale; /* a power of two */

	/* scratch */
	int shards;
	double *sums; /* (shards, d + 1): of the rows of each, and their largest magnitude */
} sc_centring;

/* The power of two that brings numbers up to `largest` to below 1, and no further than to 1/2. */
extern double sc_centring_scale(double largest);

/* Take the memory. The mean depends on the number of shards in its last bits. */
extern void sc_centring_layout(sc_centring *c, int shards, int d, sc_arena *arena);

/*
 * Find mean and scale of rows (n, d), taken in an order (n), or as they come
 * where that is NULL. The scale brings `reach` times the largest magnitude to
 * below 1. A part of a job: all lanes call it, and it ends with a barrier.
 */
extern sc_status sc_centring_find(const sc_lane *lane, sc_centring *c, const float *rows, const uint32_t *order,
								  size_t n, int d, int reach);

/*
 * How far |x|^2 - 2 x.y + |y|^2 may be off where x.y is a product of d terms in
 * float, as a share of |x|^2 + |y|^2. With u = 2^-24, the rounding of a float,
 * the products and sums of x.y put it off by d u |x||y| (Higham, "Accuracy and
 * stability of numerical algorithms", 2nd edition, section 3.1), and that x and
 * y are rounded to float moves their squared distance by 2 u (|x| + |y|)^2:
 * with 2 |x||y| <= |x|^2 + |y|^2, together (d + 4) u. What is returned is
 * 4 u (d + 8), more than twice that, so that it also covers the errors of two
 * such distances that are compared with each other.
 */
static inline double
sc_product_error(int d)
{
	return 2 * 1.2e-7 * (d + 8); /* 1.2e-7: 2 u, rounded up */
}

#endif /* SC_CENTRING_H */
