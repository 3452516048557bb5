/*-------------------------------------------------------------------------
 *
 * src/core/analytics/groups_join.c
 *	  Joining communities that are too small, or too many.
 *
 * Each join looks at all edges between communities again. That is slow only
 * where hundreds are to be joined, and then takes a fraction of a second.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/groups_parts.h"

#include <math.h>
#include <string.h>

#include "core/base/distance.h"

/* The communities of p as a graph, and their sizes. */
static void
look(const sc_graph *graph, const sc_partition *p, sc_groups_lane *own)
{
	sc_graph_of_communities(&own->communities, graph, p->member, p->count, own->order, own->to, own->number);
	memset(own->size, 0, p->count * sizeof(int32_t));
	for (int i = 0; i < graph->n; i++)
		own->size[p->member[i]]++;
}

/* What modularity gains, times half of the total, when two communities are joined that have an edge of this weight. */
static double
gain(const sc_graph *c, int a, int b, double weight)
{
	return weight - c->degree[a] * c->degree[b] / c->total;
}

/* The neighbour whose joining with community a gains most; -1: it has none. */
static int
best_neighbour(const sc_graph *c, int a, double *most)
{
	int best = -1;

	*most = -INFINITY;
	for (size_t e = c->start[a]; e < c->start[a + 1]; e++)
	{
		double here = gain(c, a, (int) c->target[e], c->weight[e]);

		if (here > *most)
		{
			*most = here;
			best = (int) c->target[e];
		}
	}
	return best;
}

/* The mean of community c: out (d). Its nodes are in own->order from *at on, which is moved on. */
static void
find_centre(const sc_groups *g, const sc_partition *p, const sc_groups_lane *own, int c, int *at, double *out)
{
	memset(out, 0, g->d * sizeof(double));
	for (; *at < g->work->s && p->member[own->order[*at]] == c; (*at)++)
		sc_distance()->add_row(out, g->work->x + (size_t) own->order[*at] * g->d, g->d);
	for (int j = 0; j < g->d; j++)
		out[j] /= own->size[c];
}

/* The community, other than a, whose mean is nearest to that of a. own->order has the nodes by community. */
static int
nearest_centre(const sc_groups *g, const sc_partition *p, sc_groups_lane *own, int a)
{
	double *mine = own->centre, *other = own->centre + g->d;
	double least = INFINITY;
	int best = -1;
	int at = 0;

	for (int c = 0; c < a; c++)
		at += own->size[c];
	find_centre(g, p, own, a, &at, mine);
	at = 0;
	for (int c = 0; c < p->count; c++)
	{
		double distance = 0;

		find_centre(g, p, own, c, &at, other);
		for (int j = 0; j < g->d; j++)
			distance += (mine[j] - other[j]) * (mine[j] - other[j]);
		if (c != a && distance < least)
		{
			least = distance;
			best = c;
		}
	}
	return best;
}

/* The smallest community with fewer than `smallest` nodes, the first of several; -1: there is none. */
static int
find_small(const sc_partition *p, const sc_groups_lane *own, int smallest)
{
	int best = -1;

	for (int c = 0; c < p->count; c++)
		if (own->size[c] < smallest && (best < 0 || own->size[c] < own->size[best]))
			best = c;
	return best;
}

/*
 * The pair to join first: *b gains most with *a. Of communities without an edge
 * only the lightest is looked at, which loses least wherever it goes.
 */
static void
find_pair(const sc_groups *g, const sc_partition *p, sc_groups_lane *own, int *a, int *b)
{
	const sc_graph *c = &own->communities;
	double most = -INFINITY;
	int alone = -1;

	for (int i = 0; i < p->count; i++)
	{
		double here;
		int j = best_neighbour(c, i, &here);

		if (j < 0 && (alone < 0 || c->degree[i] < c->degree[alone]))
			alone = i;
		if (j >= 0 && here > most)
		{
			most = here;
			*a = i;
			*b = j;
		}
	}
	if (alone >= 0)
	{
		int j = nearest_centre(g, p, own, alone);

		if (gain(c, alone, j, 0) > most)
		{
			*a = alone;
			*b = j;
		}
	}
}

static void
join(sc_partition *p, int n, int a, int b, int32_t *number)
{
	for (int i = 0; i < n; i++)
		if (p->member[i] == a)
			p->member[i] = b;
	p->count = sc_communities_number(p->member, n, number);
}

sc_status
sc_groups_join(const sc_lane *lane, const sc_groups *g, const sc_graph *graph, sc_partition *p, int smallest, int most,
			   sc_groups_lane *own)
{
	while (p->count > 1)
	{
		int a = -1, b = -1;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		look(graph, p, own);
		a = find_small(p, own, smallest);
		if (a >= 0)
		{
			double unused;

			b = best_neighbour(&own->communities, a, &unused);
			if (b < 0)
				b = nearest_centre(g, p, own, a);
		}
		else if (p->count > most)
			find_pair(g, p, own, &a, &b);
		else
			break;
		join(p, graph->n, a, b, own->number);
	}
	return SC_OK;
}
