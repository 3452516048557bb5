/*-------------------------------------------------------------------------
 *
 * src/core/nn/onednn_code.c
 *	  May oneDNN generate code?
 *
 * It writes code into memory that it then makes executable too. A hardened
 * system refuses that (systemd's MemoryDenyWriteExecute, prctl's PR_SET_MDWE,
 * SELinux without execmem), and one short of memory has none to give; oneDNN
 * notices neither, and writes to NULL. So the system is asked first, for more
 * than oneDNN takes at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/headroom.h"
#include "core/nn/onednn.h"

#include <errno.h>

/* For one primitive. Each piece of its code starts with 256 kB or 1 MB; all of it, and its data, are a few MB. */
#define CODE_ROOM ((size_t) 64 << 20)

sc_status
sc_conv_onednn_check_code(sc_error *err)
{
	void *p = mmap(NULL, CODE_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int error = 0;

	if (p == MAP_FAILED)
		return sc_headroom_fail(CODE_ROOM, err);
	if (mprotect(p, CODE_ROOM, PROT_READ | PROT_WRITE | PROT_EXEC) != 0)
		error = errno;
	munmap(p, CODE_ROOM);
	if (error == ENOMEM)
		return sc_headroom_fail(CODE_ROOM, err);
	if (error != 0)
		return sc_fail(err, SC_UNSUPPORTED, "the operating system forbids the code that oneDNN generates");
	return SC_OK;
}
