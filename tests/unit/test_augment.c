/*-------------------------------------------------------------------------
 *
 * tests/unit/test_augment.c
 *	  Every augmentation against its definition, computed here in the plain
 *	  way from what was drawn; the distribution of what is drawn; the plain
 *	  view against PIL.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/augment.h"
#include "core/simclr/capture.h"
#include "core/simclr/local_contrast.h"
#include "core/simclr/augment_draw.h"
#include "core/simclr/augment_loops.h"
#include "core/base/rng.h"
#include "core/simclr/hog.h"
#include "core/simclr/mirror.h"
#include "unit.h"

#include "../fixtures/views.h"

static const float zero[3] = {0, 0, 0};
static const float one[3] = {1, 1, 1};

/* Nothing happens, but for the crop of everything. */
static sc_augment_config
quiet(int n)
{
	return (sc_augment_config){.input_size = n,
							   .min_scale = 1,
							   .max_scale = 1,
							   .min_ratio = 1,
							   .max_ratio = 1,
							   .mean = {0, 0, 0},
							   .std = {1, 1, 1}};
}

/* The picture of make_views.py. */
static sc_image
picture(int width, int height, int channels)
{
	uint8_t *p = malloc((size_t) width * height * channels);

	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++)
			for (int c = 0; c < channels; c++)
				p[(y * width + x) * channels + c] =
					(uint8_t) (7 * x + 13 * y + 29 * c + 5 * (x * y % 11) + x * x * y / 16);
	return (sc_image){width, height, channels, p};
}

static void
release(sc_image image)
{
	free((void *) image.pixels);
}

/* Scratch of exactly the size asked for, full of what must not matter. */
static void *
dirty_scratch(int n)
{
	size_t size = sc_augment_scratch_bytes(n);
	void *p = malloc(size);

	memset(p, 0xFF, size); /* NaN */
	return p;
}

static float *
plain(const sc_image *image, int n)
{
	float *out = malloc(sizeof(float) * 3 * n * n);
	void *scratch = dirty_scratch(n);

	sc_plain_view(out, image, n, zero, one, scratch);
	free(scratch);
	return out;
}

/* A view, and what was drawn for it. */
static float *
view(const sc_image *image, const sc_augment_config *config, uint64_t stream, sc_view_draw *d)
{
	int n = config->input_size;
	float *out = malloc(sizeof(float) * 3 * n * n);
	void *scratch = dirty_scratch(n);
	sc_rng rng = sc_rng_stream(7, stream, 0, 0);
	sc_rng same = rng;

	sc_view_draw_all(d, config, image->width, image->height, &same);
	sc_augment_view(out, image, config, &rng, scratch);
	CHECK(memcmp(&rng, &same, sizeof(rng)) == 0, "the view used other random numbers");
	free(scratch);
	return out;
}

static double
worst(const float *a, const float *b, int n)
{
	double w = 0;

	for (int i = 0; i < 3 * n * n; i++)
	{
		double d = fabs((double) a[i] - b[i]);

		if (!(d <= w)) /* NaN is worst */
			w = d;
	}
	return w;
}

static void
test_plain_is_pil(void)
{
	for (size_t i = 0; i < sizeof(view_cases) / sizeof(view_cases[0]); i++)
	{
		const view_case *v = &view_cases[i];
		sc_image image = picture(v->width, v->height, v->channels);
		float *out = plain(&image, v->side);
		double far = 0;

		for (int k = 0; k < v->side * v->side; k++)
			for (int c = 0; c < 3; c++)
				far = fmax(far, fabs(255.0 * out[3 * k + c] - v->wanted[k * v->channels + (v->channels == 3 ? c : 0)]));
		/* PIL rounds twice, after each axis. */
		CHECK(far <= 1.01, "case %zu: off by %g", i, far);
		free(out);
		release(image);
	}
}

static void
test_normalisation(void)
{
	sc_image image = picture(20, 30, 3);
	const float mean[3] = {0.485f, 0.456f, 0.406f};
	const float std[3] = {0.229f, 0.224f, 0.225f};
	float *raw = plain(&image, 9);
	float out[3 * 81];
	void *scratch = dirty_scratch(9);

	sc_plain_view(out, &image, 9, mean, std, scratch);
	for (int i = 0; i < 3 * 81; i++)
		CLOSE(out[i], (raw[i] - mean[i % 3]) / std[i % 3], 1e-5);
	free(scratch);
	free(raw);
	release(image);
}

/* Local contrast as its definition has it, square by square. */
static void
contrast_plainly(float *out, const float *view, int n)
{
	int r = n / 6;

	for (int y = 0; y < n; y++)
		for (int x = 0; x < n; x++)
		{
			int top = SC_MAX(0, y - r), bottom = SC_MIN(n - 1, y + r), left = SC_MAX(0, x - r),
				right = SC_MIN(n - 1, x + r);
			double values = 3.0 * (bottom - top + 1) * (right - left + 1);
			double mean = 0, square = 0, deviation;

			for (int v = top; v <= bottom; v++)
				for (int u = left; u <= right; u++)
					for (int c = 0; c < 3; c++)
						mean += view[3 * (v * n + u) + c] / values;
			for (int v = top; v <= bottom; v++)
				for (int u = left; u <= right; u++)
					for (int c = 0; c < 3; c++)
						square += pow(view[3 * (v * n + u) + c] - mean, 2);
			deviation = fmax(sqrt(square / values), SC_LEAST_CONTRAST);
			for (int c = 0; c < 3; c++)
				out[3 * (y * n + x) + c] = (float) ((view[3 * (y * n + x) + c] - mean) / deviation);
		}
}

