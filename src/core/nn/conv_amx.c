/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_amx.c
 *	  Convolutions on AMX: the passes, group of views by group.
 *
 *	  forward	positions of x times the weights
 *	  data		positions of dy times the weights, transposed
 *	  weights	x, transposed, times dy, added up over positions
 *
 * A sum is taken over the same numbers in the same order whatever group and
 * place its position has: the result for a view does not depend on the others.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv_amx.h"

#include "core/base/amx.h"
#include "core/base/arena.h"
#include "core/nn/conv_amx_plan.h"

#include <string.h>

/* Channels of a block. */
#define BLOCK SC_AMX_HALF
#define BLOCK_BYTES ((size_t) BLOCK * sizeof(uint16_t))

bool
sc_conv_amx_here(int channel_block)
{
	return channel_block == BLOCK && sc_amx_granted();
}

bool
sc_conv_amx_has(const sc_conv *conv)
{
	const sc_conv_config *c = &conv->config;
	bool known = c->planar ? c->in <= 4 && c->kernel <= 7 : (c->kernel == 1 || c->kernel == 3) && c->in % 32 == 0;

	return c->precision == SC_PRECISION_BF16 && known && c->stride <= 2 && c->out % 32 == 0 &&
		   sc_conv_amx_here(c->channel_block);
}

/* ---- memory -------------------------------------------------------------------- */

typedef struct space
{
	char *source;
	int32_t *at; /* (phases, result positions): where the results go */
	float *sums; /* of a product */

	/* the gradient of the weights */
	char *transposed;	 /* (planes, numbers of a tap, row) */
	size_t row, flipped; /* bytes of a row of it, of a plane */
	size_t results;		 /* positions of dy */
	char *dy;			 /* (chunks of 32 channels, results, 32) */
	char *pairs;		 /* (blocks of channels, pairs of results, 16, 2) */
	float *dw;			 /* of the input: (rows of the kernel, 32, 16) for each block of the output */
	sc_amx_run *runs;	 /* (elements, phases) */
	int *count;			 /* (elements): of those, how many there are */
} space;

/* Rows at an odd number of cache lines do not fall on one another. */
static size_t
odd_lines(size_t bytes)
{
	return bytes / SC_ALIGN % 2 == 0 ? bytes + SC_ALIGN : bytes;
}

/* Numbers that a tap adds up, of all chunks. */
static size_t
numbers_of(const sc_conv *conv)
{
	return conv->config.planar ? SC_AMX_DEPTH : (size_t) conv->config.in;
}

static space
take_space(const sc_conv *conv, sc_conv_pass pass, const sc_amx_plan *plan, sc_arena *arena)
{
	const sc_conv_config *c = &conv->config;
	size_t results = sc_amx_result_positions(plan, plan->views);
	space s = {0};

	s.source = sc_arena_take(arena, sc_mul((size_t) plan->planes, plan->plane), 1);
	if (pass != SC_CONV_PASS_WEIGHTS)
	{
		s.at = SC_TAKE(arena, int32_t, (size_t) plan->phases * results);
		s.sums = SC_TAKE(arena, float, 2 * SC_AMX_ROWS * SC_AMX_HALF);
		return s;
	}
	s.row = odd_lines(plan->positions * sizeof(uint16_t));
	s.flipped = sc_mul(numbers_of(conv), s.row);
	s.transposed = sc_arena_take(arena, sc_mul((size_t) plan->planes, s.flipped), 1);
	s.results = results * (size_t) plan->phases;
	s.dy = sc_arena_take(arena, sc_mul((size_t) c->out * sizeof(uint16_t), s.results), 1);
	s.pairs = sc_arena_take(arena, sc_mul((size_t) c->out * sizeof(uint16_t), s.results), 1);
	s.runs = SC_TAKE(arena, sc_amx_run, (size_t) plan->elements * (size_t) plan->phases);
	s.count = SC_TAKE(arena, int, (size_t) plan->elements);
	if (c->planar)
		s.dw = SC_TAKE(arena, float, (size_t) c->out / BLOCK * c->kernel * SC_AMX_DEPTH * BLOCK);
	return s;
}

size_t
sc_conv_amx_scratch(const sc_conv *conv, sc_conv_pass pass)
{
	sc_amx_plan plan;
	sc_arena counter = sc_arena_counter();

	sc_amx_plan_make(&plan, conv, pass);
	(void) take_space(conv, pass, &plan, &counter);
	return sc_arena_need(&counter);
}

