/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/label_table_parts.h
 *	  What those need of a label table who make it and bring it up to date:
 *	  cluster_images_into and refresh_clusters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_LABEL_TABLE_PARTS_H
#define SCPG_LABEL_TABLE_PARTS_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "pg/cluster/label_table.h"

/* Key and embeddings of a table that is one; errors as scpg_label_table_open. */
extern void scpg_label_table_resolve(scpg_source *source, Oid relid);

/* Can keys of the one be compared with keys of the other? */
extern bool scpg_label_table_same_key(const scpg_source *a, const scpg_source *b);

/* 42804 where keys of the label table cannot be those of the images. */
extern void scpg_label_table_require_key(const scpg_source *own, const scpg_source *images);

/* "a.id = b.id", of two relations whose keys can be compared, under these names in a query. */
extern void scpg_append_same_key(StringInfo sql, const scpg_source *a, const char *alias_a, const scpg_source *b,
								 const char *alias_b);

/* The order of keys, and rows of a label table in it: sorted so, then found. */
typedef struct scpg_key_order
{
	FmgrInfo *compare;
	Oid collation;
} scpg_key_order;

extern scpg_key_order scpg_key_order_of(const scpg_source *source);
extern int scpg_compare_keys(const scpg_key_order *order, Datum a, Datum b);
extern void scpg_label_rows_sort(scpg_label_rows *rows, const scpg_key_order *order);
extern scpg_label_row *scpg_label_rows_find(const scpg_label_rows *rows, const scpg_key_order *order, Datum key);

/* As scpg_label_table_load, the pinned rows. */
extern void scpg_label_table_load_pinned(scpg_label_rows *rows, const scpg_label_table *t, MemoryContext cxt);

/* What is done to a row, by its key, and the values that it takes. */
typedef enum scpg_label_change
{
	SCPG_LABEL_CHANGE, /* label, distance, confidence, pinned */
	SCPG_LABEL_RENEW,  /* label, embedding_0, embedding_1, distance, confidence, embedding */
	SCPG_LABEL_INSERT, /* likewise, and pinned */
	SCPG_LABEL_DELETE
} scpg_label_change;

#define SCPG_LABEL_VALUES 7

typedef struct scpg_label_writer scpg_label_writer;

extern scpg_label_writer *scpg_label_writer_open(const scpg_source *source, scpg_label_change change);

/* One row: the values that the change takes, and which are NULL. Returns whether there was such a row. */
extern bool scpg_label_writer_put(scpg_label_writer *writer, Datum key, const Datum *values, const bool *nulls);

/* Likewise of SCPG_LABEL_CHANGE, from a row. */
extern bool scpg_label_writer_change(scpg_label_writer *writer, const scpg_label_row *row);

extern void scpg_label_writer_close(scpg_label_writer *writer);

#endif /* SCPG_LABEL_TABLE_PARTS_H */
