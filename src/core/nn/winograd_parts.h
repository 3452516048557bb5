/*-------------------------------------------------------------------------
 *
 * src/core/nn/winograd_parts.h
 *	  The loops of winograd.c, once per instruction set, and the layouts between
 *	  them.
 *
 *	  transformed weights		(points, columns / panel, in, panel), each point
 *								SC_WINOGRAD_GAP floats apart from the last
 *	  transformed tiles			(points, tiles, channels), likewise
 *
 * Without the gap the points of a tile would lie a power of two apart and share
 * one set of a cache.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_WINOGRAD_PARTS_H
#define SC_WINOGRAD_PARTS_H

#include "core/nn/winograd.h"

/* A cache line. */
#define SC_WINOGRAD_GAP 16

/* The most points of a tile in one direction. */
#define SC_WINOGRAD_POINTS 7

/* Of each form in one direction: points, pixels of a tile's input and of its output. */
static const struct
{
	int points, input, tile;
} sc_winograd_shape[SC_WINOGRAD_FORMS] = {
	[SC_WINOGRAD_ONE] = {1, 1, 1}, [SC_WINOGRAD_PAIR] = {3, 2, 2}, [SC_WINOGRAD_F2] = {4, 4, 2},
	[SC_WINOGRAD_F3] = {5, 5, 3},  [SC_WINOGRAD_F4] = {6, 6, 4},   [SC_WINOGRAD_F5] = {7, 7, 5},
};

/* The tiles that are in work: `count` from tile `first` on, counted through all views. */
typedef struct sc_winograd_range
{
	int first, count;
} sc_winograd_range;

/* One product of matrices: c (rows, columns) of a (rows, depth) and b (columns / panel, depth, panel). */
typedef struct sc_winograd_product
{
	float *c;
	const float *a, *b;
	size_t a_row, a_step;	/* floats from one row of a to the next, and from one of the depth to the next */
	size_t b_panel, b_step; /* of b: from one panel to the next, and from one of the depth to the next */
	size_t c_panel, c_row;
	int rows, depth, panels;
	bool add; /* to what is there */
} sc_winograd_product;

typedef struct sc_winograd_kernels
{
	int vector; /* floats: a channel block is a multiple of it */
	int panel;	/* output channels that a product has side by side */
	int rows;	/* ... and its tiles */

	/* Units from ... to - 1 of the transformed weights: a panel of output channels and a block of input channels. */
	void (*weights)(const sc_winograd *w, float *transformed, const float *weights, size_t from, size_t to);

	/* Tiles of x, transformed into v; point: floats from one point to the next. */
	void (*input)(const sc_winograd *w, float *v, size_t point, const void *x, sc_winograd_range tiles);

	void (*multiply)(const sc_winograd_product *p);

	/* Tiles of y of their products m. sums (2, columns): added to, where the epilogue has sums. */
	void (*output)(const sc_winograd *w, void *y, const float *m, size_t point, const sc_winograd_epilogue *epilogue,
				   float *sums, sc_winograd_range tiles);

	/* For the gradient: tiles of dy, transformed into d. */
	void (*spread)(const sc_winograd *w, float *d, size_t point, const void *dy, sc_winograd_range tiles);

	/*
	 * ... and dweights of the products of all points, for one panel of output
	 * channels. p: that of the first point, a_point and b_point floats before the
	 * next one; its c is read only, where there is something to add to. work:
	 * (points, rows, panel).
	 */
	void (*gradient)(const sc_winograd *w, float *dweights, const sc_winograd_product *p, size_t a_point,
					 size_t b_point, int panel, float *work);
} sc_winograd_kernels;

SC_SIMD_DECLARE_TABLE(sc_winograd_kernels, sc_winograd_table);

/* Floats from one point of the transformed weights to the next. */
static inline size_t
sc_winograd_point(const sc_winograd *w)
{
	return (size_t) w->config.in * w->columns + SC_WINOGRAD_GAP;
}

#endif /* SC_WINOGRAD_PARTS_H */
