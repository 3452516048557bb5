/*-------------------------------------------------------------------------
 *
 * src/pg/model/recipe_auto.c
 *	  What a recipe leaves to be chosen by the images: the rules of preset auto,
 *	  and what any preset must give way to.
 *
 * The rules look at the number, the size and the colours of the images, never
 * at labels; what does not depend on the images is in set_preset of recipe.c.
 * Percentages below are purities of 600 handwritten digits in 10
 * clusters. What the presets reach, on them and on photographs, is in
 * docs/paper.md and docs/measured.md.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "pg/model/recipe.h"
#include "pg/model/recipe_parts.h"
#include "pg/server/errors.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/table/dataset.h"

#define GIVEN(field) SCPG_GIVEN(given, field)

/* Unless it was given. */
#define CHOOSE(field, value) \
	do \
	{ \
		if (!GIVEN(field)) \
			r->field = (value); \
	} while (0)

/* Pictures are gray, or strokes, where most of them are; a few of another kind among them change nothing. */
#define GRAY_SHARE 0.9
#define STROKE_SHARE 0.5

/* Larger pictures of strokes are drawings, not signs; the digits have 28 pixels. */
#define STROKES_MAX_SIDE 128

/* The learning rate is this for strokes in batches of 200, and for others in batches of 64. */
#define STROKES_LR 0.12
#define STROKES_BATCH 200
#define LR 0.06
#define LR_BATCH 64

/* What images are, as far as a training goes by it. */
typedef enum image_kind
{
	STROKES,
	POSED,	/* photos of things in one pose */
	PHOTOS, /* others, of which a view has no more pixels than they have */
	SMALL	/* others */
} image_kind;

/*
 * The side of a view, in pixels, and what the number of epochs is over the root
 * of the number of images, of at least 100. Strokes, poses and small pictures
 * are seen smaller, or enlarged (the digits have 28 pixels), and more often;
 * photos have more in them.
 */
static const struct
{
	int view;
	double epochs;
} lessons[] = {
	[STROKES] = {40, 3675},
	[POSED] = {40, 5880},
	[PHOTOS] = {SCPG_AUTO_MAX_INPUT_SIZE, 3000},
	[SMALL] = {40, 3730},
};
#define EPOCHS_MIN_IMAGES 100
#define MIN_EPOCHS 10

/* Views of larger photos keep so much of a picture, and are turned by up to this. */
#define WHOLE_MIN_SCALE 0.5
#define WHOLE_DEGREES 15

/* A set with a smaller share of pictures whose mirror image is as likely holds no mirror images. */
#define MIRRORED_SHARE 0.2

/*
 * Photos also learn where edges run. The product of that loss's weight and the
 * learning rate decides how fast, and with three times as much the loss grew
 * without end.
 */
#define HOG_RATE 0.64
#define MAX_HOG_WEIGHT 1000.0 /* that the option takes */

/*
 * Signs and poses are of kinds that the encoder tells apart by then: labelling
 * those it is sure of, 600 hands have a purity of 95.8 and 93.8 % and a 1-NN of
 * 96.7 and 96.5, where they had 89.8 and 89.2, 94.2 and 94.8 (two seeds).
 */
#define SELF_LABEL_START 0.8

#define POSED_TEMPERATURE 0.2
#define POSED_EMBED_VIEWS 8

/* Imported weights see photos at no less than this, where they were trained at more, and learn at a tenth of the rate. */
#define PRETRAINED_MIN_VIEW 128
#define PRETRAINED_EPOCHS 1900 /* as those of lessons, at SCPG_AUTO_MAX_INPUT_SIZE */
#define PRETRAINED_LR_SHARE 0.1

static bool
is_gray(const scpg_dataset *images)
{
	return images->gray_share > GRAY_SHARE;
}

static bool
is_strokes(const scpg_dataset *images)
{
	return is_gray(images) && images->stroke_share > STROKE_SHARE && images->median_side <= STROKES_MAX_SIDE;
}

/* Photos, of which a view of auto's has no more pixels than they have. */
static bool
is_large(const scpg_dataset *images)
{
	return images->median_side >= SCPG_AUTO_MAX_INPUT_SIZE;
}

static image_kind
kind_of(scpg_dataset *images)
{
	if (is_strokes(images))
		return STROKES;
	if (scpg_mirrored_share(images) < MIRRORED_SHARE)
		return POSED;
	return is_large(images) ? PHOTOS : SMALL;
}

