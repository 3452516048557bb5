/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_sample.h
 *	  The sample of a table that kmeans_train starts from.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_KMEANS_SAMPLE_H
#define SCPG_KMEANS_SAMPLE_H

#include "postgres.h"

#include "pg/table/rows.h"

/* Fewest rows that can be asked for, and how many it is where nothing is said. */
#define SCPG_SAMPLE_LEAST 1000
#define SCPG_SAMPLE_ROWS 20000

/* A column of embeddings, as queries name it: all quoted. */
typedef struct scpg_kmeans_table
{
	const char *relation;
	const char *column;
	const char *schema; /* of the extension */
} scpg_kmeans_table;

/*
 * About `wanted` of the n rows of the table that have an embedding: different
 * ones, and at least k where there are so many. They depend on the rows and
 * the seed alone, not on their order or on how they are stored. SPI is
 * connected; the memory is that of children of cxt.
 */
extern scpg_rows scpg_kmeans_sample(const scpg_kmeans_table *table, int64 n, int k, int wanted, int64 seed,
									MemoryContext cxt);

#endif /* SCPG_KMEANS_SAMPLE_H */
