/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster.c
 *	  From embeddings to clusters, on the core's jobs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "core/api.h"
#include "pg/analytics/elbow.h"
#include "pg/analytics/groups.h"
#include "pg/analytics/kmeans.h"
#include "pg/analytics/pca.h"
#include "pg/cluster/cluster.h"
#include "pg/cluster/cluster_parts.h"
#include "pg/model/capture.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/type/kmeans_model.h"
#include "pg/type/pca_model.h"

#define DIM SC_EMBEDDING_DIM

/*
 * The exact silhouette compares every row with every other. More rows than
 * this say no more about a choice among a few numbers of clusters. Rows come in
 * the order of a hash of the images, so the first ones are a fair sample.
 */
#define SILHOUETTE_ROWS 5000

/*
 * How many groups there are, and whether they are clear, is seen in the rows as
 * they are. They are cut where components count more evenly, for what tells two
 * like groups apart is seldom what varies most. With so many components, one for
 * each so many rows at most, 14 embeddings of seven sets have a purity of 81.2 in
 * the mean; with 24, 32, 40, 64 and 96 it is 80.1, 80.2, 80.9, 80.8 and 81.1.
 */
#define BALANCED_COMPONENTS 48
#define BALANCED_ROWS 5

/* A graph of the rows tells groups apart that have no fewer of them, in the mean. */
#define GRAPH_ROWS 10

/* What is needed while the clusters are found. */
typedef struct work
{
	scpg_clustering *c;
	MemoryContext context;
	MemoryContext result;
	const float *seen;	 /* (n, DIM): by which groups are found: the rows, or these without what they say of traits */
	int d;				 /* of points */
	const float *points; /* (n, d): where groups are */
} work;

/* ---- rows, and their principal components --------------------------------------------------- */

/* Normalise the rows where the recipe says so, and refuse those that are no finite numbers. */
static void
prepare_rows(scpg_clustering *c)
{
	for (int64 i = 0; i < c->n; i++)
	{
		float *x = c->rows + i * DIM;

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (!isfinite(sc_space_length(x, DIM)))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE), errmsg("the embedding of an image is not finite"),
					 errhint("The training diverged; give a lower \"lr\".")));
		if (c->recipe->l2_normalize)
			(void) sc_space_normalize(x, x, DIM);
	}
}

/* The components of what is seen, as a pca_model in cxt. */
static scpg_numbers *
fit_pca(work *w, double wanted, bool whiten, MemoryContext cxt)
{
	sc_pca pca = {.n = w->c->n, .d = DIM, .rows = w->seen, .wanted = wanted};
	MemoryContext old = MemoryContextSwitchTo(cxt);
	scpg_numbers *result = scpg_pca_fit(&pca, whiten);

	MemoryContextSwitchTo(old);
	return result;
}

/* The rows' coordinates along the first q components, in cxt. */
static float *
project(work *w, const scpg_numbers *value, int q, bool whiten, MemoryContext cxt)
{
	MemoryContext scratch = AllocSetContextCreate(w->context, "selfclass projection", ALLOCSET_DEFAULT_SIZES);
	scpg_pca_model pca = scpg_pca_model_open(value);
	sc_arena arena =
		scpg_arena(cxt, sc_add(sc_mul(sc_mul(w->c->n, q), sizeof(float)), 2 * SC_ALIGN), "the principal components");
	sc_space space = scpg_pca_model_space(&pca);
	sc_space_rows p = {.space = &space, .n = w->c->n, .rows = w->c->rows};

	space.q = q;
	space.whiten = whiten;
	p.out = SC_TAKE(&arena, float, sc_mul(w->c->n, q));
	arena = sc_arena_counter();
	scpg_core()->sc_space_project_layout(&p, &arena);
	arena = scpg_arena(scratch, sc_arena_need(&arena), "the principal components");
	scpg_core()->sc_space_project_layout(&p, &arena);
	scpg_run(scpg_core()->sc_space_project_run, &p);
	MemoryContextDelete(scratch);
	return p.out;
}

