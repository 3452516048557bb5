/*-------------------------------------------------------------------------
 *
 * src/core/analytics/groups_stability.c
 *	  Do samples of the rows fall into the same groups as all of them?
 *
 * Modularity above chance is not enough: rows that spread evenly over a sheet
 * or along curves fall into compact parts, which have many edges inside, and
 * each sample cuts them elsewhere. Groups that are there are found again.
 *
 * (The idea is that of Ben-Hur, Elisseeff and Guyon, "A stability based method
 * for discovering structure in clustered data", Pac. Symp. Biocomput. 2002.
 * Agreement is the adjusted Rand index; a sample lacks a fifth of the rows.)
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/groups_parts.h"

#include <string.h>

#include "core/analytics/measures.h"

/* Samples, each of which lacks another share of one in so many. */
#define FOLDS 5

static bool
left_out(int node, int fold)
{
	return node % FOLDS == fold;
}

/* Exchange what is at hand: the sample's rows, and those of which a fold is looked at. By one lane. */
static void
exchange_rows(sc_groups_work *w)
{
	float *x = w->x;

	w->x = w->points;
	w->points = x;
}

/* The graph at hand becomes that of a fold's rows, and x these. Ends with a barrier. */
static sc_status
take_fold(const sc_lane *lane, sc_groups *g, int fold)
{
	sc_groups_work *w = g->work;
	size_t row = g->d * sizeof(float);

	if (lane->index == 0)
	{
		int kept = 0;

		for (int i = 0; i < w->s; i++)
			if (!left_out(i, fold))
				memcpy(w->points + (size_t) kept++ * g->d, w->x + (size_t) i * g->d, row);
		exchange_rows(w);
		w->s = kept;
		w->m = SC_MIN(w->m, kept - 1);
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(sc_groups_find_near(lane, g, w->x, w->drawn, w->m));
	if (lane->index == 0)
		sc_neighbour_graph(&w->graph, w->drawn, w->s, w->m, w->m, g->jaccard);
	return sc_lane_barrier(lane);
}

/* How well the communities at hand, of a fold, agree with those that are kept. By one lane. */
static double
agreement(const sc_groups_work *w, const sc_partition *all, int nodes, int fold)
{
	int32_t *here = w->lane[0].size, *count = w->lane[0].number;
	sc_rand_pairs pairs = {0};

	memset(here, 0, w->chosen.count * sizeof(int32_t));
	for (int i = 0; i < w->s; i++)
		here[w->chosen.member[i]]++;
	for (int c = 0; c < w->chosen.count; c++)
		pairs.columns += sc_pairs(here[c]);
	for (int group = 0; group < all->count; group++)
	{
		int place = 0, size = 0;

		memset(count, 0, w->chosen.count * sizeof(int32_t));
		for (int i = 0; i < nodes; i++)
		{
			if (left_out(i, fold))
				continue;
			if (all->member[i] == group)
			{
				count[w->chosen.member[place]]++;
				size++;
			}
			place++;
		}
		pairs.rows += sc_pairs(size);
		for (int c = 0; c < w->chosen.count; c++)
			pairs.together += sc_pairs(count[c]);
	}
	pairs.all = sc_pairs(w->s);
	return sc_adjusted_rand(&pairs);
}

/* As many communities of a fold as there are of all; as many as it has where nothing but stability is wanted. */
static sc_status
cut_fold(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;

	if (!g->only_stability)
		return sc_groups_cut(lane, g, w->kept.count);
	return sc_groups_best_of_all(lane, g, g->resolution, g->starts, sc_groups_smallest(w->s, w->m, 0), &w->chosen);
}

sc_status
sc_groups_find_stability(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;
	int nodes = w->s, neighbours = w->m;

	/* So few rows have no fold that says anything. */
	if (nodes < 2 * FOLDS || w->chosen.count < 2)
		return SC_OK;
	/* All lanes have seen how many nodes there are. */
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		sc_groups_copy_partition(&w->kept, &w->chosen, nodes);
		g->own.stability = 0;
	}
	for (int fold = 0; fold < FOLDS; fold++)
	{
		SC_TRY(take_fold(lane, g, fold));
		SC_TRY(cut_fold(lane, g));
		if (lane->index == 0)
		{
			g->own.stability += agreement(w, &w->kept, nodes, fold) / FOLDS;
			exchange_rows(w);
			w->s = nodes;
			w->m = neighbours;
		}
		SC_TRY(sc_lane_barrier(lane));
	}
	if (lane->index == 0)
	{
		sc_groups_copy_partition(&w->chosen, &w->kept, nodes);
		sc_neighbour_graph(&w->graph, w->near, nodes, neighbours, neighbours, g->jaccard);
	}
	return sc_lane_barrier(lane);
}
