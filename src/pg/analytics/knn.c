/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/knn.c
 *	  Nearest neighbours, for the functions that find them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/analytics/knn.h"
#include "pg/server/arguments.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

/* Queries of one run of the pool, and bytes that their neighbours may take. */
#define BATCH_QUERIES 4096
#define BATCH_BYTES ((size_t) 32 << 20)

int
scpg_knn_argument(FunctionCallInfo fcinfo, int n)
{
	int k;

	k = scpg_int_argument(fcinfo, n, "number of neighbours");
	if (k < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number of neighbours must be at least 1"),
						errdetail("The number of neighbours is %d.", k)));
	return k;
}

void
scpg_knn_plan(sc_knn *job)
{
	size_t each = Min((size_t) job->k, job->n) * (sizeof(uint32) + sizeof(double));

	Assert(job->n > 0 && job->k > 0);
	job->most = Max(Min(BATCH_BYTES / each, BATCH_QUERIES), 1);
	if (job->leave_out)
		job->most = Min(job->most, job->n);
	job->lanes = scpg_lanes();
}

sc_arena
scpg_knn_layout(sc_knn *job, size_t more, MemoryContext cxt)
{
	sc_arena arena = sc_arena_counter();

	Assert(job->most > 0 && job->lanes > 0);
	scpg_core()->sc_knn_layout(job, &arena);
	(void) SC_TAKE(&arena, char, more);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the nearest neighbours");
	scpg_core()->sc_knn_layout(job, &arena);
	return arena;
}

bool
scpg_knn_next(sc_knn *job)
{
	Assert(job->leave_out);
	job->first += job->m;
	if (job->first == job->n)
		return false;
	job->m = Min(job->most, job->n - job->first);
	job->queries = job->rows + job->first * job->d;
	scpg_run_on(job->lanes, scpg_core()->sc_knn_run, job);
	return true;
}
