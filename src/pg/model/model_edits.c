/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_edits.c
 *	  Groups that people correct: one edit at a time, and what is kept of it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "pg/model/model_edits.h"
#include "pg/model/model_parts.h"
#include "pg/type/kmeans_model.h"

/* ---- one at a time ---------------------------------------------------------------- */

void
scpg_model_lock_groups(scpg_model *model)
{
	Datum values[1] = {Int64GetDatum(model->model_id)};

	scpg_catalog_run(SCPG_LOCK_MODEL, values, NULL, false);
	if (SPI_processed != 1)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model \"%s\" does not exist any more", model->name)));
	model->state = scpg_model_state_of(scpg_catalog_text(0, 1));
	model->stored_recipe = (Jsonb *) scpg_catalog_varlena(0, 2);
	model->recipe = NULL;
	model->pca = scpg_catalog_varlena(0, 3);
	model->kmeans = scpg_catalog_varlena(0, 4);
	model->elbow = scpg_catalog_varlena(0, 5);
	model->centroid_label = scpg_catalog_varlena(0, 6);
	model->labels = scpg_catalog_oid(0, 7);
	model->labels_name = scpg_catalog_text(0, 8);
	model->edited = scpg_catalog_bool(0, 9);
	model->highest_label = scpg_catalog_int4(0, 10);
	model->highest_label = scpg_model_highest_label(model);
	model->calibration = scpg_catalog_varlena(0, 11);
	SPI_freetuptable(SPI_tuptable);
}

/* ---- what is kept of it ------------------------------------------------------------ */

int
scpg_model_insert_edit(const scpg_model *model, const scpg_model_edit *edit)
{
	Datum values[6] = {Int64GetDatum(model->model_id), Int32GetDatum(model->highest_label)};
	int number;

	/* A row that was only locked would let a transaction that sees an older state number its edit by that. */
	scpg_catalog_run(SCPG_TOUCH_GROUPS, values, model->highest_label < 0 ? " n" : NULL, false);
	values[1] = ObjectIdGetDatum(GetUserId());
	values[2] = CStringGetTextDatum(scpg_role_name(GetSessionUserId()));
	values[3] = CStringGetTextDatum(edit->command);
	values[4] = JsonbPGetDatum(edit->arguments);
	values[5] = Int32GetDatum(edit->reverts);
	scpg_catalog_run(SCPG_INSERT_EDIT, values, edit->reverts == 0 ? "     n" : NULL, false);
	number = scpg_catalog_int4(0, 1);
	SPI_freetuptable(SPI_tuptable);
	values[1] = Int32GetDatum(number);
	values[2] = BoolGetDatum(edit->centroids);
	scpg_catalog_run(SCPG_INSERT_BEFORE, values, NULL, false);
	return number;
}

void
scpg_model_insert_edit_rows(const scpg_model *model, int edit, int part, const scpg_model_edit_rows *rows)
{
	int n = list_length(rows->keys);
	Datum *keys = palloc(n * sizeof(Datum));
	char nulls[] = "       ";
	Datum values[7];

	for (int i = 0; i < n; i++)
		keys[i] = CStringGetTextDatum(list_nth(rows->keys, i));
	values[0] = Int64GetDatum(model->model_id);
	values[1] = Int32GetDatum(edit);
	values[2] = Int32GetDatum(part);
	values[3] = Int32GetDatum(rows->before);
	nulls[3] = rows->before < 0 ? 'n' : ' ';
	values[4] = Int32GetDatum(rows->after);
	nulls[4] = rows->after < 0 ? 'n' : ' ';
	values[5] = BoolGetDatum(rows->pinned);
	values[6] = PointerGetDatum(construct_array(keys, n, TEXTOID, -1, false, TYPALIGN_INT));
	scpg_catalog_run(SCPG_INSERT_EDIT_ROWS, values, nulls, false);
}

