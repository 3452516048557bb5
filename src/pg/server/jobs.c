/*-------------------------------------------------------------------------
 *
 * src/pg/server/jobs.c
 *	  Running jobs on the core's pool of threads.
 *
 * The backend's own thread runs no job: it waits on its latch and on the
 * pool's event descriptor, so that interrupts are served while lanes compute.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "miscadmin.h"
#include "storage/latch.h"

#include "pg/server/compat.h"
#include "pg/server/cpus.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/settings.h"

/* How often the waiting thread looks at interrupts without being woken. */
#define WAIT_MS 100

int
scpg_lanes(void)
{
	if (IsParallelWorker() || scpg_core()->serial_blas)
		return 1;
	return scpg_threads > 0 ? scpg_threads : scpg_usable_cpus();
}

sc_status
scpg_try_run_on(int lanes, sc_job_fn fn, void *arg, sc_error *err)
{
	const sc_core_api *api = scpg_core();
	sc_status status;

	Assert(lanes >= 1 && lanes <= SC_MAX_LANES);
	status = api->sc_pool_start(lanes, fn, arg, err);
	if (status != SC_OK)
		return status;
	PG_TRY();
	{
		for (;;)
		{
			int events;

			events = WaitLatchOrSocket(MyLatch, WL_LATCH_SET | WL_SOCKET_READABLE | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
									   api->sc_pool_fd(), WAIT_MS, SCPG_WAIT_EVENT);
			if (events & WL_LATCH_SET)
				ResetLatch(MyLatch);
			if (events & WL_SOCKET_READABLE)
				break;
			CHECK_FOR_INTERRUPTS();
		}
	}
	PG_CATCH();
	{
		/* The lanes must rest before the memory they write to goes. */
		api->sc_pool_stop();
		(void) api->sc_pool_finish(NULL);
		PG_RE_THROW();
	}
	PG_END_TRY();
	status = api->sc_pool_finish(err);
	CHECK_FOR_INTERRUPTS();
	return status;
}

void
scpg_run_on(int lanes, sc_job_fn fn, void *arg)
{
	sc_error err;
	sc_status status = scpg_try_run_on(lanes, fn, arg, &err);

	scpg_check(status, &err);
}

void
scpg_run(sc_job_fn fn, void *arg)
{
	scpg_run_on(scpg_lanes(), fn, arg);
}
