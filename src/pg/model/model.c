/*-------------------------------------------------------------------------
 *
 * src/pg/model/model.c
 *	  Models in the extension's own tables.
 *
 * Every statement on these tables goes through run(), which acts as their
 * owner for the time of the statement. What a role may do is decided before,
 * for the role that calls. The statements name every table, function and
 * operator with its schema: the caller's search_path must not decide what the
 * owner runs.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "port/pg_crc32c.h"
#include "storage/lock.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "core/api.h"
#include "pg/model/model.h"
#include "pg/server/bridge.h"
#include "pg/server/compat.h"
#include "pg/server/extension.h"
#include "pg/server/options.h"

PG_FUNCTION_INFO_V1(scpg_grant_model);
PG_FUNCTION_INFO_V1(scpg_revoke_model);
PG_FUNCTION_INFO_V1(scpg_drop_model);

/* A row of weights: a dump writes two characters a byte, and no value may pass 1 GB. */
#define PART_BYTES ((Size) 16 << 20)

/* Names looked through for the one that was meant. */
#define MAX_NAMES 1000

/* Sets this module's locks apart from those of pg_advisory_lock, which uses 1 and 2. */
#define LOCK_CLASS 0x5C1A

static const char *const state_names[] = {"training", "ready", "failed"};

/* ---- statements on the tables --------------------------------------------- */

#define MAX_ARGS 5

typedef struct statement
{
	const char *sql; /* %1$s: the extension's schema */
	int result;		 /* SPI_OK_... */
	int nargs;
	Oid types[MAX_ARGS];
	SPIPlanPtr plan;		  /* kept; NULL: not prepared */
	char schema[NAMEDATALEN]; /* that it was prepared for */
} statement;

/* May the role $3 use the model m? */
#define USABLE \
	"(pg_catalog.pg_has_role($3, m.owner::pg_catalog.oid, 'USAGE') OR EXISTS (" \
	"SELECT FROM %1$s.selfclass_model_grant g " \
	"WHERE g.owner OPERATOR(pg_catalog.=) m.owner AND g.name OPERATOR(pg_catalog.=) m.name " \
	"AND pg_catalog.pg_has_role($3, g.role::pg_catalog.oid, 'USAGE')))"
#define EQUALS " OPERATOR(pg_catalog.=) "

/* $1 name, $2 version or null, $3 role, $4 ready ones before others */
static statement find_model =
	{"SELECT m.model_id, m.name, m.version, m.owner::pg_catalog.oid, m.state, m.recipe, m.source::pg_catalog.oid,"
	 " m.images, m.skipped, m.epochs_done, m.loss, m.pca, m.kmeans, m.elbow, m.created, m.weights_bytes, m.weights_crc "
	 "FROM %1$s.selfclass_model m "
	 "WHERE m.name" EQUALS "$1 AND ($2 IS NULL OR m.version" EQUALS "$2) AND " USABLE " "
	 "ORDER BY m.owner::pg_catalog.oid" EQUALS "$3 DESC, $4 AND m.state" EQUALS "'ready' DESC, m.model_id DESC LIMIT 1",
	 SPI_OK_SELECT,
	 4,
	 {TEXTOID, INT4OID, OIDOID, BOOLOID}};

/* $3 role */
static statement usable_names = {"SELECT DISTINCT m.name FROM %1$s.selfclass_model m "
								 "WHERE $1 IS NULL AND $2 IS NULL AND " USABLE " ORDER BY m.name LIMIT 1000",
								 SPI_OK_SELECT,
								 3,
								 {TEXTOID, INT4OID, OIDOID}};

static statement insert_model =
	{"INSERT INTO %1$s.selfclass_model"
	 " (name, version, owner, state, recipe, backbone, dim, source, epochs_done, selfclass_version) "
	 "SELECT $1, COALESCE(pg_catalog.max(version), 0) OPERATOR(pg_catalog.+) 1, $2::pg_catalog.regrole, 'training',"
	 " $3, 'resnet18', $5, $4::pg_catalog.regclass, 0, '" SELFCLASS_VERSION "' "
	 "FROM %1$s.selfclass_model WHERE name" EQUALS "$1 AND owner" EQUALS "$2 "
	 "RETURNING model_id, version, created",
	 SPI_OK_INSERT_RETURNING,
	 5,
	 {TEXTOID, OIDOID, JSONBOID, OIDOID, INT4OID}};

