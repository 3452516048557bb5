/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/revert_clusters_sql.c
 *	  revert_clusters: the groups as they were before an edit.
 *
 * Edits are taken back from the last to that one: every row that they moved goes
 * back the way it came. A row that was put into its group by hand meanwhile
 * stays where it is, and ends its way back there. That the groups are as before
 * is an edit itself, which can be taken back in turn.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

#include "pg/cluster/assign.h"
#include "pg/cluster/group_edit.h"
#include "pg/server/arguments.h"
#include "pg/server/memory.h"

/* Distances that differ by less are the same one, rounded otherwise. */
#define SAME_DISTANCE 1e-5

/* A row of the label table on its way back. */
typedef struct way
{
	char *key;	 /* as the log has it */
	int32 label; /* where the way has led by now; below 0: no label, or no row */
	bool pinned;
	bool ended;
} way;

typedef struct reverting
{
	scpg_group_edit e;
	int edit;  /* to be as before it */
	int last;  /* the last there is */
	way *ways; /* (n), by key */
	int64 n;
	MemoryContext context; /* of the ways */
	/* after the model's groups are as before */
	sc_space space;
	int64 moved;
	int64 homeless; /* pinned to groups that are no more */
} reverting;

/* ---- which edit -------------------------------------------------------------------- */

/*
 * The last edit that is not reverted already. What is reverted are all edits
 * from a certain one on, so those that hold are a stack, and a revert leaves the
 * stack that there was before the edit that it reverts. 0: there is none, or it
 * was before the first one that is known.
 */
static int
last_standing(const int *reverts, int first, int n)
{
	int *top = palloc0((n + 1) * sizeof(int));

	for (int edit = first; edit <= n; edit++)
	{
		int reverted = reverts[edit - 1];

		top[edit] = reverted == 0 ? edit : top[reverted - 1];
	}
	return top[n];
}

/* From which edit on all are known: a superuser may have deleted older ones. */
static int
first_known(const int *reverts, int n)
{
	int first = n + 1;

	while (first > 1 && reverts[first - 2] != SCPG_NO_EDIT)
		first--;
	return first;
}

static int
find_edit(reverting *r, FunctionCallInfo fcinfo)
{
	const char *name = r->e.model->name;
	int *reverts;
	int first, edit;

	r->last = scpg_model_read_edits(r->e.model, &reverts);
	first = first_known(reverts, r->last);
	edit = PG_ARGISNULL(1) ? last_standing(reverts, first, r->last) : scpg_int_argument(fcinfo, 1, "the edit");
	if (PG_ARGISNULL(1) && edit == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("there is no edit of model \"%s\" to revert", name),
				 r->last > 0 ? errdetail("All of them are reverted.") : errdetail("No edit of its groups is kept.")));
	if (edit < first || edit > r->last)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("model \"%s\" has no edit %d", name, edit),
						r->last > 0 ? errdetail("Its edits are %d to %d.", first, r->last) : errdetail("It has none."),
						errhint("The view \"selfclass_cluster_edits\" shows them.")));
	return edit;
}

/* ---- the way back of each row ------------------------------------------------------------ */

static int
compare_ways(const void *a, const void *b)
{
	return strcmp(((const way *) a)->key, ((const way *) b)->key);
}

static void
find_ways(reverting *r)
{
	const scpg_label_table *t = &r->e.table;
	scpg_label_reader *reader = scpg_label_reader_open(t, NULL, 0, false);
	MemoryContext old = MemoryContextSwitchTo(r->context);
	const scpg_label_row *row;
	int64 room = 0;

	while ((row = scpg_label_reader_next(reader)) != NULL)
	{
		way *w;

		if (r->n == room)
		{
			int64 more = Max(room + room / 2, 1024);

			r->ways =
				scpg_enlarge(r->ways, room * sizeof(way), more * sizeof(way), r->context, "the rows of a label table");
			room = more;
		}
		w = &r->ways[r->n++];
		*w = (way){scpg_edit_key_text(&t->source, row->key), row->label, row->pinned, false};
		scpg_count_memory(r->context, strlen(w->key) + 24, "the keys of a label table");
	}
	MemoryContextSwitchTo(old);
	scpg_label_reader_close(reader);
	if (r->n > 0)
		qsort(r->ways, r->n, sizeof(way), compare_ways);
}

static way *
find_way(const reverting *r, const char *key)
{
	way wanted = {.key = unconstify(char *, key)};

	return r->n == 0 ? NULL : bsearch(&wanted, r->ways, r->n, sizeof(way), compare_ways);
}

/* One step back, over an edit. */
static void
step_back(way *w, const scpg_model_edit_rows *moved)
{
	/* Pinned since then, or moved by hand since then: there it stays. */
	if (w->pinned && !(moved->pinned && w->label == moved->after))
		w->ended = true;
	if (!w->ended)
		w->label = moved->before;
}

