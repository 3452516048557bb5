/*-------------------------------------------------------------------------
 *
 * src/core/analytics/groups_curve.c
 *	  Modularity by the number of communities, beside that of points without
 *	  groups: which number it is, and how clearly.
 *
 * (The idea is that of the gap statistic: Tibshirani, Walther and Hastie, J. R.
 * Statist. Soc. B 63 (2001). Modularity itself, not the gap, decides where it
 * is above chance: the gap hardly falls beyond the number of groups.)
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/groups_parts.h"

#include <math.h>
#include <string.h>

/* From resolution FIRST on, each step so many times the one before: about 2 communities to twice as many as 1 gives. */
#define FIRST 0.12
#define RATIO 1.3

/* Starts of a resolution. */
#define STARTS 2

/* Numbers are about as good as the one that is taken where what decides is less by no more than this. */
#define ABOUT 0.01

/*
 * Groups that add no more of the modularity than this share of it are none of
 * their own: 600 digits have 11 to 13 by the largest, which add 0.0005 to 0.0016
 * of 0.87 to 0.89 to that of ten. Joining two of k groups costs 2 / k^2 where no
 * edge is between them, so with many of them it is half of that at most.
 */
#define SLACK 0.002

static double
resolution_of(int step)
{
	return FIRST * pow(RATIO, step);
}

/* Put a number of communities and its modularity in its place; of two modularities of one number the larger stays. */
static void
add_point(sc_groups_curve *curve, int k, double modularity)
{
	int at = 0;

	while (at < curve->points && curve->k[at] < k)
		at++;
	if (at < curve->points && curve->k[at] == k)
	{
		curve->modularity[at] = SC_MAX(curve->modularity[at], modularity);
		return;
	}
	memmove(curve->k + at + 1, curve->k + at, (curve->points - at) * sizeof(int));
	memmove(curve->modularity + at + 1, curve->modularity + at, (curve->points - at) * sizeof(double));
	curve->k[at] = k;
	curve->modularity[at] = modularity;
	curve->points++;
}

/* One community has none. */
static void
begin_curve(sc_groups_curve *curve)
{
	curve->points = 0;
	add_point(curve, 1, 0);
}

/* The curve at any k: on the line between two points, and beyond the last as there. */
static double
curve_at(const sc_groups_curve *curve, int k)
{
	int at = 0;
	double share;

	while (at < curve->points && curve->k[at] < k)
		at++;
	if (at == curve->points)
		return curve->modularity[at - 1];
	if (curve->k[at] == k)
		return curve->modularity[at];
	share = (double) (k - curve->k[at - 1]) / (curve->k[at] - curve->k[at - 1]);
	return curve->modularity[at - 1] + share * (curve->modularity[at] - curve->modularity[at - 1]);
}

/* The best communities with the resolution of a step: own->best, and their modularity with resolution 1. */
static sc_status
find_point(const sc_lane *lane, const sc_groups *g, const sc_graph *graph, int step, sc_groups_lane *own,
		   double *modularity)
{
	SC_TRY(sc_groups_best(lane, g, graph, resolution_of(step), STARTS, sc_groups_smallest(g->work->s, g->work->m, 0),
						  own));
	*modularity = sc_modularity(graph, own->best.member, own->best.count, 1, own->volume, own->inside);
	return SC_OK;
}

sc_status
sc_groups_find_curve(const sc_lane *lane, const sc_groups *g, const sc_graph *graph, sc_groups_lane *own,
					 sc_groups_curve *curve)
{
	begin_curve(curve);
	for (int step = 0; step < SC_GROUPS_STEPS; step++)
	{
		double modularity;

		SC_TRY(find_point(lane, g, graph, step, own, &modularity));
		add_point(curve, own->best.count, modularity);
	}
	return SC_OK;
}

/* The curve of the graph at hand, by all lanes. Ends with a barrier. */
static sc_status
find_own_curve(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;

	for (int step = lane->index; step < SC_GROUPS_STEPS; step += lane->count)
	{
		SC_TRY(find_point(lane, g, &w->graph, step, &w->lane[lane->index], &w->step_modularity[step]));
		w->step_k[step] = w->lane[lane->index].best.count;
	}
	SC_TRY(sc_lane_barrier(lane));
	if (lane->index == 0)
	{
		begin_curve(&g->curve);
		for (int step = 0; step < SC_GROUPS_STEPS; step++)
			add_point(&g->curve, w->step_k[step], w->step_modularity[step]);
		add_point(&g->curve, w->chosen.count, w->chosen.quality);
	}
	return sc_lane_barrier(lane);
}

