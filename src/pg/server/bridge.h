/*-------------------------------------------------------------------------
 *
 * src/pg/server/bridge.h
 *	  The way from the server to the core: loading it, running jobs on its
 *	  pool, giving it memory, and turning its status codes into errors.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_BRIDGE_H
#define SCPG_BRIDGE_H

#include "core/api.h"

/* The core's functions; loads selfclass_core.so on the first call. */
extern const sc_core_api *scpg_core(void);

/* Lanes that a job of this backend may use: selfclass.threads, or every CPU. */
extern int scpg_lanes(void);

/*
 * Run fn(lane, arg) on all lanes and wait for it. Answers cancel, terminate
 * and timeouts at once; raises the job's error. fn is one of the core's
 * (scpg_core()->...).
 */
extern void scpg_run(sc_job_fn fn, void *arg);

/* Likewise on at most so many lanes, where memory was planned for that many. */
extern void scpg_run_on(int lanes, sc_job_fn fn, void *arg);

/* As these, but return the job's status and error instead of raising it. */
extern sc_status scpg_try_run(sc_job_fn fn, void *arg, sc_error *err);
extern sc_status scpg_try_run_on(int lanes, sc_job_fn fn, void *arg, sc_error *err);

/* Raise the error of a core call that failed; nothing if status is SC_OK. */
extern void scpg_check(sc_status status, const sc_error *err);

/* The SQLSTATE of a status, for those who report an error themselves. */
extern int scpg_sqlstate(sc_status status);

/*
 * An arena of `bytes` bytes (of sc_arena_need, or any size) in cxt, counted
 * against selfclass.max_memory until cxt is reset or deleted. `what` completes
 * "not enough memory for ...". 54000 when over the limit.
 */
extern sc_arena scpg_arena(MemoryContext cxt, size_t bytes, const char *what);

/*
 * Count memory that comes from elsewhere (detoasting, an array that grows) in
 * the same way, until cxt is reset or deleted.
 */
extern void scpg_count_memory(MemoryContext cxt, size_t bytes, const char *what);

/*
 * A cache holds *bytes of the memory counted. It is no reason to refuse what
 * another job needs: release(), which empties the cache, is called first.
 */
extern void scpg_memory_cache(const size_t *bytes, void (*release)(void));

/* Bytes of selfclass.max_memory that are not counted as taken now, or only by a cache. */
extern size_t scpg_memory_left(void);

/* Bytes of it that are counted as taken now, those of a cache included. */
extern size_t scpg_memory_taken(void);

/* The limits on images, from the settings. */
extern sc_image_limits scpg_image_limits(void);

/* GUC variables (defined in selfclass.c). */
extern int scpg_threads;
extern int scpg_max_memory_mb;
extern int scpg_max_image_pixels;
extern int scpg_max_image_memory_mb;
extern int scpg_max_image_scans;

#endif /* SCPG_BRIDGE_H */
