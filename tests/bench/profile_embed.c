/*-------------------------------------------------------------------------
 *
 * tests/bench/profile_embed.c
 *	  Where the time of an embedding goes, on one lane:
 *
 *	  profile_embed [SIDE ...] [f32 | bf16] [brief]
 *
 * prints, for each side (32, 64 and 128 unless given) and each precision that
 * this CPU has, the share of each stage (plain views, each shape of convolution
 * with its bias, shortcut and ReLU, pooling, the rest) in the lane's own CPU time, with
 * GFLOP/s of the convolutions' definition: Winograd's algorithm can show more
 * than the machine's peak. Multiplications of padding are counted as if they were done.
 * After it the milliseconds of an image by itself, as embed_image has it, and of
 * decoding a photo. brief: nothing but milliseconds.
 *
 * The program is linked with --wrap for what it times (Makefile), so what runs
 * is the encoder's own code in its own order.
 *
 *-------------------------------------------------------------------------
 */
#include "core/base/gemm.h"
#include "core/image/encode.h"
#include "core/nn/infer.h"
#include "core/nn/resnet_infer.h"
#include "core/simclr/weights_parts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define IMAGES 64
#define ROUNDS 5
#define ALONE 20

/* Sides of a photo, as those of the clothes that speeds are measured with. */
#define PHOTO_WIDTH 400
#define PHOTO_HEIGHT 534
#define KINDS 40

/* ---- the clock --------------------------------------------------------------- */

/* What is timed: a shape of convolution in a precision, or one of the other stages, which have no FLOP. */
typedef struct kind
{
	char name[80];
	double seconds;
	double flop;
} kind;

static kind kinds[KINDS];
static int kinds_used;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
count(const char *name, double begun, double flop)
{
	double seconds = now() - begun;
	int i = 0;

	while (i < kinds_used && strcmp(kinds[i].name, name) != 0)
		i++;
	if (i == kinds_used)
	{
		if (i == KINDS)
			return;
		kinds_used++;
		snprintf(kinds[i].name, sizeof(kinds[i].name), "%s", name);
	}
	kinds[i].seconds += seconds;
	kinds[i].flop += flop;
}

sc_status __real_sc_conv_infer_run(const sc_lane *lane, const sc_conv_infer *infer, int pictures, void *y,
								   const void *x, const void *prepared, void *scratch);
sc_status __wrap_sc_conv_infer_run(const sc_lane *lane, const sc_conv_infer *infer, int pictures, void *y,
								   const void *x, const void *prepared, void *scratch);

sc_status
__wrap_sc_conv_infer_run(const sc_lane *lane, const sc_conv_infer *infer, int pictures, void *y, const void *x,
						 const void *prepared, void *scratch)
{
	const sc_conv_config *c = &infer->config.conv;
	double begun = now(),
		   flop = 2.0 * c->in * c->kernel * c->kernel * c->out * infer->conv.out_side * infer->conv.out_side * pictures;
	sc_status status = __real_sc_conv_infer_run(lane, infer, pictures, y, x, prepared, scratch);
	char name[80];

	snprintf(name, sizeof(name), "%3d -> %3d, %3dx%-3d kernel %d/%d %-4s %s", c->in, c->out, c->side, c->side,
			 c->kernel, c->stride, c->precision == SC_PRECISION_BF16 ? "bf16" : "f32",
			 infer->minimal				  ? "Winograd"
			 : infer->amx				  ? "AMX"
			 : infer->conv.onednn != NULL ? "oneDNN"
										  : "OpenBLAS");
	count(name, begun, flop);
	return status;
}

void __real_sc_plain_view_of(float *out, const sc_image *image, const sc_augment_config *config, void *scratch);
void __wrap_sc_plain_view_of(float *out, const sc_image *image, const sc_augment_config *config, void *scratch);

void
__wrap_sc_plain_view_of(float *out, const sc_image *image, const sc_augment_config *config, void *scratch)
{
	double begun = now();

	__real_sc_plain_view_of(out, image, config, scratch);
	count("plain views", begun, 0);
}

void __real_sc_resnet_put_view(const sc_resnet *net, void *x, size_t v, const float *view);
void __wrap_sc_resnet_put_view(const sc_resnet *net, void *x, size_t v, const float *view);

void
__wrap_sc_resnet_put_view(const sc_resnet *net, void *x, size_t v, const float *view)
{
	double begun = now();

	__real_sc_resnet_put_view(net, x, v, view);
	count("views to planes", begun, 0);
}

