/*-------------------------------------------------------------------------
 *
 * src/pg/model/recipe.c
 *	  Presets, the table of options, and the rules of preset auto.
 *
 * `paper` is Lightly 1.2's collate function and tutorial, as the paper used
 * them; `lightly` is Lightly 1.5's SimCLRTransform and projection head.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>
#include <math.h>

#include "pg/model/recipe.h"
#include "pg/server/load.h"
#include "pg/server/options.h"
#include "pg/table/skips.h"

static scpg_enum_names preset_names =
	{[SCPG_PRESET_AUTO] = "auto", [SCPG_PRESET_LIGHTLY] = "lightly", [SCPG_PRESET_PAPER] = "paper", NULL};
static scpg_enum_names precision_names =
	{[SCPG_PRECISION_AUTO] = "auto", [SCPG_PRECISION_F32] = "f32", [SCPG_PRECISION_BF16] = "bf16", NULL};
static scpg_enum_names stem_names = {[SCPG_STEM_IMAGENET] = "imagenet", [SCPG_STEM_SMALL] = "small", NULL};
static scpg_enum_names optimizer_names = {[SCPG_OPTIMIZER_SGD] = "sgd", NULL};
static scpg_enum_names schedule_names = {[SCPG_SCHEDULE_COSINE] = "cosine", [SCPG_SCHEDULE_CONSTANT] = "constant", NULL};
static scpg_enum_names schedule_step_names =
	{[SCPG_SCHEDULE_STEP_EPOCH] = "epoch", [SCPG_SCHEDULE_STEP_STEP] = "step", NULL};
static scpg_enum_names order_names =
	{[SCPG_ORDER_FLIP_ROTATE] = "flip_rotate", [SCPG_ORDER_ROTATE_FLIP] = "rotate_flip", NULL};

/* Views of preset auto are no larger. */
#define AUTO_MAX_INPUT_SIZE 64

/* Larger pictures of strokes are drawings, not signs. */
#define STROKES_MAX_SIDE 128

/* Entries of the table below. An option has its field's name; stage and type are written without their SCPG_ prefix. */
#define AT(field) offsetof(scpg_recipe, field)
#define ENTRY(in, field, type, ...) \
	{ \
#field, SCPG_OPTION_##type, AT(field), .stage = SCPG_STAGE_##in, __VA_ARGS__ \
	}
#define CHOICE(in, field, names) ENTRY(in, field, ENUM, .values = names)
#define FLAG(in, field) ENTRY(in, field, BOOL, .nullable = false)
#define WHOLE(in, field, lo, hi) ENTRY(in, field, INT, .min = lo, .max = hi)
#define NUMBER(in, field, lo, hi) ENTRY(in, field, FLOAT, .min = lo, .max = hi)
#define ABOVE(in, field, lo, hi) ENTRY(in, field, FLOAT, .min = lo, .max = hi, .min_excluded = true)
#define NAME(in, field) ENTRY(in, field, TEXT, .nullable = true)
#define DURATION(in, field, null) ENTRY(in, field, INTERVAL, .nullable = null)

static const scpg_option normalize_fields[] = {
	{"mean", SCPG_OPTION_FLOATS, AT(mean), -1000, 1000, .count = 3},
	{"std", SCPG_OPTION_FLOATS, AT(std), 0, 1000, .min_excluded = true, .count = 3},
};