size_t
sc_conv_amx_reordered(const sc_conv *conv, sc_conv_pass pass)
{
	sc_amx_plan plan;

	if (pass == SC_CONV_PASS_WEIGHTS)
		return 0;
	sc_amx_plan_make(&plan, conv, pass);
	return sc_mul((size_t) plan.result_channels / SC_AMX_COLUMNS, plan.panel);
}

/* ---- weights -------------------------------------------------------------------- */

/* The block of weights between blocks of outputs and of inputs, for an element of the kernel. */
static const float *
block_of(const sc_conv_config *c, const float *weights, int out, int in, int element)
{
	return weights + (((size_t) out * ((size_t) c->in / BLOCK) + (size_t) in) * (size_t) (c->kernel * c->kernel) +
					  (size_t) element) *
						 BLOCK * BLOCK;
}

/* Of a row of the kernel over the input: pairs of the four channels of eight pixels. */
static void
input_tile(char *tile, const sc_conv_config *c, const float *weights, int out, int row)
{
	uint16_t element[SC_AMX_DEPTH / 2][BLOCK][2];

	memset(element, 0, sizeof(element));
	for (int k = 0; k < c->kernel; k++)
		for (int i = 0; i < c->in; i++)
			for (int o = 0; o < BLOCK; o++)
			{
				size_t at = (((size_t) out * (size_t) (c->kernel * c->kernel) + (size_t) (row * c->kernel + k)) *
								 (size_t) c->in +
							 (size_t) i) *
								BLOCK +
							(size_t) o;

				sc_element_put(&element[2 * k + i / 2][o][i % 2], 0, weights[at], SC_PRECISION_BF16);
			}
	memcpy(tile, element, sizeof(element));
}

/* The tile for block `column` of the result's channels. */
static void
put_tile(char *tile, const sc_conv_config *c, bool data, const float *weights, int column, int chunk, int element)
{
	if (c->planar)
		input_tile(tile, c, weights, column, element);
	else if (data)
		sc_amx_weights_transposed(tile, block_of(c, weights, 2 * chunk, column, element),
								  block_of(c, weights, 2 * chunk + 1, column, element));
	else
		sc_amx_weights(tile, block_of(c, weights, column, 2 * chunk, element),
					   block_of(c, weights, column, 2 * chunk + 1, element));
}

void
sc_conv_amx_reorder(const sc_conv *conv, sc_conv_pass pass, void *to, const float *weights, int part, int parts)
{
	sc_amx_plan plan;

	sc_amx_plan_make(&plan, conv, pass);
	for (int panel = part; panel < plan.result_channels / SC_AMX_COLUMNS; panel += parts)
	{
		char *tile = (char *) to + (size_t) panel * plan.panel;

		for (int chunk = 0; chunk < plan.phase[0].product.chunks; chunk++)
			for (int element = 0; element < plan.elements; element++)
				for (int half = 0; half < 2; half++, tile += SC_AMX_TILE_BYTES)
					put_tile(tile, &conv->config, pass == SC_CONV_PASS_DATA, weights, 2 * panel + half, chunk, element);
	}
}

/* ---- into the grids ---------------------------------------------------------------- */

/* Where position 0 of the row of a view lies, from the first one of its plane and chunk. */
static size_t
row_at(const sc_amx_plan *plan, int lead, int view, int row)
{
	return (size_t) lead + ((size_t) view * (size_t) plan->rows + (size_t) row) * (size_t) plan->pitch;
}

/* Views of a tensor with channels in blocks: grids of `positions` each, planes by the remainders of rows and columns. */
static void
fill_grids(char *grids, const sc_amx_plan *plan, const char *x, int views, int side, int channels, int split, int lead,
		   size_t positions, size_t plane)
{
	size_t step = 2 * SC_AMX_DEPTH;

	for (int v = 0; v < views; v++)
		for (int b = 0; b < channels / BLOCK; b++)
			for (int y = 0; y < side; y++, x += (size_t) side * BLOCK_BYTES)
				for (int r = 0; r < split && r < side; r++)
				{
					char *to = grids + (size_t) (y % split * split + r) * plane +
							   ((size_t) (b / 2) * positions + row_at(plan, lead, v, y / split)) * step +
							   (size_t) (b % 2) * BLOCK_BYTES;

					sc_amx_copy(to, step, x + (size_t) r * BLOCK_BYTES, (size_t) split * BLOCK_BYTES,
								(size_t) ((side - r + split - 1) / split));
				}
}

