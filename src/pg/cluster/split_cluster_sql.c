/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/split_cluster_sql.c
 *	  split_cluster: a group that is several things becomes several groups.
 *
 * k-means of its rows, where they lie among the model's groups: the label table
 * has their embeddings, so no picture is needed. What was put into the group by
 * hand is no evidence of where it lies, and stays in it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

#include "pg/analytics/kmeans.h"
#include "pg/cluster/group_edit.h"
#include "pg/server/arguments.h"
#include "pg/server/memory.h"
#include "pg/server/result.h"
#include "pg/type/kmeans_model.h"

typedef struct splitting
{
	int32 label;
	int parts;
	scpg_label_rows rows; /* of the group */
	sc_space space;
	int d;
	int64 n;		 /* rows that decide */
	int64 *row;		 /* (n): their places in rows */
	float *points;	 /* (n, d) */
	int32 *part;	 /* (n) */
	int32 *labels;	 /* (parts) */
	int64 *sizes;	 /* (parts), with what stays where it is */
	int centroids;	 /* of all parts */
	float *centroid; /* (centroids, d) */
	int64 *centroid_sizes;
	int32 *group; /* (centroids): labels */
} splitting;

/* ---- the parts -------------------------------------------------------------------- */

static void
refuse_parts(const splitting *s, const char *why, long long count)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("group %d cannot be split into %d parts", s->label, s->parts), errdetail(why, count)));
}

/* The rows that decide, as points of the groups' space. */
static void
find_points(splitting *s, MemoryContext cxt)
{
	sc_arena arena =
		scpg_arena(cxt,
				   sc_add(sc_mul(s->rows.n, sc_add(s->d * sizeof(float), sizeof(int64) + sizeof(int32))), 4 * SC_ALIGN),
				   "the rows of a group");
	float unit[SC_EMBEDDING_DIM];

	s->points = SC_TAKE(&arena, float, sc_mul(s->rows.n, s->d));
	s->row = SC_TAKE(&arena, int64, s->rows.n);
	s->part = SC_TAKE(&arena, int32, s->rows.n);
	for (int64 i = 0; i < s->rows.n; i++)
	{
		const scpg_label_row *row = &s->rows.row[i];

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (row->x == NULL || row->pinned)
			continue;
		sc_space_project(&s->space, s->points + s->n * s->d, row->x, unit);
		s->row[s->n++] = i;
	}
}

/*
 * The centroids of a part: as many as keep the parts together as well told from
 * other groups as the group was.
 */
static void
place_centroids(splitting *s, int part, int wanted, const scpg_kmeans_options *options, MemoryContext cxt)
{
	MemoryContext scratch = AllocSetContextCreate(cxt, "a part of a group", ALLOCSET_DEFAULT_SIZES);
	sc_arena arena =
		scpg_arena(scratch, sc_add(sc_mul(sc_mul(s->n, s->d), sizeof(float)), 2 * SC_ALIGN), "a part of a group");
	float *own = SC_TAKE(&arena, float, sc_mul(s->n, s->d));
	int64 n = 0;
	sc_kmeans km;

	for (int64 i = 0; i < s->n; i++)
		if (s->part[i] == part)
			memcpy(own + s->d * n++, s->points + s->d * i, s->d * sizeof(float));
	km = scpg_kmeans_run(own, n, s->d, (int) Min(wanted, n), 0, options, scratch);
	for (int c = 0; c < km.k; c++)
	{
		memcpy(s->centroid + (size_t) s->d * s->centroids, km.centroids + (size_t) s->d * c, s->d * sizeof(float));
		s->centroid_sizes[s->centroids] = km.sizes[c];
		s->group[s->centroids++] = s->labels[part];
	}
	MemoryContextDelete(scratch);
}

/* old: how many centroids the group has. */
static void
find_parts(splitting *s, int old, const scpg_kmeans_options *options, MemoryContext cxt)
{
	int wanted = (old + s->parts - 1) / s->parts;
	size_t most = sc_mul(wanted, s->parts);
	sc_arena arena;
	sc_kmeans km;

	km = scpg_kmeans_run(s->points, s->n, s->d, s->parts, 0, options, cxt);
	if (km.k < s->parts)
		refuse_parts(s, "The number of distinct points among its rows is %lld.", (long long) km.distinct);
	memcpy(s->part, km.labels, s->n * sizeof(int32));
	arena =
		scpg_arena(cxt, sc_add(sc_mul(most, sc_add(s->d * sizeof(float), sizeof(int64) + sizeof(int32))), 4 * SC_ALIGN),
				   "the parts of a group");
	s->centroid = SC_TAKE(&arena, float, sc_mul(most, s->d));
	s->centroid_sizes = SC_TAKE(&arena, int64, most);
	s->group = SC_TAKE(&arena, int32, most);
	for (int part = 0; part < s->parts; part++)
		place_centroids(s, part, wanted, options, cxt);
}

/* ---- the model ----------------------------------------------------------------------- */