static const scpg_option table[] = {
	CHOICE(CALL, preset, preset_names),
	NAME(READING, id_column),
	NAME(READING, image_column),
	CHOICE(READING, on_error, scpg_on_error_names),
	ENTRY(CALL, seed, INT8, .min = -9223372036854775808.0, .max = 9223372036854775807.0),
	CHOICE(TRAINING, precision, precision_names),
	WHOLE(TRAINING, input_size, 16, 512),
	WHOLE(TRAINING, image_side, 16, 4096),
	CHOICE(TRAINING, stem, stem_names),
	WHOLE(TRAINING, batch_size, 2, 16384),
	FLAG(TRAINING, drop_last),
	WHOLE(TRAINING, epochs, 0, 100000),
	DURATION(TRAINING, time_budget, true),
	ENTRY(TRAINING, train_sample, INT, .min = 2, .max = INT_MAX, .nullable = true),
	DURATION(TRAINING, checkpoint_interval, false),
	FLAG(CALL, retrain),
	CHOICE(TRAINING, optimizer, optimizer_names),
	ABOVE(TRAINING, lr, 0, 1000),
	NUMBER(TRAINING, momentum, 0, 0.9999),
	NUMBER(TRAINING, weight_decay, 0, 10),
	WHOLE(TRAINING, warmup_epochs, 0, 100000),
	CHOICE(TRAINING, schedule, schedule_names),
	CHOICE(TRAINING, schedule_step, schedule_step_names),
	ABOVE(TRAINING, temperature, 1e-8, 1000),
	WHOLE(TRAINING, proj_hidden_dim, 1, 8192),
	WHOLE(TRAINING, proj_out_dim, 1, 8192),
	FLAG(TRAINING, proj_batch_norm),
	ABOVE(TRAINING, min_scale, 0, 1),
	ABOVE(TRAINING, max_scale, 0, 1),
	ABOVE(TRAINING, min_ratio, 0, 100),
	ABOVE(TRAINING, max_ratio, 0, 100),
	NUMBER(TRAINING, hf_prob, 0, 1),
	NUMBER(TRAINING, vf_prob, 0, 1),
	NUMBER(TRAINING, rr_prob, 0, 1),
	ENTRY(TRAINING, rr_degrees, FLOAT, .min = 0, .max = 180, .nullable = true),
	NUMBER(TRAINING, shear, 0, 2),
	NUMBER(TRAINING, morph_prob, 0, 1),
	NUMBER(TRAINING, cj_prob, 0, 1),
	NUMBER(TRAINING, cj_strength, 0, 10),
	NUMBER(TRAINING, cj_bright, 0, 10),
	NUMBER(TRAINING, cj_contrast, 0, 10),
	NUMBER(TRAINING, cj_sat, 0, 10),
	NUMBER(TRAINING, cj_hue, 0, 0.5),
	NUMBER(TRAINING, random_gray_scale, 0, 1),
	NUMBER(TRAINING, gaussian_blur, 0, 1),
	ENTRY(TRAINING, sigmas, FLOATS, .min = 0, .max = 100, .min_excluded = true, .count = 2),
	ENTRY(TRAINING, kernel_size, FLOAT, .min = 0, .max = 1, .nullable = true),
	{"normalize", SCPG_OPTION_OBJECT, 0, .stage = SCPG_STAGE_TRAINING, .count = lengthof(normalize_fields),
	 .fields = normalize_fields},
	CHOICE(TRAINING, transform_order, order_names),
	NAME(TRAINING, init),
	FLAG(CLUSTERING, l2_normalize),
	ENTRY(CLUSTERING, pca_components, COUNT_OR_SHARE, .min = 0, .max = SC_EMBEDDING_DIM, .min_excluded = true,
		  .nullable = true),
	FLAG(CLUSTERING, pca_whiten),
	WHOLE(CLUSTERING, max_k, 1, 10000),
	CHOICE(CLUSTERING, elbow_method, scpg_elbow_method_names),
	ABOVE(CLUSTERING, min_gain, 0, 1),
	ABOVE(CLUSTERING, sensitivity, 0, 1000),
	WHOLE(CLUSTERING, n_init, 1, 10000),
	WHOLE(CLUSTERING, max_iter, 1, 1000000),
	NUMBER(CLUSTERING, tol, 0, 1),
	CHOICE(CLUSTERING, kmeans_init, scpg_kmeans_init_names),
};

StaticAssertDecl(lengthof(table) <= SCPG_RECIPE_MAX_OPTIONS, "scpg_given is too small");