static statement insert_log =
	{"INSERT INTO %1$s.selfclass_training_log AS l VALUES ($1, $2, $3, $4, $5, pg_catalog.clock_timestamp()) "
	 "ON CONFLICT (model_id, epoch) DO UPDATE SET loss = EXCLUDED.loss, lr = EXCLUDED.lr,"
	 " images_per_second = EXCLUDED.images_per_second, at = EXCLUDED.at",
	 SPI_OK_INSERT,
	 5,
	 {INT8OID, INT4OID, FLOAT8OID, FLOAT8OID, FLOAT8OID}};

static statement select_log = {"SELECT epoch, loss, images_per_second FROM %1$s.selfclass_training_log WHERE model_id" EQUALS
							   "$1 ORDER BY epoch",
							   SPI_OK_SELECT,
							   1,
							   {INT8OID}};

static statement update_loss = {"UPDATE %1$s.selfclass_model SET loss = $2 WHERE model_id" EQUALS "$1",
								SPI_OK_UPDATE,
								2,
								{INT8OID, FLOAT8OID}};

static statement update_recipe = {"UPDATE %1$s.selfclass_model SET recipe = $2 WHERE model_id" EQUALS "$1",
								  SPI_OK_UPDATE,
								  2,
								  {INT8OID, JSONBOID}};

static statement update_weights =
	{"UPDATE %1$s.selfclass_model SET epochs_done = $2, weights_bytes = $3, weights_crc = $4 WHERE model_id" EQUALS "$1",
	 SPI_OK_UPDATE,
	 4,
	 {INT8OID, INT4OID, INT8OID, INT8OID}};

static statement update_state = {"UPDATE %1$s.selfclass_model SET state = $2, images = $3, skipped = $4,"
								 " finished = CASE WHEN $2" EQUALS
								 "'ready' THEN pg_catalog.clock_timestamp() END WHERE model_id" EQUALS "$1",
								 SPI_OK_UPDATE,
								 4,
								 {INT8OID, TEXTOID, INT8OID, INT8OID}};

/* The types of $2 to $4 are found in the table. */
static statement update_clustering = {"UPDATE %1$s.selfclass_model SET pca = $2, kmeans = $3, elbow = $4 WHERE model_id" EQUALS
									  "$1",
									  SPI_OK_UPDATE,
									  4,
									  {INT8OID}};

static statement delete_weights = {"DELETE FROM %1$s.selfclass_model_weights WHERE model_id" EQUALS "$1",
								   SPI_OK_DELETE,
								   1,
								   {INT8OID}};

static statement insert_weights = {"INSERT INTO %1$s.selfclass_model_weights (model_id, part, data) VALUES ($1, $2, $3)",
								   SPI_OK_INSERT,
								   3,
								   {INT8OID, INT4OID, BYTEAOID}};

static statement measure_weights = {"SELECT (SELECT pg_catalog.sum(pg_catalog.octet_length(w.data))::pg_catalog.int8"
									" FROM %1$s.selfclass_model_weights w WHERE w.model_id" EQUALS "m.model_id) "
									"FROM %1$s.selfclass_model m WHERE m.model_id" EQUALS "$1",
									SPI_OK_SELECT,
									1,
									{INT8OID}};

static statement select_weights = {"SELECT data FROM %1$s.selfclass_model_weights WHERE model_id" EQUALS
								   "$1 AND part" EQUALS "$2",
								   SPI_OK_SELECT,
								   2,
								   {INT8OID, INT4OID}};

static statement insert_grant = {"INSERT INTO %1$s.selfclass_model_grant (owner, name, role)"
								 " VALUES ($1::pg_catalog.regrole, $2, $3::pg_catalog.regrole) ON CONFLICT DO NOTHING",
								 SPI_OK_INSERT,
								 3,
								 {OIDOID, TEXTOID, OIDOID}};

