/*-------------------------------------------------------------------------
 *
 * tests/unit/test_resnet.c
 *	  Training and embedding by the whole network: against PyTorch (features,
 *	  loss, the gradient of every tensor, running statistics, ten steps), with
 *	  every implementation of the convolutions; and against themselves: other
 *	  numbers of lanes, a saved and loaded state, images alone and in a batch.
 *
 *-------------------------------------------------------------------------
 */
#define _GNU_SOURCE /* memmem */
#include "core/simclr/trainer_parts.h"
#include "formula.h"
#include "core/base/gemm.h"
#include "core/simclr/augment_draw.h"
#include "core/simclr/safetensors.h"
#include "core/simclr/weights.h"
#include "unit.h"
#include "../fixtures/torch_encoder.h"
#include "../fixtures/torch_net.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_TENSORS 400

typedef struct training
{
	sc_trainer *trainer;
	void *memory;
	int lanes;
} training;

static void
training_open(training *t, const sc_train_config *config, int lanes)
{
	size_t bytes = 0;
	sc_error err = {0};

	t->lanes = lanes;
	CHECK(sc_trainer_plan(&bytes, config, lanes, &err) == SC_OK, "%s", err.message);
	t->memory = malloc(bytes);
	/* What is not written before it is read shows. */
	memset(t->memory, 0xFF, bytes);
	CHECK(sc_trainer_create(&t->trainer, config, lanes, t->memory, bytes, &err) == SC_OK, "%s", err.message);
}

static void
training_close(training *t)
{
	sc_trainer_destroy(t->trainer);
	free(t->memory);
}

static void *
training_save(const training *t, bool with_optimizer, size_t *size)
{
	uint8_t *bytes;

	*size = sc_trainer_save_bytes(t->trainer, with_optimizer);
	bytes = malloc(*size);
	sc_trainer_save(bytes, t->trainer, with_optimizer);
	return bytes;
}

/* Every tensor of a saved state by the formula; running statistics 0 and 1, or by the formula too. */
static void
fill_by_formula(uint8_t *bytes, size_t size, bool statistics)
{
	sc_st_tensor tensors[MAX_TENSORS];
	int count = 0;
	sc_error err = {0};

	CHECK(sc_st_read(tensors, MAX_TENSORS, &count, NULL, bytes, size, &err) == SC_OK, "%s", err.message);
	for (int i = 0; i < count; i++)
	{
		const sc_st_tensor *t = &tensors[i];
		char name[100], weight[100];
		const sc_st_tensor *norm;
		float *value;
		float scale = 0.125f, offset = 0.0f;

		snprintf(name, sizeof(name), "%.*s", (int) t->name_len, t->name);
		if (t->dtype == SC_ST_I64)
			continue;
		/* "x.bias" belongs to a norm where "x.weight" has one dimension. */
		snprintf(weight, sizeof(weight), "%.*sweight", (int) (strrchr(name, '.') - name) + 1, name);
		norm = sc_st_find(tensors, count, weight);
		if (strstr(name, "running_mean"))
			scale = statistics ? 0.125f : 0.0f;
		else if (strstr(name, "running_var"))
		{
			scale = statistics ? 0.125f : 0.0f;
			offset = 1.0f;
		}
		else if (t->ndim == 4)
			scale = (float) sqrt(6.0 / (double) (t->shape[0] * t->shape[2] * t->shape[3]));
		else if (t->ndim == 2)
			scale = (float) sqrt(1.0 / (double) t->shape[1]);
		else if (norm != NULL && norm->ndim == 2)
			scale = (float) sqrt(1.0 / (double) norm->shape[1]);
		else if (strstr(name, ".weight"))
			offset = 1.0f;
		value = malloc(t->count * sizeof(float));
		formula_fill(value, t->count, formula_id(name), scale, offset);
		memcpy((void *) t->data, value, t->count * sizeof(float));
		free(value);
	}
}

static void
set_by_formula(training *t)
{
	size_t size;
	uint8_t *bytes = training_save(t, false, &size);
	sc_error err = {0};

	fill_by_formula(bytes, size, false);
	CHECK(sc_trainer_load(t->trainer, bytes, size, &err) == SC_OK, "%s: %s", err.message, err.detail);
	free(bytes);
}

static double
norm_of(const float *x, size_t n)
{
	double square = 0.0;

	for (size_t i = 0; i < n; i++)
		square += (double) x[i] * x[i];
	return sqrt(square);
}

/* Compare a tensor of a slab with what PyTorch has under this name. */
static void
check_tensor(const char *what, const float *x, const torch_tensor *t, double tol)
{
	double norm = norm_of(x, t->count);

	CHECK(fabs(norm - t->norm) <= tol * (t->norm + 1e-6), "%s, %s: norm %.9g, not %.9g", what, t->name, norm, t->norm);
	for (int i = 0; i < 4; i++)
		CHECK(fabs(x[t->index[i]] - t->value[i]) <= tol * (t->norm + 1e-6), "%s, %s[%zu]: %.9g, not %.9g", what,
			  t->name, t->index[i], x[t->index[i]], t->value[i]);
}

/* The tensors of a slab in PyTorch's order: parameters (or their gradients), or running statistics. */
static void
check_tensors(const char *what, const sc_trainer *t, float *params, float *stats, const torch_tensor *wanted, int count,
			  double tol)
{
	sc_head_tensor head[SC_HEAD_MAX_TENSORS];
	int heads = sc_head_tensors(head, &t->head.config);
	int found = 0;
	float *oihw = malloc(t->net.largest_weight * sizeof(float));

	for (int w = 0; w < count; w++)
	{
		for (int l = 0; l < SC_RESNET_LAYERS; l++)
			for (sc_resnet_part part = 0; part < SC_RESNET_STEPS; part++)
			{
				const sc_resnet_layer *layer = &t->net.layer[l];
				const size_t offset[] = {layer->weight, layer->scale, layer->shift, layer->mean, layer->var};
				char name[SC_RESNET_NAME];
				int shape[4];
				const float *x = (part <= SC_RESNET_SHIFT ? params : stats) + offset[part];

				(void) sc_resnet_tensor(&t->net, l, part, name, shape);
				if (strcmp(name, wanted[w].name) != 0)
					continue;
				if (part == SC_RESNET_WEIGHT)
				{
					sc_conv_export(&t->net.conv[layer->shape], oihw, x);
					x = oihw;
				}
				check_tensor(what, x, &wanted[w], tol);
				found++;
			}
		for (int i = 0; i < heads; i++)
			if (strcmp(head[i].name, wanted[w].name) == 0)
			{
				check_tensor(what,
							 head[i].slab == SC_HEAD_PARAM ? params + t->net.params + head[i].offset
														   : stats + t->net.stats + head[i].offset,
							 &wanted[w], tol);
				found++;
			}
	}
	CHECK(found == count, "%s: %d of %d tensors", what, found, count);
	free(oihw);
}

static sc_train_config
plain_config(int size, bool small_stem, bool batch_norm, int batch, sc_conv_kind kind)
{
	sc_train_config c = {.net = {.input_size = size, .small_stem = small_stem, .conv = kind},
						 .augment = {.input_size = size,
									 .min_scale = 1.0f,
									 .max_scale = 1.0f,
									 .min_ratio = 1.0f,
									 .max_ratio = 1.0f,
									 .mean = {0.485f, 0.456f, 0.406f},
									 .std = {0.229f, 0.224f, 0.225f}},
						 .batch_size = batch,
						 .proj_hidden_dim = 512,
						 .proj_out_dim = 128,
						 .proj_batch_norm = batch_norm,
						 .temperature = TORCH_TEMPERATURE,
						 .momentum = TORCH_MOMENTUM,
						 .weight_decay = TORCH_WEIGHT_DECAY,
						 .seed = 1};

	return c;
}

