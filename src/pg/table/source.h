/*-------------------------------------------------------------------------
 *
 * src/pg/table/source.h
 *	  Which columns of a relation hold the key and the data.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_SOURCE_H
#define SCPG_SOURCE_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"

#include "pg/server/compat.h"

/* What a call says about the key. */
typedef struct scpg_key_request
{
	char *const *columns; /* the option "id_column", ended by NULL; NULL: the primary key */
	Oid example;		  /* type of the example, domains resolved; InvalidOid: none is given */
	bool returned; /* keys are in the result: those of several columns then need an example of a composite type */
	const Jsonb *options; /* that the call was given, with something in them; or NULL */
	/*
	 * For hints, the call that works: %t the relation, %c the data column, %k
	 * an example of the key; %o and %O the options with a comma before, and
	 * %O with their name too; %% a percent sign. NULL: no hint.
	 */
	const char *call;
} scpg_key_request;

typedef struct scpg_source
{
	Oid relid;
	char *relation;	 /* quoted and qualified */
	char *some;		 /* a subquery that reads some of its rows, for scpg_reader_open; NULL: all of them */
	char *id_column; /* for messages, not quoted: "id", or of several columns "(a, b)" */
	char *id;		 /* the key in a query on the relation: a column, or a row of several */
	int id_columns;	 /* how many: 1, or more for a row of them */
	char **id_names; /* (id_columns), not quoted */
	bool id_primary; /* it is the primary key: no two rows have the same */
	Oid id_type;	 /* domains resolved */
	int16 id_length;
	bool id_by_value;
	Oid id_output;	   /* its type's output function */
	char *data_column; /* images or embeddings; not quoted */
	char *call;		   /* the request's, for this key */
} scpg_source;

/*
 * Find the key and the data column of a relation that can be read: table,
 * partitioned or foreign table, view, materialized view (else 42809). key NULL:
 * none is needed, and the fields of id are not set. data_column NULL: the one
 * column of type data_type. 42703: no such column; 42804: of another type;
 * 22023 with the call that works as hint: no key, or several columns to choose
 * from. Allocated in the current memory context.
 */
extern void scpg_source_resolve(scpg_source *source, Oid relid, const scpg_key_request *key, const char *data_column,
								Oid data_type);

/* The type of argument number `example`, as a request has it; InvalidOid for -1. */
extern Oid scpg_source_example(FunctionCallInfo fcinfo, int example);

/*
 * The two forms of every function that returns keys: without an example, the
 * key must be int2, int4 or int8 and is returned as bigint (else 42804, hint
 * with the call); with one, it must be of the example's type (else 42804) and the
 * example must be NULL (else 22023, hint "k =>"). example: number of the
 * argument, or -1 for the form without.
 */
extern void scpg_source_check_key(const scpg_source *source, FunctionCallInfo fcinfo, int example);

/* A value as a literal for key->call. */
extern char *scpg_source_call_literal(const char *value);

/* A relation likewise: its name, or its number where there is none. */
extern char *scpg_source_relation_literal(Oid relid);

/*
 * A call that joins two relations has one key of both, of the same types;
 * without an example, also two integers. Else 42804, or 22023 where one has no
 * primary key and no column like the other's key; the hint joins views, or is
 * short_call, the call without an example. In key->call %u is the second
 * relation. What scpg_source_resolve refuses is left to it.
 */
extern void scpg_source_check_pair(Oid first, Oid second, const scpg_key_request *key, const char *data_column,
								   const char *short_call);

/* Is the key int2, int4 or int8? */
extern bool scpg_source_integer_key(const scpg_source *source);

/* A key as the form without an example returns it: bigint. */
extern Datum scpg_source_key(const scpg_source *source, Datum id, bool as_bigint);

/* 22004: a row has no key. */
pg_noreturn extern void scpg_source_refuse_null_key(const scpg_source *source);

/* The table and its column of embeddings that two arguments name, by their numbers. */
extern scpg_source scpg_source_embeddings(FunctionCallInfo fcinfo, int table, int column, const scpg_key_request *key);

#endif /* SCPG_SOURCE_H */
