/*-------------------------------------------------------------------------
 *
 * src/core/image/quality.h
 *	  How sharp, how bright and how varied a picture is.
 *
 * All three are in 0 ... 1, and low is bad. They are of its luminance, Y =
 * 0.299 R + 0.587 G + 0.114 B rounded to 0 ... 255, and compare pictures of
 * one size: the caller decodes them so that the short side is SC_QUALITY_SIDE
 * at most. Sums are exact, so that they are the same for any CPU.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_QUALITY_H
#define SC_QUALITY_H

#include "core/base/pool.h"
#include "core/image/image.h"

#define SC_QUALITY_SIDE 256

typedef struct sc_quality
{
	/* set by the caller */
	sc_image image;

	/*
	 * v / (v + 100), v the variance of the Laplacian (the four neighbours minus
	 * four times the pixel; beyond an edge the pixel itself stands): 0.5 is
	 * about where pictures begin to look blurred.
	 */
	double sharpness;
	double brightness; /* the mean, over 255 */
	double entropy;	   /* of the histogram of its 256 values, over 8 bits */
} sc_quality;

/* A job (argument: sc_quality), all of it on the first lane. */
extern sc_status sc_quality_run(const sc_lane *lane, void *quality);

#endif /* SC_QUALITY_H */
