/*-------------------------------------------------------------------------
 *
 * src/pg/server/load.c
 *	  Loading selfclass_core.so, once in a backend.
 *
 * Linked the plain way, OpenBLAS would start threads while signals are open,
 * and a handler of PostgreSQL could then run on one of them. So the core is
 * opened on first use with every signal blocked and the numeric libraries held
 * at one thread; its own pool creates its threads the same way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>

#include "storage/ipc.h"

#include "core/api.h"
#include "pg/server/load.h"

#define CORE_FILE "selfclass_core.so"

/* Loaded once and never closed: the pool's threads run its code until the backend ends. */
static const sc_core_api *core = NULL;

static void
end_pool(int code, Datum arg)
{
	core->sc_pool_shutdown();
}

/* The core lies beside this library; path: char [MAXPGPATH]. */
static void
find_core(char *path)
{
	Dl_info self;
	char *slash;

	if (dladdr((void *) scpg_core, &self) == 0 || self.dli_fname == NULL)
		ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR), errmsg("could not find the directory of the selfclass library")));
	strlcpy(path, self.dli_fname, MAXPGPATH);
	slash = strrchr(path, '/');
	if (slash)
		slash[1] = '\0';
	else
		path[0] = '\0';
	strlcat(path, CORE_FILE, MAXPGPATH);
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

/*
 * The core's table, with the environment that OpenBLAS should find in force
 * only while it is opened. NULL with the reason (char [size]) where there is no
 * such library; NULL and an empty reason where it is none of ours.
 */
static const sc_core_api *
open_core(const char *path, char *reason, size_t size)
{
	static const char *const one_thread[] = {"OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"};
	char *saved[lengthof(one_thread)];
	char *saved_kernel;
	sc_isa asked;
	sigset_t all, old;
	void *handle;
	const sc_core_api *api = NULL;

	reason[0] = '\0';
	for (int i = 0; i < lengthof(one_thread); i++)
		saved[i] = swap_env(one_thread[i], "1");
	/* A kernel that somebody chose stays, unless an instruction set was asked for as well. */
	saved_kernel = swap_env("OPENBLAS_CORETYPE", sc_isa_blas_kernel());
	if (saved_kernel != NULL && !sc_isa_asked(&asked))
		setenv("OPENBLAS_CORETYPE", saved_kernel, 1);

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (handle == NULL)
		strlcpy(reason, dlerror(), size);
	else
	{
		sc_core_open_fn open = (sc_core_open_fn) dlsym(handle, "sc_core_open");

		if (open != NULL)
			api = open();
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);

	for (int i = 0; i < lengthof(one_thread); i++)
		(void) swap_env(one_thread[i], saved[i]);
	(void) swap_env("OPENBLAS_CORETYPE", saved_kernel);
	return api;
}

static void
fail_for_room(void)
{
	ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg(SC_HEADROOM_MESSAGE),
					errdetail(SC_HEADROOM_DETAIL, SC_CORE_ROOM >> 20), errhint(SC_HEADROOM_HINT)));
}

const sc_core_api *
scpg_core(void)
{
	char path[MAXPGPATH];
	char reason[400];
	const sc_core_api *api;

	if (core != NULL)
		return core;

	if (!sc_headroom_for(SC_CORE_ROOM))
		fail_for_room();
	find_core(path);
	api = open_core(path, reason, sizeof(reason));
	if (reason[0] != '\0')
		ereport(ERROR,
				(errcode(ERRCODE_SYSTEM_ERROR), errmsg("could not load the library \"%s\"", CORE_FILE),
				 errdetail("%s", reason),
				 errhint(
					 "Install it with \"make install\", and the packages of OpenBLAS, libjpeg-turbo, libpng and oneDNN that it was built with.")));
	if (api == NULL || strcmp(api->build_id, SC_BUILD_ID) != 0)
		ereport(ERROR, (errcode(ERRCODE_SYSTEM_ERROR),
						errmsg("the library \"%s\" is of another build than \"selfclass.so\"", CORE_FILE),
						errhint("Install both again, then reconnect.")));
	if (api->no_room)
		fail_for_room();
	core = api;

	/*
	 * Permanent, and before shared memory goes: a backend that is terminated
	 * while lanes compute must end them before exit() runs the libraries'
	 * destructors.
	 */
	before_shmem_exit(end_pool, (Datum) 0);
	return core;
}
