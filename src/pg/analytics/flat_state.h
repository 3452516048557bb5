/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/flat_state.h
 *	  What the aggregates have in common whose state is one flat bytea.
 *
 * Such a state is changed where it lies, needs no serial functions, and
 * travels between processes and nodes as it is. Anyone can call a transition
 * function by hand, so whoever takes a state checks every field of it first.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_FLAT_STATE_H
#define SCPG_FLAT_STATE_H

#include "postgres.h"

#include "fmgr.h"

#include "pg/server/compat.h"

/* Up to so many rows a double counts every one: 2^53. */
#define SCPG_MOST_ROWS 9007199254740992.0

/* Zeros, `size` bytes with the varlena header, which is set. */
extern void *scpg_flat_state_new(size_t size);

/*
 * Argument n, whose length is at least that of a varlena header, and is not
 * checked otherwise. It may be written to: argument 0 of an aggregate is the
 * aggregate's own; anything else is a copy, which is also aligned for doubles.
 */
extern void *scpg_flat_state_argument(FunctionCallInfo fcinfo, int n);

/* Argument n as a copy, for functions that must leave the aggregate's own as it is. */
extern void *scpg_flat_state_copy(FunctionCallInfo fcinfo, int n);

/* What a transition function returns for a row that does not count: argument 0, or NULL before the first row. */
extern Datum scpg_flat_state_unchanged(FunctionCallInfo fcinfo);

/* 22023: a state that the aggregate did not make. */
extern void scpg_flat_state_refuse(const char *aggregate);

#endif /* SCPG_FLAT_STATE_H */