/* The recipe's number of components, or 0; of n images there are at most n. */
static double
wanted_components(const scpg_clustering *c)
{
	int most = (int) Min(c->n, DIM);

	if (c->recipe->pca_components <= most)
		return c->recipe->pca_components;
	ereport(NOTICE, (errmsg("%d principal components instead of %.0f, for there are no more of %lld images", most,
							c->recipe->pca_components, (long long) c->n)));
	return most;
}

/* What k-means sees: the rows, or where they lie along the components that the recipe wants. */
static void
find_points(work *w)
{
	scpg_clustering *c = w->c;
	double wanted = wanted_components(c);

	w->d = DIM;
	w->points = w->seen;
	if (wanted > 0)
	{
		c->pca = fit_pca(w, wanted, c->recipe->pca_whiten, w->result);
		w->d = scpg_pca_model_open(c->pca).q;
		w->points = project(w, c->pca, w->d, c->recipe->pca_whiten, w->context);
	}
}

/* The first two components, of those that k-means sees if it sees so many. */
static void
find_plot(work *w)
{
	scpg_clustering *c = w->c;
	scpg_numbers *plot = c->pca != NULL && w->d >= SCPG_PLOT_DIM ? c->pca : fit_pca(w, SCPG_PLOT_DIM, false, w->result);

	if (c->pca == NULL)
		c->pca = plot;
	c->plot = project(w, plot, SCPG_PLOT_DIM, false, w->result);
}

/* ---- k-means and the number of clusters -------------------------------------- */

/* The elbow by a method: k for which it is, or 0. */
static int
find_elbow(work *w, scpg_elbow_choice method, scpg_numbers **result)
{
	const scpg_recipe *r = w->c->recipe;
	scpg_elbow_options options = scpg_recipe_elbow(r);
	size_t n = method == SCPG_ELBOW_SILHOUETTE ? Min(w->c->n, SILHOUETTE_ROWS) : w->c->n;
	MemoryContext old = MemoryContextSwitchTo(w->result);

	options.method = method;
	*result = scpg_elbow_find(w->points, n, w->d, r->max_k, &options);
	MemoryContextSwitchTo(old);
	return scpg_elbow_result_open(*result).chosen;
}

/* What the neighbour graph of the embeddings says of their number, wherever k-means sees them. */
static int
choose_k_by_graph(work *w, const sc_groups *graph)
{
	scpg_clustering *c = w->c;
	scpg_elbow_options options = scpg_recipe_elbow(c->recipe);
	MemoryContext old = MemoryContextSwitchTo(w->result);
	scpg_elbow_result r;

	c->elbow = scpg_elbow_of_graph(&graph->own, w->points, c->n, w->d, c->recipe->max_k, &options);
	MemoryContextSwitchTo(old);
	r = scpg_elbow_result_open(c->elbow);
	scpg_elbow_report_graph(&r);
	return r.chosen;
}

static int
choose_k(work *w)
{
	scpg_clustering *c = w->c;
	bool by_silhouette = c->recipe->elbow_method == SCPG_ELBOW_SILHOUETTE;
	int k = find_elbow(w, c->recipe->elbow_method, &c->elbow);
	int most = scpg_elbow_result_open(c->elbow).n;
	scpg_numbers *unused;

	if (k > 0)
	{
		ereport(NOTICE,
				(errmsg("k = %d, by the %s of 1 to %d clusters", k, by_silhouette ? "best silhouette" : "elbow", most)));
		return k;
	}
	if (!by_silhouette)
		k = find_elbow(w, SCPG_ELBOW_SILHOUETTE, &unused);
	if (k > 0)
		ereport(NOTICE, (errmsg("k = %d, by the best silhouette, for 1 to %d clusters have no elbow", k, most)));
	else if (most > 1)
		ereport(NOTICE,
				(errmsg("k = 1, for neither an elbow nor a silhouette speaks for any of 2 to %d clusters", most)));
	return Max(k, 1);
}

/* ---- the result --------------------------------------------------------------- */

/* The label that each cluster of km gets: that of what it was before, or its own number. */
static int *
find_labels(work *w, const sc_kmeans *km)
{
	scpg_clustering *c = w->c;
	int *label = MemoryContextAllocHuge(w->context, sc_mul(km->k, sizeof(int)));

	if (c->before != NULL)
		scpg_match_labels(label, km, c->rows, c->recipe->l2_normalize, c->before, c->kmeans_only, w->context);
	else
		for (int i = 0; i < km->k; i++)
			label[i] = i;
	return label;
}

