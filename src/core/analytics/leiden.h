/*-------------------------------------------------------------------------
 *
 * src/core/analytics/leiden.h
 *	  Communities of a graph: Leiden, for modularity with a resolution.
 *
 * Traag, Waltman and van Eck, "From Louvain to Leiden: guaranteeing
 * well-connected communities", Scientific Reports 9 (2019), algorithm 1 with
 * the quality of Reichardt and Bornholdt (2006): of each community its edges
 * less `resolution` times those that a graph of the same degrees would have by
 * chance.
 *
 * The result is a function of the graph, the resolution, the seed and the
 * number of the start alone. One call runs on one lane; several lanes may work
 * on one graph, each with work of its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_LEIDEN_H
#define SC_LEIDEN_H

#include "core/base/arena.h"
#include "core/base/pool.h"

/* Without loops and without direction: each edge stands at both of its ends. */
typedef struct sc_graph
{
	int n;			  /* nodes */
	size_t room;	  /* of target and weight */
	size_t *start;	  /* (n + 1): the edges of node i are start[i] ... start[i + 1] - 1 */
	uint32_t *target; /* (start[n]) */
	double *weight;	  /* (start[n]), above 0 */
	double *degree;	  /* (n): what node i weighs; of a graph as it was given, the sum of its edges */
	double total;	  /* of degree */
} sc_graph;

/* Take the memory of a graph of at most n nodes and `room` entries of edges. */
extern void sc_graph_layout(sc_graph *g, int n, size_t room, sc_arena *arena);

/* Set degree and total from the edges. */
extern void sc_graph_weigh(sc_graph *g);

/* What a call works in: graphs of communities, and numbers for each node. */
typedef struct sc_leiden_work
{
	sc_graph level[2];
	int32_t *part;		 /* (n), of the nodes of a level */
	int32_t *refined;	 /* (n), likewise */
	int32_t *above;		 /* (n): the node of the level that a node of the graph is in */
	int32_t *tried;		 /* (n): the membership that an iteration makes */
	double *to;			 /* (n): edges of a node to each community */
	int32_t *touched;	 /* (n): communities with an entry in `to` */
	double *volume;		 /* (n): degrees of a community */
	double *volume_part; /* (n): likewise, of those that are refined */
	double *cut;		 /* (n): edges of a refined community to the rest of what it is in */
	int32_t *size;		 /* (n): nodes of a community */
	int32_t *order;		 /* (n) */
	int32_t *queue;		 /* (n) */
	bool *queued;		 /* (n) */
	double *chance;		 /* (n) */
	int32_t *spare;		 /* (n): empty communities */
} sc_leiden_work;

/* For graphs of at most n nodes and `room` entries of edges. */
extern void sc_leiden_layout(sc_leiden_work *w, int n, size_t room, sc_arena *arena);

/*
 * member (n): the community of each node, 0 ... *count - 1, each with a node.
 * lane: whose stop flag ends it with SC_ABORTED.
 */
extern sc_status sc_leiden(const sc_lane *lane, const sc_graph *g, double resolution, uint64_t seed, int start,
						   sc_leiden_work *w, int32_t *member, int *count);

/*
 * Move nodes between the communities 0 ... count - 1 of member (n) as long as one
 * gains by it. Their number stays: no community loses its last node.
 */
extern sc_status sc_leiden_settle(const sc_lane *lane, const sc_graph *g, double resolution, uint64_t seed, int start,
								  sc_leiden_work *w, int32_t *member, int count);

/*
 * The modularity of communities 0 ... count - 1, each of the nodes' with
 * resolution: 1 at most, 0 for a graph without edges. volume, inside: (count),
 * scratch.
 */
extern double sc_modularity(const sc_graph *g, const int32_t *member, int count, double resolution, double *volume,
							double *inside);

/* Number the communities of member (n), which are below n, from 0 in the order of their first nodes; how many there
 * are. number: (n), scratch. */
extern int sc_communities_number(int32_t *member, int n, int32_t *number);

/* The graph whose nodes are the communities 0 ... count - 1 of g: out, with room for it. to, touched: (count), scratch. */
extern void sc_graph_of_communities(sc_graph *out, const sc_graph *g, const int32_t *member, int count, int32_t *order,
									double *to, int32_t *touched);

#endif /* SC_LEIDEN_H */
