/*-------------------------------------------------------------------------
 *
 * src/core/simclr/augment_loops.h
 *	  The loops of the views, compiled per instruction set (augment_simd.c).
 *
 * A plane is the n x n values of one colour, 0 ... 1.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_AUGMENT_LOOPS_H
#define SC_AUGMENT_LOOPS_H

#include "core/image/image.h"
#include "core/base/simd.h"

/* Columns of the source that are worked on at a time: what fits the first cache. */
#define SC_VIEW_STRIP 1024

/*
 * How one axis of length `length` is resized to n values: value j is the sum
 * over i < count[j] of max(0, 1 - |start[j] + i * step|) * norm[j] times
 * element first[j] + i. A triangle of the width of a pixel of the result,
 * as PIL's antialiased bilinear filter; plain bilinear where it enlarges.
 */
typedef struct sc_view_axis
{
	int *first;	  /* (n) */
	int *count;	  /* (n) */
	float *start; /* (n) */
	float *norm;  /* (n) */
	float step;
} sc_view_axis;

/* Where value x of a line goes: to plane + at + x * step, the next colour a plane further. */
typedef struct sc_view_place
{
	float *plane;
	int at;
	int step;
} sc_view_place;

/* From a pixel of the view to a point of the image: both with the centre of the first pixel at 0.5. */
typedef struct sc_view_affine
{
	double xx, xy, x0, /* x' = xx x + xy y + x0 */
		yx, yy, y0;
	int samples_x, /* points per pixel of the view */
		samples_y;
	const float *bend_x, *bend_y; /* (n): how far the points of the line's pixels lie from there in the view; or NULL */
} sc_view_affine;

/* One line of the view, resized. strip (SC_VIEW_STRIP * channels + 1), line (n * channels): scratch. */
SC_SIMD_DECLARE(void, sc_view_resize_line,
				(sc_view_place out, const uint8_t *pixels, int stride, int channels, int width, const sc_view_axis *ax,
				 const sc_view_axis *ay, int y, int n, float *strip, float *line));
/* Line y of the view, through an affine map; bilinear, pixels at the edge go on outside of the image. */
SC_SIMD_DECLARE(void, sc_view_sample_line, (float *plane, const sc_image *image, const sc_view_affine *m, int y, int n));
/* x = clamp(factor * x + shift), count values */
SC_SIMD_DECLARE(void, sc_view_scale, (float *x, size_t count, float factor, float shift));
/* planes (3, count): factor times the colour, the rest gray; clamped. factor 0 is gray in all planes. */
SC_SIMD_DECLARE(void, sc_view_saturate, (float *planes, size_t count, float factor));
/* planes (3, count): the hue turned by shift turns */
SC_SIMD_DECLARE(void, sc_view_hue, (float *planes, size_t count, float shift));
/* The sum of planes' luma; of one plane where channels is 1. */
SC_SIMD_DECLARE(double, sc_view_luma_sum, (const float *planes, size_t count, int channels));
/* A symmetric filter, weights (radius + 1), of both axes; edges reflected. tmp (n, n), pad (3 n). */
SC_SIMD_DECLARE(void, sc_view_blur, (float *plane, int n, const float *weights, int radius, float *tmp, float *pad));
/* The maximum (sign 1) or minimum (-1) over squares of 2 radius + 1. tmp (n, n), pad (3 n). */
SC_SIMD_DECLARE(void, sc_view_morph, (float *plane, int n, int radius, float sign, float *tmp, float *pad));
/* out (count, 3) from planes (channels, count): (x - mean) / std */
SC_SIMD_DECLARE(void, sc_view_finish,
				(float *out, const float *planes, size_t count, int channels, const float *mean, const float *std));

#endif /* SC_AUGMENT_LOOPS_H */
