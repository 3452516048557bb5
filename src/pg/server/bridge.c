/*-------------------------------------------------------------------------
 *
 * src/pg/server/bridge.c
 *	  Loading the core, running its jobs, mapping its errors.
 *
 * Linked the plain way, OpenBLAS would start threads while signals are open,
 * and a handler of PostgreSQL could then run on one of them. So the core is
 * opened on first use with every signal blocked and the numeric libraries held
 * at one thread; its own pool creates its threads the same way. The backend's
 * thread runs no job: it waits on its latch and on the pool's event
 * descriptor, so that interrupts are served while lanes compute.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

#include "access/parallel.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "utils/memutils.h"

#include "core/api.h"
#include "pg/server/bridge.h"
#include "pg/server/compat.h"

#define CORE_FILE "selfclass_core.so"

/* How often the waiting thread looks at interrupts without being woken. */
#define WAIT_MS 100

static const sc_core_api *core = NULL;
static size_t memory_taken = 0;
static const size_t *cache_bytes = NULL;
static void (*release_cache)(void) = NULL;

static void
end_pool(int code, Datum arg)
{
	core->sc_pool_shutdown();
}

/* Set name to value (NULL: unset) and return the old value (palloc'd) or NULL. */
static char *
swap_env(const char *name, const char *value)
{
	const char *old = getenv(name);
	char *saved = old ? pstrdup(old) : NULL;

	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
	return saved;
}

const sc_core_api *
scpg_core(void)
{
	static const char *const one_thread[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"};
	const char *kernel = sc_isa_blas_kernel();
	char *saved[lengthof(one_thread)];
	char *saved_kernel;
	sc_isa asked;
	Dl_info self;
	char path[MAXPGPATH];
	sigset_t all, old;
	void *handle;
	const sc_core_api *api = NULL;
	char *slash;
	char reason[400] = "";

	if (core != NULL)
		return core;

	/* The core lies beside this library. */
	if (dladdr((void *) scpg_core, &self) == 0 || self.dli_fname == NULL)
		ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR), errmsg("could not find the directory of the selfclass library")));
	strlcpy(path, self.dli_fname, sizeof(path));
	slash = strrchr(path, '/');
	if (slash)
		slash[1] = '\0';
	else
		path[0] = '\0';
	strlcat(path, CORE_FILE, sizeof(path));

	for (int i = 0; i < lengthof(one_thread); i++)
		saved[i] = swap_env(one_thread[i], "1");
	/* A kernel that somebody chose stays, unless an instruction set was asked for as well. */
	saved_kernel = swap_env("OPENBLAS_CORETYPE", kernel);
	if (saved_kernel != NULL && !sc_isa_asked(&asked))
		setenv("OPENBLAS_CORETYPE", saved_kernel, 1);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		strlcpy(reason, dlerror(), sizeof(reason));
	else
	{
		sc_core_open_fn open_core = (sc_core_open_fn) dlsym(handle, "sc_core_open");

		if (open_core != NULL)
			api = open_core();
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	for (int i = 0; i < lengthof(one_thread); i++)
		(void) swap_env(one_thread[i], saved[i]);
	(void) swap_env("OPENBLAS_CORETYPE", saved_kernel);

	if (handle == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR), errmsg("could not load the library \"%s\"", CORE_FILE),
				 errdetail("%s", reason),
				 errhint(
					 "Install it with \"make install\", and the packages of OpenBLAS, libjpeg-turbo, libpng and oneDNN that it was built with.")));
	if (api == NULL || strcmp(api->build_id, SC_BUILD_ID) != 0)
		ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR),
						errmsg("the library \"%s\" is of another build than \"selfclass.so\"", CORE_FILE),
						errhint("Install both again, then reconnect.")));
	core = api;

	/*
	 * Permanent, and before shared memory goes: a backend that is terminated
	 * while lanes compute must end them before exit() runs the libraries'
	 * destructors.
	 */
	before_shmem_exit(end_pool, (Datum) 0);
	return core;
}

/* CPUs that the kernel lets this process use: affinity, then the cgroup's quota. */
static int
usable_cpus(void)
{
	cpu_set_t set;
	int cpus = 1;
	int fd;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cpus = CPU_COUNT(&set);
	fd = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
	{
		char line[64];
		ssize_t n = read(fd, line, sizeof(line) - 1);
		long quota, period;

		close(fd);
		line[n > 0 ? n : 0] = '\0';
		if (sscanf(line, "%ld %ld", &quota, &period) == 2 && period > 0 && quota > 0)
			cpus = Min(cpus, (int) ((quota + period - 1) / period));
	}
	return Max(1, Min(cpus, SC_MAX_LANES));
}

