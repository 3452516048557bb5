/*-------------------------------------------------------------------------
 *
 * src/core/nn/conv_blas.c
 *	  Convolution as a product of matrices (Chellapilla and others, "High
 *	  performance convolutional neural networks for document processing", 2006,
 *	  section 3): the patches that the kernel sees become the rows of a matrix.
 *
 * A patch is laid out as the weights of one block of output channels are, so
 * one product writes one block of the output where it belongs. Patches are made
 * for a few rows of the output at a time, so that memory stays bounded, and
 * the stop flag is looked at between them. The gradients are the same products
 * with other operands: of the input, scattered back where its patches came from.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/arena.h"
#include "core/nn/conv_parts.h"
#include "core/base/gemm.h"

#include <string.h>

/* Floats of the matrix of patches (4 MB, which a third cache holds), where one row of the output is not more. */
#define PATCH_FLOATS ((size_t) 1 << 20)

/* Length of a patch: rows of the weights of one block of outputs. */
static int
patch_length(const sc_conv *conv)
{
	return conv->config.in * conv->config.kernel * conv->config.kernel;
}

/* Rows of the output whose patches are made at once. */
static int
chunk_rows(const sc_conv *conv)
{
	size_t row = (size_t) conv->out_side * (size_t) patch_length(conv);

	return (int) SC_MAX((size_t) 1, SC_MIN((size_t) conv->out_side, PATCH_FLOATS / row));
}

size_t
sc_conv_blas_scratch(const sc_conv *conv)
{
	sc_arena counter = sc_arena_counter();

	(void) SC_TAKE(&counter, float, (size_t) chunk_rows(conv) * conv->out_side * patch_length(conv));
	return sc_arena_need(&counter);
}

static size_t
input_floats(const sc_conv *conv)
{
	return (size_t) conv->config.in * conv->config.side * conv->config.side;
}

static size_t
output_floats(const sc_conv *conv)
{
	return (size_t) conv->config.out * conv->out_side * conv->out_side;
}

/* Where the kernel's element (ky, kx) falls for output pixel (oy, ox); -1: outside of the image. */
static int
input_pixel(const sc_conv *conv, int oy, int ox, int ky, int kx)
{
	const sc_conv_config *c = &conv->config;
	int y = oy * c->stride + ky - c->kernel / 2;
	int x = ox * c->stride + kx - c->kernel / 2;

	return y < 0 || y >= c->side || x < 0 || x >= c->side ? -1 : y * c->side + x;
}

/*
 * Patches of rows oy ... oy + rows - 1 of one view's output: col (rows *
 * out_side, patch_length). With add, the other way: what the patches hold is
 * added to the view's image.
 */
static void
patches(const sc_conv *conv, float *col, float *image, int oy, int rows, bool add)
{
	const sc_conv_config *c = &conv->config;
	int b = c->planar ? c->in : c->channel_block;
	size_t plane = (size_t) c->side * c->side;

	for (int p = 0; p < rows * conv->out_side; p++)
		for (int ib = 0; ib < (c->planar ? 1 : c->in / b); ib++)
			for (int at = 0; at < c->kernel * c->kernel; at++, col += b)
			{
				int pixel =
					input_pixel(conv, oy + p / conv->out_side, p % conv->out_side, at / c->kernel, at % c->kernel);

				if (pixel < 0)
				{
					if (!add)
						memset(col, 0, (size_t) b * sizeof(float));
				}
				else if (c->planar)
					for (int i = 0; i < b; i++)
						col[i] = image[(size_t) i * plane + (size_t) pixel];
				else
				{
					float *at_pixel = image + ((size_t) ib * plane + (size_t) pixel) * (size_t) b;

					if (add)
						for (int i = 0; i < b; i++)
							at_pixel[i] += col[i];
					else
						memcpy(col, at_pixel, (size_t) b * sizeof(float));
				}
			}
}

static float *
patch_memory(const sc_conv *conv, void *scratch)
{
	sc_arena arena = sc_arena_over(scratch, sc_conv_blas_scratch(conv));

	return SC_TAKE(&arena, float, (size_t) chunk_rows(conv) * conv->out_side * patch_length(conv));
}

/* One product of matrices: the patches of `pixels` pixels with one block of output channels. */
static void
multiply(const sc_conv *conv, sc_conv_pass pass, float *col, float *y, float *weights, int pixels, bool first)
{
	int b = conv->config.channel_block, length = patch_length(conv);

	switch (pass)
	{
		case SC_CONV_PASS_FORWARD: /* y = col weights */
			sc_sgemm(false, false, pixels, b, length, 1.0f, col, length, weights, b, 0.0f, y, b);
			break;
		case SC_CONV_PASS_DATA: /* col += dy weights^T, over the blocks */
			sc_sgemm(false, true, pixels, length, b, 1.0f, y, b, weights, b, first ? 0.0f : 1.0f, col, length);
			break;
		case SC_CONV_PASS_WEIGHTS: /* dweights += col^T dy, over the patches */
			sc_sgemm(true, false, length, b, pixels, 1.0f, col, length, y, b, first ? 0.0f : 1.0f, weights, b);
			break;
		case SC_CONV_PASSES:
			break;
	}
}

sc_status
sc_conv_blas_run(const sc_lane *lane, const sc_conv *conv, sc_conv_pass pass, float *y, float *x, float *weights,
				 void *scratch)
{
	int b = conv->config.channel_block, length = patch_length(conv), step = chunk_rows(conv);
	size_t plane = (size_t) conv->out_side * conv->out_side;
	float *col = patch_memory(conv, scratch);

	if (pass == SC_CONV_PASS_DATA)
		memset(x, 0, (size_t) conv->config.views * input_floats(conv) * sizeof(float));
	for (int v = 0; v < conv->config.views; v++)
		for (int oy = 0; oy < conv->out_side; oy += step)
		{
			int rows = SC_MIN(step, conv->out_side - oy);
			float *image = x + (size_t) v * input_floats(conv), *out = y + (size_t) v * output_floats(conv);

			if (sc_lane_stopped(lane))
				return SC_ABORTED;
			if (pass != SC_CONV_PASS_DATA)
				patches(conv, col, image, oy, rows, false);
			for (int ob = 0; ob < conv->config.out / b; ob++)
				multiply(conv, pass, col, out + ((size_t) ob * plane + (size_t) oy * conv->out_side) * b,
						 weights + (size_t) ob * length * b, rows * conv->out_side,
						 pass == SC_CONV_PASS_DATA ? ob == 0 : v == 0 && oy == 0);
			if (pass == SC_CONV_PASS_DATA)
				patches(conv, col, image, oy, rows, true);
		}
	return SC_OK;
}
