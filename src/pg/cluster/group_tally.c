/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/group_tally.c
 *	  The rows of selfclass_cluster, counted from those who are in the groups.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "pg/cluster/group_tally.h"
#include "pg/server/memory.h"

/* Of a group, while its rows are counted. */
typedef struct sums
{
	int64 with_distance;
	int64 with_confidence;
	double nearest; /* distance of the example */
} sums;

struct scpg_group_tally
{
	const scpg_model *model;
	const scpg_source *source;
	int n;
	scpg_model_group *group; /* (n), ascending by label; means are sums yet */
	sums *sum;				 /* (n) */
	MemoryContext context;	 /* of all of it */
};

scpg_group_tally *
scpg_group_tally_begin(const scpg_model *model, const scpg_source *source)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "groups of a model", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	scpg_group_tally *tally = palloc0(sizeof(scpg_group_tally));
	int32 *labels;
	int n = scpg_model_labels(model->kmeans, model->centroid_label, &labels);
	sc_arena arena = scpg_arena(cxt, sc_add(sc_mul(n, sizeof(scpg_model_group) + sizeof(sums)), 4 * SC_ALIGN),
								"the groups of a model");

	*tally = (scpg_group_tally){.model = model, .source = source, .n = n, .context = cxt};
	tally->group = SC_TAKE(&arena, scpg_model_group, n);
	tally->sum = SC_TAKE(&arena, sums, n);
	memset(tally->sum, 0, n * sizeof(sums));
	for (int i = 0; i < n; i++)
		tally->group[i] = (scpg_model_group){.label = labels[i]};
	MemoryContextSwitchTo(old);
	return tally;
}

static int
compare_group(const void *a, const void *b)
{
	int32 x = *(const int32 *) a, y = ((const scpg_model_group *) b)->label;

	return x < y ? -1 : x > y;
}

/* The row becomes the example of its group. */
static void
take_example(scpg_group_tally *tally, scpg_model_group *g, Datum key)
{
	MemoryContext old = MemoryContextSwitchTo(tally->context);

	if (g->example != NULL)
		pfree(g->example);
	g->example = OidOutputFunctionCall(tally->source->id_output, key);
	MemoryContextSwitchTo(old);
}

void
scpg_group_tally_add(scpg_group_tally *tally, const scpg_label_row *row)
{
	scpg_model_group *g = bsearch(&row->label, tally->group, tally->n, sizeof(scpg_model_group), compare_group);
	sums *sum;

	if (g == NULL)
		return;
	sum = &tally->sum[g - tally->group];
	g->size++;
	g->pinned += row->pinned;
	if (!isnan(row->confidence))
	{
		g->mean_confidence += row->confidence;
		sum->with_confidence++;
	}
	if (isnan(row->distance))
		return;
	g->mean_distance += row->distance;
	sum->with_distance++;
	if (g->example != NULL && row->distance >= sum->nearest)
		return;
	take_example(tally, g, row->key);
	sum->nearest = row->distance;
}

void
scpg_group_tally_keep(scpg_group_tally *tally)
{
	for (int i = 0; i < tally->n; i++)
	{
		scpg_model_group *g = &tally->group[i];
		const sums *sum = &tally->sum[i];

		g->mean_distance = sum->with_distance > 0 ? g->mean_distance / sum->with_distance : NAN;
		g->mean_confidence = sum->with_confidence > 0 ? g->mean_confidence / sum->with_confidence : NAN;
	}
	scpg_model_keep_clusters(tally->model, tally->group, tally->n);
	MemoryContextDelete(tally->context);
}
