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

#include "nodes/pg_list.h"

#include "pg/model/model.h"
#include "pg/model/model_edits.h"
#include "pg/server/compat.h"

/* ---- statements on the extension's tables, as their owner (catalog.c) ------------ */

/* With the arguments of each; model_id is $1 where nothing else is said. */
typedef enum scpg_statement
{
	SCPG_FIND_MODEL,		/* name, version or null, owner's name, ready ones before others */
	SCPG_LIST_OWNERS,		/* name, owner's name or null, role: the owners' names of those that it may use */
	SCPG_EXISTS_NAME,		/* name, owner's name or null: a row where anybody has such a model */
	SCPG_LIST_NAMES,		/* null, null, role, most */
	SCPG_INSERT_MODEL,		/* name, owner, recipe, source, dim: RETURNING model_id, version, created */
	SCPG_DELETE_MODEL,		/* owner's name, name, version or null for all of them */
	SCPG_UPDATE_LOSS,		/* loss */
	SCPG_UPDATE_ARITHMETIC, /* arithmetic */
	SCPG_FIND_ARITHMETIC,
	SCPG_UPDATE_RECIPE,		/* recipe */
	SCPG_UPDATE_STATE,		/* state, images, skipped */
	SCPG_UPDATE_CLUSTERING, /* pca, kmeans, elbow */
	SCPG_UPDATE_GROUPS,		/* labels of centroids, k, low, high, by, modularity, chance; of 1.1's table */
	SCPG_UPDATE_LABELS,		/* label table, or null */
	SCPG_INSERT_CLUSTER,	/* label, size, pinned, mean distance, mean confidence, example */
	SCPG_DELETE_CLUSTERS,	/* labels that stay */
	SCPG_RESET_CLUSTERS,	/* none was edited */
	SCPG_INSERT_LOG,		/* epoch, loss, lr, images per second */
	SCPG_SELECT_LOG,
	SCPG_UPDATE_WEIGHTS, /* epochs done, bytes, checksum */
	SCPG_DELETE_WEIGHTS,
	SCPG_INSERT_WEIGHTS, /* part, data */
	SCPG_MEASURE_WEIGHTS,
	SCPG_SELECT_WEIGHTS,   /* part */
	SCPG_FIND_CONFLICT,	   /* owner, name, role: one that would reach models of two owners */
	SCPG_INSERT_GRANT,	   /* owner, name, role: as 1.0 has it */
	SCPG_INSERT_PRIVILEGE, /* owner, name, role, privilege */
	SCPG_DELETE_GRANT,	   /* owner, name, role */
	SCPG_REVOKE_EDIT,	   /* owner, name, role */
	SCPG_DELETE_GRANTS,	   /* owner, name: where no version is left */
	SCPG_FIND_ROLE,		   /* role: a row for one that is named */
	SCPG_FORGET_OWNER,	   /* role: models of an earlier one of its oid */
	SCPG_FORGET_GRANTS,	   /* role: likewise */
	SCPG_FIND_VERSION,	   /* owner, name, version: if it is taken, the next one */
	SCPG_FIND_GRANT,	   /* owner, name, role */
	SCPG_FIND_EDITOR,	   /* owner, name, role: a row where it may edit */
	SCPG_LIST_OWNED,	   /* owner's text, role: each name, and 1 if the role has it too */
	SCPG_LIST_GRANTS,	   /* owner's text: name and role of each grant to a role that is there */
	SCPG_CLEAR_GRANTS,	   /* owner's text, role: those of the role on names that it gets */
	SCPG_REASSIGN_GRANTS,  /* owner's text, role */
	SCPG_REASSIGN_MODELS,  /* owner's text, role */
	/* Of groups that people correct (model_edits.c); tables and columns of 1.1 */
	SCPG_LOCK_MODEL,	   /* the row as it is now, locked */
	SCPG_INSERT_EDIT,	   /* role, login, command, arguments, reverts or null: RETURNING edit */
	SCPG_INSERT_BEFORE,	   /* edit, are the centroids kept too? */
	SCPG_INSERT_EDIT_ROWS, /* edit, part, old label or null, new label or null, pinned, keys */
	SCPG_FINISH_EDIT,	   /* edit, rows changed */
	SCPG_TOUCH_GROUPS,	   /* highest label */
	SCPG_UPDATE_EDITED,	   /* kmeans or null for as it was, labels of centroids, k, highest label */
	SCPG_LIST_CLUSTERS,
	SCPG_NAME_CLUSTER,	/* label, name or null, size of a group that has no row yet */
	SCPG_CLEAR_NAMES,	/* labels or null for all */
	SCPG_MARK_CLUSTERS, /* labels */
	SCPG_LIST_EDITS,
	SCPG_LIST_EDIT_ROWS,   /* edit: of this one */
	SCPG_FIND_CENTROIDS,   /* edit: a row where this or a later one replaced them */
	SCPG_RESTORE_GROUPS,   /* edit */
	SCPG_UPDATE_K,		   /* k */
	SCPG_FORGET_CLUSTERS,  /* edit: those that were none before it */
	SCPG_RESTORE_CLUSTERS, /* edit */
	SCPG_STATEMENTS
} scpg_statement;

