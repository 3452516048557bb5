/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/fit.c
 *	  The state of kmeans_fit and elbow.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/analytics/fit.h"
#include "pg/server/arguments.h"
#include "pg/type/embedding.h"

/* NULL: none. */
static bool
same_options(const Jsonb *a, const Jsonb *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

Datum
scpg_fit_accumulate(FunctionCallInfo fcinfo, const char *what, void (*check)(int number, const Jsonb *options))
{
	MemoryContext context = scpg_aggregate_context(fcinfo);
	scpg_fit *fit = PG_ARGISNULL(0) ? NULL : (scpg_fit *) PG_GETARG_POINTER(0);
	const Jsonb *options = scpg_options_argument(fcinfo, 3);
	int number = scpg_int_argument(fcinfo, 2, what);

	if (fit == NULL)
	{
		check(number, options);
		fit = MemoryContextAllocZero(context, sizeof(scpg_fit));
		scpg_rows_init(&fit->rows, context);
		fit->number = number;
		if (options != NULL)
		{
			fit->options = MemoryContextAlloc(context, VARSIZE(options));
			memcpy(fit->options, options, VARSIZE(options));
		}
	}
	else if (fit->number != number || !same_options(fit->options, options))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s and options must be the same for all rows", what)));
	if (!PG_ARGISNULL(1))
		scpg_rows_add(&fit->rows, PG_GETARG_EMBEDDING(1), 0);
	PG_RETURN_POINTER(fit);
}

const scpg_fit *
scpg_fit_collected(FunctionCallInfo fcinfo)
{
	const scpg_fit *fit;

	(void) scpg_aggregate_context(fcinfo);
	fit = (const scpg_fit *) PG_GETARG_POINTER(0);
	return fit->rows.n > 0 ? fit : NULL;
}
