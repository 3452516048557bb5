/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/elbow.h
 *	  The number of clusters, for the functions that choose one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_ELBOW_H
#define SCPG_ELBOW_H

#include "postgres.h"

#include "pg/analytics/kmeans.h"
#include "pg/type/elbow_result.h"

typedef enum scpg_elbow_choice
{
	SCPG_ELBOW_LAST_TURN,
	SCPG_ELBOW_KNEEDLE,
	SCPG_ELBOW_SILHOUETTE
} scpg_elbow_choice;

typedef struct scpg_elbow_options
{
	scpg_elbow_choice method;
	double min_gain;	/* of last_turn */
	double sensitivity; /* of kneedle */
	scpg_kmeans_options kmeans;
	bool quiet; /* of a curve that still falls at its end */
} scpg_elbow_options;

/* By scpg_elbow_choice. */
extern scpg_enum_names scpg_elbow_method_names;

/* Defaults, then what options (may be NULL) say. */
extern scpg_elbow_options scpg_elbow_read_options(const Jsonb *options);

/*
 * The inertia of n >= 1 rows (n, d) for k = 1 ... max_k, at most n - 1 (for a
 * single row: 1), and the choice, which is 0 where there is none. In the
 * current memory context.
 */
extern scpg_numbers *scpg_elbow_find(const float *rows, size_t n, int d, int max_k, const scpg_elbow_options *options);

#endif /* SCPG_ELBOW_H */
