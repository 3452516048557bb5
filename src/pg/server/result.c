/*-------------------------------------------------------------------------
 *
 * src/pg/server/result.c
 *	  Rows of a function that returns a set.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "miscadmin.h"

#include "pg/server/result.h"

void
scpg_put_row(FunctionCallInfo fcinfo, const Datum *values, const bool *nulls)
{
	static const bool no_nulls[MaxTupleAttributeNumber] = {false};
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	CHECK_FOR_INTERRUPTS();
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, unconstify(Datum *, values),
						 unconstify(bool *, nulls != NULL ? nulls : no_nulls));
}
