/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/trigger_sql.c
 *	  The trigger that keeps a column of embeddings up to date.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "pg/model/embed_image.h"
#include "pg/server/extension.h"

PG_FUNCTION_INFO_V1(scpg_embed_image_trigger);

/* Of a value of the key, in a message. */
#define KEY_BYTES 100

static void
check_trigger(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_BEFORE(data->tg_event) || !TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(data->tg_event))
		ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
						errmsg("embed_image_trigger must be fired before insert or update, for each row")));
	if (data->tg_trigger->tgnargs != 3)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("embed_image_trigger needs three arguments"),
						errhint("EXECUTE FUNCTION embed_image_trigger('model', 'image column', 'embedding column').")));
}

/*
 * The number of the column of that name and type. No embedding of a domain: its
 * constraints are not checked after a trigger.
 */
static int
find_column(Relation rel, const char *name, Oid type)
{
	int number = SPI_fnumber(RelationGetDescr(rel), name);
	Oid found;

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of relation \"%s\" does not exist", name, RelationGetRelationName(rel))));
	found = TupleDescAttr(RelationGetDescr(rel), number - 1)->atttypid;
	if (found != type && (type != BYTEAOID || getBaseType(found) != type))
		ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH), errmsg("column \"%s\" is of type %s, not %s", name,
																   format_type_be(found), format_type_be(type))));
	return number;
}

/*
 * Does the row bring another image? An UPDATE that names the column does, even
 * with the same bytes, so that embeddings can be made anew; one that does not
 * may still change it through an earlier trigger.
 */
static bool
image_is_new(const TriggerData *data, int column, Datum image, bool null)
{
	Datum before;
	bool before_null;

	if (TRIGGER_FIRED_BY_INSERT(data->tg_event) ||
		bms_is_member(column - FirstLowInvalidHeapAttributeNumber, data->tg_updatedcols))
		return true;
	before = heap_getattr(data->tg_trigtuple, column, RelationGetDescr(data->tg_relation), &before_null);
	if (null || before_null)
		return null != before_null;
	return !datumIsEqual(before, image, false, -1);
}

/* ---- which row it was --------------------------------------------------------------- */

/* May the current user read the relation, or these columns of it, whatever the row? */
static bool
may_read(Oid relid, const Bitmapset *columns)
{
	int i = -1;

	if (check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK)
		return true;
	if (columns == NULL)
		return false;
	while ((i = bms_next_member(columns, i)) >= 0)
		if (pg_attribute_aclcheck(relid, i + FirstLowInvalidHeapAttributeNumber, GetUserId(), ACL_SELECT) != ACLCHECK_OK)
			return false;
	return true;
}

/* May who inserts or updates see these columns? The row may have had values that they may not read. */
static bool
may_show(Relation rel, const Bitmapset *columns)
{
	ListCell *cell;

	if (may_read(RelationGetRelid(rel), columns))
		return true;
	/* The rows of a partition are read through what it is part of. */
	foreach(cell, get_partition_ancestors(RelationGetRelid(rel))) if (may_read(lfirst_oid(cell), NULL)) return true;
	return false;
}

static void
append_list(StringInfo list, const char *item, int bytes)
{
	appendStringInfo(list, "%s%.*s", list->len > 0 ? ", " : "", bytes, item);
}

/* "s.album with id = 5", by its primary key; where there is none, or it may not be shown, "s.album, column image". */
static char *
name_row(Relation rel, HeapTuple row, const char *image_column)
{
	TupleDesc desc = RelationGetDescr(rel);
	Bitmapset *columns = RelationGetIndexAttrBitmap(rel, INDEX_ATTR_BITMAP_PRIMARY_KEY);
	bool composite = bms_membership(columns) == BMS_MULTIPLE;
	char *relation =
		quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
	StringInfoData names;
	StringInfoData values;
	int i = -1;

	if (bms_is_empty(columns) || !may_show(rel, columns))
		return psprintf("%s, column %s", relation, quote_identifier(image_column));
	initStringInfo(&names);
	initStringInfo(&values);
	while ((i = bms_next_member(columns, i)) >= 0)
	{
		AttrNumber number = i + FirstLowInvalidHeapAttributeNumber;
		Form_pg_attribute a = TupleDescAttr(desc, number - 1);
		Oid output;
		bool is_varlena;
		bool null;
		Datum value = heap_getattr(row, number, desc, &null);
		char *text = "null";

		getTypeOutputInfo(a->atttypid, &output, &is_varlena);
		if (!null)
			text = OidOutputFunctionCall(output, value);
		append_list(&names, NameStr(a->attname), NAMEDATALEN);
		append_list(&values, text, pg_mbcliplen(text, strlen(text), KEY_BYTES));
	}
	return psprintf(composite ? "%s with (%s) = (%s)" : "%s with %s = %s", relation, names.data, values.data);
}

static void
tell_row(void *arg)
{
	errcontext("image of %s", (const char *) arg);
}

/* Of one row of many, an error tells which. */
static Datum
embed_row(Relation rel, HeapTuple row, const char *image_column, Datum image, const scpg_model *model)
{
	/* Named now, for an output function is not to be called when something has failed. */
	ErrorContextCallback callback = {.previous = error_context_stack,
									 .callback = tell_row,
									 .arg = name_row(rel, row, image_column)};
	scpg_embedding *embedding;

	error_context_stack = &callback;
	embedding = scpg_embed_datum(image, model);
	error_context_stack = callback.previous;
	return EmbeddingGetDatum(embedding);
}

/* ---- the trigger -------------------------------------------------------------------- */

Datum
scpg_embed_image_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	Relation rel;
	TupleDesc desc;
	HeapTuple row;
	char **args;
	int image_column;
	int embedding_column;
	Datum image;
	bool null;
	Datum embedding = (Datum) 0;

	check_trigger(fcinfo);
	rel = data->tg_relation;
	desc = RelationGetDescr(rel);
	args = data->tg_trigger->tgargs;
	row = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	image_column = find_column(rel, args[1], BYTEAOID);
	embedding_column = find_column(rel, args[2], scpg_embedding_type());
	image = heap_getattr(row, image_column, desc, &null);
	if (!image_is_new(data, image_column, image, null))
		return PointerGetDatum(row);
	if (!null)
	{
		int32 typmod = TupleDescAttr(desc, embedding_column - 1)->atttypmod;

		/* Nothing checks the type modifier after a trigger. */
		if (typmod >= 0)
			scpg_embedding_check_expected(typmod, SC_EMBEDDING_DIM);
		/* The model that its name means to the owner of the table, or of the partition: not who inserts decides. */
		embedding = embed_row(rel, row, args[1], image, scpg_model_of_statement(args[0], rel->rd_rel->relowner));
	}
	return PointerGetDatum(heap_modify_tuple_by_cols(row, desc, 1, &embedding_column, &embedding, &null));
}