/*
 * Views where the trainer looks for them: the fixture's, or with colours those of
 * images that differ in colour and pattern, which an untrained network tells apart.
 */
static void
put_views(sc_trainer *t, bool colours)
{
	int size = t->net.input_size;
	uint64_t colour = formula_id("colour"), pattern = formula_id("pattern");
	float *view = malloc((size_t) size * size * 3 * sizeof(float));

	for (int s = 0, v = 0; s < t->cut.shards; s++)
	{
		size_t begin, end;

		sc_shard_range((size_t) t->cut.views, t->cut.shards, s, &begin, &end);
		for (size_t i = begin; i < end; i++, v++)
		{
			uint64_t image = (uint64_t) (v % (t->cut.views / 2));

			formula_view(view, size, v);
			for (int at = 0; colours && at < size * size * 3; at++)
			{
				uint64_t cell = (uint64_t) (at / 3 / size * 4 / size * 4 + at / 3 % size * 4 / size);

				view[at] = 0.2f * view[at] + 2.0f * formula_unit(colour, 3 * image + (uint64_t) at % 3) +
						   formula_unit(pattern, (image * 16 + cell) * 3 + (uint64_t) at % 3);
			}
			sc_resnet_put_view(&t->net, t->tensors.input, (size_t) s * t->cut.places + (i - begin), view);
		}
	}
	free(view);
}

/*
 * tol: of the first step, relative to the norm. Later losses are compared with
 * a tolerance that grows fourfold a step, to at most 10 %: where a ReLU or a
 * max-pool decides otherwise by a rounding, paths part. PyTorch in float32 is
 * up to 2.7 % away from itself in float64 on these curves.
 */
static void
test_torch(const torch_net *n, sc_conv_kind kind, double tol)
{
	double curve_tol = tol;
	sc_train_config config = plain_config(n->size, n->small_stem, n->batch_norm, TORCH_VIEWS / 2, kind);
	training t;
	sc_image image[TORCH_VIEWS / 2];
	uint64_t keys[TORCH_VIEWS / 2] = {1, 2, 3, 4};
	sc_train_step step = {.keys = keys, .lr = TORCH_LR};
	sc_error err = {0};
	size_t bytes = (size_t) n->size * n->size * 3;
	uint8_t *pixels = malloc(bytes * TORCH_VIEWS / 2);
	float *scratch = malloc(bytes * sizeof(float));
	float *feature = malloc(TORCH_VIEWS * 512 * sizeof(float));
	char what[100];

	snprintf(what, sizeof(what), "%s, %s stem, %s, convolution %d", n->images ? "images" : "views",
			 n->small_stem ? "small" : "imagenet", n->batch_norm ? "norm" : "bias", kind);
	for (int v = 0; v < TORCH_VIEWS / 2; v++)
	{
		formula_image(pixels + (size_t) v * bytes, n->size, v, scratch);
		image[v] = (sc_image){n->size, n->size, 3, pixels + (size_t) v * bytes};
	}
	training_open(&t, &config, 2);
	set_by_formula(&t);
	step.trainer = t.trainer;
	step.images = n->images ? image : NULL;
	for (int i = 0; i < 10; i++)
	{
		if (!n->images)
			put_views(t.trainer, false);
		CHECK(sc_pool_run(2, sc_train_step_run, &step, &err) == SC_OK, "%s: %s", what, err.message);
		CHECK(fabs(step.loss - n->curve[i]) <= curve_tol * n->curve[i], "%s, step %d: loss %.9g, not %.9g", what, i,
			  step.loss, n->curve[i]);
		curve_tol = SC_MIN(4 * curve_tol, 0.1);
		if (i == 0)
		{
			CHECK(fabs(step.loss - n->loss) <= tol * n->loss, "%s: loss %.9g, not %.9g", what, step.loss, n->loss);
			/*
			 * Behind the small stem some ReLUs are so near to 0 that a change of
			 * the views by 1e-7 moves gradients by a tenth of a percent.
			 */
			check_tensors(what, t.trainer, t.trainer->grads.params, t.trainer->state.stats, n->grads, n->ngrads,
						  n->small_stem ? SC_MAX(tol, 1e-2) : tol);
			check_tensors(what, t.trainer, t.trainer->state.params, t.trainer->state.stats, n->running, n->nrunning,
						  tol);
			for (int v = 0; v < TORCH_VIEWS; v++)
			{
				double norm = norm_of(t.trainer->tensors.z + (size_t) v * 128, 128);

				CHECK(fabs(norm - n->z_norm[v]) <= tol * n->z_norm[v], "%s: norm of z %.9g, not %.9g", what, norm,
					  n->z_norm[v]);
			}
		}
	}
	training_close(&t);
	free(pixels);
	free(scratch);
	free(feature);
}

/* Images of several sizes, one of them gray, for what needs no fixture. */
static sc_image
some_image(int i)
{
	static uint8_t pixels[6][40 * 40 * 3];
	static float scratch[40 * 40 * 3];
	static bool made[6];

	if (!made[i])
		formula_image(pixels[i], 40, i, scratch);
	made[i] = true;
	return (sc_image){40 - i, 40, i == 3 ? 1 : 3, pixels[i]};
}

/* The bytes of the state after some steps of a real augmentation. */
static uint8_t *
trained(const sc_train_config *config, int lanes, int from, int to, const uint8_t *start, size_t *size)
{
	training t;
	sc_image image[64];
	uint64_t keys[64];
	sc_train_step step = {.images = image, .keys = keys, .lr = 0.05f};
	sc_error err = {0};
	uint8_t *bytes;

	for (int i = 0; i < config->batch_size; i++)
	{
		image[i] = some_image(i % 6);
		keys[i] = (uint64_t) i + 1;
	}
	training_open(&t, config, lanes);
	if (start != NULL)
		CHECK(sc_trainer_load(t.trainer, start, *size, &err) == SC_OK, "%s", err.message);
	step.trainer = t.trainer;
	for (step.epoch = from; step.epoch < to; step.epoch++)
		CHECK(sc_pool_run(lanes, sc_train_step_run, &step, &err) == SC_OK && isfinite(step.loss), "%s", err.message);
	bytes = training_save(&t, true, size);
	training_close(&t);
	return bytes;
}

/* With views that differ. */
static void
set_augmentation(sc_augment_config *augment)
{
	augment->min_scale = 0.2f;
	augment->hf_prob = 0.5f;
	augment->cj_prob = 0.8f;
	augment->cj_bright = 0.4f;
	augment->gaussian_blur = 0.5f;
	augment->sigma_min = 0.1f;
	augment->sigma_max = 2.0f;
}