/* What chance gives for k communities, on average; the largest of the draws into *largest. */
static double
chance_at(const sc_groups_work *w, int k, double *largest)
{
	double sum = 0;

	*largest = -INFINITY;
	for (int i = 0; i < SC_GROUPS_DRAWS; i++)
	{
		double here = curve_at(&w->draws[i], k);

		sum += here;
		*largest = SC_MAX(*largest, here);
	}
	return sum / SC_GROUPS_DRAWS;
}

static double
gap_at(const sc_groups_work *w, const sc_groups_curve *curve, int k)
{
	double unused;

	return curve_at(curve, k) - chance_at(w, k, &unused);
}

/* The number of communities of a curve that is farthest above chance; how far into *gap. */
static int
farthest(const sc_groups_work *w, const sc_groups_curve *curve, double *gap)
{
	int best = 1;

	*gap = 0;
	for (int i = 0; i < curve->points; i++)
	{
		double here = gap_at(w, curve, curve->k[i]);

		if (here > *gap)
		{
			*gap = here;
			best = curve->k[i];
		}
	}
	return best;
}

/* What chance gives for each number of the curve. */
static void
find_chance_curve(sc_groups *g)
{
	g->chance_curve = g->curve;
	for (int i = 0; i < g->curve.points; i++)
		(void) chance_at(g->work, g->curve.k[i], &g->chance_curve.modularity[i]);
}

/* The least number whose modularity is next to the largest; of another resolution than 1 the number that it gave. */
static int
fewest(const sc_groups *g)
{
	const sc_partition *best = &g->work->chosen;
	double slack = SC_MIN(SLACK * best->quality, 1 / ((double) best->count * best->count));

	for (int i = 0; g->resolution == 1 && i < g->curve.points && g->curve.k[i] < best->count; i++)
		if (best->quality - g->curve.modularity[i] <= slack)
			return g->curve.k[i];
	return best->count;
}

/* The number: that of about the largest modularity, unless only another one is above chance. By one lane. */
static void
choose_number(sc_groups *g)
{
	sc_groups_work *w = g->work;
	sc_groups_own *own = &g->own;
	double largest, gap;
	int far = farthest(w, &g->curve, &gap);
	bool by_gap;

	own->k = fewest(g);
	(void) chance_at(w, w->chosen.count, &largest);
	by_gap = w->chosen.quality <= largest;
	for (int i = 0; by_gap && i < SC_GROUPS_DRAWS; i++)
	{
		double drawn;

		(void) farthest(w, &w->draws[i], &drawn);
		by_gap = gap > drawn;
	}
	if (by_gap)
		own->k = far;
	own->low = own->high = own->k;
	for (int i = 0; i < g->curve.points; i++)
	{
		int k = g->curve.k[i];
		double loss = by_gap ? gap - gap_at(w, &g->curve, k) : w->chosen.quality - g->curve.modularity[i];

		if (loss <= ABOUT)
		{
			own->low = SC_MIN(own->low, k);
			own->high = SC_MAX(own->high, k);
		}
	}
	/* What other samples say is the largest modularity's alone. */
	for (int i = 0; !by_gap && i < w->samples; i++)
	{
		own->low = SC_MIN(own->low, w->sample_k[i]);
		own->high = SC_MAX(own->high, w->sample_k[i]);
	}
	own->modularity = curve_at(&g->curve, own->k);
	(void) chance_at(w, own->k, &own->chance);
}

sc_status
sc_groups_judge(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;

	SC_TRY(find_own_curve(lane, g));
	if (lane->index == 0)
	{
		find_chance_curve(g);
		choose_number(g);
	}
	SC_TRY(sc_lane_barrier(lane));
	/* The graph's own communities are those of its number. */
	if (g->own.k != w->chosen.count)
		SC_TRY(sc_groups_cut(lane, g, g->own.k));
	return sc_lane_barrier(lane);
}
