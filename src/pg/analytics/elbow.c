/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/elbow.c
 *	  The number of clusters: the inertia of each number, and the choice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/analytics/elbow.h"
#include "pg/analytics/fit.h"
#include "pg/analytics/silhouette.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

scpg_enum_names scpg_elbow_method_names = {[SCPG_ELBOW_LAST_TURN] = "last_turn",
										   [SCPG_ELBOW_KNEEDLE] = "kneedle",
										   [SCPG_ELBOW_SILHOUETTE] = "silhouette",
										   [SCPG_ELBOW_GRAPH] = "graph",
										   NULL};

/* last_turn with the default of min_gain is what elbow() does where nothing is said, and is not written, nor is that there is no elbow, as in 1.0. */
#define MIN_GAIN 0.01

static const scpg_option elbow_options[] = {
	{"method", SCPG_OPTION_ENUM, offsetof(scpg_elbow_options, method), .values = scpg_elbow_method_names},
	{"min_gain", SCPG_OPTION_FLOAT, offsetof(scpg_elbow_options, min_gain), 0, 1, .min_excluded = true},
	{"sensitivity", SCPG_OPTION_FLOAT, offsetof(scpg_elbow_options, sensitivity), 0, 1000, .min_excluded = true},
	{"metric", SCPG_OPTION_ENUM, offsetof(scpg_elbow_options, metric), .values = scpg_groups_metric_names},
	SCPG_KMEANS_OPTIONS(scpg_elbow_options, kmeans),
};

scpg_elbow_options
scpg_elbow_read_options(const Jsonb *options)
{
	scpg_elbow_options o = {.method = SCPG_ELBOW_LAST_TURN,
							.min_gain = MIN_GAIN,
							.sensitivity = 1.0,
							.kmeans = SCPG_KMEANS_DEFAULTS};

	scpg_options_read(&o, NULL, options, elbow_options, lengthof(elbow_options));
	return o;
}

/*
 * inertia (max_k) with a clustering for each k, whose silhouette decides:
 * the best one above 0, of equal ones the fewest clusters. 0: none.
 */
static int
best_silhouette(const float *rows, size_t n, int d, int max_k, const scpg_kmeans_options *options, double *inertia,
				MemoryContext cxt)
{
	int chosen = 0;
	double best = 0;

	for (int k = 1; k <= max_k; k++)
	{
		MemoryContext one = AllocSetContextCreate(cxt, "elbow clustering", ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(one);
		sc_kmeans km = scpg_kmeans_run(rows, n, d, k, 0, options, one);

		/* One more centre than the last clustering has never made it worse. */
		inertia[k - 1] = k > 1 ? Min(km.inertia, inertia[k - 2]) : km.inertia;
		if (k > 1 && km.k == k)
		{
			double mean = scpg_silhouette_mean(rows, n, d, km.labels, k);

			if (mean > best)
			{
				best = mean;
				chosen = k;
			}
		}
		MemoryContextSwitchTo(old);
		MemoryContextDelete(one);
		if (km.k < k)
		{
			/* No more distinct points: nothing is left to explain. */
			for (int rest = k; rest <= max_k; rest++)
				inertia[rest - 1] = 0;
			break;
		}
	}
	return chosen;
}

/*
 * inertia (most) by one k-means for each k, whose curve decides. A curve that
 * ends before it is flat decides for too few clusters; that is said, but where
 * the rows allow no more.
 */
static int
by_curve(const double *inertia, int most, bool more, const scpg_elbow_options *options)
{
	bool last_turn = options->method == SCPG_ELBOW_LAST_TURN;
	sc_elbow_method method = last_turn ? SC_ELBOW_LAST_TURN : SC_ELBOW_KNEEDLE;
	double parameter = last_turn ? options->min_gain : options->sensitivity;
	int chosen = scpg_core()->sc_elbow_choose(method, inertia, most, parameter);

	if (more && !options->quiet && scpg_core()->sc_elbow_falls(method, inertia, most, chosen, parameter))
		ereport(NOTICE, (errmsg("the curve of the inertia still falls at its end, %d clusters", most),
						 errdetail("The last one took %.2g %% of what %d clusters leave.",
								   100 * (1 - inertia[most - 1] / inertia[most - 2]), most - 1),
						 errhint("There may be more clusters: try a larger number of them (\"max_k\").")));
	return chosen;
}

/* ---- by the graph ------------------------------------------------------------------ */

scpg_numbers *
scpg_elbow_of_graph(const sc_groups_own *own, const float *points, size_t n, int d, int max_k,
					const scpg_elbow_options *options)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "elbow", ALLOCSET_DEFAULT_SIZES);
	int most = (int) Min((size_t) max_k, Max(n - 1, 1));
	scpg_elbow_result r = {.n = most, .method = 1 + SCPG_ELBOW_GRAPH};
	scpg_numbers *result;

	r.chosen = own->k;
	r.low = own->low;
	r.high = own->high;
	r.score = own->modularity;
	r.chance = own->chance;
	r.stability = own->stability;
	r.inertia = scpg_kmeans_run(points, n, d, most, most, &options->kmeans, cxt).curve;
	result = scpg_elbow_result_make(&r);
	MemoryContextDelete(cxt);
	return result;
}

