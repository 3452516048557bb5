/*-------------------------------------------------------------------------
 *
 * src/pg/model/recipe_parts.h
 *	  What the files of the recipe share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_RECIPE_PARTS_H
#define SCPG_RECIPE_PARTS_H

#include "postgres.h"

#include "pg/table/dataset.h"

/*
 * Of how many pictures the mirror image lies nearer to the other pictures than
 * they do themselves: one half where a set holds both as well, next to none
 * where it holds no mirror images. One half where there are too few to tell.
 */
extern double scpg_mirrored_share(scpg_dataset *images);

#endif /* SCPG_RECIPE_PARTS_H */
