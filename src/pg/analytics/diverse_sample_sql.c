/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/diverse_sample_sql.c
 *	  diverse_sample: rows of a table that are far from each other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/memutils.h"

#include "pg/server/arguments.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/result.h"
#include "pg/table/items.h"
#include "pg/table/keyed_call.h"
#include "pg/table/source.h"

static int
count_argument(FunctionCallInfo fcinfo, int n)
{
	int count = scpg_int_argument(fcinfo, n, "number of rows");

	if (count < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number of rows must be at least 1"),
						errdetail("The number of rows is %d.", count)));
	return count;
}

/* The job's memory, in cxt, and the job. */
static void
choose(sc_spread *job, MemoryContext cxt)
{
	sc_arena arena = sc_arena_counter();

	scpg_core()->sc_spread_layout(job, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the choice of rows");
	scpg_core()->sc_spread_layout(job, &arena);
	scpg_run(scpg_core()->sc_spread_run, job);
}

static Datum
diverse_sample(FunctionCallInfo fcinfo, bool keyed)
{
	scpg_keyed_call call = scpg_keyed_call_begin(fcinfo, keyed, 4);
	int count = count_argument(fcinfo, call.rest);
	scpg_source source = scpg_keyed_call_source(&call, 0, psprintf("diverse_sample(%%t, %%k, %%c, %d%%o)", count));
	scpg_items items;
	MemoryContext cxt;

	SPI_connect();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "diverse_sample", ALLOCSET_DEFAULT_SIZES);
	scpg_items_load(&items, &source, cxt);
	if (items.rows.n > 0)
	{
		sc_spread job = {.n = items.rows.n, .d = items.rows.d, .rows = items.rows.x};

		job.count = Min((size_t) count, job.n);
		choose(&job, cxt);
		for (size_t i = 0; i < job.count; i++)
		{
			Datum values[2] = {scpg_keyed_call_key(&call, &source, items.key[job.chosen[i]]),
							   Int32GetDatum((int32) i + 1)};

			scpg_put_row(fcinfo, values, NULL);
		}
	}
	MemoryContextDelete(cxt);
	SPI_finish();
	return (Datum) 0;
}

SCPG_KEYED_FORM(diverse_sample, diverse_sample, false)
SCPG_KEYED_FORM(diverse_sample_keyed, diverse_sample, true)
