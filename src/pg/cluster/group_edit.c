/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/group_edit.c
 *	  What the functions that edit groups share.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

#include "pg/cluster/group_edit.h"
#include "pg/model/calibration.h"
#include "pg/server/arguments.h"
#include "pg/type/kmeans_model.h"

/* ---- beginning and end ------------------------------------------------------------- */

static bool
is_readable(Oid relid)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid)) &&
		   DatumGetBool(DirectFunctionCall2(has_schema_privilege_id, ObjectIdGetDatum(get_rel_namespace(relid)),
											CStringGetTextDatum("USAGE"))) &&
		   pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

void
scpg_group_edit_begin(scpg_group_edit *e, FunctionCallInfo fcinfo, scpg_group_members members)
{
	memset(e, 0, sizeof(*e));
	scpg_refuse_null(fcinfo, 0, "the name of the model");
	e->model = scpg_model_find_ready(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	scpg_model_require_editor(e->model);
	e->log = scpg_edit_begin(e->model);
	scpg_model_require_clustering(e->model);
	e->groups = scpg_model_labels(e->model->kmeans, e->model->centroid_label, &e->labels);
	if (members == SCPG_MEMBERS_IF_READABLE)
		e->members = is_readable(e->model->labels);
	else
		e->members = members == SCPG_MEMBERS_NEEDED || e->model->labels_name != NULL;
	if (!e->members)
		return;
	scpg_label_table_open(&e->table, e->model, false);
	scpg_label_table_check(&e->table, false);
}

void
scpg_group_edit_end(scpg_group_edit *e, int64 rows, const int32 *labels, int n)
{
	if (e->writer != NULL)
		scpg_label_writer_close(e->writer);
	if (e->members)
		scpg_label_table_count(&e->table);
	scpg_model_mark_groups(e->model, labels, n);
	scpg_edit_end(e->log, rows);
}

Jsonb *
scpg_group_edit_arguments(const char *json)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
}

/* ---- groups ---------------------------------------------------------------------------- */

int
scpg_group_edit_find(const scpg_group_edit *e, int64 label)
{
	int32 wanted = scpg_int_value(label, "a label");

	for (int i = 0; i < e->groups; i++)
		if (e->labels[i] == wanted)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("model \"%s\" has no group %d", e->model->name, wanted),
			 errhint("Its groups are %s.", scpg_label_list(e->labels, e->groups))));
}

int32 *
scpg_group_edit_centroids(const scpg_group_edit *e, int *k)
{
	const int32 *group = scpg_model_centroid_groups(e->model->centroid_label);
	int32 *copy;

	*k = scpg_kmeans_model_open((const scpg_numbers *) e->model->kmeans).k;
	copy = MemoryContextAllocHuge(CurrentMemoryContext, sc_mul(*k, sizeof(int32)));
	for (int c = 0; c < *k; c++)
		copy[c] = group == NULL ? c : group[c];
	return copy;
}

/* ---- rows ------------------------------------------------------------------------------- */

void
scpg_group_edit_place(const scpg_group_edit *e, scpg_label_row *row, const sc_space *space, int label)
{
	float point[SC_EMBEDDING_DIM], unit[SC_EMBEDDING_DIM];
	double own = INFINITY, other = INFINITY;

	row->label = label;
	if (row->x == NULL)
		return;
	sc_space_project(space, point, row->x, unit);
	for (int c = 0; c < space->k; c++)
	{
		double square = sc_space_distance2(space, point, c);

		if ((space->group == NULL ? c : space->group[c]) == label)
			own = Min(own, square);
		else
			other = Min(other, square);
	}
	row->distance = sqrt(own);
	if (!row->pinned)
		row->confidence = scpg_calibration_confidence(e->model->calibration, sc_space_margin(own, other));
}

void
scpg_group_edit_write(scpg_group_edit *e, const scpg_label_row *row)
{
	if (e->writer == NULL)
		e->writer = scpg_label_writer_open(&e->table.source, SCPG_LABEL_CHANGE);
	(void) scpg_label_writer_change(e->writer, row);
}
