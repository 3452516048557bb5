/*-------------------------------------------------------------------------
 *
 * src/core/analytics/duplicates.h
 *	  Groups of rows that are near each other: the connected components of the
 *	  pairs within a distance.
 *
 * Equal rows are one from the start, so that they make no pairs. The pairs of
 * the others (near.h) go into a union-find as they are found and are not kept:
 *
 *		sc_duplicates_collapse_run	(a job)
 *		sc_duplicates_join for the pairs of the rows that are left
 *		sc_duplicates_finish_run	(a job)
 *
 * Rows are in an order that means something, that of their keys: where two are
 * as good, the lower one counts. So nothing depends on lanes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_DUPLICATES_H
#define SC_DUPLICATES_H

#include "core/analytics/near.h"
#include "core/analytics/row_order.h"

#define SC_NO_GROUP UINT32_MAX

/* Nearest neighbours that a threshold follows from, where there are as many. */
#define SC_DUPLICATES_NEIGHBOURS 8

typedef struct sc_duplicates
{
	/* set by the caller before sc_duplicates_layout */
	size_t n; /* rows, 1 ... 2^31 */
	int d;
	float *rows; /* (n, d), finite; then (distinct, d): each once, in the order of the first ones */

	/* after collapse */
	size_t distinct;
	uint32_t *place;  /* (n): where the row is now */
	uint32_t *copies; /* (distinct): rows that are equal to it, itself included */

	/* the result: largest group first, of equally large ones that with the lowest row */
	size_t groups;	  /* of two rows or more */
	uint32_t *group;  /* (n), from 0 on; SC_NO_GROUP: the row is alone */
	double *distance; /* (n): to the medoid, the row with the least sum of squared distances to its group */
	uint32_t *size;	  /* (groups) */
	uint32_t *member; /* (n): rows by group, in their order; those that are alone come last */

	/* scratch */
	sc_row_order order;
	uint32_t *parent; /* (distinct) */
	uint64_t *found;  /* (n): groups before they are numbered */
	double *mean;	  /* (d) */
} sc_duplicates;

extern void sc_duplicates_layout(sc_duplicates *dup, sc_arena *arena);

/* Jobs; arg is a sc_duplicates. */
extern sc_status sc_duplicates_collapse_run(const sc_lane *lane, void *arg);
extern sc_status sc_duplicates_finish_run(const sc_lane *lane, void *arg);

/* Rows of distinct that are near each other. */
extern void sc_duplicates_join(sc_duplicates *dup, const sc_near_pair *pair, size_t count);

/*
 * A threshold below which rows have a neighbour by chance in one of a thousand.
 * far (n): the distance of each to its m-th neighbour, m >= 2; spread (n): the
 * logarithm of it over that to neighbour m / 2. Both are sorted here. Rows are
 * distinct; copies of less than m / 2 rows do not count in it.
 */
extern double sc_duplicates_threshold(double *far, double *spread, size_t n, int m);

#endif /* SC_DUPLICATES_H */
