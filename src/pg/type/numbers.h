/*-------------------------------------------------------------------------
 *
 * src/pg/type/numbers.h
 *	  What pca_model, kmeans_model and elbow_result have in common: a few
 *	  integers, which say how many numbers follow, and those numbers.
 *
 * Text form: (i,i,i;x,x,x), with the fewest digits that give x again;
 * binary form: int4s, then float8s.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_NUMBERS_H
#define SCPG_NUMBERS_H

#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "nodes/nodes.h"

#include "pg/server/compat.h"

#define NUMBERS_HEAD 5

typedef struct scpg_numbers
{
	int32 vl_len_;			  /* varlena header (do not touch directly!) */
	int32 head[NUMBERS_HEAD]; /* what a type does not use is 0 */
	double x[FLEXIBLE_ARRAY_MEMBER];
} scpg_numbers;

/* What is particular to one of the types. */
typedef struct scpg_numbers_form
{
	const char *name; /* of the SQL type */
	int heads;		  /* integers in use */
	int more_heads;	  /* and those that later versions have, which are left out where all of them are 0 */
	/* How many numbers follow; 0 where no value has such a head. */
	size_t (*count)(const int32 *head);
	/* Are the numbers, which are finite, what the type allows? */
	bool (*valid)(const scpg_numbers *value);
} scpg_numbers_form;

#define NUMBERS_SIZE(count) (offsetof(scpg_numbers, x) + sizeof(double) * (count))

/* How many integers a value with that head is written with. */
extern int scpg_numbers_heads(const scpg_numbers_form *form, const int32 *head);

/* Zeros with that head, which must be valid; 54000 where it is too large. */
extern scpg_numbers *scpg_numbers_new(const scpg_numbers_form *form, const int32 *head);

/* Are the numbers finite, and what the type allows beside that? */
extern bool scpg_numbers_valid(const scpg_numbers_form *form, const scpg_numbers *value);

/*
 * From the text form. An error is raised, or left in escontext, as of an input
 * function, with NULL returned.
 */
extern scpg_numbers *scpg_numbers_parse(const scpg_numbers_form *form, const char *text, Node *escontext);

/* The binary form, and from it: what is left of buf; 22P03 where that is no value of the type. */
extern bytea *scpg_numbers_write(const scpg_numbers_form *form, const scpg_numbers *value);
extern scpg_numbers *scpg_numbers_read(const scpg_numbers_form *form, StringInfo buf);

/*
 * Argument n of a function, which is a value of such a type, not NULL. What is
 * read from a table, compressed or out of line, is made plain once for a query
 * and not for every row; it stays as long as the function's own state does.
 */
extern const scpg_numbers *scpg_numbers_argument(FunctionCallInfo fcinfo, int n);

#endif /* SCPG_NUMBERS_H */
