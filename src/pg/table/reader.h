/*-------------------------------------------------------------------------
 *
 * src/pg/table/reader.h
 *	  The images of a table, once: read and decoded in batches.
 *
 * Rows are read through SPI as the current user, so rights and row security
 * are the caller's. SPI must be connected.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_READER_H
#define SCPG_READER_H

#include "postgres.h"

#include "core/api.h"
#include "pg/table/source.h"

typedef struct scpg_image_row
{
	Datum id;
	sc_status status; /* SC_OK: image is there */
	sc_error error;
	sc_image image;
	uint64 hash;	/* of the bytes */
	int short_side; /* of the picture as stored */
} scpg_image_row;

typedef struct scpg_reader scpg_reader;

/*
 * max_side as for sc_image_plan_read. The reader lives in the current memory
 * context, and source must live as long. The rows are those of the statement's
 * snapshot; with scpg_reader_open_now those that are committed now: in a
 * procedure that commits, the statement's snapshot is long past.
 */
extern scpg_reader *scpg_reader_open(const scpg_source *source, int max_side);
extern scpg_reader *scpg_reader_open_now(const scpg_source *source, int max_side);

/* How many rows there will be; SCPG_UNCOUNTED where that is not cheap to know: of views, or with policies. Before the first. */
extern int64 scpg_reader_count(scpg_reader *reader);

/* The next rows, decoded; 0 at the end. Valid until the next call. */
extern int scpg_reader_next(scpg_reader *reader, scpg_image_row **rows);
extern void scpg_reader_close(scpg_reader *reader);

#endif /* SCPG_READER_H */
