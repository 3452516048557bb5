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
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
}

int
scpg_int_value(int64 value, const char *what)
{
	if (value < PG_INT32_MIN || value > PG_INT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("%s is out of range", what),
						errdetail("The value is %lld.", (long long) value),
						errhint("It must be between %d and %d.", PG_INT32_MIN, PG_INT32_MAX)));
	return (int) value;
}

int
scpg_int_argument(FunctionCallInfo fcinfo, int n, const char *what)
{
	scpg_refuse_null(fcinfo, n, what);
	return scpg_int_value(PG_GETARG_INT64(n), what);
}

Jsonb *
scpg_options_or_none(Jsonb *options)
{
	return options != NULL && JB_ROOT_IS_OBJECT(options) && JB_ROOT_COUNT(options) == 0 ? NULL : options;
}

Jsonb *
scpg_options_argument(FunctionCallInfo fcinfo, int n)
{
	return n >= PG_NARGS() || PG_ARGISNULL(n) ? NULL : scpg_options_or_none(PG_GETARG_JSONB_P(n));
}

/* An argument that is a constant is passed once and stays, so this must do no harm when it is done again. */
void
scpg_widen_arguments(FunctionCallInfo fcinfo, const int *numbers, int count)
{
	StaticAssertStmt(FLOAT8PASSBYVAL, "a bigint is no pointer");
	for (int i = 0; i < count; i++)
		fcinfo->args[numbers[i]].value = Int64GetDatum((int64) DatumGetInt32(fcinfo->args[numbers[i]].value));
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
