/*-------------------------------------------------------------------------
 *
 * src/core/analytics/groups.h
 *	  Groups of rows from their neighbour graph: how many, how clearly, which.
 *
 * Rows are nodes of the graph of which are neighbours (neighbour_graph.h), and
 * groups its communities (leiden.h). With resolution 1 the largest modularity
 * says how many there are; where a number is asked for, the resolution is
 * bisected until there are so many. Equal rows are one node. Of more rows than
 * SC_GROUPS_SAMPLE several samples are looked at, the number is the median of
 * theirs, and rows outside the sample get the group of the nearest mean.
 *
 * How clear the groups are is told by points that have none: drawn from the
 * normal distribution of the rows' mean and covariance. The largest modularity
 * of SC_GROUPS_DRAWS such draws, cut into as many communities, is what chance
 * gives. The largest modularity cuts two or three large groups further, as it
 * would points without groups: where it is no more than chance gives, and
 * another number is farther above chance than any draw ever is, that is taken.
 * Samples that lack a fifth of the rows tell how stable the groups are.
 *
 * The result does not depend on the order of the rows, nor on the number of
 * lanes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_GROUPS_H
#define SC_GROUPS_H

#include "core/base/arena.h"
#include "core/base/pool.h"

/* Distinct rows of one graph, and samples of more: at most twice as many rows are no longer worth five graphs. */
#define SC_GROUPS_SAMPLE 3000
#define SC_GROUPS_SAMPLES 5

/* Draws without groups, of which the largest modularity counts: one in 21 rows without groups seems clear. */
#define SC_GROUPS_DRAWS 20

#define SC_GROUPS_MOST_NEIGHBOURS 10

/* What the graph says by itself. */
typedef struct sc_groups_own
{
	int k;
	int low, high;	   /* numbers about as good, and those of the other samples */
	double modularity; /* of k communities */
	double chance;	   /* the largest of points without groups */
	double stability;  /* how well the groups of samples agree with these: an adjusted Rand index */
} sc_groups_own;

/* Modularity by the number of communities, as far as resolutions gave some; in the order of the number. */
#define SC_GROUPS_STEPS 12
#define SC_GROUPS_POINTS (SC_GROUPS_STEPS + 2)
typedef struct sc_groups_curve
{
	int points;
	int k[SC_GROUPS_POINTS];
	double modularity[SC_GROUPS_POINTS];
} sc_groups_curve;

typedef struct sc_groups
{
	/* set by the caller before sc_groups_layout */
	size_t n; /* rows, at least 1 */
	int d;
	const float *rows;	 /* (n, d), finite */
	bool cosine;		 /* neighbours by cosine; else by Euclidean distance */
	bool jaccard;		 /* edges weigh what neighbours two rows have in common; else 1 */
	int neighbours;		 /* of each row; 0: by the number of rows */
	int k;				 /* groups, lowered to the number of distinct rows; 0: as many as there are */
	bool judge;			 /* own is wanted though k is given */
	bool only_stability; /* k is 0, and not judged: the communities of largest modularity, and of own the stability */
	double resolution;	 /* above 0; 1 unless there is a reason */
	int starts;			 /* the best of so many, at least 1 */
	uint64_t seed;
	int lanes; /* of the run, at most */

	/* the result; groups are numbered by size, the largest first */
	size_t distinct;			  /* different rows */
	int found;					  /* groups */
	int32_t *labels;			  /* (n) */
	double modularity;			  /* of the labels, with resolution 1 */
	sc_groups_own own;			  /* of what was judged; so are these: */
	sc_groups_curve curve;		  /* of the graph; without a point where all rows are equal */
	sc_groups_curve chance_curve; /* the largest of points without groups, for the same numbers */

	struct sc_groups_work *work; /* of the job alone */
} sc_groups;

/*
 * Do k groups of that modularity stand out? Groups without an edge between them
 * have 1 - 1 / k at most. Rows that lie along a few curves, as embeddings of
 * pictures of noise do, come up to 0.33 of the way there from what normal points
 * have by chance; photos of hands that show ten signs come to 0.47, digits to 0.7.
 */
#define SC_GROUPS_STAND_OUT 0.43
static inline bool
sc_groups_stand_out(const sc_groups_own *own)
{
	return own->modularity > own->chance &&
		   own->modularity - own->chance > SC_GROUPS_STAND_OUT * (1 - 1.0 / own->k - own->chance);
}

/*
 * Are they clear? They stand out, and samples of the rows fall into the same.
 * A sheet of rows stands out too, as embeddings of one thing at many places do.
 */
#define SC_GROUPS_STABLE 0.85
static inline bool
sc_groups_are_clear(const sc_groups_own *own)
{
	return sc_groups_stand_out(own) && own->stability >= SC_GROUPS_STABLE;
}

/*
 * Neighbours of each of n rows, where the caller does not say: a fortieth of the
 * rows, between 5 and 10. Of 330 digits, ten kinds of 6 to 60, a graph with 8 or
 * 10 has ten communities, with 5 twelve.
 */
static inline int
sc_groups_neighbours(size_t n)
{
	return (int) SC_MIN(SC_MAX(n / 40, 5), SC_GROUPS_MOST_NEIGHBOURS);
}

/* Count or take the memory of the result and of the work. */
extern void sc_groups_layout(sc_groups *g, sc_arena *arena);

/* The job; arg is a sc_groups. */
extern sc_status sc_groups_run(const sc_lane *lane, void *arg);

#endif /* SC_GROUPS_H */
