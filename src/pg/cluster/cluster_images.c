/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_images.c
 *	  The one call, whichever way it is made: from a table of images to labels.
 *
 * All images are read once; an encoder is trained on them, or is that of a
 * model that is ready; it embeds the images, and cluster.c clusters the
 * embeddings. SQL's two ways in are cluster_images_sql.c (rows) and
 * cluster_images_into_sql.c (a table, with commits on the way).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/memutils.h"

#include "pg/cluster/call_arguments.h"
#include "pg/cluster/cluster_images.h"
#include "pg/cluster/cluster_images_parts.h"
#include "pg/model/capture.h"
#include "pg/model/model_edits.h"
#include "pg/model/train.h"
#include "pg/server/memory.h"
#include "pg/server/progress.h"
#include "pg/table/dataset.h"
#include "pg/table/skips.h"
#include "pg/table/source.h"

/* Images that are embedded at once. */
#define EMBED_BATCH 64

/* ---- plan: the model, and the columns ------------------------------------------ */

/*
 * Is there a model that can be used as it is? Without one, lock the name for
 * the training. A model of another role that may be used is, and never trained;
 * one that may not be does not keep the caller from an own one of that name.
 */
static void
find_model(scpg_cluster_encoding *e, const char *name)
{
	e->train = true;
	if (name == NULL)
		return;
	if (!e->recipe.keep)
	{
		/* What would not be kept is not trained under a name. */
		if (e->recipe.retrain)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a version that is not kept cannot be trained"),
					 errhint("Leave out \"retrain\", or \"keep\": false.")));
		e->model = scpg_model_find_ready(name);
		e->train = false;
		return;
	}
	for (int attempt = 0; attempt < 2; attempt++)
	{
		scpg_model *model = e->recipe.retrain ? NULL : scpg_model_find(name, scpg_model_name_is_free(name), false);

		if (model != NULL)
		{
			/* An interrupted training does not get in the way of an older version. */
			e->model = model->state == SCPG_MODEL_READY ? model : scpg_model_find_ready(name);
			e->train = false;
			return;
		}
		if (attempt == 0)
		{
			char *own = scpg_model_new_name(name);

			scpg_model_lock(GetUserId(), own);
			e->name = own;
		}
		/* Somebody may have trained it before we had the lock: look again. */
	}
	scpg_model_check_triggers(GetUserId(), e->name);
}

/* The recipe of a model that is ready, with what decides the clustering from the options. */
static void
take_recipe(scpg_cluster_encoding *e, const scpg_cluster_request *asked)
{
	e->stored = *scpg_model_recipe(e->model);
	e->recipe = e->stored;
	/* Columns by name are those of the table that trained it. */
	if (asked->relid != e->model->source)
	{
		e->recipe.id_column = NULL;
		e->recipe.image_column = NULL;
	}
	scpg_recipe_override_clustering(&e->recipe, &e->options, &e->given);
}

void
scpg_cluster_images_plan(scpg_cluster_job *job)
{
	const scpg_cluster_request *asked = &job->asked;
	scpg_cluster_encoding *e = &job->encoding;
	scpg_key_request key = asked->key;

	scpg_recipe_read(&e->recipe, &e->given, asked->options, SCPG_PRESET_AUTO);
	if (asked->name != NULL && e->recipe.keep && asked->call != NULL)
		PreventCommandIfReadOnly(asked->call);
	find_model(e, asked->name);
	if (e->train)
		scpg_recipe_suit_init(&e->recipe, &e->given);
	else
	{
		e->options = e->recipe;
		take_recipe(e, asked);
	}
	key.columns = e->recipe.id_column;
	scpg_source_resolve(&job->source, asked->relid, &key, e->recipe.image_column, BYTEAOID);
}

/* ---- what the call may replace -------------------------------------------------- */

/* 55000: groups that people corrected are not made anew unasked. */
static void
refuse_replacing(const scpg_cluster_job *job, int groups, const char *option)
{
	const scpg_model *model = job->encoding.model;

	ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					errmsg("the groups of model \"%s\" were edited", model->name),
					option != NULL ? errdetail("Option \"%s\" would make them anew.", option)
								   : errdetail("There are %d of them, and k is %d.", groups, job->asked.k),
					errhint("Leave it out, and they stay as they are; \"replace_groups\": true makes them anew.")));
}

/*
 * Whether the groups that the model has stay, and how many there are to be: as
 * many as there are, unless somebody says otherwise. Where nothing is kept,
 * nothing is replaced.
 */
