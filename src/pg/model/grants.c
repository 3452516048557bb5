/*-------------------------------------------------------------------------
 *
 * src/pg/model/grants.c
 *	  Who may use and who may change a model.
 *
 * Its owner may do both; a role that the owner's name was granted to may use
 * it. That a name finds only what the role may use is a condition of the look-up
 * itself (USABLE in catalog.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

#include "pg/model/model_parts.h"

void
scpg_model_require_owner(const scpg_model *model)
{
	if (!has_privs_of_role(GetUserId(), model->owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of model \"%s\"", model->name)));
}

static void
change_grant(scpg_statement statement, Oid owner, const char *name, Oid role)
{
	Datum values[3] = {ObjectIdGetDatum(owner), CStringGetTextDatum(name), ObjectIdGetDatum(role)};

	Assert(has_privs_of_role(GetUserId(), owner));
	scpg_catalog_run(statement, values, NULL, false);
}

void
scpg_model_grant(Oid owner, const char *name, Oid role)
{
	change_grant(SCPG_INSERT_GRANT, owner, name, role);
}

void
scpg_model_revoke(Oid owner, const char *name, Oid role)
{
	change_grant(SCPG_DELETE_GRANT, owner, name, role);
}
