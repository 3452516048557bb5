/*-------------------------------------------------------------------------
 *
 * src/core/analytics/candidates_parts.h
 *	  What the files of candidates.h share.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_CANDIDATES_PARTS_H
#define SC_CANDIDATES_PARTS_H

#include "core/analytics/candidates.h"
#include "core/base/bf16.h"

/* Panels of so many rows. */
static inline size_t
sc_candidates_panels(size_t rows, int width)
{
	return (rows + (size_t) width - 1) / (size_t) width;
}

/* m rows of x (m, d), centred and scaled, into out (m, d); their squared norms. */
extern void sc_candidates_load(const sc_candidates *c, const float *x, int m, float *out, double *norm);

#endif /* SC_CANDIDATES_PARTS_H */
