/*-------------------------------------------------------------------------
 *
 * src/pg/model/train_neighbors.c
 *	  Neighbours as positives: pictures that the encoder finds mutually nearest
 *	  are shown to it as two views of one thing (Dwibedi and others, "With a
 *	  Little Help from My Friends", ICCV 2021), and are no negatives of each
 *	  other.
 *
 * They are looked for as an epoch begins, by the weights of that moment: these
 * are what a checkpoint holds, so a training that goes on from one finds the
 * same. That is a forward pass of each image (SCPG_LOOK_COST). Only mutual neighbours
 * count, since one side's nearest may be a picture that is like nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/analytics/knn.h"
#include "pg/model/train_parts.h"
#include "pg/server/memory.h"

/* Random stream of an image beside those of its views and of train_order.c. */
#define STREAM_NEIGHBOR 4

void
scpg_neighbors_init(scpg_neighbors *n, const scpg_recipe *recipe, const scpg_order *order, MemoryContext cxt)
{
	Size all = (Size) order->dataset->images;
	sc_arena arena;

	memset(n, 0, sizeof(*n));
	if (recipe->neighbor_prob == 0 || recipe->epochs == 0 || order->images < 2)
		return;
	n->each = (int) Min((int64) recipe->neighbors, order->images - 1);
	n->prob = recipe->neighbor_prob;
	scpg_look_init(&n->look, order, false, cxt);
	for (int pass = 0; pass < 2; pass++)
	{
		arena = pass == 0 ? sc_arena_counter() : scpg_arena(cxt, sc_arena_need(&arena), "the neighbours of images");
		n->mutual = SC_TAKE(&arena, int64, sc_mul(all, n->each));
		n->count = SC_TAKE(&arena, int32, all);
		n->place = SC_TAKE(&arena, int32, all);
		n->near = SC_TAKE(&arena, uint32, sc_mul(n->look.size[0], n->each));
	}
	for (Size i = 0; i < all; i++)
	{
		n->count[i] = 0;
		n->place[i] = -1;
	}
	scpg_look_plan_search(&n->look, n->each, cxt);
}

bool
scpg_neighbors_count(const scpg_neighbors *n, const scpg_recipe *recipe, int epoch)
{
	return n->each > 0 && epoch >= recipe->neighbor_start * recipe->epochs;
}

/* n->near (the images of the part that was looked at last, n->each): the nearest of each of them. */
static void
search(scpg_neighbors *n, int size)
{
	sc_knn *job = scpg_look_search(&n->look, size);

	while (scpg_knn_next(job))
		memcpy(n->near + job->first * n->each, job->index, sizeof(uint32) * job->m * job->found);
}

static bool
has(const scpg_neighbors *n, uint32 row, uint32 other)
{
	for (int i = 0; i < n->each; i++)
		if (n->near[(Size) row * n->each + i] == other)
			return true;
	return false;
}

bool
scpg_neighbors_find(scpg_neighbors *n, scpg_learner *learner, const scpg_order *order)
{
	for (int64 part = 0; part < n->look.parts; part++)
	{
		int size;
		const int64 *image = scpg_look_part(&n->look, order, part, &size);
		int count = n->look.size[size];

		if (!scpg_look(&n->look, learner, order, image, count))
			return false;
		search(n, size);
		for (int i = 0; i < count; i++)
		{
			int64 *mutual = n->mutual + image[i] * n->each;
			int found = 0;

			for (int j = 0; j < n->each; j++)
			{
				uint32 other = n->near[(Size) i * n->each + j];

				if (has(n, other, i))
					mutual[found++] = image[other];
			}
			n->count[image[i]] = found;
		}
	}
	return true;
}

void
scpg_neighbors_batch(scpg_neighbors *n, const scpg_order *order, int epoch, const int64 *number, const uint64_t *key,
					 scpg_partners *partners)
{
	partners->each = n->each;
	partners->second = palloc(order->batch * sizeof(int64));
	partners->kin = palloc(sc_mul(order->batch, n->each * sizeof(int)));
	for (int i = 0; i < order->batch; i++)
		n->place[number[i]] = i;
	for (int i = 0; i < order->batch; i++)
	{
		const int64 *mutual = n->mutual + number[i] * n->each;
		int count = n->count[number[i]], found = 0;
		sc_rng rng = sc_rng_stream(order->seed, epoch, key[i], STREAM_NEIGHBOR);
		bool other = sc_rng_uniform(&rng) < n->prob && count > 0;
		int *kin = partners->kin + (Size) i * n->each;

		partners->second[i] = other ? mutual[sc_rng_below(&rng, count)] : number[i];
		/* Kinship is mutual: of an image that is in the batch twice, to fill it up, the last one has it. */
		for (int j = 0; j < count && n->place[number[i]] == i; j++)
			if (n->place[mutual[j]] >= 0)
				kin[found++] = n->place[mutual[j]];
		if (found < n->each)
			kin[found] = -1;
	}
	for (int i = 0; i < order->batch; i++)
		n->place[number[i]] = -1;
}