/* Was the option that is stored at this offset given by hand? */
static bool
is_given(const scpg_given *given, size_t offset)
{
	for (int i = 0; i < lengthof(table); i++)
		if (table[i].offset == offset && table[i].type != SCPG_OPTION_OBJECT)
			return given->option[i];
	return false;
}

#define GIVEN(field) is_given(given, AT(field))

static void
set_preset(scpg_recipe *r, scpg_preset preset)
{
	static const double imagenet_mean[3] = {0.485, 0.456, 0.406};
	static const double imagenet_std[3] = {0.229, 0.224, 0.225};

	/* What all presets share; fields not named are 0, false or none. */
	*r = (scpg_recipe){
		.preset = preset,
		.seed = 1,
		.input_size = 128,
		.batch_size = 256,
		.drop_last = true,
		.epochs = 20,
		.checkpoint_interval = 60,
		.lr = 0.06,
		.momentum = 0.9,
		.weight_decay = 5e-4,
		.temperature = 0.5,
		.proj_hidden_dim = 512,
		.proj_out_dim = 128,
		.proj_batch_norm = true,
		.min_scale = 0.08,
		.max_scale = 1.0,
		.min_ratio = 3.0 / 4.0,
		.max_ratio = 4.0 / 3.0,
		.hf_prob = 0.5,
		.cj_prob = 0.8,
		.cj_strength = 1.0,
		.cj_bright = 0.8,
		.cj_contrast = 0.8,
		.cj_sat = 0.8,
		.cj_hue = 0.2,
		.random_gray_scale = 0.2,
		.gaussian_blur = 0.5,
		.sigmas = {0.1, 2.0},
		.l2_normalize = true,
		.max_k = 15,
		.elbow_method = SCPG_ELBOW_KNEEDLE,
		.min_gain = 0.01,
		.sensitivity = 1.0,
		.n_init = 10,
		.max_iter = 300,
		.tol = 1e-4,
	};
	memcpy(r->mean, imagenet_mean, sizeof(r->mean));
	memcpy(r->std, imagenet_std, sizeof(r->std));

	if (preset == SCPG_PRESET_PAPER)
	{
		r->proj_batch_norm = false;
		r->cj_strength = 0.5;
		r->kernel_size = 0.1;
		r->transform_order = SCPG_ORDER_ROTATE_FLIP;
		r->l2_normalize = false;
		r->pca_components = 2;
		r->elbow_method = SCPG_ELBOW_LAST_TURN;
	}
	else if (preset == SCPG_PRESET_AUTO)
	{
		/*
		 * What depends on the images is chosen by scpg_recipe_choose. Views
		 * are gentler than Lightly's, which are made for a million pictures:
		 * of a few hundred, crops of a twelfth in colours of that strength
		 * have too little in common.
		 */
		r->min_scale = 0.3;
		r->cj_strength = 0.5;
		r->schedule_step = SCPG_SCHEDULE_STEP_STEP;
		r->train_sample = 50000;
		r->pca_components = 10;
		r->pca_whiten = true;
	}
}

