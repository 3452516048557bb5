/*-------------------------------------------------------------------------
 *
 * src/pg/report/scatter.h
 *	  A drawing (SVG) of points in the colours of their groups.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_SCATTER_H
#define SCPG_SCATTER_H

#include "postgres.h"

typedef struct scpg_scatter scpg_scatter;

/* Without points, in cxt. */
extern scpg_scatter *scpg_scatter_make(MemoryContext cxt);

/* label NULL: of no group. 22000: no finite numbers. */
extern void scpg_scatter_add(scpg_scatter *scatter, double x, double y, const int32 *label);

/* The drawing of at least one point. The points stay as they are. */
extern text *scpg_scatter_write(const scpg_scatter *scatter);

#endif /* SCPG_SCATTER_H */
