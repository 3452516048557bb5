/*-------------------------------------------------------------------------
 *
 * src/pg/table/keyed_call.h
 *	  Calls of functions that return rows with keys of a table:
 *	  f(items regclass [, key anyelement], emb name, ... [, options jsonb]).
 *
 * There are two forms of each: without an example of the key's type keys are
 * returned as bigint, with one as they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_KEYED_CALL_H
#define SCPG_KEYED_CALL_H

#include "postgres.h"

#include "pg/table/source.h"

typedef enum scpg_metric
{
	SCPG_METRIC_L2,
	SCPG_METRIC_COSINE
} scpg_metric;

typedef struct scpg_keyed_call
{
	FunctionCallInfo fcinfo;
	int example;		  /* number of the argument, or -1: the form without */
	int column;			  /* number of the argument that names the column of embeddings */
	int rest;			  /* number of the first argument behind it */
	char **id_column;	  /* the option, see scpg_key_request */
	scpg_metric metric;	  /* the option */
	int max_groups;		  /* the option, of duplicate_groups alone; 0: all of them */
	const Jsonb *options; /* as they were given, or NULL */
} scpg_keyed_call;

/*
 * Takes the arguments that all of them begin with, and the form with an example
 * its options, argument number `options`, which 1.0's forms lack; makes the
 * result ready. 22004 where the relation or the column is NULL.
 */
extern scpg_keyed_call scpg_keyed_call_begin(FunctionCallInfo fcinfo, bool keyed, int options);

/* The table that an argument names, by its number: its key, which fits the form, and its embeddings. hint: the call. */
extern scpg_source scpg_keyed_call_source(const scpg_keyed_call *call, int table, const char *hint);

/* The tables of two arguments have one key, see scpg_source_check_pair. */
extern void scpg_keyed_call_check_pair(const scpg_keyed_call *call, int first, int second, const char *hint,
									   const char *short_hint);

/* The option max_groups, which nothing else has; it is refused where scpg_keyed_call_begin was called. */
extern scpg_keyed_call scpg_keyed_call_begin_groups(FunctionCallInfo fcinfo, bool keyed, int options);

/*
 * Rows are compared by Euclidean distance; of length 1, that says their cosine
 * distance too. A Euclidean distance in the option's metric, and back.
 */
extern double scpg_keyed_call_distance(const scpg_keyed_call *call, double euclidean);
extern double scpg_keyed_call_euclidean(const scpg_keyed_call *call, double distance);

/* A key as the form returns it. */
extern Datum scpg_keyed_call_key(const scpg_keyed_call *call, const scpg_source *source, Datum key);

/* A C function that calls run(fcinfo, keyed). */
#define SCPG_KEYED_FORM(name, run, keyed) \
	PG_FUNCTION_INFO_V1(scpg_##name); \
	Datum scpg_##name(PG_FUNCTION_ARGS) \
	{ \
		return run(fcinfo, keyed); \
	}

#endif /* SCPG_KEYED_CALL_H */
