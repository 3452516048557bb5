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
 * The sample is made by the rows' hashes: those whose lowest bits are zero, as
 * many bits as it takes, each distinct row once. So it depends on the rows and
 * the seed alone, not on their order or on how they are stored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "tcop/dest.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "pg/analytics/kmeans.h"
#include "pg/server/bridge.h"
#include "pg/server/extension.h"
#include "pg/table/dataset.h"
#include "pg/table/rows.h"
#include "pg/type/embedding.h"
#include "pg/type/kmeans_model.h"

/* A sample has twice as many rows as were asked for at most, and numbers in them. */
#define SAMPLE_ROWS 20000
#define SAMPLE_LEAST 1000
#define SAMPLE_NUMBERS (1 << 26)

/* Memory of the table of hashes is counted in steps of so many, each about so large. */
#define SEEN_COUNTED 4096
#define SEEN_BYTES ((size_t) 48)

typedef struct TrainOptions
{
	scpg_kmeans_options kmeans;
	int sample;
} TrainOptions;

static const scpg_option train_options[] = {
	SCPG_KMEANS_OPTIONS_START(TrainOptions, kmeans),
	{"sample", SCPG_OPTION_INT, offsetof(TrainOptions, sample), SAMPLE_LEAST, 100000000},
};

typedef struct Train
{
	char *relation; /* quoted */
	char *column;
	char *schema; /* of the extension */
	int k;
	TrainOptions options;
	MemoryContext context;
} Train;

/* ---- the sample ------------------------------------------------------------- */

typedef struct Sample
{
	DestReceiver receiver; /* must be first */
	scpg_rows rows;		   /* tag: lowest bits of the hash */
	HTAB *seen;			   /* hashes of rows */
	int k;
	size_t size;		   /* asked for */
	int bits;			   /* of the hash that are zero */
	bool full;			   /* bits had to be added */
	MemoryContext context; /* of rows and seen */
	MemoryContext row;
} Sample;

static void
sample_nothing(DestReceiver *self)
{
}

static void
sample_startup(DestReceiver *self, int operation, TupleDesc desc)
{
}

static inline bool
in_sample(uint64 hash, int bits)
{
	return (hash & ((UINT64CONST(1) << bits) - 1)) == 0;
}

/* One more bit that must be zero: half of the rows go. */
static void
thin_out(Sample *s)
{
	size_t d = (size_t) s->rows.d;
	size_t kept = 0;

	s->bits++;
	s->full = true;
	for (size_t i = 0; i < s->rows.n; i++)
		if (in_sample((uint32) s->rows.tag[i], s->bits))
		{
			memmove(s->rows.x + kept * d, s->rows.x + i * d, d * sizeof(float));
			s->rows.tag[kept++] = s->rows.tag[i];
		}
	s->rows.n = kept;
}

/* A row of the query: embedding, hash. */
static bool
sample_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Sample *s = (Sample *) self;
	MemoryContext old;
	uint64 hash;
	bool found;
	size_t most;

	CHECK_FOR_INTERRUPTS();
	slot_getallattrs(slot);
	hash = (uint64) DatumGetInt64(slot->tts_values[1]);
	if (!in_sample(hash, s->bits))
		return true;
	(void) hash_search(s->seen, &hash, HASH_ENTER, &found);
	if (found)
		return true;
	if (hash_get_num_entries(s->seen) % SEEN_COUNTED == 1)
		scpg_count_memory(s->context, SEEN_COUNTED * SEEN_BYTES, "the hashes of a sample");
	old = MemoryContextSwitchTo(s->row);
	scpg_rows_add(&s->rows, DatumGetEmbedding(slot->tts_values[0]), (int32) (uint32) hash);
	MemoryContextSwitchTo(old);
	MemoryContextReset(s->row);
	most = Max(Min(2 * s->size, SAMPLE_NUMBERS / s->rows.d), Max(SAMPLE_LEAST, 4 * (size_t) s->k));
	/* The tag has 32 bits; more are never needed of rows that are different. */
	while (s->rows.n > most && s->bits < 32)
		thin_out(s);
	return true;
}

