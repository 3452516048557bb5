/*-------------------------------------------------------------------------
 *
 * src/pg/server/cpus.c
 *	  How many CPUs the kernel lets this process use: those of its affinity,
 *	  and of them as many as the quota of the cgroup pays for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "core/api.h"
#include "pg/server/cpus.h"

/* CPUs by the quota of the cgroup, begun ones included; 0: there is no quota. */
static int
quota_cpus(void)
{
	char line[64];
	ssize_t n;
	long quota, period;
	int fd = open("/sys/fs/cgroup/cpu.max", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	line[n > 0 ? n : 0] = '\0';
	if (sscanf(line, "%ld %ld", &quota, &period) != 2 || period <= 0 || quota <= 0)
		return 0;
	return (int) ((quota + period - 1) / period);
}

int
scpg_usable_cpus(void)
{
	cpu_set_t set;
	int cpus = 1;
	int quota = quota_cpus();

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		cpus = CPU_COUNT(&set);
	if (quota > 0)
		cpus = Min(cpus, quota);
	return Max(1, Min(cpus, SC_MAX_LANES));
}
