/*-------------------------------------------------------------------------
 *
 * src/pg/model/forbidden_code.c
 *	  Saying that this server computes convolutions the slow way.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/model/model_parts.h"
#include "pg/server/load.h"

void
scpg_warn_forbidden_code(bool again)
{
	static bool warned = false;

	if ((warned && !again) || !scpg_core()->sc_conv_code_forbidden())
		return;
	warned = true;
	ereport(WARNING,
			(errmsg("convolutions run without oneDNN: the operating system forbids the code that it generates"),
			 errdetail(
				 "They take several times as long, and numbers differ from those that oneDNN gives in their last digits: also in a training that began with it and goes on here."),
			 errhint(
				 "Allow the server memory that is both writable and executable: MemoryDenyWriteExecute of its systemd unit, execmem of SELinux.")));
}