static void
test_same_bits(sc_precision precision)
{
	for (int c = 0; c < 5; c++)
	{
		/*
		 * 42 views: shards of 21; 102 views: of 25 and 26. The third one's fourth stage begins with one pixel. The
		 * last two's pieces have 34, 34 and 32 views, in shards of 17 and of 16. The last one has two losses.
		 */
		sc_train_config config = plain_config(c == 0 ? 32 : 16, c == 1, c == 0, c == 0 ? 21 : 51, SC_CONV_BEST);
		uint8_t *one, *other;
		size_t size, size2;

		config.net.precision = precision;
		config.batch_pieces = c >= 3 ? 3 : 1;
		config.batch_size -= c >= 3 ? 1 : 0;
		config.hog_weight = c == 4 ? 5 : 0;
		set_augmentation(&config.augment);
		one = trained(&config, 1, 0, 3, NULL, &size);
		for (int lanes = 2; lanes <= 3; lanes++)
		{
			other = trained(&config, lanes, 0, 3, NULL, &size2);
			CHECK(size == size2 && memcmp(one, other, size) == 0, "%d lanes", lanes);
			free(other);
		}
		/* Saved after two steps and gone on with. */
		other = trained(&config, 2, 0, 2, NULL, &size2);
		{
			uint8_t *rest = trained(&config, 3, 2, 3, other, &size2);

			CHECK(size == size2 && memcmp(one, rest, size) == 0, "saved, loaded and gone on with");
			free(rest);
		}
		free(other);
		free(one);
	}
}

/* ---- two losses ---------------------------------------------------------------- */

/* Mean squared length of what the predictor got wrong in the last step. */
static double
missed(const sc_trainer *t)
{
	const sc_predictor *p = &t->predictor;
	size_t n = (size_t) p->views * (size_t) p->out_dim;
	double length = norm_of(p->error, n) * p->views / (2 * p->loss_weight);

	return length * length / p->views;
}

/*
 * The predictor learns, and teaches: with it the same steps leave another
 * encoder. A file with it is good for a trainer without, and one without for a
 * trainer with it.
 */
static void
test_two_losses(void)
{
	sc_train_config config = plain_config(32, false, true, 24, SC_CONV_BEST);
	sc_image image[24];
	uint64_t keys[24];
	double first = 0, last = 0;
	uint8_t *bytes[2];
	size_t size[2];
	sc_error err = {0};

	set_augmentation(&config.augment);
	for (int i = 0; i < config.batch_size; i++)
	{
		image[i] = some_image(i % 6);
		keys[i] = (uint64_t) i + 1;
	}
	for (int with = 0; with < 2; with++)
	{
		sc_train_step step = {.images = image, .keys = keys, .lr = 0.05f};
		training t;

		config.hog_weight = with ? 10 : 0;
		training_open(&t, &config, 2);
		CHECK((t.trainer->tensors.hog != NULL) == (with == 1), "a predictor only where it is asked for");
		step.trainer = t.trainer;
		for (int i = 0; i < 30; i++)
		{
			CHECK(sc_pool_run(2, sc_train_step_run, &step, &err) == SC_OK && isfinite(step.loss), "%s", err.message);
			if (with)
				*(i == 0 ? &first : &last) = missed(t.trainer);
		}
		bytes[with] = training_save(&t, true, &size[with]);
		training_close(&t);
	}
	CHECK(first > 0.5 && last < 0.6 * first, "an error of %g, after 30 steps %g", first, last);
	CHECK(size[1] > size[0] + 2 * 576 * 513 * sizeof(float), "%zu and %zu bytes", size[0], size[1]);
	for (int with = 0; with < 2; with++)
	{
		size_t back;
		uint8_t *again;
		training t;

		config.hog_weight = with ? 10 : 0;
		training_open(&t, &config, 1);
		CHECK(sc_trainer_load(t.trainer, bytes[1 - with], size[1 - with], &err) == SC_OK, "%s", err.message);
		if (with)
			CHECK(norm_of(t.trainer->predictor.weight, (size_t) 576 * 513) == 0, "a predictor that nobody taught");
		CHECK(sc_trainer_load(t.trainer, bytes[with], size[with], &err) == SC_OK, "%s", err.message);
		again = training_save(&t, true, &back);
		CHECK(back == size[with] && memcmp(again, bytes[with], back) == 0, "loaded and saved");
		free(again);
		training_close(&t);
	}
	free(bytes[0]);
	free(bytes[1]);
}

/* ---- a batch in pieces ------------------------------------------------------- */

/* One step at learning rate 0 of images with these keys: its loss. */
static double
loss_of(const training *t, const sc_image *images, const uint64_t *keys)
{
	sc_train_step step = {.trainer = t->trainer, .images = images, .keys = keys};
	sc_error err = {0};

	CHECK(sc_pool_run(t->lanes, sc_train_step_run, &step, &err) == SC_OK, "%s", err.message);
	return step.loss;
}

/* Two gradients (n) that differ by roundings. */
static void
check_close(const float *a, const float *b, size_t n, double tol, const char *what, int l)
{
	double square = 0.0;

	for (size_t i = 0; i < n; i++)
		square += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
	CHECK(sqrt(square) <= tol * norm_of(a, n), "%s %d: off by %.3g of its length", what, l,
		  sqrt(square) / norm_of(a, n));
}

/*
 * Batch norms are those of a piece, so pieces are another step than the whole
 * batch at once; but not where each piece has the same views.
 */
static void
test_pieces_alike(bool small_stem, int pieces)
{
	enum
	{
		IMAGES = 6
	};
	sc_train_config config = plain_config(small_stem ? 16 : 32, small_stem, true, IMAGES * pieces, SC_CONV_BEST);
	training t[2];
	sc_image images[64];
	uint64_t keys[64];
	double loss[2];
	const sc_trainer *a, *b;
	/*
	 * Roundings of products of other sizes, through norms of six pictures: with
	 * oneDNN 3.1 up to 0.008. A piece that is left out is one in so many.
	 */
	const double tol = 0.02;

	set_augmentation(&config.augment);
	for (int i = 0; i < config.batch_size; i++)
	{
		images[i] = some_image(i % IMAGES);
		keys[i] = (uint64_t) (i % IMAGES) + 1;
	}
	for (int i = 0; i < 2; i++)
	{
		config.batch_pieces = i == 0 ? 1 : pieces;
		training_open(&t[i], &config, 2);
		loss[i] = loss_of(&t[i], images, keys);
	}
	a = t[0].trainer, b = t[1].trainer;
	CHECK(fabs(loss[0] - loss[1]) <= 1e-5 * loss[0], "%d pieces: loss %.9g, at once %.9g", pieces, loss[1], loss[0]);
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
	{
		const sc_resnet_layer *layer = &a->net.layer[l];
		const size_t at[] = {layer->weight, layer->scale, layer->shift};
		const size_t n[] = {a->net.conv[layer->shape].weights, (size_t) layer->out, (size_t) layer->out};

		for (int part = 0; part < 3; part++)
			check_close(a->grads.params + at[part], b->grads.params + at[part], n[part], tol, "layer", l);
	}
	check_close(a->grads.params + a->net.params, b->grads.params + a->net.params, a->state.param_count - a->net.params,
				tol, "head", 0);
	training_close(&t[0]);
	training_close(&t[1]);
}

