/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/fit.h
 *	  The state of the aggregates that collect embeddings and take, for all
 *	  rows alike, a whole number and perhaps options: kmeans_fit, elbow.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_FIT_H
#define SCPG_FIT_H

#include "postgres.h"

#include "fmgr.h"
#include "utils/jsonb.h"

#include "pg/table/rows.h"

typedef struct scpg_fit
{
	scpg_rows rows;
	int number;
	Jsonb *options; /* NULL: none */
} scpg_fit;

/*
 * A transition function (internal, embedding, bigint [, jsonb]) -> internal. A
 * NULL embedding leaves the row out. what: the number's name, for messages;
 * check looks at the number and the options before the first row is taken.
 */
extern Datum scpg_fit_accumulate(FunctionCallInfo fcinfo, const char *what,
								 void (*check)(int number, const Jsonb *options));

/* The state that a final function is called with, or NULL where no row was taken. */
extern const scpg_fit *scpg_fit_collected(FunctionCallInfo fcinfo);

#endif /* SCPG_FIT_H */