/* Views of a tensor with channels in blocks, those of a pixel together, `apart` positions from those of the next. */
static void
fill_together(char *pixels, const char *x, int views, int side, int channels, size_t apart)
{
	size_t step = 2 * SC_AMX_DEPTH, n = (size_t) side * (size_t) side;

	for (int v = 0; v < views; v++)
		for (int b = 0; b < channels / BLOCK; b++, x += n * BLOCK_BYTES)
			sc_amx_copy(pixels + ((size_t) (b / 2) * n * apart + (size_t) v) * step + (size_t) (b % 2) * BLOCK_BYTES,
						apart * step, x, BLOCK_BYTES, n);
}

/* Views of the network's input, each pixel with its channels together. */
static void
fill_input(char *grids, const sc_amx_plan *plan, const sc_conv_config *c, const uint16_t *x, int views)
{
	size_t pixels = (size_t) c->side * (size_t) c->side;
	int margin = c->kernel / 2;

	for (int v = 0; v < views; v++, x += (size_t) c->in * pixels)
		for (int y = 0; y < c->side; y++)
		{
			const uint16_t *from = x + (size_t) y * (size_t) c->side;
			uint16_t *to = (uint16_t *) (grids + (size_t) ((y + margin) % c->stride) * plan->plane) +
						   (row_at(plan, 0, v, (y + margin) / c->stride) * (size_t) c->stride + (size_t) margin) * 4;

			for (int i = 0; i < c->in; i++)
				for (int p = 0; p < c->side; p++)
					to[4 * p + i] = from[(size_t) i * pixels + (size_t) p];
		}
}

static void
fill_source(const space *s, const sc_amx_plan *plan, const sc_conv *conv, const char *x, int views)
{
	if (conv->config.planar)
		fill_input(s->source, plan, &conv->config, (const uint16_t *) x, views);
	else if (plan->together)
		fill_together(s->source, x, views, plan->side, plan->channels, sc_amx_result_positions(plan, plan->views));
	else
		fill_grids(s->source, plan, x, views, plan->side, plan->channels, plan->split, plan->lead, plan->positions,
				   plan->plane);
}

/* Bytes of a view of the source. */
static size_t
view_bytes(const sc_amx_plan *plan)
{
	return (size_t) plan->channels * (size_t) plan->side * (size_t) plan->side * sizeof(uint16_t);
}

/* ---- forward, and the gradient of the input ------------------------------------------ */

/* Where the results of a phase go, in elements from the first view of a group. */
static void
list_results(int32_t *at, const sc_amx_plan *plan, int phase)
{
	int split = plan->result_split, side = plan->result_side;
	size_t n = sc_amx_result_positions(plan, plan->views);

	for (size_t i = 0; i < n; i++)
		at[i] = -1;
	for (int v = 0; v < plan->views; v++)
		for (int y = phase / split; y < side; y += split)
			for (int x = phase % split; x < side; x += split)
				at[row_at(plan, 0, v, y / split) + (size_t) (x / split)] =
					(v * plan->result_channels * side + y * BLOCK) * side + x * BLOCK;
}

/* What all views of a group add up to, in 32 channels of the result. */
static void
run_panel(const space *s, const sc_amx_plan *plan, int panel, int views, char *y, const char *weights,
		  const sc_conv_amx_epilogue *epilogue)
{
	size_t pixels = (size_t) plan->result_side * (size_t) plan->result_side,
		   all = sc_amx_result_positions(plan, plan->views), n = sc_amx_result_positions(plan, views),
		   element = epilogue->wide ? sizeof(float) : sizeof(uint16_t);
	sc_amx_result result = {.block = BLOCK * pixels * element,
							.add = epilogue->add,
							.relu = epilogue->relu,
							.wide = epilogue->wide};

	result.y = y + (size_t) panel * SC_AMX_COLUMNS * pixels * element;
	if (epilogue->bias != NULL)
		result.bias = epilogue->bias + panel * SC_AMX_COLUMNS;
	for (int p = 0; p < plan->phases; p++)
	{
		const sc_amx_phase *phase = &plan->phase[p];
		const char *w = weights + (size_t) panel * plan->panel;

		for (size_t q = 0; q < n; q += SC_AMX_ROWS)
		{
			sc_amx_multiply(s->sums, &phase->product, s->source + q * phase->product.position, w);
			result.at = s->at + (size_t) p * all + q;
			sc_amx_put(&result, s->sums);
		}
	}
}