scpg_numbers *
scpg_elbow_find_graph(const float *rows, size_t n, int d, int max_k, const scpg_elbow_options *options)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "elbow graph", ALLOCSET_DEFAULT_SIZES);
	scpg_groups_options groups = SCPG_GROUPS_DEFAULTS;
	sc_groups_own own;

	groups.seed = options->kmeans.seed;
	groups.metric = options->metric;
	own = scpg_groups_run(rows, n, d, 0, true, &groups, cxt).own;
	MemoryContextDelete(cxt);
	return scpg_elbow_of_graph(&own, rows, n, d, max_k, options);
}

sc_groups_own
scpg_elbow_own(const scpg_elbow_result *r)
{
	return (sc_groups_own){.k = r->chosen,
						   .low = r->low,
						   .high = r->high,
						   .modularity = r->score,
						   .chance = r->chance,
						   .stability = r->stability};
}

static int
errdetail_graph(const scpg_elbow_result *r)
{
	return errdetail("The modularity of the neighbour graph is %.2f, that of points without groups at most %.2f. "
					 "Groups of samples agree with these by %.2f, of 1 at most.",
					 r->score, r->chance, r->stability);
}

void
scpg_elbow_report_graph(const scpg_elbow_result *r)
{
	int elbow = scpg_core()->sc_elbow_choose(SC_ELBOW_KNEEDLE, r->inertia, r->n, 1);
	sc_groups_own own = scpg_elbow_own(r);

	if (!sc_groups_are_clear(&own))
		ereport(NOTICE, (errmsg("no clear groups; k = %d is a guess", r->chosen), errdetail_graph(r)));
	else if (elbow > 0)
		ereport(NOTICE, (errmsg("k = %d by the neighbour graph (%d to %d); the elbow of the inertia says %d", r->chosen,
								r->low, r->high, elbow),
						 errdetail_graph(r)));
	else
		ereport(NOTICE, (errmsg("k = %d by the neighbour graph (%d to %d); the inertia has no elbow", r->chosen, r->low,
								r->high),
						 errdetail_graph(r)));
}

void
scpg_elbow_name_method(scpg_numbers *result, const scpg_elbow_options *options)
{
	if (result->head[1] > 0 && (options->method != SCPG_ELBOW_LAST_TURN || options->min_gain != MIN_GAIN))
		result->head[2] = 1 + (int) options->method;
}

const char *
scpg_elbow_method_name(const scpg_elbow_result *r)
{
	if (r->method > 0)
		return scpg_elbow_method_names[r->method - 1];
	if (r->chosen > 0 && scpg_core()->sc_elbow_choose(SC_ELBOW_LAST_TURN, r->inertia, r->n, MIN_GAIN) == r->chosen)
		return scpg_elbow_method_names[SCPG_ELBOW_LAST_TURN];
	return NULL;
}

scpg_numbers *
scpg_elbow_find(const float *rows, size_t n, int d, int max_k, const scpg_elbow_options *options)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "elbow", ALLOCSET_DEFAULT_SIZES);
	int most = (int) Min((size_t) max_k, Max(n - 1, 1));
	double *inertia;
	int chosen;
	scpg_elbow_result r = {.n = most};
	scpg_numbers *result;

	Assert(n > 0 && max_k > 0);
	if (options->method == SCPG_ELBOW_GRAPH)
	{
		MemoryContextDelete(cxt);
		return scpg_elbow_find_graph(rows, n, d, max_k, options);
	}
	if (options->method == SCPG_ELBOW_SILHOUETTE)
	{
		sc_arena arena = scpg_arena(cxt, sc_add(sc_mul(most, sizeof(double)), 2 * SC_ALIGN), "the elbow");

		inertia = SC_TAKE(&arena, double, most);
		chosen = best_silhouette(rows, n, d, most, &options->kmeans, inertia, cxt);
	}
	else
	{
		inertia = scpg_kmeans_run(rows, n, d, most, most, &options->kmeans, cxt).curve;
		chosen = by_curve(inertia, most, most == max_k, options);
	}
	r.chosen = chosen;
	r.inertia = inertia;
	result = scpg_elbow_result_make(&r);
	MemoryContextDelete(cxt);
	return result;
}
