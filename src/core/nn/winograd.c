/*-------------------------------------------------------------------------
 *
 * src/core/nn/winograd.c
 *	  Convolution by Winograd's minimal filtering: how a map is cut, how much is
 *	  in work at once, and the passes.
 *
 * Some hundred kilobytes of tiles are transformed, multiplied and transformed
 * back before the next ones are begun, so that what lies between stays in the
 * second cache. A tile's sums are taken over the channels in their order, each
 * in one register: whatever stands beside it, its bits are the same.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/winograd.h"
#include "core/base/arena.h"
#include "core/nn/winograd_parts.h"

#include <string.h>

/* Bytes of tiles in work, and how many tiles at the least: the weights of every point are read once for them. */
#define CHUNK_BYTES ((size_t) 512 << 10)
#define CHUNK_TILES 48

/* Multiplications between two looks at the stop flag: 3 ms on a slow CPU. */
#define STOP_WORK ((size_t) 1 << 24)

/* Multiplications for a map and a pair of channels. */
static int
work_of(sc_winograd_form form, int side)
{
	int across = (side + sc_winograd_shape[form].tile - 1) / sc_winograd_shape[form].tile;

	return across * across * sc_winograd_shape[form].points * sc_winograd_shape[form].points;
}

static sc_winograd_form
best_form(int side)
{
	sc_winograd_form best = SC_WINOGRAD_F4;

	if (side <= 2)
		return side == 1 ? SC_WINOGRAD_ONE : SC_WINOGRAD_PAIR;
	if (work_of(SC_WINOGRAD_F3, side) < work_of(best, side))
		best = SC_WINOGRAD_F3;
	/* Its errors are larger, so it must save a quarter: at 5, 10 and the like. */
	if (work_of(SC_WINOGRAD_F5, side) * 4 <= work_of(best, side) * 3)
		best = SC_WINOGRAD_F5;
	return best;
}

static int
tiles_of(const sc_winograd *w, int views)
{
	return views * w->across * w->across;
}

/* Floats from one point to the next of `tiles` tiles in work. */
static size_t
tile_point(int tiles, int channels)
{
	return (size_t) tiles * channels + SC_WINOGRAD_GAP;
}

/* Tiles in work at once: as many as the bytes hold, in whole rows of a product. */
static int
chunk_of(const sc_winograd *w)
{
	size_t tile = (size_t) w->points * (w->config.in + w->columns) * sizeof(float);
	int rows = w->kernels->rows;

	return (int) SC_MAX(CHUNK_BYTES / tile, CHUNK_TILES) / rows * rows;
}

/* Tiles in work at once in a call with so many views. */
static int
in_work(const sc_winograd *w, int views)
{
	return SC_MIN(w->chunk, tiles_of(w, views));
}

typedef struct buffers
{
	float *v; /* (points, tiles, in) */
	float *m; /* (points, tiles, columns) */

	float *sums_of_y; /* (2, columns) of the tiles in work, for an epilogue with sums */

	/* For the gradient alone: */
	float *work; /* (points, rows, panel) of the products */
	float *sums; /* of the products, as transformed weights; where not all tiles are in work at once */
} buffers;

static buffers
lay_out(sc_arena *arena, const sc_winograd *w, int views, bool gradient)
{
	int tiles = in_work(w, views);
	buffers b = {0};

	b.v = SC_TAKE(arena, float, w->points *tile_point(tiles, w->config.in));
	b.m = SC_TAKE(arena, float, w->points *tile_point(tiles, w->columns));
	b.sums_of_y = SC_TAKE(arena, float, gradient ? 0 : 2 * (size_t) w->columns);
	if (gradient)
	{
		b.work = SC_TAKE(arena, float, (size_t) w->points * w->kernels->rows * w->kernels->panel);
		b.sums = SC_TAKE(arena, float, tiles < tiles_of(w, views) ? w->transformed : 0);
	}
	return b;
}

size_t
sc_winograd_scratch(const sc_winograd *w, int views, bool gradient)
{
	sc_arena counter = sc_arena_counter();

	(void) lay_out(&counter, w, views, gradient);
	return sc_arena_need(&counter);
}

bool
sc_winograd_describe(sc_winograd *w, const sc_winograd_config *config)
{
	const sc_winograd_kernels *kernels = SC_SIMD_TABLE(sc_winograd_table, config->isa);
	int points;

	SC_ASSERT(config->side > 0 && config->channel_block > 0);
	SC_ASSERT(config->in % config->channel_block == 0 && config->out % config->channel_block == 0);
	*w = (sc_winograd){.config = *config, .kernels = kernels};
	if (config->precision == SC_PRECISION_BF16 && config->channel_block != 16)
		return false;
	if (config->channel_block % kernels->vector != 0 || config->channel_block > 16)
		return false;
	if (config->form == SC_WINOGRAD_BEST)
		w->config.form = best_form(config->side);
	SC_ASSERT(w->config.form != SC_WINOGRAD_ONE || config->side == 1);
	SC_ASSERT(w->config.form != SC_WINOGRAD_PAIR || config->side == 2);
	points = sc_winograd_shape[w->config.form].points;
	w->points = points * points;
	w->tile = sc_winograd_shape[w->config.form].tile;
	w->across = (config->side + w->tile - 1) / w->tile;
	w->columns = (config->out + kernels->panel - 1) / kernels->panel * kernels->panel;
	w->transformed = w->points * sc_winograd_point(w);
	w->chunk = chunk_of(w);
	return true;
}

