/*-------------------------------------------------------------------------
 *
 * src/pg/model/recipe.c
 *	  Presets, the table of options, and what a recipe means to the core. What
 *	  preset auto chooses by the images is in recipe_auto.c.
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

static scpg_enum_names cluster_method_names =
	{[SCPG_CLUSTER_KMEANS] = "kmeans", [SCPG_CLUSTER_GRAPH] = "graph", [SCPG_CLUSTER_AUTO] = "auto", NULL};

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
	ENTRY(READING, id_column, NAMES, .nullable = true),
	NAME(READING, image_column),
	CHOICE(READING, on_error, scpg_on_error_names),
	ENTRY(CALL, seed, INT8, .min = -9223372036854775808.0, .max = 9223372036854775807.0),
	CHOICE(TRAINING, precision, precision_names),
	WHOLE(TRAINING, input_size, 16, 512),
	WHOLE(TRAINING, image_side, 16, 4096),
	CHOICE(TRAINING, stem, stem_names),
	WHOLE(TRAINING, batch_size, 2, 16384),
	WHOLE(TRAINING, batch_pieces, 1, 8192),
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
	NUMBER(TRAINING, hog_weight, 0, 1000),
	NUMBER(TRAINING, neighbor_prob, 0, 1),
	NUMBER(TRAINING, neighbor_start, 0, 1),
	WHOLE(TRAINING, neighbors, 1, 32),
	NUMBER(TRAINING, self_label_start, 0, 1),
	ABOVE(TRAINING, min_scale, 0, 1),
	ABOVE(TRAINING, max_scale, 0, 1),
	ABOVE(TRAINING, min_ratio, 0, 100),
	ABOVE(TRAINING, max_ratio, 0, 100),
	NUMBER(TRAINING, hf_prob, 0, 1),
	NUMBER(TRAINING, vf_prob, 0, 1),
	NUMBER(TRAINING, rr_prob, 0, 1),
	ENTRY(TRAINING, rr_degrees, FLOAT, .min = 0, .max = 180, .nullable = true),
	NUMBER(TRAINING, shear, 0, 2),
	NUMBER(TRAINING, elastic, 0, 1),
	NUMBER(TRAINING, elastic_prob, 0, 1),
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
	FLAG(TRAINING, local_contrast_norm),
	CHOICE(TRAINING, transform_order, order_names),
	NAME(TRAINING, init),
	WHOLE(TRAINING, embed_views, 1, SC_MAX_EMBED_VIEWS),
	FLAG(CLUSTERING, l2_normalize),
	FLAG(CLUSTERING, erase_capture),
	ENTRY(CLUSTERING, pca_components, COUNT_OR_SHARE, .min = 0, .max = SC_EMBEDDING_DIM, .min_excluded = true,
		  .nullable = true),
	FLAG(CLUSTERING, pca_whiten),
	WHOLE(CLUSTERING, max_k, 1, 10000),
	CHOICE(CLUSTERING, elbow_method, scpg_elbow_method_names),
	ABOVE(CLUSTERING, min_gain, 0, 1),
	ABOVE(CLUSTERING, sensitivity, 0, 1000),
	CHOICE(CLUSTERING, cluster_method, cluster_method_names),
	WHOLE(CLUSTERING, n_init, 1, 10000),
	WHOLE(CLUSTERING, max_iter, 1, 1000000),
	NUMBER(CLUSTERING, tol, 0, 1),
	CHOICE(CLUSTERING, kmeans_init, scpg_kmeans_init_names),
	CHOICE(CLUSTERING, algorithm, scpg_kmeans_algorithm_names),
	NUMBER(CLUSTERING, min_confidence, 0, 1),
	FLAG(CALL, keep),
	FLAG(CALL, replace_groups),
};

StaticAssertDecl(lengthof(table) <= SCPG_RECIPE_MAX_OPTIONS, "scpg_given is too small");

bool
scpg_recipe_is_given(const scpg_given *given, size_t offset)
{
	for (int i = 0; i < lengthof(table); i++)
		if (table[i].offset == offset && table[i].type != SCPG_OPTION_OBJECT)
			return given->option[i];
	Assert(false);
	return false;
}

#define GIVEN(field) SCPG_GIVEN(given, field)

/* ---- presets ------------------------------------------------------------------- */

