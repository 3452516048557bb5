/*-------------------------------------------------------------------------
 *
 * src/core/base/arena.h
 *	  A bump allocator over one block of the caller's memory.
 *
 * A module lays its buffers out in one function that takes an arena. Run on a
 * counting arena (base NULL) it only adds up the bytes, so the same code that
 * takes the memory also plans it: count, ask the budget, then lay out.
 * Every piece is aligned to 64 bytes. A layout function must not touch what
 * the pointers point to: in a counting arena they point nowhere.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_ARENA_H
#define SC_ARENA_H

#include "core/base/status.h"

#define SC_ALIGN 64

typedef struct sc_arena
{
	char *base;	 /* NULL: counts only */
	size_t size; /* bytes at base; SIZE_MAX when counting */
	size_t used; /* bytes taken so far; SIZE_MAX: overflow */
} sc_arena;

/* An arena that counts. */
static inline sc_arena
sc_arena_counter(void)
{
	return (sc_arena){NULL, SIZE_MAX, 0};
}

/* An arena over size bytes at base; base need not be aligned, so give SC_ALIGN more. */
static inline sc_arena
sc_arena_over(void *base, size_t size)
{
	SC_ASSERT(base != NULL);
	return (sc_arena){(char *) base, size, 0};
}

/* Bytes to ask for so that everything counted by a fits: the alignment included. */
static inline size_t
sc_arena_need(const sc_arena *a)
{
	return sc_add(a->used, SC_ALIGN);
}

/* What bytes take in an arena: the next multiple of SC_ALIGN; SIZE_MAX: overflow. */
static inline size_t
sc_arena_round(size_t bytes)
{
	bytes = sc_add(bytes, SC_ALIGN - 1);
	return bytes == SIZE_MAX ? SIZE_MAX : bytes & ~(size_t) (SC_ALIGN - 1);
}

/*
 * count pieces of item bytes each, uninitialised. NULL when counting, and when
 * the arena is too small, which a caller that planned with the same layout
 * never sees: check with sc_arena_ok once at the end.
 */
static inline void *
sc_arena_take(sc_arena *a, size_t count, size_t item)
{
	size_t start;

	SC_ASSERT(item > 0);
	if (a->base != NULL && a->used == 0)
		a->used = (SC_ALIGN - ((uintptr_t) a->base & (SC_ALIGN - 1))) & (SC_ALIGN - 1);
	start = a->used;
	a->used = sc_add(start, sc_arena_round(sc_mul(count, item)));
	if (a->base == NULL || a->used > a->size)
		return NULL;
	return a->base + start;
}

#define SC_TAKE(arena, type, count) ((type *) sc_arena_take((arena), (count), sizeof(type)))

/* Did everything fit? */
static inline bool
sc_arena_ok(const sc_arena *a)
{
	return a->used != SIZE_MAX && a->used <= a->size;
}

#endif /* SC_ARENA_H */
