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

#include "pg/server/compat.h"

#define NUMBERS_HEAD 5

typedef struct scpg_numbers
{
	int32 vl_len_;			  /* varlena header (do not touch directly!) */
	int32 head[NUMBERS_HEAD]; /* what a type does not use is 0 */
	double x[FLEXIBLE_ARRAY_MEMBER];
} scpg_numbers;

typedef struct scpg_numbers_type
{
	const char *name; /* of the SQL type */
	int heads;		  /* integers in use */
	/* How many numbers follow; 0 where no value has such a head. */
	size_t (*count)(const int32 *head);
	/* Are the numbers what the type allows? All are finite. */
	bool (*valid)(const scpg_numbers *value);
} scpg_numbers_type;

#define NUMBERS_SIZE(count) (offsetof(scpg_numbers, x) + sizeof(double) * (count))

/* Zeros with that head, which must be valid; 54000 where it is too large. */
extern scpg_numbers *scpg_numbers_new(const scpg_numbers_type *type, const int32 *head);

extern Datum scpg_numbers_in(const scpg_numbers_type *type, FunctionCallInfo fcinfo);
extern Datum scpg_numbers_out(const scpg_numbers_type *type, FunctionCallInfo fcinfo);
extern Datum scpg_numbers_recv(const scpg_numbers_type *type, FunctionCallInfo fcinfo);
extern Datum scpg_numbers_send(const scpg_numbers_type *type, FunctionCallInfo fcinfo);

/* The four functions of a type, named scpg_<sql name>_in and so on. */
#define NUMBERS_IO_(sqlname, type, verb) \
	PG_FUNCTION_INFO_V1(scpg_##sqlname##_##verb); \
	Datum scpg_##sqlname##_##verb(PG_FUNCTION_ARGS) \
	{ \
		return scpg_numbers_##verb(&type, fcinfo); \
	}
#define NUMBERS_IO(sqlname, type) \
	NUMBERS_IO_(sqlname, type, in) \
	NUMBERS_IO_(sqlname, type, out) \
	NUMBERS_IO_(sqlname, type, recv) \
	NUMBERS_IO_(sqlname, type, send)

#endif /* SCPG_NUMBERS_H */
