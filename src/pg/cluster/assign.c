/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/assign.c
 *	  The group of an embedding that was not there when the groups were made.
 *
 * It is that of the nearest of the centroids that the model keeps, in the space
 * that cluster_space.c reads from it, by core/analytics/space.c; how sure that
 * is comes from its margin (pg/model/calibration.h).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "pg/cluster/assign.h"
#include "pg/model/calibration.h"

scpg_assignment
scpg_assign(const scpg_model *model, const float *x)
{
	sc_space space = scpg_cluster_space(model);
	float point[SC_EMBEDDING_DIM], unit[SC_EMBEDDING_DIM];
	scpg_assignment a;
	double own, other;

	sc_space_project(&space, point, x, unit);
	a.label = sc_space_nearest_two(&space, point, &own, &other);
	a.distance = sqrt(own);
	a.confidence = scpg_calibration_confidence(model->calibration, sc_space_margin(own, other));
	if (a.confidence < scpg_model_recipe(model)->min_confidence)
		a.label = SCPG_NO_LABEL;
	return a;
}
