/*-------------------------------------------------------------------------
 *
 * src/pg/table/rows.h
 *	  Embeddings collected in memory, one after the other, for computations
 *	  that need all of them at once.
 *
 * The memory grows in proportion and counts against selfclass.max_memory
 * until the context it was made in goes.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_ROWS_H
#define SCPG_ROWS_H

#include "postgres.h"

#include "pg/type/embedding.h"

typedef struct scpg_rows
{
	MemoryContext context; /* of x and tag alone */
	size_t n;
	size_t room;
	size_t made; /* rows whose pages are there */
	int d;		 /* 0 before the first row */
	float *x;	 /* (n, d) */
	int32 *tag;	 /* (n), what the caller keeps with a row */
} scpg_rows;

/* Empty, in a child of parent. */
extern void scpg_rows_init(scpg_rows *rows, MemoryContext parent);

/* One more; 22000 where it has another dimension than those before, 54000 where memory ends. */
extern void scpg_rows_add(scpg_rows *rows, const scpg_embedding *e, int32 tag);

extern void scpg_rows_free(scpg_rows *rows);

#endif /* SCPG_ROWS_H */
