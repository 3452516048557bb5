/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_infer_blas.c
 *	  Convolutions without learning as products of matrices (conv_blas.c names
 *	  the paper): patches times all outputs at once, then bias, shortcut and
 *	  ReLU on the way to where the results belong.
 *
 * A product is of pixels of one picture: OpenBLAS may add in another order for
 * another number of rows, and for a row at another place.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/gemm.h"
#include "core/nn/conv_infer_parts.h"
#include "core/nn/infer.h"

#include <string.h>

/* Floats of the matrix of patches (4 MB, which a third cache holds), where one row of the output is not more. */
#define PATCH_FLOATS ((size_t) 1 << 20)
static int
patch_length(const sc_conv_infer *infer)
{
	return infer->config.conv.in * infer->config.conv.kernel * infer->config.conv.kernel;
}

/* Rows of the output of a product. */
static int
rows_at_once(const sc_conv_infer *infer)
{
	size_t side = (size_t) infer->conv.out_side;

	return (int) SC_MIN(side, SC_MAX((size_t) 1, PATCH_FLOATS / (side * (size_t) patch_length(infer))));
}

/* What a lane works in. */
typedef struct space
{
	float *patch;  /* (pixels, length) */
	float *result; /* (pixels, out) */
} space;

static space
layout(const sc_conv_infer *infer, sc_arena *arena)
{
	size_t pixels = (size_t) rows_at_once(infer) * (size_t) infer->conv.out_side;
	space s;

	s.patch = SC_TAKE(arena, float, pixels *(size_t) patch_length(infer));
	s.result = SC_TAKE(arena, float, pixels *(size_t) infer->config.conv.out);
	return s;
}

void
sc_conv_infer_blas_open(sc_conv_infer *infer)
{
	sc_arena counter = sc_arena_counter();

	(void) layout(infer, &counter);
	infer->scratch = sc_arena_need(&counter);
	infer->prepared = sc_conv_infer_bias_bytes(infer) + sc_arena_round(infer->conv.weights * sizeof(float));
}

/* To (k, k, in, out). */
void
sc_conv_infer_blas_prepare(const sc_conv_infer *infer, void *prepared, const float *weights)
{
	const sc_conv_config *c = &infer->config.conv;
	float *to = (float *) ((char *) prepared + sc_conv_infer_bias_bytes(infer));
	int b = c->channel_block, kk = c->kernel * c->kernel, in_block = c->planar ? c->in : b;

	for (int o = 0; o < c->out; o += b)
		for (int i = 0; i < c->in; i += in_block)
			for (int k = 0; k < kk; k++)
				for (int j = 0; j < in_block; j++, weights += b)
					memcpy(to + ((size_t) k * c->in + (size_t) (i + j)) * c->out + o, weights,
						   (size_t) b * sizeof(float));
}

/* One patch: (k, k, in). */
static void
take_patch(float *to, const sc_conv_infer *infer, const float *picture, int oy, int ox)
{
	const sc_conv_config *c = &infer->config.conv;
	size_t plane = (size_t) c->side * c->side, b = (size_t) c->channel_block;

	for (int k = 0; k < c->kernel * c->kernel; k++, to += c->in)
	{
		int y = oy * c->stride + k / c->kernel - c->kernel / 2, x = ox * c->stride + k % c->kernel - c->kernel / 2;
		const float *pixel = picture + ((size_t) y * c->side + (size_t) x) * (c->planar ? 1 : b);

		if (y < 0 || y >= c->side || x < 0 || x >= c->side)
			memset(to, 0, (size_t) c->in * sizeof(float));
		else if (c->planar)
			for (int i = 0; i < c->in; i++)
				to[i] = pixel[(size_t) i * plane];
		else
			for (size_t i = 0; i < (size_t) c->in; i += b)
				memcpy(to + i, pixel + i * plane, b * sizeof(float));
	}
}

/* Rows oy ... oy + rows - 1 of the output of a picture: y of x. */
static void
run_rows(const sc_conv_infer *infer, const space *s, float *y, const float *x, const void *prepared, int oy, int rows)
{
	const sc_conv_config *c = &infer->config.conv;
	const float *bias = prepared, *weights = (const float *) ((const char *) prepared + sc_conv_infer_bias_bytes(infer));
	int side = infer->conv.out_side, n = rows * side, length = patch_length(infer), b = c->channel_block;
	size_t plane = (size_t) side * (size_t) side;

	for (int pixel = 0; pixel < n; pixel++)
		take_patch(s->patch + (size_t) pixel * (size_t) length, infer, x, oy + pixel / side, pixel % side);
	sc_sgemm(false, false, n, c->out, length, 1.0f, s->patch, length, weights, c->out, 0.0f, s->result, c->out);
	for (int o = 0; o < c->out; o += b)
		SC_SIMD_CALL(sc_infer_finish)
	(y + (size_t) o * plane + (size_t) oy * (size_t) side * (size_t) b, s->result + o, bias + o, (size_t) n, c->out, b,
	 infer->config.add, infer->config.relu);
}

sc_status
sc_conv_infer_blas_run(const sc_lane *lane, const sc_conv_infer *infer, int pictures, float *y, const float *x,
					   const void *prepared, void *scratch)
{
	const sc_conv_config *c = &infer->config.conv;
	sc_arena arena = sc_arena_over(scratch, infer->scratch);
	space s = layout(infer, &arena);
	int side = infer->conv.out_side, step = rows_at_once(infer);

	for (int v = 0; v < pictures; v++)
		for (int oy = 0; oy < side; oy += step)
		{
			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			run_rows(infer, &s, y + (size_t) v * c->out * side * side, x + (size_t) v * c->in * c->side * c->side,
					 prepared, oy, SC_MIN(step, side - oy));
		}
	return SC_OK;
}
