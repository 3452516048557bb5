/*-------------------------------------------------------------------------
 *
 * src/pg/model/owners.c
 *	  Roles that rows of the extension name, and the rows whose role is gone.
 *
 * The server knows of no row that names a role. So that it refuses to drop one,
 * a role has a privilege on the type model_role for as long as a model or a
 * grant names it: DROP ROLE finds that, DROP OWNED takes it away, pg_dump and
 * pg_upgrade carry it. The privilege lets do nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "pg/model/model_parts.h"
#include "pg/server/extension.h"
#include "pg/type/kept_name.h"

/* ---- roles that are named cannot be dropped ------------------------------------- */

static Oid
type_owner(Oid type)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(type));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for type %u", type);
	owner = ((Form_pg_type) GETSTRUCT(tuple))->typowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * GRANT or REVOKE, as the owner of the type, whoever the current user is. Not by
 * way of ProcessUtility: event triggers would run as that owner, with the
 * search_path of the current user.
 */
static void
change_privilege(Oid role, bool grant)
{
	char *name = GetUserNameFromId(role, false);
	char *sql =
		psprintf("%s USAGE ON TYPE %s.model_role %s %s%s", grant ? "GRANT" : "REVOKE", scpg_extension_schema_name(),
				 grant ? "TO" : "FROM", quote_identifier(name), grant ? "" : " CASCADE");
	List *parsed = pg_parse_query(sql);
	bool creating = creating_extension;
	Oid user;
	int security;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(type_owner(scpg_model_role_type()), security | SECURITY_LOCAL_USERID_CHANGE);
	/* In an update script too it is a privilege of this database's, for dumps to carry, and none of the script's. */
	creating_extension = false;
	PG_TRY();
	{
		ExecuteGrantStmt(castNode(GrantStmt, linitial_node(RawStmt, parsed)->stmt));
		CommandCounterIncrement();
	}
	PG_FINALLY();
	{
		creating_extension = creating;
		SetUserIdAndSecContext(user, security);
	}
	PG_END_TRY();
}

void
scpg_model_keep_role(Oid role)
{
	/* As the server does for who comes to own a table: DROP ROLE locks it first. */
	LockSharedObject(AuthIdRelationId, role, 0, AccessShareLock);
	if (!SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role with OID %u was dropped meanwhile", role)));
}

/* Does a row name it? As it is now, after this transaction's own changes, whatever else the transaction sees. */
static bool
is_named(Oid role)
{
	Datum values[1] = {ObjectIdGetDatum(role)};
	bool named;

	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	scpg_catalog_run(SCPG_FIND_ROLE, values, NULL, true);
	PopActiveSnapshot();
	named = SPI_processed > 0;
	SPI_freetuptable(SPI_tuptable);
	return named;
}

void
scpg_model_hold_role(Oid role)
{
	Datum values[1] = {ObjectIdGetDatum(role)};
	bool named;
	bool held;

	/* Nearly always there is nothing to do but to keep others from letting it go, and nobody else need wait. */
	scpg_model_lock_role(role, false);
	AcceptInvalidationMessages();
	if (is_named(role) && scpg_model_role_is_held(role))
		return;
	scpg_model_unlock_role(role);
	/* One transaction at a time, to its end: it sees what those before it did, and the type has one writer. */
	scpg_model_lock_roles();
	AcceptInvalidationMessages();
	if (!is_named(role))
	{
		scpg_model_lock_role(role, true);
		AcceptInvalidationMessages();
	}
	named = is_named(role);
	held = scpg_model_role_is_held(role);
	if (named && !held)
	{
		/* What names an earlier role of the same oid must not come to mean this one. */
		scpg_catalog_run(SCPG_FORGET_OWNER, values, NULL, false);
		scpg_catalog_run(SCPG_FORGET_GRANTS, values, NULL, false);
		change_privilege(role, true);
	}
	else if (!named && held && role != type_owner(scpg_model_role_type()))
		change_privilege(role, false);
}

/* ---- another owner ----------------------------------------------------------------- */

/* May the current user give away what from owns, or owned until it was dropped? */
static void
check_rights(Oid from, Oid to)
{
	Oid needed[] = {OidIsValid(from) ? from : ROLE_PG_DATABASE_OWNER, to};

	for (int i = 0; i < lengthof(needed); i++)
		if (!has_privs_of_role(GetUserId(), needed[i]))
			ereport(ERROR,
					(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied to reassign models"),
					 OidIsValid(from)
						 ? errdetail("It takes the privileges of both roles.")
						 : errdetail("It takes the privileges of the database's owner and of the role they go to.")));
}

/* The names of models that from owns; refuses one that to has already, or that is being trained. */
static void
check_names(Datum *values, Oid from, Oid to)
{
	SPITupleTable *names;
	uint64 count;

	scpg_catalog_run(SCPG_LIST_OWNED, values, NULL, false);
	names = SPI_tuptable;
	count = SPI_processed;
	for (uint64 i = 0; i < count; i++)
	{
		char *name = scpg_catalog_text(i, 1);

		if (scpg_catalog_int4(i, 2) != 0)
			ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT),
							errmsg("role \"%s\" already has a model \"%s\"", GetUserNameFromId(to, false), name),
							errhint("Drop one of the two, or reassign the models to another role.")));
		scpg_model_lock_transaction(from, name);
		scpg_model_lock_transaction(to, name);
	}
	SPI_freetuptable(names);
}

