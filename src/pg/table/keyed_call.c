/*-------------------------------------------------------------------------
 *
 * src/pg/table/keyed_call.c
 *	  Calls of functions that return rows with keys of a table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"

#include "pg/server/arguments.h"
#include "pg/table/keyed_call.h"

scpg_keyed_call
scpg_keyed_call_begin(FunctionCallInfo fcinfo, const char *function, bool keyed)
{
	scpg_keyed_call call = {.fcinfo = fcinfo, .function = function};

	call.example = keyed ? 1 : -1;
	call.column = keyed ? 2 : 1;
	call.rest = call.column + 1;
	scpg_refuse_null(fcinfo, 0, "relation");
	scpg_refuse_null(fcinfo, call.column, "name of the column of embeddings");
	InitMaterializedSRF(fcinfo, 0);
	return call;
}

scpg_source
scpg_keyed_call_source(const scpg_keyed_call *call, int table)
{
	scpg_source source = scpg_source_embeddings(call->fcinfo, table, call->column);

	scpg_source_check_key(&source, call->fcinfo, call->function, call->example);
	return source;
}

Datum
scpg_keyed_call_key(const scpg_keyed_call *call, const scpg_source *source, Datum key)
{
	return scpg_source_key(source, key, call->example < 0);
}
