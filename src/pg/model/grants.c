/*-------------------------------------------------------------------------
 *
 * src/pg/model/grants.c
 *	  Who may use and who may change a model.
 *
 * Its owner may do both; a role that the owner's name was granted to may use
 * it, or edit its groups too. That a name finds only what the role may use is a
 * condition of the look-up itself (USABLE in catalog.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "pg/model/model_parts.h"

void
scpg_model_refuse_stranger(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of model \"%s\"", name)));
}

void
scpg_model_require_owner(const scpg_model *model)
{
	if (!has_privs_of_role(GetUserId(), model->owner))
		scpg_model_refuse_stranger(model->name);
}

bool
scpg_model_may_edit(const scpg_model *model)
{
	Datum values[3] = {ObjectIdGetDatum(model->owner), CStringGetTextDatum(model->name), ObjectIdGetDatum(GetUserId())};

	if (has_privs_of_role(GetUserId(), model->owner))
		return true;
	/* 1.0 had no such privilege. */
	if (!scpg_model_keeps_groups())
		return false;
	scpg_catalog_run(SCPG_FIND_EDITOR, values, NULL, false);
	return SPI_processed > 0;
}

void
scpg_model_require_editor(const scpg_model *model)
{
	if (scpg_model_may_edit(model))
		return;
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("permission denied to edit the groups of model \"%s\"", model->name),
					errhint("Its owner can: SELECT grant_model('%s', %s, 'edit').", model->name,
							quote_literal_cstr(scpg_role_name(GetUserId())))));
}

/* ---- granting ---------------------------------------------------------------------- */

static const char *const privilege_names[] = {[SCPG_PRIVILEGE_USE] = "use", [SCPG_PRIVILEGE_EDIT] = "edit"};

static void
run(scpg_statement statement, const scpg_model *model, Oid role, scpg_privilege privilege)
{
	Datum values[4] = {ObjectIdGetDatum(model->owner), CStringGetTextDatum(model->name), ObjectIdGetDatum(role)};

	Assert(has_privs_of_role(GetUserId(), model->owner));
	if (statement == SCPG_INSERT_PRIVILEGE)
		values[3] = CStringGetTextDatum(privilege_names[privilege]);
	scpg_catalog_run(statement, values, NULL, false);
}

void
scpg_model_check_grant(Oid owner, const char *name, Oid role, const char *hint)
{
	Datum values[3] = {ObjectIdGetDatum(owner), CStringGetTextDatum(name), ObjectIdGetDatum(role)};

	scpg_model_lock_grants(name);
	AcceptInvalidationMessages();
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	scpg_catalog_run(SCPG_FIND_CONFLICT, values, NULL, true);
	PopActiveSnapshot();
	if (SPI_processed > 0)
	{
		Oid reaches = scpg_catalog_oid(0, 1);

		ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
						errmsg("role %s may already use a model \"%s\" of another owner", scpg_role_name(reaches), name),
						errhint("%s", hint)));
	}
}

void
scpg_model_grant(const scpg_model *model, Oid role, scpg_privilege privilege)
{
	bool as_1_0 = privilege == SCPG_PRIVILEGE_USE_1_0;

	if (OidIsValid(role))
		scpg_model_keep_role(role);
	scpg_model_check_grant(model->owner, model->name, role, "Grant a model of another name.");
	run(as_1_0 ? SCPG_INSERT_GRANT : SCPG_INSERT_PRIVILEGE, model, role, privilege);
}

void
scpg_model_revoke(const scpg_model *model, Oid role, scpg_privilege privilege)
{
	run(privilege == SCPG_PRIVILEGE_EDIT ? SCPG_REVOKE_EDIT : SCPG_DELETE_GRANT, model, role, privilege);
}
