/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/assign.h
 *	  The group of an embedding that was not there when the groups were made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_ASSIGN_H
#define SCPG_ASSIGN_H

#include "postgres.h"

#include "pg/cluster/cluster_space.h"

typedef struct scpg_assignment
{
	int32 label;	   /* SCPG_NO_LABEL: confidence is below the model's min_confidence */
	double distance;   /* to the nearest centroid */
	double confidence; /* NaN: not known, of groups that 1.0 made */
} scpg_assignment;

/* Of x (SC_EMBEDDING_DIM), as the encoder gives it. 55000: nothing was clustered with the model yet. */
extern scpg_assignment scpg_assign(const scpg_model *model, const float *x);

#endif /* SCPG_ASSIGN_H */
