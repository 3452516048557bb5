/*-------------------------------------------------------------------------
 *
 * src/core/analytics/ward.h
 *	  Which groups lie closest, and which next when those are one: Ward's tree.
 *
 * Ward, "Hierarchical grouping to optimize an objective function", J. American
 * Statistical Association 58 (1963): at every step those two are joined that
 * raise the sum of the squared distances of rows to the centres of their groups
 * the least. Distances after a join follow from those before it (Lance and
 * Williams, "A general theory of classificatory sorting strategies", Computer
 * Journal 9 (1967)), so a group is known by its centre and its size.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_WARD_H
#define SC_WARD_H

#include "core/base/arena.h"
#include "core/base/pool.h"

typedef struct sc_ward_join
{
	int keep;	   /* the larger of the two, of equal ones the first: the number of both from now on */
	int join;	   /* the other, which is no more */
	double height; /* root of twice what the sum of squares grows by; of two single rows their distance */
	double mass;   /* of both */
} sc_ward_join;

typedef struct sc_ward
{
	/* set by the caller before sc_ward_layout */
	int n; /* groups, at least 1 */
	int d;
	const double *centres; /* (n, d) */
	const double *masses;  /* (n), above 0: rows */

	/* the result */
	sc_ward_join *joins; /* (n - 1), in their order */

	/* scratch */
	double *square; /* (n (n - 1) / 2): the square of the height at which two would join */
	double *mass;	/* (n); 0: joined into another */
} sc_ward;

extern void sc_ward_layout(sc_ward *w, sc_arena *arena);

/* The job, of one lane; arg is a sc_ward. Its time grows with the cube of n. */
extern sc_status sc_ward_run(const sc_lane *lane, void *arg);

#endif /* SC_WARD_H */
