/*-------------------------------------------------------------------------
 *
 * src/pg/model/recipe_init.c
 *	  What a training by preset auto that begins with imported weights does
 *	  otherwise than one from nothing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/model/model.h"
#include "pg/model/recipe.h"

/* Weights that know pictures already need no hard views: crops keep half of a picture at least. */
#define PRETRAINED_MIN_SCALE 0.5

/* Trained here, or on weights that were: it has seen a table of this database. */
static bool
is_imported(const scpg_model *model)
{
	return model->epochs_done == 0 && model->source_name == NULL;
}

void
scpg_recipe_suit_init(scpg_recipe *recipe, scpg_given *given)
{
	scpg_model *initial;

	given->pretrained_view = 0;
	if (recipe->init == NULL || recipe->preset != SCPG_PRESET_AUTO)
		return;
	initial = scpg_model_find_ready_as(recipe->init, GetUserId());
	if (!is_imported(initial))
		return;
	if (!SCPG_GIVEN(given, min_scale))
		recipe->min_scale = PRETRAINED_MIN_SCALE;
	given->pretrained_view = scpg_model_recipe(initial)->input_size;
	scpg_recipe_suit_view(recipe, given, given->pretrained_view);
}
