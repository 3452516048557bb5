/*-------------------------------------------------------------------------
 *
 * tests/unit/test_winograd.c
 *	  Winograd's convolutions against products of matrices (conv_blas.c), on
 *	  every instruction set that this CPU has: forward, both gradients, what is
 *	  done to the sums, and that a picture's bits are the same in any company.
 *
 *-------------------------------------------------------------------------
 */
#include <limits.h>

#include "core/base/arena.h"
#include "core/base/gemm.h"
#include "core/nn/conv.h"
#include "core/nn/winograd.h"
#include "core/nn/winograd_parts.h"
#include "formula.h"
#include "unit.h"

static const char *const isa_name[] = {"base", "AVX2", "AVX-512"};
static const char *const form_name[] = {"best", "one", "pair", "F2", "F3", "F4", "F5"};

typedef struct shape
{
	int in, out, side;
} shape;

/* What this form may err, as a share of the root of the mean square of the right values: the largest and the mean. */
static const struct
{
	double largest, mean;
} bound[SC_WINOGRAD_FORMS] = {
	[SC_WINOGRAD_ONE] = {6e-6, 1e-6}, [SC_WINOGRAD_PAIR] = {1.5e-5, 2e-6}, [SC_WINOGRAD_F2] = {1e-5, 3e-6},
	[SC_WINOGRAD_F3] = {3e-5, 3e-6},  [SC_WINOGRAD_F4] = {5e-5, 5e-6},	   [SC_WINOGRAD_F5] = {1e-4, 1e-5},
};

typedef struct task
{
	sc_winograd w;
	sc_conv conv; /* the same by products of matrices; of the forward pass */
	int views;
	size_t x, y; /* floats of one view */
	float *weights, *transformed;
	void *scratch, *blas;
} task;

static float *
numbers(size_t n, const char *name, float least, float scale)
{
	float *x = unit_aligned(n * sizeof(float));
	uint64_t id = formula_id(name);

	for (size_t i = 0; i < n; i++)
		x[i] = fmaxf(least, formula_unit(id, i) * scale);
	return x;
}

static bool
begin(task *t, shape s, int views, int block, bool transposed, sc_winograd_form form, sc_isa isa)
{
	sc_winograd_config config = {.in = transposed ? s.out : s.in,
								 .out = transposed ? s.in : s.out,
								 .side = s.side,
								 .channel_block = block,
								 .transposed = transposed,
								 .form = form,
								 .isa = isa};
	sc_conv_config of_blas = {.views = views,
							  .in = s.in,
							  .out = s.out,
							  .side = s.side,
							  .kernel = 3,
							  .stride = 1,
							  .channel_block = block,
							  .backward = true,
							  .kind = SC_CONV_BLAS};
	size_t scratch;

	*t = (task){.views = views};
	if (!sc_winograd_describe(&t->w, &config) || sc_conv_open(&t->conv, &of_blas, NULL) != SC_OK)
		return false;
	t->x = (size_t) s.in * s.side * s.side;
	t->y = (size_t) s.out * s.side * s.side;
	t->weights = numbers(t->conv.weights, "weights", -1e9f, 0.1f);
	t->transformed = unit_aligned(t->w.transformed * sizeof(float));
	scratch = SC_MAX(sc_winograd_scratch(&t->w, views, false), sc_winograd_scratch(&t->w, views, true));
	t->scratch = malloc(scratch);
	t->blas = malloc(t->conv.scratch);
	/* What scratch memory held before must not matter. */
	memset(t->scratch, 0xff, scratch);
	memset(t->transformed, 0xff, t->w.transformed * sizeof(float));
	for (int part = 0; part < 3; part++)
		CHECK(sc_winograd_transform(NULL, &t->w, t->transformed, t->weights, part, 3) == SC_OK, "transform");
	return true;
}

static void
end(task *t)
{
	sc_conv_close(&t->conv);
	free(t->weights);
	free(t->transformed);
	free(t->scratch);
	free(t->blas);
}

