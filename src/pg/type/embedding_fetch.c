/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding_fetch.c
 *	  What a scan reads next, asked for in time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/bufmgr.h"

#include "pg/type/embedding_fetch.h"

#define CACHE_LINE 64

/* Places of a page that are told apart: rows of up to this size share one, and the last that came counts. */
#define PLACE_BYTES 128

/* The largest header of a row. */
#define ROW_HEADER 64

/* Where the last embedding of each place of a page lay; compared, never followed. */
static uintptr_t last[BLCKSZ / PLACE_BYTES];

/*
 * Into the second cache: the first can wait for some 20 lines at a time, fewer
 * than a row has, and a request for one more holds up what comes after it.
 */
static inline void
ask_for(uintptr_t begin, uintptr_t end)
{
	for (; begin < end; begin += CACHE_LINE)
		__builtin_prefetch((const void *) begin, 0, 2);
}

void
scpg_embedding_fetch(const scpg_embedding *e)
{
	uintptr_t at = (uintptr_t) e;
	uintptr_t blocks = (uintptr_t) BufferBlocks;
	uintptr_t *place = &last[at % BLCKSZ / PLACE_BYTES];
	uintptr_t page, step;
	size_t size;

	/* A copy, or a constant of the query: a cache holds it. */
	if (at - blocks >= (size_t) NBuffers * BLCKSZ)
		return;
	page = at - (at - blocks) % BLCKSZ;
	size = EMBEDDING_SIZE(e->dim);
	step = at - *place;
	if (step == BLCKSZ || step == -(uintptr_t) BLCKSZ)
	{
		__builtin_prefetch((const void *) (page + step));
		ask_for(at + step - ROW_HEADER, at + step + size);
	}
	else
	{
		/* Rows of a page are written from its end on. */
		uintptr_t next = at - ROW_HEADER - size;

		ask_for(at, at + size);
		if (next > page)
			ask_for(next - ROW_HEADER, next + size);
	}
	*place = at;
}