static void
test_local_contrast(int n)
{
	int values = 3 * n * n;
	sc_image image = picture(40, 30, 3);
	float *raw = plain(&image, n), *wanted = unit_keep((size_t) values * sizeof(float));
	float *out = unit_keep((size_t) values * sizeof(float));
	void *scratch = dirty_scratch(n);

	for (int i = 0; i < values; i++)
		raw[i] = 4 * raw[i] - 2;
	contrast_plainly(wanted, raw, n);
	memcpy(out, raw, (size_t) values * sizeof(float));
	sc_view_local_contrast(out, n, scratch);
	CHECK(worst(out, wanted, n) <= 1e-5, "side %d: off by %g", n, worst(out, wanted, n));
	/* Brighter and with more contrast it is the same, unless it has hardly any. */
	for (int i = 0; i < values; i++)
		out[i] = 3 * raw[i] + 0.5f;
	for (int i = 0; i < values; i++)
		raw[i] *= 2;
	sc_view_local_contrast(out, n, scratch);
	sc_view_local_contrast(raw, n, scratch);
	CHECK(n == 1 || worst(out, raw, n) <= 1e-3, "side %d, brighter: off by %g", n, worst(out, raw, n));
	/* A flat one is 0. */
	for (int i = 0; i < values; i++)
		raw[i] = 0.25f;
	sc_view_local_contrast(raw, n, scratch);
	for (int i = 0; i < values; i++)
		CLOSE(raw[i], 0, 1e-6);
	free(scratch);
	free(raw);
	release(image);
}

/* A random view's contrast is normalised last, and only where that is asked for. */
static void
test_local_contrast_of_view(void)
{
	sc_image image = picture(40, 30, 3);
	sc_augment_config config = {.input_size = 16,
								.min_scale = 0.3f,
								.max_scale = 1,
								.min_ratio = 1,
								.max_ratio = 1,
								.cj_prob = 1,
								.cj_bright = 0.8f,
								.cj_contrast = 0.8f,
								.mean = {0.5f, 0.4f, 0.3f},
								.std = {0.2f, 0.3f, 0.4f}};
	void *scratch = dirty_scratch(config.input_size);
	sc_view_draw d;

	for (uint64_t i = 0; i < 4; i++)
	{
		float *as_is = view(&image, &config, i, &d), *out;

		config.local_contrast_norm = true;
		out = view(&image, &config, i, &d);
		config.local_contrast_norm = false;
		CHECK(worst(out, as_is, config.input_size) > 0.1, "view %d", (int) i);
		sc_view_local_contrast(as_is, config.input_size, scratch);
		CHECK(worst(out, as_is, config.input_size) == 0, "view %d", (int) i);
		free(out);
		free(as_is);
	}
	free(scratch);
	release(image);
}

/* The part of the image in the crop, as an image of its own. */
static sc_image
cut(const sc_image *image, const sc_view_draw *d)
{
	int c = image->channels;
	uint8_t *p = malloc((size_t) d->width * d->height * c);

	for (int y = 0; y < d->height; y++)
		memcpy(p + (size_t) y * d->width * c, image->pixels + ((size_t) (y + d->y) * image->width + d->x) * c,
			   (size_t) d->width * c);
	return (sc_image){d->width, d->height, c, p};
}

static void
mirror(float *v, int n, bool across)
{
	for (int y = 0; y < n; y++)
		for (int x = 0; x < n; x++)
		{
			int v2 = across ? y : n - 1 - y, u2 = across ? n - 1 - x : x;

			if (v2 * n + u2 > y * n + x)
				for (int c = 0; c < 3; c++)
				{
					float t = v[(y * n + x) * 3 + c];

					v[(y * n + x) * 3 + c] = v[(v2 * n + u2) * 3 + c];
					v[(v2 * n + u2) * 3 + c] = t;
				}
		}
}

/* numpy's rot90: counter-clockwise */
static void
rotate(float *v, int n)
{
	float *t = malloc(sizeof(float) * 3 * n * n);

	for (int i = 0; i < n; i++)
		for (int j = 0; j < n; j++)
			for (int c = 0; c < 3; c++)
				t[(i * n + j) * 3 + c] = v[(j * n + n - 1 - i) * 3 + c];
	memcpy(v, t, sizeof(float) * 3 * n * n);
	free(t);
}

/* Crop, flips and rotations by 90 degrees move values, to the bit. */
static void
test_crop_and_flips(void)
{
	int seen[8] = {0};

	for (int i = 0; i < 200; i++)
	{
		int n = 5 + i % 20;
		sc_image image = picture(20 + i % 37, 15 + i % 51, i % 3 == 0 ? 1 : 3);
		sc_augment_config config = quiet(n);
		sc_view_draw d;
		sc_image crop;
		float *out, *wanted;

		config.min_scale = 0.08f;
		config.min_ratio = 0.75f;
		config.max_ratio = 4.0f / 3.0f;
		config.hf_prob = config.vf_prob = config.rr_prob = 0.5f;
		config.rotate_before_flip = i & 1;
		out = view(&image, &config, i, &d);
		crop = cut(&image, &d);
		wanted = plain(&crop, n);
		seen[d.hflip * 4 + d.vflip * 2 + d.quarter]++;
		for (int step = 0; step < 2; step++)
			if (step == (config.rotate_before_flip ? 0 : 1))
			{
				if (d.quarter)
					rotate(wanted, n);
			}
			else
			{
				if (d.hflip)
					mirror(wanted, n, true);
				if (d.vflip)
					mirror(wanted, n, false);
			}
		CHECK(worst(out, wanted, n) == 0, "view %d: off by %g", i, worst(out, wanted, n));
		free(wanted);
		free(out);
		release(crop);
		release(image);
	}
	for (int i = 0; i < 8; i++)
		CHECK(seen[i] > 5, "case %d came %d times", i, seen[i]);
}

