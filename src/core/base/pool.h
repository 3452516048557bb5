/*-------------------------------------------------------------------------
 *
 * src/core/base/pool.h
 *	  The one pool of threads ("lanes") and the jobs that run on it.
 *
 * A job is SPMD: every lane runs the same function and takes its share of the
 * work by index. Work is cut into shards whose number depends on the data
 * alone, never on the number of lanes; lane t of T takes shards t, t + T, ...
 * and partial sums are added in the order of the shards. That makes results
 * the same, to the bit, for any number of lanes.
 *
 * The thread that starts a job runs none of it: it sleeps on sc_pool_fd() and
 * may call sc_pool_stop(). Lanes look at the stop flag at least every 20 ms
 * (sc_lane_stopped, sc_lane_barrier), or once for a call of a library that
 * takes longer, such as a convolution, and leave with SC_ABORTED.
 *
 * Threads are created with every signal blocked.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_POOL_H
#define SC_POOL_H

#include "core/base/status.h"

#define SC_MAX_LANES 64

typedef struct sc_lane
{
	int index; /* 0 ... count - 1 */
	int count; /* lanes of this job */
} sc_lane;

/* What every lane runs; the first status that is not SC_OK stops the others. */
typedef sc_status (*sc_job_fn)(const sc_lane *lane, void *arg);

/*
 * Start fn(lane, arg) on `lanes` lanes (what is outside 1 ... SC_MAX_LANES is
 * brought into it) and return at once.
 * Threads that do not exist yet are created, each with a buffer of OpenBLAS's;
 * where the system gives fewer, the job runs on those (sc_lane.count tells).
 * SC_RESOURCES: not one could be had. SC_NO_MEMORY: there is too little memory
 * left for any to work in. SC_INTERNAL: a job is running already.
 */
extern sc_status sc_pool_start(int lanes, sc_job_fn fn, void *arg, sc_error *err);

/* Readable once the running job has ended; -1 before the first job. */
extern int sc_pool_fd(void);

/* Ask the running job to stop. Callable at any time. */
extern void sc_pool_stop(void);

/* Wait until every lane rests; the job's status, its error in *err. */
extern sc_status sc_pool_finish(sc_error *err);

/* Start and finish: for tests and programs without an event loop. */
extern sc_status sc_pool_run(int lanes, sc_job_fn fn, void *arg, sc_error *err);

/* Stop the running job, end all threads and join them. */
extern void sc_pool_shutdown(void);

/* For lanes. -------------------------------------------------------- */

/* Has the job been told to stop, or has another lane failed? */
extern bool sc_lane_stopped(const sc_lane *lane);

/* The same as a callback, for what knows no lanes: arg is the sc_lane. */
extern bool sc_lane_stopped_callback(void *arg);

/* Wait for all lanes. SC_ABORTED (never blocks) once the job is stopping. */
extern sc_status sc_lane_barrier(const sc_lane *lane);

/*
 * Fail the whole job: the first lane to fail decides the error that
 * sc_pool_finish returns. Returns the status of err, for "return".
 */
extern sc_status sc_lane_fail(const sc_lane *lane, const sc_error *err);

/* The part [*begin, *end) of n items that shard s of `shards` owns. */
static inline void
sc_shard_range(size_t n, int shards, int s, size_t *begin, size_t *end)
{
	size_t each, more;

	SC_ASSERT(shards >= 1 && s >= 0 && s < shards);
	each = n / (size_t) shards;
	more = n % (size_t) shards;
	*begin = (size_t) s * each + SC_MIN((size_t) s, more);
	*end = *begin + each + ((size_t) s < more ? 1 : 0);
}

#endif /* SC_POOL_H */
