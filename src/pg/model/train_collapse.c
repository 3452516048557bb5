/*-------------------------------------------------------------------------
 *
 * src/pg/model/train_collapse.c
 *	  Is a trained encoder of any use: does it tell pictures apart?
 *
 * A learning rate or a temperature far out of range leaves weights that are
 * numbers, and an encoder that gives every picture the same embedding, or one
 * direction in different lengths. It is known by a sample of the pictures: the
 * variance of their embeddings about their mean, as a share of their squared
 * length. Random weights give a tenth, more or less, and learning makes it grow,
 * for it drives pictures apart; with a learning rate of 1000 it was 1e-5 to
 * 1e-32. A temperature of 1e-5 leaves it, for a few embeddings are far longer
 * than the others; the directions had 1e-6 to 3e-5 of random weights' 0.02 to
 * 0.07.
 *
 * But so have they, down to 6e-6, after the first ten steps of any training:
 * embeddings are made with the running statistics, which are then still far from
 * those of a batch. With batch norms over the sample itself, ordinary trainings
 * left the directions three quarters of their variance, or more, and a
 * temperature of 1e-5 or a learning rate of 1 less than half. So the directions
 * count where both are lost. (A training at 1e-5 that goes on for a hundred steps
 * gets its running statistics right, and gives embeddings that differ.)
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/model/train_parts.h"

/* Pictures that are looked at to find the sample: of a table of copies there may be no two that differ. */
#define MOST_LOOKED_AT 4096

/* Below this share of what it was the spread is gone. */
#define GONE 1e-3

/* Below this share of what it was the spread in a batch is lost. */
#define LOST 0.55

/* What random weights give, about; for where the first weights are not known. */
#define USUAL 0.05

/* Of a sample, whatever the size of the views. */
#define FEWEST 8

/*
 * So many pictures that a look costs less than a second on two cores: the cost
 * grows with the square of the view. Enough of them to see a spread. They are at
 * most the views of a piece of a step.
 */
static int
sample_size(const scpg_recipe *recipe)
{
	int views = SCPG_SPREAD_SAMPLE * 128 * 128 / (recipe->input_size * recipe->input_size);

	return Min(2 * (recipe->batch_size / recipe->batch_pieces), Max(FEWEST, Min(SCPG_SPREAD_SAMPLE, views)));
}

void
scpg_sample_choose(scpg_sample *s, scpg_dataset *dataset, const scpg_recipe *recipe)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass sample", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	int64 most = Min(dataset->images, MOST_LOOKED_AT);
	int wanted = sample_size(recipe);
	uint64 seen[SCPG_SPREAD_SAMPLE];

	s->dataset = dataset;
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

/* The variance of x (n, d) about its mean; NaN where x has what is no number. */
static double
variance(const float *x, const double *scale, int n, int d)
{
	double sum = 0;

	for (int j = 0; j < d; j++)
	{
		double mean = 0;

		for (int i = 0; i < n; i++)
			mean += x[i * d + j] * scale[i] / n;
		for (int i = 0; i < n; i++)
			sum += (x[i * d + j] * scale[i] - mean) * (x[i * d + j] * scale[i] - mean) / n;
	}
	return sum;
}

/* The variance of x (n, d), as a share of its squared length, and that of its directions. */
static void
spread_of(double *rows, double *directions, const float *x, int n, int d)
{
	double mean_square = 0;
	double scale[SCPG_SPREAD_SAMPLE] = {0};

	for (int i = 0; i < n; i++)
	{
		double square = 0;

		for (int j = 0; j < d; j++)
			square += (double) x[i * d + j] * x[i * d + j];
		/* One that is 0 is as much like the others as can be. */
		scale[i] = square == 0 ? 0 : 1 / sqrt(square);
		mean_square += square / n;
	}
	*directions = variance(x, scale, n, d);
	for (int i = 0; i < n; i++)
		scale[i] = mean_square == 0 ? 0 : 1 / sqrt(mean_square);
	*rows = variance(x, scale, n, d);
}

bool
scpg_spread_measure(scpg_spread *spread, const scpg_sample *s, scpg_learner *learner, bool whole)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass spread", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	sc_image images[SCPG_SPREAD_SAMPLE];
	float *seen = palloc(sizeof(float) * s->count * SC_EMBEDDING_DIM);
	double in_batch;

	scpg_dataset_fetch(s->dataset, images, s->image, s->count);
	scpg_learner_look(learner, seen, images, s->count, true);
	spread_of(&spread->embeddings, &spread->directions, seen, s->count, SC_EMBEDDING_DIM);
	/* None is more than 1 before the training. What is no number is not apart. */
	whole |= !(spread->embeddings >= GONE && spread->directions >= GONE);
	if (whole)
	{
		scpg_learner_look(learner, seen, images, s->count, false);
		spread_of(&in_batch, &spread->batch, seen, s->count, SC_EMBEDDING_DIM);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	return whole;
}

bool
scpg_spread_is_gone(const scpg_spread *before, const scpg_spread *after)
{
	/* Written so that no number is gone too. */
	if (before == NULL)
		return !(after->embeddings >= GONE * USUAL);
	if (before->embeddings > 0 && !(after->embeddings >= GONE * before->embeddings))
		return true;
	return before->directions > 0 && !(after->directions >= GONE * before->directions) &&
		   !(after->batch >= LOST * before->batch);
}
