/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/name_cluster_sql.c
 *	  name_cluster: a group's name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/json.h"

#include "pg/cluster/group_edit.h"
#include "pg/server/arguments.h"

static Jsonb *
arguments(int label, const char *name)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"label\": %d, \"name\": ", label);
	if (name == NULL)
		appendStringInfoString(&json, "null");
	else
		escape_json(&json, name);
	appendStringInfoChar(&json, '}');
	return scpg_group_edit_arguments(json.data);
}

/* 23505 where another group has it. */
static void
check_free(const scpg_group_edit *e, int label, const char *name)
{
	scpg_model_name_of_group *names;
	int n = scpg_model_read_groups(e->model, &names);

	for (int i = 0; i < n; i++)
		if (names[i].label != label && names[i].name != NULL && strcmp(names[i].name, name) == 0)
			ereport(ERROR, (errcode(ERRCODE_UNIQUE_VIOLATION),
							errmsg("group %d of model \"%s\" already has the name \"%s\"", names[i].label,
								   e->model->name, name),
							errhint("If they are one thing: SELECT merge_clusters('%s', %d, %d).", e->model->name,
									names[i].label, label)));
}

PG_FUNCTION_INFO_V1(scpg_name_cluster);
Datum
scpg_name_cluster(PG_FUNCTION_ARGS)
{
	char *name = PG_ARGISNULL(2) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(2));
	scpg_group_edit e;
	int32 label;

	PreventCommandIfReadOnly("name_cluster()");
	SPI_connect();
	scpg_refuse_null(fcinfo, 1, "the label of the group");
	if (name != NULL)
		scpg_model_check_group_name(name);
	scpg_group_edit_begin(&e, fcinfo, SCPG_MEMBERS_IF_READABLE);
	label = e.labels[scpg_group_edit_find(&e, PG_GETARG_INT64(1))];
	if (name != NULL)
		check_free(&e, label, name);
	scpg_edit_record(e.log, "name_cluster", arguments(label, name), 0, false);
	scpg_model_name_group(e.model, label, name);
	scpg_group_edit_end(&e, 0, &label, 1);
	SPI_finish();
	PG_RETURN_VOID();
}