/* The gradient of pieces of several sizes, of pictures that differ, against differences of the loss. */
static void
test_pieces_gradient(bool batch_norm)
{
	enum
	{
		IMAGES = 14
	};
	sc_train_config config = plain_config(32, true, batch_norm, IMAGES, SC_CONV_BEST);
	training t;
	sc_image images[IMAGES];
	uint64_t keys[IMAGES];
	float *params, *grad;
	size_t n;
	double square = 0.0, loss[2], step;

	set_augmentation(&config.augment);
	config.batch_pieces = 3;
	for (int i = 0; i < IMAGES; i++)
	{
		images[i] = some_image(i % 6);
		keys[i] = (uint64_t) i + 1;
	}
	training_open(&t, &config, 2);
	n = t.trainer->state.param_count;
	params = malloc(n * sizeof(float));
	grad = malloc(n * sizeof(float));
	memcpy(params, t.trainer->state.params, n * sizeof(float));
	(void) loss_of(&t, images, keys);
	memcpy(grad, t.trainer->grads.params, n * sizeof(float));
	for (size_t i = 0; i < n; i++)
		square += (double) grad[i] * grad[i];
	/* So far that the loss changes by a thousandth, along the gradient, where all of it has a part. */
	step = 1e-3 / square;
	for (int side = 0; side < 2; side++)
	{
		for (size_t i = 0; i < n; i++)
			t.trainer->state.params[i] = params[i] + (float) ((side == 0 ? -step : step) * grad[i]);
		loss[side] = loss_of(&t, images, keys);
	}
	CHECK(fabs((loss[1] - loss[0]) / (2 * step) - square) < 0.02 * square, "%s: by differences %.6g, gradient %.6g",
		  batch_norm ? "norm" : "bias", (loss[1] - loss[0]) / (2 * step), square);
	training_close(&t);
	free(params);
	free(grad);
}

/* Each piece moves the running statistics, and all by its own moments: those of the last count most. */
static void
test_pieces_statistics(void)
{
	sc_train_config config = plain_config(32, false, true, 32, SC_CONV_BEST);
	training t, piece;
	sc_image images[32];
	uint64_t keys[32];
	const float *got, *wanted;

	for (int i = 0; i < 32; i++)
	{
		images[i] = some_image(i % 6);
		keys[i] = (uint64_t) i + 1;
	}
	config.batch_pieces = 2;
	training_open(&t, &config, 2);
	(void) loss_of(&t, images, keys);
	config.batch_size = 16;
	config.batch_pieces = 1;
	training_open(&piece, &config, 1);
	(void) loss_of(&piece, images, keys);
	(void) loss_of(&piece, images + 16, keys + 16);
	got = t.trainer->state.stats;
	wanted = piece.trainer->state.stats;
	CHECK(memcmp(got, wanted, t.trainer->net.stats * sizeof(float)) == 0, "not those of two steps of a piece each");
	training_close(&t);
	training_close(&piece);
}

/* What a piece holds is a part of what the batch holds. */
static void
test_pieces_memory(void)
{
	sc_train_config config = plain_config(128, false, true, 256, SC_CONV_BEST);
	size_t bytes[2];
	sc_error err = {0};

	for (int i = 0; i < 2; i++)
	{
		config.batch_pieces = i == 0 ? 1 : 4;
		CHECK(sc_trainer_plan(&bytes[i], &config, 2, &err) == SC_OK, "%s", err.message);
	}
	CHECK(bytes[1] < 0.4 * bytes[0], "%zu bytes in four pieces, %zu at once", bytes[1], bytes[0]);
}

/* ---- training in bf16 ------------------------------------------------------ */

/*
 * A tensor of the gradients in float and in bf16. Where rounding moves the input
 * of a ReLU across 0 its gradient changes altogether: a percent of the inputs is
 * a tenth of the gradient, layer by layer, and at the first ones four tenths
 * (cosine 0.91, of the short vectors of the norms 0.86; roundings of a network
 * in float at the same places do the same). A gradient that a wrong pass or a
 * wrong place had a part in would be as much off at once, and in length too.
 */
static void
compare_gradients(const char *what, const char *name, const float *wanted, const float *got, size_t n, double cosine)
{
	double product = 0.0, a = norm_of(wanted, n), b = norm_of(got, n);

	for (size_t i = 0; i < n; i++)
		product += (double) wanted[i] * got[i];
	CHECK(product >= cosine * a * b, "%s, %s: cosine %.4f", what, name, product / (a * b));
	CHECK(b >= 0.85 * a && b <= 1.15 * a, "%s, %s: %.4f times as long", what, name, b / a);
}

static void
test_gradients_bf16(bool small_stem, bool batch_norm, sc_conv_kind kind)
{
	int size = small_stem ? 16 : 64;
	training t[2];
	sc_error err = {0};
	double loss[2];
	sc_head_tensor head[SC_HEAD_MAX_TENSORS];
	int heads;
	char what[100];

	snprintf(what, sizeof(what), "%s stem, %s", small_stem ? "small" : "imagenet", batch_norm ? "norm" : "bias");
	for (sc_precision p = SC_PRECISION_F32; p <= SC_PRECISION_BF16; p++)
	{
		sc_train_config config = plain_config(size, small_stem, batch_norm, 32, kind);
		sc_train_step step = {.lr = 0.0f};

		config.net.precision = p;
		training_open(&t[p], &config, 2);
		put_views(t[p].trainer, true);
		step.trainer = t[p].trainer;
		CHECK(sc_pool_run(2, sc_train_step_run, &step, &err) == SC_OK, "%s: %s", what, err.message);
		loss[p] = step.loss;
	}
	CHECK(fabs(loss[1] - loss[0]) < 0.003 * loss[0], "%s: loss %.6f, in float %.6f", what, loss[1], loss[0]);
	for (int l = 0; l < SC_RESNET_LAYERS; l++)
		for (sc_resnet_part part = 0; part <= SC_RESNET_SHIFT; part++)
		{
			const sc_resnet_layer *layer = &t[0].trainer->net.layer[l];
			const size_t offset[] = {layer->weight, layer->scale, layer->shift};
			char name[SC_RESNET_NAME];
			int shape[4];

			(void) sc_resnet_tensor(&t[0].trainer->net, l, part, name, shape);
			compare_gradients(what, name, t[0].trainer->grads.params + offset[part],
							  t[1].trainer->grads.params + offset[part],
							  part == SC_RESNET_WEIGHT ? t[0].trainer->net.conv[layer->shape].weights
													   : (size_t) layer->out,
							  part == SC_RESNET_WEIGHT ? 0.87 : 0.8);
		}
	heads = sc_head_tensors(head, &t[0].trainer->head.config);
	for (int i = 0; i < heads; i++)
		if (head[i].slab == SC_HEAD_PARAM)
		{
			size_t offset = t[0].trainer->net.params + head[i].offset;

			compare_gradients(what, head[i].name, t[0].trainer->grads.params + offset,
							  t[1].trainer->grads.params + offset,
							  (size_t) head[i].shape[0] * (head[i].ndim > 1 ? (size_t) head[i].shape[1] : 1), 0.9);
		}
	training_close(&t[0]);
	training_close(&t[1]);
}

/*
 * Ten steps on the same views: the loss falls, and as it does in float. The two
 * part by the roundings of a step at first (as above), later as any two runs do
 * that differ by a rounding (test_torch).
 */
