/*-------------------------------------------------------------------------
 *
 * src/pg/server/memory.h
 *	  Memory for computations, counted against selfclass.max_memory before it
 *	  is taken.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_MEMORY_H
#define SCPG_MEMORY_H

#include "postgres.h"

#include "core/api.h"

/*
 * An arena of `bytes` bytes (of sc_arena_need, or any size) in cxt, counted
 * until cxt is reset or deleted. `what` completes "not enough memory for ...".
 * 54000 when over the limit.
 */
extern sc_arena scpg_arena(MemoryContext cxt, size_t bytes, const char *what);

/*
 * array (NULL: none yet) of `old` bytes, enlarged to `bytes` in cxt; what it
 * grows by is counted in the same way.
 */
extern void *scpg_enlarge(void *array, size_t old, size_t bytes, MemoryContext cxt, const char *what);

/* Count memory that comes from elsewhere (detoasting) in the same way. */
extern void scpg_count_memory(MemoryContext cxt, size_t bytes, const char *what);

/*
 * A cache holds *bytes of the memory counted. It is no reason to refuse what
 * another job needs: release(), which empties the cache, is called first.
 * There is one such cache, of encoders.
 */
extern void scpg_memory_cache(const size_t *bytes, void (*release)(void));

/* selfclass.max_memory in bytes. */
extern size_t scpg_memory_limit(void);

/* Bytes of it that are not counted as taken now, or only by the cache. */
extern size_t scpg_memory_left(void);

/* Bytes of it that are counted as taken now, those of the cache included. */
extern size_t scpg_memory_taken(void);

#endif /* SCPG_MEMORY_H */
