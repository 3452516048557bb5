/*-------------------------------------------------------------------------
 *
 * src/core/simclr/augment.c
 *	  Random views of an image, and the plain view.
 *
 * The semantics are Lightly's and torchvision's; what differs, and why:
 * - Crop, flips, rotation, shear and distortion are one resampling of the image, so a view
 *   is blurred once. Flips and a rotation by 90 degrees move pixels only.
 * - A rotation by another angle, a shear or a distortion shows the image around the crop
 *   where there is one, and beyond the image its edge, not black corners:
 *   these would tell two views of one image by their angle.
 * - Values are float from the resampling on, never rounded to 8 bits.
 * - The blur is the Gaussian filter itself, cut off at three sigma.
 * Shear, morphology and elastic distortion (Simard, Steinkraus and Platt,
 * "Best Practices for Convolutional Neural Networks Applied to Visual Document
 * Analysis", ICDAR 2003) are not Lightly's; they are for strokes (writing).
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/augment.h"

#include <string.h>

#include "core/base/arena.h"
#include "core/simclr/augment_draw.h"
#include "core/simclr/augment_loops.h"
#include "core/simclr/local_contrast.h"

/* Points per pixel and axis where a turned view shrinks the image. */
#define MAX_SAMPLES 8

/* Nodes about a pixel that an elastic distortion is interpolated from, along either axis. */
#define BEND_TAPS 4

typedef struct bend_axis
{
	int *first;	   /* (n): the first of the nodes; those outside of the grid are its edge's */
	float *weight; /* (n, BEND_TAPS) */
} bend_axis;

typedef struct buffers
{
	float *planes;	  /* (3, n, n) */
	float *tmp;		  /* (n, n) */
	float *strip;	  /* (SC_VIEW_STRIP, 3), and a value that is not used */
	float *line;	  /* (n, 3) */
	float *pad;		  /* (3 n) */
	float *weights;	  /* (n) */
	bend_axis bend;	  /* (n) */
	float *line_bend; /* (SC_BEND_AXES, n): of the line at hand */
	sc_view_axis ax;
	sc_view_axis ay;
	double *sums; /* of local contrast */
} buffers;

static sc_view_axis
layout_axis(sc_arena *arena, int n)
{
	sc_view_axis a = {0};

	a.first = SC_TAKE(arena, int, (size_t) n);
	a.count = SC_TAKE(arena, int, (size_t) n);
	a.start = SC_TAKE(arena, float, (size_t) n);
	a.norm = SC_TAKE(arena, float, (size_t) n);
	return a;
}

static buffers
layout(sc_arena *arena, int n)
{
	buffers b;
	size_t plane = sc_mul((size_t) n, (size_t) n);

	b.planes = SC_TAKE(arena, float, sc_mul(3, plane));
	b.tmp = SC_TAKE(arena, float, plane);
	b.strip = SC_TAKE(arena, float, (size_t) SC_VIEW_STRIP * 3 + 1);
	b.line = SC_TAKE(arena, float, sc_mul(3, (size_t) n));
	b.pad = SC_TAKE(arena, float, sc_mul(3, (size_t) n));
	b.weights = SC_TAKE(arena, float, (size_t) n);
	b.bend.first = SC_TAKE(arena, int, (size_t) n);
	b.bend.weight = SC_TAKE(arena, float, sc_mul(BEND_TAPS, (size_t) n));
	b.line_bend = SC_TAKE(arena, float, sc_mul(SC_BEND_AXES, (size_t) n));
	b.ax = layout_axis(arena, n);
	b.ay = layout_axis(arena, n);
	b.sums = SC_TAKE(arena, double, SC_LOCAL_CONTRAST_SUMS(n));
	return b;
}

size_t
sc_augment_scratch_bytes(int input_size)
{
	sc_arena counter = sc_arena_counter();

	(void) layout(&counter, input_size);
	return sc_arena_need(&counter);
}

/* The filter that makes n values of `length`. */
static void
plan_axis(sc_view_axis *a, int length, int n)
{
	double scale = (double) length / n;
	double step = 1.0 / SC_MAX(scale, 1.0);
	double support = SC_MAX(scale, 1.0);

	a->step = (float) step;
	for (int j = 0; j < n; j++)
	{
		double center = (j + 0.5) * scale;
		int first = SC_MAX((int) (center - support + 0.5), 0);
		int end = SC_MIN((int) (center + support + 0.5), length);
		double sum = 0;

		for (int i = first; i < end; i++)
			sum += fmax(0.0, 1.0 - fabs((i + 0.5 - center) * step));
		a->first[j] = first;
		a->count[j] = end - first;
		a->start[j] = (float) ((first + 0.5 - center) * step);
		a->norm[j] = (float) (1.0 / sum);
	}
}

