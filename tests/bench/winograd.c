/*-------------------------------------------------------------------------
 *
 * tests/bench/winograd.c
 *	  The passes of ResNet-18's 3x3 convolutions of stride 1 in float, on one
 *	  lane, by Winograd's algorithm of our own and by what else there is:
 *
 *	  winograd [VIEWS [ROUNDS [SIDE]]]
 *
 * For each shape and pass, with VIEWS pictures a call (8): milliseconds of CPU
 * time, medians of ROUNDS (7) in alternation, and GFLOP/s as if by the
 * definition. "transform": of the weights, which is once for any number of
 * calls. SELFCLASS_ISA chooses the instruction set.
 *
 *-------------------------------------------------------------------------
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/gemm.h"
#include "core/base/rng.h"
#include "core/nn/conv.h"
#include "core/nn/winograd.h"

#define MOST_ROUNDS 99

enum
{
	FORWARD,
	DATA,
	WEIGHTS,
	PASSES
};

enum
{
	OURS,
	TRANSFORM, /* of its weights */
	DIRECT,	   /* oneDNN's */
	BEST,	   /* oneDNN's, with its Winograd */
	BLAS,
	OURS_BF16, /* of tensors of bf16 */
	ONEDNN_BF16,
	WAYS
};

typedef struct task
{
	int views;
	sc_winograd w[2], w16[2]; /* forward and weights; data */
	sc_conv conv[WAYS];		  /* of DIRECT, BEST and BLAS */
	void *reordered[WAYS];	  /* likewise */
	float *x, *y, *weights, *transformed, *dweights;
	uint16_t *x16, *y16;
	void *scratch;
} task;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double) t.tv_sec * 1e3 + (double) t.tv_nsec * 1e-6;
}

static void *
take(size_t bytes)
{
	void *p = aligned_alloc(64, (bytes + 127) / 64 * 64);

	if (p == NULL)
		exit(1);
	memset(p, 0, bytes);
	return p;
}

static float *
numbers(size_t n)
{
	float *x = take(n * sizeof(float));

	for (size_t i = 0; i < n; i++)
		x[i] = (float) (sc_mix64(i) >> 40) * 0x1p-23f - 1.0f;
	return x;
}

static void
run(task *t, int pass, int way)
{
	sc_winograd *w = &t->w[pass == DATA];
	const sc_conv *conv = &t->conv[way];
	bool half = way == OURS_BF16 || way == ONEDNN_BF16, ours = way == OURS || way == OURS_BF16;
	void *x = half ? (void *) t->x16 : t->x, *y = half ? (void *) t->y16 : t->y;
	const void *reordered = t->reordered[way];

	if (way == OURS_BF16)
		w = &t->w16[pass == DATA];
	if (way == TRANSFORM)
		(void) sc_winograd_transform(NULL, w, t->transformed, t->weights, 0, 1);
	else if (ours && pass == WEIGHTS)
		(void) sc_winograd_gradient(NULL, w, t->views, t->dweights, x, y, t->scratch);
	else if (ours)
		(void) sc_winograd_run(NULL, w, t->views, pass == DATA ? x : y, pass == DATA ? y : x, t->transformed, NULL,
							   t->scratch);
	else if (pass == FORWARD)
		(void) sc_conv_forward(NULL, conv, y, x, t->weights, reordered, t->scratch);
	else if (pass == DATA)
		(void) sc_conv_backward_data(NULL, conv, x, y, t->weights, reordered, t->scratch);
	else
		(void) sc_conv_backward_weights(NULL, conv, t->dweights, x, y, t->scratch);
}

/* Does this way exist on this CPU? */
static bool
exists(int pass, int way)
{
	return way == TRANSFORM ? pass != WEIGHTS : way < OURS_BF16 || sc_conv_has_bf16(SC_CONV_BEST);
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return x < y ? -1 : x > y;
}

static void
measure(task *t, int pass, int rounds)
{
	static const char *const name[] = {"forward", "data", "weights"};
	const sc_conv_config *c = &t->conv[BLAS].config;
	double times[WAYS][MOST_ROUNDS], median[WAYS];
	double flops = 2.0 * 9 * c->in * c->out * c->side * c->side * t->views;

	for (int round = -1; round < rounds; round++)
		for (int way = 0; way < WAYS; way++)
		{
			double from = now();

			if (!exists(pass, way))
				continue;
			run(t, pass, way);
			if (round >= 0)
				times[way][round] = now() - from;
		}
	printf("%-7s %3d of %2d  F%d ", name[pass], c->in, c->side, t->w[0].tile);
	for (int way = 0; way < WAYS; way++)
	{
		if (!exists(pass, way))
		{
			printf(way == TRANSFORM ? "           " : "");
			continue;
		}
		qsort(times[way], (size_t) rounds, sizeof(double), compare);
		median[way] = times[way][rounds / 2];
		if (way == TRANSFORM)
			printf(" (%7.3f) ", median[way]);
		else
			printf(" %8.3f %4.0f", median[way], flops / median[way] * 1e-6);
	}
	printf("   %5.2f %5.2f", median[DIRECT] / median[OURS], median[BEST] / median[OURS]);
	if (exists(pass, OURS_BF16))
		printf("   %5.2f", median[ONEDNN_BF16] / median[OURS_BF16]);
	printf("\n");
}

