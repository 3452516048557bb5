/*-------------------------------------------------------------------------
 *
 * src/core/simclr/augment_draw.h
 *	  What is random about one view (Chen and others, ICML 2020, appendix A).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_AUGMENT_DRAW_H
#define SC_AUGMENT_DRAW_H

#include "core/simclr/augment.h"

typedef enum sc_jitter_step
{
	SC_JITTER_BRIGHTNESS,
	SC_JITTER_CONTRAST,
	SC_JITTER_SATURATION,
	SC_JITTER_HUE,
	SC_JITTER_STEPS
} sc_jitter_step;

/* Nodes a side of the grid that an elastic distortion moves, and the axes along which. */
#define SC_BEND_NODES 5
enum
{
	SC_BEND_X,
	SC_BEND_Y,
	SC_BEND_AXES
};

typedef struct sc_view_draw
{
	int x, /* the crop, in pixels of the image */
		y, width, height;
	bool hflip, vflip;
	bool quarter; /* rotate by 90 degrees, counter-clockwise */
	double angle; /* otherwise rotate by this, counter-clockwise, in radians */
	double shear; /* x moves by this much per y */
	bool elastic; /* bend, by this much at each node, in shares of the side */
	float bend[SC_BEND_AXES][SC_BEND_NODES][SC_BEND_NODES];
	int morph; /* -1 erosion, 0 none, 1 dilation */
	bool jitter;
	sc_jitter_step order[SC_JITTER_STEPS];
	float factor[SC_JITTER_STEPS]; /* by step; for the hue: the shift, in turns */
	bool gray;
	float sigma; /* of the blur; 0: none */
} sc_view_draw;

/*
 * Draw everything for a view of an image of width x height. In this order:
 *
 *	  up to ten times: area, logarithm of the ratio; and, where that crop fits,
 *	  its x and y;
 *	  horizontal flip; vertical flip; rotation, and its angle where rr_degrees > 0;
 *	  shear where shear > 0; elastic distortion where it may happen, and how each
 *	  node moves, row by row; morphology where morph_prob > 0, and which;
 *	  jitter, and its order and four factors;
 *	  gray; blur, and its sigma.
 *
 * The channels of an image play no part: a grayscale image draws the same.
 */
extern void sc_view_draw_all(sc_view_draw *d, const sc_augment_config *config, int width, int height, sc_rng *rng);

#endif /* SC_AUGMENT_DRAW_H */
