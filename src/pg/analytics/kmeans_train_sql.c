/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_train_sql.c
 *	  kmeans_train: k-means of a table that need not fit into memory.
 *
 * A sample of bounded size is clustered in memory, then one query with
 * kmeans_step an iteration goes over all rows, as the caller, under one
 * snapshot: an ordinary aggregate query that the planner makes parallel,
 * partitioned or distributed as it likes.
 *
 * Such a query sees all rows with the same centroids, for its result is not to
 * depend on their order. So averages over batches of them could be no better
 * than the mean that it returns, and "algorithm": "minibatch" means two things
 * here: mini-batches over the sample, and no more queries than it takes until
 * one no longer lowers the inertia by much.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "pg/analytics/kmeans.h"
#include "pg/analytics/kmeans_sample.h"
#include "pg/server/arguments.h"
#include "pg/server/extension.h"
#include "pg/server/memory.h"
#include "pg/server/progress.h"
#include "pg/table/source.h"
#include "pg/type/embedding.h"
#include "pg/type/kmeans_model.h"

typedef struct train_options
{
	scpg_kmeans_options kmeans;
	int sample;
} train_options;

static const scpg_option option_table[] = {
	SCPG_KMEANS_OPTIONS_START(train_options, kmeans),
	{"sample", SCPG_OPTION_INT, offsetof(train_options, sample), SCPG_SAMPLE_LEAST, 100000000},
};

typedef struct train
{
	scpg_kmeans_table table;
	int k;
	train_options options;
	MemoryContext context; /* of models */
	scpg_numbers *found;   /* the result; NULL: there are no rows */
	size_t distinct;	   /* different rows of the sample */
} train;