/* Run one; its rows are in SPI_tuptable. nulls as SPI's, or NULL. Who may change something is for the caller to check. */
extern void scpg_catalog_run(scpg_statement statement, Datum *values, const char *nulls, bool read_only);

/* The role that the statements run as: the owner of the extension's tables. */
extern Oid scpg_catalog_owner(void);

/*
 * Likewise a change of the one row of the model, which its owner alone may make
 * (42501); 42704 where it is gone. Sets values[0], the model_id.
 */
extern void scpg_catalog_change(scpg_statement statement, const scpg_model *model, Datum *values, const char *nulls);

/* 42704 */
pg_noreturn extern void scpg_model_refuse_dropped(const scpg_model *model);

/*
 * A column (from 1) of a row (from 0) that a statement returned; NULL is NULL,
 * false, 0, InvalidOid or NaN. What is no number is a copy in the current context.
 */
extern struct varlena *scpg_catalog_varlena(uint64 row, int column);
extern char *scpg_catalog_text(uint64 row, int column);
extern bool scpg_catalog_bool(uint64 row, int column);
extern int32 scpg_catalog_int4(uint64 row, int column);
extern int64 scpg_catalog_int8(uint64 row, int column);
extern Oid scpg_catalog_oid(uint64 row, int column);
extern float8 scpg_catalog_float8(uint64 row, int column);

/* ---- names (model_name.c) ------------------------------------------------------------ */

/* How a call names a model: "m", "m@2", "owner.m", "\"Odd Owner\".m@2". */
typedef struct scpg_model_name
{
	const char *text; /* all of it, as it was given */
	char *name;
	int version;			/* 0: none was given */
	const char *owner_name; /* as it is kept with a model; NULL: none was given */
	Oid owner;				/* InvalidOid: none was given, or there is no such role */
} scpg_model_name;

/* False: it is no name of a model. Raises nothing. */
extern bool scpg_model_name_parse(scpg_model_name *n, const char *text);

/* Likewise, or 22023; NULL: 22004. */
extern scpg_model_name scpg_model_name_read(const char *text);

/* 42710: a model is not made over one that is there. */
pg_noreturn extern void scpg_model_refuse_existing(const char *name);

/* A role, read as SQL reads an identifier, ACL_ID_PUBLIC for "public"; 42704 where there is none, NULL: 22004. */
extern Oid scpg_role_argument(FunctionCallInfo fcinfo, int n);

/* A role's name as SQL writes it, "public", or the number of one that is gone. */
extern const char *scpg_role_name(Oid role);

/* "owner.name@version", without the version where it is 0. */
extern char *scpg_model_owned_name(const char *owner, const char *name, int version);

/* ---- which model a name means (model_find.c) --------------------------------------- */

/* The newest version of the current user's own model, in whatever state; NULL: there is none. */
extern scpg_model *scpg_model_find_own(const char *name);

/* What the role would use; NULL where it finds none, or several. Raises nothing. */
extern scpg_model *scpg_model_find_meant(const scpg_model_name *n, Oid role);

/* ---- triggers that name a model (model_triggers.c) ----------------------------------- */

/* 2BP01 where a trigger of this database names the model without a version, and it is the version that goes. */
extern void scpg_model_check_drop(const scpg_model *dropped, bool all_versions);

/* The triggers and what they use now; and 55000 where one of them would use another model now than then. */
extern List *scpg_model_trigger_uses(void);
extern void scpg_model_check_uses(const List *uses);

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

/* ---- a model as a file (model_file.c) ------------------------------------------------ */

/* What a clustering leaves in its model. */
typedef struct scpg_model_clustering
{
	struct varlena *pca;			/* pca_model, or NULL */
	struct varlena *kmeans;			/* kmeans_model; NULL: nothing was clustered */
	struct varlena *elbow;			/* elbow_result, or NULL */
	struct varlena *centroid_label; /* int[], or NULL */
	struct varlena *calibration;	/* float8[], see calibration.h, or NULL */
} scpg_model_clustering;

