/*-------------------------------------------------------------------------
 *
 * src/pg/table/keys.h
 *	  Keys of rows, of whatever type: copied to memory that is counted, and as
 *	  text.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_KEYS_H
#define SCPG_KEYS_H

#include "postgres.h"

#include "pg/table/source.h"

typedef struct scpg_keys
{
	MemoryContext context; /* of the copies */
	Size counted;		   /* of its bytes, against selfclass.max_memory */
} scpg_keys;

/* None yet; they will live in a child of parent. */
extern void scpg_keys_init(scpg_keys *keys, MemoryContext parent);

/* A copy of one more key of source. */
extern Datum scpg_keys_add(scpg_keys *keys, const scpg_source *source, Datum key);

/*
 * Between these, values as text are what every session reads as them, whatever
 * its settings. An error ends it too.
 */
extern int scpg_keys_begin_text(void);
extern void scpg_keys_end_text(int level);

#endif /* SCPG_KEYS_H */
