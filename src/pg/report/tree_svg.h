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

#include "core/api.h"

/* names (n): of the groups; joins (n - 1): in their order, until one is left. n is at least 2. */
extern text *scpg_tree_draw(char *const *names, int n, const sc_ward_join *joins);

#endif /* SCPG_TREE_SVG_H */
