/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_images.c
 *	  What report_html says of a model's images: their clusters and neighbours.
 *
 * The images are embedded again, for the model does not keep that. Their
 * clusters are those of its label table (report_members.c), or, without one, of
 * assign_cluster. The pictures themselves are read again by report_pictures.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "pg/analytics/elbow.h"
#include "pg/analytics/groups.h"
#include "pg/analytics/silhouette.h"
#include "pg/cluster/cluster_space.h"
#include "pg/model/embed.h"
#include "pg/model/model_edits.h"
#include "pg/report/report_parts.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/table/dataset.h"
#include "pg/table/skips.h"
#include "pg/table/source.h"

#define DIM SC_EMBEDDING_DIM

/* Images that are embedded at once. */
#define EMBED_BATCH 64

/* The elbow of more images than these is that of the first ones, a fair sample. */
#define ELBOW_IMAGES 5000

/* ---- embedding and clusters --------------------------------------------------- */

static void
embed(scpg_report *report, scpg_encoder *encoder)
{
	Size bytes = sc_mul(report->n, DIM * sizeof(float) + sizeof(int64));
	sc_arena arena = scpg_arena(CurrentMemoryContext, sc_add(bytes, 4 * SC_ALIGN), "the embeddings of the images");

	report->row = SC_TAKE(&arena, int64, report->n);
	for (int64 i = 0; i < report->dataset->rows; i++)
		if (report->dataset->row[i].image >= 0)
			report->row[report->dataset->row[i].image] = i;
	report->rows = SC_TAKE(&arena, float, sc_mul(report->n, DIM));
	scpg_encode_dataset(encoder, report->rows, report->dataset);
	if (!report->recipe.l2_normalize)
		return;
	for (int64 i = 0; i < report->n; i++)
	{
		float *x = report->rows + i * DIM;

		CHECK_FOR_INTERRUPTS();
		(void) sc_space_normalize(x, x, DIM);
	}
}

/* What distances say of an image: its group, unless the label table knows it, and the nearest of the others. */
static void
place_image(scpg_report *report, const sc_space *space, int64 i)
{
	const float *point = report->points + i * report->d;
	double nearest, other = INFINITY;
	int label = sc_space_nearest(space, point, &nearest);

	if (report->labels == NULL)
		report->label[i] = label;
	report->other[i] = SCPG_REPORT_NO_GROUP;
	for (int c = 0; c < space->k; c++)
	{
		int group = space->group != NULL ? space->group[c] : c;
		double distance2 = group != report->label[i] ? sc_space_distance2(space, point, c) : INFINITY;

		if (distance2 < other)
		{
			other = distance2;
			report->other[i] = group;
		}
	}
	if (report->labels == NULL || isnan(report->distance[i]))
		report->distance[i] = sqrt(nearest);
	if (!report->by_confidence)
		report->sureness[i] = other > nearest ? 1 - sqrt(nearest / other) : 0;
}

typedef struct image_order
{
	const int32 *label;
	const double *distance;
} image_order;

static int
compare_images(const void *a, const void *b, void *arg)
{
	const image_order *o = arg;
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	if (o->label[x] != o->label[y])
		return o->label[x] < o->label[y] ? -1 : 1;
	if (o->distance[x] != o->distance[y])
		return o->distance[x] < o->distance[y] ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void
find_names(scpg_report *report, const scpg_model *model)
{
	scpg_model_name_of_group *named;
	int n = scpg_model_keeps_groups() ? scpg_model_read_groups(model, &named) : 0;
	int g = 0;

	for (int i = 0; i < n; i++)
	{
		while (g < report->k && report->group[g].label < named[i].label)
			g++;
		if (g < report->k && report->group[g].label == named[i].label)
			report->group[g].name = named[i].name;
	}
}

/* The groups that the model has, their names, and the images of each. */
static void
find_groups(scpg_report *report, const scpg_model *model)
{
	image_order order = {report->label, report->distance};
	int64 at = 0;
	int32 *labels;

	report->k = scpg_model_labels(model->kmeans, model->centroid_label, &labels);
	report->group = palloc0(sizeof(scpg_report_group) * report->k);
	for (int64 i = 0; i < report->n; i++)
		report->order[i] = i;
	qsort_interruptible(report->order, report->n, sizeof(int64), compare_images, &order);
	while (at < report->n && report->label[report->order[at]] == SCPG_REPORT_NO_GROUP)
		at++;
	report->outside = at;
	for (int g = 0; g < report->k; g++)
	{
		scpg_report_group *group = &report->group[g];

		*group = (scpg_report_group){.label = labels[g], .first = at};
		for (; at < report->n && report->label[report->order[at]] == group->label; at++)
			group->pinned += report->place[report->order[at]] == SCPG_PLACE_PINNED;
		group->size = at - group->first;
	}
	find_names(report, model);
}

static void
find_clusters(scpg_report *report, const scpg_model *model)
{
	sc_space space = scpg_cluster_space(model);
	sc_space plot = scpg_cluster_plot_space(model);
	size_t n = report->n;
	size_t each;
	sc_arena arena;

	report->d = sc_space_dim(&space);
	each = (report->d + SCPG_PLOT_DIM) * sizeof(float) + 2 * sizeof(int32) + sizeof(scpg_report_place) +
		   2 * sizeof(double) + sizeof(int64);
	arena = scpg_arena(CurrentMemoryContext, sc_add(sc_mul(n, each), 8 * SC_ALIGN), "the clusters of the images");
	report->points = SC_TAKE(&arena, float, n * report->d);
	report->label = SC_TAKE(&arena, int32, n);
	report->other = SC_TAKE(&arena, int32, n);
	report->place = SC_TAKE(&arena, scpg_report_place, n);
	report->distance = SC_TAKE(&arena, double, n);
	report->sureness = SC_TAKE(&arena, double, n);
	report->order = SC_TAKE(&arena, int64, n);
	if (plot.q > 0)
		report->plot = SC_TAKE(&arena, float, SCPG_PLOT_DIM *n);
	for (size_t i = 0; i < n; i++)
		report->place[i] = SCPG_PLACE_ASSIGNED;
	if (OidIsValid(model->labels))
		scpg_report_read_members(report, model);
	/* The rows are of length 1 already where they should be. */
	space.l2_normalize = false;
	for (size_t i = 0; i < n; i++)
	{
		const float *x = report->rows + i * DIM;

		CHECK_FOR_INTERRUPTS();
		sc_space_project(&space, report->points + i * report->d, x, NULL);
		place_image(report, &space, (int64) i);
		if (report->plot != NULL)
			sc_space_project(&plot, report->plot + SCPG_PLOT_DIM * i, x, NULL);
	}
	find_groups(report, model);
}

scpg_report *
scpg_report_make(const scpg_model *model)
{
	scpg_report *report;
	scpg_key_request key = {NULL};
	scpg_source source;
	scpg_encoder *encoder;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(model->source)))
		return NULL;
	report = palloc0(sizeof(scpg_report));
	report->recipe = *scpg_model_recipe(model);
	key.columns = report->recipe.id_column;
	scpg_source_resolve(&source, model->source, &key, report->recipe.image_column, BYTEAOID);
	encoder = scpg_encoder_of_model(model, EMBED_BATCH, CurrentMemoryContext);
	report->dataset = scpg_dataset_load(&source, scpg_encoder_image_side(encoder), SCPG_ON_ERROR_SKIP, false);
	report->dataset->skips.hint = "They are not in the report.";
	scpg_skips_report(&report->dataset->skips, report->dataset->rows);
	report->n = report->dataset->images;
	if (report->n > 0)
		embed(report, encoder);
	scpg_encoder_close(encoder);
	if (report->n > 0 && model->kmeans != NULL)
		find_clusters(report, model);
	return report;
}