/* On a picture that is linear in x and y, any view is linear too: value(M p). */
static void
test_rotation_and_shear(void)
{
	int side = 200;
	uint8_t *p = malloc((size_t) side * side);
	sc_image image = {side, side, 1, p};

	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++)
			p[y * side + x] = (uint8_t) (20 + (x + y) / 2);
	/* (x + y) / 2 is rounded down: of two neighbours the mean is exact to a quarter. */
	for (int i = 0; i < 100; i++)
	{
		int n = 8 + i % 30;
		sc_augment_config config = quiet(n);
		sc_view_draw d;
		float *out;

		config.min_scale = config.max_scale = 0.1f;
		config.rr_prob = 1;
		config.rr_degrees = i % 2 ? 20 : 180;
		config.shear = i % 3 ? 0.25f : 0;
		config.hf_prob = config.vf_prob = 0.5f;
		config.rotate_before_flip = i & 4;
		out = view(&image, &config, 1000 + i, &d);
		/* The corners of a turned crop may lie outside of the image. */
		for (int y = 0; y < n; y++)
			for (int x = 0; x < n; x++)
			{
				double u = x + 0.5 - 0.5 * n, v = y + 0.5 - 0.5 * n, t;

				/* From the view backwards: what was done last is undone first. */
				if (config.rotate_before_flip)
				{
					u = d.hflip ? -u : u;
					v = d.vflip ? -v : v;
				}
				u += d.shear * v;
				t = u * cos(d.angle) - v * sin(d.angle);
				v = u * sin(d.angle) + v * cos(d.angle);
				u = t;
				if (!config.rotate_before_flip)
				{
					u = d.hflip ? -u : u;
					v = d.vflip ? -v : v;
				}
				u = d.x + 0.5 * d.width + u * d.width / n;
				v = d.y + 0.5 * d.height + v * d.height / n;
				if (u > 8 && v > 8 && u < side - 8 && v < side - 8)
					CLOSE(255 * out[3 * (y * n + x)], 20 + (u + v - 1) / 2 - 0.25, 0.4);
			}
		free(out);
	}
	free(p);
}

/*
 * On the same linear picture: the pixels at a node of the grid are moved as the
 * node is, those between two of them by something between, or a little beyond.
 */
static void
test_elastic(void)
{
	int side = 200;
	uint8_t *p = malloc((size_t) side * side);
	sc_image image = {side, side, 1, p};
	int bent = 0;

	for (int y = 0; y < side; y++)
		for (int x = 0; x < side; x++)
			p[y * side + x] = (uint8_t) (20 + (x + y) / 2);
	for (int i = 0; i < 60; i++)
	{
		int n = 10 + 4 * (i % 5); /* two pixels of a line lie at nodes, 1 and 3 */
		sc_augment_config config = quiet(n);
		sc_view_draw d;
		float *out;

		config.min_scale = config.max_scale = 0.25f;
		config.elastic = 0.03f;
		config.elastic_prob = 0.5f;
		config.hf_prob = 0.5f;
		out = view(&image, &config, 2000 + i, &d);
		bent += d.elastic;
		for (int row = 1; row <= 3; row += 2)
			for (int column = 1; column <= 3; column += 2)
			{
				int x = n * column / 4, y = n * row / 4;
				double u = x + 0.5 - 0.5 * n + n * (double) d.bend[SC_BEND_X][row][column];
				double v = y + 0.5 - 0.5 * n + n * (double) d.bend[SC_BEND_Y][row][column];

				u = d.x + 0.5 * d.width + (d.hflip ? -u : u) * d.width / n;
				v = d.y + 0.5 * d.height + v * d.height / n;
				if (u > 8 && v > 8 && u < side - 8 && v < side - 8)
					CLOSE(255 * out[3 * (y * n + x)], 20 + (u + v - 1) / 2 - 0.25, 0.5);
			}
		free(out);
	}
	CHECK(bent > 15 && bent < 45, "%d of 60", bent);
	free(p);
}

/* A distortion by next to nothing is the view on the way of turned ones. */
static void
test_elastic_is_small(void)
{
	sc_image image = picture(128, 128, 3);
	sc_augment_config config = quiet(24);
	sc_view_draw d;
	float *a, *b;
	double far = 0;

	config.shear = 1e-9f;
	a = view(&image, &config, 1, &d);
	config.elastic = 1e-9f;
	config.elastic_prob = 1;
	b = view(&image, &config, 1, &d);
	for (int i = 0; i < 3 * 24 * 24; i++)
		far = fmax(far, fabs((double) a[i] - b[i]));
	CHECK(d.elastic && far < 1e-5, "off by %g", far);
	free(a);
	free(b);
	release(image);
}

/* Turned by no angle, but on the way of turned views: close to the plain way. */
static void
test_turned_is_antialiased(void)
{
	sc_image image = picture(128, 128, 3);
	sc_augment_config config = quiet(16);
	sc_view_draw d;
	float *a, *b;
	double mean_a = 0, mean_b = 0, dev = 0;

	config.shear = 1e-9f;
	a = view(&image, &config, 1, &d);
	b = plain(&image, 16);
	for (int i = 0; i < 3 * 256; i++)
	{
		mean_a += a[i] / 768;
		mean_b += b[i] / 768;
		dev += (a[i] - b[i]) * (a[i] - b[i]) / 768;
	}
	CLOSE(mean_a, mean_b, 0.01);
	/* Single pixels of this picture deviate by 0.29. */
	CHECK(sqrt(dev) < 0.05, "deviates by %g", sqrt(dev));
	free(a);
	free(b);
	release(image);
}

static void
test_morphology(void)
{
	int seen[3] = {0};

	for (int i = 0; i < 60; i++)
	{
		int n = i % 4 == 0 ? 41 : i % 4 == 1 ? 40 : i % 4 == 2 ? 1 : 13;
		int radius = n <= 40 ? 1 : 2;
		sc_image image = picture(50, 50, i % 2 ? 3 : 1);
		sc_augment_config config = quiet(n);
		sc_view_draw d;
		float *in = plain(&image, n);
		float *wanted = malloc(sizeof(float) * 3 * n * n);
		float *out;

		config.morph_prob = 0.7f;
		out = view(&image, &config, i, &d);
		seen[d.morph + 1]++;
		for (int y = 0; y < n; y++)
			for (int x = 0; x < n; x++)
				for (int c = 0; c < 3; c++)
				{
					float best = in[(y * n + x) * 3 + c];

					for (int v = y - radius; v <= y + radius; v++)
						for (int u = x - radius; u <= x + radius; u++)
							if (d.morph != 0 && u >= 0 && v >= 0 && u < n && v < n)
							{
								float other = in[(v * n + u) * 3 + c];

								best = d.morph > 0 ? fmaxf(best, other) : fminf(best, other);
							}
					wanted[(y * n + x) * 3 + c] = best;
				}
		CHECK(worst(out, wanted, n) == 0, "view %d: off by %g", i, worst(out, wanted, n));
		free(out);
		free(wanted);
		free(in);
		release(image);
	}
	CHECK(seen[0] > 5 && seen[1] > 5 && seen[2] > 5, "%d %d %d", seen[0], seen[1], seen[2]);
}

