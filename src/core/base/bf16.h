/*-------------------------------------------------------------------------
 *
 * src/core/base/bf16.h
 *	  Products of rows in bf16, where the CPU multiplies it fast (AVX-512's
 *	  BF16: AMD Zen 4, Intel Cooper Lake and Sapphire Rapids).
 *
 * Twice as fast as in float, with 8 bits of each number in place of 24: for
 * products that only rule out what cannot be near. Sums are float.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SC_BF16_H
#define SC_BF16_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Has it, this CPU and its operating system, and does SELFCLASS_ISA allow it? Constant in a process. */
extern bool sc_bf16_fast(void);

/*
 * The rounding of one number, as a share of it: bf16 has 8 bits. Numbers below
 * the smallest normal float are taken for 0.
 */
#define SC_BF16_ROUNDING 0x1p-8

/*
 * Rows are packed in panels: pairs of numbers of so many rows side by side, the
 * last pair of an odd dimension with a 0. Left and right have each their width.
 */
#define SC_BF16_LEFT 24
#define SC_BF16_RIGHT 16

/* Numbers of a panel of `width` rows of d. */
static inline size_t
sc_bf16_panel(int width, int d)
{
	return (size_t) width * (((size_t) d + 1) / 2);
}

/* Row number `at` of a panel of `width` becomes x (d), or zeros where x is NULL. panel: (sc_bf16_panel(width, d)) */
extern void sc_bf16_pack(uint32_t *panel, int width, int at, const float *x, int d);

/* A whole panel of SC_BF16_RIGHT, of the m rows of x (m, d) and zeros. The same as row by row, and faster. */
extern void sc_bf16_pack_right(uint32_t *panel, const float *x, int m, int d);

/*
 * out (m, n; row stride ld, at least n rounded up to whole panels) = left right^T:
 * panels of m rows of d, and of n. What is beyond row m is not written; what is
 * beyond column n, in whole panels, may be.
 */
extern void sc_bf16_multiply(float *out, int ld, const uint32_t *left, int m, const uint32_t *right, int n, int d);

#endif /* SC_BF16_H */
