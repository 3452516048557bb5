/*-------------------------------------------------------------------------
 *
 * src/pg/server/options.h
 *	  Options given as jsonb: one table says names, types and ranges, and the
 *	  same table reads them, refuses what is wrong, and writes them back.
 *
 * An unknown key, a wrong type or a value out of range is 22023, with the
 * value as detail and the range or the nearest key as hint.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_OPTIONS_H
#define SCPG_OPTIONS_H

#include "postgres.h"

#include "utils/jsonb.h"

/* The names of an enum's constants, in their order, ended by NULL; they are written where the enum is. */
typedef const char *const scpg_enum_names[];

typedef enum scpg_option_type
{
	SCPG_OPTION_BOOL,			/* bool */
	SCPG_OPTION_INT,			/* int */
	SCPG_OPTION_INT8,			/* int64 */
	SCPG_OPTION_FLOAT,			/* double */
	SCPG_OPTION_FLOATS,			/* double[count], a JSON array */
	SCPG_OPTION_ENUM,			/* an enum, whose names are values */
	SCPG_OPTION_CHOICE,			/* scpg_choice: one of values, or something else */
	SCPG_OPTION_TEXT,			/* char *, palloc'd */
	SCPG_OPTION_NAMES,			/* char **, ended by NULL, palloc'd: a name, or an array of them */
	SCPG_OPTION_INTERVAL,		/* double: seconds, from interval text */
	SCPG_OPTION_COUNT_OR_SHARE, /* double: a whole number >= 1, or a share in (0, 1) */
	SCPG_OPTION_OBJECT			/* fields (count of them), in the same target */
} scpg_option_type;

typedef struct scpg_choice
{
	int value;	  /* index into values; their number where other is set */
	Jsonb *other; /* an array, or a string that begins with "("; palloc'd; or NULL */
} scpg_choice;

/* Which part of the work an option decides, where a table has options of several. */
typedef enum scpg_stage
{
	SCPG_STAGE_CALL,	   /* this call as a whole */
	SCPG_STAGE_READING,	   /* which images are read, and what becomes of unreadable ones */
	SCPG_STAGE_TRAINING,   /* what the encoder is; a trained one keeps it */
	SCPG_STAGE_CLUSTERING, /* how embeddings are grouped */
} scpg_stage;

typedef struct scpg_option
{
	const char *name;
	scpg_option_type type;
	size_t offset;	 /* of the variable in the target struct */
	double min, max; /* numbers: the range */
	bool min_excluded;
	bool nullable;					  /* JSON null is allowed and means: none (0 or NULL) */
	int count;						  /* FLOATS, OBJECT: how many */
	const char *const *values;		  /* ENUM, CHOICE: scpg_enum_names */
	const char *other;				  /* CHOICE: what else it takes, for the hint */
	const struct scpg_option *fields; /* OBJECT */
	scpg_stage stage;
} scpg_option;

/*
 * Read the keys of options (an object; NULL is an empty one) into target.
 * given (may be NULL) is set to true for every entry that was there.
 */
extern void scpg_options_read(void *target, bool *given, const Jsonb *options, const scpg_option *table, int entries);

/* The values of target as a jsonb object with every key of the table. */
extern Jsonb *scpg_options_write(const void *target, const scpg_option *table, int entries);

/* Set one option of target, which is a single value, to what it is in source. */
extern void scpg_option_copy(void *target, const void *source, const scpg_option *option);

/* The word of words (count) that is nearest to word, or NULL if none is near. */
extern const char *scpg_nearest(const char *word, const char *const *words, int count);

#endif /* SCPG_OPTIONS_H */