/* The crop, resized, into the planes, each value put where flips and a quarter turn take it. */
static void
resize(const buffers *b, const sc_image *image, const sc_view_draw *d, int n, bool rotate_before_flip)
{
	sc_view_axis ax = b->ax, ay = b->ay;
	bool hflip = d->hflip, vflip = d->vflip;
	int stride = image->width * image->channels;
	const uint8_t *corner = image->pixels + (size_t) d->y * (size_t) stride + (size_t) d->x * (size_t) image->channels;

	plan_axis(&ax, d->width, n);
	plan_axis(&ay, d->height, n);
	/* A flip after a quarter turn is the other flip before it. */
	if (d->quarter && rotate_before_flip)
	{
		hflip = d->vflip;
		vflip = d->hflip;
	}
	for (int y = 0; y < n; y++)
	{
		int row = vflip ? n - 1 - y : y;
		int column = hflip ? n - 1 : 0; /* of the line's first value */
		int step = hflip ? -1 : 1;
		sc_view_place place = {b->planes, row * n + column, step};

		/* Counter-clockwise: (row, column) goes to row n - 1 - column of column row. */
		if (d->quarter)
		{
			place.at = (n - 1 - column) * n + row;
			place.step = -step * n;
		}
		SC_SIMD_CALL(sc_view_resize_line)
		(place, corner, stride, image->channels, d->width, &ax, &ay, y, n, b->strip, b->line);
	}
}

/* How n pixels lie among the nodes: Catmull and Rom's cubic (1974), which is smooth and goes through the nodes. */
static void
plan_bend(const bend_axis *a, int n)
{
	for (int i = 0; i < n; i++)
	{
		float at = ((float) i + 0.5f) / (float) n * (SC_BEND_NODES - 1);
		int node = SC_MIN((int) at, SC_BEND_NODES - 2);
		float t = at - (float) node;
		float *w = a->weight + (size_t) i * BEND_TAPS;

		a->first[i] = node - 1;
		w[0] = 0.5f * t * (t * (2 - t) - 1);
		w[1] = 0.5f * (t * t * (3 * t - 5) + 2);
		w[2] = 0.5f * t * (t * (4 - 3 * t) + 1);
		w[3] = 0.5f * t * t * (t - 1);
	}
}

/* out (n): how far the pixels of line y are moved along one axis, in pixels of the view. */
static void
bend_line(float *out, const bend_axis *a, const float bend[SC_BEND_NODES][SC_BEND_NODES], int y, int n)
{
	float node[SC_BEND_NODES] = {0};

	for (int k = 0; k < BEND_TAPS; k++)
	{
		int row = SC_MAX(0, SC_MIN(a->first[y] + k, SC_BEND_NODES - 1));

		for (int j = 0; j < SC_BEND_NODES; j++)
			node[j] += a->weight[y * BEND_TAPS + k] * (float) n * bend[row][j];
	}
	for (int x = 0; x < n; x++)
	{
		float sum = 0;

		for (int k = 0; k < BEND_TAPS; k++)
			sum += a->weight[x * BEND_TAPS + k] * node[SC_MAX(0, SC_MIN(a->first[x] + k, SC_BEND_NODES - 1))];
		out[x] = sum;
	}
}

/* The crop turned by any angle, sheared, or bent. */
static void
turn(const buffers *b, const sc_image *image, const sc_view_draw *d, int n, bool rotate_before_flip)
{
	double angle = d->quarter ? 0.0 : d->angle;
	double cosine = d->quarter ? 0.0 : cos(angle);
	double sine = d->quarter ? 1.0 : sin(angle);
	double fx = d->hflip ? -1.0 : 1.0;
	double fy = d->vflip ? -1.0 : 1.0;
	double sx = (double) d->width / n;
	double sy = (double) d->height / n;
	sc_view_affine m = {0};

	/*
	 * From the view back to the crop, about the middle of both: the shear, the
	 * rotation, and the flips after it (a mirrored row of the matrix) or before
	 * it (a mirrored column).
	 */
	m.xx = cosine;
	m.xy = cosine * d->shear - sine;
	m.yx = sine;
	m.yy = sine * d->shear + cosine;
	m.xx *= fx * sx;
	m.xy *= (rotate_before_flip ? fy : fx) * sx;
	m.yx *= (rotate_before_flip ? fx : fy) * sy;
	m.yy *= fy * sy;
	m.x0 = d->x + 0.5 * d->width - 0.5 * n * (m.xx + m.xy);
	m.y0 = d->y + 0.5 * d->height - 0.5 * n * (m.yx + m.yy);
	/* A step in the view is this long in the image. */
	m.samples_x = (int) fmin(ceil(fmax(fabs(m.xx), fabs(m.yx)) - 0.25), MAX_SAMPLES);
	m.samples_y = (int) fmin(ceil(fmax(fabs(m.xy), fabs(m.yy)) - 0.25), MAX_SAMPLES);
	m.samples_x = SC_MAX(m.samples_x, 1);
	m.samples_y = SC_MAX(m.samples_y, 1);
	if (d->elastic)
	{
		plan_bend(&b->bend, n);
		m.bend_x = b->line_bend;
		m.bend_y = b->line_bend + n;
	}
	for (int y = 0; y < n; y++)
	{
		if (d->elastic)
			for (int axis = 0; axis < SC_BEND_AXES; axis++)
				bend_line(b->line_bend + (size_t) axis * (size_t) n, &b->bend, d->bend[axis], y, n);
		SC_SIMD_CALL(sc_view_sample_line)(b->planes, image, &m, y, n);
	}
}

