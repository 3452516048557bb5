/*-------------------------------------------------------------------------
 *
 * tests/bench/profile_train.c
 *	  Where the time of a training goes, on one lane:
 *
 *	  profile_train [SIDE ...] [f32 | bf16] [brief]
 *
 * prints, for each side (32, 64 and 128 unless given) and each precision that
 * this CPU has, the share of each stage of a step (views, each shape of
 * convolution forward and back, norms, pooling, head, loss, optimiser, the rest)
 * in the lane's own CPU time, with GFLOP/s beside the machine's own peak:
 * that of a product of large matrices in float, and of a 1x1 convolution of as
 * much in bf16. Multiplications of padding are counted as if they were done. The
 * batch is that of the default at this side: 200 pictures, or 64 from 100
 * pixels on. brief: the milliseconds of a step alone.
 *
 * The program is linked with --wrap for what it times (Makefile), so what runs
 * is the trainer's own code in its own order.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/gemm.h"
#include "core/nn/conv_parts.h"
#include "core/nn/norm.h"
#include "core/nn/optim.h"
#include "core/simclr/trainer_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* ---- the clock --------------------------------------------------------------- */

typedef enum stage
{
	VIEWS,
	REORDER,
	NORM_SUMS,
	NORM_APPLY,
	NORM_MASK,
	NORM_PRODUCTS,
	NORM_BACKWARD,
	POOL,
	UNPOOL,
	AVERAGE,
	HEAD,
	LOSS,
	OPTIMISER,
	STAGES
} stage;

static const char *const stage_name[STAGES] = {"views",
											   "weights reordered",
											   "norms: sums",
											   "norms: norm, shortcut, ReLU",
											   "norms: ReLU back, sums of gradients",
											   "norms: sums of the stem's gradients",
											   "norms: back",
											   "max-pool",
											   "max-pool back",
											   "average pool",
											   "head",
											   "loss",
											   "optimiser"};

static double stage_seconds[STAGES];
static double conv_seconds[SC_RESNET_SHAPES][SC_CONV_PASSES];
static int conv_calls[SC_RESNET_SHAPES][SC_CONV_PASSES];
static const sc_conv *first_conv; /* of the net at work */

