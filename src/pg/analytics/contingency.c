/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/contingency.c
 *	  Counting pairs of label and truth.
 *
 * Anyone can call a transition function by hand, or make an aggregate of it
 * with a state of his own, so nothing in a state is believed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/analytics/contingency.h"
#include "pg/server/bridge.h"

#define TALLY_MAGIC 0x54414c31 /* changes with the layout */
#define FIRST_SLOTS 16
#define FIRST_TEXT 256

static size_t
tally_size(int64 slots, int64 text_size)
{
	return offsetof(Tally, slot) + slots * sizeof(TallySlot) + text_size;
}

static void
refuse(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of an aggregate of labels")));
}

static void
check_state(const Tally *t)
{
	if (VARSIZE(t) < offsetof(Tally, slot) || t->magic != TALLY_MAGIC || t->slots < FIRST_SLOTS ||
		(t->slots & (t->slots - 1)) != 0 || t->used < 0 || t->used > t->slots / 2 || t->text_size < 0 ||
		t->text_used < 0 || t->text_used > t->text_size || (t->number != 0 && t->number != 1) ||
		VARSIZE(t) != tally_size(t->slots, t->text_size))
		refuse();
}

/* A slot that is not free may be followed into the texts. */
static void
check_slot(const Tally *t, const TallySlot *s)
{
	if (s->truth < 0 || s->length < 0 || s->length > t->text_used || s->truth > t->text_used - s->length)
		refuse();
}

/* Argument n: the aggregate's own state, or a copy, which is also aligned. */
static Tally *
get_state(FunctionCallInfo fcinfo, int n)
{
	Tally *t = n == 0 && AggCheckCallContext(fcinfo, NULL) ? (Tally *) PG_GETARG_BYTEA_P(n)
														   : (Tally *) PG_GETARG_BYTEA_P_COPY(n);

	check_state(t);
	return t;
}

const Tally *
scpg_tally_argument(FunctionCallInfo fcinfo)
{
	return get_state(fcinfo, 0);
}

static Tally *
new_state(int64 slots, int64 text_size, int number)
{
	size_t size = tally_size(slots, text_size);
	Tally *t;

	if (size > MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many different pairs of label and truth"),
						errdetail("They need more than %zu MB.", MaxAllocSize / (1024 * 1024))));
	t = palloc0(size);
	SET_VARSIZE(t, size);
	t->magic = TALLY_MAGIC;
	t->slots = (int32) slots;
	t->text_size = (int32) text_size;
	t->number = number;
	return t;
}

/* The slot of that pair, or the free one that it would take. */
static TallySlot *
find(Tally *t, int32 label, bool has_label, const char *truth, int length)
{
	uint32 hash = hash_combine(hash_bytes((const unsigned char *) truth, length),
							   hash_uint32((uint32) label ^ (has_label ? 0 : 0x80000000)));

	for (int32 probe = 0; probe < t->slots; probe++)
	{
		TallySlot *s = &t->slot[(hash + probe) & (t->slots - 1)];

		if (s->count == 0)
			return s;
		check_slot(t, s);
		if (s->label == label && s->has_label == has_label && s->length == length &&
			memcmp(TALLY_TEXTS(t) + s->truth, truth, length) == 0)
			return s;
	}
	refuse();
	return NULL;
}

static Tally *add(Tally *t, int32 label, bool has_label, const char *truth, int length, int64 count);

/* A copy with room for another pair whose truth has that length. */
static Tally *
grow(const Tally *t, int length)
{
	int64 slots = t->slots;
	int64 text_size = t->text_size;
	Tally *larger;

	if (t->used + 1 > slots / 2)
		slots *= 2;
	if (t->text_used + (int64) length > text_size)
		text_size = Max(2 * text_size, t->text_used + (int64) length);
	larger = new_state(slots, text_size, t->number);
	for (int32 i = 0; i < t->slots; i++)
	{
		const TallySlot *s = &t->slot[i];

		if (s->count == 0)
			continue;
		check_slot(t, s);
		/* A forged state may hold more than it says. */
		if (larger->used >= t->used || larger->text_used + (int64) s->length > text_size - length)
			refuse();
		(void) add(larger, s->label, s->has_label != 0, TALLY_TEXTS(t) + s->truth, s->length, s->count);
	}
	return larger;
}

/* Count a pair; returns the state, which may be another one. */
static Tally *
add(Tally *t, int32 label, bool has_label, const char *truth, int length, int64 count)
{
	TallySlot *s = find(t, label, has_label, truth, length);

	if (s->count == 0)
	{
		if (t->used + 1 > t->slots / 2 || t->text_used + (int64) length > t->text_size)
		{
			t = grow(t, length);
			s = find(t, label, has_label, truth, length);
		}
		s->label = label;
		s->has_label = has_label;
		s->truth = t->text_used;
		s->length = length;
		memcpy(TALLY_TEXTS(t) + t->text_used, truth, length);
		t->text_used += length;
		t->used++;
	}
	s->count += count;
	if (s->count <= 0)
		refuse();
	return t;
}

static Datum
accumulate(FunctionCallInfo fcinfo, const char *truth, int length, int number)
{
	Tally *t = PG_ARGISNULL(0) ? new_state(FIRST_SLOTS, FIRST_TEXT, number) : get_state(fcinfo, 0);
	bool has_label = !PG_ARGISNULL(1);

	if (t->number != number)
		refuse();
	PG_RETURN_BYTEA_P(add(t, has_label ? PG_GETARG_INT32(1) : 0, has_label, truth, length, 1));
}

