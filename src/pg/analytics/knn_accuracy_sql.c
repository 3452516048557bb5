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

#include "pg/analytics/knn.h"
#include "pg/server/arguments.h"
#include "pg/table/rows.h"

typedef struct class_name
{
	const char *text; /* not ended by zero */
	int32 length;
} class_name;

typedef struct class_entry
{
	class_name name;
	int32 number;
	char status;
} class_entry;

#define SH_PREFIX classes
#define SH_ELEMENT_TYPE class_entry
#define SH_KEY_TYPE class_name
#define SH_KEY name
#define SH_HASH_KEY(tb, key) hash_bytes((const unsigned char *) (key).text, (key).length)
#define SH_EQUAL(tb, a, b) ((a).length == (b).length && memcmp((a).text, (b).text, (a).length) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

typedef struct accuracy_state
{
	scpg_rows rows; /* tag: number of the class */
	classes_hash *classes;
	int k;
} accuracy_state;

PG_FUNCTION_INFO_V1(scpg_knn_accuracy_accum_wide);
Datum
scpg_knn_accuracy_accum_wide(PG_FUNCTION_ARGS)
{
	MemoryContext context = scpg_aggregate_context(fcinfo);
	accuracy_state *state = PG_ARGISNULL(0) ? NULL : (accuracy_state *) PG_GETARG_POINTER(0);
	int k = scpg_knn_argument(fcinfo, 3);
	text *truth;
	class_name name;
	class_entry *entry;
	bool found;

	if (state == NULL)
	{
		state = MemoryContextAllocZero(context, sizeof(accuracy_state));
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

SCPG_NARROW_FORM(knn_accuracy_accum, 3)

static int
compare_names(const void *a, const void *b)
{
	const class_entry *x = *(const class_entry *const *) a;
	const class_entry *y = *(const class_entry *const *) b;
	int order = memcmp(x->name.text, y->name.text, Min(x->name.length, y->name.length));

	return order != 0 ? order : x->name.length < y->name.length ? -1 : x->name.length > y->name.length;
}

/* What the order of rows is made of. */
typedef struct row_order
{
	const scpg_rows *rows;
	const int32 *class_order; /* (classes) */
} row_order;

static int
compare_rows(const void *a, const void *b, void *arg)
{
	const row_order *o = arg;
	size_t x = *(const uint32 *) a, y = *(const uint32 *) b;
	size_t bytes = o->rows->d * sizeof(float);
	int order = memcmp(o->rows->x + x * o->rows->d, o->rows->x + y * o->rows->d, bytes);

	return order != 0 ? order : o->class_order[o->rows->tag[x]] - o->class_order[o->rows->tag[y]];
}

/* rank (n) of the rows by their contents and class, which no order of arrival changes. order: (n), scratch. */
static void
rank_rows(const accuracy_state *state, uint32 *rank, uint32 *order)
{
	int32 *class_order = palloc(state->classes->members * sizeof(int32));
	const class_entry **sorted = palloc(state->classes->members * sizeof(class_entry *));
	row_order o = {&state->rows, class_order};
	classes_iterator it;
	class_entry *entry;
	int count = 0;

	classes_start_iterate(state->classes, &it);
	while ((entry = classes_iterate(state->classes, &it)) != NULL)
		sorted[count++] = entry;
	qsort(sorted, count, sizeof(class_entry *), compare_names);
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

/* The number of rows that have the truth which most of their neighbours have; memory: in the current context. */
static size_t
count_right(const accuracy_state *state)
{
	const scpg_rows *rows = &state->rows;
	size_t classes = state->classes->members;
	sc_knn job = {.n = rows->n, .d = rows->d, .rows = rows->x, .k = state->k, .leave_out = true};
	size_t right = 0;
	sc_arena arena;
	uint32 *rank;
	int32 *votes;

	scpg_knn_plan(&job);
	arena = scpg_knn_layout(&job,
							sc_add(sc_arena_round(sc_mul(2 * sizeof(uint32), job.n)),
								   sc_arena_round(sc_mul(sizeof(int32), classes))),
							CurrentMemoryContext);
	rank = SC_TAKE(&arena, uint32, 2 * job.n);
	votes = SC_TAKE(&arena, int32, classes);
	memset(votes, 0, classes * sizeof(int32));
	rank_rows(state, rank, rank + job.n);
	job.rank = rank;
	while (scpg_knn_next(&job))
		for (size_t i = 0; i < job.m; i++)
			right += vote(job.index + i * job.found, job.found, rows->tag, votes) == rows->tag[job.first + i];
	return right;
}

PG_FUNCTION_INFO_V1(scpg_knn_accuracy_final);
Datum
scpg_knn_accuracy_final(PG_FUNCTION_ARGS)
{
	const accuracy_state *state;
	MemoryContext cxt, old;
	size_t right;

	(void) scpg_aggregate_context(fcinfo);
	state = (const accuracy_state *) PG_GETARG_POINTER(0);
	/* A row alone has no neighbour. */
	if (state->rows.n < 2)
		PG_RETURN_NULL();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "knn_accuracy", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(cxt);
	right = count_right(state);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	PG_RETURN_FLOAT8((double) right / (double) state->rows.n);
}
