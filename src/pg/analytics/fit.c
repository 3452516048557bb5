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

Datum
scpg_fit_accumulate(FunctionCallInfo fcinfo, const char *what, void (*check)(int number, const Jsonb *options))
{
	MemoryContext context = scpg_aggregate_context(fcinfo);
	scpg_fit *fit = PG_ARGISNULL(0) ? NULL : (scpg_fit *) PG_GETARG_POINTER(0);
	Jsonb *options = NULL;
	int number;

	number = scpg_int_argument(fcinfo, 2, what);
	if (PG_NARGS() > 3)
	{
		scpg_refuse_null(fcinfo, 3, "options");
		options = PG_GETARG_JSONB_P(3);
	}
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
	else if (fit->number != number || (options != NULL && (VARSIZE(options) != VARSIZE(fit->options) ||
														   memcmp(options, fit->options, VARSIZE(options)) != 0)))
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
