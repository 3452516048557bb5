/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans.c
 *	  k-means as an aggregate, as a window function, and what is done with the
 *	  kmeans_model of the aggregate.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "windowapi.h"

#include "pg/analytics/fit.h"
#include "pg/analytics/kmeans.h"
#include "pg/server/arguments.h"
#include "pg/server/bridge.h"
#include "pg/table/rows.h"
#include "pg/type/embedding.h"
#include "pg/type/embedding_simd.h"
#include "pg/type/kmeans_model.h"

scpg_enum_names scpg_kmeans_init_names = {[SC_KMEANS_PLUS_PLUS] = "k-means++", [SC_KMEANS_RANDOM] = "random", NULL};

typedef struct Target
{
	scpg_kmeans_options kmeans;
} Target;

static const scpg_option kmeans_options[] = {SCPG_KMEANS_OPTIONS_START(Target, kmeans)};

scpg_kmeans_options
scpg_kmeans_read_options(const Jsonb *options)
{
	Target target = {SCPG_KMEANS_DEFAULTS};

	scpg_options_read(&target, NULL, options, kmeans_options, lengthof(kmeans_options));
	return target.kmeans;
}

void
scpg_kmeans_check(int k, size_t rows)
{
	if (k < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number of clusters must be at least 1"),
						errdetail("The number of clusters is %d.", k)));
	if (rows > 0 && k > rows)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of clusters must be at most the number of rows"),
						errdetail("The number of clusters is %d, and there are %zu rows with an embedding.", k, rows),
						errhint("Give a number from 1 to %zu.", rows)));
}

sc_kmeans
scpg_kmeans_run(const float *rows, size_t n, int d, int k, int curve_max, const scpg_kmeans_options *options,
				MemoryContext cxt)
{
	sc_kmeans km = {.n = n, .d = d, .k = k, .curve_max = curve_max, .rows = rows};
	sc_arena arena = sc_arena_counter();

	km.init = (sc_kmeans_init) options->init.value;
	if (km.init == SC_KMEANS_GIVEN)
	{
		MemoryContext old = MemoryContextSwitchTo(cxt);

		km.start = scpg_kmeans_start(options, k, d);
		MemoryContextSwitchTo(old);
	}
	km.n_init = options->n_init;
	km.max_iter = options->max_iter;
	km.tol = options->tol;
	km.seed = (uint64_t) options->seed;
	scpg_core()->sc_kmeans_layout(&km, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "k-means");
	scpg_core()->sc_kmeans_layout(&km, &arena);
	scpg_run(scpg_core()->sc_kmeans_run, &km);
	return km;
}

void
scpg_kmeans_report(const sc_kmeans *km, int k)
{
	if (km->k < k)
		ereport(NOTICE, (errmsg("number of clusters lowered from %d to %d", k, km->k),
						 errdetail("There are only %zu distinct points.", km->distinct)));
	if (!km->converged)
		ereport(WARNING, (errmsg("k-means did not converge in %d iterations", km->iterations),
						  errhint("Raise \"max_iter\" or \"tol\".")));
}

/* ---- the aggregate -------------------------------------------------------- */

static void
check_fit(int k, const Jsonb *options)
{
	scpg_kmeans_options o;
	float *start;

	scpg_kmeans_check(k, 0);
	o = scpg_kmeans_read_options(options);
	start = scpg_kmeans_start(&o, k, 0);
	if (start != NULL)
		pfree(start);
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
	const scpg_fit *fit;
	scpg_kmeans_options options;
	MemoryContext cxt;
	sc_kmeans km;
	scpg_numbers *result;

	(void) scpg_aggregate_context(fcinfo);
	fit = (const scpg_fit *) PG_GETARG_POINTER(0);
	if (fit->rows.n == 0)
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

/* Kept for a partition. */
typedef struct WindowLabels
{
	bool done;
	int32 label[FLEXIBLE_ARRAY_MEMBER]; /* by position; NO_LABEL: no embedding */
} WindowLabels;

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
label_partition(WindowObject winobj, int nargs, WindowLabels *labels, int64 n)
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
	WindowLabels *labels;
	int32 label;

	if (n > (MaxAllocSize - offsetof(WindowLabels, label)) / sizeof(int32))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many rows in one partition of \"%s\"", "kmeans"),
				 errdetail("There are %lld rows.", (long long) n)));
	labels = WinGetPartitionLocalMemory(winobj, offsetof(WindowLabels, label) + n * sizeof(int32));
	if (!labels->done)
		label_partition(winobj, PG_NARGS(), labels, n);
	label = labels->label[WinGetCurrentPosition(winobj)];
	if (label == NO_LABEL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(label);
}

/* ---- the model ------------------------------------------------------------ */

/* The nearest centroid, of equal ones the first; *distance is squared. */
static int
nearest(FunctionCallInfo fcinfo, double *distance)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	scpg_kmeans_model m = DatumGetKmeansModel(PG_GETARG_DATUM(1));
	int label = 0;

	scpg_embedding_check_expected(m.d, e->dim);
	*distance = INFINITY;
	for (int c = 0; c < m.k; c++)
	{
		double a = SC_SIMD_CALL(scpg_l2_squared_double)(e->x, m.centroids + (size_t) c * m.d, m.d);

		if (a < *distance)
		{
			*distance = a;
			label = c;
		}
	}
	PG_FREE_EMBEDDING_COPY(e, 0);
	return label;
}

PG_FUNCTION_INFO_V1(scpg_kmeans_predict);
Datum
scpg_kmeans_predict(PG_FUNCTION_ARGS)
{
	double distance;

	PG_RETURN_INT32(nearest(fcinfo, &distance));
}

PG_FUNCTION_INFO_V1(scpg_kmeans_distance);
Datum
scpg_kmeans_distance(PG_FUNCTION_ARGS)
{
	double distance;

	(void) nearest(fcinfo, &distance);
	PG_RETURN_FLOAT8(sqrt(distance));
}

PG_FUNCTION_INFO_V1(scpg_kmeans_centroids);
Datum
scpg_kmeans_centroids(PG_FUNCTION_ARGS)
{
	scpg_kmeans_model m = DatumGetKmeansModel(PG_GETARG_DATUM(0));
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	scpg_embedding *centroid = scpg_embedding_new(m.d);

	InitMaterializedSRF(fcinfo, 0);
	for (int c = 0; c < m.k; c++)
	{
		bool nulls[3] = {false};
		Datum values[3] = {Int32GetDatum(c), EmbeddingGetDatum(centroid), Int64GetDatum((int64) m.sizes[c])};

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < m.d; j++)
			centroid->x[j] = (float) m.centroids[(size_t) c * m.d + j];
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(scpg_kmeans_inertia);
Datum
scpg_kmeans_inertia(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(DatumGetKmeansModel(PG_GETARG_DATUM(0)).inertia);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_iterations);
Datum
scpg_kmeans_iterations(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(DatumGetKmeansModel(PG_GETARG_DATUM(0)).iterations);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_converged);
Datum
scpg_kmeans_converged(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(DatumGetKmeansModel(PG_GETARG_DATUM(0)).converged);
}