static void
test_curve_bf16(sc_conv_kind kind)
{
	double loss[2][10];

	for (sc_precision p = SC_PRECISION_F32; p <= SC_PRECISION_BF16; p++)
	{
		sc_train_config config = plain_config(32, false, true, 48, kind);
		sc_image image[48];
		uint64_t keys[48];
		sc_train_step step = {.images = image, .keys = keys, .lr = 0.02f};
		training t;
		sc_error err = {0};

		config.net.precision = p;
		set_augmentation(&config.augment);
		for (int i = 0; i < config.batch_size; i++)
		{
			image[i] = some_image(i % 6);
			keys[i] = (uint64_t) i + 1;
		}
		training_open(&t, &config, 2);
		step.trainer = t.trainer;
		for (int i = 0; i < 10; i++)
		{
			CHECK(sc_pool_run(2, sc_train_step_run, &step, &err) == SC_OK, "%s", err.message);
			loss[p][i] = step.loss;
		}
		training_close(&t);
	}
	CHECK(fabs(loss[1][0] - loss[0][0]) < 0.003 * loss[0][0], "first loss %.6f, in float %.6f", loss[1][0], loss[0][0]);
	for (int i = 1; i < 10; i++)
		CHECK(fabs(loss[1][i] - loss[0][i]) < 0.06 * loss[0][i], "step %d: loss %.4f, in float %.4f", i, loss[1][i],
			  loss[0][i]);
	CHECK(loss[1][9] < 0.75 * loss[1][0], "loss %.4f after ten steps from %.4f", loss[1][9], loss[1][0]);
}

/* Tensors take half; weights, momenta and the head are float. */
static void
test_memory_bf16(sc_conv_kind kind)
{
	sc_train_config config = plain_config(64, false, true, 512, kind);
	size_t bytes[2][2];
	sc_error err = {0};

	/* What the larger of two batches takes more is tensors nearly all: both have as many shards. */
	for (sc_precision p = SC_PRECISION_F32; p <= SC_PRECISION_BF16; p++)
		for (int i = 0; i < 2; i++)
		{
			config.net.precision = p;
			config.batch_size = 512 + 512 * i;
			CHECK(sc_trainer_plan(&bytes[p][i], &config, 1, &err) == SC_OK, "%s", err.message);
		}
	CHECK(2 * (bytes[1][1] - bytes[1][0]) < 1.1 * (bytes[0][1] - bytes[0][0]),
		  "%zu to %zu bytes, and in float %zu to %zu", bytes[1][0], bytes[1][1], bytes[0][0], bytes[0][1]);
}

/* ---- embedding ---------------------------------------------------------- */

static uint8_t *
formula_weights(const sc_net_config *net, bool statistics, size_t *size)
{
	sc_train_config config = plain_config(net->input_size, net->small_stem, true, 4, net->conv);
	training t;
	uint8_t *bytes;

	training_open(&t, &config, 1);
	bytes = training_save(&t, false, size);
	fill_by_formula(bytes, *size, statistics);
	training_close(&t);
	return bytes;
}

static void
embed_by(float *out, const sc_encoder_config *config, const uint8_t *weights, size_t size, const sc_image *images,
		 int count, int max_batch, int lanes)
{
	sc_encoder *encoder = NULL;
	size_t bytes = 0;
	void *memory;
	sc_error err = {0};

	CHECK(sc_encoder_plan(&bytes, config, max_batch, lanes, &err) == SC_OK, "%s", err.message);
	memory = malloc(bytes);
	memset(memory, 0xFF, bytes);
	CHECK(sc_encoder_create(&encoder, config, max_batch, lanes, weights, size, memory, bytes, &err) == SC_OK, "%s",
		  err.message);
	for (int from = 0; from < count; from += max_batch)
	{
		sc_embed_batch batch = {encoder, images + from, SC_MIN(max_batch, count - from), out + (size_t) from * 512};

		CHECK(sc_pool_run(lanes, sc_embed_batch_run, &batch, &err) == SC_OK, "%s", err.message);
	}
	sc_encoder_destroy(encoder);
	free(memory);
}

static void
embed(float *out, const sc_net_config *net, const uint8_t *weights, size_t size, const sc_image *images, int count,
	  int max_batch, int lanes)
{
	sc_encoder_config config = {.net = *net,
								.views = 1,
								.augment = {.mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}}};

	embed_by(out, &config, weights, size, images, count, max_batch, lanes);
}

/*
 * An embedding as the mean of several views. Views that leave a picture as it
 * is, or mirror it, are embedded as one, so the mean is known; views that do
 * more give the same bits for a picture alone and among others.
 */
static void
test_embed_views(void)
{
	enum
	{
		SIDE = 32,
		IMAGES = 7,
		VIEWS = 8
	};
	sc_net_config net = {.input_size = SIDE, .conv = SC_CONV_BEST, .precision = SC_PRECISION_F32};
	sc_encoder_config config = {.net = net,
								.views = VIEWS,
								.seed = 5,
								.augment = {.min_scale = 1,
											.max_scale = 1,
											.min_ratio = 1,
											.max_ratio = 1,
											.mean = {0.485f, 0.456f, 0.406f},
											.std = {0.229f, 0.224f, 0.225f}}};
	size_t size, bytes = (size_t) SIDE * SIDE * 3, values = (size_t) IMAGES * 512;
	uint8_t *weights = formula_weights(&net, true, &size), *pixels = malloc(bytes * 2 * IMAGES);
	float *scratch = malloc(bytes * sizeof(float)), *plain = malloc(values * sizeof(float)),
		  *mirrored = malloc(values * sizeof(float)), *out = malloc(values * sizeof(float)),
		  *other = malloc(values * sizeof(float));
	sc_image image[IMAGES], mirror[IMAGES], swap;
	int flips = 0;

	for (int i = 0; i < IMAGES; i++)
	{
		uint8_t *p = pixels + 2 * (size_t) i * bytes;

		formula_image(p, SIDE, i, scratch);
		for (int k = 0; k < SIDE * SIDE * 3; k++)
			p[bytes + (size_t) k] = p[(k / (3 * SIDE) * SIDE + SIDE - 1 - k / 3 % SIDE) * 3 + k % 3];
		image[i] = (sc_image){SIDE, SIDE, 3, p, .hash = (uint64_t) i * 77};
		mirror[i] = (sc_image){SIDE, SIDE, 3, p + bytes};
	}
	embed(plain, &net, weights, size, image, IMAGES, IMAGES, 1);
	embed(mirrored, &net, weights, size, mirror, IMAGES, IMAGES, 1);
	config.views = 2;
	embed_by(out, &config, weights, size, image, IMAGES, IMAGES, 1);
	CHECK(memcmp(out, plain, values * sizeof(float)) == 0, "twice the plain view");

	config.views = VIEWS;
	config.augment.hf_prob = 0.5f;
	embed_by(out, &config, weights, size, image, IMAGES, IMAGES, 2);
	for (int i = 0; i < IMAGES; i++)
	{
		double far = 0, share = 0;

		for (int v = 0; v < VIEWS; v++)
		{
			sc_rng rng = sc_rng_stream(5, SC_EMBED_STREAM, image[i].hash, (uint64_t) v);
			sc_view_draw d;

			sc_view_draw_all(&d, &config.augment, SIDE, SIDE, &rng);
			share += (double) d.hflip / VIEWS;
			flips += d.hflip;
		}
		for (int k = i * 512; k < (i + 1) * 512; k++)
			far = fmax(far, fabs(out[k] - (share * mirrored[k] + (1 - share) * plain[k])));
		CHECK(far < 1e-4, "picture %d is off by %g", i, far);
	}
	CHECK(flips > 0 && flips < VIEWS * IMAGES, "%d flips", flips);

	config.augment.min_scale = 0.7f;
	config.augment.min_ratio = 0.75f;
	config.augment.cj_prob = 0.8f;
	config.augment.cj_bright = config.augment.cj_hue = 0.1f;
	config.views = 3;
	embed_by(out, &config, weights, size, image, IMAGES, IMAGES, 1);
	for (int lanes = 1; lanes <= 3; lanes++)
		for (int batch = 1; batch <= IMAGES; batch += 3)
		{
			memset(other, 0xFF, values * sizeof(float));
			embed_by(other, &config, weights, size, image, IMAGES, batch, lanes);
			CHECK(memcmp(out, other, values * sizeof(float)) == 0, "%d lanes, %d at once", lanes, batch);
		}
	swap = image[0];
	image[0] = image[6];
	image[6] = swap;
	embed_by(other, &config, weights, size, image, IMAGES, IMAGES, 1);
	CHECK(memcmp(out, other + 6 * 512, 512 * sizeof(float)) == 0, "another place in the batch");
	image[6].hash++;
	embed_by(other, &config, weights, size, image, IMAGES, IMAGES, 1);
	CHECK(memcmp(out, other + 6 * 512, 512 * sizeof(float)) != 0, "another hash has other views");
	free(weights);
	free(pixels);
	free(scratch);
	free(plain);
	free(mirrored);
	free(out);
	free(other);
}

