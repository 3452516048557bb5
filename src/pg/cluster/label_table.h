/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/label_table.h
 *	  A model's label table: which picture is in which group.
 *
 * cluster_images_into makes it: the key (column "id", or the key's own columns
 * where there are several), label, embedding_0, embedding_1, distance,
 * embedding, confidence, pinned. The model names it (selfclass_model.labels),
 * and it is the one place of memberships: whoever wants to know or to change
 * them goes through this. It belongs to whoever made it: all is done through
 * SPI as the caller, so his rights (42501) and row security decide what is seen
 * and changed. SPI must be connected.
 *
 * An edit opens it, reads rows, writes rows, changes the model's centroids, and
 * last calls scpg_label_table_count, all in one transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_LABEL_TABLE_H
#define SCPG_LABEL_TABLE_H

#include "postgres.h"

#include "pg/cluster/cluster_space.h"
#include "pg/model/model.h"
#include "pg/table/keys.h"
#include "pg/table/rows.h"
#include "pg/table/source.h"

typedef struct scpg_label_table
{
	const scpg_model *model;
	bool read_only;		/* under the statement's snapshot; else what is committed by now, and what this call wrote */
	scpg_source source; /* relation, key columns and column "embedding" of the table */
} scpg_label_table;

typedef struct scpg_label_row
{
	Datum key;		   /* of source.id_type: a column's value, or a row of the key's columns */
	int32 label;	   /* SCPG_NO_LABEL: NULL */
	bool pinned;	   /* put there by hand: keeps its label whatever is clustered */
	double distance;   /* NaN: NULL, the picture could not be read */
	double confidence; /* NaN: NULL */
	const float *x;	   /* (SC_EMBEDDING_DIM), as the encoder gave it; NULL: none, or none was asked for */
} scpg_label_row;

/*
 * The label table of a model that may be read (read_only) or is to be changed
 * (else). 55000: nothing was clustered with the model, or into no table, with
 * the CALL as hint; 42P01: the table is gone; 42703: it lacks a column, with the
 * ALTER TABLE as hint. Locked against DDL to the end of the transaction.
 */
extern void scpg_label_table_open(scpg_label_table *t, const scpg_model *model, bool read_only);

/*
 * 22023, with the keys, where a row has a label that is no group of the model:
 * somebody wrote it by hand. pinned: of pinned rows alone.
 */
extern void scpg_label_table_check(const scpg_label_table *t, bool pinned);

/* "0, 1, 4": labels (n), of many the first ones and the last, for messages. */
extern char *scpg_label_list(const int32 *labels, int n);

/* A key as text, as selfclass_cluster.example and messages have it. */
extern char *scpg_label_key_text(const scpg_label_table *t, Datum key);

/* ---- reading: row by row, or all at once ------------------------------------------- */

typedef struct scpg_label_reader scpg_label_reader;

/*
 * The rows of these labels (n of them; NULL: all rows, those without a label
 * too), in the order of their keys. embeddings: x is wanted. Holds a thousand
 * rows at a time, in the current memory context.
 */
extern scpg_label_reader *scpg_label_reader_open(const scpg_label_table *t, const int32 *labels, int n, bool embeddings);

/* The next row, valid until the next call; NULL at the end. Other statements may run between two calls. */
extern const scpg_label_row *scpg_label_reader_next(scpg_label_reader *reader);

extern void scpg_label_reader_close(scpg_label_reader *reader);

/* The same rows in memory, counted against selfclass.max_memory (54000). */
typedef struct scpg_label_rows
{
	int64 n;
	scpg_label_row *row; /* (n), in the order of their keys */
	int64 room;			 /* of row */
	scpg_keys keys;
	scpg_rows x;
	MemoryContext context; /* of all of it */
} scpg_label_rows;

/* Into a child of cxt, which scpg_label_rows_free deletes. */
extern void scpg_label_table_load(scpg_label_rows *rows, const scpg_label_table *t, const int32 *labels, int n,
								  bool embeddings, MemoryContext cxt);

extern void scpg_label_rows_free(scpg_label_rows *rows);

/* ---- writing ------------------------------------------------------------------------ */

/*
 * Set label, pinned, distance and confidence of the n rows with these keys.
 * Returns how many there were: fewer where rows are gone, or row security hides
 * them.
 */
extern int64 scpg_label_table_update(const scpg_label_table *t, const scpg_label_row *rows, int64 n);

/*
 * Write the model's rows of selfclass_cluster anew, one for each group that its
 * centroids have now: size, pinned, mean_distance, mean_confidence, example (key
 * of the row nearest to its centroid). Groups that are no more go; of the others
 * name and edited stay. 22023 as scpg_label_table_check; 42501 unless the caller
 * may edit the model's groups.
 */
extern void scpg_label_table_count(const scpg_label_table *t);

#endif /* SCPG_LABEL_TABLE_H */
