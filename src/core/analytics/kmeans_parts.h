/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_parts.h
 *	  What kmeans.c and kmeans_step.c share, and nobody else needs.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_KMEANS_PARTS_H
#define SC_KMEANS_PARTS_H

/*
 * The nearest of k centres to x (d), from the products dots (k) of x with
 * them, its squared norm xn and theirs, centre_norm (k). Where several are
 * within the error of a product of d terms in float, and where measure_x is
 * not NULL, the distance is computed in double: of measure_x (d) to
 * measure_centre (k, d), which are x and the centres, or what they were before
 * they were centred and scaled. *out: the distance, squared; of equal ones the
 * first is the nearest.
 */
extern int sc_kmeans_choose(const float *x, double xn, const float *dots, const double *centre,
							const double *centre_norm, double largest_norm, int k, int d, const float *measure_x,
							const double *measure_centre, double *out);

#endif /* SC_KMEANS_PARTS_H */