static statement delete_grant = {"DELETE FROM %1$s.selfclass_model_grant WHERE owner" EQUALS "$1 AND name" EQUALS
								 "$2 AND role" EQUALS "$3",
								 SPI_OK_DELETE,
								 3,
								 {OIDOID, TEXTOID, OIDOID}};

/* $3 version, or null for all of them */
static statement delete_model = {"DELETE FROM %1$s.selfclass_model WHERE owner" EQUALS "$1 AND name" EQUALS "$2"
								 " AND ($3 IS NULL OR version" EQUALS "$3)",
								 SPI_OK_DELETE,
								 3,
								 {OIDOID, TEXTOID, INT4OID}};

static statement delete_grants = {"DELETE FROM %1$s.selfclass_model_grant WHERE owner" EQUALS "$1 AND name" EQUALS
								  "$2 AND NOT EXISTS ("
								  "SELECT FROM %1$s.selfclass_model WHERE owner" EQUALS "$1 AND name" EQUALS "$2)",
								  SPI_OK_DELETE,
								  2,
								  {OIDOID, TEXTOID}};

static Oid
model_table(Oid schema)
{
	Oid table = get_relname_relid("selfclass_model", schema);

	if (!OidIsValid(table))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
						errmsg("table \"selfclass_model\" of extension \"%s\" does not exist", SCPG_EXTENSION)));
	return table;
}

static Oid
table_owner(Oid table)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
	Oid owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", table);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Run one statement as the tables' owner; rows are in SPI_tuptable. nulls as
 * SPI's, or NULL. The user is put back on an error too: a lock that the caller
 * releases in PG_FINALLY is named after the user.
 */
static void
run(statement *s, Datum *values, const char *nulls, bool read_only)
{
	MemoryContext caller = CurrentMemoryContext;
	Oid schema = scpg_extension_schema();
	Oid owner = table_owner(model_table(schema));
	char *schema_name = get_namespace_name(schema);
	Oid user;
	int security;
	int result = 0;

	GetUserIdAndSecContext(&user, &security);
	SetUserIdAndSecContext(owner, security | SECURITY_LOCAL_USERID_CHANGE);
	PG_TRY();
	{
		if (s->plan != NULL && strcmp(s->schema, schema_name) != 0)
		{
			SPI_freeplan(s->plan);
			s->plan = NULL;
		}
		if (s->plan == NULL)
		{
			char *sql = psprintf(s->sql, quote_identifier(schema_name));
			SPIPlanPtr plan = SPI_prepare(sql, s->nargs, s->types);

			if (plan == NULL || SPI_keepplan(plan) != 0)
				elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
			strlcpy(s->schema, schema_name, sizeof(s->schema));
			s->plan = plan;
		}
		result = SPI_execute_plan(s->plan, values, nulls, read_only, 0);
	}
	PG_FINALLY();
	{
		SetUserIdAndSecContext(user, security);
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	if (result != s->result)
		elog(ERROR, "unexpected result of \"%s\": %s", s->sql, SPI_result_code_string(result));
}

static void
require_owner(const scpg_model *model)
{
	if (!has_privs_of_role(GetUserId(), model->owner))
		ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("must be owner of model \"%s\"", model->name)));
}

/* Likewise a change of the one row of the model, by its owner. */
static void
change(statement *s, const scpg_model *model, Datum *values, const char *nulls)
{
	require_owner(model);
	run(s, values, nulls, false);
	if (SPI_processed != 1)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model \"%s\" does not exist any more", model->name)));
}

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

static void lock_for_transaction(Oid owner, const char *name);

/* Column n of the first row; a copy in the current memory context. */
static struct varlena *
varlena_column(int n)
{
	bool null;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, n, &null);

	return null ? NULL : PG_DETOAST_DATUM_COPY(value);
}

