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
#include "pg/type/elbow_result.h"
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

/*
 * One group for each of k centroids. Numbers may be left out: those of groups
 * that were merged into others, which no group gets again.
 */
static bool
labels_fit(const struct varlena *centroid_label, int k)
{
	const ArrayType *array = (const ArrayType *) centroid_label;
	const int32 *label;

	if (ARR_NDIM(array) != 1 || ARR_DIMS(array)[0] != k || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != INT4OID)
		return false;
	label = scpg_model_centroid_groups(centroid_label);
	for (int i = 0; i < k; i++)
		if (label[i] < 0 || label[i] > SCPG_HIGHEST_LABEL)
			return false;
	return true;
}

const int32 *
scpg_model_centroid_groups(const struct varlena *centroid_label)
{
	return centroid_label == NULL ? NULL : (const int32 *) ARR_DATA_PTR((const ArrayType *) centroid_label);
}

int
scpg_compare_labels(const void *a, const void *b)
{
	int32 x = *(const int32 *) a, y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

int
scpg_model_labels(const struct varlena *kmeans, const struct varlena *centroid_label, int32 **labels)
{
	int k = scpg_kmeans_model_open((const scpg_numbers *) kmeans).k;
	const int32 *group = scpg_model_centroid_groups(centroid_label);
	int32 *label = MemoryContextAllocHuge(CurrentMemoryContext, sc_mul(k, sizeof(int32)));
	int n = 0;

	for (int i = 0; i < k; i++)
		label[i] = group != NULL ? group[i] : i;
	qsort(label, k, sizeof(int32), scpg_compare_labels);
	for (int i = 0; i < k; i++)
		if (n == 0 || label[n - 1] != label[i])
			label[n++] = label[i];
	if (labels != NULL)
		*labels = label;
	else
		pfree(label);
	return n;
}

int
scpg_model_highest_label(const scpg_model *model)
{
	int32 *labels;
	int n;

	if (model->kmeans == NULL)
		return model->highest_label;
	/* Of a clustering by 1.0 it was not noted. */
	n = scpg_model_labels(model->kmeans, model->centroid_label, &labels);
	return Max(model->highest_label, labels[n - 1]);
}

scpg_model_groups
scpg_model_groups_of(const scpg_recipe *recipe, const struct varlena *kmeans, struct varlena *centroid_label,
					 const struct varlena *elbow)
{
	scpg_model_groups g = {centroid_label, .by = "given", .modularity = NAN, .chance = NAN};
	scpg_elbow_result r;
	int32 *labels;

	g.k = scpg_model_labels(kmeans, centroid_label, &labels);
	g.highest_label = labels[g.k - 1];
	pfree(labels);
	if (elbow == NULL)
		return g;
	r = scpg_elbow_result_open((const scpg_numbers *) elbow);
	g.by = scpg_elbow_method_names[r.chosen == 0 ? SCPG_ELBOW_SILHOUETTE : recipe->elbow_method];
	if (scpg_elbow_result_by_graph(&r))
	{
		g.low = r.low;
		g.high = r.high;
		g.modularity = r.score;
		g.chance = r.chance;
	}
	return g;
}

bool
scpg_model_groups_in_components(const scpg_recipe *recipe, const struct varlena *centroid_label)
{
	/* A graph's groups are of the embeddings themselves. Those of k-means have labels too once they were edited. */
	return recipe->pca_components > 0 && (centroid_label == NULL || recipe->cluster_method != SCPG_CLUSTER_GRAPH);
}

bool
scpg_model_clustering_fits(const scpg_recipe *recipe, const struct varlena *pca, const struct varlena *kmeans,
						   const struct varlena *centroid_label)
{
	int d = scpg_kmeans_model_open((const scpg_numbers *) kmeans).d;
	scpg_pca_model components;

	if (centroid_label != NULL && !labels_fit(centroid_label, scpg_kmeans_model_open((const scpg_numbers *) kmeans).k))
		return false;
	if (!scpg_model_groups_in_components(recipe, centroid_label))
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

	scpg_model_keep_role(GetUserId());
	scpg_model_lock_transaction(GetUserId(), name);
	model = palloc0(sizeof(scpg_model));
	model->name = pstrdup(name);
	model->owner = GetUserId();
	model->owner_name = pstrdup(scpg_role_name(model->owner));
	model->state = SCPG_MODEL_TRAINING;
	model->stored_recipe = scpg_recipe_write(recipe);
	model->source = source;
	model->loss = NAN;
	model->highest_label = -1;

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

static void
keep_groups(scpg_model *model, const scpg_model_groups *g)
{
	Datum values[11] = {Int64GetDatum(model->model_id),
						PointerGetDatum(g->centroid_label),
						Int32GetDatum(g->k),
						Int32GetDatum(g->low),
						Int32GetDatum(g->high),
						CStringGetTextDatum(g->by),
						Float8GetDatum(g->modularity),
						Float8GetDatum(g->chance),
						Int32GetDatum(g->highest_label),
						BoolGetDatum(g->edited),
						PointerGetDatum(g->calibration)};
	bool absent[11] = {false,
					   g->centroid_label == NULL,
					   false,
					   g->low == 0,
					   g->high == 0,
					   false,
					   isnan(g->modularity),
					   isnan(g->chance),
					   false,
					   false,
					   g->calibration == NULL};
	char nulls[11];

	/* Before ALTER EXTENSION UPDATE there is no place for it. */
	if (!scpg_model_keeps_groups())
		return;
	for (int i = 0; i < 11; i++)
		nulls[i] = absent[i] ? 'n' : ' ';
	scpg_catalog_run(SCPG_UPDATE_GROUPS, values, nulls, false);
	if (!g->edited)
		scpg_catalog_run(SCPG_RESET_CLUSTERS, values, NULL, false);
}

bool
scpg_model_set_clustering(scpg_model *model, const scpg_recipe *recipe, struct varlena *pca, struct varlena *kmeans,
						  struct varlena *elbow, const scpg_model_groups *groups)
{
	struct varlena *value[] = {pca, kmeans, elbow};
	Datum values[4] = {Int64GetDatum(model->model_id)};
	char nulls[4] = {' '};

	/* Who may only use the model groups with it, and leaves the owner's groups alone. */
	if (!scpg_model_may_edit(model))
	{
		ereport(NOTICE,
				(errmsg("the clustering is not kept in model \"%s\", which belongs to another role", model->name)));
		return false;
	}
	for (int i = 0; i < lengthof(value); i++)
	{
		values[i + 1] = PointerGetDatum(value[i]);
		nulls[i + 1] = value[i] == NULL ? 'n' : ' ';
	}
	scpg_catalog_run(SCPG_UPDATE_CLUSTERING, values, nulls, false);
	if (SPI_processed != 1)
		scpg_model_refuse_dropped(model);
	keep_groups(model, groups);
	model->pca = pca;
	model->kmeans = kmeans;
	model->elbow = elbow;
	model->centroid_label = groups->centroid_label;
	model->calibration = groups->calibration;
	model->highest_label = groups->highest_label;
	model->edited = groups->edited;
	model->stored_recipe = scpg_recipe_write(recipe);
	model->recipe = NULL;
	values[1] = JsonbPGetDatum(model->stored_recipe);
	scpg_catalog_run(SCPG_UPDATE_RECIPE, values, NULL, false);
	return true;
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
