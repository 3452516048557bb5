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
#include "core/image/reduce_loops.h"

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

/* Pixels that come of a row. */
static int
pixels_of(int width, int scale)
{
	return (width + scale - 1) / scale;
}

sc_reducer
sc_reducer_layout(sc_arena *arena, const sc_image_plan *plan, int width, int height, int scale)
{
	sc_reducer r = {.width = width,
					.height = height,
					.scale = scale,
					.channels = plan->channels,
					.orientation = plan->orientation};
	size_t came = sc_mul((size_t) pixels_of(width, scale), (size_t) plan->channels);

	sc_image_stored_size(plan, &r.out_width, &r.out_height);
	SC_ASSERT(scale >= 1 && r.out_width >= 1 && r.out_height >= 1);
	SC_ASSERT((int64_t) scale * r.out_width <= width && (int64_t) scale * r.out_height <= height);
	r.sum = SC_TAKE(arena, int32_t, came + SC_REDUCE_PAD);
	r.mean = SC_TAKE(arena, uint8_t, sc_mul((size_t) r.out_width, (size_t) r.channels));
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

void
sc_reducer_row(sc_reducer *r, const uint8_t *row)
{
	size_t values = (size_t) pixels_of(r->width, r->scale) * (size_t) r->channels;
	uint64_t each = (uint64_t) r->scale * (uint64_t) r->out_height;
	uint64_t begin, end, edge;
	sc_reduce_axis axis;

	SC_ASSERT((uint64_t) r->y * (uint64_t) r->scale < (uint64_t) r->height);
	SC_ASSERT((uint64_t) r->width * (uint64_t) r->height <= UINT32_MAX);
	if (r->width == r->out_width && r->height == r->out_height)
	{
		put_row(r, row, r->y++);
		return;
	}

	/* In units, this row goes from begin to end; the current row of the result ends at edge. */
	begin = (uint64_t) r->y * each;
	end = SC_MIN(begin + each, (uint64_t) r->height * (uint64_t) r->out_height);
	edge = ((uint64_t) r->out_y + 1) * (uint64_t) r->height;
	SC_SIMD_CALL(sc_reduce_add)(r->sum, row, (int32_t) (SC_MIN(end, edge) - begin), values, r->y > 0);
	r->y++;
	if (end < edge)
		return;
	axis = (sc_reduce_axis){.columns = r->out_width,
							.wide = r->width,
							.each = r->scale * r->out_width,
							.channels = r->channels,
							.area = (double) r->width * (double) r->height};
	SC_SIMD_CALL(sc_reduce_columns)(r->mean, r->sum, &axis);
	put_row(r, r->mean, r->out_y++);
	SC_SIMD_CALL(sc_reduce_add)(r->sum, row, (int32_t) (end - edge), values, false);
}