void
scpg_recipe_read(scpg_recipe *recipe, scpg_given *given, const Jsonb *options)
{
	scpg_recipe named;
	scpg_given ignored;

	/* Twice: first only to learn the preset, which the other keys override. */
	set_preset(&named, SCPG_PRESET_AUTO);
	memset(&ignored, 0, sizeof(ignored));
	scpg_options_read(&named, ignored.option, options, table, lengthof(table));
	set_preset(recipe, named.preset);
	memset(given, 0, sizeof(*given));
	scpg_options_read(recipe, given->option, options, table, lengthof(table));

	if (recipe->min_scale > recipe->max_scale || recipe->min_ratio > recipe->max_ratio ||
		recipe->sigmas[0] > recipe->sigmas[1])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a lower bound is above its upper bound"),
				 errdetail("Scale is %g to %g, ratio %g to %g, sigmas %g to %g.", recipe->min_scale, recipe->max_scale,
						   recipe->min_ratio, recipe->max_ratio, recipe->sigmas[0], recipe->sigmas[1]),
				 errhint(
					 "Give \"min_scale\" and \"max_scale\", \"min_ratio\" and \"max_ratio\", and \"sigmas\" in ascending order.")));

	/*
	 * What the smallest crop needs to fill a view, up to three views: then
	 * no crop is enlarged much, and a photo of a camera takes little room.
	 * Preset auto knows its view only once the images are read.
	 */
	if (!GIVEN(image_side))
	{
		int view = recipe->preset == SCPG_PRESET_AUTO && !GIVEN(input_size) ? AUTO_MAX_INPUT_SIZE : recipe->input_size;

		recipe->image_side = (int) ceil(view * Min(3.0, 1.0 / sqrt(recipe->min_scale)));
	}

	/* sigmas by hand mean a blur by sigma, whatever the preset says. */
	if (GIVEN(sigmas) && !GIVEN(kernel_size))
		recipe->kernel_size = 0;
}

/*
 * The size of a view: small pictures as they are (a multiple of 8, which
 * halves well), at least 32; photos at 64, which keeps what tells kinds apart
 * and costs a quarter of 128.
 */
static int
choose_input_size(double median_side)
{
	int side = (int) ceil(Min(median_side, AUTO_MAX_INPUT_SIZE) / 8) * 8;

	return Max(side, 32);
}

/*
 * Images of a batch, at most a third of all. What a small set lacks is steps,
 * not negatives: ten steps an epoch learn several times as fast as three.
 * Strokes, whose views differ less, do well with fewer and larger ones.
 */
static int
choose_batch_size(int64 images, bool strokes)
{
	int64 size = strokes ? 200 : Max(32, Min(256, images / 10));

	return (int) Max(2, Min(size, images / 3));
}

/*
 * Epochs by count and size. A small set needs many epochs to take enough steps
 * (600 images: about 80), a large one takes them in few; the square root lies
 * between the two, and larger views get fewer epochs for the same time.
 */
static int
choose_epochs(int64 images, int input_size)
{
	double epochs = 1900.0 / sqrt((double) Max(images, 100)) * Min(1.0, 64.0 / input_size);

	return (int) Max(10, Min(200, rint(epochs)));
}

/*
 * Views for writing: what varies between two pictures of one sign is slant,
 * stroke width and framing, so these vary between two views; a mirrored sign is
 * another sign, and colour is none. The numbers were found on handwritten
 * digits, of which k-means then finds nine in ten.
 */
static void
choose_stroke_views(scpg_recipe *r, const scpg_given *given)
{
#define CHOOSE(field, value) \
	do \
	{ \
		if (!GIVEN(field)) \
			r->field = (value); \
	} while (0)
	CHOOSE(min_ratio, 0.8);
	CHOOSE(max_ratio, 1.25);
	CHOOSE(hf_prob, 0);
	CHOOSE(rr_prob, 1);
	CHOOSE(rr_degrees, 20);
	CHOOSE(shear, 0.25);
	CHOOSE(morph_prob, 0.5);
	CHOOSE(cj_prob, 0);
	CHOOSE(random_gray_scale, 0);
	CHOOSE(pca_components, 0);
	CHOOSE(pca_whiten, false);
#undef CHOOSE
}