/* Keep the labels of km, cluster i under the name label[i], and the distances. */
static void
keep_labels(work *w, const sc_kmeans *km, const int *label)
{
	scpg_clustering *c = w->c;
	sc_arena arena =
		scpg_arena(w->result, sc_add(sc_mul(c->n, sizeof(int32) + sizeof(double)), 4 * SC_ALIGN), "the labels");

	c->clusters = km->k;
	c->label = SC_TAKE(&arena, int32, c->n);
	c->distance = SC_TAKE(&arena, double, c->n);
	for (int64 i = 0; i < c->n; i++)
		c->label[i] = label[km->labels[i]];
	memcpy(c->distance, km->distance, c->n * sizeof(double));
}

/* Groups that are found in what is seen are where the rows are, and so is the distance to a centroid. */
static void
measure_rows(work *w, sc_kmeans *km)
{
	const scpg_clustering *c = w->c;

	if (w->points != w->seen || w->seen == c->rows)
		return;
	for (int64 i = 0; i < c->n; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		km->distance[i] =
			sqrt(sc_distance()->distance2(c->rows + i * DIM, km->centroids + (Size) km->labels[i] * DIM, DIM));
	}
	w->points = c->rows;
}

typedef struct place
{
	int label;
	int cluster;
} place;

static int
compare_places(const void *a, const void *b)
{
	return ((const place *) a)->label - ((const place *) b)->label;
}

/* Labels (k) as int[]. */
static struct varlena *
label_array(const place *places, int k)
{
	Datum *values = palloc(k * sizeof(Datum));

	for (int i = 0; i < k; i++)
		values[i] = Int32GetDatum(places[i].label);
	return (struct varlena *) construct_array(values, k, INT4OID, sizeof(int32), true, TYPALIGN_INT);
}

/* Keep the clusters that k-means found: in the order of their labels, which are those of the places if none is left out. */
static void
keep(work *w, const sc_kmeans *km)
{
	scpg_clustering *c = w->c;
	size_t values = (size_t) km->k * w->d;
	sc_arena sorted =
		scpg_arena(w->context,
				   sc_add(sc_mul(values, sizeof(float)), km->k * (sizeof(int64_t) + sizeof(place)) + 6 * SC_ALIGN),
				   "the centroids");
	float *centroids = SC_TAKE(&sorted, float, values);
	int64_t *sizes = SC_TAKE(&sorted, int64_t, km->k);
	place *places = SC_TAKE(&sorted, place, km->k);
	const int *label = find_labels(w, km);
	MemoryContext old;

	keep_labels(w, km, label);
	for (int k = 0; k < km->k; k++)
		places[k] = (place){label[k], k};
	qsort(places, km->k, sizeof(place), compare_places);
	for (int k = 0; k < km->k; k++)
	{
		sizes[k] = km->sizes[places[k].cluster];
		memcpy(centroids + (size_t) k * w->d, km->centroids + (size_t) places[k].cluster * w->d, w->d * sizeof(float));
	}
	old = MemoryContextSwitchTo(w->result);
	c->kmeans = scpg_kmeans_model_make(km->k, w->d, centroids, sizes, km->inertia, km->iterations, km->converged);
	if (places[km->k - 1].label >= km->k)
		c->centroid_label = label_array(places, km->k);
	MemoryContextSwitchTo(old);
}

