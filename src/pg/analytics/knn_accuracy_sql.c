/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/knn_accuracy_sql.c
 *	  The aggregate knn_accuracy(embedding, truth, k): the share of rows whose
 *	  k nearest other rows, by majority, have the same truth.
 *
 * Of classes with as many votes, the one with the nearest neighbour wins. Rows
 * at the same distance are ordered by their contents, so the order in which
 * they come decides nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "pg/server/arguments.h"
#include "pg/server/bridge.h"
#include "pg/table/rows.h"

#define BATCH_QUERIES 4096
#define BATCH_BYTES ((size_t) 32 << 20)

typedef struct ClassName
{
	const char *text; /* not ended by zero */
	int32 length;
} ClassName;

typedef struct ClassEntry
{
	ClassName name;
	int32 number;
	char status;
} ClassEntry;

#define SH_PREFIX classes
#define SH_ELEMENT_TYPE ClassEntry
#define SH_KEY_TYPE ClassName
#define SH_KEY name
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).text, (key).length)
#define SH_EQUAL(tb, a, b) ((a).length == (b).length && memcmp((a).text, (b).text, (a).length) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct AccuracyState
{
	scpg_rows rows; /* tag: number of the class */
	classes_hash *classes;
	int k;
} AccuracyState;

PG_FUNCTION_INFO_V1(scpg_knn_accuracy_accum);
Datum
scpg_knn_accuracy_accum(PG_FUNCTION_ARGS)
{
	MemoryContext context = scpg_aggregate_context(fcinfo);
	AccuracyState *state = PG_ARGISNULL(0) ? NULL : (AccuracyState *) PG_GETARG_POINTER(0);
	int k;
	text *truth;
	ClassName name;
	ClassEntry *entry;
	bool found;

	if (PG_ARGISNULL(3))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("number of neighbours must not be NULL")));
	k = PG_GETARG_INT32(3);
	if (k < 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number of neighbours must be at least 1"),
						errdetail("The number of neighbours is %d.", k)));
	if (state == NULL)
	{
		state = MemoryContextAllocZero(context, sizeof(AccuracyState));
		scpg_rows_init(&state->rows, context);
		state->classes = classes_create(state->rows.context, 32, NULL);
		state->k = k;
	}
	else if (state->k != k)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of neighbours must be the same for all rows")));
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_POINTER(state);

	truth = PG_GETARG_TEXT_PP(2);
	name.text = VARDATA_ANY(truth);
	name.length = VARSIZE_ANY_EXHDR(truth);
	entry = classes_lookup(state->classes, name);
	if (entry == NULL)
	{
		name.text = memcpy(MemoryContextAlloc(state->rows.context, Max(name.length, 1)), name.text, name.length);
		entry = classes_insert(state->classes, name, &found);
		entry->number = (int32) state->classes->members - 1;
	}
	scpg_rows_add(&state->rows, PG_GETARG_EMBEDDING(1), entry->number);
	PG_RETURN_POINTER(state);
}

static int
compare_names(const void *a, const void *b)
{
	const ClassEntry *x = *(const ClassEntry *const *) a;
	const ClassEntry *y = *(const ClassEntry *const *) b;
	int order = memcmp(x->name.text, y->name.text, Min(x->name.length, y->name.length));

	return order != 0 ? order : x->name.length < y->name.length ? -1 : x->name.length > y->name.length;
}

/* What the order of rows is made of. */
typedef struct RowOrder
{
	const scpg_rows *rows;
	const int32 *class_order; /* (classes) */
} RowOrder;

static int
compare_rows(const void *a, const void *b, void *arg)
{
	const RowOrder *o = arg;
	size_t x = *(const uint32 *) a, y = *(const uint32 *) b;
	size_t bytes = o->rows->d * sizeof(float);
	int order = memcmp(o->rows->x + x * o->rows->d, o->rows->x + y * o->rows->d, bytes);

	return order != 0 ? order : o->class_order[o->rows->tag[x]] - o->class_order[o->rows->tag[y]];
}