static void
test_encoder(const torch_encoder *e, sc_conv_kind kind, sc_precision precision, double tol)
{
	{
		sc_net_config net = {.input_size = e->size, .small_stem = e->small_stem, .conv = kind, .precision = precision};
		size_t size, bytes = (size_t) e->size * e->size * 3;
		uint8_t *weights = formula_weights(&net, true, &size);
		uint8_t *pixels = malloc(bytes * 20);
		float *scratch = malloc(bytes * sizeof(float));
		float *out = malloc(20 * 512 * sizeof(float)), *other = malloc(20 * 512 * sizeof(float));
		sc_image image[20];

		for (int v = 0; v < 20; v++)
		{
			formula_image(pixels + (size_t) v * bytes, e->size, v, scratch);
			image[v] = (sc_image){e->size, e->size, 3, pixels + (size_t) v * bytes};
		}
		embed(out, &net, weights, size, image, 20, 20, 1);
		for (int v = 0; v < TORCH_ENCODER_IMAGES; v++)
		{
			double square = 0.0, norm = 0.0;

			for (int k = 0; k < 512; k++)
			{
				double d = out[v * 512 + k] - e->embedding[v][k];

				square += d * d;
				norm += e->embedding[v][k] * e->embedding[v][k];
			}
			CHECK(sqrt(square / norm) < tol, "convolution %d, size %d, image %d: off by %.3g", kind, e->size, v,
				  sqrt(square / norm));
		}
		/* The same bits alone, in batches of any size, on any number of lanes. */
		for (int max_batch = 1; max_batch <= 20; max_batch = max_batch == 1 ? 3 : max_batch * 4)
			for (int lanes = 1; lanes <= 3; lanes += 2)
			{
				embed(other, &net, weights, size, image, 20, max_batch, lanes);
				CHECK(memcmp(out, other, 20 * 512 * sizeof(float)) == 0,
					  "convolution %d, size %d: batches of %d, %d lanes", kind, e->size, max_batch, lanes);
			}
		free(weights);
		free(pixels);
		free(scratch);
		free(out);
		free(other);
	}
}

/* A trainer looks at images as an encoder does, on any number of lanes; it learns nothing. */
static void
test_look(void)
{
	enum
	{
		IMAGES = 20,
		SIDE = 32
	};
	sc_train_config config = plain_config(SIDE, true, true, 32, SC_CONV_BEST);
	static uint8_t pixels[IMAGES][SIDE * SIDE * 3];
	static float scratch[SIDE * SIDE * 3];
	static float encoded[IMAGES * 512], out[2][IMAGES * 512];
	sc_image images[IMAGES];
	sc_error err = {0};
	double square = 0.0, norm = 0.0;

	for (int i = 0; i < IMAGES; i++)
	{
		formula_image(pixels[i], SIDE, i, scratch);
		images[i] = (sc_image){SIDE, SIDE, 3, pixels[i]};
	}
	for (int i = 0; i < 2; i++)
	{
		training t;
		size_t size;
		uint8_t *bytes, *after;
		sc_trainer_look look = {.images = images, .count = IMAGES, .out = out[i]};

		training_open(&t, &config, 3);
		bytes = training_save(&t, true, &size);
		fill_by_formula(bytes, size, true);
		CHECK(sc_trainer_load(t.trainer, bytes, size, &err) == SC_OK, "%s", err.message);
		look.trainer = t.trainer;
		CHECK(sc_pool_run(1 + 2 * i, sc_trainer_look_run, &look, &err) == SC_OK, "%s", err.message);
		after = training_save(&t, true, &size);
		CHECK(memcmp(bytes, after, size) == 0, "a look changed what is learned");
		if (i == 0)
			embed(encoded, &config.net, bytes, size, images, IMAGES, IMAGES, 1);
		free(bytes);
		free(after);
		training_close(&t);
	}
	CHECK(memcmp(out[0], out[1], sizeof(out[0])) == 0, "one lane and three");
	for (int k = 0; k < IMAGES * 512; k++)
	{
		square += ((double) out[0][k] - encoded[k]) * ((double) out[0][k] - encoded[k]);
		norm += (double) encoded[k] * encoded[k];
	}
	CHECK(square < 1e-4 * norm, "off by %.3g", sqrt(square / norm)); /* Winograd's bound */
}

/* Weights that are not those of this network. */
static void
test_bad_weights(void)
{
	sc_train_config config = plain_config(32, false, true, 4, SC_CONV_BEST);
	training t;
	size_t size;
	uint8_t *bytes, *before;
	char *at;
	sc_error err = {0};

	training_open(&t, &config, 1);
	bytes = training_save(&t, true, &size);
	before = training_save(&t, true, &size);
	CHECK(sc_trainer_load(t.trainer, bytes, size, &err) == SC_OK, "%s", err.message);
	CHECK(sc_trainer_load(t.trainer, bytes, size - 1, &err) == SC_BAD_WEIGHTS, "cut off");
	/* A name changed: one missing, one unknown. */
	at = memmem(bytes, 65536, "layer3.1.bn2.bias", 17);
	at[0] = 'k';
	CHECK(sc_trainer_load(t.trainer, bytes, size, &err) == SC_BAD_WEIGHTS, "a name");
	CHECK(strstr(err.message, "layer3.1.bn2.bias") != NULL, "%s", err.message);
	at[0] = 'l';
	/* Not finite, in the last tensor: an optimizer's; nothing of the rest is taken. */
	memset(bytes + size - 4, 0xFF, 4);
	memset(bytes + size - 5000, 0, 4);
	CHECK(sc_trainer_load(t.trainer, bytes, size, &err) == SC_BAD_WEIGHTS, "NaN");
	free(bytes);
	{
		size_t again;

		bytes = training_save(&t, true, &again);
		CHECK(again == size && memcmp(bytes, before, size) == 0, "refused weights left something");
	}
	free(bytes);
	free(before);
	training_close(&t);
}

