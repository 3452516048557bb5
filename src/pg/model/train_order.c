/*-------------------------------------------------------------------------
 *
 * src/pg/model/train_order.c
 *	  Which images of a dataset train, and in which order.
 *
 * Every draw is named by (seed, epoch, key of the image), so neither the order
 * of the rows in the table nor an interruption has a part in it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/model/train_parts.h"
#include "pg/server/memory.h"

/* Random streams of an image beside those of its two views, which are 0 and 1. */
#define STREAM_SHUFFLE 2
#define STREAM_SAMPLE 3

/* A place in a random order. */
typedef struct shuffled
{
	uint64 rank;
	int64 image; /* ascending by key, so it breaks ties by key */
} shuffled;

static int
compare_shuffled(const void *a, const void *b)
{
	const shuffled *x = a;
	const shuffled *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->image < y->image ? -1 : x->image > y->image;
}

static int
compare_images(const void *a, const void *b)
{
	int64 x = *(const int64 *) a;
	int64 y = *(const int64 *) b;

	return x < y ? -1 : x > y;
}

/* The first o->images of image (count), or of 0 ... count - 1 for NULL, in the random order of epoch and stream: out. */
static void
shuffle(scpg_order *o, int64 *out, const int64 *image, int64 count, int epoch, int stream)
{
	Assert(count >= o->images && count <= o->dataset->images);
	for (int64 i = 0; i < count; i++)
	{
		shuffled *place = &o->scratch[i];
		sc_rng rng;

		place->image = image != NULL ? image[i] : i;
		rng = sc_rng_stream(o->seed, epoch, o->dataset->image[place->image].key, stream);
		place->rank = (uint64) sc_rng_u32(&rng) << 32;
		place->rank |= sc_rng_u32(&rng);
	}
	qsort(o->scratch, count, sizeof(shuffled), compare_shuffled);
	for (int64 i = 0; i < o->images; i++)
		out[i] = o->scratch[i].image;
}

void
scpg_order_init(scpg_order *o, scpg_dataset *dataset, const scpg_recipe *recipe, MemoryContext cxt)
{
	int64 all = dataset->images;
	sc_arena arena = sc_arena_counter();

	o->dataset = dataset;
	o->seed = (uint64) recipe->seed;
	o->batch = recipe->batch_size;
	o->images = recipe->train_sample > 0 ? Min(all, recipe->train_sample) : all;
	if (o->images < o->batch)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("%s has too few readable images for this training", dataset->source.relation),
						errdetail("There are %lld, and a batch takes %d.", (long long) o->images, o->batch)));
	for (int pass = 0; pass < 2; pass++)
	{
		if (pass == 1)
			arena = scpg_arena(cxt, sc_arena_need(&arena), "the order of the images");
		o->sample = SC_TAKE(&arena, int64, o->images);
		o->order = SC_TAKE(&arena, int64, o->images);
		o->scratch = SC_TAKE(&arena, shuffled, all);
	}
	shuffle(o, o->sample, NULL, all, 0, STREAM_SAMPLE);
	qsort(o->sample, o->images, sizeof(int64), compare_images);

	o->steps = (int) (o->images / o->batch);
	if (!recipe->drop_last && o->images % o->batch != 0)
		o->steps++;
}

void
scpg_order_shuffle(scpg_order *o, int epoch)
{
	shuffle(o, o->order, o->sample, o->images, epoch, STREAM_SHUFFLE);
}

void
scpg_order_batch(const scpg_order *o, int step, int64 *number, uint64_t *key)
{
	Assert(step >= 0 && step < o->steps);
	for (int i = 0; i < o->batch; i++)
	{
		number[i] = o->order[((int64) step * o->batch + i) % o->images];
		key[i] = o->dataset->image[number[i]].key;
	}
}