static int64
count_rows(const train *t)
{
	bool isnull;

	if (SPI_execute(psprintf("SELECT pg_catalog.count(%s) FROM %s", t->table.column, t->table.relation), true, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "could not count rows: %s", SPI_result_code_string(SPI_result));
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* One iteration as a query; its parameter is a model. */
typedef struct step_query
{
	const char *sql;
	SPIPlanPtr plan; /* NULL: planned anew for each model */
} step_query;

/*
 * One plan serves all iterations, and the model stays a parameter of it: a model
 * within a plan would go to every worker as text. Citus must know the values of
 * parameters when it plans, and takes them in a subquery; so where it is there,
 * whatever the relation is (a view may lead to distributed tables), each
 * iteration is planned for its model, and no setting of plan_cache_mode
 * changes that.
 */
static step_query
prepare_step(const train *t)
{
	bool citus = OidIsValid(get_extension_oid("citus", true));
	Oid type = scpg_kmeans_model_type();
	step_query q = {.sql = psprintf("SELECT %s.kmeans_step(%s, %s) FROM %s", t->table.schema, t->table.column,
									citus ? "(SELECT $1)" : "$1", t->table.relation)};

	if (citus)
		return q;
	q.plan = SPI_prepare_cursor(q.sql, 1, &type, CURSOR_OPT_PARALLEL_OK | CURSOR_OPT_GENERIC_PLAN);
	if (q.plan == NULL)
		elog(ERROR, "could not prepare an iteration: %s", SPI_result_code_string(SPI_result));
	return q;
}

/* The model after one iteration from m, in t->context. */
static const scpg_numbers *
step(const train *t, const step_query *query, const scpg_numbers *m)
{
	Oid type = scpg_kmeans_model_type();
	Datum argument = PointerGetDatum(m);
	bool isnull;
	Datum result;
	MemoryContext old;
	int status;

	CHECK_FOR_INTERRUPTS();
	if (query->plan != NULL)
		status = SPI_execute_plan(query->plan, &argument, NULL, true, 0);
	else
		status = SPI_execute_with_args(query->sql, 1, &type, &argument, NULL, true, 0);
	if (status != SPI_OK_SELECT)
		elog(ERROR, "could not run an iteration: %s", SPI_result_code_string(status));
	result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	/* There were rows a moment ago, and the snapshot is the same; a view may hold anything. */
	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the rows of %s are not the same each time they are read", t->table.relation)));
	old = MemoryContextSwitchTo(t->context);
	result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
	return (const scpg_numbers *) DatumGetPointer(result);
}

/* How far the centroids moved from a to b: the sum of the squared ways. */
static double
moved(const scpg_kmeans_model *a, const scpg_kmeans_model *b)
{
	double sum = 0;

	for (size_t i = 0; i < (size_t) a->k * a->d; i++)
		sum += (a->centroids[i] - b->centroids[i]) * (a->centroids[i] - b->centroids[i]);
	return sum;
}

/* Of two clusters of a model, the larger one comes first, of equal ones the one with the lower centroid. */
static int
compare_clusters(const void *a, const void *b, void *arg)
{
	const scpg_kmeans_model *m = arg;
	int i = *(const int *) a, j = *(const int *) b;
	const double *x = m->centroids + (size_t) i * m->d, *y = m->centroids + (size_t) j * m->d;

	if (m->sizes[i] != m->sizes[j])
		return m->sizes[i] > m->sizes[j] ? -1 : 1;
	for (int l = 0; l < m->d; l++)
		if (x[l] != y[l])
			return x[l] < y[l] ? -1 : 1;
	return 0;
}

/*
 * The result: the centroids of m, the largest cluster first. Their sizes and
 * inertia are in `measured`, the model that a step from m has returned.
 */
static scpg_numbers *
arrange(const train *t, const scpg_kmeans_model *m, const scpg_kmeans_model *measured, int iterations, bool converged)
{
	scpg_kmeans_model both = *m;
	size_t d = (size_t) m->d;
	sc_arena arena =
		scpg_arena(t->context, sc_add(sc_mul(m->k, sizeof(int) + sizeof(int64_t) + d * sizeof(float)), 4 * SC_ALIGN),
				   "the centroids");
	int *order = SC_TAKE(&arena, int, m->k);
	int64_t *sizes = SC_TAKE(&arena, int64_t, m->k);
	float *centroids = SC_TAKE(&arena, float, sc_mul(m->k, d));
	MemoryContext old;
	scpg_numbers *result;

	both.sizes = measured->sizes;
	for (int c = 0; c < m->k; c++)
		order[c] = c;
	qsort_interruptible(order, m->k, sizeof(int), compare_clusters, &both);
	for (int c = 0; c < m->k; c++)
	{
		sizes[c] = (int64_t) both.sizes[order[c]];
		for (size_t j = 0; j < d; j++)
			centroids[c * d + j] = (float) both.centroids[order[c] * d + j];
	}
	old = MemoryContextSwitchTo(t->context);
	result = scpg_kmeans_model_make(m->k, m->d, centroids, sizes, measured->inertia, iterations, converged);
	MemoryContextSwitchTo(old);
	return result;
}

/*
 * Are the centroids that `after`, a step from m, is of good enough? Its inertia
 * is theirs; before: that of the centroids before them.
 */
static bool
lowers_little(const train *t, double before, const scpg_kmeans_model *after)
{
	return t->options.kmeans.algorithm == SC_KMEANS_MINIBATCH &&
		   !(after->inertia < (1 - SC_KMEANS_LITTLE * t->options.kmeans.tol) * before);
}

/* Lloyd's iterations from a first model, until a step moves the centroids by at most `still` (see moved). */
static scpg_numbers *
iterate(const train *t, const scpg_numbers *first, double still)
{
	step_query query = prepare_step(t);
	const scpg_numbers *now = first;
	const scpg_numbers *measured = NULL; /* what the step from `now` returns, once it is known */
	scpg_numbers *result;
	scpg_kmeans_model m, next;
	int iteration = 0;
	bool converged = false;
	double before = INFINITY;

	while (iteration < t->options.kmeans.max_iter && !converged)
	{
		const scpg_numbers *after = step(t, &query, now);
		double way;

		m = scpg_kmeans_model_open(now);
		next = scpg_kmeans_model_open(after);
		way = moved(&m, &next);
		converged = way <= still;
		iteration++;
		scpg_progress_epoch(iteration, next.inertia);
		ereport(NOTICE, (errmsg("k-means iteration %d: inertia %.6g, centroids moved by %.3g", iteration, next.inertia,
								sqrt(way))));
		/* The centroids that have been measured are the result where others would be no better. */
		if (way == 0 || (iteration > 1 && lowers_little(t, before, &next)))
		{
			converged = true;
			measured = after;
			break;
		}
		before = next.inertia;
		pfree(unconstify(scpg_numbers *, now));
		now = after;
	}
	/* A step tells the sizes and the inertia of the centroids that it is given, not of those that it returns. */
	if (measured == NULL)
		measured = step(t, &query, now);
	m = scpg_kmeans_model_open(now);
	next = scpg_kmeans_model_open(measured);
	result = arrange(t, &m, &next, iteration, converged);
	if (query.plan != NULL)
		SPI_freeplan(query.plan);
	return result;
}

/* What the sample gives to the iterations. */
typedef struct start
{
	scpg_numbers *model; /* the centroids to start from, of no rows yet */
	size_t distinct;	 /* different rows of the sample */
	double still;		 /* a step that moves the centroids by no more is the last one */
} start;

/* Cluster a sample of the n rows: in memory of its own, which goes again. */
static start
find_start(const train *t, int64 n)
{
	MemoryContext cxt = AllocSetContextCreate(t->context, "kmeans_train start", ALLOCSET_DEFAULT_SIZES);
	scpg_kmeans_options options = t->options.kmeans;
	scpg_rows rows = scpg_kmeans_sample(&t->table, n, t->k, t->options.sample, options.seed, cxt);
	sc_kmeans km;
	sc_arena arena;
	int64_t *no_rows;
	MemoryContext old;
	start result;

	/* From given centroids all iterations go over all rows. */
	if (options.init.value == SC_KMEANS_GIVEN)
		options.max_iter = 1;
	km = scpg_kmeans_run(rows.x, rows.n, rows.d, t->k, 0, &options, cxt);
	arena = scpg_arena(cxt, sc_add(sc_mul(km.k, sizeof(int64_t)), 2 * SC_ALIGN), "the sizes of the clusters");
	no_rows = SC_TAKE(&arena, int64_t, km.k);
	memset(no_rows, 0, km.k * sizeof(int64_t));
	result.distinct = km.distinct;
	result.still = km.tolerance;
	old = MemoryContextSwitchTo(t->context);
	result.model = scpg_kmeans_model_make(km.k, km.d, km.start != NULL ? km.start : km.centroids, no_rows, 0, 0, false);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	return result;
}

/* The whole, from the number of rows to t->found. */
static void
find(train *t)
{
	int64 n = count_rows(t);
	start first;

	if (n == 0)
		return;
	scpg_kmeans_check(t->k, n);
	scpg_progress_phase("sampling", n);
	first = find_start(t, n);
	t->distinct = first.distinct;
	scpg_progress_phase("iterating", n);
	scpg_progress_epochs(t->options.kmeans.max_iter, 0);
	t->found = iterate(t, first.model, first.still);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_train_wide);
Datum
scpg_kmeans_train_wide(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"relation", "name of the column of embeddings", "number of clusters"};
	train t = {.options = {.kmeans = SCPG_KMEANS_DEFAULTS, .sample = SCPG_SAMPLE_ROWS}};
	MemoryContext caller = CurrentMemoryContext;
	scpg_source source;
	scpg_numbers *result;
	scpg_kmeans_model m;

	for (int i = 0; i < lengthof(names); i++)
		scpg_refuse_null(fcinfo, i, names[i]);
	t.k = scpg_int_argument(fcinfo, 2, names[2]);
	scpg_kmeans_check(t.k, 0);
	scpg_options_read(&t.options, NULL, scpg_options_argument(fcinfo, 3), option_table, lengthof(option_table));
	scpg_kmeans_check_start(&t.options.kmeans, t.k);
	source = scpg_source_embeddings(fcinfo, 0, 1, NULL);

	SPI_connect();
	t.context = AllocSetContextCreate(CurrentMemoryContext, "kmeans_train", ALLOCSET_DEFAULT_SIZES);
	t.table.relation = source.relation;
	t.table.column = quote_identifier(source.data_column);
	t.table.schema = scpg_extension_schema_name();
	scpg_progress_begin("kmeans_train", source.relid, NULL);
	PG_TRY();
	{
		find(&t);
	}
	PG_FINALLY();
	{
		scpg_progress_end();
	}
	PG_END_TRY();
	if (t.found == NULL)
	{
		SPI_finish();
		PG_RETURN_NULL();
	}
	result = MemoryContextAlloc(caller, VARSIZE(t.found));
	memcpy(result, t.found, VARSIZE(t.found));
	SPI_finish();
	m = scpg_kmeans_model_open(result);
	scpg_kmeans_report_clusters(t.k, m.k, t.distinct);
	scpg_kmeans_report_iterations(m.iterations, m.converged);
	PG_RETURN_POINTER(result);
}

SCPG_NARROW_FORM(kmeans_train, 2)
