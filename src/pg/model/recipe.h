/*-------------------------------------------------------------------------
 *
 * src/pg/model/recipe.h
 *	  The recipe of a training and a clustering: every option with its value,
 *	  from a preset, from the options given, and, for the preset auto, from
 *	  what the images look like. A model stores it whole.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_RECIPE_H
#define SCPG_RECIPE_H

#include "postgres.h"

#include "core/api.h"
#include "pg/analytics/elbow.h"
#include "pg/table/skips.h"
#include "utils/jsonb.h"

typedef enum scpg_preset
{
	SCPG_PRESET_AUTO,
	SCPG_PRESET_LIGHTLY,
	SCPG_PRESET_PAPER
} scpg_preset;

typedef enum scpg_precision
{
	SCPG_PRECISION_AUTO, /* until scpg_recipe_choose, which stores what it is on this CPU */
	SCPG_PRECISION_F32,
	SCPG_PRECISION_BF16
} scpg_precision;

typedef enum scpg_stem
{
	SCPG_STEM_IMAGENET,
	SCPG_STEM_SMALL
} scpg_stem;

typedef enum scpg_optimizer
{
	SCPG_OPTIMIZER_SGD
} scpg_optimizer;

typedef enum scpg_schedule
{
	SCPG_SCHEDULE_COSINE,
	SCPG_SCHEDULE_CONSTANT
} scpg_schedule;

/* The learning rate changes with each ... */
typedef enum scpg_schedule_step
{
	SCPG_SCHEDULE_STEP_EPOCH,
	SCPG_SCHEDULE_STEP_STEP
} scpg_schedule_step;

typedef enum scpg_transform_order
{
	SCPG_ORDER_FLIP_ROTATE,
	SCPG_ORDER_ROTATE_FLIP
} scpg_transform_order;

/* How embeddings are cut into groups. */
typedef enum scpg_cluster_method
{
	SCPG_CLUSTER_KMEANS,
	SCPG_CLUSTER_GRAPH,
	SCPG_CLUSTER_AUTO /* until the clustering, which stores what it was */
} scpg_cluster_method;

/* The names are the options'; their meaning is in docs/options.md. */
typedef struct scpg_recipe
{
	scpg_preset preset;
	char **id_column;	/* ended by NULL; NULL: the primary key */
	char *image_column; /* NULL: the one bytea column */
	scpg_on_error on_error;
	int64 seed;
	scpg_precision precision;
	int input_size;
	int image_side; /* images are kept reduced to this short side */
	scpg_stem stem;
	int batch_size;
	int batch_pieces; /* whose tensors are held one at a time */
	bool drop_last;
	int epochs;					/* 0: the encoder as it is initialised, for comparison */
	double time_budget;			/* seconds; 0: none */
	int train_sample;			/* images that train; 0: all */
	double checkpoint_interval; /* seconds */
	bool retrain;
	scpg_optimizer optimizer;
	double lr;
	double momentum;
	double weight_decay;
	int warmup_epochs;
	scpg_schedule schedule;
	scpg_schedule_step schedule_step;
	double temperature;
	int proj_hidden_dim;
	int proj_out_dim;
	bool proj_batch_norm;
	double hog_weight;		 /* of the loss that teaches where edges run; 0: none */
	double neighbor_prob;	 /* of second views that show a neighbour (train_neighbors.c) */
	double neighbor_start;	 /* share of the epochs before the first that has them */
	int neighbors;			 /* of an image, at most */
	double self_label_start; /* share of the epochs before the first that labels images (train_groups.c); 1: none does */
	double min_scale;
	double max_scale;
	double min_ratio;
	double max_ratio;
	double hf_prob;
	double vf_prob;
	double rr_prob;
	double rr_degrees; /* 0: by 90 degrees */
	double shear;
	double elastic; /* share of the side */
	double elastic_prob;
	double morph_prob;
	double cj_prob;
	double cj_strength;
	double cj_bright;
	double cj_contrast;
	double cj_sat;
	double cj_hue;
	double random_gray_scale;
	double gaussian_blur;
	double sigmas[2];
	double kernel_size; /* share of the side, for preset paper; 0: sigmas */
	double mean[3];
	double std[3];
	bool local_contrast_norm;
	scpg_transform_order transform_order;
	char *init; /* a model's name, or NULL */
	int embed_views;
	bool l2_normalize;
	bool erase_capture;	   /* groups do not go by how pictures were taken */
	double pca_components; /* number, or share of variance; 0: none */
	bool pca_whiten;
	int max_k;
	scpg_elbow_choice elbow_method;
	double min_gain;
	double sensitivity;
	scpg_cluster_method cluster_method;
	int n_init;
	int max_iter;
	double tol;
	sc_kmeans_init kmeans_init;
	sc_kmeans_algorithm algorithm; /* of k-means */
	double min_confidence;		   /* rows below it get no label */
	bool keep;					   /* in the model; of one call, not stored, as the next */
	bool replace_groups;		   /* that were edited */
} scpg_recipe;

