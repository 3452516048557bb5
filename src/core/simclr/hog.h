/*-------------------------------------------------------------------------
 *
 * src/core/simclr/hog.h
 *	  Where the edges of a view run: a histogram of oriented gradients (Dalal
 *	  and Triggs, "Histograms of Oriented Gradients for Human Detection", CVPR
 *	  2005).
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_HOG_H
#define SC_HOG_H

/* The view is cut into so many cells along either side, and half a turn into so many directions. */
#define SC_HOG_CELLS 8
#define SC_HOG_BINS 9
#define SC_HOG_DIM (SC_HOG_CELLS * SC_HOG_CELLS * SC_HOG_BINS)

/*
 * out (SC_HOG_CELLS, SC_HOG_CELLS, SC_HOG_BINS): the root of each direction's share of
 * the gradient of the whole view, so of length 1, or all 0 for a view without
 * any; unlike the paper's, whose blocks are brought to one contrast each. view
 * (side, side, 3), normalised by mean and std, side at least SC_HOG_CELLS; gray:
 * scratch of (side, side).
 */
extern void sc_hog(float *out, const float *view, int side, const float mean[3], const float std[3], float *gray);

#endif /* SC_HOG_H */