/* The positions of views that a last, smaller group does not have are no results. */
static void
forget_views(const space *s, const sc_amx_plan *plan, int views)
{
	size_t all = sc_amx_result_positions(plan, plan->views);

	for (int p = 0; p < plan->phases; p++)
		for (size_t q = row_at(plan, 0, views, 0); q < all; q++)
			s->at[(size_t) p * all + q] = -1;
}

static sc_status
run_products(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, int views, char *y, const char *x,
			 const char *weights, const sc_conv_amx_epilogue *epilogue, void *scratch)
{
	sc_arena arena = sc_arena_over(scratch, sc_conv_amx_scratch(conv, pass));
	sc_amx_plan plan;
	space s;
	size_t result;

	sc_amx_plan_make(&plan, conv, pass);
	s = take_space(conv, pass, &plan, &arena);
	result = (size_t) plan.result_channels * (size_t) plan.result_side * (size_t) plan.result_side *
			 (epilogue->wide ? sizeof(float) : sizeof(uint16_t));
	memset(s.source, 0, (size_t) plan.planes * plan.plane);
	for (int p = 0; p < plan.phases; p++)
		list_results(s.at + (size_t) p * sc_amx_result_positions(&plan, plan.views), &plan, p);
	for (int v = 0; v < views; v += plan.views)
	{
		int n = SC_MIN(plan.views, views - v);

		if (n < plan.views)
			forget_views(&s, &plan, n);
		fill_source(&s, &plan, conv, x + (size_t) v * view_bytes(&plan), n);
		for (int panel = 0; panel < plan.result_channels / SC_AMX_COLUMNS; panel++)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			run_panel(&s, &plan, panel, n, y + (size_t) v * result, weights, epilogue);
		}
	}
	return SC_OK;
}

/* ---- the gradient of the weights --------------------------------------------------------- */

/* For each element of the kernel the positions of x and dy that meet there. */
static void
list_runs(const space *s, const sc_amx_plan *plan)
{
	size_t each = s->results / (size_t) plan->phases;

	memset(s->count, 0, (size_t) plan->elements * sizeof(int));
	for (int p = 0; p < plan->phases; p++)
		for (int t = 0; t < plan->phase[p].product.taps; t++)
		{
			const sc_amx_phase *phase = &plan->phase[p];
			size_t at = (size_t) phase->product.at[t], element = (size_t) phase->element[t];

			s->runs[element * (size_t) plan->phases + (size_t) s->count[element]++] =
				(sc_amx_run){at / plan->plane * s->flipped +
								 at % plan->plane / phase->product.position * sizeof(uint16_t),
							 (size_t) p * each * BLOCK_BYTES};
		}
}

/* What a larger group left of dy where this one has nothing: x times 0. */
static void
clear_rest(const space *s, const sc_amx_plan *plan, int channels, int views)
{
	size_t each = s->results / (size_t) plan->phases, step = 2 * SC_AMX_DEPTH, begin = row_at(plan, 0, views, 0),
		   end = sc_amx_result_positions(plan, views);

	for (size_t i = 0; i < (size_t) channels / SC_AMX_DEPTH * (size_t) plan->phases; i++)
		memset(s->dy + (i * each + begin) * step, 0, (end - begin) * step);
}

/* Both factors of a group, as the products want them. */
static void
fill_factors(const space *s, const sc_amx_plan *plan, const sc_conv *conv, const char *x, const char *dy, int views)
{
	const sc_conv_config *c = &conv->config;
	size_t step = 2 * SC_AMX_DEPTH, position = plan->phase[0].product.position;

	fill_source(s, plan, conv, x, views);
	for (int p = 0; p < plan->planes; p++)
		for (size_t i = 0; i < numbers_of(conv) / BLOCK; i++)
			sc_amx_transpose(s->transposed + (size_t) p * s->flipped + i * BLOCK * s->row, s->row,
							 s->source + (size_t) p * plan->plane + (i / 2) * plan->positions * step +
								 (i % 2) * BLOCK_BYTES,
							 position, plan->positions - (c->planar ? SC_AMX_DEPTH : 0));
	if (plan->together)
		fill_together(s->dy, dy, views, conv->out_side, c->out, sc_amx_result_positions(plan, plan->views));
	else
		fill_grids(s->dy, plan, dy, views, conv->out_side, c->out, 1, 0, s->results, 0);
	clear_rest(s, plan, c->out, views);
	for (int b = 0; b < c->out / BLOCK; b++)
		sc_amx_pair(s->pairs + (size_t) b * s->results * BLOCK_BYTES,
					s->dy + (size_t) (b / 2) * s->results * step + (size_t) (b % 2) * BLOCK_BYTES, step, s->results);
}

