/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_amx_plan.c
 *	  Grids, taps and groups of a convolution on AMX.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv_amx_plan.h"

#include "core/base/status.h"

#include <string.h>

/* Bytes of a source that stay in the second cache beside the weights, and positions of one that stays in the first. */
#define GROUP_BYTES ((size_t) 512 << 10)
#define GRADIENT_POSITIONS 640

/* Pixels of the input that a row of the kernel may have. */
#define INPUT_PIXELS 8

/* Bytes of a position with 32 channels. */
#define POSITION_BYTES ((size_t) 2 * SC_AMX_DEPTH)

/* Along one side: an element of the kernel, and where the source meets a result: the remainder and the distance. */
typedef struct meeting
{
	int element, remainder, distance;
} meeting;

/* The elements that add up to the results `at`: by its remainder in grids, else itself. Returns how many. */
static int
meetings_of(meeting *m, const sc_amx_plan *plan, const sc_conv_config *c, bool data, int at)
{
	int count = 0;

	for (int k = 0; k < c->kernel; k++)
	{
		int steps = data ? at + c->kernel / 2 - k : (plan->together ? at * c->stride : 0) + k - c->kernel / 2;
		int step = data || !plan->together ? c->stride : 1, rest = (steps % step + step) % step;
		meeting here = {k, data ? 0 : rest, (steps - rest) / step};

		if (data && rest != 0)
			continue;
		if (plan->together ? here.distance >= 0 && here.distance < plan->side
						   /* A grid of one position has no zeros around it, and nothing else meets it. */
						   : plan->lead > 0 || here.distance == 0)
			m[count++] = here;
	}
	return count;
}

static void
add_phase(sc_amx_plan *plan, const sc_conv_config *c, bool data, int row, int column)
{
	sc_amx_phase *phase = &plan->phase[plan->phases++];
	meeting rows[SC_AMX_TAPS], columns[SC_AMX_TAPS];
	int n = meetings_of(rows, plan, c, data, row), m = meetings_of(columns, plan, c, data, column);
	ptrdiff_t across = plan->together ? (ptrdiff_t) plan->positions / (plan->side * plan->side) : 1,
			  down = plan->together ? plan->side * across : plan->pitch;

	memset(phase, 0, sizeof(*phase));
	for (int i = 0; i < n; i++)
		for (int j = 0; j < m; j++)
		{
			int tap = phase->product.taps++;

			phase->element[tap] = rows[i].element * c->kernel + columns[j].element;
			phase->product.at[tap] =
				(ptrdiff_t) ((size_t) (rows[i].remainder * plan->split + columns[j].remainder) * plan->plane) +
				(plan->lead + rows[i].distance * down + columns[j].distance * across) * (ptrdiff_t) POSITION_BYTES;
		}
}

static void
add_input_phase(sc_amx_plan *plan, const sc_conv_config *c, size_t position)
{
	sc_amx_phase *phase = &plan->phase[plan->phases++];

	memset(phase, 0, sizeof(*phase));
	phase->product.taps = c->kernel;
	for (int k = 0; k < c->kernel; k++)
	{
		phase->element[k] = k;
		phase->product.at[k] = (ptrdiff_t) ((size_t) (k % c->stride) * plan->plane) +
							   (ptrdiff_t) (k / c->stride) * plan->pitch * (ptrdiff_t) position;
	}
}

/* What all phases have in common. */
static void
finish(sc_amx_plan *plan, int chunks, size_t position)
{
	size_t tiles = 2 * SC_AMX_TILE_BYTES;

	plan->panel = (size_t) chunks * (size_t) plan->elements * tiles;
	for (int p = 0; p < plan->phases; p++)
	{
		sc_amx_phase *phase = &plan->phase[p];

		phase->product.chunks = chunks;
		phase->product.chunk = plan->positions * position;
		phase->product.chunk_weights = (size_t) plan->elements * tiles;
		phase->product.position = position;
		for (int t = 0; t < phase->product.taps; t++)
			phase->product.weights[t] = (size_t) phase->element[t] * tiles;
	}
}

