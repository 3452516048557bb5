/*-------------------------------------------------------------------------
 *
 * src/pg/model/train_look.c
 *	  What the encoder sees in the images as an epoch begins, part by part.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "pg/analytics/knn.h"
#include "pg/model/capture.h"
#include "pg/model/train_parts.h"
#include "pg/server/memory.h"

#define DIM SC_EMBEDDING_DIM

/*
 * So many images are looked at together, at most. They come in the order of a
 * hash, so any run of them is a fair sample; and neither memory nor the time an
 * image takes grows with their number.
 */
#define PART 4096

void
scpg_look_init(scpg_look_parts *l, const scpg_order *order, bool traits, MemoryContext cxt)
{
	sc_arena arena;

	l->context = cxt;
	l->parts = (order->images + PART - 1) / PART;
	l->size[0] = (int) ((order->images + l->parts - 1) / l->parts);
	l->size[1] = (int) (order->images / l->parts);
	for (int pass = 0; pass < 2; pass++)
	{
		arena = pass == 0 ? sc_arena_counter() : scpg_arena(cxt, sc_arena_need(&arena), "the features of images");
		l->features = SC_TAKE(&arena, float, sc_mul(l->size[0], DIM));
		l->traits = traits ? SC_TAKE(&arena, double, sc_mul(l->size[0], SC_CAPTURE_TRAITS)) : NULL;
	}
}

void
scpg_look_plan_search(scpg_look_parts *l, int each, MemoryContext cxt)
{
	for (int size = 0; size < scpg_look_sizes(l); size++)
	{
		l->search[size] = (sc_knn){.n = l->size[size], .d = DIM, .rows = l->features, .k = each, .leave_out = true};
		scpg_knn_plan(&l->search[size]);
		(void) scpg_knn_layout(&l->search[size], 0, cxt);
	}
}

const int64 *
scpg_look_part(const scpg_look_parts *l, const scpg_order *order, int64 part, int *size)
{
	int64 first = order->images * part / l->parts;
	int64 end = order->images * (part + 1) / l->parts;

	*size = end - first == l->size[0] ? 0 : 1;
	Assert(end - first == l->size[*size]);
	return order->sample + first;
}

/* Of length 1; false: it is no number. */
static bool
take_direction(float *row)
{
	double square = 0;

	for (int d = 0; d < DIM; d++)
		square += (double) row[d] * row[d];
	for (int d = 0; d < DIM && square > 0; d++)
		row[d] = (float) (row[d] / sqrt(square));
	for (int d = 0; d < DIM; d++)
		if (!isfinite(row[d]))
			return false;
	return true;
}

bool
scpg_look(scpg_look_parts *l, scpg_learner *learner, const scpg_order *order, const int64 *image, int count)
{
	MemoryContext batch = AllocSetContextCreate(l->context, "selfclass images", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(batch);
	int most = scpg_learner_look_most(learner);

	for (int begin = 0; begin < count; begin += most)
	{
		int some = Min(most, count - begin);
		sc_image *images = palloc(sizeof(sc_image) * some);

		scpg_dataset_fetch(order->dataset, images, image + begin, some);
		scpg_learner_look(learner, l->features + (Size) begin * DIM, images, some);
		if (l->traits != NULL)
			scpg_capture_images(l->traits + (Size) begin * SC_CAPTURE_TRAITS, images, some);
		MemoryContextReset(batch);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(batch);
	for (int i = 0; i < count; i++)
		if (!take_direction(l->features + (Size) i * DIM))
			return false;
	return true;
}

sc_knn *
scpg_look_search(scpg_look_parts *l, int size)
{
	sc_knn *job = &l->search[size];

	job->first = job->m = 0;
	return job;
}