#define POOL(isa) \
	void __real_sc_infer_pool_##isa(void *y, const void *x, int side, int out, int block, sc_precision precision); \
	void __wrap_sc_infer_pool_##isa(void *y, const void *x, int side, int out, int block, sc_precision precision); \
	void __wrap_sc_infer_pool_##isa(void *y, const void *x, int side, int out, int block, sc_precision precision) \
	{ \
		double begun = now(); \
\
		__real_sc_infer_pool_##isa(y, x, side, out, block, precision); \
		count("max-pool", begun, 0); \
	}

POOL(base)
#if defined(__x86_64__)
POOL(avx2)
POOL(avx512)
#endif

/* ---- an encoder ----------------------------------------------------------------- */

static void
give_up(const sc_error *err)
{
	fprintf(stderr, "%s\n", err->message);
	exit(1);
}

/* The file of a network with its initial weights. */
static uint8_t *
initial_weights(const sc_net_config *net, size_t *size)
{
	sc_train_config config = {.net = *net,
							  .augment = {.input_size = net->input_size, .max_scale = 1, .std = {1, 1, 1}},
							  .batch_size = 2,
							  .proj_hidden_dim = 512,
							  .proj_out_dim = 128,
							  .temperature = 0.5f,
							  .seed = 1};
	sc_trainer *trainer;
	sc_error err;
	size_t bytes;
	void *memory;
	uint8_t *weights;

	if (sc_trainer_plan(&bytes, &config, 1, &err) != SC_OK ||
		sc_trainer_create(&trainer, &config, 1, memory = malloc(bytes), bytes, &err) != SC_OK)
		give_up(&err);
	*size = sc_trainer_save_bytes(trainer, false);
	weights = malloc(*size);
	sc_trainer_save(weights, trainer, false);
	sc_trainer_destroy(trainer);
	free(memory);
	return weights;
}

static int
compare(const void *x, const void *y)
{
	return ((const kind *) x)->seconds < ((const kind *) y)->seconds ? 1 : -1;
}

static void
print(double seconds, int images, bool brief, const sc_net_config *net)
{
	double known = 0, flop = 0, products = 0;

	printf("%s%d px, %s: %.3f ms an image\n", brief ? "" : "\n", net->input_size,
		   net->precision == SC_PRECISION_BF16 ? "bf16" : "f32", 1e3 * seconds / images);
	if (brief)
		return;
	qsort(kinds, (size_t) kinds_used, sizeof(kinds[0]), compare);
	for (int i = 0; i < kinds_used; i++)
	{
		known += kinds[i].seconds;
		flop += kinds[i].flop;
		products += kinds[i].flop > 0 ? kinds[i].seconds : 0;
		printf("  %-52s %5.1f %%", kinds[i].name, 100 * kinds[i].seconds / seconds);
		if (kinds[i].flop > 0)
			printf("  %4.0f GFLOP/s", 1e-9 * kinds[i].flop / kinds[i].seconds);
		printf("\n");
	}
	printf("  %-52s %5.1f %%\n", "the rest", 100 * (seconds - known) / seconds);
	printf("  %-52s %5.1f %%  %4.0f GFLOP/s\n", "all convolutions", 100 * products / seconds, 1e-9 * flop / products);
}

/* CPU seconds of rounds of so many images; the first, which warms up, is none of them. The clock's kinds are theirs. */
static double
embed(const sc_net_config *net, int images, int rounds)
{
	sc_encoder_config config = {.net = *net,
								.views = 1,
								.augment = {.mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}}};
	int width = net->input_size + net->input_size / 3, height = net->input_size;
	size_t size, bytes, pixels = (size_t) width * (size_t) height * 3, all = pixels * (size_t) images;
	uint8_t *weights = initial_weights(net, &size), *data = malloc(all);
	float *out = malloc(sizeof(float) * (size_t) images * SC_EMBEDDING_DIM);
	sc_image image[IMAGES];
	sc_encoder *encoder;
	sc_error err;
	void *memory;
	double seconds = 0;

	for (size_t i = 0; i < all; i++)
		data[i] = (uint8_t) (i * 2654435761u >> 13);
	for (int i = 0; i < images; i++)
		image[i] = (sc_image){width, height, 3, data + pixels * (size_t) i};
	if (sc_encoder_plan(&bytes, &config, images, 1, &err) != SC_OK ||
		sc_encoder_create(&encoder, &config, images, 1, weights, size, memory = malloc(bytes), bytes, &err) != SC_OK)
		give_up(&err);
	for (int i = 0; i <= rounds; i++)
	{
		sc_embed_batch batch = {encoder, image, images, out};
		sc_lane lane = {0, 1};
		double begun;

		if (i <= 1)
			kinds_used = 0, memset(kinds, 0, sizeof(kinds)), seconds = 0;
		begun = now();
		if (sc_embed_batch_run(&lane, &batch) != SC_OK)
			exit(1);
		seconds += now() - begun;
	}
	sc_encoder_destroy(encoder);
	free(memory);
	free(weights);
	free(data);
	free(out);
	return seconds;
}

