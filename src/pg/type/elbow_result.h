/*-------------------------------------------------------------------------
 *
 * src/pg/type/elbow_result.h
 *	  The SQL type elbow_result: inertia for each number of clusters, the number
 *	  that was chosen, how, and how surely.
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
	int chosen;			   /* 0 where there is no elbow; else 1 ... n, and by the graph any number */
	int method;			   /* 1 and the scpg_elbow_choice; 0: the result does not say, as those of version 1.0 */
	int low, high;		   /* by the graph: between which the number lies; else 0 */
	const double *inertia; /* (n), for k = 1 ... n */
	double score, chance;  /* by the graph: modularity, and what points without groups have; else 0 */
	double stability;	   /* by the graph: how well the groups of samples agree with these; else 0 */
} scpg_elbow_result;

/* The same in the current memory context. */
extern scpg_numbers *scpg_elbow_result_make(const scpg_elbow_result *parts);

extern scpg_elbow_result scpg_elbow_result_open(const scpg_numbers *value);

/* Was the number chosen by the graph? */
extern bool scpg_elbow_result_by_graph(const scpg_elbow_result *r);

#define DatumGetElbowResult(d) scpg_elbow_result_open((const scpg_numbers *) PG_DETOAST_DATUM(d))

#endif /* SCPG_ELBOW_RESULT_H */
