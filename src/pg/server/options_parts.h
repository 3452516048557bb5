/*-------------------------------------------------------------------------
 *
 * src/pg/server/options_parts.h
 *	  What options.c and option_types.c share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_OPTIONS_PARTS_H
#define SCPG_OPTIONS_PARTS_H

#include "postgres.h"

#include "lib/stringinfo.h"

#include "pg/server/compat.h"
#include "pg/server/options.h"

/* What is done with the variable of an option of one type. */
typedef struct scpg_option_ops
{
	/* Its bytes, all zero for JSON null; 0: it is no single value, and there is no null for it. */
	size_t size;
	/* What the option takes, for a hint. */
	void (*describe)(StringInfo s, const scpg_option *o);
	/* From a value that is not null, or 22023. */
	void (*read)(void *variable, const scpg_option *o, JsonbValue *value);
	/* As a value, or as an array or object. */
	void (*write)(JsonbParseState **state, const void *variable, const scpg_option *o);
} scpg_option_ops;

/* By scpg_option_type. */
extern const scpg_option_ops scpg_option_types[];

/* 22023: the value is not what the option takes. */
pg_noreturn extern void scpg_option_refuse(const scpg_option *o, JsonbValue *value);

/* Options within an option. */
extern void scpg_options_read_object(void *target, bool *given, JsonbContainer *object, const scpg_option *table,
									 int entries);
extern JsonbValue *scpg_options_write_object(JsonbParseState **state, const void *target, const scpg_option *table,
											 int entries);

#endif /* SCPG_OPTIONS_PARTS_H */
