/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_sql.c
 *	  k-means of rows in memory: the aggregate kmeans_fit and the window
 *	  function kmeans.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "pg/server/arguments.h"
#include "pg/analytics/fit.h"
#include "pg/analytics/kmeans.h"
#include "pg/type/embedding.h"
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

#define NO_LABEL (-1)

/* What is kept of a partition between its rows. */
typedef struct window_labels
{
	bool done;
	int32 label[FLEXIBLE_ARRAY_MEMBER]; /* by position; NO_LABEL: no embedding */
} window_labels;

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

/* Argument n (not the first) of the current row, which must not be NULL. */
static Datum
window_argument(WindowObject winobj, int n, const char *what)
{
	bool isnull;
	Datum value = WinGetFuncArgCurrent(winobj, n, &isnull);

	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
	return value;
}

/* The labels of a whole partition; k and options are those of its first row. wide: k is a bigint. */
static void
label_partition(WindowObject winobj, FunctionCallInfo fcinfo, bool wide, window_labels *labels, int64 n)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "kmeans", ALLOCSET_DEFAULT_SIZES);
	MemoryContext row = AllocSetContextCreate(cxt, "kmeans row", ALLOCSET_DEFAULT_SIZES);
	scpg_kmeans_options options;
	scpg_rows rows;
	sc_kmeans km;
	window_said *said = get_said(fcinfo->flinfo);
	static const char what[] = "number of clusters";
	Datum number = window_argument(winobj, 1, what);
	int k = wide ? scpg_int_value(DatumGetInt64(number), what) : DatumGetInt32(number);

	scpg_kmeans_check(k, 0);
	options = scpg_kmeans_read_options(PG_NARGS() > 2 ? DatumGetJsonbP(window_argument(winobj, 2, "options")) : NULL);
	scpg_rows_init(&rows, cxt);
	for (int64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(row);
		bool isnull, isout;
		Datum e = WinGetFuncArgInPartition(winobj, 0, (int) i, WINDOW_SEEK_HEAD, false, &isnull, &isout);

		CHECK_FOR_INTERRUPTS();
		labels->label[i] = isnull ? NO_LABEL : 0;
		if (!isnull)
			scpg_rows_add(&rows, DatumGetEmbedding(e), 0);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	if (rows.n > 0)
	{
		size_t taken = 0;

		k = fit_to_partition(k, rows.n, &options, said);
		km = scpg_kmeans_run(rows.x, rows.n, rows.d, k, 0, &options, cxt);
		report(&km, k, said);
		for (int64 i = 0; i < n; i++)
			if (labels->label[i] != NO_LABEL)
				labels->label[i] = km.labels[taken++];
	}
	MemoryContextDelete(cxt);
	labels->done = true;
}

static Datum
kmeans_window(FunctionCallInfo fcinfo, bool wide)
{
	WindowObject winobj = PG_WINDOW_OBJECT();
	int64 n = WinGetPartitionRowCount(winobj);
	window_labels *labels;
	int32 label;

	if (n > (MaxAllocSize - offsetof(window_labels, label)) / sizeof(int32))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many rows in one partition of \"%s\"", "kmeans"),
				 errdetail("There are %lld rows.", (long long) n)));
	labels = WinGetPartitionLocalMemory(winobj, offsetof(window_labels, label) + n * sizeof(int32));
	if (!labels->done)
		label_partition(winobj, fcinfo, wide, labels, n);
	label = labels->label[WinGetCurrentPosition(winobj)];
	if (label == NO_LABEL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(label);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_window_wide);
Datum
scpg_kmeans_window_wide(PG_FUNCTION_ARGS)
{
	return kmeans_window(fcinfo, true);
}

/* For catalogs and views of version 1.0, where k was int; a window function finds its arguments itself. */
PG_FUNCTION_INFO_V1(scpg_kmeans_window);
Datum
scpg_kmeans_window(PG_FUNCTION_ARGS)
{
	return kmeans_window(fcinfo, false);
}