/* Errors of n values, printed and held. */
static void
hold(const char *what, const task *t, const float *got, const float *right, size_t n)
{
	sc_winograd_form form = t->w.config.form;
	double square = 0, error = 0, largest = 0;

	for (size_t i = 0; i < n; i++)
	{
		double e = fabs((double) got[i] - (double) right[i]);

		square += (double) right[i] * right[i];
		error += e * e;
		largest = e <= largest ? largest : e; /* NaN is the largest */
	}
	square = sqrt(square / (double) n);
	error = sqrt(error / (double) n) / square;
	largest /= square;
	printf("# %s %s, %d -> %d of %d: mean error %.2g, largest %.2g\n", what, form_name[form], t->w.config.in,
		   t->w.config.out, t->w.config.side, error, largest);
	CHECK(error <= bound[form].mean, "%g", error);
	CHECK(largest <= bound[form].largest, "%g", largest);
}

/*
 * Tensors of bf16: as those of float are of the same numbers, but rounded.
 */
static void
test_bf16(shape s, int views, bool transposed, sc_isa isa)
{
	task t;
	sc_winograd half;
	float *x, *y, *dw, *dw2, *beside;
	uint16_t *xh, *yh, *besideh;
	size_t in, out, differ = 0;

	if (!begin(&t, s, views, 16, transposed, SC_WINOGRAD_BEST, isa))
		return;
	half = t.w;
	half.config.precision = SC_PRECISION_BF16;
	CHECK(sc_winograd_describe(&half, &half.config) && half.transformed == t.w.transformed, "describe");
	in = (size_t) views * (transposed ? t.y : t.x);
	out = (size_t) views * (transposed ? t.x : t.y);
	x = numbers(in, "x", -1e9f, 1.0f);
	beside = numbers(out, "beside", -1e9f, 1.0f);
	y = unit_aligned(out * sizeof(float));
	xh = unit_aligned(in * sizeof(uint16_t));
	yh = unit_aligned(out * sizeof(uint16_t));
	besideh = unit_aligned(out * sizeof(uint16_t));
	for (size_t i = 0; i < in; i++)
	{
		sc_element_put(xh, i, x[i], SC_PRECISION_BF16);
		x[i] = sc_element_get(xh, i, SC_PRECISION_BF16);
	}
	for (size_t i = 0; i < out; i++)
	{
		sc_element_put(besideh, i, beside[i], SC_PRECISION_BF16);
		beside[i] = sc_element_get(besideh, i, SC_PRECISION_BF16);
	}
	for (int with = 0; with < 2; with++)
	{
		double sums[2][64], sums2[2] = {0};
		int channels = t.w.config.out;
		sc_winograd_epilogue e = {.shortcut = beside, .mask = beside}, eh = {.shortcut = besideh, .mask = besideh};

		CHECK(channels <= 64, "%d", channels);
		eh.sums = sums[0];
		CHECK(sc_winograd_run(NULL, &t.w, views, y, x, t.transformed, with ? &e : NULL, t.scratch) == SC_OK, "run");
		CHECK(sc_winograd_run(NULL, &half, views, yh, xh, t.transformed, with ? &eh : NULL, t.scratch) == SC_OK, "run");
		for (size_t i = 0; i < out; i++)
		{
			uint16_t right;

			sc_element_put(&right, 0, y[i], SC_PRECISION_BF16);
			differ += right != yh[i];
			if (i / ((size_t) 16 * s.side * s.side) % ((size_t) channels / 16) == 0 && i % 16 == 0)
			{
				sums2[0] += sc_element_get(yh, i, SC_PRECISION_BF16);
				sums2[1] += pow(sc_element_get(yh, i, SC_PRECISION_BF16), 2);
			}
		}
		for (int i = 0; with && i < 2; i++)
			CLOSE((&sums[0][0])[i * channels], sums2[i], 1e-5 * (double) out / channels);
	}
	CHECK(differ == 0, "%zu numbers differ", differ);
	x[0] = NAN;
	sc_element_put(xh, 0, NAN, SC_PRECISION_BF16);
	CHECK(sc_winograd_run(NULL, &half, views, yh, xh, t.transformed, NULL, t.scratch) == SC_OK, "run");
	CHECK(isnan(sc_element_get(yh, 0, SC_PRECISION_BF16)), "NaN is lost");
	if (!transposed)
	{
		sc_element_put(xh, 0, 1, SC_PRECISION_BF16);
		x[0] = 1;
		dw = unit_aligned(t.conv.weights * sizeof(float));
		dw2 = unit_aligned(t.conv.weights * sizeof(float));
		CHECK(sc_winograd_gradient(NULL, &t.w, views, dw, x, beside, t.scratch) == SC_OK, "gradient");
		CHECK(sc_winograd_gradient(NULL, &half, views, dw2, xh, besideh, t.scratch) == SC_OK, "gradient");
		CHECK(memcmp(dw, dw2, t.conv.weights * sizeof(float)) == 0, "gradients differ");
		free(dw);
		free(dw2);
	}
	free(x);
	free(y);
	free(xh);
	free(yh);
	free(beside);
	free(besideh);
	end(&t);
}

