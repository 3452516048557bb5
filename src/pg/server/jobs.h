/*-------------------------------------------------------------------------
 *
 * src/pg/server/jobs.h
 *	  Running jobs on the core's pool of threads ("lanes").
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_JOBS_H
#define SCPG_JOBS_H

#include "core/api.h"

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

/* Likewise, but return the job's status and error instead of raising it. */
extern sc_status scpg_try_run_on(int lanes, sc_job_fn fn, void *arg, sc_error *err);

#endif /* SCPG_JOBS_H */