static int64
int_column(int n, bool is_int4)
{
	bool null;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, n, &null);

	return null ? 0 : is_int4 ? DatumGetInt32(value) : DatumGetInt64(value);
}

static Oid
oid_column(int n)
{
	bool null;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, n, &null);

	return null ? InvalidOid : DatumGetObjectId(value);
}

static char *
text_column(int n)
{
	bool null;
	Datum value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, n, &null);

	return null ? NULL : TextDatumGetCString(value);
}

/* NULL: there is none that the current user may use. */
static scpg_model *
find(const char *name, bool ready_first, bool by_statement)
{
	int version;
	char *base = split_name(name, &version);
	Datum values[4];
	char nulls[4] = {' ', ' ', ' ', ' '};
	scpg_model *model;
	bool null;
	char *state;

	values[0] = CStringGetTextDatum(base);
	values[1] = Int32GetDatum(version);
	values[2] = ObjectIdGetDatum(GetUserId());
	values[3] = BoolGetDatum(ready_first);
	if (version == 0)
		nulls[1] = 'n';
	run(&find_model, values, nulls, by_statement);
	if (SPI_processed == 0)
		return NULL;

	model = palloc0(sizeof(scpg_model));
	model->model_id = int_column(1, false);
	model->name = text_column(2);
	model->version = (int) int_column(3, true);
	model->owner = oid_column(4);
	state = text_column(5);
	for (int i = 0; i < lengthof(state_names); i++)
		if (strcmp(state, state_names[i]) == 0)
			model->state = i;
	model->recipe = (Jsonb *) varlena_column(6);
	model->source = oid_column(7);
	model->images = int_column(8, false);
	model->skipped = int_column(9, false);
	model->epochs_done = (int) int_column(10, true);
	model->loss = DatumGetFloat8(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 11, &null));
	if (null)
		model->loss = NAN;
	model->pca = varlena_column(12);
	model->kmeans = varlena_column(13);
	model->elbow = varlena_column(14);
	model->created = int_column(15, false);
	model->weights_bytes = int_column(16, false);
	model->weights_crc = int_column(17, false);
	model->by_statement = by_statement;
	SPI_freetuptable(SPI_tuptable);
	return model;
}

static void
refuse_missing(const char *name, bool by_statement)
{
	Datum values[3] = {0, 0, ObjectIdGetDatum(GetUserId())};
	const char *names[MAX_NAMES];
	int count;
	int version;
	char *base = split_name(name, &version);
	const char *nearest;

	run(&usable_names, values, "nn ", by_statement);
	count = (int) Min(SPI_processed, MAX_NAMES);
	for (int i = 0; i < count; i++)
		names[i] = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1);
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
		require_owner(model);
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
		lock_for_transaction(model->owner, model->name);
	if (model->state != SCPG_MODEL_READY)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("model \"%s\" is not ready", name),
				 errdetail("Its state is \"%s\".", state_names[model->state]),
				 model->state == SCPG_MODEL_TRAINING
					 ? errhint("CALL resume_encoder('%s') goes on with a training that was interrupted.", model->name)
					 : errhint("CALL train_encoder with the option \"retrain\": true makes a new version.")));
	return model;
}

const char *
scpg_model_state_name(const scpg_model *model)
{
	return state_names[model->state];
}

int64
scpg_model_read_log(const scpg_model *model, scpg_model_epoch **epochs)
{
	Datum values[1] = {Int64GetDatum(model->model_id)};
	int64 n;

	run(&select_log, values, NULL, model->by_statement);
	n = (int64) SPI_processed;
	*epochs = MemoryContextAllocHuge(CurrentMemoryContext, Max(n, 1) * sizeof(scpg_model_epoch));
	for (int64 i = 0; i < n; i++)
	{
		scpg_model_epoch *e = &(*epochs)[i];
		bool null[2];

		e->epoch = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 1, &null[0]));
		e->loss = DatumGetFloat8(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 2, &null[0]));
		e->images_per_second = DatumGetFloat8(SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, 3, &null[1]));
		if (null[0])
			e->loss = NAN;
		if (null[1])
			e->images_per_second = NAN;
	}
	SPI_freetuptable(SPI_tuptable);
	return n;
}

