/*-------------------------------------------------------------------------
 *
 * tests/bench/tune.c
 *	  The lines of src/core/nn/conv_table.h for the instruction set in force:
 *
 *	  tune [SIDE ...]
 *
 * Each pass of each convolution of a ResNet-18 on pictures of these sides, by
 * every path that can do it, in alternation; the median of the lane's own CPU
 * time decides. A path must win by 3 % over oneDNN's direct one, so that a table
 * made anew does not differ by noise. Printed behind each line: GFLOP/s of the
 * forward pass, the gradient of the input, that of the weights, by each path,
 * with multiplications of padding counted as if they were done.
 *
 * SELFCLASS_ISA chooses the instruction set; "make tune" runs all of them.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/arena.h"
#include "core/base/gemm.h"
#include "core/base/simd.h"
#include "core/nn/conv_parts.h"
#include "core/nn/resnet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define ROUNDS 5
#define MOST_SIDES 16
#define MOST_VIEWS 100
#define GAIN 1.03

/* The kinds that are tried, the path that each is when it has its way, and its name in the table. */
static const struct
{
	sc_conv_kind kind;
	sc_conv_path path;
	const char *name;
} tried[] = {
	{SC_CONV_DIRECT, SC_CONV_BY_ONEDNN, "DIRECT"},
	{SC_CONV_DNNL_WINOGRAD, SC_CONV_BY_ONEDNN_WINOGRAD, "DNNL_WINOGRAD"},
	{SC_CONV_ROWS, SC_CONV_BY_ROWS, "ROWS"},
	{SC_CONV_WINOGRAD, SC_CONV_BY_WINOGRAD, "WINOGRAD"},
};
#define TRIED (int) (sizeof(tried) / sizeof(tried[0]))

/* Print no lines. */
static bool quiet;

