/*-------------------------------------------------------------------------
 *
 * src/pg/server/compat.h
 *	  What differs between PostgreSQL 15 and 18, in one place. Include it after
 *	  postgres.h; no other file tests PG_VERSION_NUM.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_COMPAT_H
#define SCPG_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "selfclass needs PostgreSQL 15 or later"
#endif

/* PostgreSQL 16 moved the macros of variable-length types to a header of its own. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* Soft errors of input functions came with 16; before it an error is an error. */
#if PG_VERSION_NUM < 160000
#define ereturn(escontext, value, ...) \
	do \
	{ \
		(void) (escontext); \
		ereport(ERROR, __VA_ARGS__); \
		return value; \
	} while (0)
#endif

/* 18 writes it before the declaration. */
#if PG_VERSION_NUM < 180000
#define pg_noreturn pg_attribute_noreturn()
#endif

/* 18 wants to know when an analysis began. */
#if PG_VERSION_NUM < 180000
#define scpg_report_rows(rel, live, dead) pgstat_report_analyze(rel, live, dead, false)
#else
#define scpg_report_rows(rel, live, dead) pgstat_report_analyze(rel, live, dead, false, GetCurrentTimestamp())
#endif

/*
 * Named segments of shared memory came with 17. Before it the same is a small
 * part of what the server has in reserve, as pg_prewarm takes it.
 */
#if PG_VERSION_NUM >= 170000
#include "storage/dsm_registry.h"
#else
#include "storage/lwlock.h"
#include "storage/shmem.h"
static inline void *
GetNamedDSMSegment(const char *name, size_t size, void (*init_callback)(void *ptr), bool *found)
{
	void *memory;

	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	memory = ShmemInitStruct(name, size, found);
	if (!*found)
		init_callback(memory);
	LWLockRelease(AddinShmemInitLock);
	return memory;
}
#endif

/* The one wait event for extensions. */
#include "utils/wait_event.h"
#define SCPG_WAIT_EVENT PG_WAIT_EXTENSION

#endif /* SCPG_COMPAT_H */