static void
decide_groups(scpg_cluster_job *job)
{
	const scpg_cluster_encoding *e = &job->encoding;
	const char *option;
	int groups;

	job->k = job->asked.k;
	job->assign = job->same_k = false;
	if (e->train || e->model->kmeans == NULL || e->recipe.replace_groups)
		return;
	groups = scpg_model_labels(e->model->kmeans, e->model->centroid_label, NULL);
	option = scpg_recipe_regroups(&e->given);
	if (e->model->edited && e->recipe.keep && ((job->k != 0 && job->k != groups) || option != NULL))
		refuse_replacing(job, groups, job->k != 0 && job->k != groups ? NULL : option);
	job->assign = e->model->edited && option == NULL && (job->k == 0 || job->k == groups);
	job->same_k = job->k == 0 && !scpg_recipe_chooses_k(&e->given);
	if (job->same_k)
		job->k = groups;
}

/* ---- read ------------------------------------------------------------------------ */

/* Refuse what cannot be clustered before anything is trained. */
void
scpg_cluster_images_read(scpg_cluster_job *job)
{
	scpg_cluster_encoding *e = &job->encoding;
	int side = e->recipe.image_side;

	decide_groups(job);
	if (e->train && e->name == NULL)
		ereport(NOTICE, (errmsg("nothing is kept; with model => 'name' groups can be named, corrected and extended")));
	if (!e->train)
	{
		e->encoder = scpg_encoder_of_model(e->model, EMBED_BATCH, CurrentMemoryContext);
		side = scpg_encoder_image_side(e->encoder);
	}
	job->dataset = scpg_dataset_load(&job->source, side, e->recipe.on_error, job->asked.commits);
	scpg_skips_report(&job->dataset->skips, job->dataset->rows);
	if (job->dataset->images < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("clustering needs at least two readable images"),
				 errdetail("%s has %lld.", job->source.relation, (long long) job->dataset->images)));
	if (job->asked.k > job->dataset->images)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("k must not be larger than the number of readable images"),
						errdetail("k is %d, and %s has %lld.", job->asked.k, job->source.relation,
								  (long long) job->dataset->images)));
}

/* ---- run: train, embed, cluster, keep --------------------------------------------- */

/* A table shows the embeddings as the encoder gives them, and clustering may normalise them: then there are two. */
static bool
keeps_both(const scpg_cluster_job *job)
{
	return job->asked.commits && job->encoding.recipe.l2_normalize;
}

static Size
embeddings_bytes(const scpg_cluster_job *job)
{
	Size bytes = sc_mul(job->dataset->images, SC_EMBEDDING_DIM * sizeof(float));

	return sc_add(keeps_both(job) ? sc_mul(bytes, 2) : bytes, 4 * SC_ALIGN);
}

static const char embeddings_name[] = "the embeddings of the images";

/* The embeddings must fit when the training is done: an error now, not then. Nothing is allocated. */
static void
check_room(const scpg_cluster_job *job)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass room", ALLOCSET_SMALL_SIZES);

	scpg_count_memory(cxt, embeddings_bytes(job), embeddings_name);
	if (job->encoding.recipe.erase_capture)
		scpg_count_memory(cxt, scpg_erased_bytes(job->dataset->images), embeddings_name);
	MemoryContextDelete(cxt);
}

static void
train(scpg_cluster_job *job)
{
	scpg_cluster_encoding *e = &job->encoding;
	scpg_training training = {.recipe = &e->recipe,
							  .dataset = job->dataset,
							  .name = e->name,
							  .commits = job->asked.commits};

	scpg_recipe_choose(&e->recipe, &e->given, job->dataset);
	check_room(job);
	scpg_train(&training);
	e->model = training.model;
	e->encoder = scpg_encoder_make(&e->recipe, training.weights, training.size, EMBED_BATCH, CurrentMemoryContext);
}

static void
embed(scpg_cluster_job *job)
{
	sc_arena arena = scpg_arena(CurrentMemoryContext, embeddings_bytes(job), embeddings_name);
	size_t values = sc_mul(job->dataset->images, SC_EMBEDDING_DIM);
	scpg_encoder *encoder = job->encoding.encoder;

	job->embeddings = SC_TAKE(&arena, float, values);
	scpg_encode_dataset(encoder, job->embeddings, job->dataset);
	scpg_encoder_close(encoder);
	job->encoding.encoder = NULL;
	job->clustering.rows = job->embeddings;
	if (keeps_both(job))
	{
		job->clustering.rows = SC_TAKE(&arena, float, values);
		memcpy(job->clustering.rows, job->embeddings, values * sizeof(float));
	}
}

