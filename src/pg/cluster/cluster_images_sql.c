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

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg/cluster/cluster_images_parts.h"
#include "pg/cluster/group_tally.h"
#include "pg/server/compat.h"
#include "pg/server/progress.h"
#include "pg/server/result.h"

/* In `example`: no argument is an example of the key. */
#define NO_EXAMPLE (-1)

/* tuplestore_putvalues takes as many columns as the form has: in a catalog of 1.0 all but the last one, confidence. */
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

/*
 * The groups of the model as they are now. Its label table is not changed by a
 * function that returns rows: who calls it may read another table, or a part.
 */
static void
count_groups(const scpg_cluster_job *job)
{
	const scpg_model *model = job->encoding.model;
	const scpg_clustering *c = &job->clustering;
	scpg_group_tally *tally;

	if (!job->kept || !scpg_model_keeps_groups())
		return;
	tally = scpg_group_tally_begin(model, &job->source);
	for (int64 i = 0; i < job->dataset->rows; i++)
	{
		const scpg_kept_row *row = &job->dataset->row[i];
		int64 image = row->image;

		if (image >= 0)
			scpg_group_tally_add(tally,
								 &(scpg_label_row){.key = row->id,
												   .label = c->label[image],
												   .pinned = c->pinned != NULL && c->pinned[image] != SCPG_NOT_PINNED,
												   .distance = c->distance[image],
												   .confidence = c->confidence[image]});
	}
	scpg_group_tally_keep(tally);
	if (job->edit != NULL)
		scpg_edit_end(job->edit, 0);
	if (OidIsValid(model->labels))
		ereport(NOTICE, (errmsg("label table %s of model \"%s\" is as it was", model->labels_name, model->name),
						 errhint("CALL cluster_images_into(%s, %s, model => '%s') brings it up to date.",
								 quote_literal_cstr(job->source.relation), quote_literal_cstr(model->labels_name),
								 scpg_model_full_name(model))));
}

/*
 * A bigint, which drivers send for any whole number, makes cluster_images('t',
 * $1) the form with an example. Where the key is an integer and there is no
 * other k, it is taken as k.
 */
static bool
take_example_as_k(FunctionCallInfo fcinfo, int example, scpg_cluster_job *job)
{
	if (example == NO_EXAMPLE || PG_ARGISNULL(example) || !PG_ARGISNULL(example + 1) ||
		job->asked.key.example != INT8OID || !scpg_source_integer_key(&job->source))
		return false;
	job->asked.k = scpg_cluster_k(PG_GETARG_INT64(example));
	return true;
}

/* The k of a hint, 0 for none: a whole number in the place of the example is meant to be it. */
static int64
hinted_k(FunctionCallInfo fcinfo, int example, int k)
{
	int64 meant = 0;

	if (k != 0 || example == NO_EXAMPLE || PG_ARGISNULL(example))
		return k;
	if (scpg_source_example(fcinfo, example) == INT8OID)
		meant = PG_GETARG_INT64(example);
	else if (scpg_source_example(fcinfo, example) == INT4OID)
		meant = PG_GETARG_INT32(example);
	return meant >= 1 && meant <= PG_INT32_MAX ? meant : 0;
}

/* example: number of the argument with the key's example. */
static Datum
cluster_images(FunctionCallInfo fcinfo, int example)
{
	int first = example == NO_EXAMPLE ? 1 : example + 1;
	scpg_cluster_job *job;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	job = palloc0(sizeof(scpg_cluster_job));
	job->asked = scpg_cluster_read_request(fcinfo, first, false);
	job->asked.key.example = scpg_source_example(fcinfo, example);
	job->asked.call = "cluster_images() with a model";
	job->asked.key.returned = true;
	job->asked.key.call =
		scpg_cluster_call("cluster_images(%t, %k", hinted_k(fcinfo, example, job->asked.k), job->asked.name);
	scpg_progress_begin("cluster_images", job->asked.relid, job->asked.name);
	PG_TRY();
	{
		scpg_cluster_images_plan(job);
		if (!take_example_as_k(fcinfo, example, job))
			scpg_source_check_key(&job->source, fcinfo, example);
		scpg_cluster_images_read(job);
		scpg_cluster_images_run(job);
		count_groups(job);
	}
	PG_FINALLY();
	{
		scpg_progress_end();
		scpg_cluster_images_release(job);
	}
	PG_END_TRY();
	/* An example that is no NULL was k. */
	put_rows(fcinfo, job, example == NO_EXAMPLE || !PG_ARGISNULL(example));
	scpg_dataset_close(job->dataset);
	SPI_finish();
	return (Datum) 0;
}

/* For catalogs of version 1.0, whose result has no confidence: what it has no column for is not put. */
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

PG_FUNCTION_INFO_V1(scpg_cluster_images_sure);
Datum
scpg_cluster_images_sure(PG_FUNCTION_ARGS)
{
	return cluster_images(fcinfo, NO_EXAMPLE);
}

PG_FUNCTION_INFO_V1(scpg_cluster_images_typed_sure);
Datum
scpg_cluster_images_typed_sure(PG_FUNCTION_ARGS)
{
	return cluster_images(fcinfo, 1);
}
