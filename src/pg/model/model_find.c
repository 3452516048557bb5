/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_find.c
 *	  Which model a name means, of those that the current user may use.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "access/parallel.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"

#include "pg/model/model_parts.h"
#include "pg/server/options.h"

/* Names looked through for the one that was meant. */
#define MAX_NAMES 1000

/* ---- names ---------------------------------------------------------------- */

static bool
good_name(const char *name, int length)
{
	for (int i = 0; i < length; i++)
	{
		unsigned char c = name[i];

		/* As in the server's identifiers, every letter beyond ASCII is one. */
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_' &&
			!IS_HIGHBIT_SET(c))
			return false;
	}
	return length > 0 && length < NAMEDATALEN;
}

static void
refuse_name(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid model name \"%.200s\"", name),
			 errhint("A model's name consists of letters, digits and \"_\", at most %d bytes.", NAMEDATALEN - 1)));
}

static void
refuse_null_name(void)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the name of the model must not be null")));
}

void
scpg_model_check_name(const char *name)
{
	if (name == NULL)
		refuse_null_name();
	if (!good_name(name, strlen(name)))
		refuse_name(name);
}

void
scpg_model_refuse_existing(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("model \"%s\" already exists", name),
					errhint("Use another name, or make a new version with the option \"retrain\": true.")));
}

char *
scpg_model_full_name(const scpg_model *model)
{
	return psprintf("%s@%d", model->name, model->version);
}

char *
scpg_model_name_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

/* "name" or "name@version": the name, and in *version the version or 0. */
static char *
split_name(const char *name, int *version)
{
	const char *at;
	char *end;
	unsigned long number;

	if (name == NULL)
		refuse_null_name();
	at = strchr(name, '@');
	*version = 0;
	if (at == NULL)
	{
		scpg_model_check_name(name);
		return pstrdup(name);
	}
	errno = 0;
	number = strtoul(at + 1, &end, 10);
	if (!good_name(name, at - name) || !isdigit((unsigned char) at[1]) || *end != '\0' || errno != 0 || number < 1 ||
		number > INT_MAX)
		refuse_name(name);
	*version = (int) number;
	return pnstrdup(name, at - name);
}

/* ---- finding -------------------------------------------------------------- */

/* NULL: there is none that the current user may use. */
static scpg_model *
find(const char *name, bool ready_first, bool by_statement)
{
	int version;
	char *base = split_name(name, &version);
	Datum values[4];
	char nulls[4] = {' ', ' ', ' ', ' '};
	scpg_model *model;

	values[0] = CStringGetTextDatum(base);
	values[1] = Int32GetDatum(version);
	values[2] = ObjectIdGetDatum(GetUserId());
	values[3] = BoolGetDatum(ready_first);
	if (version == 0)
		nulls[1] = 'n';
	scpg_catalog_run(SCPG_FIND_MODEL, values, nulls, by_statement);
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
	model->by_statement = by_statement;
	SPI_freetuptable(SPI_tuptable);
	return model;
}

static void
refuse_missing(const char *name, bool by_statement)
{
	Datum values[4] = {0, 0, ObjectIdGetDatum(GetUserId()), Int64GetDatum(MAX_NAMES)};
	const char *names[MAX_NAMES];
	int count;
	int version;
	char *base = split_name(name, &version);
	const char *nearest;

	scpg_catalog_run(SCPG_LIST_NAMES, values, "nn  ", by_statement);
	count = (int) SPI_processed;
	Assert(count <= MAX_NAMES);
	for (int i = 0; i < count; i++)
		names[i] = scpg_catalog_text(i, 1);
	nearest = scpg_nearest(base, names, count);
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model \"%s\" does not exist", name),
					nearest == NULL ? errhint("The view \"selfclass_models\" shows the models that you may use.")
					: strcmp(nearest, base) == 0 ? errhint("The model \"%s\" has no version %d.", base, version)
												 : errhint("Perhaps you meant the model \"%s\".", nearest)));
}

scpg_model *
scpg_model_find(const char *name, bool missing_ok, bool for_owner)
{
	scpg_model *model = find(name, false, false);

	if (model == NULL && !missing_ok)
		refuse_missing(name, false);
	if (model != NULL && for_owner)
		scpg_model_require_owner(model);
	return model;
}

scpg_model *
scpg_model_find_any(const char *name)
{
	/* A statement sees the models of its own snapshot; after a commit in a procedure there is none. */
	bool by_statement = ActiveSnapshotSet();
	scpg_model *model = find(name, true, by_statement);

	if (model == NULL)
		refuse_missing(name, by_statement);
	return model;
}

scpg_model *
scpg_model_find_ready(const char *name)
{
	scpg_model *model = scpg_model_find_any(name);

	/* While somebody trains it, that is the reason. (A worker takes no lock of its own.) */
	if (model->state == SCPG_MODEL_TRAINING && !IsParallelWorker())
		scpg_model_lock_transaction(model->owner, model->name);
	if (model->state != SCPG_MODEL_READY)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("model \"%s\" is not ready", name),
				 errdetail("Its state is \"%s\".", scpg_model_state_name(model)),
				 model->state == SCPG_MODEL_TRAINING
					 ? errhint("CALL resume_encoder('%s') goes on with a training that was interrupted.", model->name)
					 : errhint("CALL train_encoder with the option \"retrain\": true makes a new version.")));
	return model;
}
