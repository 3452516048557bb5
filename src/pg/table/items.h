/*-------------------------------------------------------------------------
 *
 * src/pg/table/items.h
 *	  The rows of a table, embedding and key, in memory: what knn_join,
 *	  near_duplicates and their like start from. Tables are read through SPI as the caller.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_ITEMS_H
#define SCPG_ITEMS_H

#include "postgres.h"

#include "utils/portal.h"

#include "pg/table/keys.h"
#include "pg/table/rows.h"
#include "pg/table/source.h"

#define SCPG_FETCH_ROWS 1000

/* The items, in the order of their keys. */
typedef struct scpg_items
{
	scpg_rows rows;
	Datum *key;	 /* (rows.n), copies */
	size_t room; /* of key */
	scpg_keys keys;
} scpg_items;

/* Within SPI_connect: a cursor over a query, read-only. */
extern Portal scpg_open_cursor(const char *sql, int nargs, Oid *types, Datum *values);

/*
 * A cursor over the rows that have an embedding, in the order of their keys, and of rows with the same key in that of
 * their embeddings: key, embedding.
 */
extern Portal scpg_items_open(const scpg_source *source);

/* Row i of the last fetch from it; its first column, the key: 22004 where it is NULL, as a view's may be. */
extern Datum scpg_items_fetched(uint64 i, int column);
extern Datum scpg_items_key(const scpg_source *source, uint64 i);

/* All of them, in a child of cxt. */
extern void scpg_items_load(scpg_items *items, const scpg_source *source, MemoryContext cxt);

#endif /* SCPG_ITEMS_H */