static double
unit_range(double x)
{
	return x < 0 ? 0 : x > 1 ? 1 : x;
}

static double
luma(const double *rgb)
{
	return 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];
}

/* Smith's hexcone ("Color gamut transform pairs", 1978), case by case. */
static void
turn_hue(double *rgb, double shift)
{
	double high = fmax(rgb[0], fmax(rgb[1], rgb[2]));
	double low = fmin(rgb[0], fmin(rgb[1], rgb[2]));
	double h, s, f, p, q, t;

	if (high == low)
		return;
	s = (high - low) / high;
	if (rgb[0] == high)
		h = (rgb[1] - rgb[2]) / (high - low);
	else if (rgb[1] == high)
		h = 2 + (rgb[2] - rgb[0]) / (high - low);
	else
		h = 4 + (rgb[0] - rgb[1]) / (high - low);
	h = h / 6 + shift;
	h = 6 * (h - floor(h));
	f = h - floor(h);
	p = high * (1 - s);
	q = high * (1 - s * f);
	t = high * (1 - s * (1 - f));
	switch ((int) floor(h) % 6)
	{
		case 0:
			rgb[0] = high, rgb[1] = t, rgb[2] = p;
			break;
		case 1:
			rgb[0] = q, rgb[1] = high, rgb[2] = p;
			break;
		case 2:
			rgb[0] = p, rgb[1] = high, rgb[2] = t;
			break;
		case 3:
			rgb[0] = p, rgb[1] = q, rgb[2] = high;
			break;
		case 4:
			rgb[0] = t, rgb[1] = p, rgb[2] = high;
			break;
		default:
			rgb[0] = high, rgb[1] = p, rgb[2] = q;
	}
}

static void
test_jitter_and_gray(void)
{
	int changed = 0;

	for (int i = 0; i < 120; i++)
	{
		int n = 7 + i % 11;
		sc_image image = picture(29, 29, i % 4 == 0 ? 1 : 3);
		sc_augment_config config = quiet(n);
		sc_view_draw d;
		float *in = plain(&image, n);
		float *wanted = malloc(sizeof(float) * 3 * n * n);
		double *x = malloc(sizeof(double) * 3 * n * n);
		float *out;

		config.cj_prob = 0.8f;
		config.cj_bright = config.cj_contrast = config.cj_sat = i % 2 ? 0.8f : 1.5f;
		config.cj_hue = 0.2f;
		config.random_gray_scale = 0.3f;
		out = view(&image, &config, i, &d);
		for (int k = 0; k < 3 * n * n; k++)
			x[k] = in[k];
		for (int step = 0; d.jitter && step < SC_JITTER_STEPS; step++)
		{
			double f = d.factor[d.order[step]], mean = 0;

			for (int k = 0; k < n * n; k++)
				mean += luma(x + 3 * k) / (n * n);
			for (int k = 0; k < n * n; k++)
			{
				double *rgb = x + 3 * k, gray = luma(rgb);

				if (d.order[step] == SC_JITTER_HUE)
					turn_hue(rgb, f);
				else
					for (int c = 0; c < 3; c++)
						rgb[c] = unit_range(f * rgb[c] +
											(d.order[step] == SC_JITTER_BRIGHTNESS
												 ? 0
												 : (1 - f) * (d.order[step] == SC_JITTER_CONTRAST ? mean : gray)));
			}
		}
		for (int k = 0; k < n * n; k++)
			for (int c = 0; c < 3; c++)
				wanted[3 * k + c] = (float) (d.gray ? luma(x + 3 * k) : x[3 * k + c]);
		CHECK(worst(out, wanted, n) < 2e-5, "view %d: off by %g", i, worst(out, wanted, n));
		changed += worst(out, in, n) > 0.05;
		free(out);
		free(x);
		free(wanted);
		free(in);
		release(image);
	}
	CHECK(changed > 80, "%d views changed", changed);
}

static void
test_blur(void)
{
	for (int i = 0; i < 40; i++)
	{
		int n = i < 3 ? 1 + i : 5 + i % 17;
		sc_image image = picture(29, 29, i % 2 ? 1 : 3);
		sc_augment_config config = quiet(n);
		sc_view_draw d;
		float *in = plain(&image, n);
		float *wanted = malloc(sizeof(float) * 3 * n * n);
		float *out;
		int radius;

		config.gaussian_blur = 1;
		config.sigma_min = 0.1f;
		config.sigma_max = i % 5 == 0 ? 7 : 2;
		out = view(&image, &config, i, &d);
		radius = SC_MIN((int) ceil(3.0 * d.sigma), n - 1);
		for (int y = 0; y < n; y++)
			for (int x = 0; x < n; x++)
				for (int c = 0; c < 3; c++)
				{
					double sum = 0, weight = 0;

					for (int dy = -radius; dy <= radius; dy++)
						for (int dx = -radius; dx <= radius; dx++)
						{
							double w = exp(-0.5 * (dx * dx + dy * dy) / ((double) d.sigma * d.sigma));
							int u = abs(x + dx), v = abs(y + dy);

							u = u < n ? u : 2 * (n - 1) - u;
							v = v < n ? v : 2 * (n - 1) - v;
							sum += w * in[(v * n + u) * 3 + c];
							weight += w;
						}
					wanted[(y * n + x) * 3 + c] = (float) (sum / weight);
				}
		CHECK(worst(out, wanted, n) < 2e-6, "view %d, sigma %g: off by %g", i, d.sigma, worst(out, wanted, n));
		free(out);
		free(wanted);
		free(in);
		release(image);
	}
}

/* |count - n p| within five standard deviations. */
static void
frequency(int count, int n, double p)
{
	CHECK(fabs(count - n * p) <= 5 * sqrt(n * p * (1 - p)) + 1e-9, "%d of %d, expected %g", count, n, n * p);
}

#define DRAWS 50000

