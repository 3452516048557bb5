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

#include "pg/cluster/label_table.h"

/* Key and embeddings of a table that is one; errors as scpg_label_table_open. */
extern void scpg_label_table_resolve(scpg_source *source, Oid relid);

/* What is done to a row, by its key, and the values that it takes. */
typedef enum scpg_label_change
{
	SCPG_LABEL_CHANGE, /* label, distance, confidence, pinned */
	SCPG_LABEL_RENEW,  /* label, distance, confidence, embedding_0, embedding_1, embedding */
	SCPG_LABEL_INSERT, /* likewise */
	SCPG_LABEL_DELETE
} scpg_label_change;

#define SCPG_LABEL_VALUES 6

typedef struct scpg_label_writer scpg_label_writer;

extern scpg_label_writer *scpg_label_writer_open(const scpg_source *source, scpg_label_change change);

/* One row: the values that the change takes, and which are NULL. Returns whether there was such a row. */
extern bool scpg_label_writer_put(scpg_label_writer *writer, Datum key, const Datum *values, const bool *nulls);

extern void scpg_label_writer_close(scpg_label_writer *writer);

#endif /* SCPG_LABEL_TABLE_PARTS_H */
