/*-------------------------------------------------------------------------
 *
 * src/core/base/pool.c
 *	  The pool of lanes.
 *
 * One pool a process: OpenBLAS and the CPU are the process's too. All state
 * below is guarded by `lock`, except the stop flag, which lanes read often.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "core/base/pool.h"

#include "core/base/gemm.h"
#include "core/base/headroom.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#ifdef SC_WITH_ONEDNN
/* Of libgomp, which oneDNN is linked with; clang has no omp.h beside it. */
extern void omp_set_num_threads(int threads);
#endif

/* Lanes run JPEG, PNG, BLAS and oneDNN code; half of a thread's usual 8 MB is more than any of these needs. */
#define LANE_STACK_BYTES ((size_t) 4 << 20)

/*
 * How often a lane looks at a barrier before it sleeps there. With a pause of 40
 * to 140 cycles between two looks that is 50 to 200 microseconds, which is more
 * than most lanes are apart; to be put to sleep and woken costs tens of them.
 */
#define BARRIER_SPINS 4000

static struct
{
	pthread_mutex_t lock;
	pthread_cond_t wake; /* lanes: a job, or quit */
	pthread_cond_t rest; /* main: all lanes of the job have left it, or a thread is ready */
	pthread_cond_t meet; /* lanes asleep at a barrier */
	pthread_t threads[SC_MAX_LANES];
	int nthreads;
	int ready;	 /* threads that have what they need beside their stack */
	int buffers; /* lanes that OpenBLAS has a buffer for */
	int event_fd;
	pid_t owner; /* a forked child has no threads of ours */

	/* the job */
	sc_job_fn fn;
	void *arg;
	int lanes;
	int running;		 /* lanes still inside fn */
	uint64_t generation; /* counts jobs, so that a lane takes each once */
	bool started;		 /* between start and finish */
	bool quit;
	sc_status status;
	sc_error error;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER,
		  .wake = PTHREAD_COND_INITIALIZER,
		  .rest = PTHREAD_COND_INITIALIZER,
		  .meet = PTHREAD_COND_INITIALIZER,
		  .event_fd = -1};

static atomic_bool stopping;
static atomic_int arrived;		  /* lanes at the barrier */
static atomic_uint barrier_round; /* barriers passed */

static void
record_failure(sc_status status, const sc_error *err)
{
	pthread_mutex_lock(&pool.lock);
	if (pool.status == SC_OK || (pool.status == SC_ABORTED && status != SC_ABORTED))
	{
		pool.status = status;
		if (err != NULL)
			pool.error = *err;
		else
			memset(&pool.error, 0, sizeof(pool.error));
		pool.error.status = status;
	}
	atomic_store(&stopping, true);
	pthread_cond_broadcast(&pool.meet);
	pthread_mutex_unlock(&pool.lock);
}

/* The C library reserves 64 MB of address space for the heap of a thread, the first time: here, and not in a job. */
static void
open_heap(void)
{
	void *volatile first = malloc(1);

	free(first);
}

static void *
lane_main(void *index)
{
	int me = (int) (intptr_t) index;
	uint64_t done = 0;

#ifdef SC_WITH_ONEDNN
	/* oneDNN is built on OpenMP; a lane is one thread and must stay one. */
	omp_set_num_threads(1);
#endif
	open_heap();
	pthread_mutex_lock(&pool.lock);
	pool.ready++;
	pthread_cond_broadcast(&pool.rest);
	for (;;)
	{
		sc_lane lane;
		sc_job_fn fn;
		void *arg;
		sc_status status;

		while (!pool.quit && (pool.generation == done || pool.running == 0))
			pthread_cond_wait(&pool.wake, &pool.lock);
		if (pool.quit)
			break;
		done = pool.generation;
		if (me >= pool.lanes)
			continue;
		lane.index = me;
		lane.count = pool.lanes;
		fn = pool.fn;
		arg = pool.arg;
		pthread_mutex_unlock(&pool.lock);

		status = fn(&lane, arg);
		if (status != SC_OK)
			record_failure(status, NULL);

		pthread_mutex_lock(&pool.lock);
		if (--pool.running == 0)
		{
			uint64_t one = 1;
			ssize_t n = write(pool.event_fd, &one, sizeof(one));

			(void) n; /* an eventfd of value 0 takes 1 */
			pthread_cond_broadcast(&pool.rest);
		}
	}
	pthread_mutex_unlock(&pool.lock);
	return NULL;
}

