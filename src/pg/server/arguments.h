/*-------------------------------------------------------------------------
 *
 * src/pg/server/arguments.h
 *	  What functions called from SQL check about how they were called.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_ARGUMENTS_H
#define SCPG_ARGUMENTS_H

#include "postgres.h"

#include "fmgr.h"

/* 22004 where argument n is NULL. */
extern void scpg_refuse_null(FunctionCallInfo fcinfo, int n, const char *what);

/* The context of the aggregate that calls the function, or an error. */
extern MemoryContext scpg_aggregate_context(FunctionCallInfo fcinfo);

#endif /* SCPG_ARGUMENTS_H */
