/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/contingency_table.c
 *	  The contingency table of counted pairs of label and truth.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/analytics/contingency.h"
#include "pg/server/memory.h"

/* The pairs of a state, in the two orders that number clusters and classes. */
typedef struct sorted_pairs
{
	const scpg_contingency *state;
	int used;								/* all pairs */
	int labelled;							/* those with a label */
	const scpg_contingency_pair **by_label; /* (labelled) */
	const scpg_contingency_pair **by_truth; /* (used) */
	int32 *cluster_of;						/* (slots), of those with a label */
} sorted_pairs;

static int
compare_labels(const void *a, const void *b, void *arg)
{
	const scpg_contingency_pair *x = *(const scpg_contingency_pair *const *) a;
	const scpg_contingency_pair *y = *(const scpg_contingency_pair *const *) b;

	return x->label < y->label ? -1 : x->label > y->label;
}

/* Of digits, fewer are less, and below 0 it is the other way round. */
static int
compare_truths(const void *a, const void *b, void *arg)
{
	const scpg_contingency *c = arg;
	const scpg_contingency_pair *x = *(const scpg_contingency_pair *const *) a;
	const scpg_contingency_pair *y = *(const scpg_contingency_pair *const *) b;
	const char *s = SCPG_CONTINGENCY_TEXTS(c) + x->truth;
	const char *r = SCPG_CONTINGENCY_TEXTS(c) + y->truth;
	int order = memcmp(s, r, Min(x->length, y->length));

	if (c->kind == SCPG_TRUTH_BIGINT && x->length > 0 && y->length > 0)
	{
		bool below = *s == '-';

		if (below != (*r == '-'))
			return below ? -1 : 1;
		if (x->length != y->length)
			order = x->length < y->length ? -1 : 1;
		return below ? -order : order;
	}
	if (order != 0)
		return order;
	return x->length < y->length ? -1 : x->length > y->length;
}

/* How many pairs there are; 22023 where one was forged. */
static int
count_pairs(const scpg_contingency *c)
{
	const scpg_contingency_pair *pair;
	int32 at = 0;
	int used = 0;

	while ((pair = scpg_contingency_next(c, &at)) != NULL)
	{
		if (pair->count < 0)
			scpg_contingency_refuse();
		used++;
	}
	return used;
}

/* The pairs, sorted, and memory for what the table says of its rows and columns. */
static sorted_pairs
sort_pairs(const scpg_contingency *c, scpg_contingency_table *table)
{
	sorted_pairs s = {.state = c, .used = count_pairs(c)};
	sc_arena arena = scpg_arena(CurrentMemoryContext,
								sc_add(sc_mul(s.used, 3 * sizeof(scpg_contingency_pair *) + sizeof(int32)),
									   sc_add(sc_mul(c->slots, sizeof(int32)), 6 * SC_ALIGN)),
								"the labels");
	const scpg_contingency_pair *pair;
	int32 at = 0;

	s.by_label = SC_TAKE(&arena, const scpg_contingency_pair *, s.used);
	s.by_truth = SC_TAKE(&arena, const scpg_contingency_pair *, s.used);
	table->class_of = SC_TAKE(&arena, const scpg_contingency_pair *, s.used);
	table->label = SC_TAKE(&arena, int32, s.used);
	s.cluster_of = SC_TAKE(&arena, int32, c->slots);
	for (int i = 0; (pair = scpg_contingency_next(c, &at)) != NULL; i++)
	{
		s.by_truth[i] = pair;
		if (pair->has_label)
			s.by_label[s.labelled++] = pair;
		else
			table->missing += pair->count;
	}
	qsort_interruptible(s.by_label, s.labelled, sizeof(scpg_contingency_pair *), compare_labels, NULL);
	qsort_interruptible(s.by_truth, s.used, sizeof(scpg_contingency_pair *), compare_truths,
						unconstify(scpg_contingency *, c));
	return s;
}

/* Pairs next to each other that are alike are one cluster, or one class. */
static void
number_clusters_and_classes(const sorted_pairs *s, scpg_contingency_table *table)
{
	for (int i = 0; i < s->labelled; i++)
	{
		if (i == 0 || compare_labels(&s->by_label[i - 1], &s->by_label[i], NULL) != 0)
			table->label[table->clusters++] = s->by_label[i]->label;
		s->cluster_of[s->by_label[i] - s->state->slot] = table->clusters - 1;
	}
	for (int i = 0; i < s->used; i++)
		if (i == 0 ||
			compare_truths(&s->by_truth[i - 1], &s->by_truth[i], unconstify(scpg_contingency *, s->state)) != 0)
			table->class_of[table->classes++] = s->by_truth[i];
}

static void
fill_cells(const sorted_pairs *s, scpg_contingency_table *table, bool with_missing)
{
	size_t cells = sc_mul(table->clusters + 1, table->classes);
	sc_arena arena;
	int column = -1;

	if (cells > PG_INT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many labels and classes for one table"),
						errdetail("There are %d labels and %d classes.", table->clusters, table->classes)));
	arena = scpg_arena(CurrentMemoryContext, sc_add(sc_mul(cells, sizeof(int64)), 2 * SC_ALIGN),
					   "the table of labels and classes");
	table->count = SC_TAKE(&arena, int64, cells);
	memset(table->count, 0, cells * sizeof(int64));
	for (int i = 0; i < s->used; i++)
	{
		const scpg_contingency_pair *pair = s->by_truth[i];

		/* The first pair of a class is the one that class_of names. */
		if (column + 1 < table->classes && table->class_of[column + 1] == pair)
			column++;
		if (pair->has_label)
			table->count[(size_t) s->cluster_of[pair - s->state->slot] * table->classes + column] += pair->count;
		else if (with_missing)
			table->count[(size_t) table->clusters * table->classes + column] += pair->count;
	}
}

scpg_contingency_table
scpg_contingency_tabulate(const scpg_contingency *c, bool with_missing)
{
	scpg_contingency_table table = {0};
	sorted_pairs s = sort_pairs(c, &table);

	number_clusters_and_classes(&s, &table);
	fill_cells(&s, &table, with_missing);
	if (with_missing && table.missing > 0)
		table.clusters++;
	return table;
}
