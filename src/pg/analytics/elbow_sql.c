/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/elbow_sql.c
 *	  The aggregate elbow, and what is done with its elbow_result.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "pg/server/arguments.h"
#include "pg/analytics/elbow.h"
#include "pg/analytics/fit.h"
#include "pg/server/result.h"

/* ---- the aggregate -------------------------------------------------------- */

static void
check_fit(int max_k, const Jsonb *options)
{
	if (max_k < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("largest number of clusters must be at least 1"),
				 errdetail("The largest number of clusters is %d.", max_k)));
	(void) scpg_elbow_read_options(options);
}

PG_FUNCTION_INFO_V1(scpg_elbow_accum_wide);
Datum
scpg_elbow_accum_wide(PG_FUNCTION_ARGS)
{
	return scpg_fit_accumulate(fcinfo, "largest number of clusters", check_fit);
}

SCPG_NARROW_FORM(elbow_accum, 2)

PG_FUNCTION_INFO_V1(scpg_elbow_final);
Datum
scpg_elbow_final(PG_FUNCTION_ARGS)
{
	const scpg_fit *fit = scpg_fit_collected(fcinfo);
	scpg_elbow_options options;
	scpg_numbers *result;

	if (fit == NULL)
		PG_RETURN_NULL();
	options = scpg_elbow_read_options(fit->options);
	result = scpg_elbow_find(fit->rows.x, fit->rows.n, fit->rows.d, fit->number, &options);
	scpg_elbow_name_method(result, &options);
	PG_RETURN_POINTER(result);
}

/* ---- the result ----------------------------------------------------------- */

PG_FUNCTION_INFO_V1(scpg_elbow_k);
Datum
scpg_elbow_k(PG_FUNCTION_ARGS)
{
	scpg_elbow_result r = DatumGetElbowResult(PG_GETARG_DATUM(0));

	if (r.chosen == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT32(r.chosen);
}

/* k, k_low, k_high, method, score, chance; NULL what a result does not say. */
PG_FUNCTION_INFO_V1(scpg_elbow_choice_of);
Datum
scpg_elbow_choice_of(PG_FUNCTION_ARGS)
{
	scpg_elbow_result r = DatumGetElbowResult(PG_GETARG_DATUM(0));
	const char *method = scpg_elbow_method_name(&r);
	bool graph = scpg_elbow_result_by_graph(&r);
	Datum values[6] = {Int32GetDatum(r.chosen), Int32GetDatum(r.low),
					   Int32GetDatum(r.high),	method == NULL ? (Datum) 0 : CStringGetTextDatum(method),
					   Float8GetDatum(r.score), Float8GetDatum(r.chance)};
	bool nulls[6] = {r.chosen == 0, !graph, !graph, method == NULL, !graph, !graph};
	TupleDesc desc;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values, nulls)));
}

PG_FUNCTION_INFO_V1(scpg_elbow_curve);
Datum
scpg_elbow_curve(PG_FUNCTION_ARGS)
{
	scpg_elbow_result r = DatumGetElbowResult(PG_GETARG_DATUM(0));

	InitMaterializedSRF(fcinfo, 0);
	for (int k = 1; k <= r.n; k++)
	{
		bool nulls[3] = {false, false, r.chosen == 0};
		Datum values[3] = {Int32GetDatum(k), Float8GetDatum(r.inertia[k - 1]), BoolGetDatum(k == r.chosen)};

		scpg_put_row(fcinfo, values, nulls);
	}
	return (Datum) 0;
}
