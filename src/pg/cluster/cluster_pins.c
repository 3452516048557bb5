/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_pins.c
 *	  Images that somebody has put into a group by hand: they keep their label
 *	  when all are clustered again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "pg/cluster/cluster_images_parts.h"
#include "pg/cluster/label_table_parts.h"
#include "pg/server/memory.h"

/* ---- rows by their keys ------------------------------------------------------------------ */

bool
scpg_label_table_same_key(const scpg_source *a, const scpg_source *b)
{
	if (a->id_type != b->id_type || a->id_columns != b->id_columns)
		return false;
	/* Rows are compared only where their columns have the very same types. */
	for (int i = 0; a->id_columns > 1 && i < a->id_columns; i++)
		if (get_atttype(a->relid, get_attnum(a->relid, a->id_names[i])) !=
			get_atttype(b->relid, get_attnum(b->relid, b->id_names[i])))
			return false;
	return true;
}

/* "id integer", or all columns of the key. */
static char *
key_form(const scpg_source *source)
{
	StringInfoData form;

	initStringInfo(&form);
	for (int i = 0; i < source->id_columns; i++)
		appendStringInfo(&form, "%s%s %s", i > 0 ? ", " : "", source->id_names[i],
						 format_type_be(get_atttype(source->relid, get_attnum(source->relid, source->id_names[i]))));
	return form.data;
}

void
scpg_label_table_require_key(const scpg_source *own, const scpg_source *images)
{
	if (!scpg_label_table_same_key(own, images))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("label table %s has keys of another type than %s", own->relation, images->relation),
				 errdetail("The key of the one is (%s), of the other (%s).", key_form(own), key_form(images)),
				 errhint("Alter the types of the label table's key, or make a new label table by cluster_images_into.")));
}

scpg_key_order
scpg_key_order_of(const scpg_source *source)
{
	scpg_key_order order = {&lookup_type_cache(source->id_type, TYPECACHE_CMP_PROC_FINFO)->cmp_proc_finfo};
	int32 typmod;
	Oid type;

	if (source->id_columns == 1)
		get_atttypetypmodcoll(source->relid, get_attnum(source->relid, source->id_names[0]), &type, &typmod,
							  &order.collation);
	return order;
}

int
scpg_compare_keys(const scpg_key_order *order, Datum a, Datum b)
{
	return DatumGetInt32(FunctionCall2Coll(order->compare, order->collation, a, b));
}

static int
compare_rows(const void *a, const void *b, void *arg)
{
	const scpg_label_row *x = a, *y = b;

	return scpg_compare_keys(arg, x->key, y->key);
}

void
scpg_label_rows_sort(scpg_label_rows *rows, const scpg_key_order *order)
{
	qsort_arg(rows->row, rows->n, sizeof(scpg_label_row), compare_rows, unconstify(scpg_key_order *, order));
}

scpg_label_row *
scpg_label_rows_find(const scpg_label_rows *rows, const scpg_key_order *order, Datum key)
{
	int64 from = 0, to = rows->n;

	while (from < to)
	{
		int64 middle = from + (to - from) / 2;
		int way = scpg_compare_keys(order, key, rows->row[middle].key);

		if (way == 0)
			return &rows->row[middle];
		if (way < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return NULL;
}

/* ---- those that are pinned ---------------------------------------------------------------- */

/* Has the model members that can be pinned, and may this clustering change its groups? */
static bool
has_members(const scpg_cluster_encoding *e)
{
	return !e->train && e->model->kmeans != NULL && scpg_model_keeps_groups() &&
		   SearchSysCacheExists1(RELOID, ObjectIdGetDatum(e->model->labels)) && scpg_model_may_edit(e->model);
}

const int32 *
scpg_find_pinned(const scpg_cluster_job *job)
{
	const scpg_dataset *dataset = job->dataset;
	scpg_label_table t;
	scpg_label_rows rows;
	scpg_key_order order;
	int32 *pinned = NULL;
	sc_arena arena;

	if (!has_members(&job->encoding))
		return NULL;
	scpg_label_table_open(&t, job->encoding.model, !job->encoding.recipe.keep);
	if (!scpg_label_table_same_key(&t.source, &job->source))
		return NULL;
	scpg_label_table_check(&t, true);
	scpg_label_table_load_pinned(&rows, &t, CurrentMemoryContext);
	if (rows.n > 0)
	{
		arena = scpg_arena(CurrentMemoryContext, sc_add(sc_mul(dataset->images, sizeof(int32)), 2 * SC_ALIGN),
						   "the labels");
		pinned = SC_TAKE(&arena, int32, dataset->images);
		for (int64 i = 0; i < dataset->images; i++)
			pinned[i] = SCPG_NOT_PINNED;
		order = scpg_key_order_of(&job->source);
		scpg_label_rows_sort(&rows, &order);
	}
	for (int64 i = 0; pinned != NULL && i < dataset->rows; i++)
	{
		const scpg_kept_row *row = &dataset->row[i];
		const scpg_label_row *found = row->image < 0 ? NULL : scpg_label_rows_find(&rows, &order, row->id);

		if (found != NULL)
			pinned[row->image] = found->label;
	}
	scpg_label_rows_free(&rows);
	return pinned;
}
