/*-------------------------------------------------------------------------
 *
 * src/core/analytics/neighbour_graph.h
 *	  The graph of which rows are neighbours, from the lists of the nearest.
 *
 * An edge joins two rows where one is among the m nearest of the other (the
 * union: of a row that is near nobody, its own list remains). It weighs 1, or
 * the share of neighbours that the two have in common (Jaccard's index of the
 * lists, each with the row itself; Levine and others, "Data-driven phenotypic
 * dissection of AML reveals progenitor-like cells that correlate with
 * prognosis", Cell 162 (2015)).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_NEIGHBOUR_GRAPH_H
#define SC_NEIGHBOUR_GRAPH_H

#include "core/analytics/leiden.h"

/* Entries of edges that the graph of n rows with m neighbours has at most. */
static inline size_t
sc_neighbour_graph_room(size_t n, int m)
{
	return sc_mul(n, sc_mul(2, (size_t) m));
}

/*
 * g, with room for it: of n rows whose m nearest are in near (n, stride),
 * nearest first, without the row itself.
 */
extern void sc_neighbour_graph(sc_graph *g, const uint32_t *near, int n, int m, int stride, bool jaccard);

#endif /* SC_NEIGHBOUR_GRAPH_H */