void
scpg_recipe_choose(scpg_recipe *r, const scpg_given *given, const scpg_image_stats *stats)
{
	int64 n = stats->images;
	bool strokes = stats->gray_share > 0.9 && stats->stroke_share > 0.5 && stats->median_side <= STROKES_MAX_SIDE;

	if (r->train_sample > 0)
		n = Min(n, r->train_sample);
	if (n < 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("training needs at least two readable images"),
						errdetail("There are %lld.", (long long) n)));
	if (GIVEN(batch_size) && r->batch_size > n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"batch_size\" is larger than the number of images"),
				 errdetail("The batch is %d, the images that train are %lld.", r->batch_size, (long long) n),
				 errhint("Give at most %lld, or leave \"batch_size\" to the preset.", (long long) n)));

	if (r->preset == SCPG_PRESET_AUTO)
	{
		if (strokes)
			choose_stroke_views(r, given);
		if (!GIVEN(input_size))
			r->input_size = strokes ? AUTO_MAX_INPUT_SIZE : choose_input_size(stats->median_side);
		if (!GIVEN(batch_size))
			r->batch_size = choose_batch_size(n, strokes);
		if (!GIVEN(lr))
			r->lr = strokes ? 0.12 * Max(r->batch_size, 64) / 200 : 0.06 * sqrt(Max(r->batch_size, 64) / 64.0);
		if (!GIVEN(epochs) && r->time_budget == 0)
			r->epochs = choose_epochs(n, r->input_size);
		/* With as many whitened components as points, all points are equally far apart. */
		if (!GIVEN(pca_components) && r->pca_components > 0)
			r->pca_components = Max(2, Min(r->pca_components, stats->images / 10));
	}
	/* A training that goes on elsewhere goes on as it began. */
	if (r->precision == SCPG_PRECISION_AUTO)
		r->precision = scpg_core()->sc_precision_best() == SC_PRECISION_BF16 ? SCPG_PRECISION_BF16 : SCPG_PRECISION_F32;
	if (r->batch_size > n)
		r->batch_size = (int) n;
	if (r->warmup_epochs > r->epochs)
		r->warmup_epochs = r->epochs;

	if (r->preset == SCPG_PRESET_AUTO)
		ereport(NOTICE,
				(errmsg("preset auto: %lld images of about %.0f pixels%s: views of %d pixels, batches of %d, %d epochs",
						(long long) stats->images, stats->median_side,
						strokes					  ? ", of strokes"
						: stats->gray_share > 0.9 ? ", grayscale"
												  : "",
						r->input_size, r->batch_size, r->epochs)));
}

Jsonb *
scpg_recipe_write(const scpg_recipe *recipe)
{
	return scpg_options_write(recipe, table, lengthof(table));
}

void
scpg_recipe_restore(scpg_recipe *recipe, const Jsonb *stored)
{
	set_preset(recipe, SCPG_PRESET_AUTO);

	/*
	 * A key that the stored recipe lacks means what 1.0 did, never today's
	 * default. Where preset auto says something else by now, of an option of
	 * 1.0 or of a newer one, 1.0's value is assigned here. So far it says the
	 * same; tests/t/040_upgrade.pl compares all.
	 */
	scpg_options_read(recipe, NULL, stored, table, lengthof(table));
}

/* Have the recipes the same value of an option? */
static bool
is_same(const scpg_recipe *a, const scpg_recipe *b, const scpg_option *option)
{
	return compareJsonbContainers(&scpg_options_write(a, option, 1)->root, &scpg_options_write(b, option, 1)->root) == 0;
}

void
scpg_recipe_override_clustering(scpg_recipe *recipe, const Jsonb *options)
{
	scpg_given given;
	scpg_recipe wanted = *recipe;

	memset(&given, 0, sizeof(given));
	scpg_options_read(&wanted, given.option, options, table, lengthof(table));
	/* A recipe names the version that its training began with. */
	if (wanted.init != NULL && recipe->init != NULL && strchr(wanted.init, '@') == NULL &&
		strncmp(wanted.init, recipe->init, strcspn(recipe->init, "@")) == 0 &&
		strlen(wanted.init) == strcspn(recipe->init, "@"))
		wanted.init = recipe->init;
	/* ... and the precision that auto was. */
	if (wanted.precision == SCPG_PRECISION_AUTO)
		wanted.precision = recipe->precision;
	for (int i = 0; i < lengthof(table); i++)
		if (given.option[i] && table[i].stage == SCPG_STAGE_TRAINING && !is_same(recipe, &wanted, &table[i]))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("option \"%s\" cannot change a model that is trained already", table[i].name),
							errhint("Leave it out, or train a new version with \"retrain\": true.")));
	wanted.preset = recipe->preset;
	*recipe = wanted;
}

