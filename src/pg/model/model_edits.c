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
#include "utils/builtins.h"

#include "pg/model/model_edits.h"
#include "pg/model/model_parts.h"
#include "pg/type/kmeans_model.h"

/* ---- one at a time ---------------------------------------------------------------- */

/* Of a clustering by 1.0 the highest label was not noted. */
static int
highest_label(const scpg_model *model, int noted)
{
	int32 *labels;
	int n;

	if (model->kmeans == NULL)
		return noted;
	n = scpg_model_labels(model->kmeans, model->centroid_label, &labels);
	return Max(noted, labels[n - 1]);
}

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
	model->highest_label = highest_label(model, scpg_catalog_int4(0, 10));
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
	model->highest_label = highest_label(model, model->highest_label);
	model->edited = true;
	values[0] = Int64GetDatum(model->model_id);
	values[1] = PointerGetDatum(kmeans);
	values[2] = PointerGetDatum(model->centroid_label);
	values[3] = Int32GetDatum(scpg_model_labels(centroids, model->centroid_label, NULL));
	values[4] = Int32GetDatum(model->highest_label);
	scpg_catalog_run(SCPG_UPDATE_EDITED, values, kmeans == NULL ? " n   " : NULL, false);
}
