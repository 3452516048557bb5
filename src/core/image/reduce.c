/*-------------------------------------------------------------------------
 *
 * src/core/image/reduce.c
 *	  Reduction of a picture by area, row by row, and its EXIF orientation.
 *
 * Lengths are counted in units in which both sizes are whole: a pixel of the
 * source is out_width units wide, one of the result is width units wide. A
 * pixel that comes may stand for a square of scale by scale pixels of the
 * source, fewer at the right and the lower edge. All sums are exact; the mean
 * is rounded once.
 *
 *-------------------------------------------------------------------------
 */
#include "core/image/image_parts.h"

#include <string.h>

sc_reducer
sc_reducer_layout(sc_arena *arena, const sc_image_plan *plan, int width, int height, int scale)
{
	sc_reducer r = {.width = width, .height = height, .scale = scale};
	bool turned = plan->orientation >= 5;
	size_t values;

	r.channels = plan->channels;
	r.orientation = plan->orientation;
	r.out_width = turned ? plan->height : plan->width;
	r.out_height = turned ? plan->width : plan->height;
	values = sc_mul((size_t) r.out_width, (size_t) r.channels);
	r.row = SC_TAKE(arena, uint32_t, values);
	r.sum = SC_TAKE(arena, uint64_t, values);
	r.mean = SC_TAKE(arena, uint8_t, values);
	return r;
}

/* Write row y of the reduced picture where it belongs in the upright one. */
static void
put_row(const sc_reducer *r, const uint8_t *row, int y)
{
	size_t c = (size_t) r->channels;
	ptrdiff_t w = r->out_width, h = r->out_height;
	ptrdiff_t at, /* of the first pixel, in pixels */
		step;	  /* from one to the next */
	uint8_t *out;

	switch (r->orientation)
	{
		default:
			memcpy(r->pixels + (size_t) y * (size_t) w * c, row, (size_t) w * c);
			return;
		case 2: /* mirrored */
			at = y * w + w - 1, step = -1;
			break;
		case 3: /* upside down */
			at = (h - 1 - y) * w + w - 1, step = -1;
			break;
		case 4:
			at = (h - 1 - y) * w, step = 1;
			break;
		case 5: /* transposed: the upright picture is h wide */
			at = y, step = h;
			break;
		case 6:
			at = h - 1 - y, step = h;
			break;
		case 7:
			at = (w - 1) * h + h - 1 - y, step = -h;
			break;
		case 8:
			at = (w - 1) * h + y, step = -h;
			break;
	}
	out = r->pixels + at * (ptrdiff_t) c;
	step *= (ptrdiff_t) c;
	for (ptrdiff_t x = 0; x < w; x++, out += step)
		for (size_t k = 0; k < c; k++)
			out[k] = row[(size_t) x * c + k];
}

/* sums (out_width, channels) of one row, each pixel weighted by its units in the column. */
static inline void
reduce_row(const sc_reducer *r, const uint8_t *row, int channels)
{
	uint32_t *sums = r->row;
	uint32_t column = (uint32_t) r->width;
	uint32_t left = column; /* units that the current column still lacks */
	uint32_t each = (uint32_t) r->scale * (uint32_t) r->out_width;
	int pixels = (r->width + r->scale - 1) / r->scale;

	memset(sums, 0, sizeof(*sums) * (size_t) r->out_width * (size_t) channels);
	for (int x = 0; x < pixels; x++, row += channels)
	{
		if (x == pixels - 1) /* less than a square of the source, perhaps: what is lacking */
			each = left;
		if (each < left)
		{
			for (int k = 0; k < channels; k++)
				sums[k] += each * row[k];
			left -= each;
			continue;
		}
		for (int k = 0; k < channels; k++)
			sums[k] += left * row[k];
		sums += channels;
		if (each > left) /* a pixel is no wider than a column: the rest fits in */
			for (int k = 0; k < channels; k++)
				sums[k] = (each - left) * row[k];
		left = column - (each - left);
	}
}

void
sc_reducer_row(sc_reducer *r, const uint8_t *row)
{
	size_t values = (size_t) r->out_width * (size_t) r->channels;
	uint64_t area = (uint64_t) r->width * (uint64_t) r->height;
	uint64_t each = (uint64_t) r->scale * (uint64_t) r->out_height;
	uint64_t begin, end, edge;

	if (r->width == r->out_width && r->height == r->out_height)
	{
		put_row(r, row, r->y++);
		return;
	}
	if (r->channels == 1)
		reduce_row(r, row, 1);
	else
		reduce_row(r, row, 3);

	/* This row lies at begin ... end; the row of the result ends at edge. */
	begin = (uint64_t) r->y * each;
	end = SC_MIN(begin + each, (uint64_t) r->height * (uint64_t) r->out_height);
	edge = ((uint64_t) r->out_y + 1) * (uint64_t) r->height;
	if (r->y++ == 0)
		memset(r->sum, 0, sizeof(*r->sum) * values);
	if (end < edge)
	{
		for (size_t i = 0; i < values; i++)
			r->sum[i] += (end - begin) * r->row[i];
		return;
	}
	/*
	 * Divided in double, which is many times as fast and exact: areas are
	 * below 2^31, so two quotients that differ are 2^-31 apart at least, far
	 * more than a double loses at 255, and its division rounds correctly.
	 */
	for (size_t i = 0; i < values; i++)
	{
		uint64_t sum = r->sum[i] + (edge - begin) * r->row[i];

		r->mean[i] = (uint8_t) ((double) (int64_t) (sum + area / 2) / (double) (int64_t) area);
		r->sum[i] = (end - edge) * r->row[i];
	}
	put_row(r, r->mean, r->out_y++);
}
