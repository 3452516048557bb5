/*-------------------------------------------------------------------------
 *
 * src/pg/model/train_collapse.c
 *	  Is a trained encoder of any use: does it tell pictures apart?
 *
 * A learning rate or a temperature far out of range leaves weights that are
 * numbers, and an encoder that gives every picture the same embedding. It is
 * known by a sample of the pictures: the variance of their embeddings about
 * their mean, as a share of their squared length, after the training and before
 * its first step. Random weights give a tenth, more or less, and learning makes
 * it grow, for it drives pictures apart; with a learning rate of 1000 it was
 * 1e-5 to 1e-32.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/model/embed.h"
#include "pg/model/train_parts.h"
#include "pg/server/memory.h"

/* Pictures that are looked at to find the sample: of a table of copies there may be no two that differ. */
#define MOST_LOOKED_AT 4096

/* Of one job: few, so that an encoder has room beside a training. */
#define BATCH 8

/* Below this share of what it was the spread is gone. */
#define GONE 1e-3

/*
 * So many pictures that two samples cost less than a second on two cores: the
 * cost grows with the square of the view. Enough of them to see a spread.
 */
static int
sample_size(const scpg_recipe *recipe)
{
	int views = SCPG_SPREAD_SAMPLE * 128 * 128 / (recipe->input_size * recipe->input_size);

	return Max(BATCH, Min(SCPG_SPREAD_SAMPLE, views));
}

void
scpg_spread_choose(scpg_spread *s, scpg_dataset *dataset, const scpg_recipe *recipe)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass sample", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	int64 most = Min(dataset->images, MOST_LOOKED_AT);
	int wanted = sample_size(recipe);
	uint64 seen[SCPG_SPREAD_SAMPLE];

	s->dataset = dataset;
	s->recipe = recipe;
	s->count = 0;
	/* Images are in the order of a hash of their bytes: the order of the rows has no part in it. */
	for (int64 i = 0; i < most && s->count < wanted; i++)
	{
		sc_image image;
		uint64 hash;
		int same = 0;

		scpg_dataset_fetch(dataset, &image, &i, 1);
		hash = hash_bytes_extended(image.pixels, image.width * image.height * image.channels, image.width);
		while (same < s->count && seen[same] != hash)
			same++;
		if (same == s->count)
		{
			seen[s->count] = hash;
			s->image[s->count++] = i;
		}
		MemoryContextReset(cxt);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
}

/* The mean square distance of x (n, d) to its mean, as a share of that to 0; no number where x has none. */
static double
spread_of(const float *x, int n, int d)
{
	double apart = 0, length = 0;

	for (int j = 0; j < d; j++)
	{
		double mean = 0;

		for (int i = 0; i < n; i++)
			mean += (double) x[i * d + j] / n;
		for (int i = 0; i < n; i++)
		{
			double value = x[i * d + j];

			apart += (value - mean) * (value - mean);
			length += value * value;
		}
	}
	/* Embeddings that are all 0 are as alike as can be. */
	return length == 0 ? 0 : apart / length;
}

double
scpg_spread_measure(const scpg_spread *s, const uint8 *weights, Size size)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass spread", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	double spread = SCPG_SPREAD_UNKNOWN;

	if (s->count >= 2 && scpg_encoder_has_room(s->recipe))
	{
		scpg_encoder *encoder = scpg_encoder_make(s->recipe, weights, size, BATCH, cxt);
		float *embedding = palloc(sizeof(float) * s->count * SC_EMBEDDING_DIM);

		for (int begin = 0; begin < s->count; begin += BATCH)
		{
			sc_image images[BATCH];
			int count = Min(BATCH, s->count - begin);

			CHECK_FOR_INTERRUPTS();
			scpg_dataset_fetch(s->dataset, images, s->image + begin, count);
			scpg_encode(encoder, embedding + (Size) begin * SC_EMBEDDING_DIM, images, count);
		}
		spread = spread_of(embedding, s->count, SC_EMBEDDING_DIM);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	return spread;
}

bool
scpg_spread_is_gone(double before, double after)
{
	if (after == SCPG_SPREAD_UNKNOWN || before == 0)
		return false;
	/* Written so that no number is gone too. */
	return !(after >= GONE * (before == SCPG_SPREAD_UNKNOWN ? SCPG_SPREAD_USUAL : before));
}
