/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/near.h
 *	  Pairs of near rows, for the functions that find them: the argument and
 *	  the memory.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_NEAR_H
#define SCPG_NEAR_H

#include "postgres.h"

#include "core/api.h"
#include "fmgr.h"

/* Argument n, a distance that is not NULL: at least 0. */
extern double scpg_near_argument(FunctionCallInfo fcinfo, int n);

/* The job's memory, in cxt, and the job at its start. */
extern void scpg_near_layout(sc_near *job, MemoryContext cxt);

#endif /* SCPG_NEAR_H */