/* What all presets share; fields not named are 0, false or none. */
static const scpg_recipe common = {
	.seed = 1,
	.input_size = 128,
	.batch_size = 256,
	.batch_pieces = 1,
	.drop_last = true,
	.epochs = 20,
	.checkpoint_interval = 60, /* 1.0's; that of a new training: scpg_recipe_checkpoint_interval */
	.lr = 0.06,
	.momentum = 0.9,
	.weight_decay = 5e-4,
	.temperature = 0.5,
	.proj_hidden_dim = 512,
	.proj_out_dim = 128,
	.proj_batch_norm = true,
	.neighbor_start = 0.5,
	.neighbors = 3,
	.self_label_start = 1,
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
	.embed_views = 1,
	.l2_normalize = true,
	.max_k = 15,
	.elbow_method = SCPG_ELBOW_KNEEDLE,
	.min_gain = 0.01,
	.sensitivity = 1.0,
	.n_init = 10,
	.max_iter = 300,
	.tol = 1e-4,
	.keep = true,
	/* ImageNet's. */
	.mean = {0.485, 0.456, 0.406},
	.std = {0.229, 0.224, 0.225},
};

static void
set_preset(scpg_recipe *r, scpg_preset preset)
{
	*r = common;
	r->preset = preset;
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
		 * Where nothing depends on the images; the rest is chosen by
		 * scpg_recipe_choose. Views are gentler than Lightly's, which are made
		 * for a million pictures: of a few hundred, crops of a twelfth in
		 * colours of that strength have too little in common. (On 725 photos
		 * of clothes purity grows from 37.5 to 38.3 %, NMI from 0.15 to 0.18,
		 * 1-NN from 37.8 to 41.9 %.) Ten whitened components hold what two do
		 * not: with lightly's views, 600 digits have a purity of 73 % in them,
		 * of 59 % in all 512 dimensions, and of 44 % in two.
		 */
		r->min_scale = 0.3;
		r->cj_strength = 0.5;
		r->schedule_step = SCPG_SCHEDULE_STEP_STEP;
		r->train_sample = 50000;
		r->pca_components = 10;
		r->pca_whiten = true;
		r->cluster_method = SCPG_CLUSTER_AUTO;
		r->elbow_method = SCPG_ELBOW_GRAPH;
	}
}

/* The preset that options name, which the other keys override, wherever they stand. */
static scpg_preset
named_preset(const Jsonb *options, scpg_preset otherwise)
{
	JsonbValue value;

	if (options == NULL || !JB_ROOT_IS_OBJECT(options) ||
		getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &options->root), "preset", 6, &value) == NULL ||
		value.type != jbvString)
		return otherwise;
	for (int i = 0; preset_names[i] != NULL; i++)
		if (strlen(preset_names[i]) == value.val.string.len &&
			memcmp(preset_names[i], value.val.string.val, value.val.string.len) == 0)
			return i;
	/* What is no preset is refused when all keys are read. */
	return otherwise;
}

/* ---- from options ---------------------------------------------------------------- */

/* Of an option that has fields, each may be given alone. */
static void
note_fields(scpg_given *given, const Jsonb *options)
{
	JsonbValue value;

	if (options == NULL ||
		getKeyJsonValueFromContainer(unconstify(JsonbContainer *, &options->root), "normalize", 9, &value) == NULL)
		return;
	for (int i = 0; i < lengthof(normalize_fields); i++)
	{
		const char *name = normalize_fields[i].name;
		JsonbValue field;

		given->normalize[i] = getKeyJsonValueFromContainer(value.val.binary.data, name, strlen(name), &field) != NULL;
	}
}

/* Of ResNet-18 without its last layer. */
#define BACKBONE_WEIGHTS 11.2e6

/* Of the layer that predicts 576 numbers. */
#define HOG_WEIGHTS 0.3e6

double
scpg_recipe_checkpoint_bytes(const scpg_recipe *r)
{
	double hidden = r->proj_hidden_dim;
	double weights =
		BACKBONE_WEIGHTS + hidden * SC_EMBEDDING_DIM + hidden * r->proj_out_dim + (r->hog_weight > 0 ? HOG_WEIGHTS : 0);

	return 2 * sizeof(float) * weights;
}

double
scpg_recipe_checkpoint_interval(const scpg_recipe *r)
{
	/* In tens of seconds. */
	return Max(60, 10 * ceil(scpg_recipe_checkpoint_bytes(r) / 1e6 / 10));
}

