/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/silhouette.h
 *	  The mean silhouette for the functions that offer it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_SILHOUETTE_H
#define SCPG_SILHOUETTE_H

#include "postgres.h"

/* rows: (n, d), labels: (n), 0 ... k - 1. n is at least 1. */
extern double scpg_silhouette_mean(const float *rows, size_t n, int d, const int32 *labels, int k);

#endif /* SCPG_SILHOUETTE_H */
