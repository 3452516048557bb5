/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/confidence.h
 *	  How sure it is that a row belongs to its group, from 0 to 1.
 *
 * Of a row that was clustered it is the share of its nearest neighbours that
 * have its label. Of a group with fewer rows than are asked, as many are asked
 * as there are other rows of it, so that the values of all groups can be
 * compared. More rows than a bounded number are not asked by all of themselves
 * but by a sample. What comes later is not compared with rows but with
 * centroids: its margin says how clearly it is nearer to one group than to the
 * next, and what that means is learned here, from the rows.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CONFIDENCE_H
#define SCPG_CONFIDENCE_H

#include "postgres.h"

#include "core/api.h"

typedef struct scpg_confidence
{
	/* set by the caller */
	size_t n;				/* rows, at least 1, in the order of a hash: the first ones are a sample */
	const float *points;	/* (n, dimension of space), where the groups are */
	const sc_space *space;	/* centroids among the points, and the groups of them; all else of it is not looked at */
	const int32 *label;		/* (n), each one of a group */
	const double *distance; /* (n), to the nearest centroid of the group */

	/* the result, in the memory context that was current */
	double *confidence;			 /* (n) */
	struct varlena *calibration; /* see pg/model/calibration.h */
} scpg_confidence;

extern void scpg_confidence_find(scpg_confidence *c);

#endif /* SCPG_CONFIDENCE_H */
