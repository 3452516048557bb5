/*-------------------------------------------------------------------------
 *
 * tests/demo/make_pictures.c
 *	  The pictures of the demonstration, drawn by rule.
 *
 *   make_pictures DIR [COUNT [SEED]]
 *
 * Writes COUNT (600) JPEG files of 96 by 96 pixels and truth.csv (name,kind)
 * into DIR. A kind is a shape (discs, rings, standing bars, lying bars) on a
 * ground with a pattern (stripes, dots): 8 kinds, equally often, in random
 * order. All else is random: where the objects lie and how many there are,
 * their size, colour and turn, the colours of the ground, and from where the
 * light falls. Colours and light differ from one end of a picture to the other
 * and from object to object, so that nothing but the kind is the same all over
 * a picture, and no pixel and no colour tells it. The same SEED gives the same
 * pictures; another compiler may round a few pixels otherwise.
 *
 *-------------------------------------------------------------------------
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/encode.h"
#include "core/base/rng.h"

#define SIDE 96
#define KINDS 8
#define MAX_OBJECTS 14
#define SUBPIXELS 3 /* a pixel is the mean of 3 x 3 points */

typedef struct rgb
{
	float c[3];
} rgb;

typedef struct object
{
	float x,			   /* centre, in pixels */
		y, radius, cosine, /* of the turn */
		sine;
	rgb colour;
} object;

static const char *const shape_names[] = {"discs", "rings", "standing bars", "lying bars"};
static const char *const pattern_names[] = {"stripes", "dots"};

/* Hue 0 ... 6, saturation and value 0 ... 1. */
static rgb
from_hsv(float h, float s, float v)
{
	rgb out;

	for (int i = 0; i < 3; i++)
	{
		float k = fmodf(5 - 2 * (float) i + h, 6);
		float edge = fminf(fminf(k, 4 - k), 1);

		out.c[i] = v - v * s * fmaxf(edge, 0);
	}
	return out;
}

/* Is (u, v), in radii from the centre, inside the shape? */
static int
inside(int shape, float u, float v)
{
	float r = u * u + v * v;

	switch (shape)
	{
		case 0:
			return r < 0.9f;
		case 1:
			return r < 1.15f && r > 0.55f;
		case 2:
			return fabsf(u) < 0.36f && fabsf(v) < 1.15f;
		default:
			return fabsf(u) < 1.15f && fabsf(v) < 0.36f;
	}
}

/* Which of the two tones of the ground is at (x, y)? */
static int
ground_at(int pattern, float x, float y, float period)
{
	y = (y / period - floorf(y / period) - 0.5f) * period;
	if (pattern == 0)
		return fabsf(y) < 0.25f * period;
	x = (x / period - floorf(x / period) - 0.5f) * period;
	return x * x + y * y < 0.085f * period * period;
}

/* 0 ... 1: how far (x, y) lies along the picture in that direction. */
static float
along(float direction, float x, float y)
{
	return (cosf(direction) * (x / SIDE - 0.5f) + sinf(direction) * (y / SIDE - 0.5f)) / 1.42f + 0.5f;
}

/* Objects that do not touch each other; how many there are. */
static int
place_objects(sc_rng *rng, object *objects)
{
	int wanted = 9 + (int) sc_rng_below(rng, 5);
	int n = 0;

	for (int tries = 0; n < wanted && tries < 600; tries++)
	{
		object o;
		float turn = sc_rng_range(rng, -0.2f, 0.2f);
		float hue, saturation;
		int free = 1;

		o.radius = sc_rng_range(rng, 9.5f, 12.5f);
		o.x = sc_rng_range(rng, 0, SIDE);
		o.y = sc_rng_range(rng, 0, SIDE);
		o.cosine = cosf(turn);
		o.sine = sinf(turn);
		hue = sc_rng_range(rng, 0, 6);
		saturation = sc_rng_range(rng, 0.05f, 0.45f);
		o.colour = from_hsv(hue, saturation, sc_rng_range(rng, 0.85f, 1));
		for (int i = 0; i < n && free; i++)
			free = hypotf(o.x - objects[i].x, o.y - objects[i].y) > 0.95f * (o.radius + objects[i].radius);
		if (free)
			objects[n++] = o;
	}
	return n;
}

