/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_images.c
 *	  What report_html shows of a model's images.
 *
 * The images are embedded again, and their clusters are those of
 * assign_cluster: the model keeps neither. The pictures themselves are read a
 * second time, only those that are shown.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "pg/analytics/elbow.h"
#include "pg/cluster/cluster.h"
#include "pg/model/embed.h"
#include "pg/report/report_parts.h"
#include "pg/server/bridge.h"
#include "pg/table/items.h"

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
		double length = sqrt(sc_distance()->dot(x, x, DIM));

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < DIM && length > 0; j++)
			x[j] = (float) (x[j] / length);
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
	scpg_cluster_space space;
	size_t n = report->n;
	sc_arena arena;
	image_order order;

	scpg_cluster_space_open(&space, model);
	report->k = space.kmeans.k;
	report->d = space.kmeans.d;
	arena = scpg_arena(CurrentMemoryContext,
					   sc_add(sc_mul(n, sc_add(report->d * sizeof(float),
											   sizeof(int32) + sizeof(double) + sizeof(int64) + 2 * sizeof(float))),
							  sc_add(report->k * sizeof(int64), 8 * SC_ALIGN)),
					   "the clusters of the images");
	report->points = SC_TAKE(&arena, float, n * report->d);
	report->label = SC_TAKE(&arena, int32, n);
	report->distance = SC_TAKE(&arena, double, n);
	report->order = SC_TAKE(&arena, int64, n);
	report->size = SC_TAKE(&arena, int64, report->k);
	memset(report->size, 0, report->k * sizeof(int64));
	if (model->pca != NULL && space.pca.d == DIM && space.pca.q >= 2)
		report->plot = SC_TAKE(&arena, float, 2 * n);
	/* The rows are of length 1 already where they should be. */
	space.normalize = false;
	for (size_t i = 0; i < n; i++)
	{
		const float *x = report->rows + i * DIM;
		float *point = report->points + i * report->d;
		int label;

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		scpg_cluster_space_map(&space, point, x);
		label = scpg_cluster_space_label(&space, point);
		report->label[i] = label;
		report->distance[i] =
			sqrt(sc_distance()->distance2_centre(point, space.kmeans.centroids + (size_t) label * report->d, report->d));
		report->size[label]++;
		report->order[i] = (int64) i;
		for (int c = 0; c < 2 && report->plot != NULL; c++)
			report->plot[2 * i + c] =
				(float) sc_distance()->dot_centred(x, space.pca.mean, space.pca.components + (size_t) c * DIM, DIM);
	}
	order.label = report->label;
	order.distance = report->distance;
	qsort_interruptible(report->order, n, sizeof(int64), compare_images, &order);
}

scpg_report *
scpg_report_make(const scpg_model *model)
{
	scpg_report *report;
	scpg_source source;
	scpg_encoder *encoder;

	if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(model->source)))
		return NULL;
	report = palloc0(sizeof(scpg_report));
	report->recipe = *scpg_model_recipe(model);
	scpg_source_resolve(&source, model->source, report->recipe.id_column, report->recipe.image_column, BYTEAOID);
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

/* ---- the pictures ------------------------------------------------------------ */

/* The keys of images, as an array that is the query's parameter. */
static Datum
keys_of(const scpg_report *report, const int64 *image, int n)
{
	const scpg_dataset *dataset = report->dataset;
	const scpg_source *source = &dataset->source;
	sc_arena arena = scpg_arena(CurrentMemoryContext, sc_add(sc_mul(report->n, sizeof(int64)), 2 * SC_ALIGN),
								"the keys of the images");
	int64 *row = SC_TAKE(&arena, int64, report->n);
	Datum *key = palloc(sizeof(Datum) * n);
	int16 length;
	bool by_value;
	char alignment;

	for (int64 i = 0; i < dataset->rows; i++)
		if (dataset->row[i].image >= 0)
			row[dataset->row[i].image] = i;
	for (int i = 0; i < n; i++)
		key[i] = dataset->row[row[image[i]]].id;
	get_typlenbyvalalign(source->id_type, &length, &by_value, &alignment);
	return PointerGetDatum(construct_array(key, n, source->id_type, length, by_value, alignment));
}

/* An operator as a query names it, whatever the search_path. */
static char *
operator_name(Oid operator)
{
	HeapTuple tuple = SearchSysCache1(OPEROID, ObjectIdGetDatum(operator));
	Form_pg_operator form;
	char *name;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator %u", operator);
	form = (Form_pg_operator) GETSTRUCT(tuple);
	name = psprintf("OPERATOR(%s.%s)", quote_identifier(get_namespace_name(form->oprnamespace)), NameStr(form->oprname));
	ReleaseSysCache(tuple);
	return name;
}

scpg_report_pictures
scpg_report_open_pictures(const scpg_report *report, const int64 *image, int n)
{
	MemoryContext caller = CurrentMemoryContext;
	const scpg_source *source = &report->dataset->source;
	Oid equal = lookup_type_cache(source->id_type, TYPECACHE_EQ_OPR)->eq_opr;
	Oid types[1] = {get_array_type(source->id_type)};
	Datum values[1];
	char *id;
	char *sql;
	scpg_report_pictures pictures = {.place = 1};

	if (!OidIsValid(equal) || !OidIsValid(types[0]))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("rows of %s cannot be found by their key", source->relation),
						errdetail("Its type %s has no equality, or no arrays.", format_type_be(source->id_type))));
	values[0] = keys_of(report, image, n);
	id = pstrdup(quote_identifier(source->id_column));
	sql = psprintf("SELECT t.place, s.%s FROM pg_catalog.unnest($1) WITH ORDINALITY AS t(id, place)"
				   " LEFT JOIN %s s ON s.%s %s t.id ORDER BY t.place",
				   quote_identifier(source->data_column), source->relation, id, operator_name(equal));
	pictures.portal = scpg_open_cursor(sql, 1, types, values);
	MemoryContextSwitchTo(caller);
	return pictures;
}

void
scpg_report_add_pictures(scpg_report_pictures *pictures, scpg_sheet *sheet, int n)
{
	MemoryContext caller = CurrentMemoryContext;
	int64 end = pictures->place + n;

	/* One at a time: an image may be large. */
	while (pictures->place < end)
	{
		bool isnull;
		int64 place;
		Datum value;

		CHECK_FOR_INTERRUPTS();
		SPI_cursor_fetch(pictures->portal, true, 1);
		if (SPI_processed == 0)
			break;
		place = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull));
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 2, &isnull);
		/* Of rows of a view that have the same key, the first will do. */
		if (place == pictures->place)
		{
			scpg_sheet_add(sheet, isnull ? NULL : (struct varlena *) DatumGetPointer(value));
			pictures->place++;
		}
		SPI_freetuptable(SPI_tuptable);
	}
	MemoryContextSwitchTo(caller);
}

void
scpg_report_close_pictures(scpg_report_pictures *pictures)
{
	SPI_cursor_close(pictures->portal);
}
