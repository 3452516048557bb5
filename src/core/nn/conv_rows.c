/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_rows.c
 *	  Convolution with the pixels of all views as the rows of one product.
 *
 * oneDNN's code takes a row of one view at a time into its registers. Where the
 * maps are small (layer4 has 1 x 1 pixels at 32, 4 x 4 at 128) that leaves most
 * of them empty, and in all that it adds up it multiplies the padding. Here a
 * tile is any pixels of any views that see the same elements of the kernel (in
 * the middle all nine, in a corner four), which are all that is multiplied: of
 * 3x3 on 2x2 pixels 16 of 36, on 4x4 100 of 144. Tensors are read and written
 * in the layout that they have, without patches.
 *
 *	  forward	rows of y: what they see of x, times the weights
 *	  data		rows of dx: what sees them of dy, times the weights, transposed
 *	  weights	each element of the kernel: x, transposed, times dy, over the
 *				pixels that meet there
 *
 * In bf16 two neighbouring channels are multiplied at once; for the gradient of
 * the weights, which adds up over pixels, the same pixel of two views.
 *
 * What is added up, and in which order, is the same for a pixel whatever tile
 * it is in.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/arena.h"
#include "core/nn/conv_parts.h"
#include "core/nn/conv_rows.h"

/* Sides of inputs that there is room for. */
#define MOST_SIDE 64

/* Bytes of weights that a lane goes through again and again: they stay in its second cache. */
#define PANEL_BYTES ((size_t) 320 << 10)

/* Elements of a kernel's row that a pixel sees: bit k is element k. */
#define MASKS 8

/* The positions of the result along one side, by the elements that they see. */
typedef struct axis
{
	int count[MASKS];
	int16_t to[MASKS][MOST_SIDE];	/* positions of the result */
	int16_t from[MASKS][MOST_SIDE]; /* where the first element that they see lies, of the source */
	int step[MASKS][3];				/* ... and how much further element k does */
} axis;

static const sc_rows_loops *
loops_of(sc_precision precision)
{
	if (precision == SC_PRECISION_BF16)
		return SC_SIMD_TABLE(sc_rows_bf16, sc_isa_best());
	return SC_SIMD_TABLE(sc_rows_f32, sc_isa_best());
}

bool
sc_conv_rows_has(const sc_conv *conv)
{
	const sc_conv_config *c = &conv->config;
	const sc_rows_loops *loops = loops_of(c->precision);
	int blocks = SC_MAX(loops->tile_blocks, loops->weight_blocks) * loops->lanes;

	return loops->lanes == c->channel_block && !c->planar && c->kernel <= 3 && c->stride <= 2 && c->side <= MOST_SIDE &&
		   c->in % blocks == 0 && c->out % blocks == 0;
}

/* ---- sizes ------------------------------------------------------------------------- */

static size_t
words_of(const sc_conv *conv, int channels, int side)
{
	return (size_t) channels * side * side / (conv->config.precision == SC_PRECISION_BF16 ? 2 : 1);
}

static int
taps_of(const sc_conv *conv)
{
	return conv->config.kernel * conv->config.kernel;
}

/* Does the pass read other weights than ours? */
static bool
reorders(const sc_conv *conv, sc_conv_pass pass)
{
	return pass == SC_CONV_PASS_DATA || (pass == SC_CONV_PASS_FORWARD && conv->config.precision == SC_PRECISION_BF16);
}

size_t
sc_conv_rows_reordered(const sc_conv *conv, sc_conv_pass pass)
{
	return reorders(conv, pass) ? sc_arena_round(sc_mul(conv->weights, sc_element_bytes(conv->config.precision))) : 0;
}

/* What a gradient of the weights needs. */
typedef struct space
{
	uint32_t *x, *dy; /* pairs of views, in bf16 */
	int32_t *x_at;	  /* (taps, out pixels) */
	int32_t *y_at;	  /* likewise */
} space;

