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

#include "executor/spi.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "pg/analytics/near.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/result.h"
#include "pg/table/items.h"
#include "pg/table/keyed_call.h"
#include "pg/table/source.h"

/* The pairs that a shard has found. */
static void
put_pairs(const scpg_keyed_call *call, const scpg_source *source, const Datum *key, const sc_near_shard *shard)
{
	for (size_t i = 0; i < shard->count; i++)
	{
		const sc_near_pair *pair = &shard->pair[i];
		Datum values[3] = {scpg_keyed_call_key(call, source, key[pair->a]),
						   scpg_keyed_call_key(call, source, key[pair->b]),
						   Float8GetDatum(scpg_keyed_call_distance(call, pair->distance))};

		scpg_put_row(call->fcinfo, values, NULL);
	}
}

static Datum
near_duplicates(FunctionCallInfo fcinfo, bool keyed)
{
	scpg_keyed_call call = scpg_keyed_call_begin(fcinfo, keyed, 4);
	double threshold = scpg_near_argument(fcinfo, call.rest);
	sc_near job = {.threshold = scpg_keyed_call_euclidean(&call, threshold), .lanes = scpg_lanes()};
	scpg_source source =
		scpg_keyed_call_source(&call, 0,
							   psprintf("near_duplicates(%%t, %%k, %%c, %s%%o)", float8out_internal(threshold)));
	scpg_items items;
	MemoryContext cxt;

	SPI_connect();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "near_duplicates", ALLOCSET_DEFAULT_SIZES);
	scpg_items_load(&items, &source, cxt);
	job.n = items.rows.n;
	job.d = items.rows.d;
	job.rows = items.rows.x;
	if (job.n > 1)
	{
		scpg_near_layout(&job, cxt);
		while (!job.done)
		{
			scpg_run_on(job.lanes, scpg_core()->sc_near_run, &job);
			for (int s = 0; s < job.lanes; s++)
				put_pairs(&call, &source, items.key, &job.shard[s]);
		}
	}
	MemoryContextDelete(cxt);
	SPI_finish();
	return (Datum) 0;
}

SCPG_KEYED_FORM(near_duplicates, near_duplicates, false)
SCPG_KEYED_FORM(near_duplicates_options, near_duplicates, true)
/* 1.0's, without options. */
SCPG_KEYED_FORM(near_duplicates_keyed, near_duplicates, true)
