/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_step_sql.c
 *	  kmeans_step, one Lloyd iteration as an aggregate.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/primnodes.h"

#include "pg/analytics/flat_state.h"
#include "pg/analytics/kmeans_sums.h"
#include "pg/server/arguments.h"
#include "pg/type/embedding.h"
#include "pg/type/embedding_fetch.h"

/* Cannot argument n of the aggregate (0: the first after the state) differ between the rows of a group? */
static bool
is_constant(FunctionCallInfo fcinfo, int n)
{
	Aggref *aggref = AggGetAggref(fcinfo);
	Node *argument;

	if (aggref == NULL || n >= list_length(aggref->args))
		return false;
	argument = (Node *) list_nth_node(TargetEntry, aggref->args, n)->expr;
	return IsA(argument, Const) || IsA(argument, Param);
}

static void
refuse_other_model(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("model must be the same for all rows"),
					errhint("Rows that go with different models are different groups: GROUP BY.")));
}

PG_FUNCTION_INFO_V1(scpg_kmeans_step_accum);
Datum
scpg_kmeans_step_accum(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e;
	scpg_kmeans_sums s;

	scpg_refuse_null(fcinfo, 2, "model");
	if (PG_ARGISNULL(1))
		return scpg_flat_state_unchanged(fcinfo);
	e = PG_GETARG_EMBEDDING(1);
	scpg_embedding_fetch(e);
	if (PG_ARGISNULL(0))
	{
		scpg_kmeans_model m = PG_GETARG_KMEANS_MODEL(2);

		s = scpg_kmeans_sums_new(&m);
	}
	else
	{
		s = scpg_kmeans_sums_open(scpg_flat_state_argument(fcinfo, 0));
		/* A model is larger than a row: look at it again only where it could be another. */
		if (!is_constant(fcinfo, 1))
		{
			scpg_kmeans_model m = PG_GETARG_KMEANS_MODEL(2);

			if (!scpg_kmeans_sums_same(&s, m.k, m.d, m.centroids))
				refuse_other_model();
		}
	}
	scpg_embedding_check_expected(s.d, e->dim);
	scpg_kmeans_sums_add(&s, e->x);
	PG_RETURN_BYTEA_P(s.flat);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_step_combine);
Datum
scpg_kmeans_step_combine(PG_FUNCTION_ARGS)
{
	scpg_kmeans_sums b = scpg_kmeans_sums_open(scpg_flat_state_argument(fcinfo, 1));
	scpg_kmeans_sums a = scpg_kmeans_sums_open(scpg_flat_state_argument(fcinfo, 0));

	if (!scpg_kmeans_sums_same(&a, b.k, b.d, b.centroids))
		refuse_other_model();
	scpg_kmeans_sums_merge(&a, &b);
	pfree(b.flat);
	PG_RETURN_BYTEA_P(a.flat);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_step_final);
Datum
scpg_kmeans_step_final(PG_FUNCTION_ARGS)
{
	scpg_kmeans_sums s = scpg_kmeans_sums_open(scpg_flat_state_copy(fcinfo, 0));

	PG_RETURN_POINTER(scpg_kmeans_sums_means(&s));
}
