/*-------------------------------------------------------------------------
 *
 * src/core/analytics/neighbour_graph.c
 *	  The graph of which rows are neighbours, from the lists of the nearest.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/neighbour_graph.h"

#include <string.h>

static bool
is_in(const uint32_t *list, int m, uint32_t row)
{
	for (int i = 0; i < m; i++)
		if (list[i] == row)
			return true;
	return false;
}

/* a, b: the lists of rows i and j. */
static double
jaccard_index(const uint32_t *a, uint32_t i, const uint32_t *b, uint32_t j, int m)
{
	int common = is_in(a, m, j) + is_in(b, m, i);

	for (int t = 0; t < m; t++)
		common += is_in(b, m, a[t]);
	/* Each of the two sets has m + 1 rows. */
	return (double) common / (2 * (m + 1) - common);
}

void
sc_neighbour_graph(sc_graph *g, const uint32_t *near, int n, int m, int stride, bool jaccard)
{
	size_t s = (size_t) stride;
	size_t at = 0;

	SC_ASSERT(g->room >= sc_neighbour_graph_room((size_t) n, m) && m >= 1 && m <= stride);
	g->n = n;
	memset(g->start, 0, ((size_t) n + 1) * sizeof(size_t));
	for (uint32_t i = 0; i < (uint32_t) n; i++)
		for (int t = 0; t < m; t++)
		{
			uint32_t j = near[i * s + t];

			g->start[i]++;
			if (!is_in(near + j * s, m, i))
				g->start[j]++;
		}
	for (int i = 0; i <= n; i++)
	{
		size_t count = g->start[i];

		g->start[i] = at;
		at += count;
	}
	for (uint32_t i = 0; i < (uint32_t) n; i++)
		for (int t = 0; t < m; t++)
		{
			uint32_t j = near[i * s + t];
			double weight = jaccard ? jaccard_index(near + i * s, i, near + j * s, j, m) : 1;

			g->target[g->start[i]] = j;
			g->weight[g->start[i]++] = weight;
			if (!is_in(near + j * s, m, i))
			{
				g->target[g->start[j]] = i;
				g->weight[g->start[j]++] = weight;
			}
		}
	/* Each start has moved to the next one. */
	memmove(g->start + 1, g->start, (size_t) n * sizeof(size_t));
	g->start[0] = 0;
	sc_graph_weigh(g);
}
