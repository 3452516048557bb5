/*-------------------------------------------------------------------------
 *
 * src/core/analytics/leiden.c
 *	  Leiden: Louvain's moves, each level refined before it is aggregated.
 *
 * Gains are in units of edge weight: a node v of degree k(v) that joins
 * community C gains w(v, C) - resolution k(v) k(C) / 2M.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/leiden.h"

#include <math.h>
#include <string.h>

#include "core/base/rng.h"

/* A gain below this share of the mean degree is rounding. */
#define NO_GAIN 1e-10

/* How random a refinement is, as a share of the mean degree; the paper's theta. */
#define THETA 0.01

/* Iterations, each from the communities of the last one; two or three are usual. */
#define MAX_ITERATIONS 20

/* The random streams of a start. */
#define STREAM_LEIDEN UINT64_C(0x6C656964656E)

/* Nodes between two looks at the stop flag. */
#define STOP_NODES 1024

void
sc_graph_layout(sc_graph *g, int n, size_t room, sc_arena *arena)
{
	g->room = room;
	g->start = SC_TAKE(arena, size_t, (size_t) n + 1);
	g->target = SC_TAKE(arena, uint32_t, room);
	g->weight = SC_TAKE(arena, double, room);
	g->degree = SC_TAKE(arena, double, n);
}

void
sc_graph_weigh(sc_graph *g)
{
	g->total = 0;
	for (int i = 0; i < g->n; i++)
	{
		g->degree[i] = 0;
		for (size_t e = g->start[i]; e < g->start[i + 1]; e++)
			g->degree[i] += g->weight[e];
		g->total += g->degree[i];
	}
}

void
sc_leiden_layout(sc_leiden_work *w, int n, size_t room, sc_arena *arena)
{
	for (int i = 0; i < 2; i++)
		sc_graph_layout(&w->level[i], n, room, arena);
	w->part = SC_TAKE(arena, int32_t, n);
	w->refined = SC_TAKE(arena, int32_t, n);
	w->above = SC_TAKE(arena, int32_t, n);
	w->tried = SC_TAKE(arena, int32_t, n);
	w->to = SC_TAKE(arena, double, n);
	w->touched = SC_TAKE(arena, int32_t, n);
	w->volume = SC_TAKE(arena, double, n);
	w->volume_part = SC_TAKE(arena, double, n);
	w->cut = SC_TAKE(arena, double, n);
	w->size = SC_TAKE(arena, int32_t, n);
	w->order = SC_TAKE(arena, int32_t, n);
	w->queue = SC_TAKE(arena, int32_t, n);
	w->queued = SC_TAKE(arena, bool, n);
	w->chance = SC_TAKE(arena, double, n);
	w->spare = SC_TAKE(arena, int32_t, n);
}

/* The numbers below n in a random order. */
static void
shuffle(int32_t *order, int n, sc_rng *rng)
{
	for (int i = 0; i < n; i++)
		order[i] = i;
	for (int i = n - 1; i > 0; i--)
	{
		int j = (int) sc_rng_below(rng, (uint64_t) i + 1);
		int32_t t = order[i];

		order[i] = order[j];
		order[j] = t;
	}
}

/*
 * Add up the edges of node v to each community: `to` of those in touched, whose
 * number is returned. within: NULL, or only edges to nodes of the same
 * community of that partition.
 */
static int
add_edges(const sc_graph *g, int v, const int32_t *member, const int32_t *within, double *to, int32_t *touched)
{
	int count = 0;

	for (size_t e = g->start[v]; e < g->start[v + 1]; e++)
	{
		uint32_t u = g->target[e];
		int32_t c = member[u];

		if (within != NULL && within[u] != within[v])
			continue;
		if (to[c] == 0)
			touched[count++] = c;
		to[c] += g->weight[e];
	}
	return count;
}

static void
clear_edges(double *to, const int32_t *touched, int count)
{
	for (int i = 0; i < count; i++)
		to[touched[i]] = 0;
}

/* ---- moves -------------------------------------------------------------------------- */

