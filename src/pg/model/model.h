/*-------------------------------------------------------------------------
 *
 * src/pg/model/model.h
 *	  Models in the extension's own tables: selfclass_model, its weights in
 *	  parts, and the log of its training.
 *
 * Ordinary roles have no right on these tables. The functions here check that
 * the current user may use the model, then act as the tables' owner for these
 * tables alone. They go through SPI and need SPI to be connected
 * (SPI_connect or SPI_connect_ext); what they return is allocated in the
 * memory context that was current when they were called.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_MODEL_H
#define SCPG_MODEL_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"

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
	Oid owner;
	scpg_model_state state;
	Jsonb *recipe;
	Oid source; /* the table it was trained on; may be gone */
	int64 images;
	int64 skipped;
	int epochs_done;
	float8 loss;			/* NaN before the first epoch */
	struct varlena *pca;	/* pca_model, or NULL */
	struct varlena *kmeans; /* kmeans_model, or NULL */
	struct varlena *elbow;	/* elbow_result, or NULL */
	TimestampTz created;
	int64 weights_bytes; /* of the stored weights; 0: none yet */
	int64 weights_crc;
	bool by_statement; /* found, so read on, under the statement's own snapshot */
} scpg_model;

/* Letters, digits and _, at most 63 bytes, else 22023; NULL: 22004. */
extern void scpg_model_check_name(const char *name);

/*
 * The model called name (newest version of it, or "name@version"; one's own
 * before others') that the current user may use. Missing: NULL if missing_ok,
 * else 42704 with a hint that names the nearest one. There, but not granted:
 * as if missing. for_owner: only the owner will do (42501).
 */
extern scpg_model *scpg_model_find(const char *name, bool missing_ok, bool for_owner);

/*
 * Likewise the newest version that is ready: a retraining does not get in the
 * way of those who use the name. 55000 (with the hint to resume) if there is
 * none, 55006 while it is trained. Reads under the statement's snapshot, so it
 * can serve a STABLE function and a parallel worker.
 */
extern scpg_model *scpg_model_find_ready(const char *name);

/* Likewise, but where none is ready, the newest version in whatever state. */
extern scpg_model *scpg_model_find_any(const char *name);

/* "training", "ready" or "failed". */
extern const char *scpg_model_state_name(const scpg_model *model);

typedef struct scpg_model_epoch
{
	int epoch;
	float8 loss; /* NaN: unknown, as the speed */
	float8 images_per_second;
} scpg_model_epoch;

/* The log of the training by epoch; how many. */
extern int64 scpg_model_read_log(const scpg_model *model, scpg_model_epoch **epochs);

/* A new version of the name, owned by the current user, state training. */
extern scpg_model *scpg_model_create(const char *name, Jsonb *recipe, Oid source);

/* One row of the log, and the loss of the model. */
extern void scpg_model_log_epoch(scpg_model *model, int epoch, float8 loss, float8 lr, float8 images_per_second);

/*
 * Replace the stored weights by these bytes (a safetensors stream), cut in
 * parts, with a checksum, and set epochs_done: the epochs that these weights
 * have seen, where resume_encoder goes on.
 */
extern void scpg_model_save_weights(scpg_model *model, const uint8 *bytes, Size size, int epochs_done);

/* The stored weights, checksum verified (XX001). Counted against selfclass.max_memory in cxt. */
extern uint8 *scpg_model_load_weights(const scpg_model *model, MemoryContext cxt, Size *size);

/* The recipe as it is now (the epochs of a time budget are known late). */
extern void scpg_model_set_recipe(scpg_model *model, Jsonb *recipe);

/* State ready or failed, with the counts; finished is set for ready. */
extern void scpg_model_finish(scpg_model *model, scpg_model_state state, int64 images, int64 skipped);

/*
 * The clustering that assign_cluster and the next cluster_images use; elbow
 * may be NULL. Of another role's model nothing is kept, with a NOTICE.
 */
extern void scpg_model_set_clustering(scpg_model *model, struct varlena *pca, struct varlena *kmeans,
									  struct varlena *elbow);

/*
 * The session-level lock on an owner's name ("name@version" is the same one)
 * that a trainer holds: taken without waiting, 55006 if another session, or a
 * training that reads a view that trains, has it. Release it in PG_FINALLY: an
 * error does not.
 */
extern void scpg_model_lock(Oid owner, const char *name);
extern void scpg_model_unlock(Oid owner, const char *name);

#endif /* SCPG_MODEL_H */