/* Keep the groups of the graph, with centroids that tell them apart. */
static void
keep_graph(work *w, const sc_groups *graph)
{
	scpg_clustering *c = w->c;
	scpg_kmeans_options options = scpg_recipe_kmeans(c->recipe);
	scpg_graph_centroids cut = {.rows = c->rows,
								.seen = w->seen,
								.n = c->n,
								.labels = graph->labels,
								.groups = graph->found};
	sc_kmeans km;
	const int *label;
	MemoryContext old;

	scpg_graph_find_centroids(&cut, &options, w->context);
	/* As the matching of labels and the result want it. */
	km = (sc_kmeans){.n = c->n,
					 .d = DIM,
					 .k = cut.groups,
					 .sizes = cut.sizes,
					 .labels = unconstify(int32_t *, cut.labels),
					 .distance = cut.distance};
	label = find_labels(w, &km);
	keep_labels(w, &km, label);
	for (int i = 0; i < cut.centroids; i++)
		cut.group[i] = label[cut.group[i]];
	old = MemoryContextSwitchTo(w->result);
	c->kmeans = scpg_kmeans_model_make(cut.centroids, DIM, cut.centroid, cut.centroid_sizes, cut.inertia, 1, true);
	c->centroid_label = (struct varlena *) scpg_graph_label_array(&cut);
	MemoryContextSwitchTo(old);
}

/* ---- groups anew, or those that are there ---------------------------------------- */

/* Does the recipe ask what the graph says, and k groups of it (0: its own)? */
static bool
needs_graph(const scpg_clustering *c, int k)
{
	return (k == 0 && c->recipe->elbow_method == SCPG_ELBOW_GRAPH) || c->method != SCPG_CLUSTER_KMEANS;
}

/* k groups of the graph; k 0: as many as it has. */
static sc_groups
find_graph(work *w, int k)
{
	scpg_groups_options options = scpg_recipe_groups(w->c->recipe);

	return scpg_groups_run(w->seen, w->c->n, DIM, k, w->c->method == SCPG_CLUSTER_AUTO, &options, w->context);
}

/*
 * The rows' first components, each divided by the root of its deviation: half of
 * what whitening does. *d: how many.
 */
static float *
balance(work *w, int *d)
{
	const scpg_clustering *c = w->c;
	int wanted = (int) Max(2, Min(BALANCED_COMPONENTS, c->n / BALANCED_ROWS));
	const scpg_numbers *value = fit_pca(w, Min(wanted, c->n), false, w->context);
	scpg_pca_model pca = scpg_pca_model_open(value);
	sc_space space = scpg_pca_model_space(&pca);
	float *points = project(w, value, pca.q, false, w->context);

	*d = pca.q;
	for (int64 i = 0; i < c->n; i++)
		for (int j = 0; j < pca.q; j++)
			if (space.variance[j] > 0)
				points[i * pca.q + j] /= (float) sqrt(sqrt(space.variance[j]));
	return points;
}

/* The graph's groups, k of them. */
static sc_groups
cut_graph(work *w, int k)
{
	scpg_groups_options options = scpg_recipe_groups(w->c->recipe);
	int d;
	const float *points = balance(w, &d);

	return scpg_groups_run(points, w->c->n, d, k, false, &options, w->context);
}

/* How sure the number is, for the model. */
static void
note_groups(scpg_clustering *c, const sc_groups *graph)
{
	struct varlena *calibration = c->groups.calibration;

	c->groups =
		scpg_model_groups_of(c->recipe, (struct varlena *) c->kmeans, c->centroid_label, (struct varlena *) c->elbow);
	c->groups.calibration = calibration;
	if (c->before != NULL)
		c->groups.highest_label = Max(c->groups.highest_label, scpg_model_highest_label(c->before));
	if (c->elbow == NULL && graph != NULL)
	{
		c->groups.modularity = graph->modularity;
		if (graph->own.k > 0)
			c->groups.chance = graph->own.chance;
	}
}

