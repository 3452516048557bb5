/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/near_duplicates_sql.c
 *	  near_duplicates: all pairs of rows of a table within a distance.
 *
 * The items are in memory, the pairs go to the result as they are found.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/server/arguments.h"
#include "pg/server/bridge.h"
#include "pg/table/items.h"

static double
threshold_argument(FunctionCallInfo fcinfo, int n)
{
	double threshold;

	scpg_refuse_null(fcinfo, n, "threshold");
	threshold = PG_GETARG_FLOAT8(n);
	if (!(threshold >= 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("threshold must be at least 0"),
				 errdetail("The threshold is %g.", threshold),
				 errhint("It is the largest Euclidean distance of two rows that are reported; 0 finds equal ones.")));
	return threshold;
}

/* example: number of the argument, or -1 for the form without. */
static Datum
near_duplicates(FunctionCallInfo fcinfo, int example)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int a = example < 0 ? 0 : 1; /* how far the arguments after it are shifted */
	sc_near job = {.lanes = scpg_lanes()};
	scpg_source source;
	scpg_items items;
	MemoryContext cxt;

	scpg_refuse_null(fcinfo, 0, "relation");
	scpg_refuse_null(fcinfo, a + 1, "name of the column of embeddings");
	job.threshold = threshold_argument(fcinfo, a + 2);
	InitMaterializedSRF(fcinfo, 0);
	source = scpg_source_argument(fcinfo, 0, a + 1, "near_duplicates", example);

	SPI_connect();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "near_duplicates", ALLOCSET_DEFAULT_SIZES);
	scpg_items_load(&items, &source, cxt);
	job.n = items.rows.n;
	job.d = items.rows.d;
	job.rows = items.rows.x;
	if (job.n > 1)
	{
		sc_arena arena = sc_arena_counter();

		scpg_core()->sc_near_layout(&job, &arena);
		arena = scpg_arena(cxt, sc_arena_need(&arena), "the pairs of near rows");
		scpg_core()->sc_near_layout(&job, &arena);
		scpg_core()->sc_near_begin(&job);
		while (!job.done)
		{
			scpg_run_on(job.lanes, scpg_core()->sc_near_run, &job);
			for (int s = 0; s < job.lanes; s++)
				for (size_t i = 0; i < job.shard[s].count; i++)
				{
					const sc_near_pair *pair = &job.shard[s].pair[i];
					bool nulls[3] = {false};
					Datum values[3] = {scpg_source_key(&source, items.key[pair->a], example < 0),
									   scpg_source_key(&source, items.key[pair->b], example < 0),
									   Float8GetDatum(pair->distance)};

					CHECK_FOR_INTERRUPTS();
					tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
				}
		}
	}
	MemoryContextDelete(cxt);
	SPI_finish();
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(scpg_near_duplicates);
Datum
scpg_near_duplicates(PG_FUNCTION_ARGS)
{
	return near_duplicates(fcinfo, -1);
}

PG_FUNCTION_INFO_V1(scpg_near_duplicates_keyed);
Datum
scpg_near_duplicates_keyed(PG_FUNCTION_ARGS)
{
	return near_duplicates(fcinfo, 1);
}
