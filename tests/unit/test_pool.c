/*-------------------------------------------------------------------------
 *
 * tests/unit/test_pool.c
 *	  The pool of lanes: every lane runs once, barriers hold, a failure and a
 *	  stop release lanes that wait, signals are blocked in lanes.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE
#include "core/base/pool.h"
#include "unit.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
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

int
main(int argc, char **argv)
{
	sc_error err;

	unit_begin(argc, argv);
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
	CASE ("after a shutdown it starts again")
	{
		sc_pool_shutdown();
		CHECK(sc_pool_run(2, count_lanes, NULL, &err) == SC_OK, "after shutdown: %s", err.message);
		sc_pool_shutdown();
	}
	return unit_end();
}
