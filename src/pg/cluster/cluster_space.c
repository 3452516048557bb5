/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_space.c
 *	  The space that a model's clusters are in: where an embedding lies in it,
 *	  and which cluster is nearest, whose label a new row gets.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "core/api.h"
#include "pg/cluster/cluster_space.h"

#define DIM SC_EMBEDDING_DIM

void
scpg_cluster_space_open(scpg_cluster_space *space, const scpg_model *model)
{
	const scpg_recipe *recipe;

	if (model->kmeans == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("nothing was clustered with model \"%s\" yet", model->name),
				 errhint("Cluster its images first: SELECT * FROM cluster_images('...', model => '%s').", model->name)));
	memset(space, 0, sizeof(*space));
	recipe = scpg_model_recipe(model);
	space->normalize = recipe->l2_normalize;
	space->project = recipe->pca_components > 0;
	space->kmeans = scpg_kmeans_model_open((const scpg_numbers *) model->kmeans);
	if (model->pca != NULL)
		space->pca = scpg_pca_model_open((const scpg_numbers *) model->pca);
	if (space->project ? (space->pca.d != DIM || space->kmeans.d > space->pca.q) : space->kmeans.d != DIM)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED), errmsg("the clustering of model \"%s\" is corrupt", model->name),
				 errdetail("Its centroids have %d dimensions.", space->kmeans.d),
				 errhint("Cluster again with the model.")));
}

/* ---- normalise -------------------------------------------------------------- */

double
scpg_cluster_norm(const float *x)
{
	return sqrt(sc_distance()->dot(x, x, DIM));
}

double
scpg_cluster_scale(const float *x)
{
	double length = scpg_cluster_norm(x);

	return length > 0 ? length : 1;
}

void
scpg_cluster_normalize(float *out, const float *x)
{
	double length = scpg_cluster_scale(x);

	for (int i = 0; i < DIM; i++)
		out[i] = (float) (x[i] / length);
}

/* ---- project ---------------------------------------------------------------- */

/* The coordinate of x (DIM) along component c. */
static double
along(const scpg_pca_model *pca, const float *x, int c)
{
	return sc_distance()->dot_centred(x, pca->mean, pca->components + (size_t) c * DIM, DIM);
}

/* What whitening multiplies a coordinate by: a component without variance says nothing. */
static double
whitening(const scpg_pca_model *pca, int c)
{
	return pca->variance[c] > SC_PCA_NO_VARIANCE * pca->variance[0] ? 1 / sqrt(pca->variance[c]) : 0;
}

/* out (q): x (DIM) along the first q components. */
static void
project(float *out, const scpg_pca_model *pca, const float *x, int q)
{
	for (int c = 0; c < q; c++)
		out[c] = (float) (along(pca, x, c) * (pca->whiten ? whitening(pca, c) : 1));
}

void
scpg_cluster_space_map(const scpg_cluster_space *space, float *out, const float *x)
{
	float unit[DIM];

	if (space->normalize)
	{
		scpg_cluster_normalize(unit, x);
		x = unit;
	}
	if (space->project)
		project(out, &space->pca, x, space->kmeans.d);
	else
		memcpy(out, x, DIM * sizeof(float));
}

bool
scpg_cluster_space_has_plot(const scpg_cluster_space *space)
{
	return space->pca.d == DIM && space->pca.q >= SCPG_PLOT_DIM;
}

void
scpg_cluster_space_plot(const scpg_cluster_space *space, float *out, const float *x)
{
	scpg_pca_model pca = space->pca;

	Assert(scpg_cluster_space_has_plot(space));
	pca.whiten = false;
	project(out, &pca, x, SCPG_PLOT_DIM);
}

/* ---- the nearest centroid ---------------------------------------------------- */

double
scpg_cluster_space_squared_distance(const scpg_cluster_space *space, const float *point, int label)
{
	const scpg_kmeans_model *m = &space->kmeans;

	Assert(label >= 0 && label < m->k);
	return sc_distance()->distance2_centre(point, m->centroids + (size_t) label * m->d, m->d);
}

int
scpg_cluster_space_label(const scpg_cluster_space *space, const float *point)
{
	double nearest = DBL_MAX;
	int label = 0;

	for (int k = 0; k < space->kmeans.k; k++)
	{
		double distance = scpg_cluster_space_squared_distance(space, point, k);

		if (distance < nearest)
		{
			nearest = distance;
			label = k;
		}
	}
	return label;
}
