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

#include "pg/analytics/groups.h"
#include "pg/analytics/kmeans.h"
#include "pg/type/elbow_result.h"

typedef enum scpg_elbow_choice
{
	SCPG_ELBOW_LAST_TURN,
	SCPG_ELBOW_KNEEDLE,
	SCPG_ELBOW_SILHOUETTE,
	SCPG_ELBOW_GRAPH
} scpg_elbow_choice;

typedef struct scpg_elbow_options
{
	scpg_elbow_choice method;
	double min_gain;		   /* of last_turn */
	double sensitivity;		   /* of kneedle */
	scpg_groups_metric metric; /* of graph */
	scpg_kmeans_options kmeans;
	bool quiet; /* of a curve that still falls at its end */
} scpg_elbow_options;

/* By scpg_elbow_choice. */
extern scpg_enum_names scpg_elbow_method_names;

/* Defaults, then what options (may be NULL) say. */
extern scpg_elbow_options scpg_elbow_read_options(const Jsonb *options);

/* What a result by the graph says of it. */
extern sc_groups_own scpg_elbow_own(const scpg_elbow_result *r);

/* Say in a result by which method its number is. */
extern void scpg_elbow_name_method(scpg_numbers *result, const scpg_elbow_options *options);

/* The name of the method of a result; where it does not say, last_turn if that gives its number, or else NULL. */
extern const char *scpg_elbow_method_name(const scpg_elbow_result *r);

/*
 * What a neighbour graph says of the number of groups, with the inertia of
 * points (n, d) for k = 1 ... max_k. In the current memory context.
 */
extern scpg_numbers *scpg_elbow_of_graph(const sc_groups_own *own, const float *points, size_t n, int d, int max_k,
										 const scpg_elbow_options *options);

/* The same of n >= 1 rows (n, d) that are points themselves. */
extern scpg_numbers *scpg_elbow_find_graph(const float *rows, size_t n, int d, int max_k,
										   const scpg_elbow_options *options);

/* NOTICE: the number by the graph, what the elbow of the inertia says, and whether it is but a guess. */
extern void scpg_elbow_report_graph(const scpg_elbow_result *r);

/*
 * The inertia of n >= 1 rows (n, d) for k = 1 ... max_k, at most n - 1 (for a
 * single row: 1), and the choice, which is 0 where there is none. In the
 * current memory context.
 */
extern scpg_numbers *scpg_elbow_find(const float *rows, size_t n, int d, int max_k, const scpg_elbow_options *options);

#endif /* SCPG_ELBOW_H */