static void
measure_shape(int channels, int side, int views, int rounds)
{
	task t = {.views = views};
	size_t n = (size_t) views * channels * side * side, scratch = 0, transformed = 0;

	for (int way = DIRECT; way < WAYS; way++)
	{
		sc_conv_config c = {.views = views,
							.in = channels,
							.out = channels,
							.side = side,
							.kernel = 3,
							.stride = 1,
							.channel_block = sc_conv_channel_block(SC_CONV_BEST),
							.backward = true,
							.precision = way == ONEDNN_BF16 ? SC_PRECISION_BF16 : SC_PRECISION_F32,
							.kind = way == DIRECT ? SC_CONV_DIRECT
									: way != BLAS ? SC_CONV_BEST
												  : SC_CONV_BLAS};

		if (way == OURS_BF16 || !exists(FORWARD, way))
			continue;
		if (sc_conv_open(&t.conv[way], &c, NULL) != SC_OK)
			exit(1);
		scratch = SC_MAX(scratch, t.conv[way].scratch);
		t.reordered[way] = take(t.conv[way].reordered);
	}
	for (int i = 0; i < 2; i++)
	{
		sc_winograd_config c = {.in = channels,
								.out = channels,
								.side = side,
								.channel_block = t.conv[BLAS].config.channel_block,
								.transposed = i == 1,
								.isa = sc_isa_best()};

		(void) sc_winograd_describe(&t.w[i], &c);
		c.precision = SC_PRECISION_BF16;
		(void) sc_winograd_describe(&t.w16[i], &c);
		scratch = SC_MAX(scratch, sc_winograd_scratch(&t.w[i], views, i == 0));
		scratch = SC_MAX(scratch, sc_winograd_scratch(&t.w[i], views, false));
		transformed = SC_MAX(transformed, t.w[i].transformed);
	}
	t.x = numbers(n);
	t.y = numbers(n);
	t.x16 = take(n * sizeof(uint16_t));
	t.y16 = take(n * sizeof(uint16_t));
	for (size_t i = 0; i < n; i++)
	{
		sc_element_put(t.x16, i, t.x[i], SC_PRECISION_BF16);
		sc_element_put(t.y16, i, t.y[i], SC_PRECISION_BF16);
	}
	t.weights = numbers(t.conv[BLAS].weights);
	t.dweights = numbers(t.conv[BLAS].weights);
	t.transformed = take(transformed * sizeof(float));
	t.scratch = take(scratch);
	for (int way = DIRECT; way < WAYS; way++)
		if (way != OURS_BF16 && exists(FORWARD, way))
			(void) sc_conv_reorder(NULL, &t.conv[way], t.reordered[way], t.weights, 0, 1);
	for (int pass = FORWARD; pass < PASSES; pass++)
		measure(&t, pass, rounds);
	for (int way = DIRECT; way < WAYS; way++)
	{
		if (way != OURS_BF16 && exists(FORWARD, way))
			sc_conv_close(&t.conv[way]);
		free(t.reordered[way]);
	}
	free(t.x);
	free(t.y);
	free(t.x16);
	free(t.y16);
	free(t.weights);
	free(t.dweights);
	free(t.transformed);
	free(t.scratch);
}

int
main(int argc, char **argv)
{
	/* At 32, 40, 64 and 128 px. */
	static const struct
	{
		int channels, side;
	} shapes[] = {{64, 8},	{64, 10}, {64, 16}, {64, 32}, {128, 4}, {128, 5}, {128, 8}, {128, 16},
				  {256, 2}, {256, 3}, {256, 4}, {256, 8}, {512, 1}, {512, 2}, {512, 4}};
	int views = argc > 1 ? atoi(argv[1]) : 8, rounds = argc > 2 ? atoi(argv[2]) : 7, side = argc > 3 ? atoi(argv[3]) : 0;
	bool serial;

	if (views < 1 || rounds < 1 || rounds > MOST_ROUNDS || !sc_blas_open(&serial))
		return 2;
	printf("%d views; ms and GFLOP/s; in the end oneDNN's direct and best by ours, and bf16\n", views);
	printf("%-21s %13s %9s  %13s %13s %13s", "", "ours", "transform", "direct", "oneDNN's best", "OpenBLAS");
	if (exists(FORWARD, OURS_BF16))
		printf(" %13s %13s", "ours, bf16", "oneDNN, bf16");
	printf("\n");
	for (int i = 0; i < (int) (sizeof(shapes) / sizeof(*shapes)); i++)
		if (side == 0 || side == shapes[i].side)
			measure_shape(shapes[i].channels, shapes[i].side, views, rounds);
	return 0;
}
