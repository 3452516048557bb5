/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans.c
 *	  k-means for the functions that offer it: options, check, run, report.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/analytics/kmeans.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

scpg_enum_names scpg_kmeans_algorithm_names = {[SC_KMEANS_LLOYD] = "lloyd", [SC_KMEANS_MINIBATCH] = "minibatch", NULL};
scpg_enum_names scpg_kmeans_init_names = {[SC_KMEANS_PLUS_PLUS] = "k-means++", [SC_KMEANS_RANDOM] = "random", NULL};

typedef struct target
{
	scpg_kmeans_options kmeans;
} target;

static const scpg_option kmeans_options[] = {SCPG_KMEANS_OPTIONS_START(target, kmeans)};

scpg_kmeans_options
scpg_kmeans_read_options(const Jsonb *options)
{
	target t = {SCPG_KMEANS_DEFAULTS};

	scpg_options_read(&t, NULL, options, kmeans_options, lengthof(kmeans_options));
	return t.kmeans;
}

void
scpg_kmeans_check(int k, size_t rows)
{
	if (k < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number of clusters must be at least 1"),
						errdetail("The number of clusters is %d.", k)));
	if (rows > 0 && k > rows)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of clusters must be at most the number of rows"),
						errdetail("The number of clusters is %d, and there are %zu rows with an embedding.", k, rows),
						errhint("Give a number from 1 to %zu.", rows)));
}

sc_kmeans
scpg_kmeans_run(const float *rows, size_t n, int d, int k, int curve_max, const scpg_kmeans_options *options,
				MemoryContext cxt)
{
	sc_kmeans km = {.n = n, .d = d, .k = k, .curve_max = curve_max, .rows = rows};
	sc_arena arena = sc_arena_counter();

	Assert(n > 0 && d > 0);
	Assert(k >= 1 && (size_t) curve_max <= n);
	km.init = (sc_kmeans_init) options->init.value;
	if (km.init == SC_KMEANS_GIVEN)
	{
		MemoryContext old = MemoryContextSwitchTo(cxt);

		km.start = scpg_kmeans_start(options, k, d);
		MemoryContextSwitchTo(old);
	}
	km.algorithm = options->algorithm;
	km.n_init = options->n_init;
	km.max_iter = options->max_iter;
	km.tol = options->tol;
	km.seed = (uint64_t) options->seed;
	scpg_core()->sc_kmeans_layout(&km, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "k-means");
	scpg_core()->sc_kmeans_layout(&km, &arena);
	scpg_run(scpg_core()->sc_kmeans_run, &km);
	return km;
}

void
scpg_kmeans_report_clusters(int k, int found, size_t distinct)
{
	if (found < k)
		ereport(NOTICE, (errmsg("number of clusters lowered from %d to %d", k, found),
						 errdetail_plural("There is only %zu distinct point.", "There are only %zu distinct points.",
										  distinct, distinct)));
}

void
scpg_kmeans_report_iterations(int iterations, bool converged)
{
	if (!converged)
		ereport(WARNING, (errmsg("k-means did not converge in %d iterations", iterations),
						  errhint("Raise \"max_iter\" or \"tol\".")));
}

void
scpg_kmeans_report(const sc_kmeans *km, int k)
{
	scpg_kmeans_report_clusters(k, km->k, km->distinct);
	scpg_kmeans_report_iterations(km->iterations, km->converged);
}