void
scpg_recipe_read_over(scpg_recipe *recipe, scpg_given *given, const Jsonb *options)
{
	memset(given, 0, sizeof(*given));
	scpg_options_read(recipe, given->option, options, table, lengthof(table));
	note_fields(given, options);

	if (recipe->min_scale > recipe->max_scale || recipe->min_ratio > recipe->max_ratio ||
		recipe->sigmas[0] > recipe->sigmas[1])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a lower bound is above its upper bound"),
				 errdetail("Scale is %g to %g, ratio %g to %g, sigmas %g to %g.", recipe->min_scale, recipe->max_scale,
						   recipe->min_ratio, recipe->max_ratio, recipe->sigmas[0], recipe->sigmas[1]),
				 errhint(
					 "Give \"min_scale\" and \"max_scale\", \"min_ratio\" and \"max_ratio\", and \"sigmas\" in ascending order.")));

	/* sigmas by hand mean a blur by sigma, whatever the preset says. */
	if (GIVEN(sigmas) && !GIVEN(kernel_size))
		recipe->kernel_size = 0;
}

/*
 * What the smallest crop needs to fill a view, up to three views: then no crop
 * is enlarged much, and a photo of a camera takes little room.
 */
static int
image_side_for(const scpg_recipe *recipe, int view)
{
	return (int) ceil(view * Min(3.0, 1.0 / sqrt(recipe->min_scale)));
}

void
scpg_recipe_read(scpg_recipe *recipe, scpg_given *given, const Jsonb *options, scpg_preset preset)
{
	set_preset(recipe, named_preset(options, preset));
	scpg_recipe_read_over(recipe, given, options);

	/* Preset auto knows its view only once the images are read. */
	if (!GIVEN(image_side))
		recipe->image_side =
			image_side_for(recipe, recipe->preset == SCPG_PRESET_AUTO && !GIVEN(input_size) ? SCPG_AUTO_MAX_INPUT_SIZE
																							: recipe->input_size);

	if (!GIVEN(checkpoint_interval))
		recipe->checkpoint_interval = scpg_recipe_checkpoint_interval(recipe);
}

/* What torchvision's, timm's and Hugging Face's ResNet-18 were trained with. */
#define FOREIGN_INPUT_SIZE 224

void
scpg_recipe_suit_view(scpg_recipe *recipe, const scpg_given *given, int view)
{
	if (!GIVEN(input_size))
		recipe->input_size = view;
	if (!GIVEN(image_side))
		recipe->image_side = image_side_for(recipe, recipe->input_size);
}

void
scpg_recipe_suit_foreign_weights(scpg_recipe *recipe, const scpg_given *given)
{
	if (!GIVEN(preset))
		scpg_recipe_suit_view(recipe, given, FOREIGN_INPUT_SIZE);
}

/* ---- to and from what a model stores ------------------------------------------ */

/* The options that pass a test, written. */
static Jsonb *
write_some(const scpg_recipe *recipe, bool (*passes)(const scpg_option *option))
{
	scpg_option options[lengthof(table)];
	int n = 0;

	for (int i = 0; i < lengthof(table); i++)
		if (passes(&table[i]))
			options[n++] = table[i];
	return scpg_options_write(recipe, options, n);
}

/* What the next call does with the groups is for it to say. */
static bool
stays(const scpg_option *option)
{
	return option->offset != AT(keep) && option->offset != AT(replace_groups);
}

Jsonb *
scpg_recipe_write(const scpg_recipe *recipe)
{
	return write_some(recipe, stays);
}

void
scpg_recipe_restore(scpg_recipe *recipe, const Jsonb *stored)
{
	set_preset(recipe, SCPG_PRESET_AUTO);

	/*
	 * A key that the stored recipe lacks means what 1.0 did, never today's
	 * default. Where preset auto says something else by now, of an option of
	 * 1.0 or of a newer one, 1.0's value is assigned here. tests/t/040_upgrade.pl
	 * compares all.
	 */
	recipe->elbow_method = SCPG_ELBOW_KNEEDLE;
	recipe->cluster_method = SCPG_CLUSTER_KMEANS;
	recipe->embed_views = 1;
	recipe->elastic = recipe->elastic_prob = 0;
	recipe->hog_weight = 0;
	recipe->neighbor_prob = 0;
	recipe->self_label_start = 1;
	recipe->local_contrast_norm = false;
	recipe->erase_capture = false;
	scpg_options_read(recipe, NULL, stored, table, lengthof(table));
}

/* Have the recipes the same value of an option? */
static bool
is_same(const scpg_recipe *a, const scpg_recipe *b, const scpg_option *option)
{
	return compareJsonbContainers(&scpg_options_write(a, option, 1)->root, &scpg_options_write(b, option, 1)->root) == 0;
}

