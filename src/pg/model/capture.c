/*-------------------------------------------------------------------------
 *
 * src/pg/model/capture.c
 *	  How pictures were taken, and embeddings without what they say of it.
 *
 * Views of a training differ in light, contrast and blur, so that the encoder
 * does not go by these; of pictures of few cameras it does all the same. Groups
 * are found in what is left. A row that comes later is labelled as it is: what
 * was taken out is as far from one centroid as from any other (erasure.h).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/model/capture.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

/* Pictures that are looked at at once. */
#define BATCH 64

void
scpg_capture_images(double *traits, const sc_image *images, int count)
{
	sc_capture job = {.lanes = scpg_lanes(), .images = images, .count = count, .traits = traits};
	sc_arena arena = sc_arena_counter();

	scpg_core()->sc_capture_layout(&job, &arena);
	arena = scpg_arena(CurrentMemoryContext, sc_arena_need(&arena), "small pictures");
	scpg_core()->sc_capture_layout(&job, &arena);
	scpg_run_on(job.lanes, scpg_core()->sc_capture_run, &job);
}

static void
look(void *arg, const sc_image *images, int64 first, int count)
{
	double *traits = arg;

	scpg_capture_images(traits + first * SC_CAPTURE_TRAITS, images, count);
}

static Size
traits_bytes(int64 n)
{
	return sc_mul(n, SC_CAPTURE_TRAITS * sizeof(double));
}

double *
scpg_capture_traits(scpg_dataset *dataset, MemoryContext cxt)
{
	sc_arena arena = scpg_arena(cxt, sc_add(traits_bytes(dataset->images), 2 * SC_ALIGN), "how pictures were taken");
	double *traits = SC_TAKE(&arena, double, sc_mul(dataset->images, SC_CAPTURE_TRAITS));

	scpg_dataset_walk(dataset, dataset->images, BATCH, look, traits);
	return traits;
}

static Size
rows_bytes(int64 n)
{
	return sc_add(sc_mul(n, SC_EMBEDDING_DIM * sizeof(float)), 2 * SC_ALIGN);
}

Size
scpg_erased_bytes(int64 n)
{
	/* The traits, and their scores beside the rows. */
	return sc_add(rows_bytes(n), 2 * traits_bytes(n));
}

const float *
scpg_erase_traits(const float *rows, int64 n, const double *traits, MemoryContext cxt)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "selfclass erasure", ALLOCSET_DEFAULT_SIZES);
	sc_erasure job = {.n = n, .d = SC_EMBEDDING_DIM, .traits = SC_CAPTURE_TRAITS, .rows = rows, .trait = traits};
	sc_arena arena = scpg_arena(cxt, rows_bytes(n), "embeddings without how pictures were taken");

	job.out = SC_TAKE(&arena, float, sc_mul(n, SC_EMBEDDING_DIM));
	arena = sc_arena_counter();
	scpg_core()->sc_erasure_layout(&job, &arena);
	arena = scpg_arena(scratch, sc_arena_need(&arena), "the directions of how pictures were taken");
	scpg_core()->sc_erasure_layout(&job, &arena);
	scpg_run(scpg_core()->sc_erasure_run, &job);
	MemoryContextDelete(scratch);
	return job.out;
}
