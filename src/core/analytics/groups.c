/*-------------------------------------------------------------------------
 *
 * src/core/analytics/groups.c
 *	  The job of groups.h: samples and their graphs, the number, the labels.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/groups.h"

#include <math.h>
#include <string.h>

#include "core/analytics/groups_parts.h"
#include "core/analytics/space.h"
#include "core/base/distance.h"

/* A sample holds so many rows for each group that is asked for. */
#define SAMPLE_GROUP_ROWS 4

/* Rows between two looks at the stop flag. */
#define STOP_ROWS 64

/* ---- memory ------------------------------------------------------------------------- */

static void
lane_layout(const sc_groups *g, sc_groups_lane *l, size_t room, sc_arena *arena)
{
	int n = g->work->most;

	sc_graph_layout(&l->graph, n, room, arena);
	sc_leiden_layout(&l->leiden, n, room, arena);
	l->tried.member = SC_TAKE(arena, int32_t, n);
	l->best.member = SC_TAKE(arena, int32_t, n);
	sc_graph_layout(&l->communities, n, room, arena);
	l->order = SC_TAKE(arena, int32_t, n);
	l->number = SC_TAKE(arena, int32_t, n);
	l->size = SC_TAKE(arena, int32_t, n);
	l->to = SC_TAKE(arena, double, n);
	l->volume = SC_TAKE(arena, double, n);
	l->inside = SC_TAKE(arena, double, n);
	l->centre = SC_TAKE(arena, double, sc_mul(2, g->d));
}

void
sc_groups_layout(sc_groups *g, sc_arena *arena)
{
	sc_groups_work *place = SC_TAKE(arena, sc_groups_work, 1);
	sc_groups_work w = {.judged = (g->judge || g->k == 0) && !g->only_stability};
	size_t most = SC_MAX(SC_GROUPS_SAMPLE, sc_mul(SAMPLE_GROUP_ROWS, g->k));
	size_t points, room;

	SC_ASSERT(g->n >= 1 && g->n <= UINT32_MAX && g->d >= 1 && g->k >= 0 && (size_t) g->k <= g->n);
	SC_ASSERT(g->starts >= 1 && g->resolution > 0 && g->lanes >= 1 && !(g->only_stability && g->k > 0));
	g->work = &w;
	most = SC_MIN(most, g->n);
	w.most = (int) most;
	w.stride = g->neighbours > 0 ? g->neighbours : SC_GROUPS_MOST_NEIGHBOURS;
	points = sc_mul(most, g->d);
	room = sc_neighbour_graph_room(most, w.stride);
	g->labels = SC_TAKE(arena, int32_t, g->n);
	w.order = (sc_row_order){.n = g->n, .d = g->d, .rows = g->rows};
	sc_row_order_layout(&w.order, arena);
	w.first = SC_TAKE(arena, uint32_t, g->n);
	w.x = SC_TAKE(arena, float, points);
	w.points = SC_TAKE(arena, float, points);
	w.near = SC_TAKE(arena, uint32_t, sc_mul(most, w.stride));
	sc_graph_layout(&w.graph, w.most, room, arena);
	w.chosen.member = SC_TAKE(arena, int32_t, most);
	w.kept.member = SC_TAKE(arena, int32_t, most);
	w.above.member = SC_TAKE(arena, int32_t, most);
	w.knn =
		(sc_knn){.n = most, .d = g->d, .rows = w.x, .k = w.stride, .leave_out = true, .most = most, .lanes = g->lanes};
	sc_knn_layout(&w.knn, arena);
	w.lane = SC_TAKE(arena, sc_groups_lane, g->lanes);
	for (int l = 0; l < g->lanes; l++)
	{
		sc_groups_lane own;

		lane_layout(g, &own, room, arena);
		if (w.lane != NULL && sc_arena_ok(arena))
			w.lane[l] = own;
	}
	w.community = SC_TAKE(arena, int32_t, g->n);
	w.sizes = SC_TAKE(arena, int64_t, most);
	w.rank = SC_TAKE(arena, int32_t, most);
	if (w.judged || g->only_stability)
		sc_groups_chance_layout(g, arena);
	/* In an arena that only counts there is nothing to write to. */
	g->work = place;
	if (place != NULL)
		*place = w;
}

/* ---- a sample and its graph ----------------------------------------------------------- */