/* Likewise, of an option that has fields, of those that were given. */
static bool
is_same_given(const scpg_recipe *a, const scpg_recipe *b, const scpg_option *option, const scpg_given *given)
{
	if (option->type != SCPG_OPTION_OBJECT)
		return is_same(a, b, option);
	Assert(option->fields == normalize_fields);
	for (int i = 0; i < option->count; i++)
		if (given->normalize[i] && !is_same(a, b, &option->fields[i]))
			return false;
	return true;
}

/* ---- to and from a file that goes elsewhere --------------------------------------- */

/* Does an option mean the same elsewhere? Columns and models may have other names there. */
static bool
travels(const scpg_option *option)
{
	return stays(option) && option->stage != SCPG_STAGE_READING && option->offset != AT(init) &&
		   option->offset != AT(retrain);
}

Jsonb *
scpg_recipe_write_file(const scpg_recipe *recipe)
{
	return write_some(recipe, travels);
}

void
scpg_recipe_read_file(scpg_recipe *recipe, const Jsonb *stored)
{
	scpg_given given;

	/*
	 * Files with a recipe are of 1.1 and later: a key that one lacks means what
	 * 1.1 did, and where preset lightly says something else by then, 1.1's
	 * value is assigned here.
	 */
	scpg_recipe_read(recipe, &given, stored, SCPG_PRESET_LIGHTLY);
	for (int i = 0; i < lengthof(table); i++)
		if (given.option[i] && !travels(&table[i]))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("option \"%s\" has no place in a file", table[i].name)));
}

/* The first option of those named that is not the same in both; NULL: all are. */
static const char *
first_other(const scpg_recipe *a, const scpg_recipe *b, const char *const *names, int count)
{
	for (int i = 0; i < lengthof(table); i++)
		for (int j = 0; j < count; j++)
			if (strcmp(table[i].name, names[j]) == 0 && !is_same(a, b, &table[i]))
				return names[j];
	return NULL;
}

const char *
scpg_recipe_differs(const scpg_recipe *a, const scpg_recipe *b)
{
	static const char *const names[] = {"input_size",	  "image_side",			 "stem",		  "precision",
										"normalize",	  "local_contrast_norm", "embed_views",	  "l2_normalize",
										"pca_components", "pca_whiten",			 "cluster_method"};

	/* Where an embedding is the mean of several views, what is random about these. */
	static const char *const views[] = {"seed",		   "min_ratio",	 "max_ratio", "hf_prob",		"vf_prob",
										"rr_prob",	   "rr_degrees", "cj_prob",	  "cj_strength",	"cj_bright",
										"cj_contrast", "cj_sat",	 "cj_hue",	  "transform_order"};
	const char *other = first_other(a, b, names, lengthof(names));

	return other == NULL && a->embed_views > 1 ? first_other(a, b, views, lengthof(views)) : other;
}

const char *
scpg_recipe_regroups(const scpg_given *given)
{
	for (int i = 0; i < lengthof(table); i++)
		if (given->option[i] && table[i].stage == SCPG_STAGE_CLUSTERING && table[i].offset != AT(min_confidence))
			return table[i].name;
	return NULL;
}

bool
scpg_recipe_chooses_k(const scpg_given *given)
{
	return GIVEN(elbow_method) || GIVEN(max_k) || GIVEN(min_gain) || GIVEN(sensitivity);
}

/* ---- over a recipe that a model has ------------------------------------------------- */

/* Does "name", or "owner.name", name the version of it that full is? */
static bool
names_version(const char *name, const char *full)
{
	const char *at = strrchr(full, '@');
	const char *dot = strrchr(full, '.');
	size_t length = at == NULL ? strlen(full) : (size_t) (at - full);
	/* A model's name has neither of them. */
	size_t owner = dot == NULL ? 0 : (size_t) (dot + 1 - full);

	return (strlen(name) == length && strncmp(name, full, length) == 0) ||
		   (strlen(name) == length - owner && strncmp(name, full + owner, length - owner) == 0);
}

void
scpg_recipe_override_clustering(scpg_recipe *recipe, const scpg_recipe *asked, const scpg_given *given)
{
	scpg_recipe wanted = *asked;

	/* A recipe names the version that its training began with. */
	if (wanted.init != NULL && recipe->init != NULL && names_version(wanted.init, recipe->init))
		wanted.init = recipe->init;
	/* ... and the precision that auto was. */
	if (wanted.precision == SCPG_PRECISION_AUTO)
		wanted.precision = recipe->precision;
	/* The preset was that of the training. */
	wanted.preset = recipe->preset;
	for (int i = 0; i < lengthof(table); i++)
	{
		if (!given->option[i])
			continue;
		if (table[i].stage != SCPG_STAGE_TRAINING)
			scpg_option_copy(recipe, &wanted, &table[i]);
		else if (!is_same_given(recipe, &wanted, &table[i], given))
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("option \"%s\" cannot change a model that is trained already", table[i].name),
							errhint("Leave it out, or train a new version with \"retrain\": true.")));
	}
}

