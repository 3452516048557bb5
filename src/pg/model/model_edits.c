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

#include "core/api.h"
#include "pg/model/model_edits.h"
#include "pg/model/model_parts.h"
#include "pg/type/kmeans_model.h"

/* ---- one at a time ---------------------------------------------------------------- */

/* The highest label of the groups there are. */
static int
highest_now(const scpg_model *model)
{
	const int32 *group = scpg_model_centroid_groups(model->centroid_label);
	int highest = -1;
	int k;

	if (model->kmeans == NULL)
		return highest;
	k = scpg_kmeans_model_open((const scpg_numbers *) model->kmeans).k;
	for (int c = 0; c < k; c++)
		highest = Max(highest, group == NULL ? c : group[c]);
	return highest;
}

void
scpg_model_lock_groups(scpg_model *model, scpg_model_members *labels)
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
	labels->table = scpg_catalog_oid(0, 7);
	labels->name = scpg_catalog_text(0, 8);
	/* Of a clustering by 1.0 it was not noted. */
	labels->highest = Max(scpg_catalog_int4(0, 9), highest_now(model));
	SPI_freetuptable(SPI_tuptable);
}

/* ---- what is kept of it ------------------------------------------------------------ */

int
scpg_model_insert_edit(const scpg_model *model, const scpg_model_members *labels, const scpg_model_edit *edit)
{
	Datum values[6] = {Int64GetDatum(model->model_id), Int32GetDatum(labels->highest)};
	int number;

	/* A row that was only locked would let a transaction that sees an older state number its edit by that. */
	scpg_catalog_run(SCPG_TOUCH_GROUPS, values, labels->highest < 0 ? " n" : NULL, false);
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
	sc_space space = {.k = scpg_kmeans_model_open((const scpg_numbers *) centroids).k, .group = group};
	Datum *label = palloc(space.k * sizeof(Datum));
	int highest = 0;
	Datum values[5];

	for (int c = 0; c < space.k; c++)
	{
		label[c] = Int32GetDatum(group[c]);
		highest = Max(highest, group[c]);
	}
	model->kmeans = centroids;
	model->centroid_label =
		(struct varlena *) construct_array(label, space.k, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	values[0] = Int64GetDatum(model->model_id);
	values[1] = PointerGetDatum(kmeans);
	values[2] = PointerGetDatum(model->centroid_label);
	values[3] = Int32GetDatum(sc_space_groups(&space));
	values[4] = Int32GetDatum(highest);
	scpg_catalog_run(SCPG_UPDATE_EDITED, values, kmeans == NULL ? " n   " : NULL, false);
}
