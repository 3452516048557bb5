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
#include "utils/jsonb.h"

/* 22004 where argument n is NULL. */
extern void scpg_refuse_null(FunctionCallInfo fcinfo, int n, const char *what);

/* A whole number, given as bigint, that must be an int: 22003. what: its name. */
extern int scpg_int_value(int64 value, const char *what);

/* Argument n, a bigint, likewise; 22004 where it is NULL. */
extern int scpg_int_argument(FunctionCallInfo fcinfo, int n, const char *what);

/* Options without anything in them are none: NULL. */
extern Jsonb *scpg_options_or_none(Jsonb *options);

/* Argument n, options; NULL where it is NULL or empty, or where this form has none. */
extern Jsonb *scpg_options_argument(FunctionCallInfo fcinfo, int n);

/*
 * scpg_NAME for catalogs and views of version 1.0, where the arguments of
 * these numbers were int: it calls scpg_NAME_wide, where they are bigint.
 */
#define SCPG_NARROW_FORM(name, ...) \
	PG_FUNCTION_INFO_V1(scpg_##name); \
	Datum scpg_##name(PG_FUNCTION_ARGS) \
	{ \
		scpg_widen_arguments(fcinfo, (const int[]){__VA_ARGS__}, lengthof(((const int[]){__VA_ARGS__}))); \
		return scpg_##name##_wide(fcinfo); \
	}
extern void scpg_widen_arguments(FunctionCallInfo fcinfo, const int *numbers, int count);

/* The context of the aggregate that calls the function, or an error. */
extern MemoryContext scpg_aggregate_context(FunctionCallInfo fcinfo);

#endif /* SCPG_ARGUMENTS_H */