void
scpg_model_finish_edit(const scpg_model *model, int edit, int64 rows_changed)
{
	Datum values[3] = {Int64GetDatum(model->model_id), Int32GetDatum(edit), Int64GetDatum(rows_changed)};

	scpg_catalog_run(SCPG_FINISH_EDIT, values, NULL, false);
}

void
scpg_model_set_edited(scpg_model *model, struct varlena *kmeans, const int32 *group)
{
	struct varlena *centroids = kmeans == NULL ? model->kmeans : kmeans;
	int k = scpg_kmeans_model_open((const scpg_numbers *) centroids).k;
	Datum *label = palloc(k * sizeof(Datum));
	Datum values[5];

	for (int c = 0; c < k; c++)
		label[c] = Int32GetDatum(group[c]);
	model->kmeans = centroids;
	model->centroid_label = (struct varlena *) construct_array(label, k, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	model->highest_label = scpg_model_highest_label(model);
	model->edited = true;
	values[0] = Int64GetDatum(model->model_id);
	values[1] = PointerGetDatum(kmeans);
	values[2] = PointerGetDatum(model->centroid_label);
	values[3] = Int32GetDatum(scpg_model_labels(centroids, model->centroid_label, NULL));
	values[4] = Int32GetDatum(model->highest_label);
	scpg_catalog_run(SCPG_UPDATE_EDITED, values, kmeans == NULL ? " n   " : NULL, false);
}

/* ---- names --------------------------------------------------------------------- */

/* In characters: a name is a word or a few, and an index holds it. */
#define MAX_NAME 200

int
scpg_model_read_groups(const scpg_model *model, scpg_model_name_of_group **names)
{
	Datum values[1] = {Int64GetDatum(model->model_id)};
	int n;

	scpg_catalog_run(SCPG_LIST_CLUSTERS, values, NULL, model->by_statement);
	n = (int) SPI_processed;
	*names = palloc(Max(n, 1) * sizeof(scpg_model_name_of_group));
	for (int i = 0; i < n; i++)
		(*names)[i] =
			(scpg_model_name_of_group){scpg_catalog_int4(i, 1), scpg_catalog_text(i, 2), scpg_catalog_int8(i, 3)};
	SPI_freetuptable(SPI_tuptable);
	return n;
}

void
scpg_model_check_group_name(const char *name)
{
	int length = pg_mbstrlen(name);

	if (name[strspn(name, " \t\n\r")] == '\0')
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the name of a group must not be empty"),
						errhint("NULL takes its name away.")));
	if (length > MAX_NAME)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the name of a group is too long"),
						errdetail("It has %d characters; there may be %d.", length, MAX_NAME)));
}

int64
scpg_model_clustered_size(const scpg_model *model, int label)
{
	scpg_kmeans_model km = scpg_kmeans_model_open((const scpg_numbers *) model->kmeans);
	const int32 *group = scpg_model_centroid_groups(model->centroid_label);
	double size = 0;

	for (int c = 0; c < km.k; c++)
		if ((group == NULL ? c : group[c]) == label)
			size += km.sizes[c];
	return (int64) size;
}

void
scpg_model_name_group(const scpg_model *model, int label, const char *name)
{
	Datum values[4] = {Int64GetDatum(model->model_id), Int32GetDatum(label),
					   name == NULL ? (Datum) 0 : CStringGetTextDatum(name),
					   Int64GetDatum(scpg_model_clustered_size(model, label))};

	scpg_catalog_run(SCPG_NAME_CLUSTER, values, name == NULL ? "  n " : NULL, false);
}

/* With labels (n) as int[]. */
static void
run_on_labels(scpg_statement statement, const scpg_model *model, const int32 *labels, int n)
{
	Datum *label = palloc(Max(n, 1) * sizeof(Datum));
	Datum values[2] = {Int64GetDatum(model->model_id)};

	for (int i = 0; i < n; i++)
		label[i] = Int32GetDatum(labels[i]);
	values[1] = PointerGetDatum(construct_array(label, n, INT4OID, sizeof(int32), true, TYPALIGN_INT));
	scpg_catalog_run(statement, values, NULL, false);
}

