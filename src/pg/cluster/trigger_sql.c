/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/trigger_sql.c
 *	  The trigger that keeps columns of embeddings and labels up to date.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
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
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "pg/cluster/assign.h"
#include "pg/model/embed_image.h"
#include "pg/server/errors.h"
#include "pg/server/extension.h"
#include "pg/server/memory.h"
#include "pg/server/options.h"
#include "pg/table/skips.h"

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
	if (data->tg_trigger->tgnargs < 3 || data->tg_trigger->tgnargs > 4)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("embed_image_trigger needs three or four arguments"),
				 errhint(
					 "EXECUTE FUNCTION embed_image_trigger('model', 'image column', 'embedding column' [, 'options']).")));
}

/* ---- what it was created with ------------------------------------------------------- */

typedef struct trigger_options
{
	char *label_column;		 /* NULL: no labels are wanted */
	char *confidence_column; /* likewise */
	scpg_on_error on_error;
} trigger_options;

static const scpg_option options_table[] = {
	{"label_column", SCPG_OPTION_TEXT, offsetof(trigger_options, label_column), .nullable = true},
	{"confidence_column", SCPG_OPTION_TEXT, offsetof(trigger_options, confidence_column), .nullable = true},
	{"on_error", SCPG_OPTION_ENUM, offsetof(trigger_options, on_error), .values = scpg_on_error_names},
};

/* What is written, in this order: of a row the last ones may be left out. */
enum
{
	EMBEDDING,
	LABEL,
	CONFIDENCE,
	WRITTEN
};

/* One row, and what is done with it. */
typedef struct trigger_call
{
	Relation rel;
	HeapTuple row;
	const char *model;
	const char *image_name;
	int image;			 /* number of its column */
	int column[WRITTEN]; /* likewise; 0: not wanted */
	Oid type[WRITTEN];	 /* of it */
	scpg_on_error on_error;
} trigger_call;

/*
 * The number of the column of that name, which is of one of two types. No
 * domains but of images: their constraints are not checked after a trigger.
 */
static int
find_column(Relation rel, const char *name, Oid type, Oid other, Oid *found)
{
	int number = SPI_fnumber(RelationGetDescr(rel), name);

	if (number <= 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
						errmsg("column \"%s\" of relation \"%s\" does not exist", name, RelationGetRelationName(rel))));
	*found = TupleDescAttr(RelationGetDescr(rel), number - 1)->atttypid;
	if (*found != type && *found != other && (type != BYTEAOID || getBaseType(*found) != type))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" is of type %s, not %s", name, format_type_be(*found), format_type_be(type)),
				 type == other ? 0 : errhint("It may be %s, too.", format_type_be(other))));
	return number;
}

/* What the trigger's arguments say of the row that it is fired for. */
static trigger_call
read_arguments(const TriggerData *data)
{
	char **args = data->tg_trigger->tgargs;
	trigger_options options = {.on_error = SCPG_ON_ERROR_SKIP};
	trigger_call call = {.rel = data->tg_relation, .model = args[0], .image_name = args[1]};
	Oid embedding = scpg_embedding_type();
	Oid image;

	call.row = TRIGGER_FIRED_BY_UPDATE(data->tg_event) ? data->tg_newtuple : data->tg_trigtuple;
	if (data->tg_trigger->tgnargs > 3)
		scpg_options_read(&options, NULL, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(args[3]))),
						  options_table, lengthof(options_table));
	call.on_error = options.on_error;
	call.image = find_column(call.rel, args[1], BYTEAOID, BYTEAOID, &image);
	call.column[EMBEDDING] = find_column(call.rel, args[2], embedding, embedding, &call.type[EMBEDDING]);
	if (options.label_column != NULL)
		call.column[LABEL] = find_column(call.rel, options.label_column, INT4OID, INT8OID, &call.type[LABEL]);
	if (options.confidence_column != NULL)
		call.column[CONFIDENCE] =
			find_column(call.rel, options.confidence_column, FLOAT8OID, FLOAT4OID, &call.type[CONFIDENCE]);
	return call;
}

/* Have two values that are stored apart the same bytes? Not where they are too large to be looked at. */
static bool
same_bytes(Datum a, Datum b)
{
	Size size = toast_raw_datum_size(a);
	bytea *x, *y;
	bool same;

	if (datumIsEqual(a, b, false, -1))
		return true;
	if (toast_raw_datum_size(b) != size || size > scpg_memory_left() / 2)
		return false;
	x = DatumGetByteaPP(a);
	y = DatumGetByteaPP(b);
	same = VARSIZE_ANY_EXHDR(x) == VARSIZE_ANY_EXHDR(y) &&
		   memcmp(VARDATA_ANY(x), VARDATA_ANY(y), VARSIZE_ANY_EXHDR(x)) == 0;
	if ((Pointer) x != DatumGetPointer(a))
		pfree(x);
	if ((Pointer) y != DatumGetPointer(b))
		pfree(y);
	return same;
}

