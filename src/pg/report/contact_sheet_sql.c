/*-------------------------------------------------------------------------
 *
 * src/pg/report/contact_sheet_sql.c
 *	  The aggregate contact_sheet(image, columns, tile): the images as one
 *	  JPEG, in rows of tiles.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "pg/report/sheet.h"
#include "pg/server/arguments.h"

#define MAX_COLUMNS 1000
#define MIN_TILE 8
#define MAX_TILE 1024

typedef struct sheet_state
{
	scpg_sheet *sheet;
	int columns;
	int tile;
} sheet_state;

static int
int_argument(FunctionCallInfo fcinfo, int number, const char *name, int min, int max)
{
	int64 value;

	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("\"%s\" of a contact sheet must not be null", name)));
	value = PG_GETARG_INT64(number);
	if (value < min || value > max)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"%s\" of a contact sheet is out of range", name),
				 errdetail("The value is %lld.", (long long) value), errhint("It must be between %d and %d.", min, max)));
	return (int) value;
}

PG_FUNCTION_INFO_V1(scpg_contact_sheet_accum_wide);
Datum
scpg_contact_sheet_accum_wide(PG_FUNCTION_ARGS)
{
	sheet_state *state = PG_ARGISNULL(0) ? NULL : (sheet_state *) PG_GETARG_POINTER(0);
	int columns = int_argument(fcinfo, 2, "columns", 1, MAX_COLUMNS);
	int tile = int_argument(fcinfo, 3, "tile", MIN_TILE, MAX_TILE);
	MemoryContext cxt = scpg_aggregate_context(fcinfo);

	if (state == NULL)
	{
		state = MemoryContextAllocZero(cxt, sizeof(sheet_state));
		state->sheet = scpg_sheet_make(cxt, "contact sheet", columns, tile, 0);
		state->columns = columns;
		state->tile = tile;
	}
	if (columns != state->columns || tile != state->tile)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"columns\" and \"tile\" of a contact sheet must be the same in every row")));
	scpg_sheet_add(state->sheet, PG_ARGISNULL(1) ? NULL : (struct varlena *) DatumGetPointer(PG_GETARG_DATUM(1)));
	PG_RETURN_POINTER(state);
}

SCPG_NARROW_FORM(contact_sheet_accum, 2, 3)

PG_FUNCTION_INFO_V1(scpg_contact_sheet_final);
Datum
scpg_contact_sheet_final(PG_FUNCTION_ARGS)
{
	const sheet_state *state = PG_ARGISNULL(0) ? NULL : (const sheet_state *) PG_GETARG_POINTER(0);

	if (state == NULL)
		PG_RETURN_NULL();
	PG_RETURN_BYTEA_P(scpg_sheet_write(state->sheet));
}
