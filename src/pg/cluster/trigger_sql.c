/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/trigger_sql.c
 *	  The trigger that keeps a column of embeddings up to date.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "pg/model/embed_image.h"
#include "pg/server/extension.h"

PG_FUNCTION_INFO_V1(scpg_embed_image_trigger);

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
		embedding = EmbeddingGetDatum(scpg_embed_datum(image, args[0]));
	}
	return PointerGetDatum(heap_modify_tuple_by_cols(row, desc, 1, &embedding_column, &embedding, &null));
}
