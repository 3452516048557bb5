/*-------------------------------------------------------------------------
 *
 * src/pg/table/keyed_call.c
 *	  Calls of functions that return rows with keys of a table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"

#include "pg/server/arguments.h"
#include "pg/server/options.h"
#include "pg/table/keyed_call.h"

static scpg_enum_names metric_names = {[SCPG_METRIC_L2] = "l2", [SCPG_METRIC_COSINE] = "cosine", NULL};

/* The last one is of duplicate_groups alone. */
#define AT(field) offsetof(scpg_keyed_call, field)
static const scpg_option options_table[] = {
	{"id_column", SCPG_OPTION_NAMES, AT(id_column), .nullable = true},
	{"metric", SCPG_OPTION_ENUM, AT(metric), .values = metric_names},
	{"max_groups", SCPG_OPTION_INT, AT(max_groups), 1, INT_MAX, .nullable = true},
};

static scpg_keyed_call
begin(FunctionCallInfo fcinfo, bool keyed, int options, bool groups)
{
	scpg_keyed_call call = {.fcinfo = fcinfo};

	call.example = keyed ? 1 : -1;
	call.column = keyed ? 2 : 1;
	call.rest = call.column + 1;
	scpg_refuse_null(fcinfo, 0, "relation");
	scpg_refuse_null(fcinfo, call.column, "name of the column of embeddings");
	call.options = keyed ? scpg_options_argument(fcinfo, options) : NULL;
	scpg_options_read(&call, NULL, call.options, options_table, lengthof(options_table) - (groups ? 0 : 1));
	InitMaterializedSRF(fcinfo, 0);
	return call;
}

scpg_keyed_call
scpg_keyed_call_begin(FunctionCallInfo fcinfo, bool keyed, int options)
{
	return begin(fcinfo, keyed, options, false);
}

scpg_keyed_call
scpg_keyed_call_begin_groups(FunctionCallInfo fcinfo, bool keyed, int options)
{
	return begin(fcinfo, keyed, options, true);
}

static scpg_key_request
request(const scpg_keyed_call *call, const char *hint)
{
	return (scpg_key_request){.columns = call->id_column,
							  .example = scpg_source_example(call->fcinfo, call->example),
							  .returned = true,
							  .options = call->options,
							  .call = hint};
}

void
scpg_keyed_call_check_pair(const scpg_keyed_call *call, int first, int second, const char *hint, const char *short_hint)
{
	FunctionCallInfo fcinfo = call->fcinfo;
	scpg_key_request key = request(call, hint);

	scpg_source_check_pair(PG_GETARG_OID(first), PG_GETARG_OID(second), &key, NameStr(*PG_GETARG_NAME(call->column)),
						   short_hint);
}

scpg_source
scpg_keyed_call_source(const scpg_keyed_call *call, int table, const char *hint)
{
	scpg_key_request key = request(call, hint);
	scpg_source source = scpg_source_embeddings(call->fcinfo, table, call->column, &key);

	scpg_source_check_key(&source, call->fcinfo, call->example);
	source.unit = call->metric == SCPG_METRIC_COSINE;
	return source;
}

/* |a - b|^2 = 2 - 2 cos(a, b) */
double
scpg_keyed_call_distance(const scpg_keyed_call *call, double euclidean)
{
	return call->metric == SCPG_METRIC_COSINE ? euclidean * euclidean / 2 : euclidean;
}

double
scpg_keyed_call_euclidean(const scpg_keyed_call *call, double distance)
{
	return call->metric == SCPG_METRIC_COSINE ? sqrt(2 * distance) : distance;
}

Datum
scpg_keyed_call_key(const scpg_keyed_call *call, const scpg_source *source, Datum key)
{
	return scpg_source_key(source, key, call->example < 0);
}
