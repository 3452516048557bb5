/*-------------------------------------------------------------------------
 *
 * src/pg/server/cpus.c
 *	  How many CPUs the kernel lets this process use: those of its affinity,
 *	  and of them as many as the quota of its cgroup pays for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <sched.h>

#include "access/xact.h"

#include "core/api.h"
#include "pg/server/cgroup.h"
#include "pg/server/cpus.h"

int
scpg_usable_cpus(void)
{
	static TimestampTz asked = 0;
	static int quota;
	cpu_set_t set;
	int cpus = 1;

	/* A dozen files, and jobs can be many: once in a statement. */
	if (asked != GetCurrentStatementStartTimestamp())
	{
		quota = scpg_cgroup_cpus("");
		asked = GetCurrentStatementStartTimestamp();
	}
	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cpus = CPU_COUNT(&set);
	if (quota > 0)
		cpus = Min(cpus, quota);
	return Max(1, Min(cpus, SC_MAX_LANES));
}
