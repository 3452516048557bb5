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

typedef struct small_pictures
{
	float *rows;	 /* (n, SC_MIRROR_DIM) */
	float *mirrored; /* (n, SC_MIRROR_DIM) */
} small_pictures;

static void
make_rows(void *arg, const sc_image *images, int64 first, int count)
{
	const small_pictures *all = arg;
	sc_mirror job = {.lanes = scpg_lanes(),
					 .images = images,
					 .count = count,
					 .rows = all->rows + first * SC_MIRROR_DIM,
					 .mirrored = all->mirrored + first * SC_MIRROR_DIM};
	sc_arena arena = sc_arena_counter();

	scpg_core()->sc_mirror_layout(&job, &arena);
	arena = scpg_arena(CurrentMemoryContext, sc_arena_need(&arena), "small pictures");
	scpg_core()->sc_mirror_layout(&job, &arena);
	scpg_run_on(job.lanes, scpg_core()->sc_mirror_run, &job);
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
	small_pictures all;
	double *own, *other;

	if (n < FEWEST)
	{
		MemoryContextDelete(cxt);
		return 0.5;
	}
	arena = scpg_arena(cxt, 2 * sizeof(float) * values + 2 * sizeof(double) * n + 5 * SC_ALIGN, "small pictures");
	all.rows = SC_TAKE(&arena, float, values);
	all.mirrored = SC_TAKE(&arena, float, values);
	own = SC_TAKE(&arena, double, n);
	other = SC_TAKE(&arena, double, n);
	scpg_dataset_walk(images, n, BATCH, make_rows, &all);
	job.rows = all.rows;
	scpg_knn_plan(&job);
	(void) scpg_knn_layout(&job, 0, cxt);
	measure(own, &job, all.rows);
	measure(other, &job, all.mirrored);
	for (int i = 0; i < n; i++)
		share += own[i] - other[i] > TIE ? 1 : other[i] - own[i] > TIE ? 0 : 0.5;
	MemoryContextDelete(cxt);
	return share / n;
}
