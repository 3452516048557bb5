/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_find.c
 *	  Which model a name means, of those that the current user may use.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "pg/model/model_parts.h"
#include "pg/server/options.h"

/* Names looked through for the one that was meant. */
#define MAX_NAMES 1000

/* Owners listed in the message that a name is ambiguous. */
#define MAX_OWNERS 10

/* ---- whose ---------------------------------------------------------------- */

static Datum
optional_text(const char *text)
{
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

/*
 * The name of the owner whose models of this name the role means; NULL where
 * there is none, or where several would do (*owners > 1). An own model hides the
 * others.
 */
static char *
choose_owner(const scpg_model_name *n, Oid role, bool by_statement, uint64 *owners)
{
	Datum values[3] = {CStringGetTextDatum(n->name), optional_text(n->owner_name), ObjectIdGetDatum(role)};
	const char *own = scpg_role_name(role);

	scpg_catalog_run(SCPG_LIST_OWNERS, values, n->owner_name == NULL ? " n " : NULL, by_statement);
	*owners = SPI_processed;
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		char *owner = scpg_catalog_text(i, 1);

		if (*owners == 1 || strcmp(owner, own) == 0)
			return owner;
	}
	return NULL;
}

/* Of the owners that SCPG_LIST_OWNERS has just listed. */
static void
refuse_ambiguous(const scpg_model_name *n)
{
	StringInfoData forms;

	initStringInfo(&forms);
	for (uint64 i = 0; i < Min(SPI_processed, MAX_OWNERS); i++)
		appendStringInfo(&forms, "%s%s", i ? ", " : "",
						 scpg_model_owned_name(scpg_catalog_text(i, 1), n->name, n->version));
	if (SPI_processed > MAX_OWNERS)
		appendStringInfoString(&forms, ", ...");
	ereport(ERROR, (errcode(ERRCODE_AMBIGUOUS_ALIAS), errmsg("model name \"%s\" is ambiguous", n->text),
					errdetail("%llu other roles have a model of this name that may be used.",
							  (unsigned long long) SPI_processed),
					errhint("Write its owner before it: %s.", forms.data)));
}

static bool
exists(const scpg_model_name *n, bool by_statement)
{
	Datum values[2] = {CStringGetTextDatum(n->name), optional_text(n->owner_name)};

	scpg_catalog_run(SCPG_EXISTS_NAME, values, n->owner_name == NULL ? " n" : NULL, by_statement);
	return SPI_processed > 0;
}

static void
refuse_ungranted(const scpg_model_name *n, Oid role, bool for_owner)
{
	const char *to = scpg_role_name(role);

	if (for_owner)
		scpg_model_refuse_stranger(n->text);
	ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("permission denied for model \"%s\"", n->text),
					errdetail("It belongs to another role, which has not granted it to %s.", to),
					errhint("Its owner can: SELECT grant_model('%s', %s).", n->name, quote_literal_cstr(to))));
}

/* ---- finding -------------------------------------------------------------- */

/* The owner's newest version of that name, or the one that n says; NULL: there is none. Whose it may be is decided. */
static scpg_model *
find_version(const scpg_model_name *n, const char *owner, bool ready_first, bool by_statement)
{
	Datum values[4];
	scpg_model *model;

	values[0] = CStringGetTextDatum(n->name);
	values[1] = Int32GetDatum(n->version);
	values[2] = CStringGetTextDatum(owner);
	values[3] = BoolGetDatum(ready_first);
	scpg_catalog_run(SCPG_FIND_MODEL, values, n->version == 0 ? " n  " : NULL, by_statement);
	if (SPI_processed == 0)
		return NULL;

	model = palloc0(sizeof(scpg_model));
	model->model_id = scpg_catalog_int8(0, 1);
	model->name = scpg_catalog_text(0, 2);
	model->version = scpg_catalog_int4(0, 3);
	model->owner = scpg_catalog_oid(0, 4);
	model->state = scpg_model_state_of(scpg_catalog_text(0, 5));
	model->stored_recipe = (Jsonb *) scpg_catalog_varlena(0, 6);
	model->source = scpg_catalog_oid(0, 7);
	model->images = scpg_catalog_int8(0, 8);
	model->skipped = scpg_catalog_int8(0, 9);
	model->epochs_done = scpg_catalog_int4(0, 10);
	model->loss = scpg_catalog_float8(0, 11);
	model->pca = scpg_catalog_varlena(0, 12);
	model->kmeans = scpg_catalog_varlena(0, 13);
	model->elbow = scpg_catalog_varlena(0, 14);
	model->created = scpg_catalog_int8(0, 15);
	model->weights_bytes = scpg_catalog_int8(0, 16);
	model->weights_crc = scpg_catalog_int8(0, 17);
	model->source_name = scpg_catalog_text(0, 18);
	model->owner_name = scpg_catalog_text(0, 19);
	model->centroid_label = scpg_catalog_varlena(0, 20);
	model->labels = scpg_catalog_oid(0, 21);
	model->labels_name = scpg_catalog_text(0, 22);
	model->edited = scpg_catalog_bool(0, 23);
	model->highest_label = scpg_catalog_int4(0, 24);
	model->calibration = scpg_catalog_varlena(0, 25);
	model->by_statement = by_statement;
	SPI_freetuptable(SPI_tuptable);
	return model;
}