/* ---- for the core and for the clustering -------------------------------------------- */

sc_net_config
scpg_recipe_net(const scpg_recipe *r)
{
	return (sc_net_config){.input_size = r->input_size,
						   .small_stem = r->stem == SCPG_STEM_SMALL,
						   .precision = r->precision == SCPG_PRECISION_BF16 ? SC_PRECISION_BF16 : SC_PRECISION_F32};
}

/* The views, but for their blur. */
static sc_augment_config
recipe_views(const scpg_recipe *r)
{
	sc_augment_config a = {0};

	a.input_size = r->input_size;
	a.min_scale = (float) r->min_scale;
	a.max_scale = (float) r->max_scale;
	a.min_ratio = (float) r->min_ratio;
	a.max_ratio = (float) r->max_ratio;
	a.hf_prob = (float) r->hf_prob;
	a.vf_prob = (float) r->vf_prob;
	a.rr_prob = (float) r->rr_prob;
	a.rr_degrees = (float) r->rr_degrees;
	a.shear = (float) r->shear;
	a.elastic = (float) r->elastic;
	a.elastic_prob = (float) r->elastic_prob;
	a.morph_prob = (float) r->morph_prob;
	a.cj_prob = (float) r->cj_prob;
	a.cj_bright = (float) (r->cj_bright * r->cj_strength);
	a.cj_contrast = (float) (r->cj_contrast * r->cj_strength);
	a.cj_sat = (float) (r->cj_sat * r->cj_strength);
	a.cj_hue = (float) Min(0.5, r->cj_hue * r->cj_strength);
	a.random_gray_scale = (float) r->random_gray_scale;
	a.rotate_before_flip = r->transform_order == SCPG_ORDER_ROTATE_FLIP;
	for (int i = 0; i < 3; i++)
	{
		a.mean[i] = (float) r->mean[i];
		a.std[i] = (float) r->std[i];
	}
	a.local_contrast_norm = r->local_contrast_norm;
	return a;
}

/* Of the views that an embedding is the mean of: a crop is no smaller, and colours change by this part of a training's. */
#define MILD_MIN_SCALE 0.7f
#define MILD_JITTER 0.25

sc_encoder_config
scpg_recipe_encoder(const scpg_recipe *r)
{
	scpg_recipe mild = *r;
	sc_encoder_config c = {.net = scpg_recipe_net(r), .views = r->embed_views, .seed = (uint64) r->seed};

	mild.cj_strength *= MILD_JITTER;
	mild.shear = mild.elastic = mild.morph_prob = mild.random_gray_scale = 0;
	c.augment = recipe_views(&mild);
	c.augment.min_scale = MILD_MIN_SCALE;
	c.augment.max_scale = 1;
	return c;
}

sc_train_config
scpg_recipe_train(const scpg_recipe *r)
{
	sc_train_config c;
	sc_augment_config *a = &c.augment;

	memset(&c, 0, sizeof(c));
	c.net = scpg_recipe_net(r);
	c.batch_size = r->batch_size;
	c.batch_pieces = r->batch_pieces;
	c.proj_hidden_dim = r->proj_hidden_dim;
	c.proj_out_dim = r->proj_out_dim;
	c.proj_batch_norm = r->proj_batch_norm;
	c.temperature = (float) r->temperature;
	c.hog_weight = (float) r->hog_weight;
	c.momentum = (float) r->momentum;
	c.weight_decay = (float) r->weight_decay;
	c.seed = (uint64) r->seed;

	*a = recipe_views(r);
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
	return c;
}

scpg_kmeans_options
scpg_recipe_kmeans(const scpg_recipe *r)
{
	return (scpg_kmeans_options){.n_init = r->n_init,
								 .max_iter = r->max_iter,
								 .tol = r->tol,
								 .seed = r->seed,
								 .algorithm = r->algorithm,
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

scpg_groups_options
scpg_recipe_groups(const scpg_recipe *r)
{
	scpg_groups_options options = SCPG_GROUPS_DEFAULTS;

	options.seed = r->seed;
	return options;
}