/*
 * Grants of an owner who is gone give nothing; with an owner they do again. A
 * role that has come to use another owner's model of the name would then have
 * two of them.
 */
static void
check_grants(Datum *values, Oid to)
{
	SPITupleTable *grants;
	uint64 count;

	scpg_catalog_run(SCPG_LIST_GRANTS, values, NULL, false);
	grants = SPI_tuptable;
	count = SPI_processed;
	for (uint64 i = 0; i < count; i++)
	{
		char *name;
		Oid role;

		SPI_tuptable = grants;
		name = scpg_catalog_text(i, 1);
		role = scpg_catalog_oid(i, 2);
		scpg_model_check_grant(to, name, role,
							   psprintf("A superuser can take this grant away: DELETE FROM %s.selfclass_model_grant WHERE owner::text = %s AND name = %s AND role::text = %s;",
										scpg_extension_schema_name(), quote_literal_cstr(TextDatumGetCString(values[0])),
										quote_literal_cstr(name), quote_literal_cstr(scpg_role_name(role))));
	}
	SPI_freetuptable(grants);
}

int64
scpg_model_reassign(const char *from_name, const char *to_name)
{
	scpg_kept_name *from_role = scpg_kept_name_read(&scpg_model_role_form, from_name, NULL);
	Oid from = scpg_kept_name_oid(&scpg_model_role_form, from_role);
	Oid to = scpg_kept_name_oid(&scpg_model_role_form, scpg_kept_name_read(&scpg_model_role_form, to_name, NULL));
	Datum values[2];
	List *uses;
	int64 count;

	if (!OidIsValid(to))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role \"%s\" does not exist", to_name)));
	check_rights(from, to);
	if (from == to)
		return 0;
	/* One role has one text, of those that are gone too. */
	values[0] = CStringGetTextDatum(scpg_kept_name_text(&scpg_model_role_form, from_role));
	values[1] = ObjectIdGetDatum(to);
	scpg_model_keep_role(to);
	check_names(values, from, to);
	if (!OidIsValid(from))
		check_grants(values, to);
	uses = scpg_model_trigger_uses();
	scpg_catalog_run(SCPG_CLEAR_GRANTS, values, NULL, false);
	scpg_catalog_run(SCPG_REASSIGN_GRANTS, values, NULL, false);
	scpg_catalog_run(SCPG_REASSIGN_MODELS, values, NULL, false);
	count = (int64) SPI_processed;
	scpg_model_check_uses(uses);
	if (count == 0 && !OidIsValid(from))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role \"%s\" does not exist", from_name),
						errdetail("No model names it as its owner either.")));
	return count;
}