/* Forward, or the gradient of the input. */
static void
test_run(shape s, int views, int block, bool transposed, sc_winograd_form form, sc_isa isa)
{
	task t;
	float *x, *y, *right, *alone;
	size_t in, out;

	if (!begin(&t, s, views, block, transposed, form, isa))
	{
		CHECK(isa == SC_ISA_AVX512 && block == 8, "described");
		return;
	}
	in = transposed ? t.y : t.x;
	out = transposed ? t.x : t.y;
	/* Activations are positive after ReLU; gradients are not. */
	x = numbers((size_t) views * in, "x", transposed ? -1e9f : 0.0f, 1.0f);
	y = unit_aligned((size_t) views * out * sizeof(float));
	right = unit_aligned((size_t) views * out * sizeof(float));
	alone = unit_aligned(out * sizeof(float));
	CHECK(sc_winograd_run(NULL, &t.w, views, y, x, t.transformed, NULL, t.scratch) == SC_OK, "run");
	if (transposed)
		CHECK(sc_conv_backward_data(NULL, &t.conv, right, x, t.weights, NULL, t.blas) == SC_OK, "blas");
	else
		CHECK(sc_conv_forward(NULL, &t.conv, right, x, t.weights, NULL, t.blas) == SC_OK, "blas");
	hold(transposed ? "data" : "forward", &t, y, right, (size_t) views * out);
	/* Any picture by itself, and any run of pictures. */
	for (int v = 0; v < views; v++)
	{
		CHECK(sc_winograd_run(NULL, &t.w, 1, alone, x + (size_t) v * in, t.transformed, NULL, t.scratch) == SC_OK,
			  "run");
		CHECK(memcmp(alone, y + (size_t) v * out, out * sizeof(float)) == 0, "picture %d alone", v);
	}
	for (int v = 1; v < views; v++)
	{
		CHECK(sc_winograd_run(NULL, &t.w, views - v, right, x + (size_t) v * in, t.transformed, NULL, t.scratch) == SC_OK,
			  "run");
		CHECK(memcmp(right, y + (size_t) v * out, (size_t) (views - v) * out * sizeof(float)) == 0, "from picture %d",
			  v);
	}
	free(x);
	free(y);
	free(right);
	free(alone);
	end(&t);
}

static void
test_gradient(shape s, int views, int block, sc_winograd_form form, sc_isa isa)
{
	task t;
	float *x, *dy, *dw, *right;

	if (!begin(&t, s, views, block, false, form, isa))
	{
		CHECK(isa == SC_ISA_AVX512 && block == 8, "described");
		return;
	}
	x = numbers((size_t) views * t.x, "x", 0.0f, 1.0f);
	dy = numbers((size_t) views * t.y, "dy", -1e9f, 1.0f);
	dw = unit_aligned(t.conv.weights * sizeof(float));
	right = unit_aligned(t.conv.weights * sizeof(float));
	CHECK(sc_winograd_gradient(NULL, &t.w, views, dw, x, dy, t.scratch) == SC_OK, "gradient");
	CHECK(sc_conv_backward_weights(NULL, &t.conv, right, x, dy, t.blas) == SC_OK, "blas");
	hold("weights", &t, dw, right, t.conv.weights);
	free(x);
	free(dy);
	free(dw);
	free(right);
	end(&t);
}