static void
go_back(reverting *r)
{
	for (int edit = r->last; edit >= r->edit; edit--)
	{
		MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "rows of an edit", ALLOCSET_DEFAULT_SIZES);
		MemoryContext old = MemoryContextSwitchTo(scratch);
		scpg_model_edit_rows *parts;
		int n = scpg_model_read_edit_rows(r->e.model, edit, &parts);

		for (int i = 0; i < n; i++)
		{
			ListCell *cell;

			CHECK_FOR_INTERRUPTS();
			foreach(cell, parts[i].keys)
			{
				way *w = find_way(r, lfirst(cell));

				/* A row that is gone has no way. */
				if (w != NULL)
					step_back(w, &parts[i]);
			}
		}
		MemoryContextSwitchTo(old);
		MemoryContextDelete(scratch);
	}
}

/* ---- the rows ----------------------------------------------------------------------------- */

static bool
is_group(const scpg_group_edit *e, int32 label)
{
	int low = 0, high = e->groups;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (e->labels[middle] < label)
			low = middle + 1;
		else
			high = middle;
	}
	return low < e->groups && e->labels[low] == label;
}

/* The row as it is to be, after its way has led to this label. */
static scpg_label_row
restored(reverting *r, const scpg_label_row *row, int32 label)
{
	scpg_label_row result = *row;
	bool stands = is_group(&r->e, label);

	if (row->x == NULL)
		result.label = stands ? label : SCPG_NO_LABEL;
	else if (stands)
		scpg_group_edit_place(&r->e, &result, &r->space, label);
	/* It came later, or its group is no more: it goes where a new row would. Unsure it was, and stays. */
	else if (label >= 0 || row->label >= 0)
	{
		scpg_assignment a = scpg_assign(r->e.model, row->x);

		result.label = a.label;
		result.distance = a.distance;
		if (!row->pinned)
			result.confidence = a.confidence;
		r->homeless += row->pinned;
	}
	return result;
}

static bool
differ(const scpg_label_row *a, const scpg_label_row *b)
{
	if (a->label != b->label || isnan(a->distance) != isnan(b->distance))
		return true;
	return fabs(a->distance - b->distance) > SAME_DISTANCE * fmax(1, fabs(a->distance));
}

static void
restore_rows(reverting *r)
{
	const scpg_label_table *t = &r->e.table;
	scpg_label_reader *reader = scpg_label_reader_open(t, NULL, 0, true);
	const scpg_label_row *row;

	r->space = scpg_cluster_space(r->e.model);
	while ((row = scpg_label_reader_next(reader)) != NULL)
	{
		char *key = scpg_edit_key_text(&t->source, row->key);
		way *w = find_way(r, key);
		scpg_label_row result = restored(r, row, w == NULL ? row->label : w->label);

		pfree(key);
		if (result.label != row->label)
		{
			scpg_edit_row(r->e.log, &t->source, row->key, row->label, result.label, row->pinned);
			r->moved++;
		}
		if (differ(row, &result))
			scpg_group_edit_write(&r->e, &result);
	}
	scpg_label_reader_close(reader);
	if (r->homeless > 0)
		ereport(NOTICE,
				(errmsg_plural("%lld pinned row was in a group that is no more, and is in the nearest one now",
							   "%lld pinned rows were in groups that are no more, and are in the nearest ones now",
							   r->homeless, (long long) r->homeless)));
}

/* ---- the call ------------------------------------------------------------------------------ */

static void
restore_groups(reverting *r)
{
	scpg_model *model = r->e.model;

	scpg_model_restore_groups(model, r->edit);
	if (model->kmeans == NULL)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("before edit %d model \"%s\" had no groups", r->edit, model->name)));
	r->e.groups = scpg_model_labels(model->kmeans, model->centroid_label, &r->e.labels);
}

static void
revert(reverting *r)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass revert", ALLOCSET_DEFAULT_SIZES);

	r->context = AllocSetContextCreate(cxt, "ways back", ALLOCSET_DEFAULT_SIZES);
	if (r->e.members)
	{
		find_ways(r);
		go_back(r);
	}
	restore_groups(r);
	if (r->e.members)
		restore_rows(r);
	MemoryContextDelete(cxt);
}

PG_FUNCTION_INFO_V1(scpg_revert_clusters);
Datum
scpg_revert_clusters(PG_FUNCTION_ARGS)
{
	reverting *r;
	int64 moved;

	PreventCommandIfReadOnly("revert_clusters()");
	SPI_connect();
	r = palloc0(sizeof(reverting));
	scpg_group_edit_begin(&r->e, fcinfo, SCPG_MEMBERS_IF_ANY);
	r->edit = find_edit(r, fcinfo);
	scpg_edit_record(r->e.log, "revert_clusters", scpg_group_edit_arguments(psprintf("{\"edit\": %d}", r->edit)),
					 r->edit, scpg_model_centroids_differ(r->e.model, r->edit));
	revert(r);
	moved = r->moved;
	scpg_group_edit_end(&r->e, moved, NULL, 0);
	SPI_finish();
	PG_RETURN_INT64(moved);
}
