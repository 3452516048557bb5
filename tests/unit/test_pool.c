/*-------------------------------------------------------------------------
 *
 * tests/unit/test_pool.c
 *	  The pool of lanes: every lane runs once, barriers hold, a failure and a
 *	  stop release lanes that wait, signals are blocked in lanes.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "core/base/gemm.h"
#include "core/base/pool.h"
#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static atomic_int counts[SC_MAX_LANES];
static atomic_int unmasked;

static sc_status
count_lanes(const sc_lane *lane, void *arg)
{
	sigset_t set;

	(void) arg;
	atomic_fetch_add(&counts[lane->index], 1);
	pthread_sigmask(SIG_SETMASK, NULL, &set);
	for (int s = 1; s < 32; s++)
		if (s != SIGKILL && s != SIGSTOP && !sigismember(&set, s))
			atomic_fetch_add(&unmasked, 1);
	return SC_OK;
}

/* Each round every lane adds its number, then all must see the same total. */
static sc_status
rounds(const sc_lane *lane, void *arg)
{
	atomic_long *sum = arg;

	for (int i = 1; i <= 2000; i++)
	{
		long expected = (long) i * lane->count * (lane->count + 1) / 2;

		atomic_fetch_add(sum, lane->index + 1);
		SC_TRY(sc_lane_barrier(lane));
		if (atomic_load(sum) != expected)
		{
			sc_error e;

			sc_fail(&e, SC_INTERNAL, "round %d: %ld", i, atomic_load(sum));
			return sc_lane_fail(lane, &e);
		}
		SC_TRY(sc_lane_barrier(lane));
	}
	return SC_OK;
}

/* Lane 0 fails, the others wait at a barrier that it never reaches. */
static sc_status
one_fails(const sc_lane *lane, void *arg)
{
	(void) arg;
	if (lane->index == 0)
	{
		sc_error e;

		usleep(20000);
		sc_fail(&e, SC_DATA, "lane %d failed", lane->index);
		return sc_lane_fail(lane, &e);
	}
	return sc_lane_barrier(lane);
}

static sc_status
until_stopped(const sc_lane *lane, void *arg)
{
	(void) arg;
	while (!sc_lane_stopped(lane))
		usleep(1000);
	return SC_ABORTED;
}

/* Bytes of address space. */
static size_t
mapped(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	size_t pages = 0;

	if (f != NULL)
	{
		CHECK(fscanf(f, "%zu", &pages) == 1, "no statm");
		fclose(f);
	}
	return pages * (size_t) sysconf(_SC_PAGESIZE);
}

/* For every lane that there can be OpenBLAS has a buffer, of the size that is looked for. */
static void
test_buffers(void)
{
	void *buffer[SC_MAX_LANES];
	size_t most = 0;

	for (int i = 0; i < SC_MAX_LANES; i++)
	{
		size_t before = mapped();

		buffer[i] = sc_blas_take_buffer();
		CHECK(buffer[i] != NULL, "no buffer %d", i);
		most = SC_MAX(most, mapped() - before);
	}
	for (int i = 0; i < SC_MAX_LANES; i++)
		sc_blas_give_buffer(buffer[i]);
	CHECK(most > 0 && most <= SC_BLAS_BUFFER_BYTES + (1 << 20), "a buffer takes %zu bytes", most);
}

/* In a process of its own, as it cannot be undone. Its exit status is that of the job; 100 less lanes. */
static int
run_limited(int lanes, size_t more)
{
	pid_t child = fork();
	int status = 0;

	if (child == 0)
	{
		struct rlimit limit = {.rlim_cur = mapped() + more, .rlim_max = RLIM_INFINITY};
		sc_error e = {.status = SC_OK};
		int ran = 0;

		if (setrlimit(RLIMIT_AS, &limit) != 0)
			_exit(99);
		for (int i = 0; i < SC_MAX_LANES; i++)
			atomic_store(&counts[i], 0);
		if (sc_pool_run(lanes, count_lanes, NULL, &e) != SC_OK)
			_exit(e.status);
		for (int i = 0; i < SC_MAX_LANES; i++)
			ran += atomic_load(&counts[i]);
		_exit(100 + ran);
	}
	CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status), "status %d", status);
	return WEXITSTATUS(status);
}

static void
test_limits(void)
{
	int ended = run_limited(3, 0), before = 0;

	CHECK(ended == SC_RESOURCES, "nothing left: %d", ended);
	for (size_t mb = 32; mb <= 1024; mb += 32)
	{
		ended = run_limited(3, mb << 20);
		CHECK(ended == SC_RESOURCES || ended == SC_NO_MEMORY || (ended >= SC_MAX(before, 101) && ended <= 103),
			  "%zu MB: %d after %d", mb, ended, before);
		before = ended;
	}
	CHECK(ended == 103, "a gigabyte: %d", ended);
}

int
main(int argc, char **argv)
{
	sc_error err;

	unit_begin(argc, argv);
	/* First: a child has the buffers that its parent has. */
	CASE ("short of address space: fewer lanes, or none and why")
		test_limits();
	CASE ("every lane runs, and barriers hold")
	{
		for (int lanes = 1; lanes <= 5; lanes++)
		{
			atomic_long sum = 0;

			for (int i = 0; i < SC_MAX_LANES; i++)
				atomic_store(&counts[i], 0);
			CHECK(sc_pool_run(lanes, count_lanes, NULL, &err) == SC_OK, "%s", err.message);
			for (int i = 0; i < SC_MAX_LANES; i++)
				CHECK(atomic_load(&counts[i]) == (i < lanes), "lane %d of %d ran %d times", i, lanes,
					  atomic_load(&counts[i]));
			CHECK(sc_pool_run(lanes, rounds, &sum, &err) == SC_OK, "%s", err.message);
		}
		CHECK(atomic_load(&unmasked) == 0, "%d signals open in lanes", atomic_load(&unmasked));
	}
	CASE ("the first lane to fail decides the error")
	{
		CHECK(sc_pool_run(3, one_fails, NULL, &err) == SC_DATA, "status %d", err.status);
		CHECK(strcmp(err.message, "lane 0 failed") == 0, "%s", err.message);
	}
	CASE ("one job at a time, and it can be stopped")
	{
		CHECK(sc_pool_start(2, until_stopped, NULL, &err) == SC_OK, "%s", err.message);
		CHECK(sc_pool_start(2, until_stopped, NULL, &err) == SC_INTERNAL, "a second job started");
		sc_pool_stop();
		CHECK(sc_pool_finish(&err) == SC_ABORTED, "status %d", err.status);
	}
	/* ... and is quiet again for the next job. */
	CASE ("the event descriptor tells the end")
	{
		CHECK(sc_pool_start(2, count_lanes, NULL, &err) == SC_OK, "%s", err.message);
		{
			struct pollfd p = {.fd = sc_pool_fd(), .events = POLLIN};

			CHECK(poll(&p, 1, 5000) == 1, "no event");
		}
		CHECK(sc_pool_finish(&err) == SC_OK, "%s", err.message);
	}
	CASE ("a stop of the last job does not reach the next one")
	{
		sc_pool_stop();
		CHECK(sc_pool_run(2, count_lanes, NULL, &err) == SC_OK, "%s", err.message);
	}
	CASE ("OpenBLAS's buffers")
		test_buffers();
	CASE ("after a shutdown it starts again")
	{
		sc_pool_shutdown();
		CHECK(sc_pool_run(2, count_lanes, NULL, &err) == SC_OK, "after shutdown: %s", err.message);
		sc_pool_shutdown();
	}
	return unit_end();
}
