/*-------------------------------------------------------------------------
 *
 * src/pg/model/recipe_mirror.c
 *	  Does a set of pictures hold their mirror images? Of things that are seen
 *	  from any side it does, of writing and of right hands it does not; views
 *	  that are mirrored there show what the set has not.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/analytics/knn.h"
#include "pg/model/recipe_parts.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

/* Pictures that are looked at: of a set in the order of its hashes the first are a fair sample. */
#define MOST 1000
/* Fewer say nothing. */
#define FEWEST 20
/* Pictures that are made small at once. */
#define BATCH 64

/*
 * A picture and its mirror image are compared by how far the neighbour of this
 * rank is, among the other pictures: the first few may be copies of it.
 */
#define RANK 5

/* Nearer than this is as near. */
#define TIE 1e-4

/* rows, mirrored (n, SC_MIRROR_DIM) of the first n images. */
static void
make_rows(scpg_dataset *images, int n, float *rows, float *mirrored)
{
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "selfclass images", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(batch);

	for (int begin = 0; begin < n; begin += BATCH)
	{
		sc_mirror job = {.lanes = scpg_lanes(), .count = Min(BATCH, n - begin)};
		sc_image *some = palloc(sizeof(sc_image) * job.count);
		int64 number[BATCH];
		sc_arena arena = sc_arena_counter();

		for (int i = 0; i < job.count; i++)
			number[i] = begin + i;
		scpg_dataset_fetch(images, some, number, job.count);
		scpg_core()->sc_mirror_layout(&job, &arena);
		arena = scpg_arena(batch, sc_arena_need(&arena), "small pictures");
		scpg_core()->sc_mirror_layout(&job, &arena);
		job.images = some;
		job.rows = rows + (Size) begin * SC_MIRROR_DIM;
		job.mirrored = mirrored + (Size) begin * SC_MIRROR_DIM;
		scpg_run_on(job.lanes, scpg_core()->sc_mirror_run, &job);
		MemoryContextReset(batch);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(batch);
}

/* out (n): of each query, which is row i or its mirror image, how far the last of its neighbours other than row i is. */
static void
measure(double *out, sc_knn *job, const float *queries)
{
	size_t n = job->n;

	for (job->first = 0; job->first < n; job->first += job->m)
	{
		job->m = Min(job->most, n - job->first);
		job->queries = queries + job->first * SC_MIRROR_DIM;
		scpg_run_on(job->lanes, scpg_core()->sc_knn_run, job);
		for (size_t i = 0; i < job->m; i++)
			out[job->first + i] = job->distance[(i + 1) * job->found - 1];
	}
}

double
scpg_mirrored_share(scpg_dataset *images)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass mirror images", ALLOCSET_DEFAULT_SIZES);
	int n = (int) Min(images->images, MOST);
	sc_knn job = {.n = n, .d = SC_MIRROR_DIM, .k = RANK, .leave_out = true};
	size_t values = (size_t) n * SC_MIRROR_DIM;
	double share = 0;
	sc_arena arena;
	float *rows, *mirrored;
	double *own, *other;

	if (n < FEWEST)
	{
		MemoryContextDelete(cxt);
		return 0.5;
	}
	arena = scpg_arena(cxt, 2 * sizeof(float) * values + 2 * sizeof(double) * n + 5 * SC_ALIGN, "small pictures");
	rows = SC_TAKE(&arena, float, values);
	mirrored = SC_TAKE(&arena, float, values);
	own = SC_TAKE(&arena, double, n);
	other = SC_TAKE(&arena, double, n);
	make_rows(images, n, rows, mirrored);
	job.rows = rows;
	scpg_knn_plan(&job);
	(void) scpg_knn_layout(&job, 0, cxt);
	measure(own, &job, rows);
	measure(other, &job, mirrored);
	for (int i = 0; i < n; i++)
		share += own[i] - other[i] > TIE ? 1 : other[i] - own[i] > TIE ? 0 : 0.5;
	MemoryContextDelete(cxt);
	return share / n;
}
