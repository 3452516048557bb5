/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/call_arguments.h
 *	  The arguments of a call that works on the images of a table, as the log of
 *	  edits has them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CALL_ARGUMENTS_H
#define SCPG_CALL_ARGUMENTS_H

#include "postgres.h"

#include "utils/jsonb.h"

/* {"images": ..., "k": ..., "options": ...}, without a k of 0 and options that are NULL; in the current memory context. */
extern const Jsonb *scpg_call_arguments(const char *images, int k, const Jsonb *options);

#endif /* SCPG_CALL_ARGUMENTS_H */
