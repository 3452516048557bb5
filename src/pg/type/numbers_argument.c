/*-------------------------------------------------------------------------
 *
 * src/pg/type/numbers_argument.c
 *	  Models that functions get as arguments, made plain once for a query.
 *
 * A model in a table is stored compressed or out of line, and whoever reads it
 * gets it so: a subquery's result and a join's column are not made plain before
 * they reach a function, which then would do it for every row. What has been
 * made plain is kept with what it was made from: the name of the value in its
 * toast table, or its compressed bytes. Never with its address, where another
 * value may stand by now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/type/numbers.h"

/*
 * A join may bring several models in turn for each row. More of them, or larger
 * ones together, are made plain again.
 */
#define MOST_KEPT 8
#define MOST_BYTES ((size_t) 64 << 20)

typedef struct kept
{
	struct varlena *stored; /* as it came: a toast pointer or compressed bytes; NULL: no entry */
	scpg_numbers *plain;
	size_t bytes; /* of both */
	uint64 used;  /* when it was asked for last */
} kept;

typedef struct cache
{
	kept entry[MOST_KEPT];
	size_t bytes;
	uint64 asked;
} cache;

/*
 * May what is stored be known by its bytes? A toast pointer has the table's oid
 * and the value's, which no other value has while a query can see this one.
 */
static bool
is_worth_keeping(const struct varlena *stored)
{
	return VARATT_IS_EXTERNAL_ONDISK(stored) || VARATT_IS_4B_C(stored);
}

static void
forget(cache *c, kept *k)
{
	c->bytes -= k->bytes;
	pfree(k->stored);
	pfree(k->plain);
	*k = (kept){0};
}

/* Where the next one goes: those that were asked for longest ago make room for it. */
static kept *
make_room(cache *c, size_t bytes)
{
	for (;;)
	{
		kept *free = NULL, *oldest = NULL;

		for (int i = 0; i < MOST_KEPT; i++)
		{
			kept *k = &c->entry[i];

			if (k->stored == NULL)
				free = k;
			else if (oldest == NULL || k->used < oldest->used)
				oldest = k;
		}
		if (free != NULL && c->bytes + bytes <= MOST_BYTES)
			return free;
		forget(c, oldest);
	}
}

/* What is kept of `stored`, or NULL. */
static kept *
find(cache *c, const struct varlena *stored)
{
	for (int i = 0; i < MOST_KEPT; i++)
	{
		kept *k = &c->entry[i];

		if (k->stored != NULL && VARSIZE_ANY(k->stored) == VARSIZE_ANY(stored) &&
			memcmp(k->stored, stored, VARSIZE_ANY(stored)) == 0)
			return k;
	}
	return NULL;
}

/* Keep it, with its plain form, which is the caller's, unless it is too large. */
static void
keep(cache *c, const struct varlena *stored, const scpg_numbers *plain, MemoryContext cxt)
{
	kept k = {.bytes = VARSIZE_ANY(stored) + VARSIZE(plain), .used = c->asked};

	if (k.bytes > MOST_BYTES)
		return;
	k.stored = MemoryContextAlloc(cxt, VARSIZE_ANY(stored));
	k.plain = MemoryContextAlloc(cxt, VARSIZE(plain));
	memcpy(k.stored, stored, VARSIZE_ANY(stored));
	memcpy(k.plain, plain, VARSIZE(plain));
	*make_room(c, k.bytes) = k;
	c->bytes += k.bytes;
}

const scpg_numbers *
scpg_numbers_argument(FunctionCallInfo fcinfo, int n)
{
	struct varlena *stored = (struct varlena *) PG_GETARG_POINTER(n);
	FmgrInfo *function = fcinfo->flinfo;
	cache *c;
	kept *k;
	const scpg_numbers *plain;

	if (!is_worth_keeping(stored) || function == NULL)
		return (const scpg_numbers *) PG_DETOAST_DATUM(PointerGetDatum(stored));
	if (function->fn_extra == NULL)
		function->fn_extra = MemoryContextAllocZero(function->fn_mcxt, sizeof(cache));
	c = function->fn_extra;
	c->asked++;
	k = find(c, stored);
	if (k != NULL)
	{
		k->used = c->asked;
		return k->plain;
	}
	plain = (const scpg_numbers *) PG_DETOAST_DATUM(PointerGetDatum(stored));
	keep(c, stored, plain, function->fn_mcxt);
	return plain;
}