int
scpg_lanes(void)
{
	if (IsParallelWorker() || scpg_core()->serial_blas)
		return 1;
	return scpg_threads > 0 ? scpg_threads : usable_cpus();
}

int
scpg_sqlstate(sc_status status)
{
	switch (status)
	{
		case SC_OK:
			return ERRCODE_SUCCESSFUL_COMPLETION;
		case SC_ABORTED:
			return ERRCODE_QUERY_CANCELED;
		case SC_INVALID:
			return ERRCODE_INVALID_PARAMETER_VALUE;
		case SC_DATA:
			return ERRCODE_DATA_EXCEPTION;
		case SC_BAD_IMAGE:
		case SC_BAD_WEIGHTS:
			return ERRCODE_INVALID_BINARY_REPRESENTATION;
		case SC_UNSUPPORTED:
			return ERRCODE_FEATURE_NOT_SUPPORTED;
		case SC_LIMIT:
			return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
		case SC_RANGE:
			return ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE;
		case SC_NO_MEMORY:
			return ERRCODE_OUT_OF_MEMORY;
		case SC_RESOURCES:
			return ERRCODE_INSUFFICIENT_RESOURCES;
		case SC_INTERNAL:
			break;
	}
	return ERRCODE_INTERNAL_ERROR;
}

void
scpg_check(sc_status status, const sc_error *err)
{
	if (status == SC_OK)
		return;
	if (status == SC_ABORTED)
	{
		CHECK_FOR_INTERRUPTS();
		ereport(ERROR,
				(errcode(ERRCODE_QUERY_CANCELED), errmsg("canceling statement because its computation was stopped")));
	}
	ereport(ERROR,
			(errcode(scpg_sqlstate(status)), errmsg_internal("%s", err->message),
			 err->detail[0] ? errdetail_internal("%s", err->detail) : 0, err->hint[0] ? errhint("%s", err->hint) : 0));
}

sc_status
scpg_try_run_on(int lanes, sc_job_fn fn, void *arg, sc_error *err)
{
	const sc_core_api *api = scpg_core();
	sc_status status;

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

sc_status
scpg_try_run(sc_job_fn fn, void *arg, sc_error *err)
{
	return scpg_try_run_on(scpg_lanes(), fn, arg, err);
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

/* Bytes that were counted, given back when their context goes. */
typedef struct memory_account
{
	MemoryContextCallback callback;
	size_t bytes;
} memory_account;

static void
give_back(void *arg)
{
	memory_taken -= ((memory_account *) arg)->bytes;
}

size_t
scpg_memory_left(void)
{
	size_t limit = sc_mul(scpg_max_memory_mb, 1024 * 1024);
	size_t taken = memory_taken - (cache_bytes != NULL ? *cache_bytes : 0);

	return limit > taken ? limit - taken : 0;
}

size_t
scpg_memory_taken(void)
{
	return memory_taken;
}

void
scpg_memory_cache(const size_t *bytes, void (*release)(void))
{
	cache_bytes = bytes;
	release_cache = release;
}

void
scpg_count_memory(MemoryContext cxt, size_t bytes, const char *what)
{
	memory_account *account;

	if (cache_bytes != NULL && *cache_bytes > 0 && sc_add(memory_taken, bytes) > sc_mul(scpg_max_memory_mb, 1024 * 1024))
		release_cache();
	if (bytes > scpg_memory_left() || bytes > MaxAllocHugeSize)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("not enough memory for %s", what),
				 bytes > MaxAllocHugeSize
					 ? errdetail("It would need more than can be addressed.")
					 : errdetail("It needs %zu MB beside %zu MB already taken; \"selfclass.max_memory\" is %d MB.",
								 bytes / (1024 * 1024) + 1, memory_taken / (1024 * 1024), scpg_max_memory_mb),
				 errhint("Raise \"selfclass.max_memory\", or ask for less.")));
	account = MemoryContextAlloc(cxt, sizeof(memory_account));
	account->bytes = bytes;
	account->callback.func = give_back;
	account->callback.arg = account;
	memory_taken += bytes;
	MemoryContextRegisterResetCallback(cxt, &account->callback);
}

sc_arena
scpg_arena(MemoryContext cxt, size_t bytes, const char *what)
{
	scpg_count_memory(cxt, bytes, what);
	return sc_arena_over(MemoryContextAllocExtended(cxt, bytes, MCXT_ALLOC_HUGE), bytes);
}

sc_image_limits
scpg_image_limits(void)
{
	sc_image_limits limits;

	limits.max_pixels = (size_t) scpg_max_image_pixels;
	limits.max_memory = sc_mul(scpg_max_image_memory_mb, 1024 * 1024);
	limits.max_scans = scpg_max_image_scans;
	limits.max_scan_pixels = sc_mul(scpg_max_image_scans, 10000000);
	return limits;
}
