/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/duplicate_groups_sql.c
 *	  duplicate_groups: the rows of a table that are near each other, in groups.
 *
 * The items are in memory, and equal ones once. Their pairs join groups as they
 * are found and go nowhere; the result has a row an item at most.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "pg/analytics/knn.h"
#include "pg/analytics/near.h"
#include "pg/server/arguments.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/result.h"
#include "pg/table/items.h"
#include "pg/table/keyed_call.h"
#include "pg/table/source.h"

/* The threshold that the distances of nearest neighbours suggest, Euclidean; 0 where rows are too few to tell. */
static double
find_threshold(const sc_duplicates *dup, MemoryContext parent)
{
	MemoryContext cxt = AllocSetContextCreate(parent, "duplicate_groups threshold", ALLOCSET_DEFAULT_SIZES);
	sc_knn job = {.n = dup->distinct, .d = dup->d, .rows = dup->rows, .leave_out = true};
	double *far, *spread, threshold = 0;
	int m = (int) Min(SC_DUPLICATES_NEIGHBOURS, dup->distinct - 1);

	if (m >= 2)
	{
		sc_arena arena;

		job.k = m;
		scpg_knn_plan(&job);
		arena = scpg_knn_layout(&job, sc_mul(2 * sizeof(double), job.n), cxt);
		/* One array: each begins at a line of the cache, so that two may take more than their sum. */
		far = SC_TAKE(&arena, double, 2 * job.n);
		spread = far + job.n;
		while (scpg_knn_next(&job))
			for (size_t i = 0; i < job.m; i++)
			{
				const double *distance = job.distance + i * m;

				far[job.first + i] = distance[m - 1];
				/* Distances of rows that differ are above 0, however small. */
				spread[job.first + i] = log(distance[m - 1] / distance[m / 2 - 1]);
			}
		threshold = scpg_core()->sc_duplicates_threshold(far, spread, job.n, m);
	}
	MemoryContextDelete(cxt);
	return threshold;
}

/*
 * The same, in the metric of the call, in three digits: so that it can be given
 * as it is said.
 */
static double
propose_threshold(const scpg_keyed_call *call, const sc_duplicates *dup, MemoryContext cxt)
{
	double threshold = scpg_keyed_call_distance(call, find_threshold(dup, cxt));

	threshold = strtod(psprintf("%.3g", threshold), NULL);
	ereport(NOTICE, (errmsg("threshold is %s", float8out_internal(threshold)),
					 threshold > 0
						 ? errdetail("It follows from the distances of nearest neighbours: by chance, about one row in "
									 "a thousand has another one so near.")
						 : errdetail("Too few rows differ to tell from their distances: groups are of equal ones."),
					 errhint("Look at the groups, and give a threshold where they hold too much or too little.")));
	return threshold;
}

static void
lay_out(sc_duplicates *dup, MemoryContext cxt)
{
	sc_arena arena = sc_arena_counter();

	scpg_core()->sc_duplicates_layout(dup, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the groups of near rows");
	scpg_core()->sc_duplicates_layout(dup, &arena);
}

/* Join all rows that are within threshold, a Euclidean distance. */
static void
join_near(sc_duplicates *dup, double threshold, MemoryContext cxt)
{
	sc_near job = {.n = dup->distinct, .d = dup->d, .rows = dup->rows, .threshold = threshold, .lanes = scpg_lanes()};

	scpg_near_layout(&job, cxt);
	while (!job.done)
	{
		scpg_run_on(job.lanes, scpg_core()->sc_near_run, &job);
		for (int s = 0; s < job.lanes; s++)
			scpg_core()->sc_duplicates_join(dup, job.shard[s].pair, job.shard[s].count);
	}
}

static void
put_groups(const scpg_keyed_call *call, const scpg_source *source, const Datum *key, const sc_duplicates *dup)
{
	size_t groups = call->max_groups > 0 ? Min(dup->groups, (size_t) call->max_groups) : dup->groups;
	const uint32_t *member = dup->member;

	for (size_t g = 0; g < groups; g++)
		for (size_t i = 0; i < dup->size[g]; i++, member++)
		{
			double distance = scpg_keyed_call_distance(call, dup->distance[*member]);
			Datum values[4] = {Int32GetDatum((int32) g), scpg_keyed_call_key(call, source, key[*member]),
							   Int64GetDatum(dup->size[g]), Float8GetDatum(distance)};

			scpg_put_row(call->fcinfo, values, NULL);
		}
}

static Datum
duplicate_groups(FunctionCallInfo fcinfo, bool keyed)
{
	scpg_keyed_call call = scpg_keyed_call_begin_groups(fcinfo, keyed, 4);
	bool proposed = PG_ARGISNULL(call.rest);
	double threshold = proposed ? 0 : scpg_near_argument(fcinfo, call.rest);
	char *hint = psprintf("duplicate_groups(%%t, %%k, %%c, %s%%o)", proposed ? "NULL" : float8out_internal(threshold));
	scpg_source source = scpg_keyed_call_source(&call, 0, hint);
	scpg_items items;
	MemoryContext cxt;

	SPI_connect();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "duplicate_groups", ALLOCSET_DEFAULT_SIZES);
	scpg_items_load(&items, &source, cxt);
	if (items.rows.n > 1)
	{
		sc_duplicates dup = {.n = items.rows.n, .d = items.rows.d, .rows = items.rows.x};

		lay_out(&dup, cxt);
		scpg_run(scpg_core()->sc_duplicates_collapse_run, &dup);
		if (proposed)
			threshold = propose_threshold(&call, &dup, cxt);
		if (dup.distinct > 1)
			join_near(&dup, scpg_keyed_call_euclidean(&call, threshold), cxt);
		scpg_run(scpg_core()->sc_duplicates_finish_run, &dup);
		put_groups(&call, &source, items.key, &dup);
	}
	MemoryContextDelete(cxt);
	SPI_finish();
	return (Datum) 0;
}

SCPG_KEYED_FORM(duplicate_groups, duplicate_groups, false)
SCPG_KEYED_FORM(duplicate_groups_keyed, duplicate_groups, true)
