/*-------------------------------------------------------------------------
 *
 * src/pg/server/cgroup.h
 *	  What the process's own cgroup lets it use.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CGROUP_H
#define SCPG_CGROUP_H

/*
 * CPUs that the smallest quota pays for of those of the process's cgroup and
 * the cgroups around it (versions 1 and 2), begun ones included; 0: there is
 * none. top: what stands before /proc and the mount points, "" but in tests.
 */
extern int scpg_cgroup_cpus(const char *top);

#endif /* SCPG_CGROUP_H */
