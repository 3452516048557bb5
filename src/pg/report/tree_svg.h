/*-------------------------------------------------------------------------
 *
 * src/pg/report/tree_svg.h
 *	  The tree of groups, by which few large ones come of many small ones.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_TREE_SVG_H
#define SCPG_TREE_SVG_H

#include "postgres.h"

/* Two groups become one, whose number is that of `keep`. */
typedef struct scpg_tree_join
{
	int keep; /* of the groups, from 0 */
	int join;
	double height; /* 0 or above, no less than of any join before */
} scpg_tree_join;

/* names (n): of the groups; joins (n - 1): in their order, until one is left. n is at least 2. */
extern text *scpg_tree_draw(char *const *names, int n, const scpg_tree_join *joins);

#endif /* SCPG_TREE_SVG_H */