/* Every epilogue that there is, on every instruction set: what it must make of the plain sums. */
enum
{
	BIAS = 1,
	SHORTCUT = 2,
	RELU = 4,
	MASK = 8,
	SUMS = 16,
	BESIDE = 32,
	IN_PLACE = 64, /* the tensors that it reads are y */
	ALL = 128
};

static void
test_epilogue(shape s, int views, int block, sc_isa isa)
{
	task t;
	float *x, *y, *sum, *channel, *tensor;
	size_t n, pixels = (size_t) s.side * s.side;

	if (!begin(&t, s, views, block, false, SC_WINOGRAD_BEST, isa))
	{
		CHECK(isa == SC_ISA_AVX512 && block == 8, "described");
		return;
	}
	n = (size_t) views * t.y;
	x = numbers((size_t) views * t.x, "x", -1e9f, 1.0f);
	y = unit_aligned(n * sizeof(float));
	sum = unit_aligned(n * sizeof(float));
	channel = numbers((size_t) s.out, "channel", -1e9f, 1.0f);
	tensor = numbers(n, "tensor", -1e9f, 1.0f);
	CHECK(sc_winograd_run(NULL, &t.w, views, sum, x, t.transformed, NULL, t.scratch) == SC_OK, "run");
	for (int with = 0; with < ALL; with++)
	{
		const float *other = with & IN_PLACE ? y : tensor;
		double right_sums[2][64] = {{0}};
		sc_winograd_epilogue e = {.bias = with & BIAS ? channel : NULL,
								  .shortcut = with & SHORTCUT ? other : NULL,
								  .relu = with & RELU,
								  .mask = with & MASK ? other : NULL,
								  .beside = with & BESIDE ? other : NULL,
								  .mean = channel,
								  .inv = channel};

		e.sums = with & SUMS ? malloc(2 * (size_t) s.out * sizeof(double)) : NULL;
		memcpy(y, tensor, n * sizeof(float));
		CHECK(sc_winograd_run(NULL, &t.w, views, y, x, t.transformed, &e, t.scratch) == SC_OK, "run");
		for (size_t i = 0; i < n; i++)
		{
			size_t c = i / ((size_t) block * pixels) % ((size_t) s.out / block) * block + i % block;
			float right = sum[i];

			if (with & BIAS)
				right += channel[c];
			if (with & SHORTCUT)
				right += tensor[i];
			if (with & RELU)
				right = right < 0 ? 0 : right;
			if (with & MASK)
				right = tensor[i] > 0 ? right : 0;
			CHECK(right == y[i], "with %d, at %zu: %g, not %g", with, i, y[i], right);
			right_sums[0][c] += right;
			right_sums[1][c] += (double) right * (with & BESIDE ? (tensor[i] - channel[c]) * channel[c] : right);
		}
		for (int c = 0; with & SUMS && c < s.out; c++)
		{
			CLOSE(e.sums[c], right_sums[0][c], 1e-5 * (double) n / s.out);
			CLOSE(e.sums[s.out + c], right_sums[1][c], 1e-5 * (double) n / s.out);
		}
		free(e.sums);
	}
	/* ReLU keeps NaN, as PyTorch's does. */
	x[0] = NAN;
	CHECK(sc_winograd_run(NULL, &t.w, views, y, x, t.transformed, &(sc_winograd_epilogue){.relu = true}, t.scratch) ==
			  SC_OK,
		  "run");
	CHECK(isnan(y[0]), "NaN is lost");
	free(x);
	free(y);
	free(sum);
	free(channel);
	free(tensor);
	end(&t);
}

