/*-------------------------------------------------------------------------
 *
 * src/core/nn/ntxent_parts.h
 *	  What ntxent.c asks of ntxent_simd.c: one row of one tile of logits.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_NTXENT_PARTS_H
#define SC_NTXENT_PARTS_H

#include "core/base/status.h"
#include "core/base/simd.h"

/* The largest of s (n); -infinity where n is 0. */
SC_SIMD_DECLARE(float, sc_ntxent_tile_max, (const float *s, int n));

/* Sum of exp(s[j] - top) over s (n), top no less than any of them. */
SC_SIMD_DECLARE(float, sc_ntxent_tile_sum, (const float *s, int n, float top));

/*
 * s[j] = factor * (p_ij + p_ji), with p_ij = exp(s[j] - top) * share for the
 * row i that this is, and p_ji = exp(s[j] - tops[j]) * shares[j].
 * s, tops, shares (n).
 */
SC_SIMD_DECLARE(void, sc_ntxent_tile_gradient,
				(float *s, int n, float top, float share, const float *tops, const float *shares, float factor));

#endif /* SC_NTXENT_PARTS_H */
