/*-------------------------------------------------------------------------
 *
 * src/pg/type/numbers_sql.c
 *	  Text and binary form of the SQL types pca_model, kmeans_model and
 *	  elbow_result.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "lib/stringinfo.h"

#include "pg/type/elbow_result.h"
#include "pg/type/kmeans_model.h"
#include "pg/type/numbers.h"
#include "pg/type/pca_model.h"

static Datum
numbers_in(const scpg_numbers_form *form, FunctionCallInfo fcinfo)
{
	PG_RETURN_POINTER(scpg_numbers_parse(form, PG_GETARG_CSTRING(0), fcinfo->context));
}

static Datum
numbers_out(const scpg_numbers_form *form, FunctionCallInfo fcinfo)
{
	const scpg_numbers *value = (const scpg_numbers *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	size_t count = form->count(value->head);
	char digits[DOUBLE_SHORTEST_DECIMAL_LEN];
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < scpg_numbers_heads(form, value->head); i++)
		appendStringInfo(&buf, "%c%d", i == 0 ? '(' : ',', value->head[i]);
	for (size_t i = 0; i < count; i++)
	{
		double_to_shortest_decimal_buf(value->x[i], digits);
		appendStringInfoChar(&buf, i == 0 ? ';' : ',');
		appendStringInfoString(&buf, digits);
	}
	appendStringInfoChar(&buf, ')');
	PG_RETURN_CSTRING(buf.data);
}

static Datum
numbers_recv(const scpg_numbers_form *form, FunctionCallInfo fcinfo)
{
	PG_RETURN_POINTER(scpg_numbers_read(form, (StringInfo) PG_GETARG_POINTER(0)));
}

static Datum
numbers_send(const scpg_numbers_form *form, FunctionCallInfo fcinfo)
{
	const scpg_numbers *value = (const scpg_numbers *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));

	PG_RETURN_BYTEA_P(scpg_numbers_write(form, value));
}

/* The four functions of a type: scpg_pca_model_in, scpg_pca_model_out, scpg_pca_model_recv, scpg_pca_model_send, ... */
#define NUMBERS_FUNCTION(sqlname, verb) \
	PG_FUNCTION_INFO_V1(scpg_##sqlname##_##verb); \
	Datum scpg_##sqlname##_##verb(PG_FUNCTION_ARGS) \
	{ \
		return numbers_##verb(&scpg_##sqlname##_form, fcinfo); \
	}
#define NUMBERS_FUNCTIONS(sqlname) \
	NUMBERS_FUNCTION(sqlname, in) \
	NUMBERS_FUNCTION(sqlname, out) \
	NUMBERS_FUNCTION(sqlname, recv) \
	NUMBERS_FUNCTION(sqlname, send)

NUMBERS_FUNCTIONS(pca_model)
NUMBERS_FUNCTIONS(kmeans_model)
NUMBERS_FUNCTIONS(elbow_result)