/* The file without its projection head and momenta. */
static uint8_t *
without_head(const uint8_t *bytes, size_t size, size_t *less)
{
	sc_st_tensor tensors[MAX_TENSORS];
	sc_st_entry entries[MAX_TENSORS];
	const sc_st_tensor *source[MAX_TENSORS];
	static char names[MAX_TENSORS][SC_RESNET_NAME];
	int count = 0, n = 0;
	sc_error err = {0};
	uint8_t *out;

	CHECK(sc_st_read(tensors, MAX_TENSORS, &count, NULL, bytes, size, &err) == SC_OK, "%s", err.message);
	for (int i = 0; i < count; i++)
	{
		snprintf(names[n], SC_RESNET_NAME, "%.*s", (int) tensors[i].name_len, tensors[i].name);
		if (strstr(names[n], "projection_head.") != NULL || strstr(names[n], "optimizer.") != NULL)
			continue;
		entries[n] = (sc_st_entry){.name = names[n], .dtype = tensors[i].dtype, .ndim = tensors[i].ndim};
		for (int d = 0; d < tensors[i].ndim; d++)
			entries[n].shape[d] = (int) tensors[i].shape[d];
		source[n++] = &tensors[i];
	}
	*less = sc_st_bytes(entries, n);
	out = malloc(*less);
	sc_st_write(out, entries, n);
	for (int i = 0; i < n; i++)
		memcpy(out + entries[i].offset, source[i]->data, source[i]->count * (entries[i].dtype == SC_ST_I64 ? 8 : 4));
	return out;
}

/* An import writes what a trainer would write that had loaded the file, and refuses what that refuses. */
static void
check_import(const char *what, const sc_train_config *config, const uint8_t *file, size_t size)
{
	training t;
	size_t bytes, scratch_bytes, wanted_bytes;
	sc_error err = {0}, wanted_err = {0};
	sc_status status, wanted_status;
	uint8_t *out, *scratch, *wanted;

	training_open(&t, config, 1);
	wanted_status = sc_trainer_load(t.trainer, file, size, &wanted_err);
	wanted = training_save(&t, false, &wanted_bytes);
	sc_weights_import_bytes(&bytes, &scratch_bytes, config);
	CHECK(bytes == wanted_bytes, "%s: %zu bytes, not %zu", what, bytes, wanted_bytes);
	out = malloc(bytes);
	scratch = unit_aligned(scratch_bytes);
	memset(out, 0xFF, bytes);
	memset(scratch, 0xFF, scratch_bytes);
	status = sc_weights_import(out, config, file, size, scratch, &err);
	CHECK(status == wanted_status, "%s: status %d, not %d", what, status, wanted_status);
	if (status == SC_OK && bytes == wanted_bytes)
		CHECK(memcmp(out, wanted, bytes) == 0, "%s: other bytes", what);
	else
		CHECK(strcmp(err.message, wanted_err.message) == 0 && strcmp(err.detail, wanted_err.detail) == 0 &&
				  strcmp(err.hint, wanted_err.hint) == 0,
			  "%s: %s, not %s", what, err.message, wanted_err.message);
	training_close(&t);
	free(out);
	free(scratch);
	free(wanted);
}

/* A negative variance, which a trainer would load, is refused; that of the backbone and that of a head with norms. */
static void
check_variance(const sc_train_config *config, uint8_t *file, size_t size, const char *name)
{
	size_t bytes, scratch_bytes;
	sc_st_tensor tensors[MAX_TENSORS];
	sc_error err = {0};
	uint8_t *out, *scratch, *value;
	float was;
	int count;

	CHECK(sc_st_read(tensors, MAX_TENSORS, &count, NULL, file, size, &err) == SC_OK, "%s", err.message);
	value = file + (sc_st_find(tensors, count, name)->data - file) + 3 * sizeof(float);
	memcpy(&was, value, sizeof(was));
	sc_weights_import_bytes(&bytes, &scratch_bytes, config);
	out = malloc(bytes);
	scratch = unit_aligned(scratch_bytes);
	memcpy(value, &(float){-0.0f}, sizeof(float));
	CHECK(sc_weights_import(out, config, file, size, scratch, &err) == SC_OK, "%s: -0: %s", name, err.message);
	memcpy(value, &(float){-1e-6f}, sizeof(float));
	CHECK(sc_weights_import(out, config, file, size, scratch, &err) == SC_BAD_WEIGHTS, "%s: -1e-6", name);
	CHECK(strstr(err.message, name) != NULL && strstr(err.message, "negative variance") != NULL, "%s", err.message);
	CHECK(strcmp(err.detail, "Element 3 is -1e-06.") == 0, "%s", err.detail);
	memcpy(value, &was, sizeof(was));
	free(out);
	free(scratch);
}

static void
test_import(void)
{
	for (int c = 0; c < (unit_small() ? 1 : 2); c++)
	{
		sc_train_config config = plain_config(32, c == 1, c == 0, 4, SC_CONV_BEST);
		training t;
		size_t size, less;
		uint8_t *file, *backbone;
		sc_weights_file look;
		sc_error err = {0};

		training_open(&t, &config, 1);
		file = training_save(&t, true, &size);
		fill_by_formula(file, size, true);
		CHECK(sc_trainer_load(t.trainer, file, size, &err) == SC_OK, "%s", err.message);
		t.trainer->state.steps = 123;
		free(file);
		file = training_save(&t, true, &size);
		training_close(&t);
		backbone = without_head(file, size, &less);
		config.seed = 2; /* other initial values */
		check_import("whole", &config, file, size);
		check_import("without a head", &config, backbone, less);
		check_import("cut off", &config, file, size - 1);
		check_variance(&config, file, size, "layer3.1.bn2.running_var");
		if (config.proj_batch_norm)
			check_variance(&config, file, size, "projection_head.layers.1.running_var");
		CHECK(sc_weights_look(&look, file, size, &err) == SC_OK && look.small_stem == (c == 1), "stem");
		config.net.small_stem = c == 0;
		check_import("the other stem", &config, file, size);
		config.net.small_stem = c == 1;
		config.proj_batch_norm = c == 1;
		check_import("another head", &config, file, size);
		check_import("another head, without one", &config, backbone, less);
		config.proj_batch_norm = c == 0;
		memset(file + size - 4, 0xFF, 4);
		check_import("a momentum of NaN", &config, file, size);
		*(char *) memmem(file, 65536, "optimizer.layer3.1.bn2.bias", 27) = 'k';
		check_import("an unknown name", &config, file, size);
		memcpy(memmem(file, 65536, "kptimizer.layer3.1.bn2.bias", 27), "optimizer.layer3.1.bn2.bicy", 27);
		check_import("a momentum without a parameter", &config, file, size);
		free(file);
		free(backbone);
	}
}

typedef struct stopped_job
{
	sc_job_fn fn;
	void *arg;
} stopped_job;

/* A job that has been told to stop before it begins. */
static sc_status
run_stopped(const sc_lane *lane, void *arg)
{
	const stopped_job *job = arg;

	sc_pool_stop();
	return job->fn(lane, job->arg);
}

