/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_images_columns.c
 *	  What cluster_images and cluster_images_into share about their SQL side:
 *	  arguments in, columns out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"

#include "pg/cluster/cluster_images_parts.h"
#include "pg/server/arguments.h"

void
scpg_cluster_refuse_null(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
}

int
scpg_cluster_k(int64 k)
{
	if (k < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must be at least 1"),
				 errdetail("It is %lld.", (long long) k), errhint("Without k, the number of clusters is chosen.")));
	return scpg_int_value(k, "k");
}

scpg_cluster_request
scpg_cluster_read_request(FunctionCallInfo fcinfo, int first, bool wide)
{
	scpg_cluster_request asked = {0};

	if (PG_ARGISNULL(0))
		scpg_cluster_refuse_null("the relation with the images");
	asked.relid = PG_GETARG_OID(0);
	if (!PG_ARGISNULL(first))
		asked.k = scpg_cluster_k(wide ? PG_GETARG_INT64(first) : PG_GETARG_INT32(first));
	if (!PG_ARGISNULL(first + 1))
		asked.name = text_to_cstring(PG_GETARG_TEXT_PP(first + 1));
	if (!PG_ARGISNULL(first + 2))
		asked.options = PG_GETARG_JSONB_P_COPY(first + 2);
	asked.key.options = scpg_options_or_none(asked.options);
	return asked;
}

char *
scpg_cluster_call(const char *begin, int64 k, const char *model)
{
	StringInfoData s;

	initStringInfo(&s);
	appendStringInfoString(&s, begin);
	if (k != 0)
		appendStringInfo(&s, ", k => %lld", (long long) k);
	if (model != NULL)
		appendStringInfo(&s, ", model => %s", scpg_source_call_literal(model));
	appendStringInfoString(&s, "%O)");
	return s.data;
}

void
scpg_cluster_columns(const scpg_cluster_job *job, const scpg_kept_row *row, Datum *values, bool *nulls)
{
	const scpg_clustering *c = &job->clustering;

	for (int i = 0; i < SCPG_CLUSTER_COLUMNS; i++)
		nulls[i] = row->image < 0;
	if (row->image < 0)
		return;
	nulls[0] = c->label[row->image] == SCPG_NO_LABEL;
	values[0] = Int32GetDatum(c->label[row->image]);
	values[1] = Float8GetDatum(c->plot[2 * row->image]);
	values[2] = Float8GetDatum(c->plot[2 * row->image + 1]);
	values[3] = Float8GetDatum(c->distance[row->image]);
	values[4] = Float8GetDatum(c->confidence[row->image]);
}