static void
refuse_missing(const scpg_model_name *n, Oid role, bool by_statement)
{
	Datum values[4] = {0, 0, ObjectIdGetDatum(role), Int64GetDatum(MAX_NAMES)};
	const char *names[MAX_NAMES];
	int count;
	const char *nearest;

	scpg_catalog_run(SCPG_LIST_NAMES, values, "nn  ", by_statement);
	count = (int) SPI_processed;
	Assert(count <= MAX_NAMES);
	for (int i = 0; i < count; i++)
		names[i] = scpg_catalog_text(i, 1);
	nearest = scpg_nearest(n->name, names, count);
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model \"%s\" does not exist", n->text),
					n->owner_name != NULL && !OidIsValid(n->owner) ? errhint("There is no role of its owner's name.")
					: nearest == NULL ? errhint("The view \"selfclass_models\" shows the models that you may use.")
					: strcmp(nearest, n->name) != 0 ? errhint("Perhaps you meant the model \"%s\".", nearest)
					: n->version != 0 ? errhint("The model \"%s\" has no version %d.", n->name, n->version)
									  : errhint("Its owner is another role.")));
}

/* As the role; NULL only if missing_ok. */
static scpg_model *
find(const char *name, Oid role, bool missing_ok, bool for_owner, bool ready_first, bool by_statement)
{
	scpg_model_name n = scpg_model_name_read(name);
	uint64 owners;
	char *owner = choose_owner(&n, role, by_statement, &owners);
	scpg_model *model = NULL;

	if (owners > 1 && owner == NULL)
		refuse_ambiguous(&n);
	if (owner != NULL)
		model = find_version(&n, owner, ready_first, by_statement);
	/* A bare name that only others own is free to be taken. */
	else if ((!missing_ok || n.owner_name != NULL) && exists(&n, by_statement))
		refuse_ungranted(&n, role, for_owner);
	if (model == NULL && !missing_ok)
		refuse_missing(&n, role, by_statement);
	if (model != NULL && for_owner)
		scpg_model_require_owner(model);
	return model;
}

scpg_model *
scpg_model_find(const char *name, bool missing_ok, bool for_owner)
{
	return find(name, GetUserId(), missing_ok, for_owner, false, false);
}

scpg_model *
scpg_model_find_own(const char *name)
{
	scpg_model_name n = scpg_model_name_read(name);

	return find_version(&n, scpg_role_name(GetUserId()), false, false);
}

scpg_model *
scpg_model_find_meant(const scpg_model_name *n, Oid role)
{
	uint64 owners;
	char *owner = choose_owner(n, role, false, &owners);

	return owner == NULL ? NULL : find_version(n, owner, true, false);
}

static scpg_model *
find_any(const char *name, Oid role)
{
	/* A statement sees the models of its own snapshot; after a commit in a procedure there is none. */
	return find(name, role, false, false, true, ActiveSnapshotSet());
}

scpg_model *
scpg_model_find_any(const char *name)
{
	return find_any(name, GetUserId());
}

scpg_model *
scpg_model_find_ready_as(const char *name, Oid role)
{
	scpg_model *model = find_any(name, role);

	/* While somebody trains it, that is the reason. (A worker takes no lock of its own.) */
	if (model->state == SCPG_MODEL_TRAINING && !IsParallelWorker())
		scpg_model_lock_transaction(model->owner, model->name);
	if (model->state != SCPG_MODEL_READY)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("model \"%s\" is not ready", name),
				 errdetail("Its state is \"%s\".", scpg_model_state_name(model)),
				 model->state == SCPG_MODEL_TRAINING
					 ? errhint("CALL resume_encoder('%s') goes on with a training that was interrupted.", model->name)
					 : errhint(
						   "CALL train_encoder makes a new version; for clustering, give the option \"retrain\": true.")));
	return model;
}

scpg_model *
scpg_model_find_ready(const char *name)
{
	return scpg_model_find_ready_as(name, GetUserId());
}
