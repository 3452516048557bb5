/*-------------------------------------------------------------------------
 *
 * src/pg/table/rows.c
 *	  Embeddings collected in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sys/mman.h>

#include "utils/memutils.h"

#include "pg/server/memory.h"
#include "pg/table/rows.h"
#include "pg/type/embedding_fetch.h"

#define PAGE 4096
#define PAGES_AT_ONCE ((size_t) 2 << 20)
#define WHAT "the embeddings of all rows"

void
scpg_rows_init(scpg_rows *rows, MemoryContext parent)
{
	memset(rows, 0, sizeof(*rows));
	rows->context = AllocSetContextCreate(parent, "selfclass rows", ALLOCSET_SMALL_SIZES);
}

/*
 * Have the pages of the next rows made at once: the system takes half as long
 * for them as for a fault of each.
 */
static void
make_pages(scpg_rows *rows)
{
#ifdef MADV_POPULATE_WRITE
	size_t each = rows->d * sizeof(float);
	size_t from = rows->n * each, to = Min(from + PAGES_AT_ONCE, rows->room * each);
	uintptr_t begin = TYPEALIGN(PAGE, (uintptr_t) rows->x + from);
	uintptr_t end = TYPEALIGN_DOWN(PAGE, (uintptr_t) rows->x + to);

	/* Where the system cannot, they are made as they are written to. */
	if (begin < end)
		(void) madvise((void *) begin, end - begin, MADV_POPULATE_WRITE);
	rows->made = to / each;
#else
	rows->made = rows->room;
#endif
}

static void
grow(scpg_rows *rows)
{
	size_t room = Max(rows->room + rows->room / 2, 16);
	size_t each = rows->d * sizeof(float);

	rows->x = scpg_enlarge(rows->x, rows->room * each, room * each, rows->context, WHAT);
	rows->tag = scpg_enlarge(rows->tag, rows->room * sizeof(int32), room * sizeof(int32), rows->context, WHAT);
	rows->room = room;
}

void
scpg_rows_add(scpg_rows *rows, const scpg_embedding *e, int32 tag)
{
	Assert(rows->context != NULL);
	scpg_embedding_fetch(e);
	if (rows->d == 0)
		rows->d = e->dim;
	scpg_embedding_check_expected(rows->d, e->dim);
	/* The core counts rows in 32 bits where it keeps an order of them. */
	if (rows->n >= PG_INT32_MAX)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many embeddings at once"),
						errdetail("At most %d can be taken together.", PG_INT32_MAX)));
	if (rows->n == rows->room)
		grow(rows);
	if (rows->n >= rows->made && rows->room * rows->d >= PAGES_AT_ONCE)
		make_pages(rows);
	memcpy(rows->x + rows->n * rows->d, e->x, rows->d * sizeof(float));
	rows->tag[rows->n++] = tag;
}

void
scpg_rows_free(scpg_rows *rows)
{
	MemoryContextDelete(rows->context);
	rows->context = NULL;
}
