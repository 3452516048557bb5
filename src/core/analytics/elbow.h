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

#endif /* SC_ELBOW_H */
