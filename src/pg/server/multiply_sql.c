/*-------------------------------------------------------------------------
 *
 * src/pg/server/multiply_sql.c
 *	  scpg_multiply(n int, rounds bigint): keep every lane busy with matrix
 *	  products. The install script does not declare it; the tests do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/memutils.h"

#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

PG_FUNCTION_INFO_V1(scpg_multiply);

Datum
scpg_multiply(PG_FUNCTION_ARGS)
{
	sc_multiply job;
	sc_arena arena;

	job.n = PG_GETARG_INT32(0);
	job.rounds = PG_GETARG_INT64(1);
	if (job.n < 1 || job.n > 2048)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("order of the matrices must be between 1 and 2048")));
	arena = scpg_arena(CurrentMemoryContext, sizeof(float) * SC_MAX_LANES * 3 * job.n * job.n + SC_ALIGN,
					   "matrix products");
	job.memory = SC_TAKE(&arena, float, (size_t) SC_MAX_LANES * 3 * job.n * job.n);
	scpg_run(scpg_core()->sc_multiply_run, &job);
	PG_RETURN_INT32(scpg_lanes());
}