/*
 * Groups that are clustered again are edited: one at a time, and so that it can
 * be taken back. What others did to them since the plan counts.
 */
static void
begin_edit(scpg_cluster_job *job)
{
	scpg_cluster_encoding *e = &job->encoding;

	if (e->train || !e->recipe.keep || e->model->kmeans == NULL || !scpg_model_keeps_groups() ||
		!scpg_model_may_edit(e->model))
		return;
	job->edit = scpg_edit_begin(e->model);
	take_recipe(e, &job->asked);
	decide_groups(job);
	scpg_edit_record(job->edit, job->asked.commits ? "cluster_images_into" : "cluster_images",
					 scpg_call_arguments(job->source.relation, job->asked.k, job->asked.key.options), 0, true);
}

static void
cluster(scpg_cluster_job *job)
{
	const scpg_cluster_encoding *e = &job->encoding;
	scpg_clustering *c = &job->clustering;

	c->recipe = &e->recipe;
	c->n = job->dataset->images;
	/* A model's number may be that of more images than there are today. */
	c->k = (int) Min(job->k, c->n);
	c->kmeans_only = e->model != NULL && !scpg_model_keeps_groups();
	c->assign = job->assign;
	c->same_k = job->same_k;
	/* A new version's embeddings lie elsewhere, so its labels begin anew. */
	if (!e->train && e->model->kmeans != NULL)
		c->before = e->model;
	c->pinned = scpg_find_pinned(job);
	scpg_progress_phase("clustering", c->n);
	if (e->recipe.erase_capture && !job->assign)
		c->traits = scpg_capture_traits(job->dataset, CurrentMemoryContext);
	scpg_cluster(c);
}

/* The recipe that the model has from now on: with the options that made the clustering. */
static scpg_recipe
new_recipe(const scpg_cluster_job *job)
{
	const scpg_cluster_encoding *e = &job->encoding;
	scpg_recipe recipe = e->train ? *scpg_model_recipe(e->model) : e->recipe;

	/* How it was cut is how it will be. */
	recipe.cluster_method = job->clustering.method;
	if (e->train)
		return recipe;
	recipe.seed = e->stored.seed;
	recipe.retrain = e->stored.retrain;
	recipe.on_error = e->stored.on_error;
	recipe.id_column = e->stored.id_column;
	recipe.image_column = e->stored.image_column;
	return recipe;
}

/* Names that go with their groups: fewer groups than there were, or others. */
static void
tell_lost_names(const scpg_model *model, const scpg_clustering *c)
{
	scpg_model_name_of_group *before;
	int n = scpg_model_read_groups(model, &before);
	int32 *labels;
	int groups = scpg_model_labels((struct varlena *) c->kmeans, c->centroid_label, &labels);
	StringInfoData lost;

	initStringInfo(&lost);
	for (int i = 0; i < n; i++)
		if (before[i].name != NULL &&
			bsearch(&before[i].label, labels, groups, sizeof(int32), scpg_compare_labels) == NULL)
			appendStringInfo(&lost, "%s\"%s\" (%d)", lost.len > 0 ? ", " : "", before[i].name, before[i].label);
	if (lost.len > 0)
		ereport(NOTICE, (errmsg("named groups that are no more: %s", lost.data),
						 errhint("revert_clusters('%s') brings them back.", model->name)));
}

/* Keep the clustering in the model, with the options that made it. */
static void
keep_clustering(scpg_cluster_job *job)
{
	const scpg_cluster_encoding *e = &job->encoding;
	scpg_clustering *c = &job->clustering;
	scpg_recipe recipe;

	if (e->model == NULL || !e->recipe.keep)
		return;
	if (job->edit != NULL)
		tell_lost_names(e->model, c);
	recipe = new_recipe(job);
	c->groups.edited = job->assign;
	job->kept = scpg_model_set_clustering(e->model, &recipe, (struct varlena *) c->pca, (struct varlena *) c->kmeans,
										  (struct varlena *) c->elbow, &c->groups);
}

void
scpg_cluster_images_run(scpg_cluster_job *job)
{
	Assert(job->dataset != NULL && job->dataset->images >= 2);
	if (job->encoding.train)
		train(job);
	else if (job->asked.commits)
		SPI_commit();
	embed(job);
	begin_edit(job);
	cluster(job);
	keep_clustering(job);
}

void
scpg_cluster_images_release(scpg_cluster_job *job)
{
	if (job->encoding.name != NULL)
		scpg_model_unlock(GetUserId(), job->encoding.name);
	job->encoding.name = NULL;
}
