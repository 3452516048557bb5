/*-------------------------------------------------------------------------
 *
 * src/core/simclr/mirror.h
 *	  Small gray pictures of images and of their mirror images, as rows that
 *	  can be compared: whether a set holds mirror images says whether its views
 *	  may be mirrored.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_MIRROR_H
#define SC_MIRROR_H

#include <stdatomic.h>

#include "core/simclr/gray.h"

/* A side of the pictures: enough to tell where what lies. */
#define SC_MIRROR_SIDE 16
#define SC_MIRROR_DIM (SC_MIRROR_SIDE * SC_MIRROR_SIDE)

typedef struct sc_mirror
{
	/* set by the caller before sc_mirror_layout */
	int lanes; /* of one run, at most */

	/* set by the caller before each run */
	const sc_image *images; /* (count) */
	int count;
	float *rows;	 /* (count, SC_MIRROR_DIM): luma less its mean, of length 1; 0 where a picture is of one tone */
	float *mirrored; /* (count, SC_MIRROR_DIM): the same with left and right changed */
	atomic_int next; /* 0 */

	/* scratch */
	sc_gray_space space;
} sc_mirror;

/* Count or take the scratch memory. */
extern void sc_mirror_layout(sc_mirror *mirror, sc_arena *arena);

/* The job; arg is a sc_mirror. */
extern sc_status sc_mirror_run(const sc_lane *lane, void *arg);

#endif /* SC_MIRROR_H */