/* Making a trainer or an encoder, weights in and out: as jobs they do the same, and can be stopped. */
static void
test_setting_up(void)
{
	sc_train_config config = plain_config(32, false, true, 4, SC_CONV_BEST);
	training t;
	size_t size, again, need = 0, file, extra;
	uint8_t *wanted, *got, *imported;
	void *memory, *more, *scratch;
	sc_trainer *trainer = (sc_trainer *) &t;
	sc_encoder *encoder = NULL;
	sc_error err = {0};
	sc_trainer_making making = {&trainer, &config, 1};
	sc_trainer_saving saving;
	sc_trainer_loading loading;
	sc_weights_importing importing;
	sc_encoder_making encoding;
	sc_encoder_config encoded = {.net = config.net, .views = 1, .augment = {.std = {1, 1, 1}}};

	training_open(&t, &config, 1);
	wanted = training_save(&t, true, &size);
	got = malloc(size);
	CHECK(sc_trainer_plan(&need, &config, 1, &err) == SC_OK, "%s", err.message);
	memory = malloc(need);
	making.memory = memory;
	making.bytes = need;
	CHECK(sc_pool_run(1, run_stopped, &(stopped_job){sc_trainer_create_run, &making}, &err) == SC_ABORTED &&
			  trainer == NULL,
		  "a trainer");
	CHECK(sc_pool_run(1, sc_trainer_create_run, &making, &err) == SC_OK, "%s", err.message);
	saving = (sc_trainer_saving){trainer, got, true};
	CHECK(sc_pool_run(1, run_stopped, &(stopped_job){sc_trainer_save_run, &saving}, &err) == SC_ABORTED, "saving");
	CHECK(sc_pool_run(1, sc_trainer_save_run, &saving, &err) == SC_OK, "%s", err.message);
	again = sc_trainer_save_bytes(trainer, true);
	CHECK(again == size && memcmp(got, wanted, size) == 0, "the same trainer");
	loading = (sc_trainer_loading){trainer, wanted, size};
	CHECK(sc_pool_run(1, run_stopped, &(stopped_job){sc_trainer_load_run, &loading}, &err) == SC_ABORTED, "loading");
	CHECK(sc_pool_run(1, sc_trainer_load_run, &loading, &err) == SC_OK, "%s", err.message);
	loading.size = size - 1;
	CHECK(sc_pool_run(1, sc_trainer_load_run, &loading, &err) == SC_BAD_WEIGHTS && err.message[0] != '\0', "cut off");

	sc_weights_import_bytes(&file, &extra, &config);
	imported = malloc(file);
	scratch = malloc(extra);
	importing = (sc_weights_importing){imported, &config, wanted, size, scratch};
	CHECK(sc_pool_run(1, run_stopped, &(stopped_job){sc_weights_import_run, &importing}, &err) == SC_ABORTED,
		  "importing");
	CHECK(sc_pool_run(1, sc_weights_import_run, &importing, &err) == SC_OK, "%s", err.message);
	CHECK(sc_encoder_plan(&need, &encoded, 1, 1, &err) == SC_OK, "%s", err.message);
	more = malloc(need);
	encoding = (sc_encoder_making){&encoder, &encoded, 1, 1, imported, file, more, need};
	CHECK(sc_pool_run(1, run_stopped, &(stopped_job){sc_encoder_create_run, &encoding}, &err) == SC_ABORTED &&
			  encoder == NULL,
		  "an encoder");
	CHECK(sc_pool_run(1, sc_encoder_create_run, &encoding, &err) == SC_OK && encoder != NULL, "%s", err.message);
	sc_encoder_destroy(encoder);
	sc_trainer_destroy(trainer);
	training_close(&t);
	free(more);
	free(scratch);
	free(imported);
	free(memory);
	free(got);
	free(wanted);
}

/* Whose bf16 a training has beside that in float: of AMX alone where there is no oneDNN. */
static const struct
{
	sc_conv_kind kind;
	const char *name;
} bf16_kinds[] = {{SC_CONV_DIRECT, "oneDNN"}, {SC_CONV_AMX, "AMX"}};

int
main(int argc, char **argv)
{
	static const char *const none = "this CPU has no bf16 arithmetic, or there is no oneDNN";
	bool serial;

	unit_begin(argc, argv);
	if (!sc_blas_open(&serial))
		return 1;
	for (size_t i = 0; i < (unit_small() ? 1 : LENGTH(torch_nets)); i++)
	{
		/* The last one's gradients are small. */
		double tol = i == 3 ? 3e-4 : 1e-4;

#ifdef SC_WITH_ONEDNN
		CASE ("training as PyTorch, direct, net %zu", i)
			test_torch(&torch_nets[i], SC_CONV_DIRECT, tol);
		/* Winograd's own bound. */
		LARGE_CASE ("training as PyTorch, best, net %zu", i)
			test_torch(&torch_nets[i], SC_CONV_BEST, 1e-2);
#endif
		if (i == 0 || i == 3)
			CASE ("training as PyTorch, BLAS, net %zu", i)
				test_torch(&torch_nets[i], SC_CONV_BLAS, tol);
	}
	LARGE_CASE ("the same bits, f32")
		test_same_bits(SC_PRECISION_F32);
	CASE ("the same bits, bf16")
	{
		if (sc_conv_has_bf16(SC_CONV_BEST))
			test_same_bits(SC_PRECISION_BF16);
		else
			SKIP(none);
	}
	CASE ("two losses")
		test_two_losses();
	for (size_t i = 0; i < LENGTH(bf16_kinds); i++)
		CASE ("training, bf16 beside f32, %s", bf16_kinds[i].name)
		{
			if (sc_conv_has_bf16(bf16_kinds[i].kind))
			{
				for (int c = 0; c < 3; c++)
					test_gradients_bf16(c > 0, c < 2, bf16_kinds[i].kind);
				test_curve_bf16(bf16_kinds[i].kind);
				test_memory_bf16(bf16_kinds[i].kind);
			}
			else
				SKIP(none);
		}
	for (size_t i = 0; i < (unit_small() ? 1 : LENGTH(torch_encoders)); i++)
	{
		CASE ("embedding, best, f32, net %zu", i)
			test_encoder(&torch_encoders[i], SC_CONV_BEST, SC_PRECISION_F32, 1e-4);
		/* About forty roundings in a row, of up to 0x1p-8 each. */
		CASE ("embedding, best, bf16, net %zu", i)
		{
			if (sc_conv_has_bf16(SC_CONV_BEST))
				test_encoder(&torch_encoders[i], SC_CONV_BEST, SC_PRECISION_BF16, 0.025);
			else
				SKIP(none);
		}
	}
	CASE ("embedding, BLAS, f32")
		test_encoder(&torch_encoders[0], SC_CONV_BLAS, SC_PRECISION_F32, 1e-4);
	LARGE_CASE ("embedding, BLAS, bf16 asked for, which is f32")
		test_encoder(&torch_encoders[0], SC_CONV_BLAS, SC_PRECISION_BF16, 1e-4);
	CASE ("a trainer's look at images")
		test_look();
	LARGE_CASE ("a batch in pieces that are alike")
	{
		test_pieces_alike(false, 2);
		test_pieces_alike(true, 3);
	}
	CASE ("a batch in pieces: its gradient")
	{
		test_pieces_gradient(true);
		if (!unit_small())
			test_pieces_gradient(false);
	}
	LARGE_CASE ("a batch in pieces: running statistics")
		test_pieces_statistics();
	CASE ("a batch in pieces: memory")
		test_pieces_memory();
	CASE ("an embedding as the mean of views")
		test_embed_views();
	CASE ("setting up, on the pool and stopped")
		test_setting_up();
	CASE ("weights that are not this network's")
		test_bad_weights();
	CASE ("weights imported without a trainer")
		test_import();
	sc_pool_shutdown();
	return unit_end();
}