sc_net_config
scpg_recipe_net(const scpg_recipe *r)
{
	return (sc_net_config){.input_size = r->input_size,
						   .small_stem = r->stem == SCPG_STEM_SMALL,
						   .precision = r->precision == SCPG_PRECISION_BF16 ? SC_PRECISION_BF16 : SC_PRECISION_F32};
}

void
scpg_recipe_normalize(const scpg_recipe *r, float mean[3], float std[3])
{
	for (int i = 0; i < 3; i++)
	{
		mean[i] = (float) r->mean[i];
		std[i] = (float) r->std[i];
	}
}

sc_train_config
scpg_recipe_train(const scpg_recipe *r)
{
	sc_train_config c;
	sc_augment_config *a = &c.augment;

	memset(&c, 0, sizeof(c));
	c.net = scpg_recipe_net(r);
	c.batch_size = r->batch_size;
	c.proj_hidden_dim = r->proj_hidden_dim;
	c.proj_out_dim = r->proj_out_dim;
	c.proj_batch_norm = r->proj_batch_norm;
	c.temperature = (float) r->temperature;
	c.momentum = (float) r->momentum;
	c.weight_decay = (float) r->weight_decay;
	c.seed = (uint64) r->seed;

	a->input_size = r->input_size;
	a->min_scale = (float) r->min_scale;
	a->max_scale = (float) r->max_scale;
	a->min_ratio = (float) r->min_ratio;
	a->max_ratio = (float) r->max_ratio;
	a->hf_prob = (float) r->hf_prob;
	a->vf_prob = (float) r->vf_prob;
	a->rr_prob = (float) r->rr_prob;
	a->rr_degrees = (float) r->rr_degrees;
	a->shear = (float) r->shear;
	a->morph_prob = (float) r->morph_prob;
	a->cj_prob = (float) r->cj_prob;
	a->cj_bright = (float) (r->cj_bright * r->cj_strength);
	a->cj_contrast = (float) (r->cj_contrast * r->cj_strength);
	a->cj_sat = (float) (r->cj_sat * r->cj_strength);
	a->cj_hue = (float) Min(0.5, r->cj_hue * r->cj_strength);
	a->random_gray_scale = (float) r->random_gray_scale;
	a->gaussian_blur = (float) r->gaussian_blur;
	if (r->kernel_size > 0)
	{
		/*
		 * Lightly 1.2: the radius is kernel_size times the side, give or take
		 * 20 %, halved, and PIL takes it for the sigma.
		 */
		double sigma = r->kernel_size * r->input_size / 2;

		a->sigma_min = (float) (0.8 * sigma);
		a->sigma_max = (float) (1.2 * sigma);
	}
	else
	{
		a->sigma_min = (float) r->sigmas[0];
		a->sigma_max = (float) r->sigmas[1];
	}
	a->rotate_before_flip = r->transform_order == SCPG_ORDER_ROTATE_FLIP;
	scpg_recipe_normalize(r, a->mean, a->std);
	return c;
}

scpg_kmeans_options
scpg_recipe_kmeans(const scpg_recipe *r)
{
	return (scpg_kmeans_options){.n_init = r->n_init,
								 .max_iter = r->max_iter,
								 .tol = r->tol,
								 .seed = r->seed,
								 .init.value = r->kmeans_init};
}

scpg_elbow_options
scpg_recipe_elbow(const scpg_recipe *r)
{
	return (scpg_elbow_options){.method = r->elbow_method,
								.min_gain = r->min_gain,
								.sensitivity = r->sensitivity,
								.kmeans = scpg_recipe_kmeans(r)};
}