static void
test_distributions(void)
{
	sc_augment_config config = quiet(64);
	int hflip = 0, vflip = 0, quarter = 0, dilate = 0, erode = 0, jitters = 0, gray = 0, blurs = 0, orders[256] = {0},
		areas[10] = {0}, ratios[10] = {0}, steps[4][10] = {{0}};

	config.min_scale = 0.2f;
	config.max_scale = 0.5f; /* small enough that the first try fits */
	config.min_ratio = 0.5f;
	config.max_ratio = 2.0f;
	config.hf_prob = 0.5f;
	config.vf_prob = 0.1f;
	config.rr_prob = 0.3f;
	config.morph_prob = 0.5f;
	config.cj_prob = 0.8f;
	config.cj_bright = 0.4f;
	config.cj_contrast = 1.5f;
	config.cj_sat = 0.8f;
	config.cj_hue = 0.2f;
	config.random_gray_scale = 0.2f;
	config.gaussian_blur = 0.6f;
	config.sigma_min = 1;
	config.sigma_max = 3;
	for (int i = 0; i < DRAWS; i++)
	{
		sc_rng rng = sc_rng_stream(3, (uint64_t) i, 1, 2);
		sc_view_draw d;
		double share, bend;

		sc_view_draw_all(&d, &config, 1000, 1000, &rng);
		share = ((double) d.width * d.height / 1e6 - 0.2) / 0.3;
		bend = (log((double) d.width / d.height) / log(2) + 1) / 2;
		CHECK(d.x >= 0 && d.y >= 0 && d.width >= 1 && d.height >= 1 && d.x + d.width <= 1000 &&
				  d.y + d.height <= 1000 && share > -0.01 && share < 1.01 && bend > -0.01 && bend < 1.01,
			  "%d %d %d %d", d.x, d.y, d.width, d.height);
		areas[SC_MAX(0, SC_MIN(9, (int) (10 * share)))]++;
		ratios[SC_MAX(0, SC_MIN(9, (int) (10 * bend)))]++;
		hflip += d.hflip;
		vflip += d.vflip;
		quarter += d.quarter;
		dilate += d.morph > 0;
		erode += d.morph < 0;
		jitters += d.jitter;
		gray += d.gray;
		blurs += d.sigma > 0;
		if (d.sigma > 0)
			CHECK(d.sigma >= 1 && d.sigma < 3, "%g", d.sigma);
		if (d.jitter)
		{
			double low[4] = {0.6, 0, 0.2, -0.2}, high[4] = {1.4, 2.5, 1.8, 0.2};

			orders[d.order[0] + 4 * d.order[1] + 16 * d.order[2] + 64 * d.order[3]]++;
			for (int k = 0; k < 4; k++)
			{
				double at = (d.factor[k] - low[k]) / (high[k] - low[k]);

				CHECK(at > -1e-6 && at < 1 + 1e-6, "factor %d is %g", k, d.factor[k]);
				steps[k][SC_MAX(0, SC_MIN(9, (int) (10 * at)))]++;
			}
		}
	}
	frequency(hflip, DRAWS, 0.5);
	frequency(vflip, DRAWS, 0.1);
	frequency(quarter, DRAWS, 0.3);
	frequency(dilate, DRAWS, 0.25);
	frequency(erode, DRAWS, 0.25);
	frequency(jitters, DRAWS, 0.8);
	frequency(gray, DRAWS, 0.2);
	frequency(blurs, DRAWS, 0.6);
	for (int i = 0; i < 10; i++)
	{
		frequency(areas[i], DRAWS, 0.1);
		frequency(ratios[i], DRAWS, 0.1);
		for (int k = 0; k < 4; k++)
			frequency(steps[k][i], jitters, 0.1);
	}
	for (int i = 0; i < 256; i++)
	{
		int a = i & 3, b = i >> 2 & 3, c = i >> 4 & 3, e = i >> 6;

		if (a != b && a != c && a != e && b != c && b != e && c != e)
			frequency(orders[i], jitters, 1.0 / 24);
		else
			CHECK(orders[i] == 0, "order %x", i);
	}

	/* Each node is moved on its own, by a normal distance. */
	config = quiet(64);
	config.elastic = 0.05f;
	config.elastic_prob = 0.8f;
	{
		int bent = 0, within[2] = {0};
		double sum = 0, squares = 0, both = 0;

		for (int i = 0; i < DRAWS; i++)
		{
			sc_rng rng = sc_rng_stream(6, (uint64_t) i, 1, 2);
			sc_view_draw d;
			double x, y;

			sc_view_draw_all(&d, &config, 100, 100, &rng);
			x = (double) d.bend[SC_BEND_X][i % 5][i / 5 % 5] / 0.05;
			y = (double) d.bend[SC_BEND_Y][i / 5 % 5][i % 5] / 0.05;
			bent += d.elastic;
			within[0] += d.elastic && fabs(x) < 0.6745; /* half of all */
			within[1] += d.elastic && fabs(y) < 0.6745;
			sum += x + y;
			squares += x * x + y * y;
			both += x * y;
		}
		frequency(bent, DRAWS, 0.8);
		frequency(within[0], bent, 0.5);
		frequency(within[1], bent, 0.5);
		CLOSE(sum / (2.0 * bent), 0, 4 / sqrt(2.0 * bent));
		CLOSE(squares / (2.0 * bent), 1, 6 / sqrt(2.0 * bent));
		CLOSE(both / bent, 0, 4 / sqrt(bent));
	}

	/* Angles and shears are uniform; crops lie anywhere they fit. */
	config = quiet(64);
	config.min_scale = config.max_scale = 0.25f;
	config.rr_prob = 1;
	config.rr_degrees = 20;
	config.shear = 0.25f;
	{
		int angles[10] = {0}, shears[10] = {0}, left[51] = {0};

		for (int i = 0; i < DRAWS; i++)
		{
			sc_rng rng = sc_rng_stream(4, (uint64_t) i, 1, 2);
			sc_view_draw d;

			sc_view_draw_all(&d, &config, 100, 100, &rng);
			CHECK(!d.quarter && d.width == 50 && d.height == 50, "%d %d", d.width, d.height);
			angles[SC_MAX(0, SC_MIN(9, (int) (10 * (d.angle * 180 / M_PI + 20) / 40)))]++;
			shears[SC_MAX(0, SC_MIN(9, (int) (10 * (d.shear + 0.25) / 0.5)))]++;
			left[SC_MAX(0, SC_MIN(50, d.x))]++;
		}
		for (int i = 0; i < 10; i++)
		{
			frequency(angles[i], DRAWS, 0.1);
			frequency(shears[i], DRAWS, 0.1);
		}
		for (int i = 0; i < 51; i++)
			frequency(left[i], DRAWS, 1.0 / 51);
	}
}

