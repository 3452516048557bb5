/*-------------------------------------------------------------------------
 *
 * src/pg/model/model.c
 *	  A model's row: what is known of a model, made and changed.
 *
 * Which model a name means is in model_find.c, its weights in model_weights.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/api.h"
#include "pg/model/model_parts.h"
#include "pg/type/kmeans_model.h"
#include "pg/type/pca_model.h"

static const char *const state_names[] = {"training", "ready", "failed"};

/* ---- what is known of it ------------------------------------------------------ */

const char *
scpg_model_state_name(const scpg_model *model)
{
	return state_names[model->state];
}

scpg_model_state
scpg_model_state_of(const char *name)
{
	for (int i = 0; i < lengthof(state_names); i++)
		if (strcmp(name, state_names[i]) == 0)
			return i;
	elog(ERROR, "a model is in state \"%s\"", name);
}

const scpg_recipe *
scpg_model_recipe(const scpg_model *model)
{
	/* What is kept here is what is stored, so to the callers nothing changes. */
	scpg_model *cache = unconstify(scpg_model *, model);
	MemoryContext caller;
	scpg_recipe *recipe;

	if (model->recipe != NULL)
		return model->recipe;
	caller = MemoryContextSwitchTo(GetMemoryChunkContext(cache));
	recipe = palloc(sizeof(scpg_recipe));
	scpg_recipe_restore(recipe, model->stored_recipe);
	MemoryContextSwitchTo(caller);
	cache->recipe = recipe;
	return recipe;
}

void
scpg_model_require_clustering(const scpg_model *model)
{
	if (model->kmeans == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing was clustered with model \"%s\" yet", model->name),
				 errhint("Cluster its images first: SELECT * FROM cluster_images('...', model => '%s').", model->name)));
}

bool
scpg_model_clustering_fits(const scpg_recipe *recipe, const struct varlena *pca, const struct varlena *kmeans)
{
	int d = scpg_kmeans_model_open((const scpg_numbers *) kmeans).d;
	scpg_pca_model components;

	if (recipe->pca_components == 0)
		return d == SC_EMBEDDING_DIM;
	if (pca == NULL)
		return false;
	components = scpg_pca_model_open((const scpg_numbers *) pca);
	return components.d == SC_EMBEDDING_DIM && d <= components.q;
}

int64
scpg_model_read_log(const scpg_model *model, scpg_model_epoch **epochs)
{
	Datum values[1] = {Int64GetDatum(model->model_id)};
	int64 n;

	scpg_catalog_run(SCPG_SELECT_LOG, values, NULL, model->by_statement);
	n = (int64) SPI_processed;
	*epochs = MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * sizeof(scpg_model_epoch));
	for (int64 i = 0; i < n; i++)
	{
		scpg_model_epoch *e = &(*epochs)[i];

		e->epoch = scpg_catalog_int4(i, 1);
		e->loss = scpg_catalog_float8(i, 2);
		e->images_per_second = scpg_catalog_float8(i, 3);
	}
	SPI_freetuptable(SPI_tuptable);
	return n;
}

/* ---- changing it ---------------------------------------------------------------- */

scpg_model *
scpg_model_create(const char *name, const scpg_recipe *recipe, Oid source)
{
	scpg_model *model;
	Datum values[5];
	char nulls[5] = {' ', ' ', ' ', ' ', ' '};

	scpg_model_lock_transaction(GetUserId(), name);
	model = palloc0(sizeof(scpg_model));
	model->name = pstrdup(name);
	model->owner = GetUserId();
	model->owner_name = pstrdup(scpg_role_name(model->owner));
	model->state = SCPG_MODEL_TRAINING;
	model->stored_recipe = scpg_recipe_write(recipe);
	model->source = source;
	model->loss = NAN;

	values[0] = CStringGetTextDatum(name);
	values[1] = ObjectIdGetDatum(model->owner);
	values[2] = JsonbPGetDatum(model->stored_recipe);
	values[3] = ObjectIdGetDatum(source);
	values[4] = Int32GetDatum(SC_EMBEDDING_DIM);
	if (!OidIsValid(source))
		nulls[3] = 'n';
	scpg_catalog_run(SCPG_INSERT_MODEL, values, nulls, false);
	model->model_id = scpg_catalog_int8(0, 1);
	model->version = scpg_catalog_int4(0, 2);
	model->created = scpg_catalog_int8(0, 3);
	SPI_freetuptable(SPI_tuptable);
	return model;
}

void
scpg_model_log_epoch(scpg_model *model, int epoch, float8 loss, float8 lr, float8 images_per_second)
{
	Datum values[5];

	values[1] = Float8GetDatum(loss);
	scpg_catalog_change(SCPG_UPDATE_LOSS, model, values, NULL);
	values[1] = Int32GetDatum(epoch);
	values[2] = Float8GetDatum(loss);
	values[3] = Float8GetDatum(lr);
	values[4] = Float8GetDatum(images_per_second);
	scpg_catalog_run(SCPG_INSERT_LOG, values, NULL, false);
	model->loss = loss;
}

void
scpg_model_set_recipe(scpg_model *model, const scpg_recipe *recipe)
{
	Jsonb *stored = scpg_recipe_write(recipe);
	Datum values[2] = {0, JsonbPGetDatum(stored)};

	scpg_catalog_change(SCPG_UPDATE_RECIPE, model, values, NULL);
	model->stored_recipe = stored;
	model->recipe = NULL;
}

void
scpg_model_finish(scpg_model *model, scpg_model_state state, int64 images, int64 skipped)
{
	Datum values[4];

	Assert(state == SCPG_MODEL_READY || state == SCPG_MODEL_FAILED);
	values[1] = CStringGetTextDatum(state_names[state]);
	values[2] = Int64GetDatum(images);
	values[3] = Int64GetDatum(skipped);
	scpg_catalog_change(SCPG_UPDATE_STATE, model, values, NULL);
	model->state = state;
	model->images = images;
	model->skipped = skipped;
}

void
scpg_model_set_clustering(scpg_model *model, struct varlena *pca, struct varlena *kmeans, struct varlena *elbow)
{
	struct varlena *value[] = {pca, kmeans, elbow};
	Datum values[4];
	char nulls[4] = {' '};

	/* Who may only use the model groups with it, and leaves the owner's groups alone. */
	if (!has_privs_of_role(GetUserId(), model->owner))
	{
		ereport(NOTICE,
				(errmsg("the clustering is not kept in model \"%s\", which belongs to another role", model->name)));
		return;
	}
	for (int i = 0; i < lengthof(value); i++)
	{
		values[i + 1] = PointerGetDatum(value[i]);
		nulls[i + 1] = value[i] == NULL ? 'n' : ' ';
	}
	scpg_catalog_change(SCPG_UPDATE_CLUSTERING, model, values, nulls);
	model->pca = pca;
	model->kmeans = kmeans;
	model->elbow = elbow;
}

void
scpg_model_drop(const scpg_model *model, bool all_versions)
{
	Datum values[3] = {CStringGetTextDatum(model->owner_name), CStringGetTextDatum(model->name),
					   Int32GetDatum(model->version)};

	Assert(has_privs_of_role(GetUserId(), model->owner));
	scpg_model_lock_transaction(model->owner, model->name);
	scpg_model_check_drop(model, all_versions);
	scpg_catalog_run(SCPG_DELETE_MODEL, values, all_versions ? "  n" : NULL, false);
	values[0] = ObjectIdGetDatum(model->owner);
	scpg_catalog_run(SCPG_DELETE_GRANTS, values, NULL, false);
}
