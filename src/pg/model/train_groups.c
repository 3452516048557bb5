/*-------------------------------------------------------------------------
 *
 * src/pg/model/train_groups.c
 *	  Self-labelling: towards the end of a training, pictures that surely are
 *	  of one group are shown to the encoder as two views of one thing, and are no
 *	  negatives of each other (as the third step of Van Gansbeke and others,
 *	  "SCAN: Learning to Classify Images without Labels", ECCV 2020, and with the
 *	  loss of Khosla and others, "Supervised Contrastive Learning", NeurIPS 2020).
 *
 * Groups are the communities of the neighbour graph (core/analytics/groups.h),
 * found anew as an epoch begins, by the weights of that moment: these are what a
 * checkpoint holds, so a training that goes on from one finds the same. They
 * count in an epoch where samples fall into the same ones; where they do not,
 * groups are arbitrary, and teaching them would make them seem clear. Where
 * groups will not go by how pictures were taken (capture.h), one that does is not
 * taught: all that came from one camera would be a group in the end.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "pg/analytics/knn.h"
#include "pg/model/train_parts.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

/* Random stream of an image beside those of its views and of train_neighbors.c. */
#define STREAM_GROUP 5

/* An image is surely of its group where so many of its neighbours are. */
#define SURE 0.8

/*
 * A group goes by how pictures were taken where they and all others differ in a
 * trait by so many deviations of either's (Cohen's d; a third of two normal
 * distributions overlaps then). Of hands that sign the pictures of one camera
 * differ by 3.2 to 3.6 in sharpness, those of a sign by up to 1.2 in anything.
 */
#define TAKEN_APART 2.0

/* Starts of each graph: of all images, and of each sample. */
#define STARTS 4

static void
plan_graphs(scpg_self_labels *s, MemoryContext cxt)
{
	for (int size = 0; size < scpg_look_sizes(&s->look); size++)
	{
		sc_groups *groups = &s->groups[size];
		sc_arena arena = sc_arena_counter();

		*groups = (sc_groups){.n = s->look.size[size],
							  .d = SC_EMBEDDING_DIM,
							  .rows = s->look.features,
							  .cosine = true,
							  .only_stability = true,
							  .resolution = 1,
							  .starts = STARTS,
							  .seed = 1,
							  .lanes = scpg_lanes()};
		scpg_core()->sc_groups_layout(groups, &arena);
		arena = scpg_arena(cxt, sc_arena_need(&arena), "the neighbour graph");
		scpg_core()->sc_groups_layout(groups, &arena);
	}
}

/* Memory is all taken before the training begins. */
void
scpg_self_labels_init(scpg_self_labels *s, const scpg_recipe *recipe, const scpg_order *order, MemoryContext cxt)
{
	Size all = (Size) order->dataset->images;
	sc_arena arena;

	memset(s, 0, sizeof(*s));
	if (recipe->self_label_start == 1 || recipe->epochs == 0 || order->images < 2)
		return;
	scpg_look_init(&s->look, order, recipe->erase_capture, cxt);
	s->each = Min(sc_groups_neighbours(s->look.size[0]), (int) order->images - 1);
	for (int pass = 0; pass < 2; pass++)
	{
		arena = pass == 0 ? sc_arena_counter() : scpg_arena(cxt, sc_arena_need(&arena), "the groups of images");
		s->group = SC_TAKE(&arena, int64, all);
		s->member = SC_TAKE(&arena, int64, order->images);
		s->first = SC_TAKE(&arena, int64, sc_add(order->images, 1));
		s->sure = SC_TAKE(&arena, bool, s->look.size[0]);
	}
	for (Size i = 0; i < all; i++)
		s->group[i] = -1;
	scpg_look_plan_search(&s->look, s->each, cxt);
	plan_graphs(s, cxt);
}

bool
scpg_self_labels_count(const scpg_self_labels *s, const scpg_recipe *recipe, int epoch)
{
	return s->each > 0 && epoch >= recipe->self_label_start * recipe->epochs;
}

/* s->sure: which images are, of the part that was looked at last and whose groups are found. */
static void
find_sure(scpg_self_labels *s, int size)
{
	const sc_groups *groups = &s->groups[size];
	sc_knn *search = scpg_look_search(&s->look, size);

	while (scpg_knn_next(search))
		for (size_t i = 0; i < search->m; i++)
		{
			int32_t own = groups->labels[search->first + i];
			int same = 0;

			for (int j = 0; j < search->found; j++)
				same += groups->labels[search->index[i * search->found + j]] == own;
			s->sure[search->first + i] = same >= SURE * search->found;
		}
}

