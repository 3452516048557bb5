/*-------------------------------------------------------------------------
 *
 * src/pg/report/elbow_svg.h
 *	  A drawing (SVG) of the inertia over the number of clusters.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_ELBOW_SVG_H
#define SCPG_ELBOW_SVG_H

#include "postgres.h"

#include "pg/type/elbow_result.h"

extern text *scpg_elbow_draw(scpg_elbow_result result);

#endif /* SCPG_ELBOW_SVG_H */