static double
now(void)
{
	struct timespec t;

	(void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

/* __wrap_name (args) calls the real one, and adds its time to a stage. */
#define WRAP(result, name, params, args, where) \
	extern result __real_##name params; \
	extern result __wrap_##name params; \
	result __wrap_##name params \
	{ \
		double start = now(); \
		result value = __real_##name args; \
\
		(where) += now() - start; \
		return value; \
	}
#define WRAP_VOID(name, params, args, where) \
	extern void __real_##name params; \
	extern void __wrap_##name params; \
	void __wrap_##name params \
	{ \
		double start = now(); \
\
		__real_##name args; \
		(where) += now() - start; \
	}
#define WRAP_SIMD(name, params, args, where) \
	WRAP_VOID(name##_base, params, args, where) \
	WRAP_VOID(name##_avx2, params, args, where) WRAP_VOID(name##_avx512, params, args, where)

static double *
conv_time(const sc_conv *conv, sc_conv_pass pass)
{
	conv_calls[conv - first_conv][pass]++;
	return &conv_seconds[conv - first_conv][pass];
}

WRAP(sc_status, sc_conv_forward,
	 (const sc_lane *lane, const sc_conv *conv, void *y, const void *x, const float *weights, const void *reordered,
	  void *scratch),
	 (lane, conv, y, x, weights, reordered, scratch), *conv_time(conv, SC_CONV_PASS_FORWARD))
WRAP(sc_status, sc_conv_backward_data,
	 (const sc_lane *lane, const sc_conv *conv, void *dx, const void *dy, const float *weights, const void *reordered,
	  void *scratch),
	 (lane, conv, dx, dy, weights, reordered, scratch), *conv_time(conv, SC_CONV_PASS_DATA))
WRAP(sc_status, sc_conv_backward_weights,
	 (const sc_lane *lane, const sc_conv *conv, float *dweights, const void *x, const void *dy, void *scratch),
	 (lane, conv, dweights, x, dy, scratch), *conv_time(conv, SC_CONV_PASS_WEIGHTS))
WRAP(sc_status, sc_conv_reorder,
	 (const sc_lane *lane, const sc_conv *conv, void *reordered, const float *weights, int part, int parts),
	 (lane, conv, reordered, weights, part, parts), stage_seconds[REORDER])
WRAP(sc_status, sc_trainer_make_views, (const sc_lane *lane, const void *step, sc_trainer_shard s), (lane, step, s),
	 stage_seconds[VIEWS])
WRAP(sc_status, sc_head_forward, (const sc_lane *lane, sc_head *head, float *z, const float *x), (lane, head, z, x),
	 stage_seconds[HEAD])
WRAP(sc_status, sc_head_backward, (const sc_lane *lane, sc_head *head, float *dx, const float *dz, const float *x),
	 (lane, head, dx, dz, x), stage_seconds[HEAD])
WRAP(sc_status, sc_ntxent_run, (const sc_lane *lane, sc_ntxent *loss, float *dz, const float *z), (lane, loss, dz, z),
	 stage_seconds[LOSS])
WRAP_VOID(sc_sgd_step, (float *w, float *velocity, const float *grad, size_t n, const sc_sgd_config *config),
		  (w, velocity, grad, n, config), stage_seconds[OPTIMISER])
WRAP_VOID(sc_resnet_average, (const sc_resnet *net, float *feature, const void *y, size_t v), (net, feature, y, v),
		  stage_seconds[AVERAGE])
WRAP_SIMD(sc_norm_sums, (double *sum, double *square, const void *u, const sc_norm_shape *shape),
		  (sum, square, u, shape), stage_seconds[NORM_SUMS])
WRAP_SIMD(sc_norm_apply,
		  (void *y, const void *u, const float *a, const float *b, const void *s, const float *sa, const float *sb,
		   const sc_norm_shape *shape),
		  (y, u, a, b, s, sa, sb, shape), stage_seconds[NORM_APPLY])
WRAP_SIMD(sc_norm_mask,
		  (void *g, const void *y, const void *t, const void *t2, const sc_norm_gradient *own,
		   const sc_norm_gradient *shortcut, const sc_norm_shape *shape),
		  (g, y, t, t2, own, shortcut, shape), stage_seconds[NORM_MASK])
WRAP_SIMD(sc_norm_products, (const sc_norm_gradient *gradient, const void *g, const sc_norm_shape *shape),
		  (gradient, g, shape), stage_seconds[NORM_PRODUCTS])
WRAP_SIMD(sc_norm_backward,
		  (void *u, const void *g, const float *p, const float *q, const float *r, const sc_norm_shape *shape),
		  (u, g, p, q, r, shape), stage_seconds[NORM_BACKWARD])
WRAP_SIMD(sc_norm_pool,
		  (void *y, uint8_t *argmax, const void *u, const float *a, const float *b, int side, int out,
		   int channel_block, sc_precision precision),
		  (y, argmax, u, a, b, side, out, channel_block, precision), stage_seconds[POOL])
WRAP_SIMD(sc_norm_unpool,
		  (void *dx, const void *dy, const uint8_t *argmax, int side, int out, int channel_block, sc_precision precision),
		  (dx, dy, argmax, side, out, channel_block, precision), stage_seconds[UNPOOL])

/* ---- a training ---------------------------------------------------------------- */

#define IMAGE_SIDE 160
#define IMAGES 8
#define MOST_BATCH 200

static sc_image image[MOST_BATCH];
static uint64_t key[MOST_BATCH];

/* Smooth colours, each image others. */
static void
make_images(void)
{
	static uint8_t pixels[IMAGES][IMAGE_SIDE * IMAGE_SIDE * 3];

	for (int i = 0; i < IMAGES; i++)
		for (int p = 0; p < IMAGE_SIDE * IMAGE_SIDE * 3; p++)
		{
			int y = p / 3 / IMAGE_SIDE, x = p / 3 % IMAGE_SIDE;

			pixels[i][p] = (uint8_t) (128 + 50 * sin(0.05 * x * (i + 1)) + 50 * cos(0.07 * y * (p % 3 + 1)) + p % 7);
		}
	for (int i = 0; i < MOST_BATCH; i++)
	{
		image[i] = (sc_image){IMAGE_SIDE, IMAGE_SIDE, 3, pixels[i % IMAGES]};
		key[i] = (uint64_t) i;
	}
}

static sc_train_config
config_of(int side, sc_precision precision)
{
	return (sc_train_config){.net = {.input_size = side, .precision = precision},
							 .augment = {.input_size = side,
										 .min_scale = 0.08f,
										 .max_scale = 1.0f,
										 .min_ratio = 0.75f,
										 .max_ratio = 1.333f,
										 .hf_prob = 0.5f,
										 .cj_prob = 0.8f,
										 .cj_bright = 0.4f,
										 .cj_contrast = 0.4f,
										 .cj_sat = 0.4f,
										 .cj_hue = 0.1f,
										 .random_gray_scale = 0.2f,
										 .gaussian_blur = 0.5f,
										 .sigma_min = 0.1f,
										 .sigma_max = 2.0f,
										 .mean = {0.485f, 0.456f, 0.406f},
										 .std = {0.229f, 0.224f, 0.225f}},
							 .batch_size = side >= 100 ? 64 : MOST_BATCH,
							 .proj_hidden_dim = 512,
							 .proj_out_dim = 128,
							 .proj_batch_norm = true,
							 .temperature = 0.5f,
							 .momentum = 0.9f,
							 .weight_decay = 5e-4f,
							 .seed = 1};
}

static sc_status
timed_step(const sc_lane *lane, void *arg)
{
	sc_train_step *step = ((void **) arg)[0];
	double start = now();
	sc_status status = sc_train_step_run(lane, step);

	*(double *) ((void **) arg)[1] = now() - start;
	return status;
}

static void
fail(const sc_error *err)
{
	fprintf(stderr, "%s %s\n", err->message, err->detail);
	exit(1);
}

static double
conv_flops(const sc_conv *conv)
{
	const sc_conv_config *c = &conv->config;

	return 2.0 * c->views * conv->out_side * conv->out_side * c->in * c->out * c->kernel * c->kernel;
}

static void
print_stage(const char *name, double seconds, double total)
{
	printf("  %-44s %5.1f %% %8.1f ms\n", name, 100 * seconds / total, 1e3 * seconds);
}

static void
print_table(const sc_trainer *t, double total, double peak)
{
	static const char *const pass_name[] = {"forward", "data", "weights"};
	double rest = total, all = 0.0, flops = 0.0;

	for (int s = 0; s < t->net.convs; s++)
		for (sc_conv_pass pass = SC_CONV_PASS_FORWARD; pass < SC_CONV_PASSES; pass++)
		{
			const sc_conv_config *c = &t->net.conv[s].config;
			double seconds = conv_seconds[s][pass], work = conv_flops(&t->net.conv[s]) * conv_calls[s][pass];
			char name[80];

			if (conv_calls[s][pass] == 0)
				continue;
			snprintf(name, sizeof(name), "%dx%d/%d %d -> %d of %dx%d, %s", c->kernel, c->kernel, c->stride, c->in,
					 c->out, c->side, c->side, pass_name[pass]);
			printf("  %-44s %5.1f %% %8.1f ms %7.1f GFLOP/s (%.0f %% of the peak)\n", name, 100 * seconds / total,
				   1e3 * seconds, 1e-9 * work / seconds, 100e-9 * work / seconds / peak);
			rest -= seconds;
			all += seconds;
			flops += work;
		}
	printf("  %-44s %5.1f %% %8.1f ms %7.1f GFLOP/s (%.0f %% of the peak)\n", "all convolutions", 100 * all / total,
		   1e3 * all, 1e-9 * flops / all, 100e-9 * flops / all / peak);
	for (stage s = 0; s < STAGES; s++)
	{
		print_stage(stage_name[s], stage_seconds[s], total);
		rest -= stage_seconds[s];
	}
	print_stage("rest: gradients of shards added, sums", rest, total);
}

static void
profile(int side, sc_precision precision, double peak, bool brief)
{
	sc_train_config config = config_of(side, precision);
	sc_error err = {0};
	size_t bytes;
	void *memory;
	sc_train_step step = {.images = image, .keys = key, .lr = 0.01f};
	double seconds, total = 0.0;
	void *arg[] = {&step, &seconds};
	int steps = 0;

	if (sc_trainer_plan(&bytes, &config, 1, &err) != SC_OK)
		fail(&err);
	if ((memory = malloc(bytes)) == NULL)
		exit(1);
	if (sc_trainer_create(&step.trainer, &config, 1, memory, bytes, &err) != SC_OK)
		fail(&err);
	first_conv = step.trainer->net.conv;
	for (int warm = 0; steps < 2 || total < 3.0; warm++)
	{
		if (sc_pool_run(1, timed_step, arg, &err) != SC_OK)
			fail(&err);
		if (warm > 0)
		{
			steps++;
			total += seconds;
			continue;
		}
		memset(stage_seconds, 0, sizeof(stage_seconds));
		memset(conv_seconds, 0, sizeof(conv_seconds));
		memset(conv_calls, 0, sizeof(conv_calls));
	}
	printf("%d px, %s, batch %d in %d shards of %d views: %.1f ms a step, %.2f images/s of one lane, loss %.4f, %zu MB, of "
		   "them %zu for weights in other orders\n",
		   side, precision == SC_PRECISION_BF16 ? "bf16" : "f32", config.batch_size, step.trainer->cut.shards,
		   step.trainer->cut.places, 1e3 * total / steps, config.batch_size * steps / total, step.loss, bytes >> 20,
		   step.trainer->net.reordered >> 20);
	for (int i = 0; i < STAGES; i++)
		stage_seconds[i] /= steps;
	for (int i = 0; i < SC_RESNET_SHAPES * SC_CONV_PASSES; i++)
	{
		conv_seconds[i / SC_CONV_PASSES][i % SC_CONV_PASSES] /= steps;
		conv_calls[i / SC_CONV_PASSES][i % SC_CONV_PASSES] /= steps;
	}
	if (!brief)
		print_table(step.trainer, total / steps, peak);
	fflush(stdout);
	sc_trainer_destroy(step.trainer);
	free(memory);
}

/* ---- peaks ------------------------------------------------------------------------ */

/* GFLOP/s of one lane, by the best of a few. */
static double
float_peak(void)
{
	enum
	{
		n = 1024
	};
	float *a = calloc((size_t) 3 * n * n, sizeof(float)), *b = a + (size_t) n * n, *c = b + (size_t) n * n;
	double best = 0.0;

	for (int i = 0; i < 8; i++)
	{
		double start = now();

		sc_sgemm(false, false, n, n, n, 1.0f, a, n, b, n, 0.0f, c, n);
		best = SC_MAX(best, 2e-9 * n * n * n / (now() - start));
	}
	free(a);
	return best;
}

static double
bf16_peak(void)
{
	sc_conv_config config = {32, 512, 512, 8, 1, 1, 16, false, false, SC_CONV_BEST, SC_PRECISION_BF16};
	sc_conv conv;
	sc_error err;
	double best = 0.0;
	size_t values = (size_t) 32 * 512 * 64;
	char *memory;

	if (sc_conv_open(&conv, &config, &err) != SC_OK)
		fail(&err);
	memory = aligned_alloc(64, values * 4 + conv.weights * 4 + (conv.reordered + 127) / 64 * 64 + conv.scratch + 64);
	memset(memory, 0, values * 4 + conv.weights * 4);
	for (int i = 0; i < 8; i++)
	{
		float *weights = (float *) (memory + values * 4);
		char *reordered = (char *) (weights + conv.weights), *scratch = reordered + (conv.reordered + 63) / 64 * 64;
		double start;

		(void) sc_conv_reorder(NULL, &conv, reordered, weights, 0, 1);
		start = now();
		first_conv = &conv;
		(void) sc_conv_forward(NULL, &conv, memory, memory + values * 2, weights, reordered, scratch);
		best = SC_MAX(best, 1e-9 * conv_flops(&conv) / (now() - start));
	}
	sc_conv_close(&conv);
	free(memory);
	return best;
}

int
main(int argc, char **argv)
{
	int sides[16], count = 0;
	bool in[] = {true, sc_conv_has_bf16(SC_CONV_BEST)}, serial, brief = false;
	double peak[2];
	char library[100];

	for (int i = 1; i < argc && count < 16; i++)
		if (strcmp(argv[i], "f32") == 0)
			in[SC_PRECISION_BF16] = false;
		else if (strcmp(argv[i], "bf16") == 0)
			in[SC_PRECISION_F32] = false;
		else if (strcmp(argv[i], "brief") == 0)
			brief = true;
		else
			sides[count++] = SC_MIN(SC_MAX(atoi(argv[i]), 16), 512);
	if (count == 0)
	{
		const int all[] = {32, 64, 128};

		memcpy(sides, all, sizeof(all));
		count = 3;
	}
	if (!sc_blas_open(&serial))
		return 1;
	make_images();
	sc_conv_library(library, sizeof(library));
	peak[SC_PRECISION_F32] = float_peak();
	peak[SC_PRECISION_BF16] = sc_conv_has_bf16(SC_CONV_BEST) ? bf16_peak() : 0.0;
	printf("OpenBLAS %s, %s; peaks of one lane: f32 %.0f GFLOP/s, bf16 %.0f\n", sc_blas_kernel(), library,
		   peak[SC_PRECISION_F32], peak[SC_PRECISION_BF16]);
	for (int i = 0; i < count; i++)
		for (sc_precision p = SC_PRECISION_F32; p <= SC_PRECISION_BF16; p++)
			if (in[p])
				profile(sides[i], p, peak[p], brief);
	sc_pool_shutdown();
	return 0;
}