/* No crop of the ratios allowed fits: the largest in the middle. */
static void
test_crop_fallback(void)
{
	sc_augment_config config = quiet(32);
	sc_view_draw d;

	config.min_ratio = 0.75f;
	config.max_ratio = 4.0f / 3.0f;
	for (int i = 0; i < 20; i++)
	{
		sc_rng rng = sc_rng_stream(5, (uint64_t) i, 0, 0);

		sc_view_draw_all(&d, &config, 1000, 100, &rng);
		CHECK(d.width == 133 && d.height == 100 && d.x == 433 && d.y == 0, "%d %d %d %d", d.x, d.y, d.width, d.height);
		sc_view_draw_all(&d, &config, 100, 1000, &rng);
		CHECK(d.width == 100 && d.height == 133 && d.x == 0 && d.y == 433, "%d %d %d %d", d.x, d.y, d.width, d.height);
		sc_view_draw_all(&d, &config, 1, 1, &rng);
		CHECK(d.width == 1 && d.height == 1 && d.x == 0 && d.y == 0, "%d x %d", d.width, d.height);
		sc_view_draw_all(&d, &config, 1000000, 1, &rng);
		CHECK(d.width == 1 && d.height == 1, "%d x %d", d.width, d.height);
	}
}

/* Every image size, everything on: finite values, the same from the same stream. */
static void
test_sizes(void)
{
	for (int i = 0; i < 60; i++)
	{
		int widths[] = {1, 2, 3, 17, 1023, 1025, 3000}, heights[] = {1, 2, 5, 64, 301};
		int n = i % 5 == 0 ? 1 : i % 5 == 1 ? 2 : 8 * (i % 5);
		sc_image image = picture(widths[i % 7], heights[i / 7 % 5], i % 2 ? 1 : 3);
		sc_augment_config config = quiet(n);
		sc_view_draw d;
		float *a, *b;
		bool finite = true;

		config.min_scale = 0.08f;
		config.min_ratio = 0.75f;
		config.max_ratio = 1.33f;
		config.rr_prob = 0.5f;
		config.rr_degrees = i % 3 ? 90 : 0;
		config.shear = i % 4 ? 0.5f : 0;
		config.morph_prob = config.cj_prob = config.gaussian_blur = config.elastic_prob = 0.5f;
		config.elastic = i % 2 ? 0.05f : 1;
		config.cj_bright = config.cj_contrast = config.cj_sat = 0.8f;
		config.cj_hue = 0.5f;
		config.sigma_max = 9;
		a = view(&image, &config, i, &d);
		b = view(&image, &config, i, &d);
		for (int k = 0; k < 3 * n * n; k++)
			finite = finite && a[k] >= -1e-6 && a[k] <= 1 + 1e-6;
		CHECK(finite, "view %d has a value outside of 0 ... 1", i);
		CHECK(memcmp(a, b, sizeof(float) * 3 * n * n) == 0, "view %d differs", i);
		free(a);
		free(b);
		release(image);
	}
}

/* Small pictures and their mirror images: of length 1, less their mean, and the same of an image that is mirrored. */
static void
test_mirror(void)
{
	enum
	{
		IMAGES = 9
	};
	sc_image image[2 * IMAGES];
	float *rows = malloc(sizeof(float) * 2 * IMAGES * SC_MIRROR_DIM);
	float *mirrored = malloc(sizeof(float) * 2 * IMAGES * SC_MIRROR_DIM);

	for (int i = 0; i < IMAGES; i++)
	{
		int w = 16 * (1 + i % 2), h = 32, c = i % 3 == 0 ? 1 : 3;
		uint8_t *p;

		image[i] = picture(w, h, c);
		image[IMAGES + i] = picture(w, h, c);
		p = (uint8_t *) image[IMAGES + i].pixels;
		for (int k = 0; k < w * h * c; k++)
			p[k] = i == 0 ? 77 : image[i].pixels[(k / (w * c) * w + w - 1 - k / c % w) * c + k % c];
		if (i == 0)
			memcpy((uint8_t *) image[i].pixels, p, (size_t) (w * h * c));
	}
	for (int lanes = 1; lanes <= 3; lanes += 2)
	{
		sc_mirror job = {.lanes = lanes, .images = image, .count = 2 * IMAGES, .rows = rows, .mirrored = mirrored};
		sc_arena arena = sc_arena_counter();
		sc_error err = {0};
		void *memory;

		sc_mirror_layout(&job, &arena);
		memory = malloc(sc_arena_need(&arena));
		arena = sc_arena_over(memory, sc_arena_need(&arena));
		sc_mirror_layout(&job, &arena);
		memset(rows, 0xFF, sizeof(float) * 2 * IMAGES * SC_MIRROR_DIM);
		CHECK(sc_pool_run(lanes, sc_mirror_run, &job, &err) == SC_OK, "%s", err.message);
		free(memory);
		for (int i = 0; i < IMAGES; i++)
		{
			const float *a = rows + (size_t) i * SC_MIRROR_DIM, *b = mirrored + (size_t) i * SC_MIRROR_DIM;
			const float *other = rows + (size_t) (IMAGES + i) * SC_MIRROR_DIM;
			double sum = 0, square = 0, far = 0;

			for (int k = 0; k < SC_MIRROR_DIM; k++)
			{
				sum += a[k];
				square += (double) a[k] * a[k];
				far = fmax(far, fabs((double) b[k] - other[k]));
				CHECK(b[k] == a[k / SC_MIRROR_SIDE * SC_MIRROR_SIDE + SC_MIRROR_SIDE - 1 - k % SC_MIRROR_SIDE],
					  "value %d of picture %d", k, i);
			}
			CHECK(fabs(sum) < 1e-4 && far < 1e-4, "picture %d: sum %g, off by %g", i, sum, far);
			CHECK(fabs(square - (i > 0)) < 1e-5, "picture %d has the square %g", i, square);
		}
	}
	for (int i = 0; i < 2 * IMAGES; i++)
		release(image[i]);
	free(rows);
	free(mirrored);
}

