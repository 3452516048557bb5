/*-------------------------------------------------------------------------
 *
 * src/pg/server/progress_parts.h
 *	  The rows of progress in shared memory, as their writer and the view share
 *	  them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_PROGRESS_PARTS_H
#define SCPG_PROGRESS_PARTS_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Commands that can be seen at once, in all databases together. */
#define SCPG_PROGRESS_SLOTS 128

typedef struct scpg_progress_row
{
	int pid; /* 0: there is no command */
	TimestampTz backend_start;
	Oid role; /* that logged in */
	Oid database;
	int encoding; /* of the database, and so of the model's name */
	Oid relid;
	char command[24];
	char phase[16];
	char model[NAMEDATALEN]; /* empty: none */
	int epochs_total;		 /* this and the next three: SCPG_UNCOUNTED where they are not known */
	int epochs_done;
	int64 images_total; /* of the phase, or of an epoch */
	int64 images_done;
	double loss;			  /* NaN: none yet */
	double images_per_second; /* 0: none yet */
	double seconds_left;	  /* of the phase, when this was written; negative: not known */
	TimestampTz written;
} scpg_progress_row;

/* The row of a slot as it was at one moment; false: it is free. */
extern bool scpg_progress_read(int slot, scpg_progress_row *row);

#endif /* SCPG_PROGRESS_PARTS_H */
