/*-------------------------------------------------------------------------
 *
 * src/core/analytics/space.h
 *	  The space that clusters are in: from a row to a point of it, and from a
 *	  point to the nearest centroid.
 *
 * A row (an embedding) is brought to length 1 where that is asked for, then to
 * its coordinates along the principal components where there are any. What is
 * left out is left as it is: a space may be components alone, or centroids
 * alone.
 *
 * The functions for one row or one point are linked into both libraries: they
 * stand on nothing but the loops of distance.h, and run where they are called.
 * sc_space_project_run is a job of the core, by matrix products. It rounds
 * otherwise than sc_space_project: in the order of its sums, and because it
 * multiplies by 1 / deviation where the other divides by the deviation. Both
 * are the bits that SQL has always seen, the one in clusterings, the other in
 * pca_transform; they differ in the last digits of a double, before the
 * coordinate becomes a float.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_SPACE_H
#define SC_SPACE_H

#include "core/base/arena.h"
#include "core/base/pool.h"

typedef struct sc_space
{
	int d;			   /* of a row */
	bool l2_normalize; /* rows are brought to length 1 first */

	int q;					  /* components; 0: points are rows */
	const double *mean;		  /* (d) */
	const double *components; /* (q, d) */
	const double *variance;	  /* (q), the largest first; needed where whiten is set */
	bool whiten;			  /* every coordinate to variance 1 */

	int k;					 /* centroids; 0: none */
	const double *centroids; /* (k, sc_space_dim) */
	const int32_t *group;	 /* (k): which group each centroid is of; NULL: each is its own */
} sc_space;

/* The dimension of a point. */
static inline int
sc_space_dim(const sc_space *s)
{
	return s->q > 0 ? s->q : s->d;
}

/* Groups that its centroids are of. */
static inline int
sc_space_groups(const sc_space *s)
{
	int groups = 0;

	if (s->group == NULL)
		return s->k;
	for (int c = 0; c < s->k; c++)
		groups = SC_MAX(groups, s->group[c] + 1);
	return groups;
}

/* |x|; x: (d) */
extern double sc_space_length(const float *x, int d);

/* out (d), which may be x: x (d) divided by its length, which is returned. A row of zeros has none, and stays zeros. */
extern double sc_space_normalize(float *out, const float *x, int d);

/* The point, out (sc_space_dim), of a row (d). unit: (d), scratch; NULL will do without l2_normalize or without components. */
extern void sc_space_project(const sc_space *s, float *out, const float *row, float *unit);

/* |point - centroid c|^2; point: (sc_space_dim) */
extern double sc_space_distance2(const sc_space *s, const float *point, int c);

/*
 * The group of the centroid nearest to a point (sc_space_dim), of equally near
 * ones the first; its squared distance unless that is NULL.
 */
extern int sc_space_nearest(const sc_space *s, const float *point, double *distance2);

/*
 * Likewise, and in *other2 the squared distance to the nearest centroid of any
 * other group; infinite where there is one group alone.
 */
extern int sc_space_nearest_two(const sc_space *s, const float *point, double *distance2, double *other2);

/*
 * How clearly a point belongs to its group, from both squared distances: from 1
 * (at its centroid, or there is no other group) to 0 (as near to another one),
 * and below 0 where another is nearer.
 */
extern double sc_space_margin(double distance2, double other2);

/* Points of many rows, of a space with components. */
typedef struct sc_space_rows
{
	/* set by the caller */
	const sc_space *space;
	size_t n;
	const float *rows; /* (n, d); of length 1 already where they should be */
	float *out;		   /* (n, q) */

	/* scratch */
	int shards;
	double *blocks; /* (shards, block rows, d + q) */
} sc_space_rows;

extern void sc_space_project_layout(sc_space_rows *p, sc_arena *arena);

/* The job; arg is a sc_space_rows. */
extern sc_status sc_space_project_run(const sc_lane *lane, void *arg);

#endif /* SC_SPACE_H */
