/*-------------------------------------------------------------------------
 *
 * src/pg/model/calibration.h
 *	  What distances and margins mean in a model: how far its rows lie from
 *	  their centroids, and how sure a row is of its group by its margin.
 *
 * A float8[]: the 99th percentile of the distances of the rows that were
 * clustered, then pairs of a margin (sc_space_margin) and the mean confidence of
 * rows with about that margin. Both ascend; between two pairs the confidence is
 * on the line between them. Without a pair no confidence is known.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CALIBRATION_H
#define SCPG_CALIBRATION_H

#include "postgres.h"

/* In the current memory context; margin and confidence: (n), ascending. */
extern struct varlena *scpg_calibration_make(double far, const double *margin, const double *confidence, int n);

/* Is it one? It may come from a file. */
extern bool scpg_calibration_is_valid(const struct varlena *calibration);

/* The 99th percentile; NaN where calibration is NULL. */
extern double scpg_calibration_far(const struct varlena *calibration);

/* The confidence of a row with that margin, 0 ... 1; NaN where it is not known (calibration may be NULL). */
extern double scpg_calibration_confidence(const struct varlena *calibration, double margin);

#endif /* SCPG_CALIBRATION_H */
