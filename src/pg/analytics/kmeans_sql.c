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

PG_FUNCTION_INFO_V1(scpg_kmeans_accum);
Datum
scpg_kmeans_accum(PG_FUNCTION_ARGS)
{
	return scpg_fit_accumulate(fcinfo, "number of clusters", check_fit);
}

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

/* Argument n (not the first) of the current row, which must not be NULL. */
static Datum
window_argument(WindowObject winobj, int n, const char *what)
{
	bool isnull;
	Datum value = WinGetFuncArgCurrent(winobj, n, &isnull);

	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", what)));
	return value;
}

/* The labels of a whole partition; k and options are those of its first row. */
static void
label_partition(WindowObject winobj, int nargs, window_labels *labels, int64 n)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "kmeans", ALLOCSET_DEFAULT_SIZES);
	MemoryContext row = AllocSetContextCreate(cxt, "kmeans row", ALLOCSET_DEFAULT_SIZES);
	scpg_kmeans_options options;
	scpg_rows rows;
	sc_kmeans km;
	int k = DatumGetInt32(window_argument(winobj, 1, "number of clusters"));

	scpg_kmeans_check(k, 0);
	options = scpg_kmeans_read_options(nargs > 2 ? DatumGetJsonbP(window_argument(winobj, 2, "options")) : NULL);
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

		scpg_kmeans_check(k, rows.n);
		km = scpg_kmeans_run(rows.x, rows.n, rows.d, k, 0, &options, cxt);
		scpg_kmeans_report(&km, k);
		for (int64 i = 0; i < n; i++)
			if (labels->label[i] != NO_LABEL)
				labels->label[i] = km.labels[taken++];
	}
	MemoryContextDelete(cxt);
	labels->done = true;
}

PG_FUNCTION_INFO_V1(scpg_kmeans_window);
Datum
scpg_kmeans_window(PG_FUNCTION_ARGS)
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
		label_partition(winobj, PG_NARGS(), labels, n);
	label = labels->label[WinGetCurrentPosition(winobj)];
	if (label == NO_LABEL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(label);
}
