/*-------------------------------------------------------------------------
 *
 * src/pg/server/progress.h
 *	  How far a command is, for other sessions: its row of selfclass_progress.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_PROGRESS_H
#define SCPG_PROGRESS_H

#include "postgres.h"

/* A number that is not known, or not counted. */
#define SCPG_UNCOUNTED (-1)

/*
 * A command begins, on a relation and with a model (NULL: none). It takes a row,
 * where one is free, and never fails. Every begin has its end, in PG_FINALLY. A
 * command within another one (a view that calls embed_images feeds a training)
 * is not shown, nor what it tells until its end.
 */
extern void scpg_progress_begin(const char *command, Oid relid, const char *model);
extern void scpg_progress_end(void);

/* Would anybody see what is told now? */
extern bool scpg_progress_is_shown(void);

/* Its next phase begins, which goes over so many images. */
extern void scpg_progress_phase(const char *phase, int64 images);

/* ... in epochs, of which some are done already: then the images are those of one epoch. */
extern void scpg_progress_epochs(int total, int done);

/* So many images of the phase, or of the epoch, are done. */
extern void scpg_progress_images(int64 done);

/* An epoch is done. */
extern void scpg_progress_epoch(int done, double loss);

#endif /* SCPG_PROGRESS_H */
