/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_space.h
 *	  The space that a model's clusters are in, as the core's sc_space: where an
 *	  embedding lies in it, and which cluster is nearest, whose label a new row
 *	  gets, are functions of core/analytics/space.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_CLUSTER_SPACE_H
#define SCPG_CLUSTER_SPACE_H

#include "postgres.h"

#include "core/api.h"
#include "pg/model/model.h"

/* For the label of a row that has none; and among pins, of a row that is not pinned. */
#define SCPG_NO_LABEL PG_INT32_MIN
#define SCPG_NOT_PINNED (PG_INT32_MIN + 1)

/* Dimensions that are drawn. */
#define SCPG_PLOT_DIM 2

/*
 * Of rows of SC_EMBEDDING_DIM; the parts point into the model's values. 55000:
 * nothing was clustered with the model yet; XX001: its parts do not fit
 * together.
 */
extern sc_space scpg_cluster_space(const scpg_model *model);

/*
 * The space that the model's rows are drawn in: SCPG_PLOT_DIM components, never
 * whitened, of rows that are normalised already where the model wants it. With
 * no components (q 0) where the model has no plot: one component is all there
 * is.
 */
extern sc_space scpg_cluster_plot_space(const scpg_model *model);

#endif /* SCPG_CLUSTER_SPACE_H */
