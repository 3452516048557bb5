/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_sql.c
 *	  What an owner does with a model: grant_model(), revoke_model() and
 *	  drop_model().
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_authid.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/syscache.h"

#include "pg/model/model_parts.h"

PG_FUNCTION_INFO_V1(scpg_grant_model);
PG_FUNCTION_INFO_V1(scpg_revoke_model);
PG_FUNCTION_INFO_V1(scpg_drop_model);

/* The name of all versions, for they are granted together. */
static char *
granted_name(FunctionCallInfo fcinfo)
{
	char *name = scpg_model_name_argument(fcinfo, 0);

	scpg_model_check_name(name);
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the role must not be null")));
	return name;
}

Datum
scpg_grant_model(PG_FUNCTION_ARGS)
{
	char *name;
	Oid role;

	PreventCommandIfReadOnly("grant_model()");
	name = granted_name(fcinfo);
	role = PG_GETARG_OID(1);
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role with OID %u does not exist", role)));
	SPI_connect();
	scpg_model_grant(scpg_model_find(name, false, true)->owner, name, role);
	SPI_finish();
	PG_RETURN_VOID();
}

/* Of a role that is gone too, whose grant is still there. */
Datum
scpg_revoke_model(PG_FUNCTION_ARGS)
{
	char *name;

	PreventCommandIfReadOnly("revoke_model()");
	name = granted_name(fcinfo);
	SPI_connect();
	scpg_model_revoke(scpg_model_find(name, false, true)->owner, name, PG_GETARG_OID(1));
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
scpg_drop_model(PG_FUNCTION_ARGS)
{
	char *name = scpg_model_name_argument(fcinfo, 0);
	scpg_model *model;

	PreventCommandIfReadOnly("drop_model()");
	SPI_connect();
	model = scpg_model_find(name, false, true);
	scpg_model_drop(model, strchr(name, '@') == NULL);
	SPI_finish();
	PG_RETURN_VOID();
}
