/*-------------------------------------------------------------------------
 *
 * src/pg/server/memory.c
 *	  Memory for computations: counting it, and arenas over what was counted.
 *
 * What was counted is given back by a callback of the memory context, so that
 * an error, a cancel and a success free it alike.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/server/memory.h"
#include "pg/server/settings.h"

#define MEGABYTE ((size_t) 1024 * 1024)

/* Of this backend, from its first computation to its end. */
static struct
{
	size_t taken;
	const size_t *cached; /* bytes of it that a cache holds; NULL: there is no cache */
	void (*release_cache)(void);
} memory;

/* Bytes that were counted, given back when their context goes. */
typedef struct memory_account
{
	MemoryContextCallback callback;
	size_t bytes;
} memory_account;

static void
give_back(void *arg)
{
	const memory_account *account = arg;

	Assert(memory.taken >= account->bytes);
	memory.taken -= account->bytes;
}

size_t
scpg_memory_limit(void)
{
	return sc_mul(scpg_max_memory_mb, MEGABYTE);
}

static size_t
cached(void)
{
	return memory.cached == NULL ? 0 : *memory.cached;
}

size_t
scpg_memory_left(void)
{
	size_t taken = memory.taken - cached();

	return scpg_memory_limit() > taken ? scpg_memory_limit() - taken : 0;
}

size_t
scpg_memory_taken(void)
{
	return memory.taken;
}

void
scpg_memory_cache(const size_t *bytes, void (*release)(void))
{
	Assert(memory.cached == NULL || memory.cached == bytes);
	memory.cached = bytes;
	memory.release_cache = release;
}

void
scpg_count_memory(MemoryContext cxt, size_t bytes, const char *what)
{
	memory_account *account;

	Assert(cxt != NULL && what != NULL);
	if (cached() > 0 && sc_add(memory.taken, bytes) > scpg_memory_limit())
		memory.release_cache();
	if (bytes > scpg_memory_left() || bytes > MaxAllocHugeSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("not enough memory for %s", what),
				 bytes > MaxAllocHugeSize
					 ? errdetail("It would need more than can be addressed.")
					 : errdetail("It needs %zu MB beside %zu MB already taken; \"selfclass.max_memory\" is %d MB.",
								 bytes / MEGABYTE + 1, memory.taken / MEGABYTE, scpg_max_memory_mb),
				 errhint("Raise \"selfclass.max_memory\", or ask for less.")));
	account = MemoryContextAlloc(cxt, sizeof(memory_account));
	account->bytes = bytes;
	account->callback.func = give_back;
	account->callback.arg = account;
	memory.taken += bytes;
	MemoryContextRegisterResetCallback(cxt, &account->callback);
}

sc_arena
scpg_arena(MemoryContext cxt, size_t bytes, const char *what)
{
	scpg_count_memory(cxt, bytes, what);
	return sc_arena_over(MemoryContextAllocExtended(cxt, bytes, MCXT_ALLOC_HUGE), bytes);
}

void *
scpg_enlarge(void *array, size_t old, size_t bytes, MemoryContext cxt, const char *what)
{
	Assert(bytes >= old);
	scpg_count_memory(cxt, bytes - old, what);
	return array == NULL ? MemoryContextAllocHuge(cxt, bytes) : repalloc_huge(array, bytes);
}
