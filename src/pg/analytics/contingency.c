/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/contingency.c
 *	  Counting pairs of label and truth.
 *
 * Anyone can make an aggregate of the transition functions, with a state of
 * his own, so nothing in a state is believed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "utils/memutils.h"

#include "pg/analytics/contingency.h"
#include "pg/analytics/flat_state.h"

#define STATE_MAGIC 0x54414c31 /* changes with the layout */
#define FIRST_SLOTS 16
#define FIRST_TEXT 256

static size_t
state_size(int64 slots, int64 text_size)
{
	return offsetof(scpg_contingency, slot) + slots * sizeof(scpg_contingency_pair) + text_size;
}

void
scpg_contingency_refuse(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of an aggregate of labels")));
}

scpg_contingency *
scpg_contingency_argument(FunctionCallInfo fcinfo, int n)
{
	scpg_contingency *c = scpg_flat_state_argument(fcinfo, n);

	if (VARSIZE(c) < offsetof(scpg_contingency, slot) || c->magic != STATE_MAGIC || c->slots < FIRST_SLOTS ||
		(c->slots & (c->slots - 1)) != 0 || c->used < 0 || c->used > c->slots / 2 || c->text_size < 0 ||
		c->text_used < 0 || c->text_used > c->text_size ||
		(c->kind != SCPG_TRUTH_TEXT && c->kind != SCPG_TRUTH_BIGINT) || VARSIZE(c) != state_size(c->slots, c->text_size))
		scpg_contingency_refuse();
	return c;
}

/* A pair may be followed into the texts. */
static void
check_pair(const scpg_contingency *c, const scpg_contingency_pair *pair)
{
	if (pair->truth < 0 || pair->length < 0 || pair->length > c->text_used || pair->truth > c->text_used - pair->length)
		scpg_contingency_refuse();
}

const scpg_contingency_pair *
scpg_contingency_next(const scpg_contingency *c, int32 *at)
{
	while (*at < c->slots)
	{
		const scpg_contingency_pair *pair = &c->slot[(*at)++];

		if (pair->count == 0)
			continue;
		check_pair(c, pair);
		return pair;
	}
	return NULL;
}

static scpg_contingency *
make_state(int64 slots, int64 text_size, int32 kind)
{
	size_t size = state_size(slots, text_size);
	scpg_contingency *c;

	if (size > MaxAllocSize)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many different pairs of label and truth"),
						errdetail("They need more than %zu MB.", MaxAllocSize / (1024 * 1024))));
	c = scpg_flat_state_new(size);
	c->magic = STATE_MAGIC;
	c->slots = (int32) slots;
	c->text_size = (int32) text_size;
	c->kind = kind;
	return c;
}

scpg_contingency *
scpg_contingency_new(scpg_truth_kind kind)
{
	return make_state(FIRST_SLOTS, FIRST_TEXT, kind);
}

/* The slot of that pair, or the free one that it would take. */
static scpg_contingency_pair *
find(scpg_contingency *c, int32 label, bool has_label, const char *truth, int length)
{
	uint32 hash = hash_combine(hash_bytes((const unsigned char *) truth, length),
							   hash_uint32((uint32) label ^ (has_label ? 0 : 0x80000000)));

	for (int32 probe = 0; probe < c->slots; probe++)
	{
		scpg_contingency_pair *pair = &c->slot[(hash + probe) & (c->slots - 1)];

		if (pair->count == 0)
			return pair;
		check_pair(c, pair);
		if (pair->label == label && pair->has_label == has_label && pair->length == length &&
			memcmp(SCPG_CONTINGENCY_TEXTS(c) + pair->truth, truth, length) == 0)
			return pair;
	}
	scpg_contingency_refuse();
	return NULL;
}

/* A copy with room for another pair whose truth has that length. */
static scpg_contingency *
grow(const scpg_contingency *c, int length)
{
	int64 slots = c->slots;
	int64 text_size = c->text_size;
	const scpg_contingency_pair *pair;
	scpg_contingency *larger;
	int32 at = 0;

	if (c->used + 1 > slots / 2)
		slots *= 2;
	if (c->text_used + (int64) length > text_size)
		text_size = Max(2 * text_size, c->text_used + (int64) length);
	larger = make_state(slots, text_size, c->kind);
	while ((pair = scpg_contingency_next(c, &at)) != NULL)
	{
		/* A forged state may hold more than it says. */
		if (larger->used >= c->used || larger->text_used + (int64) pair->length > text_size - length)
			scpg_contingency_refuse();
		(void) scpg_contingency_add(larger, pair->label, pair->has_label != 0, SCPG_CONTINGENCY_TEXTS(c) + pair->truth,
									pair->length, pair->count);
	}
	return larger;
}

scpg_contingency *
scpg_contingency_add(scpg_contingency *c, int32 label, bool has_label, const char *truth, int length, int64 count)
{
	scpg_contingency_pair *pair = find(c, label, has_label, truth, length);

	if (pair->count == 0)
	{
		if (c->used + 1 > c->slots / 2 || c->text_used + (int64) length > c->text_size)
		{
			c = grow(c, length);
			pair = find(c, label, has_label, truth, length);
		}
		pair->label = label;
		pair->has_label = has_label;
		pair->truth = c->text_used;
		pair->length = length;
		memcpy(SCPG_CONTINGENCY_TEXTS(c) + c->text_used, truth, length);
		c->text_used += length;
		c->used++;
	}
	pair->count += count;
	if (pair->count <= 0)
		scpg_contingency_refuse();
	return c;
}
