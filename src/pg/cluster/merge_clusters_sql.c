/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/merge_clusters_sql.c
 *	  merge_clusters: groups that are one thing become one group.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pg/cluster/group_edit.h"
#include "pg/server/arguments.h"

/* What is merged, as the call said it: places in e->labels, each once. */
typedef struct merging
{
	int keep;
	bool *merged;  /* (groups) */
	int32 *labels; /* (count): of those that are merged into the other */
	int count;
} merging;

static void
read_merged(merging *m, const scpg_group_edit *e, FunctionCallInfo fcinfo)
{
	Datum *values;
	bool *nulls;
	int n;

	scpg_refuse_null(fcinfo, 1, "the label to keep");
	scpg_refuse_null(fcinfo, 2, "the labels to merge");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values,
					  &nulls, &n);
	if (n == 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("there is no group to merge"),
						errhint("Give the labels of the groups after the one to keep.")));
	m->keep = scpg_group_edit_find(e, PG_GETARG_INT64(1));
	m->merged = palloc0(e->groups * sizeof(bool));
	m->labels = palloc(e->groups * sizeof(int32));
	m->count = 0;
	for (int i = 0; i < n; i++)
	{
		int group;

		if (nulls[i])
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a label must not be null")));
		group = scpg_group_edit_find(e, DatumGetInt64(values[i]));
		if (group == m->keep)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("group %d cannot be merged into itself", e->labels[group])));
		if (!m->merged[group])
			m->labels[m->count++] = e->labels[group];
		m->merged[group] = true;
	}
}

static Jsonb *
arguments(const merging *m, const scpg_group_edit *e)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"keep\": %d, \"merged\": [", e->labels[m->keep]);
	for (int i = 0; i < m->count; i++)
		appendStringInfo(&json, "%s%d", i > 0 ? ", " : "", m->labels[i]);
	appendStringInfoString(&json, "]}");
	return scpg_group_edit_arguments(json.data);
}

/* The members follow, those that were put there by hand too. */
static int64
move_rows(scpg_group_edit *e, const merging *m)
{
	scpg_label_reader *reader = scpg_label_reader_open(&e->table, m->labels, m->count, true);
	sc_space space = scpg_cluster_space(e->model);
	int32 keep = e->labels[m->keep];
	const scpg_label_row *row;
	int64 moved = 0;

	while ((row = scpg_label_reader_next(reader)) != NULL)
	{
		scpg_label_row now = *row;

		scpg_edit_row(e->log, &e->table.source, row->key, row->label, keep, row->pinned);
		scpg_group_edit_place(e, &now, &space, keep);
		scpg_group_edit_write(e, &now);
		moved++;
	}
	scpg_label_reader_close(reader);
	return moved;
}

/* The name of the kept group, or the only one among the others. */
static void
merge_names(scpg_group_edit *e, const merging *m)
{
	scpg_model_name_of_group *names;
	int n = scpg_model_read_groups(e->model, &names);
	int32 keep = e->labels[m->keep];
	const char *own = NULL, *other = NULL;
	int others = 0;

	for (int i = 0; i < n; i++)
	{
		if (names[i].name == NULL)
			continue;
		if (names[i].label == keep)
			own = names[i].name;
		for (int j = 0; j < m->count; j++)
			if (names[i].label == m->labels[j])
			{
				other = names[i].name;
				others++;
			}
	}
	scpg_model_clear_names(e->model, m->labels, m->count);
	if (own == NULL && others == 1)
		scpg_model_name_group(e->model, keep, other);
}

PG_FUNCTION_INFO_V1(scpg_merge_clusters);
Datum
scpg_merge_clusters(PG_FUNCTION_ARGS)
{
	scpg_group_edit e;
	merging m;
	int32 *group;
	int64 moved;
	int k;

	PreventCommandIfReadOnly("merge_clusters()");
	SPI_connect();
	scpg_group_edit_begin(&e, fcinfo, SCPG_MEMBERS_NEEDED);
	read_merged(&m, &e, fcinfo);
	scpg_edit_record(e.log, "merge_clusters", arguments(&m, &e), 0, false);
	group = scpg_group_edit_centroids(&e, &k);
	for (int c = 0; c < k; c++)
		if (m.merged[scpg_group_edit_find(&e, group[c])])
			group[c] = e.labels[m.keep];
	scpg_model_set_edited(e.model, NULL, group);
	moved = move_rows(&e, &m);
	merge_names(&e, &m);
	scpg_group_edit_end(&e, moved, &e.labels[m.keep], 1);
	SPI_finish();
	PG_RETURN_INT64(moved);
}
