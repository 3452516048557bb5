/*-------------------------------------------------------------------------
 *
 * src/pg/table/image_info_sql.c
 *	  image_info: what one image is, how good it looks, and why it cannot be
 *	  read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/memutils.h"

#include "pg/server/arguments.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/settings.h"
#include "pg/table/decoding.h"

PG_FUNCTION_INFO_V1(scpg_image_info);

/* The columns of the result. */
enum
{
	FORMAT,
	WIDTH,
	HEIGHT,
	CHANNELS,
	ORIENTATION,
	SHARPNESS,
	BRIGHTNESS,
	ENTROPY,
	STATE,
	MESSAGE,
	COLUMNS
};

/* Take the bytes of a value and decode them; what is wrong with them is left in item. Memory is in cxt. */
static void
read_picture(sc_decode_item *item, Datum value, MemoryContext cxt)
{
	sc_image_limits limits = scpg_image_limits();

	if (!scpg_take_value(item, value, 0, cxt))
		return;
	item->status =
		scpg_core()->sc_image_plan_read(&item->plan, item->bytes, item->size, SC_QUALITY_SIDE, &limits, &item->error);
	if (item->status == SC_NO_MEMORY)
		scpg_check(item->status, &item->error);
	if (item->status != SC_OK)
		return;
	if (scpg_decode_need(item, 1) > scpg_memory_left())
		scpg_too_large(item, item->size);
	else
		scpg_decode_items(item, 1, &limits, cxt);
}

/* What can be said of a picture that was read. */
static void
describe(Datum *values, bool *nulls, const sc_decode_item *item)
{
	sc_quality quality = {.image = scpg_decoded(item)};

	scpg_run_on(1, scpg_core()->sc_quality_run, &quality);
	values[WIDTH] = Int32GetDatum(item->plan.source_width);
	values[HEIGHT] = Int32GetDatum(item->plan.source_height);
	values[CHANNELS] = Int32GetDatum(item->plan.source_channels);
	values[ORIENTATION] = Int32GetDatum(item->plan.orientation);
	values[SHARPNESS] = Float8GetDatum(quality.sharpness);
	values[BRIGHTNESS] = Float8GetDatum(quality.brightness);
	values[ENTROPY] = Float8GetDatum(quality.entropy);
	memset(nulls + WIDTH, false, ENTROPY - WIDTH + 1);
}

/* Why a picture cannot be read. */
static void
explain(Datum *values, bool *nulls, const sc_decode_item *item)
{
	const sc_error *err = &item->error;
	char *message = psprintf(err->detail[0] ? "%s (%s)" : "%s", err->message, err->detail);

	values[STATE] = CStringGetTextDatum(unpack_sql_state(scpg_sqlstate(item->status)));
	values[MESSAGE] = CStringGetTextDatum(message);
	nulls[STATE] = nulls[MESSAGE] = false;
}

Datum
scpg_image_info(PG_FUNCTION_ARGS)
{
	MemoryContext cxt;
	sc_decode_item item;
	const char *format = NULL;
	Datum values[COLUMNS] = {0};
	bool nulls[COLUMNS];
	TupleDesc desc;

	scpg_refuse_null(fcinfo, 0, "image");
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	memset(nulls, true, sizeof(nulls));
	cxt = AllocSetContextCreate(CurrentMemoryContext, "image_info", ALLOCSET_SMALL_SIZES);
	read_picture(&item, PG_GETARG_DATUM(0), cxt);
	if (item.bytes != NULL)
		format = scpg_core()->sc_image_format_name(item.bytes, item.size);
	if (format != NULL)
	{
		values[FORMAT] = CStringGetTextDatum(asc_tolower(format, strlen(format)));
		nulls[FORMAT] = false;
	}
	if (item.status == SC_OK)
		describe(values, nulls, &item);
	else
		explain(values, nulls, &item);
	MemoryContextDelete(cxt);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
