/*-------------------------------------------------------------------------
 *
 * src/pg/server/cgroup_sql.c
 *	  scpg_cgroup_test(top text): the CPUs of a cgroup as a made-up /proc and
 *	  its mounts below a folder tell. The install script does not declare it;
 *	  the tests do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "pg/server/cgroup.h"

PG_FUNCTION_INFO_V1(scpg_cgroup_test);

Datum
scpg_cgroup_test(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(scpg_cgroup_cpus(text_to_cstring(PG_GETARG_TEXT_PP(0))));
}
