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

typedef struct scpg_source
{
	Oid relid;
	char *relation;	 /* quoted and qualified */
	char *id_column; /* not quoted */
	Oid id_type;	 /* domains resolved */
	int16 id_length;
	bool id_by_value;
	Oid id_output;	   /* its type's output function */
	char *data_column; /* images or embeddings; not quoted */
} scpg_source;

/*
 * Find the key column (id_column, or the single-column primary key) and the
 * data column of a relation that can be read: table, partitioned or foreign
 * table, view, materialized view (else 42809). data_column NULL: the one
 * column of type data_type. 42703: no such column; 42804: of another type;
 * 22023 with a hint: no key, or several columns to choose from. Allocated in
 * the current memory context.
 */
extern void scpg_source_resolve(scpg_source *source, Oid relid, const char *id_column, const char *data_column,
								Oid data_type);

/*
 * The two forms of every function that returns keys: without an example, the
 * key must be int2, int4 or int8 and is returned as bigint (else 42804, hint
 * with the call); with one, it must be of the example's type (else 42804) and the
 * example must be NULL (else 22023, hint "k =>"). function: its name, for
 * the hint. example: number of the argument, or -1 for the form without.
 */
extern void scpg_source_check_key(const scpg_source *source, FunctionCallInfo fcinfo, const char *function, int example);

/* A key as the form without an example returns it: bigint. */
extern Datum scpg_source_key(const scpg_source *source, Datum id, bool as_bigint);

/* The table and its column of embeddings that two arguments name, by their numbers. */
extern scpg_source scpg_source_embeddings(FunctionCallInfo fcinfo, int table, int column);

#endif /* SCPG_SOURCE_H */