/* ---- the stop flag, in the middle of a call ------------------------------------- */

/* Kernels that do nothing but count their work, in multiplications, and ask for a stop at the n-th call. */
static struct
{
	int calls, stop_at, columns;
	double after; /* work since the stop, of calls that began after it */
} counted;

static void
count_work(double work)
{
	if (counted.calls > counted.stop_at)
		counted.after += work;
	if (counted.calls++ == counted.stop_at)
		sc_pool_stop();
}

static void
counting_weights(const sc_winograd *w, float *transformed, const float *weights, size_t from, size_t to)
{
	count_work((double) (to - from) * w->points * w->kernels->panel * w->config.channel_block);
}

static void
counting_input(const sc_winograd *w, float *v, size_t point, const void *x, sc_winograd_range tiles)
{
	count_work((double) tiles.count * w->points * w->config.in);
}

static void
counting_multiply(const sc_winograd_product *p)
{
	count_work((double) p->rows * p->depth * counted.columns);
}

static void
counting_output(const sc_winograd *w, void *y, const float *m, size_t point, const sc_winograd_epilogue *epilogue,
				float *sums, sc_winograd_range tiles)
{
	count_work((double) tiles.count * w->points * w->config.out);
}

static void
counting_spread(const sc_winograd *w, float *d, size_t point, const void *dy, sc_winograd_range tiles)
{
	count_work((double) tiles.count * w->points * w->config.out);
}

static void
counting_gradient(const sc_winograd *w, float *dweights, const sc_winograd_product *p, size_t a_point, size_t b_point,
				  int panel, float *work)
{
	count_work((double) w->points * p->rows * p->depth * w->kernels->panel);
}

typedef struct stopped
{
	sc_winograd w;
	int what; /* transform, run, gradient */
	int views;
	void *scratch;
	float *transformed; /* only its address is looked at */
} stopped;

static sc_status
run_stopped(const sc_lane *lane, void *arg)
{
	const stopped *s = arg;

	if (s->what == 0)
		return sc_winograd_transform(lane, &s->w, s->transformed, NULL, 0, 1);
	if (s->what == 1)
		return sc_winograd_run(lane, &s->w, s->views, NULL, NULL, s->transformed, NULL, s->scratch);
	return sc_winograd_gradient(lane, &s->w, s->views, NULL, NULL, NULL, s->scratch);
}

/* A call that is asked to stop at any of its steps does no more than some milliseconds' work, and says that it stopped. */
static void
test_stop(int side, int channels, int views)
{
	/* 2^26 multiplications; without vectors they take 20 ms. */
	const double most = 67108864.0;
	sc_winograd_config config = {.in = channels, .out = channels, .side = side, .channel_block = 16, .isa = sc_isa_best()};
	stopped s = {.views = views};
	sc_winograd_kernels kernels;
	sc_error err;

	if (!sc_winograd_describe(&s.w, &config))
		return;
	kernels = *s.w.kernels;
	kernels.weights = counting_weights;
	kernels.input = counting_input;
	kernels.multiply = counting_multiply;
	kernels.output = counting_output;
	kernels.spread = counting_spread;
	kernels.gradient = counting_gradient;
	s.w.kernels = &kernels;
	counted.columns = s.w.columns;
	s.scratch = malloc(SC_MAX(sc_winograd_scratch(&s.w, views, false), sc_winograd_scratch(&s.w, views, true)));
	s.transformed = unit_aligned(SC_ALIGN);
	for (s.what = 0; s.what < 3; s.what++)
	{
		int calls;

		counted.calls = 0;
		counted.stop_at = INT_MAX;
		CHECK(sc_pool_run(1, run_stopped, &s, &err) == SC_OK, "%s", err.message);
		calls = counted.calls;
		CHECK(calls > 0, "no calls");
		for (int at = 0; at < calls; at += 1 + calls / 50)
		{
			sc_status status;

			counted.calls = 0;
			counted.stop_at = at;
			counted.after = 0;
			status = sc_pool_run(1, run_stopped, &s, &err);
			CHECK(status == SC_ABORTED || counted.calls == calls, "stop at %d of %d of call %d", at, calls, s.what);
			CHECK(counted.after <= most, "%g multiplications after the stop at %d of %d of call %d", counted.after, at,
				  calls, s.what);
		}
	}
	free(s.scratch);
	free(s.transformed);
}

