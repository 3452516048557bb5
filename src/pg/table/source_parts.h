/*-------------------------------------------------------------------------
 *
 * src/pg/table/source_parts.h
 *	  What source.c and source_key.c share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_SOURCE_PARTS_H
#define SCPG_SOURCE_PARTS_H

#include "postgres.h"

#include "access/attnum.h"
#include "catalog/pg_attribute.h"
#include "utils/relcache.h"

#include "pg/table/source.h"

/* The attribute called name, or 42703. */
extern Form_pg_attribute scpg_source_find_column(Relation rel, const char *name);

/* 42809: rows cannot be read from it. */
extern void scpg_source_check_relation(Relation rel);

/* Quoted and qualified. */
extern char *scpg_source_relation_name(Relation rel);

/* Everything of the key in source, whose relation is set; data_column: for the hint, or NULL. */
extern void scpg_source_set_key(scpg_source *source, Relation rel, const scpg_key_request *asked,
								const char *data_column);

#endif /* SCPG_SOURCE_PARTS_H */
