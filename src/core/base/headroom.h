/*-------------------------------------------------------------------------
 *
 * src/core/base/headroom.h
 *	  Is there address space left?
 *
 * Some libraries cannot live without: OpenBLAS tries a failed mmap for ever,
 * libgomp ends the process, oneDNN writes to NULL or throws a C++ exception that
 * nobody catches. So before they are asked for something the system is asked for
 * as much, and what it gives goes back at once. Nobody else in the process takes
 * it meanwhile: the thread that asks is the only one at work.
 *
 * The system gives no more under a limit on address space (ulimit -v), or where
 * all that it may promise is promised (vm.overcommit_memory = 2).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_HEADROOM_H
#define SC_HEADROOM_H

#include "core/base/status.h"

#include <sys/mman.h>

/* What the small things take that libraries allocate while they run: far less than this. */
#define SC_HEADROOM ((size_t) 32 << 20)

/* Would the system give so many bytes? */
static inline bool
sc_headroom_for(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return false;
	munmap(p, bytes);
	return true;
}

#define SC_HEADROOM_MESSAGE "the operating system gives no more memory to compute with"
#define SC_HEADROOM_DETAIL "%zu MB of address space could not be had."
#define SC_HEADROOM_HINT \
	"Raise the limits on the memory of the server's processes (ulimit -v, vm.overcommit_memory), or lower \"selfclass.threads\"."

/* Fill *err with that. */
static inline sc_status
sc_headroom_fail(size_t bytes, sc_error *err)
{
	sc_fail(err, SC_NO_MEMORY, SC_HEADROOM_MESSAGE);
	sc_detail(err, SC_HEADROOM_DETAIL, bytes >> 20);
	sc_hint(err, SC_HEADROOM_HINT);
	return SC_NO_MEMORY;
}

#endif /* SC_HEADROOM_H */