/*
 * Images of a batch: at most Lightly's 256, and at most a third of all, so that
 * an epoch has three steps. What a small set lacks is steps, not negatives: 600
 * drawn pictures in batches of 60 are sorted after a dozen epochs, in batches of
 * 200 after thirty. Strokes, whose views differ less, do well with fewer and
 * larger ones: 92 % after 60 epochs of batches of 200.
 */
static int
choose_batch_size(int64 images, bool strokes)
{
	int64 size = strokes ? STROKES_BATCH : Max(32, Min(256, images / 10));

	return (int) Max(2, Min(size, images / 3));
}

/*
 * The learning rate of strokes is that of the run of 92 %, in proportion to the
 * batch. That of others is Lightly's 0.06 for a batch of 64, and grows with the
 * square root of the batch, which the SimCLR paper (appendix B.1) found better
 * than proportion for small batches and few epochs. For batches below 64 it is
 * no lower.
 */
static double
choose_lr(int batch_size, bool strokes)
{
	int size = Max(batch_size, LR_BATCH);

	return strokes ? STROKES_LR * size / STROKES_BATCH : LR * sqrt(size / (double) LR_BATCH);
}

/*
 * Views and epochs. The network halves a view five times, so of small pictures
 * as they are little is left where it ends: 1,000 photos of 32 pixels enlarged
 * to 64 have a 1-NN of 29.4 %, as they are 24.7 %. Larger photos at 64 keep what
 * tells kinds apart and cost a quarter of 128. Strokes have less detail, and need
 * steps more than pixels: 150 epochs at 40 pixels give 96 %, 78 at 64, in three
 * quarters of the time, 91 to 93 %. So do poses: 240 epochs at 40 pixels give 600
 * hands that sign a 1-NN of 95 %, 122 at 64, in the same time, 92 %. And small
 * pictures: 118 epochs at 40 pixels give those photos a 1-NN of 39 %, 60 at 64,
 * in the same time, 36 %.
 *
 * A small set needs many epochs to take enough steps, a large one takes them in
 * few; the square root lies between the two, and larger views get fewer epochs
 * for the same time. 600 small pictures get 152 epochs, photos 122 (725 of them
 * some seven minutes on two cores with AVX512_BF16), poses 240, strokes 150,
 * which are 450 steps; the tutorial's 40 steps are far too few.
 */
static int
choose_input_size(const scpg_dataset *images, image_kind kind)
{
	/* Small pictures are not made smaller. */
	int side = kind == SMALL ? (int) ceil(images->median_side / 8) * 8 : 0;

	return Max(lessons[kind].view, Min(side, SCPG_AUTO_MAX_INPUT_SIZE));
}

static int
choose_epochs(int64 images, int input_size, image_kind kind)
{
	double smaller = Min(1.0, (double) lessons[kind].view / input_size);
	double epochs = lessons[kind].epochs / sqrt((double) Max(images, EPOCHS_MIN_IMAGES)) * smaller;

	return (int) Max(MIN_EPOCHS, rint(epochs));
}

/*
 * Views for writing: what varies between two pictures of one sign is slant,
 * stroke width and framing, so these vary between two views; a mirrored sign is
 * another sign, and colour is none. Clustered in all 512 dimensions: 92 %, with
 * views made for photographs 59 %. After 30 epochs 1-NN is 90.8 % with elastic
 * distortion and 87.3 % without.
 */
static void
choose_stroke_views(scpg_recipe *r, const scpg_given *given)
{
	CHOOSE(min_ratio, 0.8);
	CHOOSE(max_ratio, 1.25);
	CHOOSE(hf_prob, 0);
	CHOOSE(rr_prob, 1);
	CHOOSE(rr_degrees, 20);
	CHOOSE(shear, 0.25);
	CHOOSE(morph_prob, 0.5);
	CHOOSE(elastic, 0.04);
	CHOOSE(elastic_prob, 0.5);
	CHOOSE(cj_prob, 0);
	CHOOSE(random_gray_scale, 0);
	CHOOSE(pca_components, 0);
	CHOOSE(pca_whiten, false);
}

