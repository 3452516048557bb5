/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_start.c
 *	  The centroids that k-means is told to start from.
 *
 * "init" takes them as an array, each an array of numbers or an embedding's
 * text form, as jsonb_agg(e) makes them, or as the text form of a
 * kmeans_model, as jsonb_build_object('init', m) makes it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "pg/analytics/kmeans.h"
#include "pg/table/rows.h"
#include "pg/type/embedding.h"
#include "pg/type/kmeans_model.h"

static void
refuse_form(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid value for option \"%s\"", "init"),
					errdetail("A centroid is an array of numbers or the text form of an embedding."),
					errhint("For example: '{\"init\": [[1, 2], [3, 4]]}'.")));
}

static char *
text_of(const JsonbValue *value)
{
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* One element of the array. */
static const scpg_embedding *
read_centroid(JsonbValue *value)
{
	JsonbIterator *it;
	JsonbValue element;
	JsonbIteratorToken token;
	scpg_embedding *e;
	int n = 0;

	if (value->type == jbvString)
		return scpg_embedding_parse(text_of(value), -1, NULL);
	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		refuse_form();
	scpg_embedding_check_dim(JsonContainerSize(value->val.binary.data));
	e = scpg_embedding_new(JsonContainerSize(value->val.binary.data));
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
		{
			if (element.type != jbvNumeric)
				refuse_form();
			e->x[n] = DatumGetFloat4(DirectFunctionCall1(numeric_float4, NumericGetDatum(element.val.numeric)));
			scpg_embedding_check_value(e->x[n++]);
		}
	return e;
}

static void
check_count(int64 found, int k)
{
	if (found != k)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid value for option \"%s\"", "init"),
						errdetail("There are %lld centroids to start from, and the number of clusters is %d.",
								  (long long) found, k)));
}

float *
scpg_kmeans_start(const scpg_kmeans_options *options, int k, int d)
{
	Jsonb *given = options->init.other;
	JsonbValue value;
	JsonbIterator *it;
	JsonbIteratorToken token;
	scpg_rows rows;
	float *start;

	if (given == NULL)
		return NULL;
	if (JsonbExtractScalar(&given->root, &value))
	{
		scpg_kmeans_model m = scpg_kmeans_model_open(scpg_numbers_parse(&scpg_kmeans_model_form, text_of(&value), NULL));

		check_count(m.k, k);
		if (d != 0)
			scpg_embedding_check_expected(d, m.d);
		start = palloc_extended((size_t) m.k * m.d * sizeof(float), MCXT_ALLOC_HUGE);
		for (size_t i = 0; i < (size_t) m.k * m.d; i++)
			start[i] = (float) m.centroids[i];
		return start;
	}
	check_count(JB_ROOT_COUNT(given), k);
	scpg_rows_init(&rows, CurrentMemoryContext);
	it = JsonbIteratorInit(&given->root);
	while ((token = JsonbIteratorNext(&it, &value, true)) != WJB_DONE)
		if (token == WJB_ELEM)
		{
			const scpg_embedding *e = read_centroid(&value);

			if (d != 0)
				scpg_embedding_check_expected(d, e->dim);
			scpg_rows_add(&rows, e, 0);
		}
	start = palloc_extended((size_t) k * rows.d * sizeof(float), MCXT_ALLOC_HUGE);
	memcpy(start, rows.x, (size_t) k * rows.d * sizeof(float));
	scpg_rows_free(&rows);
	return start;
}

void
scpg_kmeans_check_start(const scpg_kmeans_options *options, int k)
{
	float *start = scpg_kmeans_start(options, k, 0);

	if (start != NULL)
		pfree(start);
}
