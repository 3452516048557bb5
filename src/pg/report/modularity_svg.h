/*-------------------------------------------------------------------------
 *
 * src/pg/report/modularity_svg.h
 *	  The curve of a neighbour graph's modularity over the number of groups.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_MODULARITY_SVG_H
#define SCPG_MODULARITY_SVG_H

#include "postgres.h"

#include "core/api.h"

/* Beside what points without groups have. Of a graph that says what it finds by itself, of at least two points. */
extern text *scpg_modularity_draw(const sc_groups *graph);

#endif /* SCPG_MODULARITY_SVG_H */
