/*-------------------------------------------------------------------------
 *
 * src/pg/server/arguments.c
 *	  What functions called from SQL check about how they were called.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/server/arguments.h"

void
scpg_refuse_null(FunctionCallInfo fcinfo, int n, const char *what)
{
	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", what)));
}

MemoryContext
scpg_aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("a transition function was called outside of its aggregate")));
	return context;
}
