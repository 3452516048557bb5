/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_images.c
 *	  What report_html says of a model's images: their clusters and neighbours.
 *
 * The images are embedded again, and their clusters are those of
 * assign_cluster: the model keeps neither. The pictures themselves are read
 * again by report_pictures.c.
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
#include "pg/cluster/cluster_space.h"
#include "pg/model/embed.h"
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
	sc_arena arena = scpg_arena(CurrentMemoryContext, sc_add(sc_mul(report->n, DIM * sizeof(float)), 2 * SC_ALIGN),
								"the embeddings of the images");

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
find_clusters(scpg_report *report, const scpg_model *model)
{
	sc_space space = scpg_cluster_space(model);
	sc_space plot = scpg_cluster_plot_space(model);
	size_t n = report->n;
	sc_arena arena;
	image_order order;

	report->k = sc_space_groups(&space);
	report->d = sc_space_dim(&space);
	arena =
		scpg_arena(CurrentMemoryContext,
				   sc_add(sc_mul(n, sc_add(report->d * sizeof(float), sizeof(int32) + sizeof(double) + sizeof(int64) +
																		  SCPG_PLOT_DIM * sizeof(float))),
						  sc_add(report->k * sizeof(int64), 8 * SC_ALIGN)),
				   "the clusters of the images");
	report->points = SC_TAKE(&arena, float, n * report->d);
	report->label = SC_TAKE(&arena, int32, n);
	report->distance = SC_TAKE(&arena, double, n);
	report->order = SC_TAKE(&arena, int64, n);
	report->size = SC_TAKE(&arena, int64, report->k);
	memset(report->size, 0, report->k * sizeof(int64));
	if (plot.q > 0)
		report->plot = SC_TAKE(&arena, float, SCPG_PLOT_DIM *n);
	/* The rows are of length 1 already where they should be. */
	space.l2_normalize = false;
	for (size_t i = 0; i < n; i++)
	{
		const float *x = report->rows + i * DIM;
		float *point = report->points + i * report->d;
		double distance2;
		int label;

		CHECK_FOR_INTERRUPTS();
		sc_space_project(&space, point, x, NULL);
		label = sc_space_nearest(&space, point, &distance2);
		report->label[i] = label;
		report->distance[i] = sqrt(distance2);
		report->size[label]++;
		report->order[i] = (int64) i;
		if (report->plot != NULL)
			sc_space_project(&plot, report->plot + SCPG_PLOT_DIM * i, x, NULL);
	}
	order.label = report->label;
	order.distance = report->distance;
	qsort_interruptible(report->order, n, sizeof(int64), compare_images, &order);
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
	if (report->n == 0)
	{
		scpg_dataset_close(report->dataset);
		return NULL;
	}
	if (model->kmeans != NULL)
		find_clusters(report, model);
	return report;
}

scpg_numbers *
scpg_report_elbow(const scpg_report *report)
{
	const scpg_recipe *r = &report->recipe;
	scpg_elbow_options options = scpg_recipe_elbow(r);

	if (r->elbow_method == SCPG_ELBOW_GRAPH)
		return scpg_elbow_find_graph(report->rows, Min(report->n, ELBOW_IMAGES), DIM, r->max_k, &options);
	/* The number of groups is there already, chosen or given. */
	options.quiet = true;
	return scpg_elbow_find(report->points, Min(report->n, ELBOW_IMAGES), report->d, r->max_k, &options);
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