/* The community of w->part where node v gains most; spare: an empty one, or -1. */
static int
best_community(const sc_graph *g, int v, double resolution, sc_leiden_work *w, int spare)
{
	int own = w->part[v];
	double share = resolution * g->degree[v] / g->total;
	int count = add_edges(g, v, w->part, NULL, w->to, w->touched);
	int best = own;
	double most = w->to[own] - share * (w->volume[own] - g->degree[v]);
	double least = NO_GAIN * g->total / g->n;

	for (int i = 0; i < count; i++)
	{
		int c = w->touched[i];
		double gain = w->to[c] - share * w->volume[c];

		if (c != own && gain > most + least)
		{
			most = gain;
			best = c;
		}
	}
	if (spare >= 0 && 0 > most + least)
		best = spare;
	clear_edges(w->to, w->touched, count);
	return best;
}

/*
 * Move nodes as long as one gains by it, each again when a neighbour has left it
 * (the paper's MoveNodesFast). fixed: the number of communities stays.
 */
static sc_status
move_nodes(const sc_lane *lane, const sc_graph *g, double resolution, bool fixed, sc_rng *rng, sc_leiden_work *w)
{
	int n = g->n;
	int spares = 0;
	int first = 0;
	int waiting = n;
	size_t looked = 0;

	memset(w->volume, 0, n * sizeof(double));
	memset(w->size, 0, n * sizeof(int32_t));
	for (int i = 0; i < n; i++)
	{
		w->volume[w->part[i]] += g->degree[i];
		w->size[w->part[i]]++;
		w->queued[i] = true;
	}
	for (int c = n - 1; c >= 0; c--)
		if (w->size[c] == 0)
			w->spare[spares++] = c;
	shuffle(w->queue, n, rng);
	while (waiting > 0)
	{
		int v = w->queue[first];
		int from = w->part[v];
		bool alone = w->size[from] == 1;
		int to = fixed && alone
					 ? from
					 : best_community(g, v, resolution, w, !fixed && !alone && spares > 0 ? w->spare[spares - 1] : -1);

		if (++looked % STOP_NODES == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		first = first + 1 < n ? first + 1 : 0;
		waiting--;
		w->queued[v] = false;
		if (to == from)
			continue;
		if (w->size[to] == 0)
			spares--;
		w->volume[from] -= g->degree[v];
		w->volume[to] += g->degree[v];
		w->size[to]++;
		w->part[v] = to;
		if (--w->size[from] == 0)
			w->spare[spares++] = from;
		for (size_t e = g->start[v]; e < g->start[v + 1]; e++)
		{
			uint32_t u = g->target[e];

			if (w->queued[u] || w->part[u] == to)
				continue;
			w->queued[u] = true;
			w->queue[first + waiting < n ? first + waiting : first + waiting - n] = (int32_t) u;
			waiting++;
		}
	}
	return SC_OK;
}

/* ---- refinement --------------------------------------------------------------------- */

/* Is a part of weight `volume` with `cut` edges to the rest of its community well connected to it? */
static bool
well_connected(double cut, double volume, double whole, double resolution, double total)
{
	return cut >= resolution * volume * (whole - volume) / total;
}

/*
 * The refined community that node v, alone so far, joins: one of those that are
 * well connected and where it loses nothing, by chance, the likelier the more
 * it gains; or its own.
 */
static int
pick_refined(const sc_graph *g, int v, double resolution, int count, sc_leiden_work *w, sc_rng *rng)
{
	double share = resolution * g->degree[v] / g->total;
	double theta = THETA * g->total / g->n;
	double whole = w->volume[w->part[v]];
	int own = w->refined[v];
	double most = 0, sum = 0, point;

	for (int i = 0; i < count; i++)
	{
		int c = w->touched[i];
		double gain = w->to[c] - share * w->volume_part[c];

		if (c == own || gain < 0 || !well_connected(w->cut[c], w->volume_part[c], whole, resolution, g->total))
			gain = -1;
		w->chance[i] = gain;
		most = SC_MAX(most, gain);
	}
	/* To stay alone gains 0. */
	sum = exp(-most / theta);
	for (int i = 0; i < count; i++)
		if (w->chance[i] >= 0)
			sum += exp((w->chance[i] - most) / theta);
	point = sc_rng_uniform53(rng) * sum;
	for (int i = 0; i < count; i++)
	{
		if (w->chance[i] < 0)
			continue;
		point -= exp((w->chance[i] - most) / theta);
		if (point < 0)
			return w->touched[i];
	}
	return own;
}

/* w->refined: communities within those of w->part, whose volumes are in w->volume. */
static sc_status
refine(const sc_lane *lane, const sc_graph *g, double resolution, sc_rng *rng, sc_leiden_work *w)
{
	int n = g->n;

	for (int v = 0; v < n; v++)
	{
		w->refined[v] = v;
		w->size[v] = 1;
		w->volume_part[v] = g->degree[v];
		w->cut[v] = 0;
		for (size_t e = g->start[v]; e < g->start[v + 1]; e++)
			if (w->part[g->target[e]] == w->part[v])
				w->cut[v] += g->weight[e];
	}
	shuffle(w->order, n, rng);
	for (int i = 0; i < n; i++)
	{
		int v = w->order[i];
		int count, c;

		if (i % STOP_NODES == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		if (w->size[w->refined[v]] != 1 ||
			!well_connected(w->cut[v], g->degree[v], w->volume[w->part[v]], resolution, g->total))
			continue;
		count = add_edges(g, v, w->refined, w->part, w->to, w->touched);
		c = pick_refined(g, v, resolution, count, w, rng);
		if (c != v)
		{
			w->cut[c] += w->cut[v] - 2 * w->to[c];
			w->volume_part[c] += g->degree[v];
			w->size[c]++;
			w->size[v] = 0;
			w->refined[v] = c;
		}
		clear_edges(w->to, w->touched, count);
	}
	return SC_OK;
}

/* ---- levels ------------------------------------------------------------------------- */

int
sc_communities_number(int32_t *member, int n, int32_t *number)
{
	int count = 0;

	for (int i = 0; i < n; i++)
		number[i] = -1;
	for (int i = 0; i < n; i++)
	{
		if (number[member[i]] < 0)
			number[member[i]] = count++;
		member[i] = number[member[i]];
	}
	return count;
}

void
sc_graph_of_communities(sc_graph *out, const sc_graph *g, const int32_t *member, int count, int32_t *order, double *to,
						int32_t *touched)
{
	size_t at = 0;
	int next = 0;

	out->n = count;
	out->total = g->total;
	/* Nodes by community, by counting; until they are placed, start holds where. */
	memset(out->start, 0, ((size_t) count + 1) * sizeof(size_t));
	memset(out->degree, 0, count * sizeof(double));
	for (int i = 0; i < g->n; i++)
	{
		out->start[member[i] + 1]++;
		out->degree[member[i]] += g->degree[i];
	}
	for (int c = 0; c < count; c++)
		out->start[c + 1] += out->start[c];
	for (int i = 0; i < g->n; i++)
		order[out->start[member[i]]++] = i;
	memset(to, 0, count * sizeof(double));
	for (int c = 0; c < count; c++)
	{
		int found = 0;

		for (; next < g->n && member[order[next]] == c; next++)
		{
			int v = order[next];

			for (size_t e = g->start[v]; e < g->start[v + 1]; e++)
			{
				int32_t other = member[g->target[e]];

				if (other == c)
					continue;
				if (to[other] == 0)
					touched[found++] = other;
				to[other] += g->weight[e];
			}
		}
		out->start[c] = at;
		for (int i = 0; i < found; i++, at++)
		{
			out->target[at] = (uint32_t) touched[i];
			out->weight[at] = to[touched[i]];
		}
		clear_edges(to, touched, found);
	}
	out->start[count] = at;
}

/* One level: moves, refinement, and the graph of the next level into *next. *done: no two nodes belong together. */
static sc_status
do_level(const sc_lane *lane, const sc_graph *g, sc_graph *next, double resolution, sc_rng *rng, sc_leiden_work *w,
		 bool *done)
{
	int parts, count;

	SC_TRY(move_nodes(lane, g, resolution, false, rng, w));
	SC_TRY(refine(lane, g, resolution, rng, w));
	parts = sc_communities_number(w->part, g->n, w->queue);
	*done = parts == g->n;
	if (*done)
		return SC_OK;
	count = sc_communities_number(w->refined, g->n, w->queue);
	/* A refinement that joins nothing makes the level no smaller: then the communities themselves are joined. */
	if (count == g->n)
	{
		memcpy(w->refined, w->part, g->n * sizeof(int32_t));
		count = parts;
	}
	sc_graph_of_communities(next, g, w->refined, count, w->order, w->to, w->touched);
	for (int v = 0; v < g->n; v++)
		w->queue[w->refined[v]] = w->part[v];
	return SC_OK;
}

/* w->tried, communities of g, by levels; it begins with those that it has, which are below g->n. */
static sc_status
iterate(const sc_lane *lane, const sc_graph *g, double resolution, sc_rng *rng, sc_leiden_work *w)
{
	const sc_graph *level = g;
	int turn = 0;

	memcpy(w->part, w->tried, g->n * sizeof(int32_t));
	for (int i = 0; i < g->n; i++)
		w->above[i] = i;
	for (;;)
	{
		sc_graph *next = &w->level[turn];
		bool done;

		SC_TRY(do_level(lane, level, next, resolution, rng, w, &done));
		if (done)
			break;
		for (int i = 0; i < g->n; i++)
			w->above[i] = w->refined[w->above[i]];
		memcpy(w->part, w->queue, next->n * sizeof(int32_t));
		level = next;
		turn = 1 - turn;
	}
	for (int i = 0; i < g->n; i++)
		w->tried[i] = w->part[w->above[i]];
	return SC_OK;
}

sc_status
sc_leiden(const sc_lane *lane, const sc_graph *g, double resolution, uint64_t seed, int start, sc_leiden_work *w,
		  int32_t *member, int *count)
{
	sc_rng rng = sc_rng_stream(seed, STREAM_LEIDEN, (uint64_t) start, 0);
	double best = -INFINITY;

	SC_ASSERT(g->n >= 1 && resolution > 0);
	for (int i = 0; i < g->n; i++)
		w->tried[i] = i;
	memset(w->to, 0, g->n * sizeof(double));
	*count = g->n;
	if (!(g->total > 0))
	{
		memcpy(member, w->tried, g->n * sizeof(int32_t));
		return SC_OK;
	}
	for (int i = 0; i < MAX_ITERATIONS; i++)
	{
		double quality;
		int found;

		SC_TRY(iterate(lane, g, resolution, &rng, w));
		found = sc_communities_number(w->tried, g->n, w->queue);
		quality = sc_modularity(g, w->tried, found, resolution, w->volume, w->cut);
		if (quality <= best + NO_GAIN)
			break;
		best = quality;
		*count = found;
		memcpy(member, w->tried, g->n * sizeof(int32_t));
	}
	return SC_OK;
}

sc_status
sc_leiden_settle(const sc_lane *lane, const sc_graph *g, double resolution, uint64_t seed, int start, sc_leiden_work *w,
				 int32_t *member, int count)
{
	sc_rng rng = sc_rng_stream(seed, STREAM_LEIDEN, (uint64_t) start, 1);

	SC_ASSERT(count >= 1 && count <= g->n);
	if (!(g->total > 0))
		return SC_OK;
	memset(w->to, 0, g->n * sizeof(double));
	memcpy(w->part, member, g->n * sizeof(int32_t));
	SC_TRY(move_nodes(lane, g, resolution, true, &rng, w));
	memcpy(member, w->part, g->n * sizeof(int32_t));
	return SC_OK;
}

double
sc_modularity(const sc_graph *g, const int32_t *member, int count, double resolution, double *volume, double *inside)
{
	double sum = 0;

	if (!(g->total > 0))
		return 0;
	memset(volume, 0, count * sizeof(double));
	memset(inside, 0, count * sizeof(double));
	for (int v = 0; v < g->n; v++)
	{
		volume[member[v]] += g->degree[v];
		for (size_t e = g->start[v]; e < g->start[v + 1]; e++)
			if (member[g->target[e]] == member[v])
				inside[member[v]] += g->weight[e];
	}
	for (int c = 0; c < count; c++)
		sum += inside[c] / g->total - resolution * (volume[c] / g->total) * (volume[c] / g->total);
	return sum;
}
