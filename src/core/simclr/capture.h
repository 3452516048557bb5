/*-------------------------------------------------------------------------
 *
 * src/core/simclr/capture.h
 *	  How pictures were taken, whatever they show: how bright, how contrasty and
 *	  how sharp each is.
 *
 * Of the plain view (augment.h) of SC_CAPTURE_SIDE pixels, in gray.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CAPTURE_H
#define SC_CAPTURE_H

#include <stdatomic.h>

#include "core/simclr/gray.h"

#define SC_CAPTURE_SIDE 32

/* The logarithms are of what is never 0. */
typedef enum sc_capture_trait
{
	SC_CAPTURE_BRIGHTNESS, /* the mean, 0 ... 1 */
	SC_CAPTURE_CONTRAST,   /* ln of the standard deviation */
	SC_CAPTURE_SHARPNESS,  /* ln of the root mean square of the slopes, less the contrast: of any contrast the same */
	SC_CAPTURE_DETAIL,	   /* ln of that of the Laplacian, less that of the slopes: of any outline about the same */
	SC_CAPTURE_TRAITS
} sc_capture_trait;

typedef struct sc_capture
{
	/* set by the caller before sc_capture_layout */
	int lanes; /* of one run, at most */

	/* set by the caller before each run */
	const sc_image *images; /* (count) */
	int count;
	double *traits;	 /* out: (count, SC_CAPTURE_TRAITS) */
	atomic_int next; /* 0 */

	/* scratch */
	sc_gray_space space;
	float *gray; /* (lanes, SC_CAPTURE_SIDE, SC_CAPTURE_SIDE) */
} sc_capture;

/* Count or take the scratch memory. */
extern void sc_capture_layout(sc_capture *capture, sc_arena *arena);

/* The job; arg is a sc_capture. */
extern sc_status sc_capture_run(const sc_lane *lane, void *arg);

#endif /* SC_CAPTURE_H */
