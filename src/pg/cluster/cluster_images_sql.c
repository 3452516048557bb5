/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_images_sql.c
 *	  cluster_images: labels as rows.
 *
 * It does everything in its own statement and, without a model, writes
 * nothing. The work is in cluster_images.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"

#include "pg/cluster/cluster_images_parts.h"
#include "pg/server/compat.h"
#include "pg/server/result.h"

/* In `example`: no argument is an example of the key. */
#define NO_EXAMPLE (-1)

static void
put_rows(FunctionCallInfo fcinfo, const scpg_cluster_job *job, bool key_as_bigint)
{
	for (int64 i = 0; i < job->dataset->rows; i++)
	{
		const scpg_kept_row *row = &job->dataset->row[i];
		Datum values[1 + SCPG_CLUSTER_COLUMNS];
		bool nulls[1 + SCPG_CLUSTER_COLUMNS] = {false};

		values[0] = scpg_source_key(&job->source, row->id, key_as_bigint);
		scpg_cluster_columns(job, row, values + 1, nulls + 1);
		scpg_put_row(fcinfo, values, nulls);
	}
}

/* example: number of the argument with the key's example. */
static Datum
cluster_images(FunctionCallInfo fcinfo, int example)
{
	int first = example == NO_EXAMPLE ? 1 : example + 1;
	scpg_cluster_job *job;

	if (!PG_ARGISNULL(first + 1))
		PreventCommandIfReadOnly("cluster_images() with a model");
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	job = palloc0(sizeof(scpg_cluster_job));
	job->asked = scpg_cluster_read_request(fcinfo, first);
	PG_TRY();
	{
		scpg_cluster_images_plan(job);
		scpg_source_check_key(&job->source, fcinfo, "cluster_images", example);
		scpg_cluster_images_read(job);
		scpg_cluster_images_run(job);
	}
	PG_FINALLY();
	{
		scpg_cluster_images_release(job);
	}
	PG_END_TRY();
	put_rows(fcinfo, job, example == NO_EXAMPLE);
	scpg_dataset_close(job->dataset);
	SPI_finish();
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(scpg_cluster_images);
Datum
scpg_cluster_images(PG_FUNCTION_ARGS)
{
	return cluster_images(fcinfo, NO_EXAMPLE);
}

PG_FUNCTION_INFO_V1(scpg_cluster_images_typed);
Datum
scpg_cluster_images_typed(PG_FUNCTION_ARGS)
{
	return cluster_images(fcinfo, 1);
}
