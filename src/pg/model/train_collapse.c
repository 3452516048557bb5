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
 * 1e-32 of that.
 *
 * Directions alone tell less. After the first ten steps or so of any training
 * they have 1e-4 of the variance that random weights give, and less: embeddings
 * are made with running statistics, which are then still far from those of a
 * batch. (Of 24 pictures at 16 pixels, eight seeds, after 12 steps of lightly's
 * recipe: 9e-5 to 3e-4 at temperature 0.1, 1e-4 to 3e-3 at 1e-5; after 24 steps
 * 0.12 to 16, and 0.04 to 3.) Nothing is wrong there where the temperature is one
 * to learn by. Where it is so low that only the nearest of the others counts,
 * what comes of it is refused while its directions are alike.
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

/* Below this temperature directions count too: exp(1 / temperature) is far beyond what a float holds. */
#define LOW_TEMPERATURE 1e-3

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

void
scpg_spread_measure(scpg_spread *spread, const scpg_sample *s, scpg_learner *learner)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass spread", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	sc_image images[SCPG_SPREAD_SAMPLE];
	float *seen = palloc(sizeof(float) * s->count * SC_EMBEDDING_DIM);

	scpg_dataset_fetch(s->dataset, images, s->image, s->count);
	scpg_learner_look(learner, seen, images, s->count);
	spread_of(&spread->embeddings, &spread->directions, seen, s->count, SC_EMBEDDING_DIM);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
}

/* A share of what it was that is too small; what is no number is gone too. */
static bool
is_gone(double before, double after)
{
	return before > 0 && !(after >= GONE * before);
}

bool
scpg_spread_is_gone(const scpg_spread *before, const scpg_spread *after, double temperature)
{
	static const scpg_spread usual = {USUAL, USUAL};

	if (before == NULL)
		before = &usual;
	return is_gone(before->embeddings, after->embeddings) ||
		   (temperature < LOW_TEMPERATURE && is_gone(before->directions, after->directions));
}
