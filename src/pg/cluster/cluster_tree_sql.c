/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_tree_sql.c
 *	  cluster_tree and cluster_labels: fine and coarse groups at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "pg/cluster/cluster_tree.h"
#include "pg/server/arguments.h"
#include "pg/server/result.h"

PG_FUNCTION_INFO_V1(scpg_cluster_tree);
PG_FUNCTION_INFO_V1(scpg_cluster_labels);

/* Of the model that argument 0 names. */
static scpg_tree_of_groups
tree_argument(FunctionCallInfo fcinfo)
{
	scpg_refuse_null(fcinfo, 0, "the name of the model");
	return scpg_cluster_tree_of(scpg_model_find_ready(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}

Datum
scpg_cluster_tree(PG_FUNCTION_ARGS)
{
	scpg_tree_of_groups tree;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	tree = tree_argument(fcinfo);
	for (int i = 0; i < tree.groups - 1; i++)
	{
		const sc_ward_join *j = &tree.joins[i];
		Datum values[5] = {Int32GetDatum(tree.groups - 1 - i), Int32GetDatum(tree.labels[j->keep]),
						   Int32GetDatum(tree.labels[j->join]), Float8GetDatum(j->height),
						   Int64GetDatum((int64) j->mass)};

		scpg_put_row(fcinfo, values, NULL);
	}
	SPI_finish();
	return (Datum) 0;
}

Datum
scpg_cluster_labels(PG_FUNCTION_ARGS)
{
	scpg_tree_of_groups tree;
	int *coarse;
	int k;

	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	k = scpg_int_argument(fcinfo, 1, "k");
	tree = tree_argument(fcinfo);
	if (k < 1 || k > tree.groups)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("k must be between 1 and the number of groups"),
						errdetail("k is %d, and there are %d groups.", k, tree.groups),
						errhint("To have more groups: SELECT * FROM split_cluster(...).")));
	coarse = palloc(tree.groups * sizeof(int));
	for (int g = 0; g < tree.groups; g++)
		coarse[g] = g;
	/* A group that was joined is not joined again, so from the last join to the first each is where it ends. */
	for (int i = tree.groups - k - 1; i >= 0; i--)
		coarse[tree.joins[i].join] = coarse[tree.joins[i].keep];
	for (int g = 0; g < tree.groups; g++)
	{
		Datum values[2] = {Int32GetDatum(tree.labels[g]), Int32GetDatum(tree.labels[coarse[g]])};

		scpg_put_row(fcinfo, values, NULL);
	}
	SPI_finish();
	return (Datum) 0;
}