static float *
gradient_of(const sc_conv_config *c, float *weights, int out, int in, int element)
{
	return (float *) block_of(c, weights, out, in, element);
}

/* Of a row of the kernel over the input: half of its 32 numbers. */
static float *
input_gradient_of(const space *s, const sc_conv_config *c, int out, int half, int row)
{
	return s->dw + (((size_t) out * (size_t) c->kernel + (size_t) row) * SC_AMX_DEPTH + (size_t) half * BLOCK) * BLOCK;
}

/* The group's part of the gradient, of 32 outputs. */
static void
run_group(const space *s, const sc_amx_plan *plan, const sc_conv *conv, float *weights, bool add, int views, int out)
{
	const sc_conv_config *c = &conv->config;
	int chunks = c->planar ? 1 : c->in / SC_AMX_COLUMNS,
		steps = (int) (sc_amx_result_positions(plan, views) / SC_AMX_DEPTH);

	for (int in = 0; in < chunks; in++)
		for (int e = 0; e < plan->elements; e++)
		{
			float *dw[2][2];

			for (int i = 0; i < 2; i++)
				for (int o = 0; o < 2; o++)
					dw[i][o] = c->planar ? input_gradient_of(s, c, 2 * out + o, i, e)
										 : gradient_of(c, weights, 2 * out + o, 2 * in + i, e);
			sc_amx_gradient(dw, add, s->transposed + (size_t) in * SC_AMX_COLUMNS * s->row, s->row,
							s->pairs + (size_t) out * 2 * s->results * BLOCK_BYTES, s->results * BLOCK_BYTES,
							s->runs + e * plan->phases, s->count[e], steps);
		}
}

/* Of the input's weights only some of the 32 numbers of a row of the kernel are any. */
static void
gather_input(const space *s, const sc_conv_config *c, float *weights)
{
	for (int o = 0; o < c->out / BLOCK; o++)
		for (int k = 0; k < c->kernel * c->kernel; k++)
			for (int i = 0; i < c->in; i++, weights += BLOCK)
				memcpy(weights,
					   input_gradient_of(s, c, o, 0, k / c->kernel) + (size_t) (4 * (k % c->kernel) + i) * BLOCK,
					   BLOCK * sizeof(float));
}

static sc_status
run_gradient(const sc_lane *lane, const sc_conv *conv, int views, const char *dy, const char *x, float *weights,
			 void *scratch)
{
	const sc_conv_config *c = &conv->config;
	sc_arena arena = sc_arena_over(scratch, sc_conv_amx_scratch(conv, SC_CONV_PASS_WEIGHTS));
	sc_amx_plan plan;
	space s;
	size_t results = (size_t) c->out * (size_t) conv->out_side * (size_t) conv->out_side * sizeof(uint16_t);

	sc_amx_plan_make(&plan, conv, SC_CONV_PASS_WEIGHTS);
	s = take_space(conv, SC_CONV_PASS_WEIGHTS, &plan, &arena);
	memset(s.source, 0, (size_t) plan.planes * plan.plane);
	memset(s.dy, 0, (size_t) c->out * sizeof(uint16_t) * s.results);
	list_runs(&s, &plan);
	for (int v = 0; v < views; v += plan.views)
	{
		int n = SC_MIN(plan.views, views - v);

		fill_factors(&s, &plan, conv, x + (size_t) v * view_bytes(&plan), dy + (size_t) v * results, n);
		for (int out = 0; out < c->out / SC_AMX_COLUMNS; out++)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			run_group(&s, &plan, conv, weights, v > 0, n, out);
		}
	}
	if (c->planar)
		gather_input(&s, c, weights);
	return SC_OK;
}

sc_status
sc_conv_amx_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, int views, void *y, void *x, void *weights,
				const sc_conv_amx_epilogue *epilogue, void *scratch)
{
	static const sc_conv_amx_epilogue plain = {0};
	sc_status status;

	if (epilogue == NULL)
		epilogue = &plain;
	sc_amx_begin();
	if (pass == SC_CONV_PASS_WEIGHTS)
		status = run_gradient(lane, conv, views, y, x, weights, scratch);
	else if (pass == SC_CONV_PASS_DATA)
		status = run_products(lane, conv, pass, views, x, y, weights, epilogue, scratch);
	else
		status = run_products(lane, conv, pass, views, y, x, weights, epilogue, scratch);
	sc_amx_end();
	return status;
}