/*
 * How a picture was taken: brighter, of more contrast, less sharp, and nothing else moves by it. The picture is a
 * slope and waves that no view of 32 pixels lets out; contrast and brightness are what was asked for.
 */
static sc_image
taken(double brightness, double contrast, double waves)
{
	sc_image image = picture(64, 64, 3);
	uint8_t *p = (uint8_t *) image.pixels;

	for (int i = 0; i < 64 * 64; i++)
	{
		double v = brightness + contrast * sin((i % 64 + 0.5) / 64 * waves * 2 * M_PI);

		for (int c = 0; c < 3; c++)
			p[3 * i + c] = (uint8_t) lrint(255 * v);
	}
	return image;
}

static void
test_capture(void)
{
	enum
	{
		PLAIN,
		BRIGHT,
		CONTRASTY,
		SHARP,
		ONE_TONE,
		IMAGES
	};
	sc_image image[IMAGES] = {taken(0.4, 0.1, 2), taken(0.6, 0.1, 2), taken(0.4, 0.3, 2), taken(0.4, 0.1, 4),
							  taken(0.4, 0, 1)};
	double traits[IMAGES][SC_CAPTURE_TRAITS], first[IMAGES][SC_CAPTURE_TRAITS];

	for (int lanes = 1; lanes <= 3; lanes++)
	{
		sc_capture job = {.lanes = lanes, .images = image, .count = IMAGES, .traits = traits[0]};
		sc_arena arena = sc_arena_counter();
		sc_error err = {0};
		void *memory;

		sc_capture_layout(&job, &arena);
		memory = malloc(sc_arena_need(&arena));
		arena = sc_arena_over(memory, sc_arena_need(&arena));
		sc_capture_layout(&job, &arena);
		CHECK(sc_pool_run(lanes, sc_capture_run, &job, &err) == SC_OK, "%s", err.message);
		free(memory);
		if (lanes == 1)
			memcpy(first, traits, sizeof(traits));
		CHECK(memcmp(first, traits, sizeof(traits)) == 0, "%d lanes differ", lanes);
	}
	/* The deviation of a wave is its height over the root of 2. A pixel of the view is two of the picture. */
	CHECK(fabs(traits[PLAIN][SC_CAPTURE_BRIGHTNESS] - 0.4) < 2e-3, "brightness %g",
		  traits[PLAIN][SC_CAPTURE_BRIGHTNESS]);
	CHECK(fabs(traits[PLAIN][SC_CAPTURE_CONTRAST] - log(0.1 / sqrt(2))) < 0.05, "contrast %g",
		  traits[PLAIN][SC_CAPTURE_CONTRAST]);
	CHECK(fabs(traits[BRIGHT][SC_CAPTURE_BRIGHTNESS] - 0.6) < 2e-3, "brightness %g",
		  traits[BRIGHT][SC_CAPTURE_BRIGHTNESS]);
	CHECK(fabs(traits[CONTRASTY][SC_CAPTURE_CONTRAST] - traits[PLAIN][SC_CAPTURE_CONTRAST] - log(3)) < 0.03,
		  "contrast %g, %g", traits[CONTRASTY][SC_CAPTURE_CONTRAST], traits[PLAIN][SC_CAPTURE_CONTRAST]);
	CHECK(fabs(traits[SHARP][SC_CAPTURE_SHARPNESS] - traits[PLAIN][SC_CAPTURE_SHARPNESS] - log(2)) < 0.05,
		  "sharpness %g, %g", traits[SHARP][SC_CAPTURE_SHARPNESS], traits[PLAIN][SC_CAPTURE_SHARPNESS]);
	CHECK(fabs(traits[SHARP][SC_CAPTURE_DETAIL] - traits[PLAIN][SC_CAPTURE_DETAIL] - log(2)) < 0.05, "detail %g, %g",
		  traits[SHARP][SC_CAPTURE_DETAIL], traits[PLAIN][SC_CAPTURE_DETAIL]);
	for (int i = BRIGHT; i <= CONTRASTY; i++)
		CHECK(fabs(traits[i][SC_CAPTURE_SHARPNESS] - traits[PLAIN][SC_CAPTURE_SHARPNESS]) < 0.03,
			  "picture %d: sharpness %g", i, traits[i][SC_CAPTURE_SHARPNESS]);
	CHECK(fabs(traits[CONTRASTY][SC_CAPTURE_BRIGHTNESS] - 0.4) < 2e-3 &&
			  fabs(traits[SHARP][SC_CAPTURE_CONTRAST] - traits[PLAIN][SC_CAPTURE_CONTRAST]) < 0.05,
		  "others move too");
	for (int t = 0; t < SC_CAPTURE_TRAITS; t++)
		CHECK(isfinite(traits[ONE_TONE][t]), "trait %d of one tone", t);
	for (int i = 0; i < IMAGES; i++)
		release(image[i]);
}

/* ---- where edges run ---------------------------------------------------------- */

/* The histogram of a view that rises by one from end to end, along an angle (radians) from the x axis on. */
static void
hog_of_slope(float *out, int n, double angle, const float mean[3], const float std[3])
{
	float *x = malloc(sizeof(float) * 3 * n * n), *gray = malloc(sizeof(float) * n * n);

	for (int i = 0; i < n * n; i++)
		for (int c = 0; c < 3; c++)
			x[3 * i + c] = ((float) ((i % n * cos(angle) + i / n * sin(angle)) / n) - mean[c]) / std[c];
	sc_hog(out, x, n, mean, std, gray);
	free(x);
	free(gray);
}