/* Have `lanes` threads, or as many as there can be. One after the other, so that each finds the room looked for. */
static void
grow(int lanes)
{
	pthread_attr_t attr;
	sigset_t all, old;

	if (pool.nthreads >= lanes || pthread_attr_init(&attr) != 0)
		return;
	(void) pthread_attr_setstacksize(&attr, LANE_STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	while (pool.nthreads < lanes && sc_headroom_for(LANE_STACK_BYTES + SC_HEADROOM) &&
		   pthread_create(&pool.threads[pool.nthreads], &attr, lane_main, (void *) (intptr_t) pool.nthreads) == 0)
	{
		pool.nthreads++;
		pthread_mutex_lock(&pool.lock);
		while (pool.ready < pool.nthreads)
			pthread_cond_wait(&pool.rest, &pool.lock);
		pthread_mutex_unlock(&pool.lock);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
}

/* Wake `lanes` threads that are there for a job. */
static void
launch(int lanes, sc_job_fn fn, void *arg)
{
	uint64_t drained;

	while (read(pool.event_fd, &drained, sizeof(drained)) > 0)
		;
	pthread_mutex_lock(&pool.lock);
	pool.fn = fn;
	pool.arg = arg;
	pool.lanes = lanes;
	pool.running = pool.lanes;
	pool.status = SC_OK;
	memset(&pool.error, 0, sizeof(pool.error));
	atomic_store(&stopping, false);
	atomic_store(&arrived, 0);
	pool.generation++;
	pool.started = true;
	pthread_cond_broadcast(&pool.wake);
	pthread_mutex_unlock(&pool.lock);
}

/* The job of every lane at once that leaves OpenBLAS with a buffer for each. */
static sc_status
take_buffer(const sc_lane *lane, void *arg)
{
	void *buffer = sc_blas_take_buffer();
	sc_status status;
	sc_error err;

	(void) arg;
	if (buffer == NULL)
	{
		sc_fail(&err, SC_RESOURCES, "OpenBLAS cannot compute on %d threads at once", lane->count);
		sc_hint(&err, "Lower \"selfclass.threads\".");
		return sc_lane_fail(lane, &err);
	}
	status = sc_lane_barrier(lane);
	sc_blas_give_buffer(buffer);
	return status;
}

/* OpenBLAS's buffers for *lanes threads, which are lowered to as many as there is room for. */
static sc_status
have_buffers(int *lanes, sc_error *err)
{
	int n = *lanes;

	while (n > pool.buffers && !sc_headroom_for((size_t) (n - pool.buffers) * SC_BLAS_BUFFER_BYTES + SC_HEADROOM))
		n--;
	if (n == 0)
		return sc_headroom_fail(SC_BLAS_BUFFER_BYTES + SC_HEADROOM, err);
	if (n > pool.buffers)
	{
		launch(n, take_buffer, NULL);
		SC_TRY(sc_pool_finish(err));
		pool.buffers = n;
	}
	*lanes = n;
	return SC_OK;
}

sc_status
sc_pool_start(int lanes, sc_job_fn fn, void *arg, sc_error *err)
{
	SC_ASSERT(fn != NULL);
	if (pool.started)
		return sc_fail(err, SC_INTERNAL, "a job is running already");
	if (pool.owner != getpid())
	{
		pool.owner = getpid();
		pool.nthreads = 0;
		pool.ready = 0;
		pool.event_fd = -1;
	}
	if (pool.event_fd < 0)
	{
		pool.event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (pool.event_fd < 0)
			return sc_fail(err, SC_RESOURCES, "could not create an event descriptor: %s", strerror(errno));
	}
	lanes = SC_MAX(1, SC_MIN(lanes, SC_MAX_LANES));
	grow(lanes);
	if (pool.nthreads == 0)
	{
		sc_fail(err, SC_RESOURCES, "could not start a thread to compute on");
		sc_hint(err, "Raise the limits of the operating system on threads and memory of the server's user.");
		return SC_RESOURCES;
	}
	lanes = SC_MIN(lanes, pool.nthreads);
	SC_TRY(have_buffers(&lanes, err));
	/* For what the libraries allocate in the job, where nothing of theirs may fail. */
	if (!sc_headroom_for(SC_HEADROOM))
		return sc_headroom_fail(SC_HEADROOM, err);
	launch(lanes, fn, arg);
	return SC_OK;
}

int
sc_pool_fd(void)
{
	return pool.event_fd;
}

void
sc_pool_stop(void)
{
	if (!pool.started)
		return;
	pthread_mutex_lock(&pool.lock);
	if (pool.running > 0 && pool.status == SC_OK)
	{
		pool.status = SC_ABORTED;
		pool.error.status = SC_ABORTED;
	}
	atomic_store(&stopping, true);
	pthread_cond_broadcast(&pool.meet);
	pthread_mutex_unlock(&pool.lock);
}

sc_status
sc_pool_finish(sc_error *err)
{
	sc_status status;

	if (!pool.started)
		return SC_OK;
	pthread_mutex_lock(&pool.lock);
	while (pool.running > 0)
		pthread_cond_wait(&pool.rest, &pool.lock);
	status = pool.status;
	if (err != NULL)
		*err = pool.error;
	pool.started = false;
	pthread_mutex_unlock(&pool.lock);
	return status;
}

sc_status
sc_pool_run(int lanes, sc_job_fn fn, void *arg, sc_error *err)
{
	SC_TRY(sc_pool_start(lanes, fn, arg, err));
	return sc_pool_finish(err);
}

void
sc_pool_shutdown(void)
{
	if (pool.owner != getpid())
		return;
	sc_pool_stop();
	(void) sc_pool_finish(NULL);
	pthread_mutex_lock(&pool.lock);
	pool.quit = true;
	pthread_cond_broadcast(&pool.wake);
	pthread_mutex_unlock(&pool.lock);
	for (int i = 0; i < pool.nthreads; i++)
		pthread_join(pool.threads[i], NULL);
	pool.nthreads = 0;
	pool.ready = 0;
	pool.quit = false;
	if (pool.event_fd >= 0)
		close(pool.event_fd);
	pool.event_fd = -1;
}

bool
sc_lane_stopped(const sc_lane *lane)
{
	(void) lane;
	return atomic_load_explicit(&stopping, memory_order_relaxed);
}

bool
sc_lane_stopped_callback(void *arg)
{
	return sc_lane_stopped((const sc_lane *) arg);
}

sc_status
sc_lane_barrier(const sc_lane *lane)
{
	unsigned round = atomic_load(&barrier_round);

	SC_ASSERT(lane->index >= 0 && lane->index < lane->count && lane->count == pool.lanes);
	if (atomic_load(&stopping))
		return SC_ABORTED;
	if (atomic_fetch_add(&arrived, 1) + 1 == lane->count)
	{
		atomic_store(&arrived, 0);
		pthread_mutex_lock(&pool.lock);
		atomic_fetch_add(&barrier_round, 1);
		pthread_cond_broadcast(&pool.meet);
		pthread_mutex_unlock(&pool.lock);
		return SC_OK;
	}
	for (int i = 0; i < BARRIER_SPINS; i++)
	{
		if (atomic_load_explicit(&barrier_round, memory_order_acquire) != round)
			return SC_OK;
		if (atomic_load_explicit(&stopping, memory_order_relaxed))
			return SC_ABORTED;
#if defined(__x86_64__)
		__builtin_ia32_pause();
#endif
	}
	pthread_mutex_lock(&pool.lock);
	while (atomic_load(&barrier_round) == round && !atomic_load(&stopping))
		pthread_cond_wait(&pool.meet, &pool.lock);
	pthread_mutex_unlock(&pool.lock);
	return atomic_load(&barrier_round) != round ? SC_OK : SC_ABORTED;
}

sc_status
sc_lane_fail(const sc_lane *lane, const sc_error *err)
{
	(void) lane;
	SC_ASSERT(err->status != SC_OK);
	record_failure(err->status, err);
	return err->status;
}
