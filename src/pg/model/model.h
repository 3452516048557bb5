/*-------------------------------------------------------------------------
 *
 * src/pg/model/model.h
 *	  Models: which one a name means, what is known of it, and its clustering.
 *
 * A model is a row of selfclass_model, with its weights in parts and the log of
 * its training beside it. Those that find a model (scpg_model_find ...) find
 * only what the current user may use. They go through SPI and need SPI to be connected (SPI_connect
 * or SPI_connect_ext); what they return is allocated in the memory context that
 * was current when they were called.
 *
 * Beside this: recipe.h, what a model was made by; embed.h, its encoder;
 * embed_image.h, the same row by row; train.h, training one; model_parts.h,
 * what only this room shares. The labels that a model's clustering gives are
 * the next room's: pg/cluster/cluster.h.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_MODEL_H
#define SCPG_MODEL_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "fmgr.h"
#include "utils/jsonb.h"

#include "pg/model/recipe.h"

typedef enum scpg_model_state
{
	SCPG_MODEL_TRAINING,
	SCPG_MODEL_READY,
	SCPG_MODEL_FAILED
} scpg_model_state;

typedef struct scpg_model
{
	int64 model_id;
	char *name;
	int version;
	Oid owner;		  /* InvalidOid: it is gone, and superusers alone reach the model */
	char *owner_name; /* as calls write it before the model's; that of one that is gone too */
	scpg_model_state state;
	Jsonb *stored_recipe; /* scpg_model_recipe reads it */
	scpg_recipe *recipe;  /* NULL: not read yet */
	Oid source;			  /* the relation it was trained on; InvalidOid: none, or it is gone */
	char *source_name;	  /* its name, which stays; NULL: none, or the model is being made */
	int64 images;
	int64 skipped;
	int epochs_done;
	float8 loss;					/* NaN before the first epoch */
	struct varlena *pca;			/* pca_model, or NULL */
	struct varlena *kmeans;			/* kmeans_model, or NULL */
	struct varlena *elbow;			/* elbow_result, or NULL */
	struct varlena *centroid_label; /* int[]: the group of each centroid of kmeans; NULL: each is its own */
	Oid labels;						/* its label table; InvalidOid: none, or it is gone */
	char *labels_name;				/* the table's name, which stays; NULL: none */
	bool edited;					/* its groups were changed by hand since they were made */
	int highest_label;				/* that ever named a group of this version; -1: not known */
	struct varlena *calibration;	/* float8[], see calibration.h; NULL: not known */
	TimestampTz created;
	int64 weights_bytes; /* of the stored weights; 0: none yet */
	int64 weights_crc;
	bool by_statement; /* found under the statement's own snapshot, which later reads use too */
} scpg_model;

/* ---- names (model_name.c) -------------------------------------------------------- */

/* An argument that names a model; NULL for NULL, which the functions below refuse. */
extern char *scpg_model_name_argument(FunctionCallInfo fcinfo, int n);

/*
 * The name, without an owner, under which the current user makes a model: of
 * letters, digits and _, at most 63 bytes, without a version, else 22023; NULL:
 * 22004. "owner.name" is taken too, of one's own (else 42501).
 */
extern char *scpg_model_new_name(const char *text);

/* May it be such a name? 22023 where it names no model at all. */
extern bool scpg_model_name_is_free(const char *text);

/* "name@version", with the owner before it where it is another role, by which calls can name just this model. */
extern char *scpg_model_full_name(const scpg_model *model);

/* ---- which model a name means (model_find.c) --------------------------------- */

/*
 * The model that a name means to the current user. "name": its own (of which it
 * is the owner itself), else one that it may use, by a grant or as a member of
 * the owner; where that are models of several owners: 42P09, with a hint that
 * lists them. "owner.name": that role's. The newest version, or "name@version":
 * whose model it is does not depend on the version.
 *
 * Missing: NULL if missing_ok, else 42704 with a hint that names the nearest
 * one. There, but not granted: 42501; of a name without owner NULL if missing_ok,
 * for what others own does not keep anyone from taking the name. for_owner: only
 * with the owner's rights (42501).
 */
extern scpg_model *scpg_model_find(const char *name, bool missing_ok, bool for_owner);

/*
 * Likewise the newest version that is ready: a retraining does not get in the
 * way of those who use the name. 55000 (with the hint to resume) if there is
 * none, 55006 while it is trained. Reads under the statement's snapshot, so it
 * can serve a STABLE function and a parallel worker.
 */
extern scpg_model *scpg_model_find_ready(const char *name);

/* Likewise, what the name means to that role. */
extern scpg_model *scpg_model_find_ready_as(const char *name, Oid role);

/* As scpg_model_find_ready, but where none is ready, the newest version in whatever state. */
extern scpg_model *scpg_model_find_any(const char *name);

/* ---- triggers that name a model (model_triggers.c) ------------------------------ */

/*
 * Before any work on a new version of the owner's model of that name: 55000
 * where it would change what a trigger of this database uses, for it names its
 * model without a version, or another's without the owner.
 */
