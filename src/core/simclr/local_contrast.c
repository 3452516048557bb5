/*-------------------------------------------------------------------------
 *
 * src/core/simclr/local_contrast.c
 *	  The sums of local_contrast.h: those of columns slide down the view, and
 *	  those along a line of them make the sum of any square.
 *
 * It is compiled once, for any CPU, so that all have the same bits.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/local_contrast.h"

#include <math.h>
#include <string.h>

#include "core/base/arena.h"

/* Sums by column of a view's line, or of some: of the three channels, and of their squares. */
#define SUMS 2

/* Add a line's values and their squares to the sums of columns (n, SUMS), or take them away. */
static void
add_line(double *column, const float *line, int n, double sign)
{
	for (int x = 0; x < n; x++, column += SUMS, line += 3)
	{
		double r = line[0], g = line[1], b = line[2];

		column[0] += sign * (r + g + b);
		column[1] += sign * (r * r + g * g + b * b);
	}
}

/* along (n + 1, SUMS): the sums of the columns before each. */
static void
add_up(double *along, const double *column, int n)
{
	memset(along, 0, SUMS * sizeof(double));
	for (int i = 0; i < n * SUMS; i++)
		along[i + SUMS] = along[i] + column[i];
}

void
sc_local_contrast(float *out, const float *view, int n, double *sums)
{
	int radius = n / 6;
	size_t line = 3 * (size_t) n;
	double *column = sums, *along = sums + SUMS * (size_t) n;

	memset(column, 0, SUMS * (size_t) n * sizeof(double));
	for (int y = 0; y < radius && y < n; y++)
		add_line(column, view + (size_t) y * line, n, 1);
	for (int y = 0; y < n; y++)
	{
		int top = SC_MAX(0, y - radius), bottom = SC_MIN(n, y + radius + 1);

		if (y + radius < n)
			add_line(column, view + (size_t) (y + radius) * line, n, 1);
		if (y - radius > 0)
			add_line(column, view + (size_t) (y - radius - 1) * line, n, -1);
		add_up(along, column, n);
		for (int x = 0; x < n; x++)
		{
			int left = SC_MAX(0, x - radius), right = SC_MIN(n, x + radius + 1);
			double values = 3.0 * (bottom - top) * (right - left);
			const double *before = along + (size_t) left * SUMS, *after = along + (size_t) right * SUMS;
			double mean = (after[0] - before[0]) / values;
			double variance = (after[1] - before[1]) / values - mean * mean;
			double scale = 1 / fmax(sqrt(fmax(variance, 0)), SC_LEAST_CONTRAST);
			size_t at = (size_t) y * line + 3 * (size_t) x;

			for (size_t c = 0; c < 3; c++)
				out[at + c] = (float) ((view[at + c] - mean) * scale);
		}
	}
}
