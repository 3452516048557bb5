/*-------------------------------------------------------------------------
 *
 * src/core/analytics/groups_parts.h
 *	  What the files of groups.h share.
 *
 * groups.c has the job: it brings the rows into an order of their own, makes
 * the graph of a sample, decides the number, and labels all rows.
 * groups_cut.c finds communities: the best of several starts, or as many as
 * are asked for. groups_join.c joins those that are too small or too many.
 * groups_chance.c draws points without groups, and groups_curve.c compares;
 * groups_stability.c asks whether samples fall into the same groups.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_GROUPS_PARTS_H
#define SC_GROUPS_PARTS_H

#include "core/analytics/groups.h"
#include "core/analytics/knn.h"
#include "core/analytics/neighbour_graph.h"
#include "core/analytics/row_order.h"

/* Rows that are drawn in one product. */
#define SC_GROUPS_BLOCK 64

/* Communities of a graph. */
typedef struct sc_partition
{
	int32_t *member; /* (nodes): 0 ... count - 1 */
	int count;
	double quality; /* modularity with the resolution that it was made with */
	int start;		/* which start it is of */
} sc_partition;

/* What a lane works in. */
typedef struct sc_groups_lane
{
	sc_graph graph; /* one that this lane alone looks at */
	sc_leiden_work leiden;
	sc_partition tried; /* one start's */
	sc_partition best;	/* of the starts so far */

	/* of the joins, and of modularity */
	sc_graph communities;
	int32_t *order;	 /* (nodes) */
	int32_t *number; /* (nodes) */
	int32_t *size;	 /* (nodes) */
	double *to;		 /* (nodes), zeros between calls */
	double *volume;	 /* (nodes) */
	double *inside;	 /* (nodes) */
	double *centre;	 /* (2, d) */
} sc_groups_lane;

typedef struct sc_groups_work
{
	int most;	 /* nodes of a graph, at most */
	int stride;	 /* neighbours that are looked for, at most */
	bool judged; /* own is found */

	sc_row_order order;
	uint32_t *first; /* (n): of each group of equal rows, the place of the first in the order */

	/* of the sample at hand */
	int s;				 /* nodes */
	int m;				 /* neighbours of a node */
	float *x;			 /* (most, d): its rows, of length 1 where cosine is wanted */
	uint32_t *near;		 /* (most, m) */
	sc_graph graph;		 /* with m neighbours */
	sc_partition chosen; /* of the graph, with the resolution asked for */
	sc_partition kept;	 /* those of all nodes, while a sample of them is at hand */
	sc_partition above;	 /* while the resolution is bisected: the fewest of too many */

	int sample; /* which one is at hand */
	int samples;
	int sample_k[SC_GROUPS_SAMPLES];
	double low, high; /* resolutions with too few and too many communities */
	bool done;		  /* bisected */

	/* chance */
	double *mean;	 /* (d), of x */
	float *centred;	 /* (most, d): x less mean */
	float *normal;	 /* (lanes, SC_GROUPS_BLOCK, most) */
	uint32_t *drawn; /* (draws, most, m): neighbours of the points of each */
	int step_k[SC_GROUPS_STEPS];
	double step_modularity[SC_GROUPS_STEPS];
	sc_groups_curve *draws; /* (draws) */

	sc_knn knn;
	float *points;		  /* (most, d): drawn points; later the means of the groups */
	sc_groups_lane *lane; /* (lanes) */
	int32_t *community;	  /* (n): of each group of equal rows; -1: not in the sample */
	int64_t *sizes;		  /* (most) */
	int32_t *rank;		  /* (most) */
} sc_groups_work;

/* ---- groups_cut.c ------------------------------------------------------------------- */

/* *to keeps its member, (n), which gets the values. */
extern void sc_groups_copy_partition(sc_partition *to, const sc_partition *from, int n);

/* Communities that have fewer nodes mean nothing: those of graphs of s nodes with m neighbours, where k are wanted or 0. */
extern int sc_groups_smallest(int s, int m, int k);

/* lane->best: the best of `starts` starts on one lane. */
extern sc_status sc_groups_best(const sc_lane *lane, const sc_groups *g, const sc_graph *graph, double resolution,
								int starts, int smallest, sc_groups_lane *own);

/* The same by all lanes, for the graph at hand: into *out by lane 0; ends with a barrier. */
extern sc_status sc_groups_best_of_all(const sc_lane *lane, sc_groups *g, double resolution, int starts, int smallest,
									   sc_partition *out);

/* work->chosen: k communities of the graph at hand, or as many as it has nodes. Ends with a barrier. */
extern sc_status sc_groups_cut(const sc_lane *lane, sc_groups *g, int k);

/* ---- groups_join.c ------------------------------------------------------------------ */

/*
 * Join communities of p by the largest gain in modularity, those without an
 * edge to the nearest mean: the ones with fewer than `smallest` nodes, and then
 * until there are `most`.
 */
extern sc_status sc_groups_join(const sc_lane *lane, const sc_groups *g, const sc_graph *graph, sc_partition *p,
								int smallest, int most, sc_groups_lane *own);

/* ---- groups_chance.c ---------------------------------------------------------------- */

extern void sc_groups_chance_layout(sc_groups *g, sc_arena *arena);

/* draws, for the sample at hand. Ends with a barrier. */
extern sc_status sc_groups_draw(const sc_lane *lane, sc_groups *g);

/* ---- groups_curve.c ----------------------------------------------------------------- */

/* The curve of a graph that this lane alone looks at. */
extern sc_status sc_groups_find_curve(const sc_lane *lane, const sc_groups *g, const sc_graph *graph,
									  sc_groups_lane *own, sc_groups_curve *curve);

/*
 * own but its stability, for the sample at hand, whose communities of largest
 * modularity are in work->chosen; where another number is better, chosen gets
 * those. Ends with a barrier.
 */
extern sc_status sc_groups_judge(const sc_lane *lane, sc_groups *g);

/* ---- groups_stability.c ------------------------------------------------------------- */

/* own.stability, of the communities in work->chosen, which stay. Ends with a barrier. */
extern sc_status sc_groups_find_stability(const sc_lane *lane, sc_groups *g);

/* ---- groups.c ------------------------------------------------------------------------ */

/* The nearest of rows (s, d) into near (s, found), by all lanes. Ends with a barrier. */
extern sc_status sc_groups_find_near(const sc_lane *lane, sc_groups *g, const float *rows, uint32_t *near, int found);

#endif /* SC_GROUPS_PARTS_H */