/* torchvision's ColorJitter. Saturation and hue leave gray as it is. */
static void
jitter(const buffers *b, const sc_view_draw *d, size_t count, int channels)
{
	for (int i = 0; i < SC_JITTER_STEPS; i++)
	{
		float factor = d->factor[d->order[i]];
		size_t values = count * (size_t) channels;
		double mean;

		switch (d->order[i])
		{
			case SC_JITTER_BRIGHTNESS:
				SC_SIMD_CALL(sc_view_scale)(b->planes, values, factor, 0.0f);
				break;
			case SC_JITTER_CONTRAST:
				mean = SC_SIMD_CALL(sc_view_luma_sum)(b->planes, count, channels) / (double) count;
				SC_SIMD_CALL(sc_view_scale)(b->planes, values, factor, (1.0f - factor) * (float) mean);
				break;
			case SC_JITTER_SATURATION:
				if (channels == 3)
					SC_SIMD_CALL(sc_view_saturate)(b->planes, count, factor);
				break;
			default:
				if (channels == 3)
					SC_SIMD_CALL(sc_view_hue)(b->planes, count, factor);
		}
	}
}

static void
blur(const buffers *b, int n, int channels, float sigma)
{
	int radius = (int) fmin(ceil(3.0 * sigma), n - 1.0);
	double sum = 1;

	for (int i = 1; i <= radius; i++)
		sum += 2 * exp(-0.5 * i * i / ((double) sigma * sigma));
	for (int i = 0; i <= radius; i++)
		b->weights[i] = (float) (exp(-0.5 * i * i / ((double) sigma * sigma)) / sum);
	for (int c = 0; c < channels; c++)
		SC_SIMD_CALL(sc_view_blur)
	(b->planes + (size_t) c * (size_t) n * (size_t) n, n, b->weights, radius, b->tmp, b->pad);
}

void
sc_augment_view(float *out, const sc_image *image, const sc_augment_config *config, sc_rng *rng, void *scratch)
{
	int n = config->input_size;
	size_t count = (size_t) n * (size_t) n;
	int channels = image->channels;
	sc_arena arena = sc_arena_over(scratch, sc_augment_scratch_bytes(n));
	buffers b = layout(&arena, n);
	sc_view_draw d;

	SC_ASSERT(n > 0 && image->width > 0 && image->height > 0 && (channels == 1 || channels == 3));
	sc_view_draw_all(&d, config, image->width, image->height, rng);
	if (d.angle != 0 || d.shear != 0 || d.elastic)
		turn(&b, image, &d, n, config->rotate_before_flip);
	else
		resize(&b, image, &d, n, config->rotate_before_flip);
	if (d.morph != 0)
		for (int c = 0; c < channels; c++)
			SC_SIMD_CALL(sc_view_morph)
	(b.planes + (size_t) c * count, n, n <= 40 ? 1 : 2, (float) d.morph, b.tmp, b.pad);
	if (d.jitter)
		jitter(&b, &d, count, channels);
	if (d.gray && channels == 3)
	{
		SC_SIMD_CALL(sc_view_saturate)(b.planes, count, 0.0f);
		channels = 1;
	}
	if (d.sigma > 0)
		blur(&b, n, channels, d.sigma);
	SC_SIMD_CALL(sc_view_finish)(out, b.planes, count, channels, config->mean, config->std);
	if (config->local_contrast_norm)
		sc_view_local_contrast(out, n, scratch);
}

void
sc_plain_view(float *out, const sc_image *image, int input_size, const float mean[3], const float std[3], void *scratch)
{
	sc_arena arena = sc_arena_over(scratch, sc_augment_scratch_bytes(input_size));
	buffers b = layout(&arena, input_size);
	sc_view_draw whole = {.width = image->width, .height = image->height};

	resize(&b, image, &whole, input_size, false);
	SC_SIMD_CALL(sc_view_finish)(out, b.planes, (size_t) input_size * (size_t) input_size, image->channels, mean, std);
}

void
sc_plain_view_of(float *out, const sc_image *image, const sc_augment_config *config, void *scratch)
{
	sc_plain_view(out, image, config->input_size, config->mean, config->std, scratch);
	if (config->local_contrast_norm)
		sc_view_local_contrast(out, config->input_size, scratch);
}

void
sc_view_local_contrast(float *view, int input_size, void *scratch)
{
	sc_arena arena = sc_arena_over(scratch, sc_augment_scratch_bytes(input_size));
	buffers b = layout(&arena, input_size);

	memcpy(b.planes, view, 3 * (size_t) input_size * (size_t) input_size * sizeof(float));
	sc_local_contrast(view, b.planes, input_size, b.sums);
}
