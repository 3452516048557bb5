/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/near.c
 *	  Pairs of near rows, for the functions that find them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/analytics/near.h"
#include "pg/server/arguments.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

double
scpg_near_argument(FunctionCallInfo fcinfo, int n)
{
	double threshold;

	scpg_refuse_null(fcinfo, n, "threshold");
	threshold = PG_GETARG_FLOAT8(n);
	if (!(threshold >= 0))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("threshold must be at least 0"),
						errdetail("The threshold is %g.", threshold),
						errhint("It is the largest distance of two rows that are near; 0 finds equal ones.")));
	return threshold;
}

void
scpg_near_layout(sc_near *job, MemoryContext cxt)
{
	sc_arena arena = sc_arena_counter();

	scpg_core()->sc_near_layout(job, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the pairs of near rows");
	scpg_core()->sc_near_layout(job, &arena);
	scpg_core()->sc_near_begin(job);
}