extern void scpg_model_check_triggers(Oid owner, const char *name);

/* ---- what is known of it (model.c) --------------------------------------------- */

/*
 * The recipe that it was trained and clustered by; read from what is stored at
 * the first call, and there for as long as the model is.
 */
extern const scpg_recipe *scpg_model_recipe(const scpg_model *model);

/* "training", "ready" or "failed". */
extern const char *scpg_model_state_name(const scpg_model *model);

/* 55000 where nothing was clustered with the model yet. */
extern void scpg_model_require_clustering(const scpg_model *model);

/*
 * Do a pca_model (or NULL), a kmeans_model and the groups of its centroids (int[]
 * or NULL) fit each other, as of a clustering by this recipe?
 */
extern bool scpg_model_clustering_fits(const scpg_recipe *recipe, const struct varlena *pca,
									   const struct varlena *kmeans, const struct varlena *centroid_label);

/* The group of each centroid, in the model's value; NULL: each is its own. */
extern const int32 *scpg_model_centroid_groups(const struct varlena *centroid_label);

/* No group has a higher label: it must be room enough for as many clusterings as anybody makes. */
#define SCPG_HIGHEST_LABEL 100000000

/* The order of labels (int32), for qsort and bsearch. */
extern int scpg_compare_labels(const void *a, const void *b);

/* The labels of a clustering's groups, each once, ascending, in the current memory context (or NULL); how many. */
extern int scpg_model_labels(const struct varlena *kmeans, const struct varlena *centroid_label, int32 **labels);

/* The highest label that ever named a group of it, as far as it says and its groups show; -1: none. */
extern int scpg_model_highest_label(const scpg_model *model);

/* Do its centroids lie among principal components? Else among the embeddings themselves. */
extern bool scpg_model_groups_in_components(const scpg_recipe *recipe, const struct varlena *centroid_label);

/* What is known of the number of groups. */
typedef struct scpg_model_groups
{
	struct varlena *centroid_label; /* int[]: of a graph's groups; else NULL */
	int k;
	int low, high;			   /* 0: not known */
	const char *by;			   /* given, or an elbow_method */
	double modularity, chance; /* NaN: not known */
	int highest_label;		   /* that ever named a group of this version */
	bool edited;			   /* stays so: these are the groups that it had */

	struct varlena *calibration; /* float8[], see calibration.h; NULL: not known */
} scpg_model_groups;

typedef struct scpg_model_epoch
{
	int epoch;
	float8 loss; /* NaN: unknown, as the speed */
	float8 images_per_second;
} scpg_model_epoch;

/* The log of the training by epoch; how many. */
extern int64 scpg_model_read_log(const scpg_model *model, scpg_model_epoch **epochs);

/* ---- its clustering, changed as who may edit its groups (model.c) ----------------------------------------- */

/* Has a model a place for them? Not before ALTER EXTENSION UPDATE from version 1.0. */
extern bool scpg_model_keeps_groups(void);

/* Those of a clustering whose number is what the elbow (NULL: nobody) chose. */
extern scpg_model_groups scpg_model_groups_of(const scpg_recipe *recipe, const struct varlena *kmeans,
											  struct varlena *centroid_label, const struct varlena *elbow);

/*
 * The clustering that assign_cluster and the next cluster_images use, with the
 * recipe that made it; elbow may be NULL. false: of a model whose groups the
 * caller may not edit nothing is kept, with a NOTICE.
 */
extern bool scpg_model_set_clustering(scpg_model *model, const scpg_recipe *recipe, struct varlena *pca,
									  struct varlena *kmeans, struct varlena *elbow, const scpg_model_groups *groups);

/* ---- its groups, as who may edit them (model_groups.c) ------------------------------ */

/* 42501 unless the current user has the rights of the model's owner, or was granted to edit its groups. */
extern void scpg_model_require_editor(const scpg_model *model);

/* Has he? */
extern bool scpg_model_may_edit(const scpg_model *model);

/* The label table from now on. */
extern void scpg_model_set_labels(scpg_model *model, Oid relid);

/* A group as selfclass_cluster keeps it. */
typedef struct scpg_model_group
{
	int label;
	int64 size;
	int64 pinned;
	double mean_distance; /* NaN: unknown, as the next */
	double mean_confidence;
	char *example; /* or NULL */
} scpg_model_group;

/* All groups, n of them: those of other labels go; of those that were there name and edited stay. */
extern void scpg_model_keep_clusters(const scpg_model *model, const scpg_model_group *groups, int n);

/* ---- who trains it (locks.c) ------------------------------------------------------ */

/*
 * The session-level lock on an owner's name ("name@version" is the same one)
 * that a trainer holds: taken without waiting, 55006 if another session, or a
 * training that reads a view that trains, has it. Release it in PG_FINALLY: an
 * error does not.
 */
extern void scpg_model_lock(Oid owner, const char *name);
extern void scpg_model_unlock(Oid owner, const char *name);

#endif /* SCPG_MODEL_H */
