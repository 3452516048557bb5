/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_groups.c
 *	  What a model keeps of its groups for those who look at them: where their
 *	  members are, and a row for each of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "pg/model/model_parts.h"

void
scpg_model_set_labels(scpg_model *model, Oid relid)
{
	Datum values[2] = {Int64GetDatum(model->model_id), ObjectIdGetDatum(relid)};

	scpg_model_require_editor(model);
	scpg_catalog_run(SCPG_UPDATE_LABELS, values, NULL, false);
	model->labels = relid;
	model->labels_name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
}

static void
keep_cluster(const scpg_model *model, const scpg_model_group *g)
{
	Datum values[7] = {Int64GetDatum(model->model_id),	 Int32GetDatum(g->label),
					   Int64GetDatum(g->size),			 Int64GetDatum(g->pinned),
					   Float8GetDatum(g->mean_distance), Float8GetDatum(g->mean_confidence)};
	char nulls[7] = {' ', ' ', ' ', ' ', ' ', ' ', ' '};

	if (isnan(g->mean_distance))
		nulls[4] = 'n';
	if (isnan(g->mean_confidence))
		nulls[5] = 'n';
	if (g->example != NULL)
		values[6] = CStringGetTextDatum(g->example);
	else
		nulls[6] = 'n';
	scpg_catalog_run(SCPG_INSERT_CLUSTER, values, nulls, false);
}

void
scpg_model_keep_clusters(const scpg_model *model, const scpg_model_group *groups, int n)
{
	Datum *labels = palloc(Max(n, 1) * sizeof(Datum));
	Datum values[2] = {Int64GetDatum(model->model_id)};

	scpg_model_require_editor(model);
	for (int i = 0; i < n; i++)
		labels[i] = Int32GetDatum(groups[i].label);
	values[1] = PointerGetDatum(construct_array(labels, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	scpg_catalog_run(SCPG_DELETE_CLUSTERS, values, NULL, false);
	for (int i = 0; i < n; i++)
		keep_cluster(model, &groups[i]);
}
