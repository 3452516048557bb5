/*-------------------------------------------------------------------------
 *
 * src/core/analytics/elbow.h
 *	  The number of clusters from the curve of inertia over k.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_ELBOW_H
#define SC_ELBOW_H

#include "core/base/status.h"

typedef enum sc_elbow_method
{
	SC_ELBOW_LAST_TURN, /* parameter: min_gain */
	SC_ELBOW_KNEEDLE	/* parameter: sensitivity */
} sc_elbow_method;

/*
 * k (1 ... n) chosen from inertia (n; for k = 1 ... n, never rising), or 0
 * where the curve has no turn.
 */
extern int sc_elbow_choose(sc_elbow_method method, const double *inertia, int n, double parameter);

/*
 * Does the curve still fall at its end, so that more clusters than n might be
 * chosen? With last_turn it does where n itself is chosen. With kneedle where
 * no corner is chosen and the last step takes a hundredth of inertia(1), or
 * from what n - 1 clusters leave more than the n-th part.
 */
extern bool sc_elbow_falls(sc_elbow_method method, const double *inertia, int n, int chosen, double parameter);

#endif /* SC_ELBOW_H */
