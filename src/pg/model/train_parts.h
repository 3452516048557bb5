/*-------------------------------------------------------------------------
 *
 * src/pg/model/train_parts.h
 *	  The parts of a training that train.c drives: the order of the images, the
 *	  core's trainer with its memory, and the look at what it made.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_TRAIN_PARTS_H
#define SCPG_TRAIN_PARTS_H

#include "core/api.h"
#include "pg/model/model.h"
#include "pg/model/recipe.h"
#include "pg/table/dataset.h"

/* ---- which images train, in which order (train_order.c) --------------------------- */

typedef struct scpg_order
{
	scpg_dataset *dataset;
	uint64 seed;
	int batch;				  /* images of a step */
	int64 images;			  /* that train */
	int steps;				  /* of an epoch */
	int64 *sample;			  /* (images): which of the dataset's, ascending */
	int64 *order;			  /* (images): those of sample, as the epoch takes them */
	struct shuffled *scratch; /* (images of the dataset) */
} scpg_order;

/* Choose the images that train: all, or train_sample at random. In cxt. 22023: fewer than a batch. */
extern void scpg_order_init(scpg_order *o, scpg_dataset *dataset, const scpg_recipe *recipe, MemoryContext cxt);

/* Bring them into the order of an epoch. */
extern void scpg_order_shuffle(scpg_order *o, int epoch);

/*
 * The images of a step, number (batch) in the dataset and key (batch), which
 * names each in random streams. A last batch that is too small (drop_last is
 * off) is filled up with the first images of the epoch.
 */
extern void scpg_order_batch(const scpg_order *o, int step, int64 *number, uint64_t *key);

/* ---- what the encoder sees as an epoch begins (train_look.c) ---------------------------- */

struct scpg_learner;

/* The images that train, in parts that are looked at together, and whose images are each other's neighbours. */
typedef struct scpg_look_parts
{
	int64 parts;
	int size[2];	  /* of the largest part, and of the others, which have as many images or one less */
	float *features;  /* (size[0], SC_EMBEDDING_DIM): what is seen in the images of a part, of length 1 */
	sc_knn search[2]; /* by size */
	double *traits;	  /* (size[0], SC_CAPTURE_TRAITS): how those were taken; NULL: nobody asks */
	MemoryContext context;
} scpg_look_parts;

/* What looking costs, as a share of an epoch's steps: a forward pass of one view, where a step has six of those. */
#define SCPG_LOOK_COST (1.0 / 6)

/* Take the memory, in cxt. traits: it matters how images were taken. */
extern void scpg_look_init(scpg_look_parts *l, const scpg_order *order, bool traits, MemoryContext cxt);

/* How many sizes the parts have, 1 or 2. */
static inline int
scpg_look_sizes(const scpg_look_parts *l)
{
	return l->size[1] < l->size[0] ? 2 : 1;
}

/* Take the memory of searches for `each` neighbours of an image, fewer than the images, in cxt. */
extern void scpg_look_plan_search(scpg_look_parts *l, int each, MemoryContext cxt);

/* The images of a part, (l->size[*size]) of the dataset's. */
extern const int64 *scpg_look_part(const scpg_look_parts *l, const scpg_order *order, int64 part, int *size);

/* Look at images (count) by the weights that the learner has now; false where what it sees is no number. */
extern bool scpg_look(scpg_look_parts *l, struct scpg_learner *learner, const scpg_order *order, const int64 *image,
					  int count);

/* The search for the neighbours of all images of the part that was looked at last, for scpg_knn_next. */
extern sc_knn *scpg_look_search(scpg_look_parts *l, int size);

/* Of the images of a step, in the current memory context: */
typedef struct scpg_partners
{
	int64 *second; /* (batch): whose second view is shown, of the dataset's images */
	int *kin;	   /* (batch, each): which are no negatives of each other, as sc_ntxent_set_kin wants it; NULL: none */
	int each;
} scpg_partners;

/* ---- neighbours as positives (train_neighbors.c) ------------------------------------- */

typedef struct scpg_neighbors
{
	int each;	   /* of an image, at most; 0: there are none in this training */
	double prob;   /* of second views that show one */
	int64 *mutual; /* (images of the dataset, each): which of the dataset's */
	int32 *count;  /* (images of the dataset): how many of them */
	int32 *place;  /* (images of the dataset): in the batch, -1: not there */
	scpg_look_parts look;
	uint32 *near; /* (the largest part, each) */
} scpg_neighbors;

extern void scpg_neighbors_init(scpg_neighbors *n, const scpg_recipe *recipe, const scpg_order *order,
								MemoryContext cxt);

/* Has this epoch neighbours as positives? */
extern bool scpg_neighbors_count(const scpg_neighbors *n, const scpg_recipe *recipe, int epoch);

/* Find them by the weights that the learner has now; false where what it sees is no number. */
extern bool scpg_neighbors_find(scpg_neighbors *n, struct scpg_learner *learner, const scpg_order *order);

