/*-------------------------------------------------------------------------
 *
 * src/pg/model/owners_sql.c
 *	  reassign_models(), and the triggers on the tables of models and grants:
 *	  selfclass_adopt() before a row comes, selfclass_hold_roles() at commit.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "pg/model/model_parts.h"
#include "pg/server/extension.h"
#include "pg/type/kept_name.h"

PG_FUNCTION_INFO_V1(scpg_reassign_models);
PG_FUNCTION_INFO_V1(scpg_adopt);
PG_FUNCTION_INFO_V1(scpg_hold_roles);

Datum
scpg_reassign_models(PG_FUNCTION_ARGS)
{
	int64 count;

	PreventCommandIfReadOnly("reassign_models()");
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the role must not be null")));
	SPI_connect();
	count = scpg_model_reassign(text_to_cstring(PG_GETARG_TEXT_PP(0)), text_to_cstring(PG_GETARG_TEXT_PP(1)));
	SPI_finish();
	PG_RETURN_INT64(count);
}

/* ---- the triggers ------------------------------------------------------------------ */

/* The trigger, which must be the extension's: else the extension's owner could be made to act for a table of a user's. */
static TriggerData *
trigger_of(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		RelationGetNamespace(trigger->tg_relation) != scpg_extension_schema() ||
		trigger->tg_relation->rd_rel->relowner != scpg_catalog_owner())
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("this function is for triggers of extension \"%s\" on its own tables", SCPG_EXTENSION)));
	return trigger;
}

static bool
is_on_grants(const TriggerData *trigger)
{
	return strcmp(RelationGetRelationName(trigger->tg_relation), "selfclass_model_grant") == 0;
}

/* The column of that name; one that is not there, or NULL, is refused by the table itself later: 0. */
static Datum
column(HeapTuple tuple, TupleDesc desc, const char *name, int *number)
{
	bool null;
	Datum value;

	*number = SPI_fnumber(desc, name);
	if (*number <= 0)
		elog(ERROR, "a table of extension \"%s\" has no column \"%s\"", SCPG_EXTENSION, name);
	value = SPI_getbinval(tuple, desc, *number, &null);
	return null ? (Datum) 0 : value;
}

/*
 * A row comes whose owner is no role here, from a dump of elsewhere: it belongs
 * to whoever inserts it. So two owners' models of one name may become one
 * owner's. They get different versions, and a grant is not made twice. The
 * extension's own statements, which run as another user, know what they insert.
 */
Datum
scpg_adopt(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_of(fcinfo);
	HeapTuple row = trigger->tg_trigtuple;
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool grants = is_on_grants(trigger);
	int owner_column;
	int name_column;
	int third_column;
	Datum values[3];
	bool never = false;

	if (InLocalUserIdChange())
		return PointerGetDatum(row);
	values[0] = column(row, desc, "owner", &owner_column);
	values[1] = column(row, desc, "name", &name_column);
	values[2] = column(row, desc, grants ? "role" : "version", &third_column);
	if (values[0] == 0 || values[1] == 0 || values[2] == 0)
		return PointerGetDatum(row);
	if (!OidIsValid(scpg_kept_name_oid(&scpg_model_role_form, DatumGetKeptName(values[0]))))
	{
		values[0] = PointerGetDatum(scpg_kept_name_make(&scpg_model_role_form, GetUserId()));
		row = heap_modify_tuple_by_cols(row, desc, 1, &owner_column, &values[0], &never);
	}
	SPI_connect();
	scpg_catalog_run(grants ? SCPG_FIND_GRANT : SCPG_FIND_VERSION, values, NULL, false);
	if (SPI_processed > 0)
	{
		if (grants)
			row = NULL;
		else
		{
			values[2] = Int32GetDatum(scpg_catalog_int4(0, 1));
			row = heap_modify_tuple_by_cols(row, desc, 1, &third_column, &values[2], &never);
			row = SPI_copytuple(row);
		}
	}
	SPI_finish();
	return PointerGetDatum(row);
}

static void
hold_roles_of(HeapTuple row, TupleDesc desc, bool grants)
{
	static const char *const columns[] = {"owner", "role"};

	for (int i = 0; i < (grants ? 2 : 1); i++)
	{
		int number;
		Datum value = column(row, desc, columns[i], &number);
		Oid role = scpg_kept_name_oid(&scpg_model_role_form, DatumGetKeptName(value));

		if (OidIsValid(role))
			scpg_model_hold_role(role);
	}
}

/* Rows came, went or changed their owner: the roles that they name are held, those that none names any more let go. */
Datum
scpg_hold_roles(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_of(fcinfo);
	TupleDesc desc = RelationGetDescr(trigger->tg_relation);
	bool grants = is_on_grants(trigger);

	SPI_connect();
	hold_roles_of(trigger->tg_trigtuple, desc, grants);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		hold_roles_of(trigger->tg_newtuple, desc, grants);
	SPI_finish();
	return PointerGetDatum(NULL);
}