/* The model's centroids with those of the parts in the place of the group's. */
static void
replace_centroids(const splitting *s, scpg_model *model, MemoryContext cxt)
{
	scpg_kmeans_model old = scpg_kmeans_model_open((const scpg_numbers *) model->kmeans);
	size_t most = sc_add(old.k, s->centroids);
	sc_arena arena =
		scpg_arena(cxt, sc_add(sc_mul(most, sc_add(s->d * sizeof(float), sizeof(int64) + sizeof(int32))), 4 * SC_ALIGN),
				   "the centroids");
	float *centroid = SC_TAKE(&arena, float, sc_mul(most, s->d));
	int64 *sizes = SC_TAKE(&arena, int64, most);
	int32 *group = SC_TAKE(&arena, int32, most);
	int k = 0;

	for (int c = 0; c < old.k; c++)
	{
		int label = s->space.group == NULL ? c : s->space.group[c];

		if (label == s->label)
			continue;
		for (int j = 0; j < s->d; j++)
			centroid[(size_t) s->d * k + j] = (float) old.centroids[(size_t) s->d * c + j];
		sizes[k] = (int64) old.sizes[c];
		group[k++] = label;
	}
	memcpy(centroid + (size_t) s->d * k, s->centroid, (size_t) s->d * s->centroids * sizeof(float));
	memcpy(sizes + k, s->centroid_sizes, s->centroids * sizeof(int64));
	memcpy(group + k, s->group, s->centroids * sizeof(int32));
	k += s->centroids;
	scpg_model_set_edited(model,
						  (struct varlena *) scpg_kmeans_model_make(k, s->d, centroid, sizes, old.inertia,
																	old.iterations, old.converged),
						  group);
}

/* ---- the rows --------------------------------------------------------------------------- */

/* Every row's distance is to other centroids now; those that move are counted. */
static int64
move_rows(splitting *s, scpg_group_edit *e)
{
	sc_space space = scpg_cluster_space(e->model);
	int64 moved = 0;
	int64 next = 0;

	for (int64 i = 0; i < s->rows.n; i++)
	{
		scpg_label_row *row = &s->rows.row[i];
		int part = 0;

		CHECK_FOR_INTERRUPTS();
		if (next < s->n && s->row[next] == i)
			part = s->part[next++];
		s->sizes[part]++;
		if (part > 0)
		{
			scpg_edit_row(e->log, &e->table.source, row->key, row->label, s->labels[part], row->pinned);
			moved++;
		}
		scpg_group_edit_place(e, row, &space, s->labels[part]);
		scpg_group_edit_write(e, row);
	}
	return moved;
}

/* ---- the call ------------------------------------------------------------------------------ */

/* Labels and sizes of the parts; a new part takes the number above all that there ever were. */
static void
name_parts(splitting *s, const scpg_model *model)
{
	if (s->parts - 1 > SCPG_HIGHEST_LABEL - model->highest_label)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("there is no label left for a new group"),
						errdetail("The highest is %d.", SCPG_HIGHEST_LABEL)));
	s->labels = MemoryContextAllocHuge(CurrentMemoryContext, sc_mul(s->parts, sizeof(int32)));
	s->sizes = MemoryContextAllocExtended(CurrentMemoryContext, sc_mul(s->parts, sizeof(int64)),
										  MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	s->labels[0] = s->label;
	for (int part = 1; part < s->parts; part++)
		s->labels[part] = model->highest_label + part;
}

static int
count_centroids(const splitting *s)
{
	int count = 0;

	for (int c = 0; c < s->space.k; c++)
		count += (s->space.group == NULL ? c : s->space.group[c]) == s->label;
	return count;
}

static int64
split(splitting *s, scpg_group_edit *e)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass split", ALLOCSET_DEFAULT_SIZES);
	scpg_kmeans_options options = scpg_recipe_kmeans(scpg_model_recipe(e->model));
	int64 moved;

	s->space = scpg_cluster_space(e->model);
	s->d = sc_space_dim(&s->space);
	scpg_label_table_load(&s->rows, &e->table, &s->label, 1, true, cxt);
	find_points(s, cxt);
	if (s->parts > s->n)
		refuse_parts(s, "It has %lld rows that were not put there by hand.", (long long) s->n);
	name_parts(s, e->model);
	find_parts(s, count_centroids(s), &options, cxt);
	replace_centroids(s, e->model, cxt);
	moved = move_rows(s, e);
	MemoryContextDelete(cxt);
	return moved;
}

PG_FUNCTION_INFO_V1(scpg_split_cluster);
Datum
scpg_split_cluster(PG_FUNCTION_ARGS)
{
	splitting s = {0};
	scpg_group_edit e;
	int64 moved;

	PreventCommandIfReadOnly("split_cluster()");
	InitMaterializedSRF(fcinfo, 0);
	SPI_connect();
	scpg_refuse_null(fcinfo, 1, "the label of the group");
	s.parts = scpg_int_argument(fcinfo, 2, "the number of parts");
	if (s.parts < 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a group is split into at least two parts"),
						errdetail("The number of parts is %d.", s.parts)));
	scpg_group_edit_begin(&e, fcinfo, SCPG_MEMBERS_NEEDED);
	s.label = e.labels[scpg_group_edit_find(&e, PG_GETARG_INT64(1))];
	scpg_edit_record(e.log, "split_cluster",
					 scpg_group_edit_arguments(psprintf("{\"label\": %d, \"parts\": %d}", s.label, s.parts)), 0, true);
	moved = split(&s, &e);
	scpg_group_edit_end(&e, moved, s.labels, s.parts);
	SPI_finish();
	for (int part = 0; part < s.parts; part++)
	{
		Datum values[2] = {Int32GetDatum(s.labels[part]), Int64GetDatum(s.sizes[part])};

		scpg_put_row(fcinfo, values, NULL);
	}
	return (Datum) 0;
}