static void
draw(uint8_t *pixels, int kind, sc_rng *rng)
{
	object objects[MAX_OBJECTS];
	int count = place_objects(rng, objects);
	float light = sc_rng_range(rng, 0, 6.2831853f), strength = sc_rng_range(rng, 0.05f, 0.3f),
		  slope = sc_rng_range(rng, 0, 6.2831853f), turn = sc_rng_range(rng, -0.15f, 0.15f),
		  period = sc_rng_range(rng, 9.5f, 11.5f), phase = sc_rng_range(rng, 0, 100);
	rgb ground[2][2]; /* tone; at one end of the slope and at the other */

	for (int end = 0; end < 2; end++)
	{
		float hue = sc_rng_range(rng, 0, 6);
		float saturation = sc_rng_range(rng, 0.05f, 0.45f);

		ground[0][end] = from_hsv(hue, saturation, 0.1f);
		ground[1][end] = from_hsv(hue, saturation, 0.45f);
	}

	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++)
		{
			float sum[3] = {0, 0, 0};
			float lit = 1 - strength + strength * 2 * along(light, (float) x, (float) y);

			for (int s = 0; s < SUBPIXELS * SUBPIXELS; s++)
			{
				float px = (float) x + ((float) (s % SUBPIXELS) + 0.5f) / SUBPIXELS;
				float py = (float) y + ((float) (s / SUBPIXELS) + 0.5f) / SUBPIXELS;
				int tone = ground_at(kind % 2, cosf(turn) * px + sinf(turn) * py + phase,
									 cosf(turn) * py - sinf(turn) * px + phase, period);
				float t = along(slope, px, py);
				rgb c;

				for (int k = 0; k < 3; k++)
					c.c[k] = ground[tone][0].c[k] + t * (ground[tone][1].c[k] - ground[tone][0].c[k]);
				for (int i = 0; i < count; i++)
				{
					const object *o = &objects[i];
					float dx = px - o->x, dy = py - o->y;
					float u = o->cosine * dx + o->sine * dy, v = o->cosine * dy - o->sine * dx;

					if (inside(kind / 2, u / o->radius, v / o->radius))
						c = o->colour;
				}
				for (int k = 0; k < 3; k++)
					sum[k] += c.c[k];
			}
			for (int k = 0; k < 3; k++)
			{
				float value = sum[k] / (SUBPIXELS * SUBPIXELS) * lit * 255 + 4 * sc_rng_normal(rng);

				pixels[((size_t) y * SIDE + (size_t) x) * 3 + (size_t) k] = (uint8_t) fminf(fmaxf(value, 0), 255);
			}
		}
}

static FILE *
create(const char *dir, const char *name)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "wb");
	if (f == NULL)
	{
		perror(path);
		exit(1);
	}
	return f;
}

int
main(int argc, char **argv)
{
	static uint8_t pixels[SIDE * SIDE * 3];
	long count = argc > 2 ? atol(argv[2]) : 600;
	uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : 1;
	size_t capacity = sc_jpeg_bound(SIDE, SIDE, 3);
	uint8_t *bytes = malloc(capacity);
	int *kinds;
	sc_rng order = sc_rng_stream(seed, 0, 0, 0);
	FILE *truth;

	if (argc < 2 || count < 1 || count > 1000000 || bytes == NULL)
	{
		fprintf(stderr, "usage: make_pictures DIR [COUNT [SEED]]\n");
		return 2;
	}
	kinds = malloc(sizeof(int) * (size_t) count);
	if (kinds == NULL)
		return 1;
	for (long i = 0; i < count; i++)
	{
		long j = (long) sc_rng_below(&order, (uint64_t) i + 1);

		kinds[i] = kinds[j];
		kinds[j] = (int) (i % KINDS);
	}

	truth = create(argv[1], "truth.csv");
	fprintf(truth, "name,kind\n");
	for (long i = 0; i < count; i++)
	{
		sc_image image = {SIDE, SIDE, 3, pixels};
		sc_rng rng = sc_rng_stream(seed, 1, (uint64_t) i, 0);
		sc_error err;
		size_t size;
		char name[40];
		FILE *f;

		draw(pixels, kinds[i], &rng);
		if (sc_jpeg_encode(bytes, capacity, &size, &image, 90, NULL, NULL, &err) != SC_OK)
		{
			fprintf(stderr, "%s\n", err.message);
			return 1;
		}
		snprintf(name, sizeof(name), "picture_%04ld.jpg", i + 1);
		f = create(argv[1], name);
		if (fwrite(bytes, 1, size, f) != size || fclose(f) != 0)
		{
			perror(name);
			return 1;
		}
		fprintf(truth, "%s,%s on %s\n", name, shape_names[kinds[i] / 2], pattern_names[kinds[i] % 2]);
	}
	if (fclose(truth) != 0)
	{
		perror("truth.csv");
		return 1;
	}
	free(kinds);
	free(bytes);
	return 0;
}