scpg_numbers *
scpg_report_elbow(const scpg_report *report, const sc_groups *graph)
{
	const scpg_recipe *r = &report->recipe;
	scpg_elbow_options options = scpg_recipe_elbow(r);
	int64 n = Min(report->n, ELBOW_IMAGES);

	if (r->elbow_method == SCPG_ELBOW_GRAPH)
		return scpg_elbow_of_graph(&graph->own, report->points, n, report->d, r->max_k, &options);
	/* The number of groups is there already, chosen or given. */
	options.quiet = true;
	return scpg_elbow_find(report->points, n, report->d, r->max_k, &options);
}

sc_groups
scpg_report_graph(const scpg_report *report, MemoryContext cxt)
{
	scpg_groups_options options = scpg_recipe_groups(&report->recipe);

	return scpg_groups_run(report->rows, Min(report->n, SC_GROUPS_SAMPLE), DIM, 0, true, &options, cxt);
}

double
scpg_report_silhouette(const scpg_report *report)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "report silhouette", ALLOCSET_DEFAULT_SIZES);
	int64 most = Min(report->n, ELBOW_IMAGES);
	Size bytes = sc_mul(most, report->d * sizeof(float) + sizeof(int32));
	sc_arena arena = scpg_arena(cxt, sc_add(bytes, 4 * SC_ALIGN), "the silhouette");
	float *points = SC_TAKE(&arena, float, most * report->d);
	int32 *number = SC_TAKE(&arena, int32, most);
	double mean = NAN;
	int64 n = 0;

	for (int g = 0; g < report->k; g++)
		for (int64 i = 0; i < report->group[g].size; i++)
		{
			int64 image = report->order[report->group[g].first + i];

			if (i % 1024 == 0)
				CHECK_FOR_INTERRUPTS();
			if (image >= most)
				continue;
			memcpy(points + n * report->d, report->points + image * report->d, report->d * sizeof(float));
			number[n++] = g;
		}
	if (n > 0 && report->k > 1)
		mean = scpg_silhouette_mean(points, n, report->d, number, report->k);
	MemoryContextDelete(cxt);
	return mean;
}

int
scpg_report_neighbours(const scpg_report *report, int queries, int k, int64 *tiles)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "report neighbours", ALLOCSET_DEFAULT_SIZES);
	sc_knn job = {.n = report->n,
				  .d = DIM,
				  .rows = report->rows,
				  .k = k,
				  .leave_out = true,
				  .most = queries,
				  .m = queries,
				  .queries = report->rows,
				  .lanes = scpg_lanes()};
	sc_arena arena = sc_arena_counter();
	int found;

	scpg_core()->sc_knn_layout(&job, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the nearest neighbours");
	scpg_core()->sc_knn_layout(&job, &arena);
	scpg_run_on(job.lanes, scpg_core()->sc_knn_run, &job);
	found = job.found;
	for (int i = 0; i < queries; i++)
	{
		tiles[i * (1 + found)] = i;
		for (int j = 0; j < found; j++)
			tiles[i * (1 + found) + 1 + j] = job.index[i * found + j];
	}
	MemoryContextDelete(cxt);
	return found;
}