/* ---- the lock of a trainer ------------------------------------------------ */

static LOCKTAG
lock_tag(Oid owner, const char *name)
{
	LOCKTAG tag;
	uint64 hash = hash_bytes_extended((const unsigned char *) name, strcspn(name, "@"), owner);

	SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, (uint32) (hash >> 32), (uint32) hash, LOCK_CLASS);
	return tag;
}

static void
refuse_busy(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE), errmsg("model \"%s\" is being trained or changed", name),
					errhint("Wait until that is done, or use another name.")));
}

/* To the end of the transaction: what it makes or deletes is not seen before. */
static void
lock_for_transaction(Oid owner, const char *name)
{
	LOCKTAG tag = lock_tag(owner, name);

	if (LockAcquire(&tag, ExclusiveLock, false, true) == LOCKACQUIRE_NOT_AVAIL)
		refuse_busy(name);
}

/* Tags of the session's locks that this backend holds: list of LOCKTAG. */
static List *held_locks = NIL;

static ListCell *
find_held(const LOCKTAG *tag)
{
	ListCell *cell;

	foreach (cell, held_locks)
	{
		if (memcmp(lfirst(cell), tag, sizeof(LOCKTAG)) == 0)
			return cell;
	}
	return NULL;
}

void
scpg_model_lock(Oid owner, const char *name)
{
	LOCKTAG tag;
	LOCKTAG *held;
	MemoryContext old;

	if (name == NULL)
		refuse_null_name();
	tag = lock_tag(owner, name);
	/* The server would let one session have it twice. */
	if (find_held(&tag) != NULL)
		refuse_busy(name);
	old = MemoryContextSwitchTo(TopMemoryContext);
	held = palloc(sizeof(LOCKTAG));
	*held = tag;
	held_locks = lappend(held_locks, held);
	MemoryContextSwitchTo(old);
	if (LockAcquire(&tag, ExclusiveLock, true, true) == LOCKACQUIRE_NOT_AVAIL)
	{
		held_locks = list_delete_last(held_locks);
		pfree(held);
		refuse_busy(name);
	}
}

void
scpg_model_unlock(Oid owner, const char *name)
{
	LOCKTAG tag = lock_tag(owner, name);
	ListCell *cell = find_held(&tag);

	if (cell == NULL)
		return;
	pfree(lfirst(cell));
	held_locks = list_delete_cell(held_locks, cell);
	(void) LockRelease(&tag, ExclusiveLock, true);
}

/* ---- changing ------------------------------------------------------------- */

scpg_model *
scpg_model_create(const char *name, Jsonb *recipe, Oid source)
{
	scpg_model *model;
	Datum values[5];
	char nulls[5] = {' ', ' ', ' ', ' ', ' '};

	scpg_model_check_name(name);
	lock_for_transaction(GetUserId(), name);
	model = palloc0(sizeof(scpg_model));
	model->name = pstrdup(name);
	model->owner = GetUserId();
	model->state = SCPG_MODEL_TRAINING;
	model->recipe = recipe;
	model->source = source;
	model->loss = NAN;

	values[0] = CStringGetTextDatum(name);
	values[1] = ObjectIdGetDatum(model->owner);
	values[2] = JsonbPGetDatum(recipe);
	values[3] = ObjectIdGetDatum(source);
	values[4] = Int32GetDatum(SC_EMBEDDING_DIM);
	if (!OidIsValid(source))
		nulls[3] = 'n';
	run(&insert_model, values, nulls, false);
	model->model_id = int_column(1, false);
	model->version = (int) int_column(2, true);
	model->created = int_column(3, false);
	SPI_freetuptable(SPI_tuptable);
	return model;
}

void
scpg_model_log_epoch(scpg_model *model, int epoch, float8 loss, float8 lr, float8 images_per_second)
{
	Datum values[5];

	values[0] = Int64GetDatum(model->model_id);
	values[1] = Float8GetDatum(loss);
	change(&update_loss, model, values, NULL);
	values[1] = Int32GetDatum(epoch);
	values[2] = Float8GetDatum(loss);
	values[3] = Float8GetDatum(lr);
	values[4] = Float8GetDatum(images_per_second);
	run(&insert_log, values, NULL, false);
	model->loss = loss;
}