/* Mean and variance of a trait of the images of a part that are in a group, or of those that are not. */
static void
describe(const scpg_self_labels *s, const sc_groups *groups, int group, bool in, int trait, int count, double *mean,
		 double *variance)
{
	double sum = 0, squares = 0;
	int n = 0;

	for (int i = 0; i < count; i++)
		if ((groups->labels[i] == group) == in)
		{
			sum += s->look.traits[(Size) i * SC_CAPTURE_TRAITS + trait];
			n++;
		}
	*mean = sum / n;
	for (int i = 0; i < count; i++)
		if ((groups->labels[i] == group) == in)
		{
			double off = s->look.traits[(Size) i * SC_CAPTURE_TRAITS + trait] - *mean;

			squares += off * off;
		}
	*variance = squares / n;
}

/* Does a group of a part go by how its pictures were taken? There are others beside it. */
static bool
is_taken_apart(const scpg_self_labels *s, const sc_groups *groups, int group, int count)
{
	if (s->look.traits == NULL)
		return false;
	for (int trait = 0; trait < SC_CAPTURE_TRAITS; trait++)
	{
		double mean[2], variance[2];

		for (int in = 0; in < 2; in++)
			describe(s, groups, group, in, trait, count, &mean[in], &variance[in]);
		if (fabs(mean[1] - mean[0]) > TAKEN_APART * sqrt((variance[0] + variance[1]) / 2))
			return true;
	}
	return false;
}

/* The members of the groups of a part, none of those that are not taught; the first is number `number`. How many. */
static int
keep_groups(scpg_self_labels *s, const sc_groups *groups, const int64 *image, int count, int64 number)
{
	int64 at = s->first[number];

	for (int group = 0; group < groups->found; group++)
	{
		bool taught = !is_taken_apart(s, groups, group, count);

		for (int i = 0; i < count && taught; i++)
			if (groups->labels[i] == group && s->sure[i])
			{
				s->member[at++] = image[i];
				s->group[image[i]] = number + group;
			}
		s->first[number + group + 1] = at;
	}
	return groups->found;
}

bool
scpg_self_labels_find(scpg_self_labels *s, scpg_learner *learner, const scpg_order *order)
{
	int64 number = 0;

	s->first[0] = 0;
	for (int64 part = 0; part < s->look.parts; part++)
	{
		int size;
		const int64 *image = scpg_look_part(&s->look, order, part, &size);
		int count = s->look.size[size];
		sc_groups *groups = &s->groups[size];

		for (int j = 0; j < count; j++)
			s->group[image[j]] = -1;
		if (!scpg_look(&s->look, learner, order, image, count))
			return false;
		scpg_run_on(groups->lanes, scpg_core()->sc_groups_run, groups);
		if (groups->found >= 2 && groups->own.stability >= SC_GROUPS_STABLE)
		{
			find_sure(s, size);
			number += keep_groups(s, groups, image, count, number);
		}
		ereport(DEBUG1, (errmsg_internal("self-labelling: %d groups of stability %.3f, %lld images are sure so far",
										 groups->found, groups->own.stability, (long long) s->first[number])));
	}
	return true;
}

void
scpg_self_labels_batch(const scpg_self_labels *s, const scpg_order *order, int epoch, const int64 *number,
					   const uint64_t *key, scpg_partners *partners)
{
	int batch = order->batch;

	partners->second = palloc(batch * sizeof(int64));
	partners->each = 0;
	for (int i = 0; i < batch; i++)
	{
		int64 group = s->group[number[i]];
		sc_rng rng = sc_rng_stream(order->seed, epoch, key[i], STREAM_GROUP);
		int others = 0;

		partners->second[i] = number[i];
		if (group < 0)
			continue;
		partners->second[i] =
			s->member[s->first[group] + (int64) sc_rng_below(&rng, (uint64) (s->first[group + 1] - s->first[group]))];
		for (int j = 0; j < batch; j++)
			others += s->group[number[j]] == group;
		partners->each = Max(partners->each, others - 1);
	}
	partners->kin = NULL;
	if (partners->each == 0)
		return;
	partners->kin = MemoryContextAllocHuge(CurrentMemoryContext, sc_mul(sc_mul(batch, partners->each), sizeof(int)));
	for (int i = 0; i < batch; i++)
	{
		int64 group = s->group[number[i]];
		int *kin = partners->kin + (Size) i * partners->each;
		int found = 0;

		for (int j = 0; j < batch && group >= 0; j++)
			if (j != i && s->group[number[j]] == group)
				kin[found++] = j;
		if (found < partners->each)
			kin[found] = -1;
	}
}
