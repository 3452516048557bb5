/*-------------------------------------------------------------------------
 *
 * src/core/simclr/augment_draw.c
 *	  What is random about one view: distributions as in torchvision 0.14
 *	  (RandomResizedCrop, ColorJitter) and Lightly 1.5.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/augment_draw.h"

#define CROP_TRIES 10

static bool
happens(sc_rng *rng, float probability)
{
	return sc_rng_uniform(rng) < probability;
}

/* A whole number of pixels, 1 ... limit. */
static int
pixels(double x, int limit)
{
	return (int) fmin(fmax(nearbyint(x), 1.0), (double) limit);
}

static void
draw_crop(sc_view_draw *d, const sc_augment_config *config, int width, int height, sc_rng *rng)
{
	double area = (double) width * height;
	double ratio = (double) width / height;

	for (int i = 0; i < CROP_TRIES; i++)
	{
		double target = area * (config->min_scale + (config->max_scale - config->min_scale) * sc_rng_uniform53(rng));
		double aspect =
			exp(log(config->min_ratio) + (log(config->max_ratio) - log(config->min_ratio)) * sc_rng_uniform53(rng));
		double w = nearbyint(sqrt(target * aspect));
		double h = nearbyint(sqrt(target / aspect));

		if (w < 1 || h < 1 || w > width || h > height)
			continue;
		d->width = (int) w;
		d->height = (int) h;
		d->x = (int) sc_rng_below(rng, (uint64_t) (width - d->width) + 1);
		d->y = (int) sc_rng_below(rng, (uint64_t) (height - d->height) + 1);
		return;
	}
	/* The largest crop in the middle whose ratio is allowed. */
	d->width = width;
	d->height = height;
	if (ratio < config->min_ratio)
		d->height = pixels(width / config->min_ratio, height);
	else if (ratio > config->max_ratio)
		d->width = pixels(height * config->max_ratio, width);
	d->x = (width - d->width) / 2;
	d->y = (height - d->height) / 2;
}

static void
draw_jitter(sc_view_draw *d, const sc_augment_config *config, sc_rng *rng)
{
	float range[SC_JITTER_STEPS] = {config->cj_bright, config->cj_contrast, config->cj_sat};

	for (int i = 0; i < SC_JITTER_STEPS; i++)
		d->order[i] = (sc_jitter_step) i;
	for (int i = SC_JITTER_STEPS - 1; i > 0; i--) /* Fisher and Yates */
	{
		int j = (int) sc_rng_below(rng, (uint64_t) i + 1);
		sc_jitter_step swap = d->order[i];

		d->order[i] = d->order[j];
		d->order[j] = swap;
	}
	for (int i = 0; i < SC_JITTER_HUE; i++)
		d->factor[i] = sc_rng_range(rng, fmaxf(0.0f, 1.0f - range[i]), 1.0f + range[i]);
	d->factor[SC_JITTER_HUE] = sc_rng_range(rng, -config->cj_hue, config->cj_hue);
}

static void
draw_bend(sc_view_draw *d, const sc_augment_config *config, sc_rng *rng)
{
	for (int i = 0; i < SC_BEND_NODES; i++)
		for (int j = 0; j < SC_BEND_NODES; j++)
		{
			float move[2];

			sc_rng_normal_pair(rng, move);
			d->bend[SC_BEND_X][i][j] = config->elastic * move[0];
			d->bend[SC_BEND_Y][i][j] = config->elastic * move[1];
		}
}

void
sc_view_draw_all(sc_view_draw *d, const sc_augment_config *config, int width, int height, sc_rng *rng)
{
	*d = (sc_view_draw){0};
	draw_crop(d, config, width, height, rng);
	d->hflip = happens(rng, config->hf_prob);
	d->vflip = happens(rng, config->vf_prob);
	if (happens(rng, config->rr_prob))
	{
		d->quarter = config->rr_degrees <= 0;
		if (!d->quarter)
			d->angle = sc_rng_range(rng, -config->rr_degrees, config->rr_degrees) * (3.14159265358979323846 / 180.0);
	}
	if (config->shear > 0)
		d->shear = sc_rng_range(rng, -config->shear, config->shear);
	if (config->elastic > 0 && config->elastic_prob > 0)
		d->elastic = happens(rng, config->elastic_prob);
	if (d->elastic)
		draw_bend(d, config, rng);
	if (config->morph_prob > 0 && happens(rng, config->morph_prob))
		d->morph = happens(rng, 0.5f) ? 1 : -1;
	d->jitter = happens(rng, config->cj_prob);
	if (d->jitter)
		draw_jitter(d, config, rng);
	d->gray = happens(rng, config->random_gray_scale);
	if (happens(rng, config->gaussian_blur))
		d->sigma = sc_rng_range(rng, config->sigma_min, config->sigma_max);
}
