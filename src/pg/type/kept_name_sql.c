/*-------------------------------------------------------------------------
 *
 * src/pg/type/kept_name_sql.c
 *	  Text and binary form, casts and order of the SQL types model_role and
 *	  model_relation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/builtins.h"

#include "pg/server/compat.h"
#include "pg/type/kept_name.h"

static Datum
kept_name_in(const scpg_kept_name_form *form, FunctionCallInfo fcinfo)
{
	PG_RETURN_POINTER(scpg_kept_name_read(form, PG_GETARG_CSTRING(0), fcinfo->context));
}

static Datum
kept_name_out(const scpg_kept_name_form *form, FunctionCallInfo fcinfo)
{
	PG_RETURN_CSTRING(scpg_kept_name_text(form, PG_GETARG_KEPT_NAME(0)));
}

/* The binary form is the text: an oid means nothing elsewhere. */
static Datum
kept_name_recv(const scpg_kept_name_form *form, FunctionCallInfo fcinfo)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int length;
	char *text = pq_getmsgtext(buf, buf->len - buf->cursor, &length);

	PG_RETURN_POINTER(scpg_kept_name_read(form, text, NULL));
}

static Datum
kept_name_send(const scpg_kept_name_form *form, FunctionCallInfo fcinfo)
{
	char *text = scpg_kept_name_text(form, PG_GETARG_KEPT_NAME(0));
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendtext(&buf, text, (int) strlen(text));
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/* The cast to regrole or regclass: NULL rather than something else. */
static Datum
kept_name_oid(const scpg_kept_name_form *form, FunctionCallInfo fcinfo)
{
	Oid oid = scpg_kept_name_oid(form, PG_GETARG_KEPT_NAME(0));

	if (!OidIsValid(oid))
		PG_RETURN_NULL();
	PG_RETURN_OID(oid);
}

static Datum
kept_name_from_oid(const scpg_kept_name_form *form, FunctionCallInfo fcinfo)
{
	PG_RETURN_POINTER(scpg_kept_name_make(form, PG_GETARG_OID(0)));
}

/* The functions of a type: scpg_model_role_in, scpg_model_role_out, ... */
#define KEPT_NAME_FUNCTION(sqlname, verb) \
	PG_FUNCTION_INFO_V1(scpg_##sqlname##_##verb); \
	Datum scpg_##sqlname##_##verb(PG_FUNCTION_ARGS) \
	{ \
		return kept_name_##verb(&scpg_##sqlname##_form, fcinfo); \
	}
#define KEPT_NAME_FUNCTIONS(sqlname) \
	KEPT_NAME_FUNCTION(sqlname, in) \
	KEPT_NAME_FUNCTION(sqlname, out) \
	KEPT_NAME_FUNCTION(sqlname, recv) \
	KEPT_NAME_FUNCTION(sqlname, send) \
	KEPT_NAME_FUNCTION(sqlname, oid) \
	KEPT_NAME_FUNCTION(sqlname, from_oid)

KEPT_NAME_FUNCTIONS(model_role)
KEPT_NAME_FUNCTIONS(model_relation)

/* ---- order: both types alike -------------------------------------------------- */

/* The types are stored plain, so no copies are made here that a sort would gather. */
static int
compare_args(FunctionCallInfo fcinfo)
{
	return scpg_kept_name_compare(PG_GETARG_KEPT_NAME(0), PG_GETARG_KEPT_NAME(1));
}

/* scpg_kept_name_lt, scpg_kept_name_le, scpg_kept_name_eq, scpg_kept_name_ne, scpg_kept_name_ge, scpg_kept_name_gt */
#define COMPARISON(name, relation) \
	PG_FUNCTION_INFO_V1(scpg_kept_name_##name); \
	Datum scpg_kept_name_##name(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(compare_args(fcinfo) relation 0); \
	}

COMPARISON(lt, <)
COMPARISON(le, <=)
COMPARISON(eq, ==)
COMPARISON(ne, !=)
COMPARISON(ge, >=)
COMPARISON(gt, >)

PG_FUNCTION_INFO_V1(scpg_kept_name_cmp);
Datum
scpg_kept_name_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_args(fcinfo));
}