sc_status
sc_winograd_transform(const sc_lane *lane, const sc_winograd *w, float *transformed, const float *weights, int part,
					  int parts)
{
	size_t units = (size_t) w->columns / w->kernels->panel * (w->config.in / w->config.channel_block);
	size_t each =
		SC_MAX((size_t) 1, STOP_WORK / 64 / ((size_t) w->points * w->kernels->panel * w->config.channel_block));
	size_t from, to;

	SC_ASSERT((uintptr_t) transformed % SC_ALIGN == 0);
	sc_shard_range(units, parts, part, &from, &to);
	for (; from < to; from += each)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		w->kernels->weights(w, transformed, weights, from, SC_MIN(to, from + each));
	}
	return SC_OK;
}

/* The products of all points; p: those of the first; a, b, c: floats from one point to the next. */
static sc_status
multiply_points(const sc_lane *lane, const sc_winograd *w, sc_winograd_product p, size_t a, size_t b, size_t c)
{
	size_t work = (size_t) p.rows * p.depth * w->columns, done = STOP_WORK;

	for (int point = 0; point < w->points; point++, p.a += a, p.b += b, p.c += c)
	{
		if (done >= STOP_WORK)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			done = 0;
		}
		w->kernels->multiply(&p);
		done += work;
	}
	return SC_OK;
}

/* The sums of the tiles in work, to those of the whole call. */
static void
add_sums(const sc_winograd *w, double *sums, float *part)
{
	for (int i = 0; i < 2; i++)
		for (int c = 0; c < w->config.out; c++)
			sums[(size_t) i * w->config.out + c] += (double) part[(size_t) i * w->columns + c];
	memset(part, 0, 2 * (size_t) w->columns * sizeof(float));
}

sc_status
sc_winograd_run(const sc_lane *lane, const sc_winograd *w, int views, void *y, const void *x, const float *transformed,
				const sc_winograd_epilogue *epilogue, void *scratch)
{
	static const sc_winograd_epilogue none = {0};
	sc_arena arena = sc_arena_over(scratch, sc_winograd_scratch(w, views, false));
	buffers b = lay_out(&arena, w, views, false);
	size_t in = (size_t) w->config.in, columns = (size_t) w->columns, panel = (size_t) w->kernels->panel;
	int all = tiles_of(w, views), most = in_work(w, views);
	size_t vp = tile_point(most, w->config.in), mp = tile_point(most, w->columns);

	SC_ASSERT(sc_arena_ok(&arena) && (uintptr_t) transformed % SC_ALIGN == 0);
	if (epilogue == NULL)
		epilogue = &none;
	if (epilogue->sums != NULL)
	{
		memset(epilogue->sums, 0, 2 * (size_t) w->config.out * sizeof(double));
		memset(b.sums_of_y, 0, 2 * columns * sizeof(float));
	}
	for (sc_winograd_range tiles = {0}; tiles.first < all; tiles.first += most)
	{
		sc_winograd_product p = {.c = b.m,
								 .a = b.v,
								 .b = transformed,
								 .a_row = in,
								 .a_step = 1,
								 .b_panel = in * panel,
								 .b_step = panel,
								 .c_panel = panel,
								 .c_row = columns,
								 .depth = w->config.in,
								 .panels = (int) (columns / panel)};

		tiles.count = p.rows = SC_MIN(most, all - tiles.first);
		w->kernels->input(w, b.v, vp, x, tiles);
		SC_TRY(multiply_points(lane, w, p, vp, sc_winograd_point(w), mp));
		w->kernels->output(w, y, b.m, mp, epilogue, b.sums_of_y, tiles);
		if (epilogue->sums != NULL)
			add_sums(w, epilogue->sums, b.sums_of_y);
	}
	return SC_OK;
}

sc_status
sc_winograd_gradient(const sc_lane *lane, const sc_winograd *w, int views, float *dweights, const void *x,
					 const void *dy, void *scratch)
{
	sc_arena arena = sc_arena_over(scratch, sc_winograd_scratch(w, views, true));
	buffers b = lay_out(&arena, w, views, true);
	size_t in = (size_t) w->config.in, columns = (size_t) w->columns, panel = (size_t) w->kernels->panel;
	int all = tiles_of(w, views), most = in_work(w, views);
	size_t vp = tile_point(most, w->config.in), mp = tile_point(most, w->columns);
	/* sums (panels, in, panel) = tiles of x, transposed, times tiles of dy */
	sc_winograd_product p = {.c = b.sums,
							 .a = b.v,
							 .b = b.m,
							 .a_row = 1,
							 .a_step = in,
							 .b_panel = panel,
							 .b_step = columns,
							 .c_panel = in * panel,
							 .c_row = panel,
							 .rows = w->config.in,
							 .panels = (int) (columns / panel)};

	SC_ASSERT(sc_arena_ok(&arena) && !w->config.transposed);
	for (sc_winograd_range tiles = {0}; tiles.first < all; tiles.first += most)
	{
		p.add = tiles.first > 0;
		tiles.count = p.depth = SC_MIN(most, all - tiles.first);
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		w->kernels->input(w, b.v, vp, x, tiles);
		w->kernels->spread(w, b.m, mp, dy, tiles);
		if (tiles.first + most < all)
			SC_TRY(multiply_points(lane, w, p, vp, mp, sc_winograd_point(w)));
	}
	/* The last products need not be kept: they are transformed as they come. */
	for (int i = 0; i < p.panels; i++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		w->kernels->gradient(w, dweights, &p, vp, mp, i, b.work);
	}
	return SC_OK;
}
