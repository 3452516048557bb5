/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/groups.h
 *	  Groups by the neighbour graph, for the functions that offer them: options
 *	  and run.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_GROUPS_H
#define SCPG_GROUPS_H

#include "postgres.h"

#include "core/api.h"
#include "pg/server/options.h"

typedef enum scpg_groups_metric
{
	SCPG_GROUPS_COSINE,
	SCPG_GROUPS_L2
} scpg_groups_metric;

typedef struct scpg_groups_options
{
	int neighbors; /* of each row; 0: by the number of rows */
	double resolution;
	int n_init;
	int64 seed;
	scpg_groups_metric metric;
} scpg_groups_options;

#define SCPG_GROUPS_DEFAULTS \
	{ \
		.resolution = 1, .n_init = 10, .seed = 1, .metric = SCPG_GROUPS_COSINE \
	}

/* By scpg_groups_metric. */
extern scpg_enum_names scpg_groups_metric_names;

/* Defaults, then what options (may be NULL) say. */
extern scpg_groups_options scpg_groups_read_options(const Jsonb *options);

/*
 * n >= 1 rows (n, d); everything is in cxt. k: so many groups, which the caller
 * has checked, or 0: as many as the graph has. judge: what the graph says by
 * itself is wanted though k is given.
 */
extern sc_groups scpg_groups_run(const float *rows, size_t n, int d, int k, bool judge,
								 const scpg_groups_options *options, MemoryContext cxt);

#endif /* SCPG_GROUPS_H */