/* Views of a group: as many as have no more than `most` of what each has, whole products where they lie together. */
static int
group_of(const sc_amx_plan *plan, int all, size_t each, size_t most)
{
	size_t views = most / SC_MAX(each, (size_t) 1);

	if (plan->together)
		views = SC_MAX((size_t) SC_AMX_ROWS, views / SC_AMX_ROWS * SC_AMX_ROWS);
	return (int) SC_MAX((size_t) 1, SC_MIN(views, (size_t) all));
}

static void
make(sc_amx_plan *plan, const sc_conv *conv, sc_conv_pass pass, bool together)
{
	const sc_conv_config *c = &conv->config;
	bool data = pass == SC_CONV_PASS_DATA;
	int out = conv->out_side, reach = (c->kernel - 1) / c->stride, chunks;
	bool zeros = !together && !c->planar && c->kernel > 1 && out > 1;
	size_t position = c->planar ? (size_t) c->stride * 4 * sizeof(uint16_t) : POSITION_BYTES, each, slack;

	plan->together = together;
	plan->side = data ? out : c->side;
	plan->channels = data ? c->out : c->in;
	plan->split = data || together ? 1 : c->stride;
	plan->planes = c->planar ? plan->split : plan->split * plan->split;
	plan->result_side = data ? c->side : out;
	plan->result_channels = data ? c->in : c->out;
	plan->result_split = together ? plan->result_side : data ? c->stride : 1;
	plan->rows = together ? 1 : out + (c->planar ? reach : zeros);
	plan->pitch = together ? 1 : out + (c->planar ? (INPUT_PIXELS - 1) / c->stride : zeros);
	plan->lead = zeros ? plan->pitch + 1 : 0;
	plan->elements = c->planar ? c->kernel : c->kernel * c->kernel;
	plan->phases = 0;
	chunks = c->planar ? 1 : plan->channels / SC_AMX_DEPTH;
	each = together ? (size_t) plan->side * (size_t) plan->side : (size_t) plan->rows * (size_t) plan->pitch;
	if (pass == SC_CONV_PASS_WEIGHTS)
		plan->views = group_of(plan, c->views, each, GRADIENT_POSITIONS);
	else
		plan->views = group_of(plan, c->views, each * (size_t) plan->planes * (size_t) chunks * position, GROUP_BYTES);
	if (together)
		plan->positions = each * sc_amx_result_positions(plan, plan->views);
	else
	{
		/* What the last positions read beyond themselves: by the taps, by products, and by a row of the input. */
		slack = (size_t) (c->planar ? reach * plan->pitch : plan->lead) + SC_AMX_ROWS + POSITION_BYTES / position;
		plan->positions = (size_t) plan->lead + sc_amx_result_positions(plan, plan->views) + slack;
		plan->positions = (plan->positions + SC_AMX_DEPTH - 1) / SC_AMX_DEPTH * SC_AMX_DEPTH;
	}
	plan->plane = plan->positions * (size_t) chunks * position;
	if (c->planar)
		add_input_phase(plan, c, position);
	else
		for (int i = 0; i < plan->result_split * plan->result_split; i++)
			add_phase(plan, c, data, i / plan->result_split, i % plan->result_split);
	finish(plan, chunks, position);
}

/* Products of a chunk. */
static size_t
work_of(const sc_amx_plan *plan, int views)
{
	size_t positions = sc_amx_result_positions(plan, plan->views) * (size_t) (views / plan->views) +
					   sc_amx_result_positions(plan, views % plan->views),
		   taps = 0;

	for (int p = 0; p < plan->phases; p++)
		taps += (size_t) plan->phase[p].product.taps;
	return positions * taps;
}

void
sc_amx_plan_make(sc_amx_plan *plan, const sc_conv *conv, sc_conv_pass pass)
{
	const sc_conv_config *c = &conv->config;
	int result = pass == SC_CONV_PASS_DATA ? c->side : conv->out_side;
	size_t grid;

	make(plan, conv, pass, false);
	if (c->planar || result > SC_AMX_SMALL)
		return;
	grid = work_of(plan, c->views);
	make(plan, conv, pass, true);
	if (work_of(plan, c->views) >= grid)
		make(plan, conv, pass, false);
}