/* Find groups, and keep them. */
static void
find(work *w)
{
	scpg_clustering *c = w->c;
	bool by_graph = c->recipe->elbow_method == SCPG_ELBOW_GRAPH;
	int k = c->k;
	sc_groups graph;
	bool has_graph;

	c->method = c->kmeans_only ? SCPG_CLUSTER_KMEANS : c->recipe->cluster_method;
	w->seen = c->traits != NULL ? scpg_erase_traits(c->rows, c->n, c->traits, w->context) : c->rows;
	find_points(w);
	find_plot(w);
	if (k == 0 && !by_graph)
		k = choose_k(w);
	has_graph = needs_graph(c, k);
	if (has_graph)
		graph = find_graph(w, k);
	if (k == 0)
		k = choose_k_by_graph(w, &graph);
	if (c->method == SCPG_CLUSTER_AUTO)
		c->method = Min(c->n, SC_GROUPS_SAMPLE) >= (int64) k * GRAPH_ROWS ? SCPG_CLUSTER_GRAPH : SCPG_CLUSTER_KMEANS;
	if (c->method == SCPG_CLUSTER_GRAPH)
	{
		sc_groups cut = cut_graph(w, k);

		keep_graph(w, &cut);
		w->points = c->rows;
		w->d = DIM;
	}
	else
	{
		scpg_kmeans_options options = scpg_recipe_kmeans(c->recipe);
		sc_kmeans km = scpg_kmeans_run(w->points, c->n, w->d, k, 0, &options, w->context);

		scpg_kmeans_report(&km, k);
		measure_rows(w, &km);
		keep(w, &km);
	}
	scpg_cluster_settle(c, w->points, w->d);
	if (c->same_k)
		c->elbow = (scpg_numbers *) c->before->elbow;
	note_groups(c, has_graph ? &graph : NULL);
}

/* Groups that are there already: each row is of the one whose centroid is nearest, as assign_cluster says. */
static void
assign(work *w)
{
	scpg_clustering *c = w->c;
	sc_space space = scpg_cluster_space(c->before);
	sc_space plot = scpg_cluster_plot_space(c->before);
	sc_arena arena;
	float *points = NULL;

	w->d = sc_space_dim(&space);
	arena =
		scpg_arena(w->result,
				   sc_add(sc_mul(c->n, sizeof(int32) + sizeof(double) + SCPG_PLOT_DIM * sizeof(float)), 6 * SC_ALIGN),
				   "the labels");
	c->label = SC_TAKE(&arena, int32, c->n);
	c->distance = SC_TAKE(&arena, double, c->n);
	c->plot = SC_TAKE(&arena, float, SCPG_PLOT_DIM * c->n);
	if (space.q > 0)
	{
		arena = scpg_arena(w->context, sc_add(sc_mul(sc_mul(c->n, w->d), sizeof(float)), 2 * SC_ALIGN), "the points");
		points = SC_TAKE(&arena, float, sc_mul(c->n, w->d));
	}
	w->points = points != NULL ? points : c->rows;
	/* The rows are of length 1 already where they should be. */
	space.l2_normalize = false;
	for (int64 i = 0; i < c->n; i++)
	{
		if (i % 256 == 0)
			CHECK_FOR_INTERRUPTS();
		if (points != NULL)
			sc_space_project(&space, points + i * w->d, c->rows + i * DIM, NULL);
		c->label[i] = sc_space_nearest(&space, w->points + i * w->d, &c->distance[i]);
		c->distance[i] = sqrt(c->distance[i]);
		if (plot.q > 0)
			sc_space_project(&plot, c->plot + SCPG_PLOT_DIM * i, c->rows + i * DIM, NULL);
	}
	if (plot.q == 0)
		find_plot(w);
	c->pca = (scpg_numbers *) c->before->pca;
	c->kmeans = (scpg_numbers *) c->before->kmeans;
	c->elbow = (scpg_numbers *) c->before->elbow;
	c->centroid_label = c->before->centroid_label;
	c->clusters = scpg_model_labels(c->before->kmeans, c->centroid_label, NULL);
	c->method = c->recipe->cluster_method;
	scpg_cluster_settle(c, w->points, w->d);
	note_groups(c, NULL);
}

/* ---- the whole ------------------------------------------------------------------ */

void
scpg_cluster(scpg_clustering *c)
{
	work w = {.c = c, .result = CurrentMemoryContext, .seen = c->rows};

	Assert(c->n >= 2 && c->k >= 0 && c->k <= c->n);
	w.context = AllocSetContextCreate(CurrentMemoryContext, "selfclass clustering", ALLOCSET_DEFAULT_SIZES);
	c->pca = c->kmeans = c->elbow = NULL;
	c->centroid_label = NULL;
	c->groups.calibration = NULL;
	prepare_rows(c);
	if (c->assign)
		assign(&w);
	else
		find(&w);
	MemoryContextDelete(w.context);
}