int
main(int argc, char **argv)
{
	/* ResNet-18's at 32, 40, 64 and 128 px, and maps that no tile fits. */
	static const shape shapes[] = {
		{64, 64, 8},	{64, 64, 10},  {64, 64, 16},  {64, 64, 32},	 {128, 128, 4}, {128, 128, 5}, {128, 128, 8},
		{128, 128, 16}, {256, 256, 2}, {256, 256, 3}, {256, 256, 4}, {256, 256, 8}, {512, 512, 1}, {512, 512, 2},
		{512, 512, 4},	{32, 48, 7},   {16, 16, 9},	  {48, 32, 13},	 {16, 64, 1},	{80, 16, 6},
	};
	bool serial;

	unit_begin(argc, argv);
	if (!sc_blas_open(&serial))
		return 1;
	for (sc_isa isa = SC_ISA_BASE; isa <= sc_isa_best(); isa++)
		for (int block = 8; block <= 16; block += 8)
			for (int i = 0; i < (int) (sizeof(shapes) / sizeof(*shapes)); i++)
			{
				shape s = shapes[i];
				int views = s.side > 8 ? 2 : s.side > 4 ? 4 : 9;

				/* The others' loops differ from it in the width of a vector alone. Many channels are much work. */
				if (s.in >= 512 && isa == SC_ISA_BASE)
					continue;
				if ((s.in >= 128 || s.side > 10) && unit_small())
					continue;
				CASE ("%d -> %d of %d, blocks of %d, %s", s.in, s.out, s.side, block, isa_name[isa])
				{
					test_run(s, views, block, false, SC_WINOGRAD_BEST, isa);
					test_run(s, views, block, true, SC_WINOGRAD_BEST, isa);
					test_gradient(s, views, block, SC_WINOGRAD_BEST, isa);
				}
			}
	for (sc_isa isa = SC_ISA_BASE; isa <= sc_isa_best(); isa++)
	{
		for (sc_winograd_form form = SC_WINOGRAD_F2; form <= SC_WINOGRAD_F5; form++)
			for (int side = 2; side <= 12; side++)
				CASE ("%s of %d, %s", form_name[form], side, isa_name[isa])
				{
					shape s = {16, 32, side};

					test_run(s, 3, 16, false, form, isa);
					test_run(s, 3, 16, true, form, isa);
					test_gradient(s, 3, 16, form, isa);
				}
		for (int side = 1; side <= 10; side++)
			CASE ("bf16, side %d, %s", side, isa_name[isa])
			{
				test_bf16((shape){32, 48, side}, 3, false, isa);
				test_bf16((shape){32, 48, side}, 3, true, isa);
			}
		CASE ("more tiles than are in work at once, %s", isa_name[isa])
		{
			test_run((shape){16, 16, 32}, 16, 16, false, SC_WINOGRAD_F4, isa);
			test_gradient((shape){16, 16, 32}, 16, 16, SC_WINOGRAD_F4, isa);
			test_gradient((shape){16, 16, 32}, 16, 16, SC_WINOGRAD_F2, isa);
		}
		for (int side = 1; side <= 8; side++)
			CASE ("epilogues, side %d, %s", side, isa_name[isa])
			{
				test_epilogue((shape){16, 48, side}, 2, 16, isa);
				test_epilogue((shape){8, 24, side}, 2, 8, isa);
			}
	}
	CASE ("the stop flag, many tiles")
		test_stop(32, 64, 64);
	CASE ("the stop flag, many channels")
	{
		test_stop(4, 512, 64);
		test_stop(2, 512, 1);
	}
	return unit_end();
}