/*
 * Safetensors, in cxt: the weights, with the recipe and, where asked, the
 * clustering in the metadata. 54000 where they are too large for that.
 */
extern bytea *scpg_model_file_write(const scpg_model *model, bool clusters, MemoryContext cxt);

/* What was done to the groups by hand (model_file_groups.c). */
typedef struct scpg_model_file_groups
{
	bool edited;
	int highest_label;
	int names;
	scpg_model_name_of_group *name; /* (names) */
} scpg_model_file_groups;

/* As JSON in ASCII; NULL where the tables are 1.0's. */
extern char *scpg_model_file_write_groups(const scpg_model *model);

/* From a file, which may be hostile: class 22, whatever is wrong. */
extern void scpg_model_file_read_groups(scpg_model_file_groups *g, const char *json,
										const scpg_model_clustering *clustering);

/* What a file says beside its weights. */
typedef struct scpg_model_file
{
	bool small_stem; /* by its tensors */
	int ignored;	 /* tensors that are no part of the encoder */
	char *ignored_names;
	bool has_recipe; /* it is an export of a selfclass; else what follows is empty */
	scpg_recipe recipe;
	scpg_model_clustering clustering;
	bool has_groups; /* it says what was done to them, */
	scpg_model_file_groups groups;
} scpg_model_file;

/*
 * From a file, which may be hostile: 22023 for what the recipe cannot be, as of
 * options, else 22P03. weights_alone: its recipe and clustering are not read.
 */
extern void scpg_model_file_read(scpg_model_file *file, const bytea *bytes, bool weights_alone);

/* ---- rights (grants.c) ------------------------------------------------------------ */

/* 42501: who is not the owner may not do it. */
pg_noreturn extern void scpg_model_refuse_stranger(const char *name);

/* 42501 unless the current user has the rights of the model's owner. */
extern void scpg_model_require_owner(const scpg_model *model);

/*
 * What a role, or PUBLIC, may do with the owner's model of a name, in all
 * versions, those to come too. USE_1_0 writes what the tables of 1.0 hold, for
 * a database that is still at 1.0.
 */
typedef enum scpg_privilege
{
	SCPG_PRIVILEGE_USE_1_0,
	SCPG_PRIVILEGE_USE,
	SCPG_PRIVILEGE_EDIT /* and use */
} scpg_privilege;

/* 42710 where a role would then reach models of that name of two owners. */
extern void scpg_model_grant(const scpg_model *model, Oid role, scpg_privilege privilege);

/*
 * Nobody takes a name over: what it means to a role stays, and stays one thing.
 * 42710 where the role (0: everyone) would reach models of the name of another
 * owner, too. One transaction at a time, and with what others have committed by
 * then, whatever this one sees otherwise (REPEATABLE READ).
 */
extern void scpg_model_check_grant(Oid owner, const char *name, Oid role, const char *hint);

/* EDIT leaves USE; without USE there is no EDIT. */
extern void scpg_model_revoke(const scpg_model *model, Oid role, scpg_privilege privilege);

/* ---- owners (owners.c) ------------------------------------------------------------ */

/* Before a row names it: until the transaction ends DROP ROLE waits. 42704 where it is gone already. */
extern void scpg_model_keep_role(Oid role);

/* At commit: the role cannot be dropped for as long as a model or a grant names it. */
extern void scpg_model_hold_role(Oid role);

/* All models of one role, which may be gone, become another's; how many, every version counted. */
extern int64 scpg_model_reassign(const char *from_name, const char *to_name);

/* ---- what the system forbids (forbidden_code.c) ------------------------------------- */

/* A WARNING where convolutions in this precision run without oneDNN because of that: once in a session, or again. */
extern void scpg_warn_forbidden_code(sc_precision precision, bool again);

/* Keep with what instructions and libraries a training begins; a NOTICE where it goes on with others. */
extern void scpg_model_keep_arithmetic(const scpg_model *model, bool goes_on);

/* ---- locks (locks.c) ---------------------------------------------------------------- */

/* As scpg_model_lock, but to the end of the transaction, for before that nobody else sees what it makes or deletes. */
extern void scpg_model_lock_transaction(Oid owner, const char *name);

/* On which roles are held, waiting, to the end of the transaction. */
extern void scpg_model_lock_roles(void);

/* Likewise one role: with others who name it, or alone, to let it go. The former is given back if it was not needed. */
extern void scpg_model_lock_role(Oid role, bool alone);
extern void scpg_model_unlock_role(Oid role);

/* To the end of the transaction, waited for: who grants a model of that name, of whatever owner. */
extern void scpg_model_lock_grants(const char *name);

#endif /* SCPG_MODEL_PARTS_H */
