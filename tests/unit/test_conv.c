/*-------------------------------------------------------------------------
 *
 * tests/unit/test_conv.c
 *	  Convolutions against their definition in double, every implementation
 *	  and shape of ResNet-18, in float and bf16; and the loops of batch norm,
 *	  ReLU and max-pool: in float against finite differences of a definition in
 *	  double, in bf16 against those in float.
 *
 *-------------------------------------------------------------------------
 */
#include "core/nn/conv.h"
#include "core/base/arena.h"
#include "core/nn/conv_amx.h"
#include "core/nn/conv_infer.h"
#include "formula.h"
#include "core/base/gemm.h"
#include "core/nn/infer.h"
#include "core/nn/norm.h"
#include "unit.h"

/* ---- elements ---------------------------------------------------------------- */

/* Rounding a float to bf16, and to nearest, errs by at most this share of it. */
#define BF16_ERROR 0x1p-8

static float
rounded(float value)
{
	uint16_t element;

	sc_element_put(&element, 0, value, SC_PRECISION_BF16);
	return sc_element_get(&element, 0, SC_PRECISION_BF16);
}

/* The first n floats in this precision. */
static void
store(void *out, const float *x, size_t n, sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		sc_element_put(out, i, x[i], precision);
}

static float
of_bits(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

static void
test_elements(void)
{
	/* Ties go to the even one, up and down; large numbers to infinity; NaN stays NaN whatever its bits. */
	CHECK(rounded(of_bits(0x3F808000)) == of_bits(0x3F800000), "tie to even, down");
	CHECK(rounded(of_bits(0x3F818000)) == of_bits(0x3F820000), "tie to even, up");
	CHECK(rounded(of_bits(0x3F808001)) == of_bits(0x3F810000), "above a tie");
	CHECK(rounded(of_bits(0xBF817FFF)) == of_bits(0xBF810000), "below a tie");
	CHECK(rounded(of_bits(0x3FFFFFFF)) == 2.0f, "carry into the exponent");
	CHECK(rounded(of_bits(0x00018000)) == of_bits(0x00020000), "subnormal");
	CHECK(isinf(rounded(3.4e38f)) && isinf(rounded(-INFINITY)), "infinity");
	CHECK(isnan(rounded(NAN)) && isnan(rounded(of_bits(0x7FFFFFFF))) && isnan(rounded(of_bits(0xFF800001))), "NaN");
	for (uint64_t i = 0; i < 1000; i++)
	{
		float value = formula_unit(formula_id("elements"), i) * 100.0f;

		CLOSE(rounded(value), value, BF16_ERROR * fabs(value));
		CHECK(rounded(rounded(value)) == rounded(value), "%g", value);
	}
}

/* ---- convolutions ---------------------------------------------------------- */

/* Where (view, channel, pixel) lies in a tensor. */
static size_t
at(int block, int channels, size_t pixels, int v, int c, size_t p)
{
	return (((size_t) v * (channels / block) + (size_t) (c / block)) * pixels + p) * (size_t) block +
		   (size_t) (c % block);
}

typedef struct conv_case
{
	sc_conv conv;
	void *x, /* in the precision of the convolution */
		*dx, *y, *dy, *reordered;
	float *w, *dw, *oihw;
	double *yd, *dxd, *dwd;
	void *scratch;
} conv_case;

/* The definition: y, dx and dw (out, in, k, k), all in double, of what a convolution in this precision reads. */
static void
define(conv_case *t)
{
	const sc_conv_config *c = &t->conv.config;
	int in_block = c->planar ? 1 : c->channel_block, out = t->conv.out_side;
	size_t in_pixels = (size_t) c->side * c->side, out_pixels = (size_t) out * out;

	for (int v = 0; v < c->views; v++)
		for (int o = 0; o < c->out; o++)
			for (int i = 0; i < c->in; i++)
				for (int k = 0; k < c->kernel * c->kernel; k++)
				{
					size_t wi = ((size_t) o * c->in + (size_t) i) * c->kernel * c->kernel + (size_t) k;
					double w = c->precision == SC_PRECISION_BF16 ? rounded(t->oihw[wi]) : t->oihw[wi];
					double dw = 0.0;

					for (int oy = 0; oy < out; oy++)
						for (int ox = 0; ox < out; ox++)
						{
							int iy = oy * c->stride + k / c->kernel - c->kernel / 2,
								ix = ox * c->stride + k % c->kernel - c->kernel / 2;
							size_t xi, yi;

							if (iy < 0 || iy >= c->side || ix < 0 || ix >= c->side)
								continue;
							xi = at(in_block, c->in, in_pixels, v, i, (size_t) iy * c->side + (size_t) ix);
							yi = at(c->channel_block, c->out, out_pixels, v, o, (size_t) oy * out + (size_t) ox);
							t->yd[yi] += w * sc_element_get(t->x, xi, c->precision);
							t->dxd[xi] += w * sc_element_get(t->dy, yi, c->precision);
							dw += (double) sc_element_get(t->dy, yi, c->precision) *
								  sc_element_get(t->x, xi, c->precision);
						}
					t->dwd[wi] += dw;
				}
}

static double
error_of(const void *x, const double *wanted, size_t n, sc_precision precision)
{
	double square = 0.0, norm = 0.0;

	for (size_t i = 0; i < n; i++)
	{
		double d = sc_element_get(x, i, precision) - wanted[i];

		square += d * d;
		norm += wanted[i] * wanted[i];
	}
	return sqrt(square / norm);
}

static sc_status
run_all(const sc_lane *lane, void *arg)
{
	conv_case *t = arg;

	if (lane->index > 0)
		return SC_OK;
	/* NaN in all memory that a pass may use: what it reads without having written it shows. */
	memset(t->reordered, 0xFF, t->conv.reordered);
	for (int part = 2; part >= 0; part--)
		SC_TRY(sc_conv_reorder(lane, &t->conv, t->reordered, t->w, part, 3));
	memset(t->scratch, 0xFF, t->conv.scratch);
	SC_TRY(sc_conv_forward(lane, &t->conv, t->y, t->x, t->w, t->reordered, t->scratch));
	memset(t->scratch, 0xFF, t->conv.scratch);
	SC_TRY(sc_conv_backward_weights(lane, &t->conv, t->dw, t->x, t->dy, t->scratch));
	if (t->conv.config.planar)
		return SC_OK;
	memset(t->scratch, 0xFF, t->conv.scratch);
	return sc_conv_backward_data(lane, &t->conv, t->dx, t->dy, t->w, t->reordered, t->scratch);
}

/* Does element k of the kernel ever fall on a pixel of the input? */
static bool
touches(const sc_conv *conv, int k)
{
	const sc_conv_config *c = &conv->config;
	int dy = k / c->kernel - c->kernel / 2, dx = k % c->kernel - c->kernel / 2;
	bool row = false, column = false;

	for (int o = 0; o < conv->out_side; o++)
	{
		row = row || (o * c->stride + dy >= 0 && o * c->stride + dy < c->side);
		column = column || (o * c->stride + dx >= 0 && o * c->stride + dx < c->side);
	}
	return row && column;
}

/* Weights whose gradient (out, in, k, k) should be exactly 0, since they only ever meet padding, and is not. */
static size_t
wrong_zeros(const sc_conv *conv, const float *dw)
{
	size_t kk = (size_t) conv->config.kernel * (size_t) conv->config.kernel, wrong = 0;

	for (size_t i = 0; i < conv->weights; i++)
		wrong += !touches(conv, (int) (i % kk)) && dw[i] != 0.0f;
	return wrong;
}

/* tol: of y and dx, and of dw, in float; in bf16 they are rounded once at the end, which is BF16_ERROR at most. */
static void
test_conv(int views, int in, int out, int side, int kernel, int stride, sc_conv_kind kind, sc_precision precision,
		  double tol)
{
	conv_case t = {0};
	sc_conv_config config = {views,	  in,	out,  side,		kernel, stride, sc_conv_channel_block(kind),
							 in == 3, true, kind, precision};
	double round_tol = tol + (precision == SC_PRECISION_BF16 ? BF16_ERROR : 0.0);
	sc_error err = {0};
	size_t nx, ny;
	float *back;
	char what[100];

	snprintf(what, sizeof(what), "%d x %d -> %d, side %d, kernel %d/%d, kind %d%s", views, in, out, side, kernel,
			 stride, kind, precision == SC_PRECISION_BF16 ? ", bf16" : "");
	CHECK(sc_conv_open(&t.conv, &config, &err) == SC_OK, "%s: %s", what, err.message);
	if (err.status != SC_OK)
		return;
	for (sc_conv_pass pass = SC_CONV_PASS_FORWARD; kind == SC_CONV_AMX && pass < SC_CONV_PASSES; pass++)
		CHECK(t.conv.path[pass] == SC_CONV_BY_AMX, "%s: pass %d goes by path %d", what, pass, t.conv.path[pass]);
	nx = (size_t) views * in * side * side;
	ny = (size_t) views * out * t.conv.out_side * t.conv.out_side;
	t.x = unit_aligned((nx + 16) * 4);
	t.dx = unit_aligned((nx + 16) * 4);
	t.y = unit_aligned((ny + 16) * 4);
	t.dy = unit_aligned((ny + 16) * 4);
	t.w = unit_aligned((t.conv.weights + 16) * 4);
	t.dw = unit_aligned((t.conv.weights + 16) * 4);
	t.oihw = malloc(t.conv.weights * 4);
	back = malloc(t.conv.weights * 4);
	t.reordered = unit_aligned(t.conv.reordered + 64);
	t.scratch = malloc(t.conv.scratch + 64);
	t.yd = calloc(ny, sizeof(double));
	t.dxd = calloc(nx, sizeof(double));
	t.dwd = calloc(t.conv.weights, sizeof(double));
	formula_fill(t.dx, nx, formula_id("x"), 1.0f, 0.0f);
	store(t.x, t.dx, nx, precision);
	formula_fill(t.y, ny, formula_id("dy"), 1.0f, 0.0f);
	store(t.dy, t.y, ny, precision);
	formula_fill(t.oihw, t.conv.weights, formula_id("w"), 1.0f, 0.0f);
	/* What is not overwritten shows. */
	memset(t.y, 0xFF, ny * 4);
	memset(t.dx, 0xFF, nx * 4);
	memset(t.dw, 0xFF, t.conv.weights * 4);

	sc_conv_import(&t.conv, t.w, t.oihw);
	sc_conv_export(&t.conv, back, t.w);
	CHECK(memcmp(back, t.oihw, t.conv.weights * 4) == 0, "%s: layout of the weights", what);
	define(&t);
	CHECK(sc_pool_run(2, run_all, &t, &err) == SC_OK, "%s: %s", what, err.message);
	CHECK(error_of(t.y, t.yd, ny, precision) < round_tol, "%s: forward off by %.3g", what,
		  error_of(t.y, t.yd, ny, precision));
	sc_conv_export(&t.conv, back, t.dw);
	CHECK(error_of(back, t.dwd, t.conv.weights, SC_PRECISION_F32) < tol, "%s: weights off by %.3g", what,
		  error_of(back, t.dwd, t.conv.weights, SC_PRECISION_F32));
	CHECK(wrong_zeros(&t.conv, back) == 0, "%s: %zu weights that meet only padding have a gradient", what,
		  wrong_zeros(&t.conv, back));
	if (in != 3)
		CHECK(error_of(t.dx, t.dxd, nx, precision) < round_tol, "%s: data off by %.3g", what,
			  error_of(t.dx, t.dxd, nx, precision));
	sc_conv_close(&t.conv);
	free(t.x);
	free(t.dx);
	free(t.y);
	free(t.dy);
	free(t.w);
	free(t.dw);
	free(t.oihw);
	free(back);
	free(t.reordered);
	free(t.scratch);
	free(t.yd);
	free(t.dxd);
	free(t.dwd);
}

static void
test_convs(sc_conv_kind kind, sc_precision precision, double tol)
{
	test_conv(2, 3, 64, 21, 7, 2, kind, precision, tol);
	test_conv(2, 3, 64, 12, 3, 1, kind, precision, tol);
	test_conv(3, 64, 64, 9, 3, 1, kind, precision, tol);
	test_conv(2, 64, 128, 8, 3, 2, kind, precision, tol);
	test_conv(2, 64, 128, 9, 1, 2, kind, precision, tol);
	test_conv(2, 128, 128, 5, 3, 1, kind, precision, tol);
	test_conv(1, 128, 256, 4, 3, 2, kind, precision, tol);
	test_conv(3, 256, 256, 2, 3, 1, kind, precision, tol);
	test_conv(2, 256, 512, 2, 1, 2, kind, precision, tol);
	test_conv(2, 256, 256, 1, 3, 1, kind, precision, tol);
	/* Inputs so small that part of the kernel never meets one of their pixels. */
	test_conv(3, 64, 128, 1, 3, 2, kind, precision, tol);
	test_conv(2, 128, 256, 1, 3, 2, kind, precision, tol);
	test_conv(1, 256, 512, 1, 3, 2, kind, precision, tol);
	test_conv(2, 128, 256, 2, 3, 2, kind, precision, tol);
	test_conv(2, 128, 256, 1, 1, 2, kind, precision, tol);
	for (int side = 3; side <= 7; side++)
		test_conv(2, 64, 64, side, 3, 1 + side % 2, kind, precision, tol);
}

/*
 * On AMX, what test_convs is too small for: several groups of views, the last one
 * smaller, in grids and with the views of a pixel together, in each pass.
 */
static void
test_groups(double tol)
{
	test_conv(37, 64, 64, 2, 3, 1, SC_CONV_AMX, SC_PRECISION_BF16, tol);
	test_conv(70, 64, 32, 5, 3, 1, SC_CONV_AMX, SC_PRECISION_BF16, tol);
	test_conv(70, 32, 64, 4, 3, 2, SC_CONV_AMX, SC_PRECISION_BF16, tol);
	test_conv(33, 64, 64, 5, 1, 2, SC_CONV_AMX, SC_PRECISION_BF16, tol);
	test_conv(65, 32, 32, 1, 3, 1, SC_CONV_AMX, SC_PRECISION_BF16, tol);
	test_conv(40, 64, 32, 13, 3, 1, SC_CONV_AMX, SC_PRECISION_BF16, tol);
	test_conv(23, 32, 32, 18, 3, 2, SC_CONV_AMX, SC_PRECISION_BF16, tol);
	test_conv(9, 3, 32, 28, 7, 2, SC_CONV_AMX, SC_PRECISION_BF16, tol);
}

/* ---- convolutions without learning --------------------------------------------- */

/* Pictures of the largest group that they are convolved in. */
#define PICTURES 5

typedef struct infer_case
{
	const sc_conv_infer *infer;
	int pictures;
	void *y, *x, *prepared, *scratch;
} infer_case;

static sc_status
run_infer(const sc_lane *lane, void *arg)
{
	infer_case *t = arg;

	/* NaN: what is read without having been written shows. */
	memset(t->scratch, 0xFF, t->infer->scratch);
	return sc_conv_infer_run(lane, t->infer, t->pictures, t->y, t->x, t->prepared, t->scratch);
}

/* Convolve the pictures x, `views` of the code at a time: y, which holds the shortcuts. */
static void
infer_in_groups(const sc_conv_infer_config *config, int views, void *y, void *x, const float *oihw, const float *a,
				const float *b)
{
	sc_conv_infer_config grouped = *config;
	sc_precision precision = config->conv.precision;
	size_t nx = (size_t) config->conv.in * config->conv.side * config->conv.side, ny;
	sc_conv_infer infer;
	infer_case t = {.infer = &infer};
	sc_error err = {0};
	float *weights;

	grouped.conv.views = views;
	CHECK(sc_conv_infer_open(&infer, &grouped, &err) == SC_OK, "%s", err.message);
	ny = (size_t) config->conv.out * infer.conv.out_side * infer.conv.out_side;
	weights = unit_aligned(infer.conv.weights * sizeof(float));
	t.prepared = unit_aligned(infer.prepared + SC_ALIGN);
	t.scratch = unit_aligned(infer.scratch + SC_ALIGN);
	sc_conv_import(&infer.conv, weights, oihw);
	CHECK(sc_conv_infer_prepare(&infer, t.prepared, weights, a, b, &err) == SC_OK, "%s", err.message);
	for (int v = 0; v < PICTURES; v += views)
	{
		t.pictures = SC_MIN(views, PICTURES - v);
		t.x = sc_element_at(x, (size_t) v * nx, precision);
		t.y = sc_element_at(y, (size_t) v * ny, config->output);
		CHECK(sc_pool_run(1, run_infer, &t, &err) == SC_OK, "%s", err.message);
	}
	sc_conv_infer_close(&infer);
	free(weights);
	free(t.prepared);
	free(t.scratch);
}

/* The definition, in double, of a convolution, then the norm, the shortcut y and ReLU: y is overwritten. */
static void
define_infer(double *y, const sc_conv_infer_config *config, const void *x, const float *oihw, const float *a,
			 const float *b)
{
	conv_case t = {.x = (void *) x};
	sc_conv_config plain = config->conv;
	size_t nx, ny, each;

	plain.views = PICTURES;
	sc_conv_describe(&t.conv, &plain);
	nx = (size_t) PICTURES * plain.in * plain.side * plain.side;
	ny = (size_t) PICTURES * plain.out * t.conv.out_side * t.conv.out_side;
	each = t.conv.weights / (size_t) plain.out;
	t.oihw = malloc(t.conv.weights * sizeof(float));
	/* The norm is folded in before the weights are rounded to bf16, where they are. */
	for (size_t i = 0; i < t.conv.weights; i++)
		t.oihw[i] = oihw[i] * a[i / each];
	t.yd = calloc(ny, sizeof(double));
	t.dxd = calloc(nx, sizeof(double));
	t.dwd = calloc(t.conv.weights, sizeof(double));
	t.dy = calloc(ny, sizeof(float));
	define(&t);
	for (int v = 0; v < PICTURES; v++)
		for (int o = 0; o < plain.out; o++)
			for (size_t p = 0; p < (size_t) t.conv.out_side * t.conv.out_side; p++)
			{
				size_t i = at(plain.channel_block, plain.out, (size_t) t.conv.out_side * t.conv.out_side, v, o, p);
				double value = t.yd[i] + b[o] + (config->add ? y[i] : 0.0);

				y[i] = config->relu && value < 0.0 ? 0.0 : value;
			}
	free(t.oihw);
	free(t.yd);
	free(t.dxd);
	free(t.dwd);
	free(t.dy);
}

/* Against the definition, and the same bits alone and in groups of any size. */
static void
test_infer(int in, int out, int side, int kernel, int stride, sc_conv_kind kind, sc_precision precision,
		   sc_precision output, bool add, double tol)
{
	sc_conv_infer_config config = {{1, in, out, side, kernel, stride, sc_conv_channel_block(kind), in == 3, false, kind,
									precision},
								   output,
								   add,
								   stride == 1 || !add};
	int out_side = (side - 1) / stride + 1;
	size_t nx = (size_t) PICTURES * in * side * side, ny = (size_t) PICTURES * out * out_side * out_side,
		   nw = (size_t) out * in * kernel * kernel;
	float *floats = malloc(SC_MAX(nx, ny) * sizeof(float)), *oihw = malloc(nw * sizeof(float));
	float *a = malloc((size_t) out * sizeof(float)), *b = malloc((size_t) out * sizeof(float));
	/* The code may convolve pictures that there are not: room for another group. */
	void *x = unit_aligned(2 * nx * sizeof(float)), *y = unit_aligned(2 * ny * sizeof(float)),
		 *one = unit_aligned(2 * ny * sizeof(float));
	double *wanted = malloc(ny * sizeof(double));
	size_t bytes = ny * sc_element_bytes(output);

	memset(x, 0, 2 * nx * sizeof(float));
	formula_fill(floats, nx, formula_id("infer.x"), 1.0f, 0.0f);
	store(x, floats, nx, precision);
	formula_fill(oihw, nw, formula_id("infer.w"), 1.0f, 0.0f);
	formula_fill(a, (size_t) out, formula_id("infer.a"), 0.5f, 1.0f);
	formula_fill(b, (size_t) out, formula_id("infer.b"), 1.0f, 0.0f);
	formula_fill(floats, ny, formula_id("infer.y"), 1.0f, 0.0f);
	for (int views = 1; views <= PICTURES; views += views == 1 ? 1 : 3)
	{
		memset(y, 0, 2 * ny * sizeof(float));
		store(y, floats, ny, output);
		if (views == 1)
			for (size_t i = 0; i < ny; i++)
				wanted[i] = sc_element_get(y, i, output);
		infer_in_groups(&config, views, y, x, oihw, a, b);
		if (views == 1)
			memcpy(one, y, bytes);
		else
			CHECK(memcmp(one, y, bytes) == 0, "%d -> %d, side %d, kernel %d/%d, kind %d, precision %d: groups of %d",
				  in, out, side, kernel, stride, kind, precision, views);
	}
	define_infer(wanted, &config, x, oihw, a, b);
	CHECK(error_of(one, wanted, ny, output) < tol, "%d -> %d, side %d, kernel %d/%d, kind %d, precision %d: off by %.3g",
		  in, out, side, kernel, stride, kind, precision, error_of(one, wanted, ny, output));
	free(floats);
	free(oihw);
	free(a);
	free(b);
	free(x);
	free(y);
	free(one);
	free(wanted);
}

static void
test_infers(sc_conv_kind kind, sc_precision precision, sc_precision output, double tol)
{
	test_infer(3, 64, 21, 7, 2, kind, precision, output, false, tol);
	test_infer(3, 64, 12, 3, 1, kind, precision, output, false, tol);
	test_infer(64, 64, 9, 3, 1, kind, precision, output, false, tol);
	test_infer(64, 64, 8, 3, 1, kind, precision, output, true, tol);
	test_infer(64, 128, 8, 3, 2, kind, precision, output, false, tol);
	test_infer(64, 128, 9, 1, 2, kind, precision, output, true, tol);
	test_infer(128, 128, 5, 3, 1, kind, precision, output, true, tol);
	test_infer(128, 256, 3, 3, 2, kind, precision, output, false, tol);
	test_infer(256, 256, 2, 3, 1, kind, precision, output, true, tol);
	test_infer(256, 512, 2, 1, 2, kind, precision, output, false, tol);
	test_infer(256, 256, 1, 3, 1, kind, precision, output, true, tol);
}

/* Where there is no bf16 the error says so. */
static void
test_no_bf16(void)
{
	sc_conv_config config = {2, 64, 64, 8, 3, 1, 16, false, true, SC_CONV_BLAS, SC_PRECISION_BF16};
	sc_conv conv;
	sc_error err = {0};

	CHECK(sc_conv_open(&conv, &config, &err) == SC_UNSUPPORTED, "status %d", err.status);
	CHECK(strstr(err.message, "bf16") != NULL && strstr(err.hint, "f32") != NULL, "%s; %s", err.message, err.hint);
}

/* n pixels of one block of channels. */
#define SHAPE(n, block, precision) (&(sc_norm_shape){1, 1, n, block, precision})

/* ---- norm, shortcut, ReLU --------------------------------------------------- */

#define N 37
#define BLOCK_MAX 16

/* sum of weight * ReLU(norm(u) [+ s]), batch statistics, one channel, in double. */
static double
norm_loss(const double *u, const double *s, double scale, double shift, const double *weight, int n)
{
	double mean = 0, var = 0, loss = 0;

	for (int i = 0; i < n; i++)
		mean += u[i] / n;
	for (int i = 0; i < n; i++)
		var += (u[i] - mean) * (u[i] - mean) / n;
	for (int i = 0; i < n; i++)
	{
		double y = (u[i] - mean) / sqrt(var + 1e-5) * scale + shift + (s ? s[i] : 0.0);

		loss += weight[i] * (y > 0 ? y : 0);
	}
	return loss;
}

#define AT(x, i, c) (x)[(i) *block + (c)]

static void
test_norm(int block, bool shortcut)
{
	float u[N * BLOCK_MAX], y[N * BLOCK_MAX], s[N * BLOCK_MAX], t[N * BLOCK_MAX];
	float a[BLOCK_MAX], b[BLOCK_MAX], mean[BLOCK_MAX], inv[BLOCK_MAX], p[BLOCK_MAX], q[BLOCK_MAX], r[BLOCK_MAX];
	double sum[BLOCK_MAX] = {0}, square[BLOCK_MAX] = {0}, gsum[BLOCK_MAX] = {0}, gproduct[BLOCK_MAX] = {0};
	double ud[BLOCK_MAX][N], sd[BLOCK_MAX][N], wd[BLOCK_MAX][N];
	size_t n = (size_t) N * block;

	formula_fill(u, n, formula_id("u"), 2.0f, 1.0f);
	formula_fill(s, n, formula_id("s"), 1.0f, 0.0f);
	formula_fill(t, n, formula_id("t"), 1.0f, 0.0f);
	for (int c = 0; c < block; c++)
		for (int i = 0; i < N; i++)
		{
			ud[c][i] = AT(u, i, c);
			sd[c][i] = AT(s, i, c);
			wd[c][i] = AT(t, i, c);
		}
	SC_SIMD_CALL(sc_norm_sums)(sum, square, u, SHAPE(N, block, SC_PRECISION_F32));
	for (int c = 0; c < block; c++)
	{
		double m = sum[c] / N, v = square[c] / N - m * m;

		mean[c] = (float) m;
		inv[c] = (float) (1.0 / sqrt(v + 1e-5));
		a[c] = (1.0f + 0.1f * (float) c) * inv[c];
		b[c] = 0.05f * (float) c - mean[c] * a[c];
	}
	SC_SIMD_CALL(sc_norm_apply)(y, u, a, b, shortcut ? s : NULL, NULL, NULL, SHAPE(N, block, SC_PRECISION_F32));
	for (int c = 0; c < block; c++)
	{
		double loss = 0;

		for (int i = 0; i < N; i++)
			loss += wd[c][i] * AT(y, i, c);
		CLOSE(loss, norm_loss(ud[c], shortcut ? sd[c] : NULL, 1.0 + 0.1 * c, 0.05 * c, wd[c], N), 1e-4);
	}

	SC_SIMD_CALL(sc_norm_mask)(y, y, t, NULL, NULL, NULL, SHAPE(N, block, SC_PRECISION_F32));
	SC_SIMD_CALL(sc_norm_products)
	(&(sc_norm_gradient){gsum, gproduct, u, mean, inv}, y, SHAPE(N, block, SC_PRECISION_F32));
	for (int c = 0; c < block; c++)
	{
		p[c] = a[c];
		q[c] = (float) (-(double) p[c] * (gproduct[c] / N) * inv[c]);
		r[c] = (float) (-(double) p[c] * (gsum[c] / N) - (double) q[c] * mean[c]);
	}
	SC_SIMD_CALL(sc_norm_backward)(u, y, p, q, r, SHAPE(N, block, SC_PRECISION_F32));
	for (int c = 0; c < block; c++)
	{
		const double *sc = shortcut ? sd[c] : NULL;
		double scale = 1.0 + 0.1 * c, shift = 0.05 * c, h = 1e-6;

		/* A kink of the ReLU within h of 0 is not in these inputs: the differences agree. */
		CLOSE(gproduct[c],
			  (norm_loss(ud[c], sc, scale + h, shift, wd[c], N) - norm_loss(ud[c], sc, scale - h, shift, wd[c], N)) /
				  (2 * h),
			  1e-4);
		CLOSE(gsum[c],
			  (norm_loss(ud[c], sc, scale, shift + h, wd[c], N) - norm_loss(ud[c], sc, scale, shift - h, wd[c], N)) /
				  (2 * h),
			  1e-4);
		for (int i = 0; i < N; i++)
		{
			double x = ud[c][i], up, down;

			ud[c][i] = x + h;
			up = norm_loss(ud[c], sc, scale, shift, wd[c], N);
			ud[c][i] = x - h;
			down = norm_loss(ud[c], sc, scale, shift, wd[c], N);
			ud[c][i] = x;
			CLOSE(AT(u, i, c), (up - down) / (2 * h), 1e-4);
		}
	}
}

/* ---- max-pool ----------------------------------------------------------------- */

static void
test_pool(int block, int side)
{
	int out = (side - 1) / 2 + 1;
	size_t n = (size_t) side * side * block, m = (size_t) out * out * block;
	float *u = malloc(n * 4), *y = malloc(m * 4), *dy = malloc(m * 4), *dx = malloc(n * 4), *wanted = calloc(n, 4);
	uint8_t *argmax = malloc(m);
	float a[BLOCK_MAX], b[BLOCK_MAX];

	formula_fill(u, n, formula_id("pool"), 1.0f, 0.0f);
	formula_fill(dy, m, formula_id("pool.dy"), 1.0f, 0.0f);
	for (int c = 0; c < block; c++)
	{
		/* One channel all below zero, one that reorders the order around. */
		a[c] = c == 1 ? -1.0f : 1.0f;
		b[c] = c == 2 ? -5.0f : 0.25f;
	}
	SC_SIMD_CALL(sc_norm_pool)(y, argmax, u, a, b, side, out, block, SC_PRECISION_F32);
	SC_SIMD_CALL(sc_norm_unpool)(dx, dy, argmax, side, out, block, SC_PRECISION_F32);
	for (int oy = 0; oy < out; oy++)
		for (int ox = 0; ox < out; ox++)
			for (int c = 0; c < block; c++)
			{
				float best = -INFINITY;
				int place = -1;

				for (int iy = SC_MAX(2 * oy - 1, 0); iy <= SC_MIN(2 * oy + 1, side - 1); iy++)
					for (int ix = SC_MAX(2 * ox - 1, 0); ix <= SC_MIN(2 * ox + 1, side - 1); ix++)
						if (AT(u, iy * side + ix, c) * a[c] + b[c] > best)
						{
							best = AT(u, iy * side + ix, c) * a[c] + b[c];
							place = iy * side + ix;
						}
				CHECK(AT(y, oy * out + ox, c) == SC_MAX(best, 0.0f), "side %d, (%d, %d), channel %d: %g", side, oy, ox,
					  c, AT(y, oy * out + ox, c));
				AT(wanted, place, c) += AT(dy, oy * out + ox, c);
			}
	for (size_t i = 0; i < n; i++)
		CLOSE(dx[i], wanted[i], 1e-6);
	free(u);
	free(y);
	free(dy);
	free(dx);
	free(wanted);
	free(argmax);
}

/* ---- the same loops in bf16 ------------------------------------------------------ */

#define M (N * BLOCK_MAX)
#define F32 SC_PRECISION_F32
#define BF16 SC_PRECISION_BF16

/* A tensor by the formula, rounded: as floats, and as it is stored. */
static void
both(float *x, uint16_t *stored, size_t n, const char *name)
{
	formula_fill(x, n, formula_id(name), 1.0f, 0.0f);
	for (size_t i = 0; i < n; i++)
		x[i] = rounded(x[i]);
	store(stored, x, n, BF16);
}

/* What the loop in bf16 wrote is what that in float wrote, rounded. */
static void
check_rounded(const char *what, const uint16_t *stored, const float *x, size_t n)
{
	double worst = 0.0;

	for (size_t i = 0; i < n; i++)
	{
		double d = fabs(sc_element_get(stored, i, BF16) - x[i]);

		/* One part in a hundred of slack for another order of the arithmetic. */
		if (!(d <= 1.01 * BF16_ERROR * fabs(x[i])))
			worst = fmax(worst, isnan(d) ? INFINITY : d);
	}
	CHECK(worst == 0.0, "%s: off by %g", what, worst);
}

static void
test_norm_bf16(void)
{
	float u[M], s[M], t[M], y[M];
	uint16_t u16[M], s16[M], t16[M], y16[M];
	float a[BLOCK_MAX], b[BLOCK_MAX];
	double sum[2][BLOCK_MAX] = {{0}}, square[2][BLOCK_MAX] = {{0}};

	both(u, u16, M, "u");
	both(s, s16, M, "s");
	both(t, t16, M, "t");
	formula_fill(a, BLOCK_MAX, formula_id("a"), 0.5f, 1.0f);
	formula_fill(b, BLOCK_MAX, formula_id("b"), 0.5f, 0.0f);
	SC_SIMD_CALL(sc_norm_sums)(sum[0], square[0], u, SHAPE(N, BLOCK_MAX, F32));
	SC_SIMD_CALL(sc_norm_sums)(sum[1], square[1], u16, SHAPE(N, BLOCK_MAX, BF16));
	SC_SIMD_CALL(sc_norm_products)(&(sc_norm_gradient){sum[0], square[0], u, a, b}, t, SHAPE(N, BLOCK_MAX, F32));
	SC_SIMD_CALL(sc_norm_products)(&(sc_norm_gradient){sum[1], square[1], u16, a, b}, t16, SHAPE(N, BLOCK_MAX, BF16));
	for (int c = 0; c < BLOCK_MAX; c++)
	{
		CLOSE(sum[1][c], sum[0][c], 1e-4);
		CLOSE(square[1][c], square[0][c], 1e-4);
	}
	SC_SIMD_CALL(sc_norm_apply)(y, u, a, b, NULL, NULL, NULL, SHAPE(N, BLOCK_MAX, F32));
	SC_SIMD_CALL(sc_norm_apply)(y16, u16, a, b, NULL, NULL, NULL, SHAPE(N, BLOCK_MAX, BF16));
	check_rounded("apply", y16, y, M);
	SC_SIMD_CALL(sc_norm_apply)(y, u, a, b, s, b, a, SHAPE(N, BLOCK_MAX, F32));
	SC_SIMD_CALL(sc_norm_apply)(y16, u16, a, b, s16, b, a, SHAPE(N, BLOCK_MAX, BF16));
	check_rounded("apply with the shortcut's norm", y16, y, M);
	SC_SIMD_CALL(sc_norm_apply)(y, u, a, b, s, NULL, NULL, SHAPE(N, BLOCK_MAX, F32));
	SC_SIMD_CALL(sc_norm_apply)(y16, u16, a, b, s16, NULL, NULL, SHAPE(N, BLOCK_MAX, BF16));
	check_rounded("apply with the shortcut", y16, y, M);
	/* In place, as a training does. */
	SC_SIMD_CALL(sc_norm_mask)(y, y, t, s, NULL, NULL, SHAPE(N, BLOCK_MAX, F32));
	SC_SIMD_CALL(sc_norm_mask)(y16, y16, t16, s16, NULL, NULL, SHAPE(N, BLOCK_MAX, BF16));
	check_rounded("mask of two", y16, y, M);
	SC_SIMD_CALL(sc_norm_mask)(y, u, t, NULL, NULL, NULL, SHAPE(N, BLOCK_MAX, F32));
	SC_SIMD_CALL(sc_norm_mask)(y16, u16, t16, NULL, NULL, NULL, SHAPE(N, BLOCK_MAX, BF16));
	check_rounded("mask", y16, y, M);
	SC_SIMD_CALL(sc_norm_backward)(u, t, a, b, b, SHAPE(N, BLOCK_MAX, F32));
	SC_SIMD_CALL(sc_norm_backward)(u16, t16, a, b, b, SHAPE(N, BLOCK_MAX, BF16));
	check_rounded("backward", u16, u, M);
	/* NaN must come through, or a training that diverges would not be seen. */
	sc_element_put(u16, 3, NAN, BF16);
	SC_SIMD_CALL(sc_norm_apply)(y16, u16, a, b, s16, NULL, NULL, SHAPE(N, BLOCK_MAX, BF16));
	CHECK(isnan(sc_element_get(y16, 3, BF16)), "NaN is lost");
}

#define POOL_SIDE 15
#define POOL_OUT 8
#define POOL_U (POOL_SIDE * POOL_SIDE * BLOCK_MAX)
#define POOL_Y (POOL_OUT * POOL_OUT * BLOCK_MAX)

static void
test_pool_bf16(void)
{
	static float u[POOL_U], y[POOL_Y], dy[POOL_Y];
	static uint16_t u16[POOL_U], y16[POOL_Y], dy16[POOL_Y];
	static uint8_t argmax[2][POOL_Y];
	float a[BLOCK_MAX], b[BLOCK_MAX];

	both(u, u16, POOL_U, "pool");
	both(dy, dy16, POOL_Y, "pool.dy");
	formula_fill(a, BLOCK_MAX, formula_id("a"), 1.0f, 0.0f);
	formula_fill(b, BLOCK_MAX, formula_id("b"), 0.5f, 0.0f);
	SC_SIMD_CALL(sc_norm_pool)(y, argmax[0], u, a, b, POOL_SIDE, POOL_OUT, BLOCK_MAX, F32);
	SC_SIMD_CALL(sc_norm_pool)(y16, argmax[1], u16, a, b, POOL_SIDE, POOL_OUT, BLOCK_MAX, BF16);
	check_rounded("pool", y16, y, POOL_Y);
	CHECK(memcmp(argmax[0], argmax[1], POOL_Y) == 0, "pool chose others");
	SC_SIMD_CALL(sc_norm_unpool)(u, dy, argmax[0], POOL_SIDE, POOL_OUT, BLOCK_MAX, F32);
	SC_SIMD_CALL(sc_norm_unpool)(u16, dy16, argmax[1], POOL_SIDE, POOL_OUT, BLOCK_MAX, BF16);
	check_rounded("unpool", u16, u, POOL_U);
}

/* The max-pool of what is not negative, against that of training; and rounding to bf16, and the mean. */
static void
test_infer_loops(int block, int side, sc_precision precision)
{
	int out = (side - 1) / 2 + 1;
	size_t n = (size_t) side * side * block, m = (size_t) out * out * block, bytes = m * sc_element_bytes(precision);
	float *floats = malloc(n * 4), one[BLOCK_MAX], zero[BLOCK_MAX] = {0}, mean[BLOCK_MAX];
	void *x = unit_aligned(n * 4), *y = unit_aligned(m * 4), *wanted = unit_aligned(m * 4),
		 *narrow = unit_aligned(n * 2);
	uint8_t *argmax = malloc(m);

	formula_fill(floats, n, formula_id("infer.pool"), 1.0f, 0.0f);
	for (size_t i = 0; i < n; i++)
		floats[i] = SC_MAX(floats[i], 0.0f);
	store(x, floats, n, precision);
	for (int c = 0; c < block; c++)
		one[c] = 1.0f;
	SC_SIMD_CALL(sc_norm_pool)(wanted, argmax, x, one, zero, side, out, block, precision);
	SC_SIMD_CALL(sc_infer_pool)(y, x, side, out, block, precision);
	CHECK(memcmp(y, wanted, bytes) == 0, "max-pool of %d", side);
	SC_SIMD_CALL(sc_infer_average)(mean, x, (size_t) side * side, block, precision);
	for (int c = 0; c < block; c++)
	{
		double sum = 0.0;

		for (size_t i = 0; i < (size_t) side * side; i++)
			sum += sc_element_get(x, i * (size_t) block + (size_t) c, precision);
		CLOSE(mean[c], sum / (side * side), 1e-5);
	}
	SC_SIMD_CALL(sc_infer_narrow)(narrow, floats, n);
	for (size_t i = 0; i < n; i++)
		CHECK(sc_element_get(narrow, i, BF16) == rounded(floats[i]), "rounded %g", floats[i]);
	free(floats);
	free(argmax);
	free(x);
	free(y);
	free(wanted);
	free(narrow);
}

int
main(int argc, char **argv)
{
	bool serial;

	unit_begin(argc, argv);
	if (!sc_blas_open(&serial))
		return 1;
	CASE ("rounding to bf16")
		test_elements();
	CASE ("convolutions, BLAS, f32")
		test_convs(SC_CONV_BLAS, F32, 1e-5);
	CASE ("convolutions, direct, f32")
		test_convs(SC_CONV_DIRECT, F32, 1e-5);
	CASE ("convolutions, rows, f32")
		test_convs(SC_CONV_ROWS, F32, 1e-5);
	CASE ("convolutions, rows, bf16")
	{
		if (sc_conv_has_bf16(SC_CONV_ROWS))
			test_convs(SC_CONV_ROWS, BF16, 1e-5);
		else
			SKIP("this CPU has no bf16 arithmetic, or there is no oneDNN");
	}
	/* Winograd's own bound. */
	CASE ("convolutions, oneDNN's Winograd, f32")
		test_convs(SC_CONV_DNNL_WINOGRAD, F32, 1e-4);
	CASE ("convolutions, our Winograd, f32")
		test_convs(SC_CONV_WINOGRAD, F32, 1e-4);
	CASE ("convolutions, best, f32")
	{
		test_convs(SC_CONV_BEST, F32, 1e-4);
		test_conv(8, 64, 64, 16, 3, 1, SC_CONV_BEST, F32, 1e-4);
	}
	CASE ("convolutions, best, bf16")
	{
		if (sc_conv_has_bf16(SC_CONV_BEST))
		{
			test_convs(SC_CONV_BEST, BF16, 1e-5);
			test_conv(8, 64, 64, 16, 3, 1, SC_CONV_BEST, BF16, 1e-5);
		}
		else
			SKIP("this CPU has no bf16 arithmetic, or there is no oneDNN");
	}
	CASE ("convolutions, AMX")
	{
		if (sc_conv_amx_here(16))
			test_groups(1e-5);
		else
			SKIP("this CPU has no AMX, or it is not granted");
	}
	CASE ("bf16 where there is none")
		test_no_bf16();
	CASE ("convolutions without learning, BLAS")
		test_infers(SC_CONV_BLAS, F32, F32, 1e-5);
	CASE ("convolutions without learning, direct")
		test_infers(SC_CONV_DIRECT, F32, F32, 1e-5);
	CASE ("convolutions without learning, best")
		test_infers(SC_CONV_BEST, F32, F32, 1e-5);
	CASE ("convolutions without learning, bf16")
	{
		if (sc_conv_has_bf16(SC_CONV_BEST))
		{
			test_infers(SC_CONV_BEST, BF16, BF16, 1e-5 + BF16_ERROR);
			test_infers(SC_CONV_BEST, BF16, F32, 1e-5);
		}
		else
			SKIP("this CPU has no bf16 arithmetic, or there is no oneDNN");
	}
	for (int block = 8; block <= 16; block += 8)
		CASE ("loops without learning, blocks of %d", block)
			for (int side = 1; side <= 9; side++)
			{
				test_infer_loops(block, side, F32);
				if (block == 16)
					test_infer_loops(block, side, BF16);
			}
	for (int block = 8; block <= 16; block += 8)
	{
		CASE ("norm, blocks of %d", block)
		{
			test_norm(block, false);
			test_norm(block, true);
		}
		CASE ("max-pool, blocks of %d", block)
		{
			test_pool(block, 2);
			test_pool(block, 7);
			test_pool(block, 16);
		}
	}
	CASE ("norm, bf16")
		test_norm_bf16();
	CASE ("max-pool, bf16")
		test_pool_bf16();
	sc_pool_shutdown();
	return unit_end();
}