static double
now(void)
{
	struct timespec t;

	(void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static void *
take(size_t bytes)
{
	void *p = aligned_alloc(SC_ALIGN, (bytes + 2 * SC_ALIGN) / SC_ALIGN * SC_ALIGN);

	if (p == NULL)
		exit(1);
	memset(p, 0, bytes);
	return p;
}

/* A convolution by one path, with all that it needs. */
typedef struct subject
{
	sc_conv conv;
	void *reordered, *scratch;
	double seconds[SC_CONV_PASSES][ROUNDS];
} subject;

/* What all paths share. */
typedef struct tensors
{
	void *x, *dx, *y;
	float *w, *dw;
} tensors;

static void
open_subject(subject *s, const sc_conv_config *shape, sc_conv_kind kind)
{
	sc_conv_config config = *shape;
	sc_error err = {0};

	config.kind = kind;
	if (sc_conv_open(&s->conv, &config, &err) != SC_OK)
	{
		fprintf(stderr, "%s %s\n", err.message, err.detail);
		exit(1);
	}
	s->reordered = take(s->conv.reordered);
	s->scratch = take(s->conv.scratch);
}

static void
run_pass(subject *s, const tensors *t, sc_conv_pass pass)
{
	if (pass == SC_CONV_PASS_FORWARD)
		(void) sc_conv_forward(NULL, &s->conv, t->y, t->x, t->w, s->reordered, s->scratch);
	else if (pass == SC_CONV_PASS_DATA)
		(void) sc_conv_backward_data(NULL, &s->conv, t->dx, t->y, t->w, s->reordered, s->scratch);
	else
		(void) sc_conv_backward_weights(NULL, &s->conv, t->dw, t->x, t->y, s->scratch);
}

/* Small numbers, other ones for each element. */
static void
fill(void *out, size_t n, sc_precision precision)
{
	for (size_t i = 0; i < n; i++)
		sc_element_put(out, i, (float) (i * 2654435761U % 1000) * 0.002f - 1.0f, precision);
}

static void
print_line(const sc_conv_config *shape, const char *isa, const int *best, double seconds[TRIED][SC_CONV_PASSES],
		   double flops)
{
	printf("\t{%s, %d, %d, %d, %d, %d, {%s, %s, %s}}, /*", isa, shape->kernel, shape->stride, shape->in, shape->out,
		   shape->side, tried[best[0]].name, tried[best[1]].name, tried[best[2]].name);
	for (int i = 0; i < TRIED; i++)
	{
		printf("%s", i > 0 ? ";" : "");
		for (sc_conv_pass pass = SC_CONV_PASS_FORWARD; pass < SC_CONV_PASSES; pass++)
			if (isinf(seconds[i][pass]))
				printf(" -");
			else
				printf(" %.0f", 1e-9 * flops / seconds[i][pass]);
	}
	printf(" */\n");
	fflush(stdout);
}

/* Measures a shape and prints its line; returns the seconds of the best paths. */
static double
tune(const sc_conv_config *shape, const char *isa)
{
	static subject s[TRIED];
	tensors t;
	size_t nx = (size_t) shape->views * shape->in * shape->side * shape->side, ny;
	double flops, seconds[TRIED][SC_CONV_PASSES], sum = 0.0;
	int best[SC_CONV_PASSES];

	for (int i = 0; i < TRIED; i++)
		open_subject(&s[i], shape, tried[i].kind);
	ny = (size_t) shape->views * shape->out * s[0].conv.out_side * s[0].conv.out_side;
	flops = 2.0 * (double) ny * shape->in * shape->kernel * shape->kernel;
	t = (tensors){take(nx * 4), take(nx * 4), take(ny * 4), take(s[0].conv.weights * 4), take(s[0].conv.weights * 4)};
	fill(t.x, nx, shape->precision);
	fill(t.y, ny, shape->precision);
	fill(t.w, s[0].conv.weights, SC_PRECISION_F32);
	for (int i = 0; i < TRIED; i++)
		(void) sc_conv_reorder(NULL, &s[i].conv, s[i].reordered, t.w, 0, 1);
	for (sc_conv_pass pass = SC_CONV_PASS_FORWARD; pass < SC_CONV_PASSES; pass++)
	{
		for (int round = -1; round < ROUNDS; round++)
			for (int i = 0; i < TRIED; i++)
			{
				double start = now();

				if (s[i].conv.path[pass] == tried[i].path)
					run_pass(&s[i], &t, pass);
				s[i].seconds[pass][SC_MAX(round, 0)] = now() - start;
			}
		best[pass] = -1;
		for (int i = 0; i < TRIED; i++)
		{
			bool has = s[i].conv.path[pass] == tried[i].path;

			qsort(s[i].seconds[pass], ROUNDS, sizeof(double), by_value);
			seconds[i][pass] = has ? s[i].seconds[pass][ROUNDS / 2] : INFINITY;
			if (has && (best[pass] < 0 || seconds[i][pass] * (i > 0 ? GAIN : 1.0) < seconds[best[pass]][pass]))
				best[pass] = i;
		}
		best[pass] = SC_MAX(best[pass], 0);
		sum += isinf(seconds[best[pass]][pass]) ? 0.0 : seconds[best[pass]][pass];
	}
	if (!quiet)
		print_line(shape, isa, best, seconds, flops);
	for (int i = 0; i < TRIED; i++)
	{
		sc_conv_close(&s[i].conv);
		free(s[i].reordered);
		free(s[i].scratch);
	}
	free(t.x);
	free(t.dx);
	free(t.y);
	free(t.w);
	free(t.dw);
	return sum;
}

static bool
is_same_shape(const sc_conv_config *a, const sc_conv_config *b)
{
	return a->kernel == b->kernel && a->stride == b->stride && a->in == b->in && a->out == b->out && a->side == b->side;
}

/* All shapes; returns the views a second of a training step in its convolutions at 128 pixels. */
static double
tune_all(const int *sides, int count, sc_precision precision, const char *isa)
{
	sc_conv_config done[MOST_SIDES * SC_RESNET_SHAPES];
	int made = 0;
	double step_seconds = 0.0; /* of a view, at 128 pixels */

	for (int i = 0; i < count; i++)
	{
		sc_resnet net;
		sc_net_config config = {.input_size = sides[i], .precision = precision};
		/* Of a shard: the work of sixteen views of 128 pixels. */
		int views = SC_MAX(4, SC_MIN(MOST_VIEWS, 16 * 128 * 128 / (sides[i] * sides[i])));

		sc_resnet_describe(&net, &config, views, true);
		for (int shape = 0; shape < net.convs; shape++)
		{
			const sc_conv_config *c = &net.conv[shape].config;
			bool known = c->planar;
			int layers = 0;

			for (int l = 0; l < SC_RESNET_LAYERS; l++)
				layers += net.layer[l].shape == shape;
			for (int j = 0; j < made && !known; j++)
				known = is_same_shape(c, &done[j]);
			if (known)
				continue;
			done[made++] = *c;
			if (sides[i] == 128)
				step_seconds += layers * tune(c, isa) / views;
			else
				(void) tune(c, isa);
		}
	}
	return 1.0 / step_seconds;
}

int
main(int argc, char **argv)
{
	int sides[MOST_SIDES] = {32, 40, 64, 96, 128, 224}, count = 6;
	bool serial;
	const int at_128[] = {128};
	double speed[2];
	const char *f32 = sc_conv_channel_block(SC_CONV_BEST) == 16 ? "AVX512" : "AVX2";
	char library[100];
	sc_isa asked;

	for (count = argc > 1 ? 0 : 6; count < argc - 1 && count < MOST_SIDES; count++)
		sides[count] = SC_MIN(SC_MAX(atoi(argv[count + 1]), 16), 512);
	if (!sc_blas_open(&serial))
		return 1;
	sc_conv_library(library, sizeof(library));
	printf("\t/* %s: GFLOP/s by oneDNN; by its Winograd; by rows; by our Winograd */\n", library);
	if (sc_isa_asked(&asked) || !sc_conv_has_bf16(SC_CONV_BEST))
	{
		(void) tune_all(sides, count, SC_PRECISION_F32, f32);
		return 0;
	}
	/* In float the instruction sets with bf16 take the lines of AVX-512, which this measures for the speed alone. */
	speed[SC_PRECISION_BF16] = tune_all(sides, count, SC_PRECISION_BF16, "BF16");
	quiet = true;
	speed[SC_PRECISION_F32] = tune_all(at_128, 1, SC_PRECISION_F32, f32);
	printf("SPEED\t{SC_CONV_ISA_AVX512_BF16, %.1f, %.1f},\n", speed[SC_PRECISION_F32], speed[SC_PRECISION_BF16]);
	return 0;
}