void
scpg_model_set_recipe(scpg_model *model, Jsonb *recipe)
{
	Datum values[2] = {Int64GetDatum(model->model_id), JsonbPGetDatum(recipe)};

	change(&update_recipe, model, values, NULL);
	model->recipe = recipe;
}

void
scpg_model_finish(scpg_model *model, scpg_model_state state, int64 images, int64 skipped)
{
	Datum values[4];

	values[0] = Int64GetDatum(model->model_id);
	values[1] = CStringGetTextDatum(state_names[state]);
	values[2] = Int64GetDatum(images);
	values[3] = Int64GetDatum(skipped);
	change(&update_state, model, values, NULL);
	model->state = state;
	model->images = images;
	model->skipped = skipped;
}

void
scpg_model_set_clustering(scpg_model *model, struct varlena *pca, struct varlena *kmeans, struct varlena *elbow)
{
	static const char *const columns[] = {"pca", "kmeans", "elbow"};
	struct varlena *value[] = {pca, kmeans, elbow};
	Oid table = model_table(scpg_extension_schema());
	Datum values[4];
	char nulls[4];

	/* Who may only use the model groups with it, and leaves the owner's groups alone. */
	if (!has_privs_of_role(GetUserId(), model->owner))
	{
		ereport(NOTICE,
				(errmsg("the clustering is not kept in model \"%s\", which belongs to another role", model->name)));
		return;
	}
	values[0] = Int64GetDatum(model->model_id);
	nulls[0] = ' ';
	for (int i = 0; i < lengthof(columns); i++)
	{
		update_clustering.types[i + 1] = get_atttype(table, get_attnum(table, columns[i]));
		values[i + 1] = PointerGetDatum(value[i]);
		nulls[i + 1] = value[i] == NULL ? 'n' : ' ';
	}
	change(&update_clustering, model, values, nulls);
	/* Not kept: another CREATE EXTENSION has other types. */
	SPI_freeplan(update_clustering.plan);
	update_clustering.plan = NULL;
	model->pca = pca;
	model->kmeans = kmeans;
	model->elbow = elbow;
}

/* ---- weights -------------------------------------------------------------- */

static int64
checksum(const uint8 *bytes, Size size)
{
	pg_crc32c crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, bytes, size);
	FIN_CRC32C(crc);
	return (int64) crc;
}

void
scpg_model_save_weights(scpg_model *model, const uint8 *bytes, Size size, int epochs_done)
{
	Datum values[4];
	struct varlena *part = palloc(VARHDRSZ + Min(PART_BYTES, size));
	int number = 0;

	model->weights_bytes = (int64) size;
	model->weights_crc = checksum(bytes, size);
	model->epochs_done = epochs_done;
	values[0] = Int64GetDatum(model->model_id);
	values[1] = Int32GetDatum(epochs_done);
	values[2] = Int64GetDatum(model->weights_bytes);
	values[3] = Int64GetDatum(model->weights_crc);
	change(&update_weights, model, values, NULL);

	run(&delete_weights, values, NULL, false);
	for (Size begin = 0; begin < size; begin += PART_BYTES)
	{
		Size length = Min(PART_BYTES, size - begin);

		CHECK_FOR_INTERRUPTS();
		SET_VARSIZE(part, VARHDRSZ + length);
		memcpy(VARDATA(part), bytes + begin, length);
		values[1] = Int32GetDatum(number++);
		values[2] = PointerGetDatum(part);
		run(&insert_weights, values, NULL, false);
	}
	pfree(part);
}

static void
refuse_weights(const scpg_model *model, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED), errmsg("the stored weights of model \"%s\" are corrupt", model->name),
			 errdetail_internal("%s", detail),
			 errhint(
				 "Restore \"selfclass_model\" and \"selfclass_model_weights\" from a backup, or train a new version.")));
}

