/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/groups.c
 *	  Groups by the neighbour graph, for the functions that offer them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/analytics/groups.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

scpg_enum_names scpg_groups_metric_names = {[SCPG_GROUPS_COSINE] = "cosine", [SCPG_GROUPS_L2] = "l2", NULL};

#define AT(field) offsetof(scpg_groups_options, field)
static const scpg_option groups_options[] = {
	{"neighbors", SCPG_OPTION_INT, AT(neighbors), 1, 100},
	{"resolution", SCPG_OPTION_FLOAT, AT(resolution), 0, 1000, .min_excluded = true},
	{"n_init", SCPG_OPTION_INT, AT(n_init), 1, 10000},
	{"seed", SCPG_OPTION_INT8, AT(seed), -9223372036854775808.0, 9223372036854775807.0},
	{"metric", SCPG_OPTION_ENUM, AT(metric), .values = scpg_groups_metric_names},
};

scpg_groups_options
scpg_groups_read_options(const Jsonb *options)
{
	scpg_groups_options o = SCPG_GROUPS_DEFAULTS;

	scpg_options_read(&o, NULL, options, groups_options, lengthof(groups_options));
	return o;
}

sc_groups
scpg_groups_run(const float *rows, size_t n, int d, int k, bool judge, const scpg_groups_options *options,
				MemoryContext cxt)
{
	sc_groups g = {.n = n, .d = d, .rows = rows, .k = k, .judge = judge, .lanes = scpg_lanes()};
	sc_arena arena = sc_arena_counter();

	Assert(n > 0 && d > 0 && k >= 0 && (size_t) k <= n);
	g.neighbours = options->neighbors;
	g.resolution = options->resolution;
	g.starts = options->n_init;
	g.seed = (uint64_t) options->seed;
	g.cosine = options->metric == SCPG_GROUPS_COSINE;
	scpg_core()->sc_groups_layout(&g, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the neighbour graph");
	scpg_core()->sc_groups_layout(&g, &arena);
	scpg_run_on(g.lanes, scpg_core()->sc_groups_run, &g);
	return g;
}
