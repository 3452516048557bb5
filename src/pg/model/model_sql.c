/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_sql.c
 *	  What an owner does with a model: grant_model(), revoke_model() and
 *	  drop_model().
 *
 * The functions of 1.0, with a regrole and without what 1.1 added, stay for
 * databases that are still at 1.0, and for views on them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "pg/model/model_parts.h"

PG_FUNCTION_INFO_V1(scpg_grant_model);
PG_FUNCTION_INFO_V1(scpg_grant_model_privilege);
PG_FUNCTION_INFO_V1(scpg_revoke_model);
PG_FUNCTION_INFO_V1(scpg_revoke_model_privilege);
PG_FUNCTION_INFO_V1(scpg_drop_model);
PG_FUNCTION_INFO_V1(scpg_drop_model_if_exists);

/* ---- granting ---------------------------------------------------------------------- */

/* The current user's model; all its versions are granted together. */
static scpg_model *
granted_model(FunctionCallInfo fcinfo)
{
	char *name = scpg_model_name_argument(fcinfo, 0);

	if (scpg_model_name_read(name).version != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("a version of a model is not granted by itself: \"%s\"", name),
						errhint("Name the model without its version: all versions are granted together.")));
	return scpg_model_find(name, false, true);
}

/* The role of 1.0's functions. */
static Oid
role_by_oid(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the role must not be null")));
	return PG_GETARG_OID(1);
}

/* PUBLIC, or a role that is there. */
static void
check_role(Oid role)
{
	if (role != ACL_ID_PUBLIC && !SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role with OID %u does not exist", role)));
}

static scpg_privilege
privilege_argument(FunctionCallInfo fcinfo, int n)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(n));

	if (strcmp(name, "use") == 0)
		return SCPG_PRIVILEGE_USE;
	if (strcmp(name, "edit") != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("unrecognized privilege on a model: \"%.200s\"", name),
						errhint("There are \"use\", and \"edit\", which includes it.")));
	return SCPG_PRIVILEGE_EDIT;
}

Datum
scpg_grant_model_privilege(PG_FUNCTION_ARGS)
{
	Oid role;

	PreventCommandIfReadOnly("grant_model()");
	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the privilege must not be null")));
	SPI_connect();
	role = scpg_role_argument(fcinfo, 1);
	check_role(role);
	scpg_model_grant(granted_model(fcinfo), role, privilege_argument(fcinfo, 2));
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
scpg_grant_model(PG_FUNCTION_ARGS)
{
	Oid role;

	PreventCommandIfReadOnly("grant_model()");
	role = role_by_oid(fcinfo);
	check_role(role);
	SPI_connect();
	scpg_model_grant(granted_model(fcinfo), role, SCPG_PRIVILEGE_USE_1_0);
	SPI_finish();
	PG_RETURN_VOID();
}

/* Of a role that is gone too, whose grant is still there. */
Datum
scpg_revoke_model_privilege(PG_FUNCTION_ARGS)
{
	Oid role;

	PreventCommandIfReadOnly("revoke_model()");
	SPI_connect();
	role = scpg_role_argument(fcinfo, 1);
	scpg_model_revoke(granted_model(fcinfo), role, PG_ARGISNULL(2) ? SCPG_PRIVILEGE_USE : privilege_argument(fcinfo, 2));
	SPI_finish();
	PG_RETURN_VOID();
}

Datum
scpg_revoke_model(PG_FUNCTION_ARGS)
{
	Oid role;

	PreventCommandIfReadOnly("revoke_model()");
	role = role_by_oid(fcinfo);
	SPI_connect();
	scpg_model_revoke(granted_model(fcinfo), role, SCPG_PRIVILEGE_USE_1_0);
	SPI_finish();
	PG_RETURN_VOID();
}

/* ---- dropping ----------------------------------------------------------------------- */

static void
drop(const char *name, bool if_exists)
{
	scpg_model *model;

	PreventCommandIfReadOnly("drop_model()");
	SPI_connect();
	model = scpg_model_find(name, if_exists, true);
	if (model == NULL)
		ereport(NOTICE, (errmsg("model \"%s\" does not exist, skipping", name)));
	else
		scpg_model_drop(model, scpg_model_name_read(name).version == 0);
	SPI_finish();
}

Datum
scpg_drop_model_if_exists(PG_FUNCTION_ARGS)
{
	drop(scpg_model_name_argument(fcinfo, 0), !PG_ARGISNULL(1) && PG_GETARG_BOOL(1));
	PG_RETURN_VOID();
}

Datum
scpg_drop_model(PG_FUNCTION_ARGS)
{
	drop(scpg_model_name_argument(fcinfo, 0), false);
	PG_RETURN_VOID();
}