/* CPU seconds of decoding a JPEG of the size of a photo on the web, reduced as for views of this side. */
static double
decode(int input_size)
{
	sc_image_limits limits = {(size_t) 1 << 24, (size_t) 1 << 28, 100, (size_t) 1 << 30};
	size_t pixels = (size_t) PHOTO_WIDTH * PHOTO_HEIGHT * 3, bytes = sc_jpeg_bound(PHOTO_WIDTH, PHOTO_HEIGHT, 3), size;
	uint8_t *data = malloc(pixels), *jpeg = malloc(bytes), *out;
	sc_image photo = {PHOTO_WIDTH, PHOTO_HEIGHT, 3, data};
	sc_image_plan plan;
	sc_error err;
	void *scratch;
	double begun = 0, seconds;

	/* Shapes with some noise on them: as many bytes a pixel as a photo has. */
	for (size_t i = 0; i < pixels; i++)
		data[i] =
			(uint8_t) (128 + 60 * sin((double) i / 3 / PHOTO_WIDTH * 0.05) * sin((double) (i / 3 % PHOTO_WIDTH) * 0.07) +
					   (double) (i * 2654435761u >> 16 & 15));
	if (sc_jpeg_encode(jpeg, bytes, &size, &photo, 85, NULL, NULL, &err) != SC_OK ||
		sc_image_plan_read(&plan, jpeg, size, 3 * input_size, &limits, &err) != SC_OK)
		give_up(&err);
	out = malloc(plan.bytes);
	scratch = malloc(plan.scratch + 1);
	for (int i = 0; i <= ALONE; i++)
	{
		if (i == 1)
			begun = now();
		if (sc_image_decode(out, &plan, jpeg, size, &limits, scratch, NULL, NULL, &err) != SC_OK)
			give_up(&err);
	}
	seconds = (now() - begun) / ALONE;
	free(scratch);
	free(out);
	free(jpeg);
	free(data);
	return seconds;
}

/* Images in groups, one by itself, which waits for the weights, and what was before. */
static void
profile(const sc_net_config *net, bool brief)
{
	print(embed(net, IMAGES, ROUNDS), ROUNDS * IMAGES, brief, net);
	printf("  an image alone: %.3f ms; to decode a JPEG of %dx%d for it: %.3f ms\n", 1e3 * embed(net, 1, ALONE) / ALONE,
		   PHOTO_WIDTH, PHOTO_HEIGHT, 1e3 * decode(net->input_size));
}

int
main(int argc, char **argv)
{
	static const int usual[] = {32, 64, 128};
	bool serial, brief = false, only[2] = {false, false};
	int sides[16], count_of_sides = 0;

	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "f32") == 0 || strcmp(argv[i], "bf16") == 0)
			only[argv[i][0] == 'b'] = true;
		else if (strcmp(argv[i], "brief") == 0)
			brief = true;
		else if (count_of_sides < 16 && atoi(argv[i]) >= 16 && atoi(argv[i]) <= 512)
			sides[count_of_sides++] = atoi(argv[i]);
		else
		{
			fprintf(stderr, "usage: profile_embed [SIDE ...] [f32 | bf16] [brief]\n");
			return 2;
		}
	if (!sc_blas_open(&serial))
		return 1;
	if (count_of_sides == 0)
	{
		memcpy(sides, usual, sizeof(usual));
		count_of_sides = 3;
	}
	for (int i = 0; i < count_of_sides; i++)
		for (int precision = 0; precision < 2; precision++)
		{
			sc_net_config net = {.input_size = sides[i],
								 .small_stem = false,
								 .precision = precision == 1 ? SC_PRECISION_BF16 : SC_PRECISION_F32};

			if ((precision == 1 && !sc_conv_has_bf16(SC_CONV_BEST)) || ((only[0] || only[1]) && !only[precision]))
				continue;
			profile(&net, brief);
		}
	return 0;
}