/*
 * Photographs of one kind of thing are told apart by the whole, so their views
 * are nearly whole, and a little turned: after 24 epochs at 40 pixels the 1-NN
 * of 725 photos of clothes is 36.6 % where it is 34.3 % with crops from 0.3 on.
 * Of small pictures, which have no more pixels than a view, crops stay smaller.
 *
 * A set that holds no mirror images shows one thing in one pose, as hands that
 * sign do. Views are never mirrored there; what is alike differs by little,
 * which a low temperature looks at; and an embedding as the mean of several
 * views knows better. 600 photos of hands, 40 epochs at 40 pixels: 1-NN 59 %
 * without all that; not mirrored 68, and whole and turned 74, and at that
 * temperature 78, and as a mean 81. Of the hands' mirror images 3 % are as
 * likely as themselves, of clothes 39 %, of animals and vehicles 50 %. What such
 * pictures differ in beside their pose is light and camera: by their local
 * contrast, at 64 pixels, the hands' 1-NN is 92 % where it was 90, and purity 80
 * where it was 78.
 *
 * Others are told apart by their outline more than a few hundred of them teach
 * (the histogram of gradients by itself has a 1-NN of 58 % on the clothes), so
 * the encoder learns that histogram beside: after 24 epochs at 40 pixels 1-NN is
 * 48.0 % where it was 37.7 %, purity 41.0 and 38.3, and more after more. The
 * hands neither win nor lose by it. Whoever turns colour jitter off wants colours
 * to count.
 */
static void
choose_photo_views(scpg_recipe *r, const scpg_given *given, image_kind kind)
{
	bool colors_change = r->cj_prob > 0 && r->cj_strength > 0;

	if (kind != SMALL)
	{
		CHOOSE(min_scale, Min(WHOLE_MIN_SCALE, r->max_scale));
		if (!GIVEN(rr_prob) && !GIVEN(rr_degrees))
		{
			r->rr_prob = 1;
			r->rr_degrees = WHOLE_DEGREES;
		}
	}
	if (kind == POSED)
	{
		CHOOSE(hf_prob, 0);
		CHOOSE(temperature, POSED_TEMPERATURE);
		CHOOSE(embed_views, POSED_EMBED_VIEWS);
		CHOOSE(local_contrast_norm, colors_change);
		CHOOSE(erase_capture, colors_change);
	}
	else if (colors_change)
		CHOOSE(hog_weight, Min(MAX_HOG_WEIGHT, HOG_RATE / r->lr));
}

/*
 * Imported weights find most in the view that they were trained with; what
 * pictures do not have is left out, down to the least that photos need.
 */
static int
choose_pretrained_input_size(double median_side, int view)
{
	int side = (int) ceil(Min(median_side, view) / 8) * 8;

	return Min(view, Max(side, PRETRAINED_MIN_VIEW));
}

/* As much work as from nothing: an epoch of larger views costs more, by their pixels. */
static int
choose_pretrained_epochs(int64 images, int input_size)
{
	double side = Max(1.0, (double) input_size / SCPG_AUTO_MAX_INPUT_SIZE);

	return (int) Max(MIN_EPOCHS,
					 rint(PRETRAINED_EPOCHS / sqrt((double) Max(images, EPOCHS_MIN_IMAGES)) / (side * side)));
}

static void
choose_pretrained(scpg_recipe *r, const scpg_given *given, const scpg_dataset *images, int64 n)
{
	if (!GIVEN(input_size))
		r->input_size = choose_pretrained_input_size(images->median_side, given->pretrained_view);
	if (!GIVEN(lr))
		r->lr *= PRETRAINED_LR_SHARE;
	if (!GIVEN(epochs) && r->time_budget == 0)
		r->epochs = choose_pretrained_epochs(n, r->input_size);
	/* They know more of outlines than a histogram, and pictures as they are. */
	CHOOSE(hog_weight, 0);
	CHOOSE(local_contrast_norm, false);
}

/* n: the images that train. */
static void
choose_auto(scpg_recipe *r, const scpg_given *given, scpg_dataset *images, int64 n)
{
	image_kind kind = kind_of(images);
	bool strokes = kind == STROKES;

	if (!GIVEN(batch_size))
		r->batch_size = choose_batch_size(n, strokes);
	if (!GIVEN(lr))
		r->lr = choose_lr(r->batch_size, strokes);
	if (strokes)
		choose_stroke_views(r, given);
	else
		choose_photo_views(r, given, kind);
	CHOOSE(input_size, choose_input_size(images, kind));
	if (!GIVEN(epochs) && r->time_budget == 0)
		r->epochs = choose_epochs(n, r->input_size, kind);
	if (strokes || kind == POSED)
		CHOOSE(self_label_start, SELF_LABEL_START);
	if (given->pretrained_view > 0)
		choose_pretrained(r, given, images, n);
	/* With as many whitened components as points, all points are equally far apart. */
	if (!GIVEN(pca_components) && r->pca_components > 0)
	{
		int64 tenth = images->images / 10;

		r->pca_components = Max(2, Min(r->pca_components, tenth));
	}
}