void
scpg_model_clear_names(const scpg_model *model, const int32 *labels, int n)
{
	run_on_labels(SCPG_CLEAR_NAMES, model, labels, n);
}

void
scpg_model_mark_groups(const scpg_model *model, const int32 *labels, int n)
{
	run_on_labels(SCPG_MARK_CLUSTERS, model, labels, n);
}

/* ---- taking back --------------------------------------------------------------------- */

int
scpg_model_read_edits(const scpg_model *model, int **reverts)
{
	Datum values[1] = {Int64GetDatum(model->model_id)};
	int n;

	scpg_catalog_run(SCPG_LIST_EDITS, values, NULL, false);
	n = SPI_processed == 0 ? 0 : scpg_catalog_int4(SPI_processed - 1, 1);
	*reverts = palloc(Max(n, 1) * sizeof(int));
	for (int i = 0; i < n; i++)
		(*reverts)[i] = SCPG_NO_EDIT;
	for (uint64 i = 0; i < SPI_processed; i++)
		(*reverts)[scpg_catalog_int4(i, 1) - 1] = scpg_catalog_int4(i, 2);
	SPI_freetuptable(SPI_tuptable);
	return n;
}

bool
scpg_model_centroids_differ(const scpg_model *model, int edit)
{
	Datum values[2] = {Int64GetDatum(model->model_id), Int32GetDatum(edit)};

	scpg_catalog_run(SCPG_FIND_CENTROIDS, values, NULL, false);
	return SPI_processed > 0;
}

int
scpg_model_read_edit_rows(const scpg_model *model, int edit, scpg_model_edit_rows **parts)
{
	Datum values[2] = {Int64GetDatum(model->model_id), Int32GetDatum(edit)};
	int n;

	scpg_catalog_run(SCPG_LIST_EDIT_ROWS, values, NULL, false);
	n = (int) SPI_processed;
	*parts = palloc(Max(n, 1) * sizeof(scpg_model_edit_rows));
	for (int i = 0; i < n; i++)
	{
		scpg_model_edit_rows *part = &(*parts)[i];
		Datum *keys;
		int count;

		part->before = scpg_catalog_int4(i, 1);
		part->after = scpg_catalog_int4(i, 2);
		part->pinned = scpg_catalog_bool(i, 3);
		part->keys = NIL;
		deconstruct_array((ArrayType *) scpg_catalog_varlena(i, 4), TEXTOID, -1, false, TYPALIGN_INT, &keys, NULL,
						  &count);
		for (int j = 0; j < count; j++)
			part->keys = lappend(part->keys, TextDatumGetCString(keys[j]));
	}
	SPI_freetuptable(SPI_tuptable);
	return n;
}

void
scpg_model_restore_groups(scpg_model *model, int edit)
{
	Datum values[2] = {Int64GetDatum(model->model_id), Int32GetDatum(edit)};

	scpg_catalog_run(SCPG_RESTORE_GROUPS, values, NULL, false);
	/* What it says now, for whoever asks this model in this call. */
	scpg_model_lock_groups(model);
	if (model->kmeans != NULL)
	{
		values[1] = Int32GetDatum(scpg_model_labels(model->kmeans, model->centroid_label, NULL));
		scpg_catalog_run(SCPG_UPDATE_K, values, NULL, false);
	}
	/* Names may go from one group to another: first nobody has one. */
	scpg_catalog_run(SCPG_CLEAR_NAMES, values, " n", false);
	values[1] = Int32GetDatum(edit);
	scpg_catalog_run(SCPG_FORGET_CLUSTERS, values, NULL, false);
	scpg_catalog_run(SCPG_RESTORE_CLUSTERS, values, NULL, false);
}
