/*-------------------------------------------------------------------------
 *
 * src/core/simclr/local_contrast.h
 *	  Local contrast normalisation of a view.
 *
 * Of each value the mean of its surroundings is taken, and the rest divided by
 * their deviation: a square of a third of the view's side around it, all
 * channels together, so that colours stay as they are to each other. What is
 * left is not how bright or dull a place is, which tells cameras apart, but
 * what is there. (Jarrett, Kavukcuoglu, Ranzato and LeCun, "What is the Best
 * Multi-Stage Architecture for Object Recognition?", ICCV 2009, section 2;
 * their surroundings are weighted and smaller.)
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_LOCAL_CONTRAST_H
#define SC_LOCAL_CONTRAST_H

#include "core/base/status.h"

/* Surroundings of hardly any contrast are divided by so much, lest their noise become the picture. */
#define SC_LEAST_CONTRAST 0.2

/* Sums that are worked in, of views of n pixels a side. */
#define SC_LOCAL_CONTRAST_SUMS(n) (4 * (size_t) (n) + 2)

/* out (n, n, 3) of a normalised view (n, n, 3), which it must not overlap; sums: SC_LOCAL_CONTRAST_SUMS(n). */
extern void sc_local_contrast(float *out, const float *view, int n, double *sums);

#endif /* SC_LOCAL_CONTRAST_H */
