/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_images_into_sql.c
 *	  cluster_images_into: labels as a table, new or a model's own one.
 *
 * A procedure that commits as it goes: after every epoch of a training, and
 * when the table is filled. The work is in cluster_images.c; which table it is,
 * and its rows, are in label_table_make.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "pg/cluster/cluster_images_parts.h"
#include "pg/cluster/label_table_make.h"
#include "pg/model/train.h"
#include "pg/server/progress.h"
#include "pg/table/dataset.h"

/* wide: labels are a text that is read as regclass reads a name, and k is a bigint; else a name as it is, and an int. */
static void
cluster_images_into(FunctionCallInfo fcinfo, bool wide)
{
	scpg_cluster_job *job;
	RangeVar *labels;
	scpg_label_target *target;

	PreventCommandIfReadOnly("cluster_images_into()");
	scpg_require_commits(fcinfo, "cluster_images_into()");
	SPI_connect_ext(SPI_OPT_NONATOMIC);
	job = palloc0(sizeof(scpg_cluster_job));
	job->asked = scpg_cluster_read_request(fcinfo, 2, wide);
	job->asked.commits = true;
	if (PG_ARGISNULL(1))
		scpg_cluster_refuse_null("the name of the new table");
	labels = wide ? makeRangeVarFromNameList(textToQualifiedNameList(PG_GETARG_TEXT_PP(1)))
				  : makeRangeVar(NULL, pstrdup(NameStr(*PG_GETARG_NAME(1))), -1);
	target = scpg_label_target_find(labels, job->asked.name != NULL);
	job->asked.key.call = scpg_cluster_call(psprintf("CALL cluster_images_into(%%t, %s",
													 scpg_source_call_literal(scpg_label_target_name(target))),
											job->asked.k, job->asked.name);
	scpg_progress_begin("cluster_images_into", job->asked.relid, job->asked.name);
	PG_TRY();
	{
		scpg_cluster_images_plan(job);
		scpg_label_target_check(target, job);
		scpg_cluster_images_read(job);
		scpg_label_target_check_keys(job->dataset);
		scpg_cluster_images_run(job);
		/* Made or brought up to date in one transaction, with the model. */
		scpg_progress_phase("writing", job->dataset->rows);
		scpg_label_target_fill(target, job);
		SPI_commit();
	}
	PG_FINALLY();
	{
		scpg_progress_end();
		scpg_cluster_images_release(job);
	}
	PG_END_TRY();
	ereport(NOTICE,
			(errmsg("table %s: %lld images in %d %s", scpg_label_target_name(target), (long long) job->dataset->images,
					job->clustering.clusters, job->clustering.clusters == 1 ? "cluster" : "clusters")));
	scpg_dataset_close(job->dataset);
	SPI_finish();
}

PG_FUNCTION_INFO_V1(scpg_cluster_images_into_wide);
Datum
scpg_cluster_images_into_wide(PG_FUNCTION_ARGS)
{
	cluster_images_into(fcinfo, true);
	PG_RETURN_VOID();
}

/* For catalogs of version 1.0. */
PG_FUNCTION_INFO_V1(scpg_cluster_images_into);
Datum
scpg_cluster_images_into(PG_FUNCTION_ARGS)
{
	cluster_images_into(fcinfo, false);
	PG_RETURN_VOID();
}
