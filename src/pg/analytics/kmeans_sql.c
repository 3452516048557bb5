/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_sql.c
 *	  k-means of rows in memory: the aggregate kmeans_fit and the window
 *	  function kmeans.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/server/arguments.h"
#include "pg/analytics/fit.h"
#include "pg/analytics/kmeans.h"
#include "pg/analytics/window.h"
#include "pg/type/kmeans_model.h"

/* ---- the aggregate -------------------------------------------------------- */

static void
check_fit(int k, const Jsonb *options)
{
	scpg_kmeans_options o;

	scpg_kmeans_check(k, 0);
	o = scpg_kmeans_read_options(options);
	scpg_kmeans_check_start(&o, k);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_accum_wide);
Datum
scpg_kmeans_accum_wide(PG_FUNCTION_ARGS)
{
	return scpg_fit_accumulate(fcinfo, "number of clusters", check_fit);
}

SCPG_NARROW_FORM(kmeans_accum, 2)

PG_FUNCTION_INFO_V1(scpg_kmeans_final);
Datum
scpg_kmeans_final(PG_FUNCTION_ARGS)
{
	const scpg_fit *fit = scpg_fit_collected(fcinfo);
	scpg_kmeans_options options;
	MemoryContext cxt;
	sc_kmeans km;
	scpg_numbers *result;

	if (fit == NULL)
		PG_RETURN_NULL();
	scpg_kmeans_check(fit->number, fit->rows.n);
	options = scpg_kmeans_read_options(fit->options);
	cxt = AllocSetContextCreate(CurrentMemoryContext, "kmeans_fit", ALLOCSET_DEFAULT_SIZES);
	km = scpg_kmeans_run(fit->rows.x, fit->rows.n, fit->rows.d, fit->number, 0, &options, cxt);
	scpg_kmeans_report(&km, fit->number);
	result = scpg_kmeans_model_make(km.k, km.d, km.centroids, km.sizes, km.inertia, km.iterations, km.converged);
	MemoryContextDelete(cxt);
	PG_RETURN_POINTER(result);
}

/* ---- the window function -------------------------------------------------- */

/* What has been said in this statement: partitions are many, and each could say it again. */
typedef struct window_said
{
	bool few_rows;
	bool few_points;
} window_said;

static window_said *
get_said(FmgrInfo *function)
{
	if (function->fn_extra == NULL)
		function->fn_extra = MemoryContextAllocZero(function->fn_mcxt, sizeof(window_said));
	return function->fn_extra;
}

/* k for a partition of `rows` rows: as many clusters as rows where there are fewer. */
static int
fit_to_partition(int k, size_t rows, const scpg_kmeans_options *options, window_said *said)
{
	/* Centroids to start from are k, and there is no telling which of them to leave out. */
	if (k <= rows || options->init.value == SC_KMEANS_GIVEN)
	{
		scpg_kmeans_check(k, rows);
		return k;
	}
	if (!said->few_rows)
		ereport(NOTICE, (errmsg("a partition has fewer rows than clusters were asked for"),
						 errdetail("Rows with an embedding, and so clusters: %zu. Clusters asked for: %d.", rows, k)));
	said->few_rows = true;
	return (int) rows;
}

static void
report(const sc_kmeans *km, int k, window_said *said)
{
	if (!said->few_points)
		scpg_kmeans_report_clusters(k, km->k, km->distinct);
	said->few_points |= km->k < k;
	scpg_kmeans_report_iterations(km->iterations, km->converged);
}

/* k of the first row, wide: as a bigint. */
static const int32 *
label_rows(WindowObject winobj, FunctionCallInfo fcinfo, bool wide, const scpg_rows *rows, MemoryContext cxt)
{
	static const char what[] = "number of clusters";
	Datum number = scpg_window_argument(winobj, 1, what);
	int k = wide ? scpg_int_value(DatumGetInt64(number), what) : DatumGetInt32(number);
	window_said *said = get_said(fcinfo->flinfo);
	scpg_kmeans_options options;
	sc_kmeans km;

	scpg_kmeans_check(k, 0);
	options = scpg_kmeans_read_options(scpg_window_options(winobj, fcinfo, 2));
	if (rows->n == 0)
		return NULL;
	k = fit_to_partition(k, rows->n, &options, said);
	km = scpg_kmeans_run(rows->x, rows->n, rows->d, k, 0, &options, cxt);
	report(&km, k, said);
	return km.labels;
}

static const int32 *
label_rows_wide(WindowObject winobj, FunctionCallInfo fcinfo, const scpg_rows *rows, MemoryContext cxt)
{
	return label_rows(winobj, fcinfo, true, rows, cxt);
}

static const int32 *
label_rows_narrow(WindowObject winobj, FunctionCallInfo fcinfo, const scpg_rows *rows, MemoryContext cxt)
{
	return label_rows(winobj, fcinfo, false, rows, cxt);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_window_wide);
Datum
scpg_kmeans_window_wide(PG_FUNCTION_ARGS)
{
	return scpg_window_label(fcinfo, "kmeans", label_rows_wide);
}

/* For catalogs and views of version 1.0, where k was int; a window function finds its arguments itself. */
PG_FUNCTION_INFO_V1(scpg_kmeans_window);
Datum
scpg_kmeans_window(PG_FUNCTION_ARGS)
{
	return scpg_window_label(fcinfo, "kmeans", label_rows_narrow);
}
