/*-------------------------------------------------------------------------
 *
 * src/pg/type/elbow_result.h
 *	  The SQL type elbow_result: inertia for each number of clusters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_ELBOW_RESULT_H
#define SCPG_ELBOW_RESULT_H

#include "postgres.h"

#include "pg/type/numbers.h"

extern const scpg_numbers_form scpg_elbow_result_form;

/* The parts of an elbow_result, pointing into it. */
typedef struct scpg_elbow_result
{
	int n;
	int chosen;			   /* 1 ... n, or 0 where there is no elbow */
	const double *inertia; /* (n), for k = 1 ... n */
} scpg_elbow_result;

/* In the current memory context. */
extern scpg_numbers *scpg_elbow_result_make(int n, const double *inertia, int chosen);

extern scpg_elbow_result scpg_elbow_result_open(const scpg_numbers *value);

#define DatumGetElbowResult(d) scpg_elbow_result_open((const scpg_numbers *) PG_DETOAST_DATUM(d))

#endif /* SCPG_ELBOW_RESULT_H */
