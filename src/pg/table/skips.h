/*-------------------------------------------------------------------------
 *
 * src/pg/table/skips.h
 *	  Images that cannot be read: counted and reported, or an error.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_SKIPS_H
#define SCPG_SKIPS_H

#include "postgres.h"

#include "core/api.h"
#include "pg/server/options.h"
#include "pg/table/source.h"

/* What becomes of an image that cannot be read: the option "on_error". */
typedef enum scpg_on_error
{
	SCPG_ON_ERROR_SKIP, /* it is left out, or has no embedding, and is counted */
	SCPG_ON_ERROR_FAIL	/* its error is raised */
} scpg_on_error;

extern scpg_enum_names scpg_on_error_names;

/* Images, and lines of what to do, that the report has. */
#define SCPG_SKIPS_SHOWN 5
/* Images whose reason is kept, for those who show more. */
#define SCPG_SKIPS_KEPT 100
/* More than the core has messages for what is wrong with an image; what comes after them counts as "other". */
#define SCPG_SKIPS_REASONS 64

/* Images with one message. */
typedef struct scpg_skips_reason
{
	char *message;
	char *hint; /* of the first of them that has one; NULL: none has */
	int64 count;
} scpg_skips_reason;

typedef struct scpg_skips
{
	scpg_on_error on_error;
	const char *hint; /* of the report; NULL: the option "on_error" */
	int64 count;
	char *shown[SCPG_SKIPS_SHOWN]; /* "key: reason" */
	char *kept[SCPG_SKIPS_KEPT];   /* reasons, of the first so many */
	scpg_skips_reason *reason;	   /* (reasons), room for SCPG_SKIPS_REASONS */
	int reasons;
	MemoryContext context;
} scpg_skips;

/* Count an image that could not be read, or raise its error with the key as context. */
extern void scpg_skips_add(scpg_skips *skips, const scpg_source *source, Datum id, const sc_error *err);

/* One WARNING that counts them, by reason as well, and shows the first few; nothing if there were none. */
extern void scpg_skips_report(const scpg_skips *skips, int64 rows);

#endif /* SCPG_SKIPS_H */