/* Rows with bits zero bits, into a new context. */
static void
read_sample(const Train *t, Sample *s, int bits)
{
	HASHCTL control = {.keysize = sizeof(uint64), .entrysize = sizeof(uint64)};
	SPIExecuteOptions options = {.read_only = true, .dest = &s->receiver};
	const char *hash = psprintf("%s.embedding_hash_extended(%s, '%lld'::pg_catalog.int8)", t->schema, t->column,
								(long long) t->options.kmeans.seed);
	StringInfoData sql;
	int status;

	/* Of the kinds there are, the nearest: rows that are kept; what it is called changes nothing else. */
	s->receiver = (DestReceiver){sample_receive, sample_startup, sample_nothing, sample_nothing, DestTuplestore};
	s->bits = bits;
	s->full = false;
	s->context = AllocSetContextCreate(t->context, "kmeans_train sample", ALLOCSET_DEFAULT_SIZES);
	s->row = AllocSetContextCreate(s->context, "kmeans_train row", ALLOCSET_DEFAULT_SIZES);
	scpg_rows_init(&s->rows, s->context);
	control.hcxt = s->context;
	s->seen = hash_create("kmeans_train sample", 1024, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s, %s FROM %s WHERE %s IS NOT NULL", t->column, hash, t->relation, t->column);
	if (bits > 0)
		appendStringInfo(&sql,
						 " AND %s OPERATOR(pg_catalog.&) '%lld'::pg_catalog.int8 OPERATOR(pg_catalog.=) '0'::pg_catalog.int8",
						 hash, (long long) ((UINT64CONST(1) << bits) - 1));
	status = SPI_execute_extended(sql.data, &options);
	if (status != SPI_OK_SELECT)
		elog(ERROR, "could not read a sample: %s", SPI_result_code_string(status));
}

/* About the wanted number of the n rows, and enough of them to be different k times. */
static void
take_sample(const Train *t, Sample *s, int64 n)
{
	int bits = 0;

	s->k = t->k;
	s->size = Max((size_t) t->options.sample, 4 * (size_t) t->k);
	while (bits < 32 && (uint64) n >> bits > s->size)
		bits++;
	for (;;)
	{
		size_t enough;

		read_sample(t, s, bits);
		enough = s->full ? (size_t) t->k : Max((size_t) t->k, s->size / 8);
		if (s->rows.n >= enough || bits == 0)
			break;
		/* Many rows are the same: fewer of them are different. */
		MemoryContextDelete(s->context);
		bits--;
	}
}

/* ---- the iterations --------------------------------------------------------- */

static int64
count_rows(const Train *t)
{
	bool isnull;

	if (SPI_execute(psprintf("SELECT pg_catalog.count(%s) FROM %s", t->column, t->relation), true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not count rows: %s", SPI_result_code_string(SPI_result));
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
}

/* The plan of one iteration; its parameter is a model. */
static SPIPlanPtr
prepare_step(const Train *t)
{
	Oid type = scpg_kmeans_model_type();
	SPIPlanPtr plan;

	/* A model within the plan would go to every worker as text. */
	plan = SPI_prepare_cursor(psprintf("SELECT %s.kmeans_step(%s, $1) FROM %s", t->schema, t->column, t->relation), 1,
							  &type, CURSOR_OPT_PARALLEL_OK | CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL)
		elog(ERROR, "could not prepare an iteration: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/* The model after one iteration from m, in t->context. */
static const Numbers *
step(const Train *t, SPIPlanPtr plan, const Numbers *m)
{
	Datum argument = PointerGetDatum(m);
	bool isnull;
	Datum result;
	MemoryContext old;

	CHECK_FOR_INTERRUPTS();
	if (SPI_execute_plan(plan, &argument, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not run an iteration: %s", SPI_result_code_string(SPI_result));
	result = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);
	/* There were rows a moment ago, and the snapshot is the same; a view may hold anything. */
	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the rows of %s are not the same each time they are read", t->relation)));
	old = MemoryContextSwitchTo(t->context);
	result = PointerGetDatum(PG_DETOAST_DATUM_COPY(result));
	MemoryContextSwitchTo(old);
	SPI_freetuptable(SPI_tuptable);
	return (const Numbers *) DatumGetPointer(result);
}

/* How far the centroids moved: the sum of the squares. */
static double
moved(const scpg_kmeans_model *a, const scpg_kmeans_model *b)
{
	double sum = 0;

	for (size_t i = 0; i < (size_t) a->k * a->d; i++)
		sum += (a->centroids[i] - b->centroids[i]) * (a->centroids[i] - b->centroids[i]);
	return sum;
}

static int
compare_clusters(const void *a, const void *b, void *arg)
{
	const scpg_kmeans_model *sizes = arg;
	int i = *(const int *) a, j = *(const int *) b;

	if (sizes->sizes[i] != sizes->sizes[j])
		return sizes->sizes[i] > sizes->sizes[j] ? -1 : 1;
	for (int l = 0; l < sizes->d; l++)
		if (sizes->centroids[(size_t) i * sizes->d + l] != sizes->centroids[(size_t) j * sizes->d + l])
			return sizes->centroids[(size_t) i * sizes->d + l] < sizes->centroids[(size_t) j * sizes->d + l] ? -1 : 1;
	return 0;
}

/* The centroids of m, the largest cluster first, with the sizes and the inertia that `measured` found for them. */
static Numbers *
arrange(const Train *t, const scpg_kmeans_model *m, const scpg_kmeans_model *measured, int iterations, bool converged)
{
	scpg_kmeans_model both = *m;
	size_t d = (size_t) m->d;
	sc_arena arena = sc_arena_counter();
	int *order;
	int64_t *sizes;
	float *centroids;
	MemoryContext old;
	Numbers *result;

	for (int pass = 0; pass < 2; pass++)
	{
		if (pass == 1)
			arena = scpg_arena(t->context, sc_arena_need(&arena), "the centroids");
		order = SC_TAKE(&arena, int, m->k);
		sizes = SC_TAKE(&arena, int64_t, m->k);
		centroids = SC_TAKE(&arena, float, sc_mul(m->k, d));
	}
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

/* Lloyd's iterations from a first model; still: centroids that moved by no more stand still (see moved). */
static Numbers *
iterate(const Train *t, const Numbers *first, double still)
{
	SPIPlanPtr plan = prepare_step(t);
	const Numbers *now = first;
	const Numbers *measured = NULL; /* what the step from now on would return, once it is known */
	Numbers *result;
	scpg_kmeans_model m, next;
	int iteration = 0;
	bool converged = false;

	while (iteration < t->options.kmeans.max_iter && !converged)
	{
		const Numbers *after = step(t, plan, now);
		double way;

		m = scpg_kmeans_model_open(now);
		next = scpg_kmeans_model_open(after);
		way = moved(&m, &next);
		converged = way <= still;
		iteration++;
		ereport(NOTICE, (errmsg("k-means iteration %d: inertia %.6g, centroids moved by %.3g", iteration, next.inertia,
								sqrt(way))));
		if (way == 0)
		{
			measured = after;
			break;
		}
		pfree(unconstify(Numbers *, now));
		now = after;
	}
	/* Sizes and inertia are those of the centroids that a step is given. */
	if (measured == NULL)
		measured = step(t, plan, now);
	m = scpg_kmeans_model_open(now);
	next = scpg_kmeans_model_open(measured);
	result = arrange(t, &m, &next, iteration, converged);
	SPI_freeplan(plan);
	return result;
}

/* What the sample gives to the iterations. */
typedef struct Start
{
	Numbers *model;	 /* the centroids to start from, of no rows yet */
	size_t distinct; /* different rows of the sample */
	double still;	 /* how far centroids may move and yet stand still */
} Start;

/* Cluster the sample: in memory of its own, which goes again. */
static Start
find_start(const Train *t, const Sample *s)
{
	MemoryContext cxt = AllocSetContextCreate(t->context, "kmeans_train start", ALLOCSET_DEFAULT_SIZES);
	scpg_kmeans_options options = t->options.kmeans;
	sc_kmeans km;
	sc_arena arena;
	int64_t *no_rows;
	MemoryContext old;
	Start start;

	/* From given centroids all iterations go over all rows. */
	if (options.init.value == SC_KMEANS_GIVEN)
		options.max_iter = 1;
	km = scpg_kmeans_run(s->rows.x, s->rows.n, s->rows.d, t->k, 0, &options, cxt);
	arena = scpg_arena(cxt, sc_add(sc_mul(km.k, sizeof(int64_t)), 2 * SC_ALIGN), "the sizes of the clusters");
	no_rows = SC_TAKE(&arena, int64_t, km.k);
	memset(no_rows, 0, km.k * sizeof(int64_t));
	start.distinct = km.distinct;
	start.still = km.still;
	old = MemoryContextSwitchTo(t->context);
	start.model = scpg_kmeans_model_make(km.k, km.d, km.start != NULL ? km.start : km.centroids, no_rows, 0, 0, false);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	return start;
}

PG_FUNCTION_INFO_V1(scpg_kmeans_train);
Datum
scpg_kmeans_train(PG_FUNCTION_ARGS)
{
	static const char *const names[] = {"relation", "name of the column of embeddings", "number of clusters", "options"};
	Train t = {.options = {.kmeans = SCPG_KMEANS_DEFAULTS, .sample = SAMPLE_ROWS}};
	MemoryContext caller = CurrentMemoryContext;
	scpg_source source;
	int64 n;
	Sample sample;
	Start start;
	Numbers *found;
	Numbers *result;
	scpg_kmeans_model m;

	for (int i = 0; i < lengthof(names); i++)
		if (PG_ARGISNULL(i))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", names[i])));
	t.k = PG_GETARG_INT32(2);
	scpg_kmeans_check(t.k, 0);
	scpg_options_read(&t.options, NULL, PG_GETARG_JSONB_P(3), train_options, lengthof(train_options));
	scpg_kmeans_check_start(&t.options.kmeans, t.k);
	/* No key is needed; the column of embeddings is there as well as any. */
	scpg_source_resolve(&source, PG_GETARG_OID(0), NameStr(*PG_GETARG_NAME(1)), NameStr(*PG_GETARG_NAME(1)),
						scpg_embedding_type());

	SPI_connect();
	t.context = AllocSetContextCreate(CurrentMemoryContext, "kmeans_train", ALLOCSET_DEFAULT_SIZES);
	t.relation = source.relation;
	t.column = unconstify(char *, quote_identifier(source.data_column));
	t.schema = unconstify(char *, quote_identifier(get_namespace_name(scpg_extension_schema())));
	n = count_rows(&t);
	if (n == 0)
	{
		SPI_finish();
		PG_RETURN_NULL();
	}
	scpg_kmeans_check(t.k, n);
	take_sample(&t, &sample, n);
	start = find_start(&t, &sample);
	MemoryContextDelete(sample.context);
	found = iterate(&t, start.model, start.still);
	result = MemoryContextAlloc(caller, VARSIZE(found));
	memcpy(result, found, VARSIZE(found));
	SPI_finish();
	m = scpg_kmeans_model_open(result);
	scpg_kmeans_report_clusters(t.k, m.k, start.distinct);
	scpg_kmeans_report_iterations(m.iterations, m.converged);
	PG_RETURN_POINTER(result);
}