/* Views of preset auto are no larger. */
#define SCPG_AUTO_MAX_INPUT_SIZE 64

/* Which options were given by hand, by entry of the option table, and which fields of "normalize". */
#define SCPG_RECIPE_MAX_OPTIONS 80
typedef struct scpg_given
{
	bool option[SCPG_RECIPE_MAX_OPTIONS];
	bool normalize[2];
	/* The view of the weights from elsewhere that "init" names (scpg_recipe_suit_init); 0: it names none. */
	int pretrained_view;
} scpg_given;

/* Was the option of this field of scpg_recipe given? */
#define SCPG_GIVEN(given, field) scpg_recipe_is_given(given, offsetof(scpg_recipe, field))
extern bool scpg_recipe_is_given(const scpg_given *given, size_t offset);

/* The preset that options name, or else this one, overridden by the other options. */
extern void scpg_recipe_read(scpg_recipe *recipe, scpg_given *given, const Jsonb *options, scpg_preset preset);

/* Options over a recipe that is there: what they leave out stays as it is. */
extern void scpg_recipe_read_over(scpg_recipe *recipe, scpg_given *given, const Jsonb *options);

/*
 * Seconds between checkpoints, where they are not given: a minute, and longer
 * where the weights with the optimiser's state are large, so that they write
 * no more than a megabyte a second (of WAL, too).
 */
extern double scpg_recipe_checkpoint_interval(const scpg_recipe *recipe);

/* A recipe that was read from options alone, for weights from elsewhere: the view that they were trained with. */
extern void scpg_recipe_suit_foreign_weights(scpg_recipe *recipe, const scpg_given *given);
extern void scpg_recipe_suit_view(scpg_recipe *recipe, const scpg_given *given, int view);

/*
 * The same for a training by preset auto that begins with imported weights, if
 * "init" names such a model; before its pictures are read, for photos are read
 * larger then. 42704 and 55000 as of any model. In recipe_init.c.
 */
extern void scpg_recipe_suit_init(scpg_recipe *recipe, scpg_given *given);

/* Bytes of a checkpoint, about: the weights and as many momenta. */
extern double scpg_recipe_checkpoint_bytes(const scpg_recipe *recipe);

/*
 * Fill what was left to be chosen, check what depends on the number of images
 * (22023), and shrink a preset's batch to it. NOTICEs tell what preset auto
 * chose. The images are in memory by now: it chooses pieces by what is left.
 */
struct scpg_dataset;
extern void scpg_recipe_choose(scpg_recipe *recipe, const scpg_given *given, struct scpg_dataset *images);

/*
 * The name of a given option that would make other groups than a model has,
 * because it decides how they are cut or how many there are; NULL: none does.
 */
extern const char *scpg_recipe_regroups(const scpg_given *given);

/* Does a given option say how many groups there are to be, so that k is not what it was? */
extern bool scpg_recipe_chooses_k(const scpg_given *given);

/* To and from what a model stores. */
extern Jsonb *scpg_recipe_write(const scpg_recipe *recipe);
extern void scpg_recipe_restore(scpg_recipe *recipe, const Jsonb *stored);

/*
 * To and from a file that goes elsewhere: without the names of columns and
 * models, and without what is of one call. From a file it is checked as options
 * are, and those that have no place there are refused (22023).
 */
extern Jsonb *scpg_recipe_write_file(const scpg_recipe *recipe);
extern void scpg_recipe_read_file(scpg_recipe *recipe, const Jsonb *stored);

/*
 * The name of an option that decides where an image lies among the groups and
 * is not the same in both; NULL: there is none.
 */
extern const char *scpg_recipe_differs(const scpg_recipe *a, const scpg_recipe *b);

/*
 * Into a stored recipe, the options that were given and that do not decide what
 * the encoder is. Those that do may be given again as they were (else 22023).
 */
extern void scpg_recipe_override_clustering(scpg_recipe *recipe, const scpg_recipe *asked, const scpg_given *given);

/* For the core. */
extern sc_net_config scpg_recipe_net(const scpg_recipe *recipe);
extern sc_train_config scpg_recipe_train(const scpg_recipe *recipe);
extern sc_encoder_config scpg_recipe_encoder(const scpg_recipe *recipe);

/* For the clustering. */
extern scpg_kmeans_options scpg_recipe_kmeans(const scpg_recipe *recipe);
extern scpg_elbow_options scpg_recipe_elbow(const scpg_recipe *recipe);
extern scpg_groups_options scpg_recipe_groups(const scpg_recipe *recipe);

#endif /* SCPG_RECIPE_H */