/* rank (n) of the rows by their contents and class, which no order of arrival changes. order: (n), scratch. */
static void
rank_rows(const AccuracyState *state, uint32 *rank, uint32 *order)
{
	int32 *class_order = palloc(state->classes->members * sizeof(int32));
	const ClassEntry **sorted = palloc(state->classes->members * sizeof(ClassEntry *));
	RowOrder o = {&state->rows, class_order};
	classes_iterator it;
	ClassEntry *entry;
	int count = 0;

	classes_start_iterate(state->classes, &it);
	while ((entry = classes_iterate(state->classes, &it)) != NULL)
		sorted[count++] = entry;
	qsort(sorted, count, sizeof(ClassEntry *), compare_names);
	for (int i = 0; i < count; i++)
		class_order[sorted[i]->number] = i;
	for (size_t i = 0; i < state->rows.n; i++)
		order[i] = (uint32) i;
	qsort_interruptible(order, state->rows.n, sizeof(uint32), compare_rows, &o);
	for (size_t i = 0; i < state->rows.n; i++)
		rank[order[i]] = (uint32) i;
}

/* The class that neighbours (count) vote for; votes: (classes), zeros before and after. */
static int32
vote(const uint32 *neighbours, int count, const int32 *class_of, int32 *votes)
{
	int32 best = class_of[neighbours[0]];

	for (int i = 0; i < count; i++)
		votes[class_of[neighbours[i]]]++;
	for (int i = 0; i < count; i++)
		if (votes[class_of[neighbours[i]]] > votes[best])
			best = class_of[neighbours[i]];
	for (int i = 0; i < count; i++)
		votes[class_of[neighbours[i]]] = 0;
	return best;
}

PG_FUNCTION_INFO_V1(scpg_knn_accuracy_final);
Datum
scpg_knn_accuracy_final(PG_FUNCTION_ARGS)
{
	const AccuracyState *state;
	MemoryContext cxt, old;
	sc_knn job = {.leave_out = true};
	sc_arena arena = sc_arena_counter();
	uint32 *rank;
	int32 *votes;
	size_t right = 0;

	(void) scpg_aggregate_context(fcinfo);
	state = (const AccuracyState *) PG_GETARG_POINTER(0);
	/* A row alone has no neighbour. */
	if (state->rows.n < 2)
		PG_RETURN_NULL();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "knn_accuracy", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(cxt);
	job.n = state->rows.n;
	job.d = state->rows.d;
	job.rows = state->rows.x;
	job.k = state->k;
	job.lanes = scpg_lanes();
	job.most =
		Max(Min(BATCH_BYTES / (Min((size_t) job.k, job.n) * (sizeof(uint32) + sizeof(double))), BATCH_QUERIES), 1);
	job.most = Min(job.most, job.n);
	scpg_core()->sc_knn_layout(&job, &arena);
	(void) SC_TAKE(&arena, uint32, sc_mul(2, job.n));
	(void) SC_TAKE(&arena, int32, state->classes->members);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the nearest neighbours");
	scpg_core()->sc_knn_layout(&job, &arena);
	rank = SC_TAKE(&arena, uint32, 2 * job.n);
	votes = SC_TAKE(&arena, int32, state->classes->members);
	memset(votes, 0, state->classes->members * sizeof(int32));
	rank_rows(state, rank, rank + job.n);
	job.rank = rank;
	for (size_t begin = 0; begin < job.n; begin += job.m)
	{
		job.m = Min(job.most, job.n - begin);
		job.queries = job.rows + begin * job.d;
		job.first = begin;
		scpg_run_on(job.lanes, scpg_core()->sc_knn_run, &job);
		for (size_t i = 0; i < job.m; i++)
			right += vote(job.index + i * job.found, job.found, state->rows.tag, votes) == state->rows.tag[begin + i];
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	PG_RETURN_FLOAT8((double) right / (double) state->rows.n);
}
