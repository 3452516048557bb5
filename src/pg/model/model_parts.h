/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_parts.h
 *	  What the files of models share among themselves: statements on the tables,
 *	  a training's changes of its model, weights, grants and locks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_MODEL_PARTS_H
#define SCPG_MODEL_PARTS_H

#include "postgres.h"

#include "pg/model/model.h"
#include "pg/server/compat.h"

/* ---- statements on the extension's tables, as their owner (catalog.c) ------------ */

/* With the arguments of each; model_id is $1 where nothing else is said. */
typedef enum scpg_statement
{
	SCPG_FIND_MODEL,		/* name, version or null, role, ready ones before others */
	SCPG_LIST_NAMES,		/* null, null, role, most */
	SCPG_INSERT_MODEL,		/* name, owner, recipe, source, dim: RETURNING model_id, version, created */
	SCPG_DELETE_MODEL,		/* owner, name, version or null for all of them */
	SCPG_UPDATE_LOSS,		/* loss */
	SCPG_UPDATE_RECIPE,		/* recipe */
	SCPG_UPDATE_STATE,		/* state, images, skipped */
	SCPG_UPDATE_CLUSTERING, /* pca, kmeans, elbow */
	SCPG_INSERT_LOG,		/* epoch, loss, lr, images per second */
	SCPG_SELECT_LOG,
	SCPG_UPDATE_WEIGHTS, /* epochs done, bytes, checksum */
	SCPG_DELETE_WEIGHTS,
	SCPG_INSERT_WEIGHTS, /* part, data */
	SCPG_MEASURE_WEIGHTS,
	SCPG_SELECT_WEIGHTS, /* part */
	SCPG_INSERT_GRANT,	 /* owner, name, role */
	SCPG_DELETE_GRANT,	 /* owner, name, role */
	SCPG_DELETE_GRANTS,	 /* owner, name: where no version is left */
	SCPG_STATEMENTS
} scpg_statement;

/* Run one; its rows are in SPI_tuptable. nulls as SPI's, or NULL. Who may change something is for the caller to check. */
extern void scpg_catalog_run(scpg_statement statement, Datum *values, const char *nulls, bool read_only);

/*
 * Likewise a change of the one row of the model, which its owner alone may make
 * (42501); 42704 where it is gone. Sets values[0], the model_id.
 */
extern void scpg_catalog_change(scpg_statement statement, const scpg_model *model, Datum *values, const char *nulls);

/*
 * A column (from 1) of a row (from 0) that a statement returned; NULL is NULL,
 * 0, InvalidOid or NaN. What is no number is a copy in the current context.
 */
extern struct varlena *scpg_catalog_varlena(uint64 row, int column);
extern char *scpg_catalog_text(uint64 row, int column);
extern int32 scpg_catalog_int4(uint64 row, int column);
extern int64 scpg_catalog_int8(uint64 row, int column);
extern Oid scpg_catalog_oid(uint64 row, int column);
extern float8 scpg_catalog_float8(uint64 row, int column);

/* ---- names (model_find.c) ------------------------------------------------------------ */

/* 42710: a model is not made over one that is there. */
pg_noreturn extern void scpg_model_refuse_existing(const char *name);

/* ---- a training's changes of its model (model.c) --------------------------------- */

/* The state of that name. */
extern scpg_model_state scpg_model_state_of(const char *name);

/* A new version of the name, owned by the current user, state training. */
extern scpg_model *scpg_model_create(const char *name, const scpg_recipe *recipe, Oid source);

/* One row of the log, and the loss of the model. */
extern void scpg_model_log_epoch(scpg_model *model, int epoch, float8 loss, float8 lr, float8 images_per_second);

/* State ready or failed, with the counts; finished is set for ready. */
extern void scpg_model_finish(scpg_model *model, scpg_model_state state, int64 images, int64 skipped);

/* All versions of its name, or this one alone; with the last version its grants. */
extern void scpg_model_drop(const scpg_model *model, bool all_versions);

/* ---- weights (model_weights.c) ---------------------------------------------------- */

/*
 * Replace the stored weights by these bytes (a safetensors stream), cut in
 * parts, with a checksum, and set epochs_done: the epochs that these weights
 * have seen, where resume_encoder goes on.
 */
extern void scpg_model_save_weights(scpg_model *model, const uint8 *bytes, Size size, int epochs_done);

/*
 * Let autovacuum know, in the middle of a CALL, that weights of so many bytes
 * were replaced by a transaction that has committed. *pending: what this CALL
 * has told, 0 at first.
 */
extern void scpg_model_tell_dead_weights(Size size, int64 *pending);

/* The stored weights, checksum verified (XX001). Counted against selfclass.max_memory in cxt. */
extern uint8 *scpg_model_load_weights(const scpg_model *model, MemoryContext cxt, Size *size);

/* ---- rights (grants.c) ------------------------------------------------------------ */

/* 42501 unless the current user has the rights of the model's owner. */
extern void scpg_model_require_owner(const scpg_model *model);

/* A role may use the owner's model of this name, in all versions, those to come too; or may not any more. */
extern void scpg_model_grant(Oid owner, const char *name, Oid role);
extern void scpg_model_revoke(Oid owner, const char *name, Oid role);

/* ---- what the system forbids (forbidden_code.c) ------------------------------------- */

/* A WARNING where convolutions run without oneDNN because of that: once in a session, or again. */
extern void scpg_warn_forbidden_code(bool again);

/* ---- locks (locks.c) ---------------------------------------------------------------- */

/* As scpg_model_lock, but to the end of the transaction, for before that nobody else sees what it makes or deletes. */
extern void scpg_model_lock_transaction(Oid owner, const char *name);

#endif /* SCPG_MODEL_PARTS_H */