uint8 *
scpg_model_load_weights(const scpg_model *model, MemoryContext cxt, Size *size)
{
	MemoryContext part = AllocSetContextCreate(CurrentMemoryContext, "selfclass weights", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(part);
	Datum values[2] = {Int64GetDatum(model->model_id)};
	sc_arena arena;
	int64 stored;
	uint8 *bytes;
	Size have = 0;

	run(&measure_weights, values, NULL, model->by_statement);
	if (SPI_processed == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model \"%s\" does not exist any more", model->name)));
	stored = int_column(1, false);
	SPI_freetuptable(SPI_tuptable);
	if (stored == 0 && model->weights_bytes == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("model \"%s\" has no weights yet", model->name)));
	if (stored != model->weights_bytes)
		refuse_weights(model, psprintf("There are %lld bytes, but there should be %lld.", (long long) stored,
									   (long long) model->weights_bytes));

	*size = (Size) stored;
	arena = scpg_arena(cxt, sc_add(*size, 2 * SC_ALIGN), "the weights of a model");
	bytes = SC_TAKE(&arena, uint8, *size);
	for (int number = 0; have < *size; number++)
	{
		struct varlena *data;

		CHECK_FOR_INTERRUPTS();
		values[1] = Int32GetDatum(number);
		run(&select_weights, values, NULL, model->by_statement);
		if (SPI_processed == 0)
			refuse_weights(model, psprintf("Part %d is missing.", number));
		data = varlena_column(1);
		if (VARSIZE(data) - VARHDRSZ > *size - have)
			refuse_weights(model, psprintf("Part %d is too long.", number));
		memcpy(bytes + have, VARDATA(data), VARSIZE(data) - VARHDRSZ);
		have += VARSIZE(data) - VARHDRSZ;
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(part);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(part);
	if (checksum(bytes, *size) != model->weights_crc)
		refuse_weights(model, "Their checksum is another one than when they were stored.");
	return bytes;
}

/* ---- SQL functions of the owner ------------------------------------------- */

static char *
name_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(0))
		refuse_null_name();
	return text_to_cstring(PG_GETARG_TEXT_PP(0));
}

static void
change_grant(FunctionCallInfo fcinfo, statement *s)
{
	char *name = name_argument(fcinfo);
	Oid role;
	Datum values[3];

	/* All versions are granted, those to come too. */
	scpg_model_check_name(name);
	if (PG_ARGISNULL(1))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the role must not be null")));
	role = PG_GETARG_OID(1);
	SPI_connect();
	if (s == &insert_grant && !SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(role)))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role with OID %u does not exist", role)));
	values[0] = ObjectIdGetDatum(scpg_model_find(name, false, true)->owner);
	values[1] = CStringGetTextDatum(name);
	values[2] = ObjectIdGetDatum(role);
	run(s, values, NULL, false);
	SPI_finish();
}

Datum
scpg_grant_model(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("grant_model()");
	change_grant(fcinfo, &insert_grant);
	PG_RETURN_VOID();
}

Datum
scpg_revoke_model(PG_FUNCTION_ARGS)
{
	PreventCommandIfReadOnly("revoke_model()");
	change_grant(fcinfo, &delete_grant);
	PG_RETURN_VOID();
}

Datum
scpg_drop_model(PG_FUNCTION_ARGS)
{
	char *name = name_argument(fcinfo);
	scpg_model *model;
	int version;
	Datum values[3];

	PreventCommandIfReadOnly("drop_model()");
	SPI_connect();
	model = scpg_model_find(name, false, true);
	lock_for_transaction(model->owner, model->name);
	(void) split_name(name, &version);
	values[0] = ObjectIdGetDatum(model->owner);
	values[1] = CStringGetTextDatum(model->name);
	values[2] = Int32GetDatum(version);
	run(&delete_model, values, version == 0 ? "  n" : NULL, false);
	run(&delete_grants, values, NULL, false);
	SPI_finish();
	PG_RETURN_VOID();
}