static void
test_hog(void)
{
	static const float mean[3] = {0.4f, 0.5f, 0.6f}, std[3] = {0.2f, 0.3f, 0.25f};
	float out[SC_HOG_DIM], turned[SC_HOG_DIM];

	/* Every cell has the slope alone: in the two directions next to it, by how near it is to each. */
	for (int i = 0; i < 36; i++)
	{
		double angle = (i + 0.25) * M_PI / 18, at = fmod(angle / M_PI, 1) * SC_HOG_BINS;
		int n = i % 2 ? 40 : 64;

		hog_of_slope(out, n, angle, mean, std);
		for (int k = 0; k < SC_HOG_DIM; k++)
		{
			double off = fabs(k % SC_HOG_BINS - at), share = fmax(0, 1 - fmin(off, SC_HOG_BINS - off));

			CLOSE(out[k], sqrt(share / (SC_HOG_CELLS * SC_HOG_CELLS)), 2e-3);
		}
		/* Dark to bright is bright to dark. */
		hog_of_slope(turned, n, angle + M_PI, mean, std);
		for (int k = 0; k < SC_HOG_DIM; k++)
			CLOSE(turned[k], out[k], 2e-3);
	}
	/* Nothing in it, and one edge in one row of cells of a size that cells do not divide. */
	for (int edge = 0; edge < 2; edge++)
	{
		enum
		{
			N = 37
		};
		float x[3 * N * N], gray[N * N];
		double square = 0;

		for (int i = 0; i < N * N; i++)
			for (int c = 0; c < 3; c++)
				x[3 * i + c] = edge && i / N >= 20 ? 0.75f : 0.25f;
		sc_hog(out, x, N, zero, one, gray);
		for (int k = 0; k < SC_HOG_DIM; k++)
		{
			int row = k / SC_HOG_BINS / SC_HOG_CELLS, bin = k % SC_HOG_BINS;

			square += (double) out[k] * out[k];
			/* Lines 19 and 20 have the slope; it runs downwards, between directions 4 and 5. */
			CHECK((out[k] > 0) == (edge && row == 4 && (bin == 4 || bin == 5)), "value %d is %g", k, out[k]);
		}
		CLOSE(square, edge, 1e-6);
	}
}

#if defined(__x86_64__)

/* Every loop in one instruction set, on the same numbers, into out (3 planes and what fits). */
#define RUN_LOOPS(isa) \
	static void run_loops_##isa(float *out, const float *in, const sc_image *image, int n) \
	{ \
		size_t count = (size_t) n * n; \
		float weights[4] = {0.4f, 0.15f, 0.1f, 0.05f}; \
		float tmp[33 * 33], pad[99]; \
		sc_view_affine m = {1.1, 0.3, 2.0, -0.2, 0.9, 3.0, 2, 3}; \
		m.bend_x = in; \
		m.bend_y = in + n; \
		memcpy(out, in, sizeof(float) * 3 * count); \
		sc_view_scale_##isa(out, 3 * count, 1.3f, -0.1f); \
		sc_view_saturate_##isa(out, count, 1.4f); \
		sc_view_hue_##isa(out, count, 0.37f); \
		out[9 * count] = (float) (sc_view_luma_sum_##isa(out, count, 3) / (double) count); \
		out[9 * count + 1] = (float) (sc_view_luma_sum_##isa(out, count, 1) / (double) count); \
		sc_view_blur_##isa(out, n, weights, 3, tmp, pad); \
		sc_view_morph_##isa(out + count, n, 2, -1, tmp, pad); \
		sc_view_finish_##isa(out + 3 * count, out, count, 3, (float[]){0.1f, 0.2f, 0.3f}, (float[]){0.4f, 0.5f, 0.6f}); \
		for (int y = 0; y < n; y++) \
			sc_view_sample_line_##isa(out + 6 * count, image, &m, y, n); \
	}
RUN_LOOPS(base)
RUN_LOOPS(avx2)
RUN_LOOPS(avx512)

/* The machine's best loops do what the plain ones do, but for rounding. */
static void
test_instruction_sets(void)
{
	for (int n = 5; n <= 33; n += 4)
	{
		size_t count = (size_t) n * n, total = 9 * count + 2;
		float *in = malloc(sizeof(float) * 3 * count);
		float *a = malloc(sizeof(float) * total);
		float *b = malloc(sizeof(float) * total);
		sc_image image = picture(40, 40, 3);
		sc_rng rng = sc_rng_stream(1, 2, 3, (uint64_t) n);

		for (size_t i = 0; i < 3 * count; i++)
			in[i] = sc_rng_uniform(&rng);
		run_loops_base(a, in, &image, n);
		for (sc_isa isa = SC_ISA_AVX2; isa <= sc_isa_best(); isa++)
		{
			double far = 0;

			(isa == SC_ISA_AVX2 ? run_loops_avx2 : run_loops_avx512)(b, in, &image, n);
			for (size_t i = 0; i < total; i++)
				far = fmax(far, fabs((double) a[i] - b[i]));
			CHECK(far < 2e-5, "n %d, instruction set %d: off by %g", n, isa, far);
		}
		free(in);
		free(a);
		free(b);
		release(image);
	}
}

#endif

int
main(int argc, char **argv)
{
	unit_begin(argc, argv);
	CASE ("the plain view is PIL's")
		test_plain_is_pil();
	CASE ("normalisation")
		test_normalisation();
	CASE ("local contrast")
	{
		test_local_contrast(1);
		test_local_contrast(16);
		test_local_contrast(41);
		test_local_contrast_of_view();
	}
	CASE ("crop and flips")
		test_crop_and_flips();
	CASE ("rotation and shear")
		test_rotation_and_shear();
	CASE ("elastic distortion")
	{
		test_elastic();
		test_elastic_is_small();
	}
	CASE ("a turned view is antialiased")
		test_turned_is_antialiased();
	CASE ("dilation and erosion")
		test_morphology();
	CASE ("jitter and gray")
		test_jitter_and_gray();
	CASE ("blur")
		test_blur();
	CASE ("what is drawn")
		test_distributions();
	CASE ("a crop that does not fit")
		test_crop_fallback();
	CASE ("small pictures and their mirror images")
		test_mirror();
	CASE ("how a picture was taken")
		test_capture();
	CASE ("where edges run")
		test_hog();
	CASE ("sizes")
		test_sizes();
#if defined(__x86_64__)
	CASE ("every instruction set beside base")
	{
		if (sc_isa_best() > SC_ISA_BASE)
			test_instruction_sets();
		else
			SKIP("there is no other");
	}
#endif
	return unit_end();
}
