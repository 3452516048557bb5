/*-------------------------------------------------------------------------
 *
 * src/core/image/reduce.c
 *	  How large a picture becomes, and its reduction to that by area, row by
 *	  row, and its turning upright.
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

static bool
is_turned(const sc_image_plan *plan)
{
	return plan->orientation >= SC_TRANSPOSE;
}

void
sc_image_plan_size(sc_image_plan *plan, int width, int height, int max_side)
{
	int64_t w = is_turned(plan) ? height : width;
	int64_t h = is_turned(plan) ? width : height;
	int64_t small = SC_MIN(w, h);

	SC_ASSERT(width >= 1 && width <= SC_IMAGE_MAX_SIDE && height >= 1 && height <= SC_IMAGE_MAX_SIDE);
	SC_ASSERT(plan->channels == SC_GRAY || plan->channels == SC_RGB);
	plan->source_width = (int) w;
	plan->source_height = (int) h;
	if (max_side > 0 && small > max_side)
	{
		/* The short side exactly, the long one in proportion, rounded. */
		w = SC_MAX((2 * w * max_side + small) / (2 * small), 1);
		h = SC_MAX((2 * h * max_side + small) / (2 * small), 1);
	}
	plan->width = (int) w;
	plan->height = (int) h;
	plan->bytes = (size_t) w * (size_t) h * (size_t) plan->channels;
}

void
sc_image_stored_size(const sc_image_plan *plan, int *width, int *height)
{
	*width = is_turned(plan) ? plan->height : plan->width;
	*height = is_turned(plan) ? plan->width : plan->height;
}

sc_reducer
sc_reducer_layout(sc_arena *arena, const sc_image_plan *plan, int width, int height, int scale)
{
	sc_reducer r = {.width = width,
					.height = height,
					.scale = scale,
					.channels = plan->channels,
					.orientation = plan->orientation};
	size_t values;

	sc_image_stored_size(plan, &r.out_width, &r.out_height);
	SC_ASSERT(scale >= 1 && r.out_width >= 1 && r.out_height >= 1);
	SC_ASSERT((int64_t) scale * r.out_width <= width && (int64_t) scale * r.out_height <= height);
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
		case SC_MIRROR:
			at = y * w + w - 1, step = -1;
			break;
		case SC_HALF_TURN:
			at = (h - 1 - y) * w + w - 1, step = -1;
			break;
		case SC_FLIP:
			at = (h - 1 - y) * w, step = 1;
			break;
		case SC_TRANSPOSE: /* from here on the upright picture is h wide */
			at = y, step = h;
			break;
		case SC_TURN_RIGHT:
			at = h - 1 - y, step = h;
			break;
		case SC_TRANSVERSE:
			at = (w - 1) * h + h - 1 - y, step = -h;
			break;
		case SC_TURN_LEFT:
			at = (w - 1) * h + y, step = -h;
			break;
	}
	out = r->pixels + at * (ptrdiff_t) c;
	step *= (ptrdiff_t) c;
	for (ptrdiff_t x = 0; x < w; x++, out += step)
		for (size_t k = 0; k < c; k++)
			out[k] = row[(size_t) x * c + k];
}

/* r->row (out_width, channels) = the sums of one row, each pixel weighted by its units in the column. */
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
		/* The last one may stand for less than scale pixels: what the last column lacks is what it has. */
		if (x == pixels - 1)
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
		/* The rest of the pixel, which is no wider than a column, begins the next one. */
		if (each > left)
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

	SC_ASSERT((uint64_t) r->y * (uint64_t) r->scale < (uint64_t) r->height);
	SC_ASSERT(area <= UINT32_MAX);
	if (r->width == r->out_width && r->height == r->out_height)
	{
		put_row(r, row, r->y++);
		return;
	}
	/* Written out, for the compiler makes better code of a number that it knows. */
	if (r->channels == SC_GRAY)
		reduce_row(r, row, SC_GRAY);
	else
		reduce_row(r, row, SC_RGB);

	/* In units, this row goes from begin to end; the current row of the result ends at edge. */
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
	 * Divided in double, which is many times as fast as in integers, and exact.
	 * The area is below 2^32 (the limit on pixels is below 2^31, and a JPEG's sides
	 * are 16-bit numbers), so a quotient that is not whole is at least 2^-32 away
	 * from a whole number. A double below 256 is exact to 2^-45, and its division
	 * rounds correctly.
	 */
	for (size_t i = 0; i < values; i++)
	{
		uint64_t sum = r->sum[i] + (edge - begin) * r->row[i];

		r->mean[i] = (uint8_t) ((double) (int64_t) (sum + area / 2) / (double) (int64_t) area);
		r->sum[i] = (end - edge) * r->row[i];
	}
	put_row(r, r->mean, r->out_y++);
}
