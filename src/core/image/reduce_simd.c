/*-------------------------------------------------------------------------
 *
 * src/core/image/reduce_simd.c
 *	  The loops of a reduction by area.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/reduce_loops.h"

#include <string.h>

void
SC_SIMD(sc_reduce_add)(int32_t *restrict sum, const uint8_t *restrict row, int32_t weight, size_t n, bool add)
{
	if (add)
		for (size_t i = 0; i < n; i++)
			sum[i] += weight * row[i];
	else
		for (size_t i = 0; i < n; i++)
			sum[i] = weight * row[i];
}

/* The colours of a pixel, and one value more, at once. */
typedef int32_t four_ints __attribute__((vector_size(16)));
typedef double four_doubles __attribute__((vector_size(32)));

/*
 * In double, where every sum is exact: it is below 2^40. The mean is multiplied
 * out rather than divided, and exact too. The area is below 2^32 (the limit on
 * pixels is below 2^31, and a JPEG's sides are 16-bit numbers), so half a unit more
 * than a whole sum is at least 2^-33 away from a multiple of the area, in areas;
 * the product, below 256, is right to 2^-44.
 */
static inline void
columns_of_colour(uint8_t *restrict mean, const int32_t *restrict sum, const sc_reduce_axis *axis)
{
	double inverse = 1.0 / axis->area, half = (double) ((int64_t) axis->area / 2) + 0.5;
	double wide = axis->wide, each = axis->each, left = each; /* units of the current pixel that no column has yet */

	for (int x = 0; x < axis->columns; x++, mean += 3)
	{
		double lacks = wide;
		four_doubles total = {half, half, half, half};
		four_ints value, result;

		for (; lacks > left; sum += 3, left = each)
		{
			memcpy(&value, sum, sizeof(value));
			total += left * __builtin_convertvector(value, four_doubles);
			lacks -= left;
		}
		memcpy(&value, sum, sizeof(value));
		total += lacks * __builtin_convertvector(value, four_doubles);
		left -= lacks;
		result = __builtin_convertvector(total * inverse, four_ints);
		for (int c = 0; c < 3; c++)
			mean[c] = (uint8_t) result[c];
	}
}

static inline void
columns_of_gray(uint8_t *restrict mean, const int32_t *restrict sum, const sc_reduce_axis *axis)
{
	double inverse = 1.0 / axis->area, half = (double) ((int64_t) axis->area / 2) + 0.5;
	double wide = axis->wide, each = axis->each, left = each;

	for (int x = 0; x < axis->columns; x++)
	{
		double lacks = wide;
		double total = half;

		for (; lacks > left; sum++, left = each)
		{
			total += left * *sum;
			lacks -= left;
		}
		total += lacks * *sum;
		left -= lacks;
		mean[x] = (uint8_t) (total * inverse);
	}
}

void
SC_SIMD(sc_reduce_columns)(uint8_t *mean, const int32_t *sum, const sc_reduce_axis *axis)
{
	if (axis->channels == 1)
		columns_of_gray(mean, sum, axis);
	else
		columns_of_colour(mean, sum, axis);
}