static space
take_space(const sc_conv *conv, sc_arena *arena)
{
	const sc_conv_config *c = &conv->config;
	size_t entries = (size_t) taps_of(conv) * conv->out_side * conv->out_side;
	size_t pairs = (size_t) (c->views + 1) / 2;
	space s = {0};

	s.x_at = SC_TAKE(arena, int32_t, entries);
	s.y_at = SC_TAKE(arena, int32_t, entries);
	if (c->precision == SC_PRECISION_BF16)
	{
		s.x = SC_TAKE(arena, uint32_t, sc_mul(pairs, (size_t) c->in * c->side * c->side));
		s.dy = SC_TAKE(arena, uint32_t, sc_mul(pairs, (size_t) c->out * conv->out_side * conv->out_side));
	}
	return s;
}

size_t
sc_conv_rows_scratch(const sc_conv *conv, sc_conv_pass pass)
{
	sc_arena counter = sc_arena_counter();

	if (pass != SC_CONV_PASS_WEIGHTS)
		return 0;
	(void) take_space(conv, &counter);
	return sc_arena_need(&counter);
}

void
sc_conv_rows_reorder(const sc_conv *conv, sc_conv_pass pass, void *reordered, const float *weights)
{
	const sc_conv_config *c = &conv->config;

	if (reorders(conv, pass))
		loops_of(c->precision)
			->reorder(reordered, weights, c->out / c->channel_block, c->in / c->channel_block, taps_of(conv),
					  pass == SC_CONV_PASS_DATA);
}

/* ---- forward, and the gradient of the input -------------------------------------------- */

/* Where element k meets position `to` of the result, of a source of `side`; -1: nowhere. */
static int
source_of(const sc_conv_config *c, sc_conv_pass pass, int to, int k, int side)
{
	int from;

	if (pass == SC_CONV_PASS_FORWARD)
		from = to * c->stride + k - c->kernel / 2;
	else
	{
		from = to + c->kernel / 2 - k;
		if (from < 0 || from % c->stride != 0)
			return -1;
		from /= c->stride;
	}
	return from < 0 || from >= side ? -1 : from;
}

static void
make_axis(axis *a, const sc_conv *conv, sc_conv_pass pass)
{
	const sc_conv_config *c = &conv->config;
	bool forward = pass == SC_CONV_PASS_FORWARD;
	int side = forward ? c->side : conv->out_side, result = forward ? conv->out_side : c->side;

	memset(a->count, 0, sizeof(a->count));
	for (int to = 0; to < result; to++)
	{
		int mask = 0, first = 0, step[3] = {0};

		for (int k = 0; k < c->kernel; k++)
		{
			int from = source_of(c, pass, to, k, side);

			if (from < 0)
				continue;
			if (mask == 0)
				first = from;
			step[k] = from - first;
			mask |= 1 << k;
		}
		memcpy(a->step[mask], step, sizeof(step));
		a->from[mask][a->count[mask]] = (int16_t) first;
		a->to[mask][a->count[mask]++] = (int16_t) to;
	}
}

/* What a pass goes through: a source, the weights in its order, a result. */
typedef struct job
{
	const sc_conv *conv;
	const sc_rows_loops *loops;
	axis axis;
	const uint32_t *x, *w;
	char *y;
	int in_blocks;				   /* of the source */
	int side, result;			   /* of the source, of the result */
	size_t x_view, x_block, x_row; /* words of the source */
	size_t x_pixel;
	size_t y_view, y_block, y_pixel; /* bytes of the result */
	size_t w_tap, w_block, w_panel;	 /* words of the weights */
} job;

/* The elements of the kernel that the pixels of a group see, by rows and columns. */
static sc_rows_group
group_of(const job *j, int rows, int columns)
{
	const sc_conv_config *c = &j->conv->config;
	sc_rows_group g = {.x_block = j->x_block, .w_block = j->w_block, .w_panel = j->w_panel};

	for (int k = 0; k < c->kernel * c->kernel; k++)
	{
		int ky = k / c->kernel, kx = k % c->kernel;

		if ((rows >> ky & 1) == 0 || (columns >> kx & 1) == 0)
			continue;
		g.x_at[g.taps] = (ptrdiff_t) j->axis.step[rows][ky] * (ptrdiff_t) j->x_row +
						 (ptrdiff_t) j->axis.step[columns][kx] * (ptrdiff_t) j->x_pixel;
		g.w_at[g.taps++] = (size_t) k * j->w_tap;
	}
	return g;
}

