/*-------------------------------------------------------------------------
 *
 * src/pg/server/cpus.h
 *	  How many CPUs this backend may use.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CPUS_H
#define SCPG_CPUS_H

/* At least 1, at most SC_MAX_LANES. */
extern int scpg_usable_cpus(void);

#endif /* SCPG_CPUS_H */