sc_status
sc_groups_find_near(const sc_lane *lane, sc_groups *g, const float *rows, uint32_t *near, int found)
{
	sc_groups_work *w = g->work;
	sc_knn *knn = &w->knn;
	size_t begin, end;

	if (lane->index == 0)
	{
		knn->n = knn->m = knn->candidates.n = (size_t) w->s;
		knn->rows = knn->queries = knn->candidates.rows = rows;
		knn->k = knn->found = found;
		knn->first = 0;
		knn->candidates.ready = false;
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(sc_knn_run(lane, knn));
	SC_TRY(sc_lane_barrier(lane));
	sc_shard_range((size_t) w->s * found, lane->count, lane->index, &begin, &end);
	memcpy(near + begin, knn->index + begin, (end - begin) * sizeof(uint32_t));
	return sc_lane_barrier(lane);
}

/* Which group of equal rows is node i of the sample? They are spread over the order, each sample's between the others'. */
static size_t
node_group(const sc_groups *g, int i)
{
	const sc_groups_work *w = g->work;

	return (size_t) (((double) i + (double) w->sample / w->samples) * ((double) g->distinct / w->s));
}

/* The rows of sample number `sample`, and the graph. Ends with a barrier. */
static sc_status
take_sample(const sc_lane *lane, sc_groups *g, int sample)
{
	sc_groups_work *w = g->work;
	size_t d = (size_t) g->d;

	if (lane->index == 0)
	{
		int m = g->neighbours > 0 ? g->neighbours : sc_groups_neighbours(w->s);

		w->sample = sample;
		w->m = SC_MIN(m, w->s - 1);
	}
	SC_TRY(sc_lane_barrier(lane));
	for (int i = lane->index; i < w->s; i += lane->count)
	{
		const float *row = g->rows + w->order.row[w->first[node_group(g, i)]] * d;

		if (i / lane->count % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		if (g->cosine)
			(void) sc_space_normalize(w->x + i * d, row, g->d);
		else
			memcpy(w->x + i * d, row, d * sizeof(float));
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(sc_groups_find_near(lane, g, w->x, w->near, w->m));
	if (lane->index == 0)
		sc_neighbour_graph(&w->graph, w->near, w->s, w->m, w->m, g->jaccard);
	return sc_lane_barrier(lane);
}

/* ---- the number of groups --------------------------------------------------------------- */

/* chosen: the communities of largest modularity. Ends with a barrier. */
static sc_status
find_largest(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;

	return sc_groups_best_of_all(lane, g, g->resolution, g->starts, sc_groups_smallest(w->s, w->m, 0), &w->chosen);
}

static int
compare_ints(const int *a, const int *b)
{
	return *a < *b ? -1 : *a > *b;
}

/* The sample whose number of communities is the median: the first of these. */
static int
median_sample(const sc_groups_work *w)
{
	int sorted[SC_GROUPS_SAMPLES];

	for (int i = 0; i < w->samples; i++)
	{
		int j = i;

		for (; j > 0 && compare_ints(&w->sample_k[i], &sorted[j - 1]) < 0; j--)
			sorted[j] = sorted[j - 1];
		sorted[j] = w->sample_k[i];
	}
	for (int i = 0; i < w->samples; i++)
		if (w->sample_k[i] == sorted[w->samples / 2])
			return i;
	return 0;
}

/* The sample that has the median of the numbers of communities, and its communities. Ends with a barrier. */
static sc_status
choose_sample(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;
	int median;

	for (int i = 0; i < w->samples; i++)
	{
		SC_TRY(take_sample(lane, g, i));
		SC_TRY(find_largest(lane, g));
		if (lane->index == 0)
			w->sample_k[i] = w->chosen.count;
		SC_TRY(sc_lane_barrier(lane));
	}
	/* The last one is at hand. */
	median = median_sample(w);
	if (median == w->samples - 1)
		return SC_OK;
	SC_TRY(take_sample(lane, g, median));
	return find_largest(lane, g);
}

/* ---- labels ----------------------------------------------------------------------------- */

/* points: the means of the communities, (count, d). By one lane. */
static void
find_means(sc_groups *g)
{
	sc_groups_work *w = g->work;
	double *sum = w->lane[0].centre;

	for (int c = 0; c < w->chosen.count; c++)
	{
		int64_t size = 0;

		memset(sum, 0, g->d * sizeof(double));
		for (int i = 0; i < w->s; i++)
			if (w->chosen.member[i] == c)
			{
				sc_distance()->add_row(sum, w->x + (size_t) i * g->d, g->d);
				size++;
			}
		for (int j = 0; j < g->d; j++)
			w->points[(size_t) c * g->d + j] = (float) (sum[j] / (double) size);
	}
}

/* community of the groups of equal rows outside the sample: that of the nearest mean. Ends with a barrier. */
static sc_status
label_others(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;
	float *unit = (float *) w->lane[lane->index].centre;
	size_t begin, end;

	sc_shard_range(g->distinct, lane->count, lane->index, &begin, &end);
	for (size_t i = begin; i < end; i++)
	{
		const float *row = g->rows + (size_t) w->order.row[w->first[i]] * g->d;
		double least = INFINITY;

		if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		if (w->community[i] >= 0)
			continue;
		if (g->cosine)
		{
			(void) sc_space_normalize(unit, row, g->d);
			row = unit;
		}
		for (int c = 0; c < w->chosen.count; c++)
		{
			double distance = sc_distance()->distance2(row, w->points + (size_t) c * g->d, g->d);

			if (distance < least)
			{
				least = distance;
				w->community[i] = c;
			}
		}
	}
	return sc_lane_barrier(lane);
}

/* labels: communities by the number of their rows, the largest first, of equal ones the first. By one lane. */
static void
number_labels(sc_groups *g)
{
	sc_groups_work *w = g->work;
	int k = w->chosen.count;
	int *by_size = w->lane[0].order;

	memset(w->sizes, 0, k * sizeof(int64_t));
	for (size_t i = 0; i < g->n; i++)
		w->sizes[w->community[w->order.group[i]]]++;
	for (int c = 0; c < k; c++)
	{
		int i = c;

		for (; i > 0 && w->sizes[c] > w->sizes[by_size[i - 1]]; i--)
			by_size[i] = by_size[i - 1];
		by_size[i] = c;
	}
	for (int i = 0; i < k; i++)
		w->rank[by_size[i]] = i;
	for (size_t i = 0; i < g->n; i++)
		g->labels[w->order.row[i]] = w->rank[w->community[w->order.group[i]]];
	g->found = k;
}

static sc_status
label(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;

	if (lane->index == 0)
	{
		for (size_t i = 0; i < g->distinct; i++)
			w->community[i] = -1;
		for (int i = 0; i < w->s; i++)
			w->community[node_group(g, i)] = w->chosen.member[i];
		if (g->distinct > (size_t) w->s)
			find_means(g);
	}
	SC_TRY(sc_lane_barrier(lane));
	SC_TRY(label_others(lane, g));
	if (lane->index == 0)
	{
		number_labels(g);
		g->modularity =
			sc_modularity(&w->graph, w->chosen.member, w->chosen.count, 1, w->lane[0].volume, w->lane[0].inside);
	}
	return sc_lane_barrier(lane);
}

/* ---- the job ------------------------------------------------------------------------------ */

/* The order of the rows, and what it says about samples. By all lanes. */
static sc_status
prepare(const sc_lane *lane, sc_groups *g)
{
	sc_groups_work *w = g->work;

	SC_TRY(sc_row_order_find(lane, &w->order));
	if (lane->index == 0)
	{
		g->distinct = w->order.distinct;
		for (size_t i = g->n; i-- > 0;)
			w->first[w->order.group[i]] = (uint32_t) i;
		w->s = (int) SC_MIN(g->distinct, (size_t) w->most);
		w->samples = g->distinct > (size_t) w->s ? SC_GROUPS_SAMPLES : 1;
		g->modularity = 0;
		g->own = (sc_groups_own){.stability = 1};
		g->curve.points = g->chance_curve.points = 0;
		for (int l = 0; l < lane->count; l++)
			memset(w->lane[l].to, 0, w->s * sizeof(double));
	}
	return sc_lane_barrier(lane);
}

/* A single distinct row is a group. By one lane. */
static void
all_equal(sc_groups *g)
{
	memset(g->labels, 0, g->n * sizeof(int32_t));
	g->found = 1;
	g->own = (sc_groups_own){.k = 1, .low = 1, .high = 1, .stability = 1};
}

sc_status
sc_groups_run(const sc_lane *lane, void *arg)
{
	sc_groups *g = arg;
	sc_groups_work *w = g->work;

	SC_ASSERT(lane->count <= g->lanes);
	SC_TRY(prepare(lane, g));
	if (w->s == 1)
	{
		if (lane->index == 0)
			all_equal(g);
		return SC_OK;
	}
	if (w->judged)
	{
		SC_TRY(choose_sample(lane, g));
		SC_TRY(sc_groups_draw(lane, g));
		SC_TRY(sc_groups_judge(lane, g));
		SC_TRY(sc_groups_find_stability(lane, g));
	}
	else
	{
		SC_TRY(take_sample(lane, g, 0));
		if (g->only_stability)
		{
			SC_TRY(find_largest(lane, g));
			SC_TRY(sc_groups_find_stability(lane, g));
		}
	}
	if (g->k > 0)
		SC_TRY(sc_groups_cut(lane, g, g->k));
	return label(lane, g);
}
