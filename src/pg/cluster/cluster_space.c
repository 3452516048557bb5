/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_space.c
 *	  The space that a model's clusters are in, from what the model keeps.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/cluster/cluster_space.h"
#include "pg/type/kmeans_model.h"
#include "pg/type/pca_model.h"

/* The space of the model's components, all zeros where it has none. */
static sc_space
components_of(const scpg_model *model)
{
	scpg_pca_model pca;

	if (model->pca == NULL)
		return (sc_space){0};
	pca = scpg_pca_model_open((const scpg_numbers *) model->pca);
	return scpg_pca_model_space(&pca);
}

sc_space
scpg_cluster_space(const scpg_model *model)
{
	sc_space space = {.d = SC_EMBEDDING_DIM};
	const scpg_recipe *recipe;
	scpg_kmeans_model kmeans;

	scpg_model_require_clustering(model);
	recipe = scpg_model_recipe(model);
	kmeans = scpg_kmeans_model_open((const scpg_numbers *) model->kmeans);
	if (!scpg_model_clustering_fits(recipe, model->pca, model->kmeans, model->centroid_label))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("the clustering of model \"%s\" is corrupt", model->name),
				 errdetail("Its centroids have %d dimensions.", kmeans.d), errhint("Cluster again with the model.")));
	if (scpg_model_groups_in_components(recipe, model->centroid_label))
	{
		space = components_of(model);
		space.q = kmeans.d;
	}
	space.l2_normalize = recipe->l2_normalize;
	space.k = kmeans.k;
	space.centroids = kmeans.centroids;
	space.group = scpg_model_centroid_groups(model->centroid_label);
	return space;
}

sc_space
scpg_cluster_plot_space(const scpg_model *model)
{
	sc_space space = components_of(model);

	space.q = space.d == SC_EMBEDDING_DIM && space.q >= SCPG_PLOT_DIM ? SCPG_PLOT_DIM : 0;
	space.whiten = false;
	return space;
}
