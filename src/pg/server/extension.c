/*-------------------------------------------------------------------------
 *
 * src/pg/server/extension.c
 *	  Where the extension's own objects are: its schema and its types, looked
 *	  up once in a session and again after anything that could move them; and
 *	  a lock that keeps them there.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "pg/server/extension.h"

/*
 * What was found; InvalidOid: not looked up yet. CREATE EXTENSION, DROP
 * EXTENSION and ALTER EXTENSION SET SCHEMA, here or in another session, all
 * write to pg_type, and so does the end of a transaction that is rolled back:
 * each time the cache is dropped.
 */
static struct
{
	bool watched;  /* forget() is registered */
	uint64 number; /* of times that it was dropped */
	Oid extension;
	Oid schema;
	Oid embedding;
	Oid kmeans_model;
	Oid model_role;
} cache;

static void
forget(Datum arg, int cacheid, uint32 hashvalue)
{
	cache.number++;
	cache.extension = InvalidOid;
	cache.schema = InvalidOid;
	cache.embedding = InvalidOid;
	cache.kmeans_model = InvalidOid;
	cache.model_role = InvalidOid;
}

/* The extension's row: its oid, and its schema. */
static Oid
find_extension(Oid *schema)
{
	Relation catalog = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid extension = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(SCPG_EXTENSION));
	scan = systable_beginscan(catalog, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		extension = ((Form_pg_extension) GETSTRUCT(tuple))->oid;
		*schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	if (!OidIsValid(extension))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("extension \"%s\" does not exist", SCPG_EXTENSION)));
	return extension;
}

static Oid
find_oid(const char *unused)
{
	Oid schema;

	return find_extension(&schema);
}

static Oid
find_schema(const char *unused)
{
	Oid schema;

	(void) find_extension(&schema);
	return schema;
}

static Oid
find_type(const char *name)
{
	Oid type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum(name),
							   ObjectIdGetDatum(scpg_extension_schema()));

	if (!OidIsValid(type))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT),
						errmsg("type \"%s\" of extension \"%s\" does not exist", name, SCPG_EXTENSION)));
	return type;
}

/* The cached oid, or what find(name) finds. */
static Oid
look_up(Oid *cached, Oid (*find)(const char *name), const char *name)
{
	uint64 number;
	Oid found;

	if (OidIsValid(*cached))
		return *cached;
	if (!cache.watched)
	{
		CacheRegisterSyscacheCallback(TYPEOID, forget, (Datum) 0);
		cache.watched = true;
	}
	number = cache.number;
	found = find(name);
	/* What changed while we looked is not kept. */
	if (number == cache.number)
		*cached = found;
	return found;
}

Oid
scpg_extension_schema(void)
{
	return look_up(&cache.schema, find_schema, NULL);
}

const char *
scpg_extension_schema_name(void)
{
	return quote_identifier(get_namespace_name(scpg_extension_schema()));
}

Oid
scpg_embedding_type(void)
{
	return look_up(&cache.embedding, find_type, "embedding");
}

Oid
scpg_kmeans_model_type(void)
{
	return look_up(&cache.kmeans_model, find_type, "kmeans_model");
}

Oid
scpg_model_role_type(void)
{
	return look_up(&cache.model_role, find_type, "model_role");
}

void
scpg_extension_lock(void)
{
	for (;;)
	{
		Oid extension = look_up(&cache.extension, find_oid, NULL);

		/* Where it waited, it also learned what became of the extension. */
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
		if (look_up(&cache.extension, find_oid, NULL) == extension)
			return;
		/* Dropped and created again. */
		UnlockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
	}
}