/* An UPDATE that leaves the image as it was, and an embedding where it was, or puts one there, needs nothing. */
static bool
is_done(const TriggerData *data, const trigger_call *call, Datum image, bool null)
{
	TupleDesc desc = RelationGetDescr(call->rel);
	Datum before;
	bool before_null, no_embedding;

	if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		return false;
	before = heap_getattr(data->tg_trigtuple, call->image, desc, &before_null);
	if (null || before_null)
		return null && before_null;
	(void) heap_getattr(call->row, call->column[EMBEDDING], desc, &no_embedding);
	return !no_embedding && same_bytes(before, image);
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

/* The embedding of the row's image; NULL, after a warning, where it cannot be read and that is no error. */
static scpg_embedding *
embed_row(const trigger_call *call, Datum image, const scpg_model *model)
{
	/* Named now, for an output function is not to be called when something has failed. */
	char *name = name_row(call->rel, call->row, call->image_name);
	ErrorContextCallback callback = {.previous = error_context_stack, .callback = tell_row, .arg = name};
	scpg_embedding *embedding = NULL;
	sc_error err;
	sc_status status;

	error_context_stack = &callback;
	status = scpg_try_embed_datum(&embedding, image, model, &err);
	if (call->on_error == SCPG_ON_ERROR_FAIL)
		scpg_check(status, &err);
	error_context_stack = callback.previous;
	if (status != SC_OK)
		ereport(WARNING, (errcode(scpg_sqlstate(status)), errmsg("image of %s could not be read", name),
						  errdetail_internal(err.detail[0] ? "%s (%s)" : "%s", err.message, err.detail),
						  err.hint[0] ? errhint("%s", err.hint) : 0));
	return embedding;
}

/* ---- the trigger -------------------------------------------------------------------- */

/* The values to write of an image that is not NULL. */
static void
compute(Datum *values, bool *nulls, const trigger_call *call, Datum image)
{
	int32 typmod = TupleDescAttr(RelationGetDescr(call->rel), call->column[EMBEDDING] - 1)->atttypmod;
	const scpg_model *model;
	scpg_embedding *embedding;
	scpg_assignment a;

	/* Nothing checks the type modifier after a trigger. */
	if (typmod >= 0)
		scpg_embedding_check_expected(typmod, SC_EMBEDDING_DIM);
	/* The model that its name means to the owner of the table, or of the partition: not who inserts decides. */
	model = scpg_model_of_statement(call->model, call->rel->rd_rel->relowner);
	embedding = embed_row(call, image, model);
	if (embedding == NULL)
		return;
	values[EMBEDDING] = EmbeddingGetDatum(embedding);
	nulls[EMBEDDING] = false;
	if (call->column[LABEL] == 0 && call->column[CONFIDENCE] == 0)
		return;
	a = scpg_assign(model, embedding->x);
	values[LABEL] = call->type[LABEL] == INT8OID ? Int64GetDatum(a.label) : Int32GetDatum(a.label);
	nulls[LABEL] = a.label == SCPG_NO_LABEL;
	values[CONFIDENCE] =
		call->type[CONFIDENCE] == FLOAT4OID ? Float4GetDatum((float4) a.confidence) : Float8GetDatum(a.confidence);
	nulls[CONFIDENCE] = isnan(a.confidence);
}

Datum
scpg_embed_image_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	trigger_call call;
	TupleDesc desc;
	Datum image;
	bool null;
	Datum values[WRITTEN] = {0};
	bool nulls[WRITTEN] = {true, true, true};

	check_trigger(fcinfo);
	call = read_arguments(data);
	desc = RelationGetDescr(call.rel);
	image = heap_getattr(call.row, call.image, desc, &null);
	if (is_done(data, &call, image, null))
		return PointerGetDatum(call.row);
	if (!null)
		compute(values, nulls, &call, image);
	for (int i = 0; i < WRITTEN; i++)
		if (call.column[i] > 0)
			call.row = heap_modify_tuple_by_cols(call.row, desc, 1, &call.column[i], &values[i], &nulls[i]);
	return PointerGetDatum(call.row);
}
