/*-------------------------------------------------------------------------
 *
 * src/pg/server/progress_sql.c
 *	  selfclass_progress_rows(): what the view selfclass_progress shows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_authid.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "pg/server/progress.h"
#include "pg/server/progress_parts.h"
#include "pg/server/result.h"

PG_FUNCTION_INFO_V1(scpg_progress_rows);

/* In the order of the function's result. */
enum
{
	PID,
	DATID,
	BACKEND_START,
	RELID,
	COMMAND,
	MODEL,
	PHASE,
	EPOCHS_TOTAL,
	EPOCHS_DONE,
	IMAGES_TOTAL,
	IMAGES_DONE,
	LOSS,
	IMAGES_PER_SECOND,
	REMAINING,
	COLUMNS
};

/* The rule of pg_stat_progress_*. */
static bool
may_see(Oid role)
{
	return has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS) || has_privs_of_role(GetUserId(), role);
}

/* Is a model's name of a database with that encoding text here? */
static bool
is_readable(const char *name, int encoding)
{
	if (encoding == GetDatabaseEncoding())
		return true;
	for (; *name != '\0'; name++)
		if (IS_HIGHBIT_SET(*name))
			return false;
	return true;
}

/* The time that is left, of which some has passed since it was written. */
static Datum
remaining(const scpg_progress_row *row)
{
	Interval *left = palloc0(sizeof(Interval));
	double since = (double) (GetCurrentTimestamp() - row->written) / USECS_PER_SEC;
	double seconds = Max(0, row->seconds_left - Max(0, since));

	/* No training takes longer than that, whatever the first step says. */
	left->time = (TimeOffset) rint(Min(seconds, 1e9)) * USECS_PER_SEC;
	return IntervalPGetDatum(left);
}

static void
put_row(FunctionCallInfo fcinfo, const scpg_progress_row *row)
{
	Datum values[COLUMNS] = {0};
	bool nulls[COLUMNS] = {false};

	values[PID] = Int32GetDatum(row->pid);
	values[DATID] = ObjectIdGetDatum(row->database);
	if (may_see(row->role))
	{
		values[BACKEND_START] = TimestampTzGetDatum(row->backend_start);
		values[RELID] = ObjectIdGetDatum(row->relid);
		values[COMMAND] = CStringGetTextDatum(row->command);
		values[MODEL] = CStringGetTextDatum(is_readable(row->model, row->encoding) ? row->model : "");
		values[PHASE] = CStringGetTextDatum(row->phase);
		values[EPOCHS_TOTAL] = Int32GetDatum(row->epochs_total);
		values[EPOCHS_DONE] = Int32GetDatum(row->epochs_done);
		values[IMAGES_TOTAL] = Int64GetDatum(row->images_total);
		values[IMAGES_DONE] = Int64GetDatum(row->images_done);
		values[LOSS] = Float8GetDatum(row->loss);
		values[IMAGES_PER_SECOND] = Float8GetDatum(row->images_per_second);
		values[REMAINING] = remaining(row);
		nulls[MODEL] = row->model[0] == '\0' || !is_readable(row->model, row->encoding);
		nulls[PHASE] = row->phase[0] == '\0';
		nulls[EPOCHS_TOTAL] = row->epochs_total == SCPG_UNCOUNTED;
		nulls[EPOCHS_DONE] = row->epochs_done == SCPG_UNCOUNTED;
		nulls[IMAGES_TOTAL] = row->images_total == SCPG_UNCOUNTED;
		nulls[IMAGES_DONE] = row->images_done == SCPG_UNCOUNTED;
		nulls[LOSS] = isnan(row->loss);
		nulls[IMAGES_PER_SECOND] = row->images_per_second == 0;
		nulls[REMAINING] = row->seconds_left < 0;
	}
	else
		for (int i = DATID + 1; i < COLUMNS; i++)
			nulls[i] = true;
	scpg_put_row(fcinfo, values, nulls);
}

Datum
scpg_progress_rows(PG_FUNCTION_ARGS)
{
	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < SCPG_PROGRESS_SLOTS; i++)
	{
		scpg_progress_row row;

		if (scpg_progress_read(i, &row))
			put_row(fcinfo, &row);
	}
	return (Datum) 0;
}
