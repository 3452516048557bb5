/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/flat_state.c
 *	  What the aggregates have in common whose state is one flat bytea.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/analytics/flat_state.h"

void *
scpg_flat_state_new(size_t size)
{
	void *state = palloc0(size);

	SET_VARSIZE(state, size);
	return state;
}

void *
scpg_flat_state_argument(FunctionCallInfo fcinfo, int n)
{
	return n == 0 && AggCheckCallContext(fcinfo, NULL) ? PG_GETARG_BYTEA_P(n) : scpg_flat_state_copy(fcinfo, n);
}

void *
scpg_flat_state_copy(FunctionCallInfo fcinfo, int n)
{
	return PG_GETARG_BYTEA_P_COPY(n);
}

Datum
scpg_flat_state_unchanged(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_DATUM(PG_GETARG_DATUM(0));
}

void
scpg_flat_state_refuse(const char *aggregate)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of the aggregate \"%s\"", aggregate)));
}
