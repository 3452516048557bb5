/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/knn.h
 *	  Nearest neighbours, for the functions that find them: the argument, the
 *	  memory, and the runs in which all rows look for each other.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_KNN_H
#define SCPG_KNN_H

#include "postgres.h"

#include "core/api.h"
#include "fmgr.h"

/* Argument n, a bigint, a number of neighbours: at least 1. */
extern int scpg_knn_argument(FunctionCallInfo fcinfo, int n);

/* What comes before sc_knn's layout and is not the caller's to say: how many queries a run has, on how many lanes. */
extern void scpg_knn_plan(sc_knn *job);

/* The job's memory, in cxt; what is returned has `more` bytes left for the caller. */
extern sc_arena scpg_knn_layout(sc_knn *job, size_t more, MemoryContext cxt);

/*
 * Of a job that leaves out: run it with the next rows as queries, the first
 * ones at the first call. Queries are rows job->first ... job->first +
 * job->m - 1. false: all have been.
 */
extern bool scpg_knn_next(sc_knn *job);

#endif /* SCPG_KNN_H */
