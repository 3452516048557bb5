/*-------------------------------------------------------------------------
 *
 * src/pg/table/rows.c
 *	  Embeddings collected in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/server/arguments.h"
#include "pg/server/bridge.h"
#include "pg/table/rows.h"

#define WHAT "the embeddings of all rows"

void
scpg_rows_init(scpg_rows *rows, MemoryContext parent)
{
	memset(rows, 0, sizeof(*rows));
	rows->context = AllocSetContextCreate(parent, "selfclass rows", ALLOCSET_SMALL_SIZES);
}

static void
grow(scpg_rows *rows)
{
	size_t room = Max(rows->room + rows->room / 2, 16);
	size_t each = rows->d * sizeof(float) + sizeof(int32);

	scpg_count_memory(rows->context, sc_mul(room - rows->room, each), WHAT);
	if (rows->x == NULL)
	{
		rows->x = MemoryContextAllocHuge(rows->context, room * rows->d * sizeof(float));
		rows->tag = MemoryContextAllocHuge(rows->context, room * sizeof(int32));
	}
	else
	{
		rows->x = repalloc_huge(rows->x, room * rows->d * sizeof(float));
		rows->tag = repalloc_huge(rows->tag, room * sizeof(int32));
	}
	rows->room = room;
}

void
scpg_rows_add(scpg_rows *rows, const scpg_embedding *e, int32 tag)
{
	if (rows->d == 0)
		rows->d = e->dim;
	scpg_embedding_check_expected(rows->d, e->dim);
	/* The core counts rows in 32 bits where it keeps an order of them. */
	if (rows->n >= PG_INT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many embeddings at once"),
						errdetail("At most %d can be taken together.", PG_INT32_MAX)));
	if (rows->n == rows->room)
		grow(rows);
	memcpy(rows->x + rows->n * rows->d, e->x, rows->d * sizeof(float));
	rows->tag[rows->n++] = tag;
}

void
scpg_rows_free(scpg_rows *rows)
{
	MemoryContextDelete(rows->context);
	rows->context = NULL;
}

Datum
scpg_fit_accumulate(FunctionCallInfo fcinfo, const char *what, void (*check)(int number, const Jsonb *options))
{
	MemoryContext context = scpg_aggregate_context(fcinfo);
	scpg_fit *fit = PG_ARGISNULL(0) ? NULL : (scpg_fit *) PG_GETARG_POINTER(0);
	Jsonb *options = NULL;
	int number;

	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be NULL", what)));
	number = PG_GETARG_INT32(2);
	if (PG_NARGS() > 3)
	{
		if (PG_ARGISNULL(3))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("options must not be NULL")));
		options = PG_GETARG_JSONB_P(3);
	}
	if (fit == NULL)
	{
		check(number, options);
		fit = MemoryContextAllocZero(context, sizeof(scpg_fit));
		scpg_rows_init(&fit->rows, context);
		fit->number = number;
		if (options != NULL)
		{
			fit->options = MemoryContextAlloc(context, VARSIZE(options));
			memcpy(fit->options, options, VARSIZE(options));
		}
	}
	else if (fit->number != number || (options != NULL && (VARSIZE(options) != VARSIZE(fit->options) ||
														   memcmp(options, fit->options, VARSIZE(options)) != 0)))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s and options must be the same for all rows", what)));
	if (!PG_ARGISNULL(1))
		scpg_rows_add(&fit->rows, PG_GETARG_EMBEDDING(1), 0);
	PG_RETURN_POINTER(fit);
}
