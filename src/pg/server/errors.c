/*-------------------------------------------------------------------------
 *
 * src/pg/server/errors.c
 *	  From a status of the core to an error with a SQLSTATE.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "core/api.h"
#include "pg/server/errors.h"

int
scpg_sqlstate(sc_status status)
{
	switch (status)
	{
		case SC_OK:
			return ERRCODE_SUCCESSFUL_COMPLETION;
		case SC_ABORTED:
			return ERRCODE_QUERY_CANCELED;
		case SC_INVALID:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case SC_DATA:
			return ERRCODE_DATA_EXCEPTION;
		case SC_BAD_IMAGE:
		case SC_BAD_WEIGHTS:
			return ERRCODE_INVALID_BINARY_REPRESENTATION;
		case SC_UNSUPPORTED:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		case SC_LIMIT:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case SC_RANGE:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case SC_NO_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case SC_RESOURCES:
			return ERRCODE_INSUFFICIENT_RESOURCES;
		case SC_INTERNAL:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

int
scpg_error_texts(const sc_error *err)
{
	errmsg_internal("%s", err->message);
	if (err->detail[0] != '\0')
		errdetail_internal("%s", err->detail);
	if (err->hint[0] != '\0')
		errhint("%s", err->hint);
	return 0; /* as all that stand within ereport */
}

void
scpg_check(sc_status status, const sc_error *err)
{
	if (status == SC_OK)
		return;
	if (status == SC_ABORTED)
	{
		CHECK_FOR_INTERRUPTS();
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED), errmsg("canceling statement because its computation was stopped")));
	}
	Assert(err->status == status);
	ereport(ERROR, (errcode(scpg_sqlstate(status)), scpg_error_texts(err)));
}