/* All pixels of a group, into blocks of channels from `panel` on, from blocks of the source from `block` on. */
static void
run_group(const job *j, const sc_rows_group *g, int rows, int columns, size_t panel, size_t block)
{
	const axis *a = &j->axis;
	const uint32_t *w = j->w + panel * j->w_panel + block * j->w_block;
	sc_rows_tile tile = {.y_block = j->y_block, .add = block > 0};

	for (int v = 0; v < j->conv->config.views; v++)
		for (int i = 0; i < a->count[rows]; i++)
			for (int k = 0; k < a->count[columns]; k++)
			{
				tile.x[tile.rows] = j->x + (size_t) v * j->x_view + block * j->x_block +
									(size_t) a->from[rows][i] * j->x_row + (size_t) a->from[columns][k] * j->x_pixel;
				tile.y[tile.rows++] =
					j->y + (size_t) v * j->y_view + panel * j->y_block +
					((size_t) a->to[rows][i] * (size_t) j->result + (size_t) a->to[columns][k]) * j->y_pixel;
				if (tile.rows < SC_ROWS_TILE)
					continue;
				j->loops->tile(&tile, g, w);
				tile.rows = 0;
			}
	if (tile.rows > 0)
		j->loops->tile(&tile, g, w);
}

/* The blocks of channels that a tile has, from `panel` on, of all pixels. */
static void
run_panel(const job *j, size_t panel)
{
	size_t bytes = (size_t) j->loops->tile_blocks * j->w_block * sizeof(uint32_t);
	/* Sums are laid down between pieces of the source's channels: in float, where that rounds nothing. */
	int step = j->conv->config.precision == SC_PRECISION_F32 ? (int) SC_MAX(1, PANEL_BYTES / bytes) : j->in_blocks;

	for (int block = 0; block < j->in_blocks; block += step)
		for (int rows = 0; rows < MASKS; rows++)
			for (int columns = 0; columns < MASKS; columns++)
			{
				sc_rows_group g;

				if (j->axis.count[rows] == 0 || j->axis.count[columns] == 0)
					continue;
				g = group_of(j, rows, columns);
				g.blocks = SC_MIN(step, j->in_blocks - block);
				/* Pixels that see nothing are 0: once is enough. */
				if (g.taps > 0 || block == 0)
					run_group(j, &g, rows, columns, panel, (size_t) block);
			}
}

static sc_status
run_tiles(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *y, const void *x, const void *weights)
{
	const sc_conv_config *c = &conv->config;
	bool forward = pass == SC_CONV_PASS_FORWARD;
	int in = forward ? c->in : c->out, out = forward ? c->out : c->in, b = c->channel_block;
	size_t words = (size_t) b * sc_element_bytes(c->precision) / sizeof(uint32_t); /* of a pixel's block */
	job j = {.conv = conv, .loops = loops_of(c->precision), .x = x, .w = weights, .y = y};

	make_axis(&j.axis, conv, pass);
	j.side = forward ? c->side : conv->out_side;
	j.result = forward ? conv->out_side : c->side;
	j.in_blocks = in / b;
	j.x_pixel = words;
	j.x_row = words * (size_t) j.side;
	j.x_block = j.x_row * (size_t) j.side;
	j.x_view = words_of(conv, in, j.side);
	j.y_pixel = words * sizeof(uint32_t);
	j.y_block = j.y_pixel * (size_t) j.result * (size_t) j.result;
	j.y_view = words_of(conv, out, j.result) * sizeof(uint32_t);
	j.w_tap = words * (size_t) b;
	j.w_block = j.w_tap * (size_t) taps_of(conv);
	j.w_panel = j.w_block * (size_t) j.in_blocks;
	for (int panel = 0; panel < out / b; panel += j.loops->tile_blocks)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		run_panel(&j, (size_t) panel);
	}
	return SC_OK;
}