extern void scpg_neighbors_batch(scpg_neighbors *n, const scpg_order *order, int epoch, const int64 *number,
								 const uint64_t *key, scpg_partners *partners);

/* ---- groups as positives (train_groups.c) --------------------------------------------- */

typedef struct scpg_self_labels
{
	int each; /* neighbours that say whether an image is surely of its group; 0: nothing is labelled in this training */
	scpg_look_parts look;
	sc_groups groups[2]; /* by look.size */
	bool *sure;			 /* (the largest part) */
	int64 *group;		 /* (images of the dataset): that an image surely is of, -1: of none */
	int64 *member;		 /* (images): the sure images, group by group */
	int64 *first;		 /* (groups + 1): the place of a group's first one */
} scpg_self_labels;

extern void scpg_self_labels_init(scpg_self_labels *s, const scpg_recipe *recipe, const scpg_order *order,
								  MemoryContext cxt);

/* Are images labelled in this epoch? */
extern bool scpg_self_labels_count(const scpg_self_labels *s, const scpg_recipe *recipe, int epoch);

/* Find the groups by the weights that the learner has now; false where what it sees is no number. */
extern bool scpg_self_labels_find(scpg_self_labels *s, struct scpg_learner *learner, const scpg_order *order);

extern void scpg_self_labels_batch(const scpg_self_labels *s, const scpg_order *order, int epoch, const int64 *number,
								   const uint64_t *key, scpg_partners *partners);

/* What second views show beside the image itself; NULL: not in this epoch. Labels come before neighbours. */
typedef struct scpg_positives
{
	scpg_neighbors *neighbors;
	scpg_self_labels *labels;
} scpg_positives;

/* ---- the core's trainer (train_learner.c) ------------------------------------------- */

typedef struct scpg_learner
{
	sc_train_config config;
	int lanes; /* that its memory is planned for */
	void *memory;
	size_t bytes;
	sc_trainer *core;			/* in memory; NULL: none */
	uint8 *stream;				/* room for the weights as they are kept, with the momenta where they were planned */
	MemoryContext context;		/* the caller's */
	MemoryContext step_context; /* reset after every step */
} scpg_learner;

/*
 * Take all memory that the training needs in cxt, but for the stream, which is
 * in the current memory context; or say what it would need. The weights are
 * those that the seed gives. Whoever planned it destroys it, in PG_FINALLY.
 */
extern void scpg_learner_plan(scpg_learner *l, const scpg_recipe *recipe, bool momenta, MemoryContext cxt);
extern void scpg_learner_destroy(scpg_learner *l);

/* Begin anew, with the weights that the seed gives. */
extern void scpg_learner_restart(scpg_learner *l);

/*
 * Go on with a model's own weights and momenta, or begin with the weights of
 * another one (initial); weights of another network are 22023 then, else XX001.
 */
extern void scpg_learner_load(scpg_learner *l, const scpg_model *model, bool initial);

/* Write the weights into the stream; how many bytes. */
extern Size scpg_learner_save(scpg_learner *l, bool momenta);

/* Are the weights in the stream (size) as a network can have them, every number finite? */
extern bool scpg_learner_check(scpg_learner *l, Size size);

/* One step of an epoch at a learning rate, with the positives of that epoch; false where the loss is no number. */
extern bool scpg_learner_step(scpg_learner *l, const scpg_order *order, const scpg_positives *positives, int epoch,
							  int step, double lr, double *loss);

/* Images of one look, at most: the views of a piece of a batch. */
extern int scpg_learner_look_most(const scpg_learner *l);

/*
 * What the encoder sees now in images (count, up to scpg_learner_look_most): out (count,
 * SC_EMBEDDING_DIM).
 */
extern void scpg_learner_look(scpg_learner *l, float *out, const sc_image *images, int count);

/* ---- does the encoder tell pictures apart (train_collapse.c) -------------------------- */

#define SCPG_SPREAD_SAMPLE 64

/* Pictures whose pixels differ. */
typedef struct scpg_sample
{
	scpg_dataset *dataset;
	int count;
	int64 image[SCPG_SPREAD_SAMPLE]; /* (count), of the dataset's, ascending */
} scpg_sample;

extern void scpg_sample_choose(scpg_sample *s, scpg_dataset *dataset, const scpg_recipe *recipe);

/* How far apart an encoder sees a sample, 0 to 1. The same for any order of the rows and any number of threads. */
typedef struct scpg_spread
{
	double embeddings; /* their variance about their mean, as a share of their squared length */
	double directions; /* the variance of their directions: where a few are far longer than the others, it can be less */
} scpg_spread;

/* Measure it by the weights that the learner has now. */
extern void scpg_spread_measure(scpg_spread *spread, const scpg_sample *s, scpg_learner *learner);

/* Is it gone, after a training at that temperature? before: that of the first weights, NULL: they are not known. */
extern bool scpg_spread_is_gone(const scpg_spread *before, const scpg_spread *after, double temperature);

#endif /* SCPG_TRAIN_PARTS_H */