PG_FUNCTION_INFO_V1(scpg_tally_accum_text);
Datum
scpg_tally_accum_text(PG_FUNCTION_ARGS)
{
	text *truth;

	if (PG_ARGISNULL(2))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	truth = PG_GETARG_TEXT_PP(2);
	return accumulate(fcinfo, VARDATA_ANY(truth), VARSIZE_ANY_EXHDR(truth), 0);
}

PG_FUNCTION_INFO_V1(scpg_tally_accum_bigint);
Datum
scpg_tally_accum_bigint(PG_FUNCTION_ARGS)
{
	char digits[MAXINT8LEN + 1];
	int length;

	if (PG_ARGISNULL(2))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	length = pg_lltoa(PG_GETARG_INT64(2), digits);
	return accumulate(fcinfo, digits, length, 1);
}

PG_FUNCTION_INFO_V1(scpg_tally_combine);
Datum
scpg_tally_combine(PG_FUNCTION_ARGS)
{
	Tally *other = get_state(fcinfo, 1);
	Tally *t = get_state(fcinfo, 0);

	if (t->number != other->number)
		refuse();
	for (int32 i = 0; i < other->slots; i++)
	{
		const TallySlot *s = &other->slot[i];

		if (s->count == 0)
			continue;
		CHECK_FOR_INTERRUPTS();
		check_slot(other, s);
		t = add(t, s->label, s->has_label != 0, TALLY_TEXTS(other) + s->truth, s->length, s->count);
	}
	PG_RETURN_BYTEA_P(t);
}

/* ---- the table ------------------------------------------------------------ */

static int
compare_labels(const void *a, const void *b, void *arg)
{
	const TallySlot *x = *(const TallySlot *const *) a;
	const TallySlot *y = *(const TallySlot *const *) b;

	return x->label < y->label ? -1 : x->label > y->label;
}

/* Of digits, fewer are less, and below 0 it is the other way round. */
static int
compare_truths(const void *a, const void *b, void *arg)
{
	const Tally *t = arg;
	const TallySlot *x = *(const TallySlot *const *) a;
	const TallySlot *y = *(const TallySlot *const *) b;
	const char *s = TALLY_TEXTS(t) + x->truth;
	const char *r = TALLY_TEXTS(t) + y->truth;
	int order = memcmp(s, r, Min(x->length, y->length));

	if (t->number && x->length > 0 && y->length > 0)
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

TallyTable
scpg_tally_table(const Tally *tally, bool with_missing)
{
	TallyTable table = {0};
	int used = 0;
	int labels = 0;
	size_t cells;
	sc_arena arena;
	const TallySlot **by_label, **by_truth;
	int32 *row;

	for (int32 i = 0; i < tally->slots; i++)
		if (tally->slot[i].count != 0)
		{
			check_slot(tally, &tally->slot[i]);
			if (tally->slot[i].count < 0)
				refuse();
			used++;
		}
	arena = scpg_arena(CurrentMemoryContext,
					   sc_add(sc_mul(used, 3 * sizeof(TallySlot *) + sizeof(int32)),
							  sc_add(sc_mul(tally->slots, sizeof(int32)), 6 * SC_ALIGN)),
					   "the labels");
	by_label = SC_TAKE(&arena, const TallySlot *, used);
	by_truth = SC_TAKE(&arena, const TallySlot *, used);
	table.class_of = SC_TAKE(&arena, const TallySlot *, used);
	table.label = SC_TAKE(&arena, int32, used);
	row = SC_TAKE(&arena, int32, tally->slots);
	for (int32 i = 0, at = 0; i < tally->slots; i++)
		if (tally->slot[i].count != 0)
		{
			by_truth[at++] = &tally->slot[i];
			if (tally->slot[i].has_label)
				by_label[labels++] = &tally->slot[i];
			else
				table.missing += tally->slot[i].count;
		}
	qsort_interruptible(by_label, labels, sizeof(TallySlot *), compare_labels, NULL);
	qsort_interruptible(by_truth, used, sizeof(TallySlot *), compare_truths, unconstify(Tally *, tally));
	for (int i = 0; i < labels; i++)
	{
		if (i == 0 || by_label[i - 1]->label != by_label[i]->label)
			table.label[table.clusters++] = by_label[i]->label;
		row[by_label[i] - tally->slot] = table.clusters - 1;
	}
	for (int i = 0; i < used; i++)
		if (i == 0 || compare_truths(&by_truth[i - 1], &by_truth[i], unconstify(Tally *, tally)) != 0)
			table.class_of[table.classes++] = by_truth[i];

	cells = sc_mul(table.clusters + 1, table.classes);
	if (cells > PG_INT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many labels and classes for one table"),
						errdetail("There are %d labels and %d classes.", table.clusters, table.classes)));
	arena = scpg_arena(CurrentMemoryContext, sc_add(sc_mul(cells, sizeof(int64)), 2 * SC_ALIGN),
					   "the table of labels and classes");
	table.count = SC_TAKE(&arena, int64, cells);
	memset(table.count, 0, cells * sizeof(int64));
	for (int i = 0, column = -1; i < used; i++)
	{
		if (column + 1 < table.classes && table.class_of[column + 1] == by_truth[i])
			column++;
		if (by_truth[i]->has_label)
			table.count[(size_t) row[by_truth[i] - tally->slot] * table.classes + column] += by_truth[i]->count;
		else if (with_missing)
			table.count[(size_t) table.clusters * table.classes + column] += by_truth[i]->count;
	}
	if (with_missing && table.missing > 0)
		table.clusters++;
	return table;
}
