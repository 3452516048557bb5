/*-------------------------------------------------------------------------
 *
 * src/pg/report/markup.h
 *	  Texts of a user's in XML, whatever is in them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_MARKUP_H
#define SCPG_MARKUP_H

#include "postgres.h"

#include "lib/stringinfo.h"

/*
 * Append text, NUL-terminated: in XML, as content and in an attribute within
 * double quotes, it means itself. A character that XML cannot hold is U+FFFD.
 */
extern void scpg_markup_text(StringInfo xml, const char *text);

/* The same of its first characters, `most` bytes of them at most, with an ellipsis where that is not all. */
extern void scpg_markup_short(StringInfo xml, const char *text, int most);

/*
 * Append text as a literal of SQL that stands in one line, shows all that is in
 * it, and that XML can hold: what cannot be seen, or turns the direction of
 * what is around it, is escaped, E'\xNN'.
 */
extern void scpg_markup_literal(StringInfo sql, const char *text);

#endif /* SCPG_MARKUP_H */