/*
 * Batch norms are by piece: with fewer images the statistics of one are too
 * uncertain.
 */
#define PIECE_MIN_IMAGES 16

/*
 * Lanes that pieces are planned for, whatever there are: their number depends on
 * the memory and not on the threads. With more, a training takes as many as
 * memory holds.
 */
#define PIECES_LANES 4

static bool
pieces_fit(const scpg_recipe *r, int pieces)
{
	sc_train_config config = scpg_recipe_train(r);
	size_t bytes;
	sc_error err;

	CHECK_FOR_INTERRUPTS();
	config.batch_pieces = pieces;
	memset(&err, 0, sizeof(err));
	scpg_check(scpg_core()->sc_trainer_plan(&bytes, &config, PIECES_LANES, &err), &err);
	return sc_add(bytes, (size_t) scpg_recipe_checkpoint_bytes(r)) <= scpg_memory_left();
}

/*
 * As few pieces as memory holds, 1 as a rule; as many as there may be where it
 * holds none, for fewer lanes need less. A checkpoint takes its place beside
 * them.
 */
static int
choose_batch_pieces(const scpg_recipe *r)
{
	int most = Max(1, r->batch_size / PIECE_MIN_IMAGES);
	int few = 0, pieces = 1;

	/* As a rule one does. Of others, `few` do not, and `pieces` do or are the most. */
	if (most > 1 && !pieces_fit(r, 1))
	{
		few = 1;
		pieces = most;
	}
	while (pieces - few > 1)
	{
		int between = few + (pieces - few) / 2;

		if (pieces_fit(r, between))
			pieces = between;
		else
			few = between;
	}
	if (pieces > 1)
		ereport(NOTICE,
				(errmsg("preset auto: each batch of %d images is taken in %d pieces, for memory", r->batch_size, pieces),
				 errhint("With a higher \"selfclass.max_memory\" there are fewer, which takes less time.")));
	return pieces;
}

void
scpg_recipe_choose(scpg_recipe *r, const scpg_given *given, scpg_dataset *images)
{
	int64 n = r->train_sample > 0 ? Min(images->images, r->train_sample) : images->images;

	if (n < 2)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("training needs at least two readable images"),
						errdetail("There are %lld.", (long long) n)));
	if (GIVEN(batch_size) && r->batch_size > n)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("\"batch_size\" is larger than the number of images"),
				 errdetail("The batch is %d, the images that train are %lld.", r->batch_size, (long long) n),
				 errhint("Give at most %lld, or leave \"batch_size\" to the preset.", (long long) n)));

	if (r->preset == SCPG_PRESET_AUTO)
		choose_auto(r, given, images, n);
	/* A training that goes on elsewhere goes on as it began. */
	if (r->precision == SCPG_PRECISION_AUTO)
		r->precision = scpg_core()->sc_precision_best() == SC_PRECISION_BF16 ? SCPG_PRECISION_BF16 : SCPG_PRECISION_F32;
	r->batch_size = (int) Min(r->batch_size, n);
	r->warmup_epochs = Min(r->warmup_epochs, r->epochs);

	if (r->preset == SCPG_PRESET_AUTO)
		ereport(NOTICE,
				(errmsg("preset auto: %lld images of about %.0f pixels%s: views of %d pixels, batches of %d, %d %s",
						(long long) images->images, images->median_side,
						is_strokes(images) ? ", of strokes"
						: is_gray(images)  ? ", grayscale"
										   : "",
						r->input_size, r->batch_size, r->epochs, r->epochs == 1 ? "epoch" : "epochs")));

	if (r->preset == SCPG_PRESET_AUTO && !GIVEN(batch_pieces))
		r->batch_pieces = choose_batch_pieces(r);
	if (r->batch_pieces > Max(1, r->batch_size / 2))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("\"batch_pieces\" leaves fewer than two images a piece"),
						errdetail("The batch is %d images, the pieces are %d.", r->batch_size, r->batch_pieces),
						errhint("Give at most %d.", Max(1, r->batch_size / 2))));
}