/* ---- the gradient of the weights ------------------------------------------------------- */

/* Pairs of views: out (pairs, n) of x (views, n). */
static void
pair_views(uint32_t *out, const void *x, int views, size_t n)
{
	for (int v = 0; v < views; v += 2, out += n)
	{
		const uint16_t *first = (const uint16_t *) x + (size_t) v * n;

		SC_SIMD_CALL(sc_rows_pair)(out, first, v + 1 < views ? first + n : NULL, n);
	}
}

/* Where element k of the kernel meets x, and of which pixels of y it is then a part; returns how many. */
static int
list_pixels(const sc_conv *conv, int k, int32_t *x_at, int32_t *y_at)
{
	const sc_conv_config *c = &conv->config;
	int count = 0;

	for (int p = 0; p < conv->out_side * conv->out_side; p++)
	{
		int y = source_of(c, SC_CONV_PASS_FORWARD, p / conv->out_side, k / c->kernel, c->side);
		int x = source_of(c, SC_CONV_PASS_FORWARD, p % conv->out_side, k % c->kernel, c->side);

		if (y < 0 || x < 0)
			continue;
		x_at[count] = (y * c->side + x) * c->channel_block;
		y_at[count++] = p * c->channel_block;
	}
	return count;
}

static sc_status
run_weights(const sc_lane *lane, const sc_conv *conv, float *dw, const void *x, const void *dy, void *scratch)
{
	const sc_conv_config *c = &conv->config;
	const sc_rows_loops *loops = loops_of(c->precision);
	sc_arena arena = sc_arena_over(scratch, sc_conv_rows_scratch(conv, SC_CONV_PASS_WEIGHTS));
	space s = take_space(conv, &arena);
	int b = c->channel_block, taps = taps_of(conv), blocks = c->in / b;
	size_t pixels = (size_t) conv->out_side * conv->out_side, plane = (size_t) c->side * c->side * b;
	sc_rows_pixels list[SC_ROWS_TAPS];
	const uint32_t *xw = x, *yw = dy;
	int views = c->views;

	if (c->precision == SC_PRECISION_BF16)
	{
		pair_views(s.x, x, views, (size_t) c->in * c->side * c->side);
		pair_views(s.dy, dy, views, (size_t) c->out * pixels);
		xw = s.x;
		yw = s.dy;
		views = (views + 1) / 2;
	}
	for (int k = 0; k < taps; k++)
	{
		int32_t *x_at = s.x_at + (size_t) k * pixels, *y_at = s.y_at + (size_t) k * pixels;

		list[k] = (sc_rows_pixels){.count = list_pixels(conv, k, x_at, y_at),
								   .x_at = x_at,
								   .y_at = y_at,
								   .views = views,
								   .x_view = plane * (size_t) blocks,
								   .y_view = pixels * (size_t) c->out,
								   .y_block = pixels * (size_t) b};
	}
	for (int panel = 0; panel < c->out / b; panel += loops->weight_blocks)
	{
		float *next = dw + (size_t) panel * blocks * taps * b * b;

		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (int block = 0; block < blocks; block++)
			for (int k = 0; k < taps; k++, next += (size_t) b * b)
				loops->weights(next, (size_t) blocks * taps * b * b, &list[k], xw + (size_t) block * plane,
							   yw + (size_t) panel * pixels * (size_t) b);
	}
	return SC_OK;
}

sc_status
sc_conv_rows_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, void *y, void *x, void *weights,
				 void *scratch)
{
	switch (pass)
	{
		case SC_CONV_PASS_FORWARD:
			return run_tiles(lane, conv, pass, y, x, weights);
		case SC_CONV_PASS_DATA:
			return run_tiles(lane, conv, pass, x, y, weights);
		default:
			return run_weights(lane, conv, weights, x, y, scratch);
	}
}
