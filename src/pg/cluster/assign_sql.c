/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/assign_sql.c
 *	  assign_cluster and its like: the label of a new row, which was not there
 *	  when the clusters were made. An image is embedded first
 *	  (model/embed_image.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg/cluster/assign.h"
#include "pg/model/embed_image.h"
#include "pg/type/embedding.h"

PG_FUNCTION_INFO_V1(scpg_assign_cluster);
PG_FUNCTION_INFO_V1(scpg_assign_cluster_image);
PG_FUNCTION_INFO_V1(scpg_assign_cluster_details);

/* Of the embedding that argument 0 is, by the model that argument 1 names. */
static scpg_assignment
assign_argument(FunctionCallInfo fcinfo)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	const scpg_model *model = scpg_model_of_statement(text_to_cstring(PG_GETARG_TEXT_PP(1)), GetUserId());

	scpg_embedding_check_expected(SC_EMBEDDING_DIM, e->dim);
	return scpg_assign(model, e->x);
}

Datum
scpg_assign_cluster(PG_FUNCTION_ARGS)
{
	scpg_assignment a = assign_argument(fcinfo);

	if (a.label == SCPG_NO_LABEL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(a.label);
}

Datum
scpg_assign_cluster_image(PG_FUNCTION_ARGS)
{
	const scpg_model *model = scpg_model_of_statement(text_to_cstring(PG_GETARG_TEXT_PP(1)), GetUserId());
	scpg_assignment a = scpg_assign(model, scpg_embed_datum(PG_GETARG_DATUM(0), model)->x);

	if (a.label == SCPG_NO_LABEL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(a.label);
}

Datum
scpg_assign_cluster_details(PG_FUNCTION_ARGS)
{
	scpg_assignment a = assign_argument(fcinfo);
	Datum values[3] = {Int32GetDatum(a.label), Float8GetDatum(a.distance), Float8GetDatum(a.confidence)};
	bool nulls[3] = {a.label == SCPG_NO_LABEL, false, isnan(a.confidence)};
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}
