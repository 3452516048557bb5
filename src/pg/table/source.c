/*-------------------------------------------------------------------------
 *
 * src/pg/table/source.c
 *	  Which columns of a relation hold the key and the data.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "pg/server/extension.h"
#include "pg/table/source.h"

static void
check_relation(Relation rel)
{
	switch (rel->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
		case RELKIND_FOREIGN_TABLE:
		case RELKIND_VIEW:
		case RELKIND_MATVIEW:
			return;
		default:
			ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
							errmsg("cannot read rows from \"%s\"", RelationGetRelationName(rel)),
							errhint("Name a table, a partitioned or foreign table, a view or a materialized view.")));
	}
}

/* The attribute called name, or 42703. */
static Form_pg_attribute
find_column(Relation rel, const char *name)
{
	TupleDesc desc = RelationGetDescr(rel);

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);

		if (!a->attisdropped && strcmp(NameStr(a->attname), name) == 0)
			return a;
	}
	ereport(ERROR, (errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("column \"%s\" of relation \"%s\" does not exist", name, RelationGetRelationName(rel))));
	return NULL;
}

static const char no_key_hint[] = "Give it a primary key of one column, or, where the function takes options, "
								  "name the column that identifies a row: '{\"id_column\": \"...\"}'.";

/* The one column of the primary key, or 22023. */
static Form_pg_attribute
primary_key(Relation rel)
{
	Oid index;
	Relation ind;
	int columns;
	int number;

	(void) RelationGetIndexList(rel);
	index = rel->rd_pkindex;
	if (!OidIsValid(index))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("relation \"%s\" has no primary key", RelationGetRelationName(rel)),
						errhint("%s", no_key_hint)));
	ind = relation_open(index, AccessShareLock);
	columns = ind->rd_index->indnkeyatts;
	number = ind->rd_index->indkey.values[0];
	relation_close(ind, AccessShareLock);
	if (columns != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the primary key of relation \"%s\" has more than one column", RelationGetRelationName(rel)),
				 errdetail("It has %d.", columns), errhint("%s", no_key_hint)));
	return TupleDescAttr(RelationGetDescr(rel), number - 1);
}

/* The only column of a type, or 22023. */
static Form_pg_attribute
only_column(Relation rel, Oid type)
{
	TupleDesc desc = RelationGetDescr(rel);
	Form_pg_attribute found = NULL;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);

		if (a->attisdropped || getBaseType(a->atttypid) != type)
			continue;
		if (found != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("relation \"%s\" has more than one column of type %s", RelationGetRelationName(rel),
							format_type_be(type)),
					 errdetail("Two of them are \"%s\" and \"%s\".", NameStr(found->attname), NameStr(a->attname)),
					 errhint("Say which one holds the images: '{\"image_column\": \"%s\"}'.", NameStr(found->attname))));
		found = a;
	}
	if (found == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("relation \"%s\" has no column of type %s", RelationGetRelationName(rel), format_type_be(type)),
				 errhint("Images are read from a column of type bytea.")));
	return found;
}

void
scpg_source_resolve(scpg_source *source, Oid relid, const char *id_column, const char *data_column, Oid data_type)
{
	Relation rel = try_relation_open(relid, AccessShareLock);
	Form_pg_attribute id;
	Form_pg_attribute data;
	bool varlena;

	Assert(OidIsValid(data_type));
	if (rel == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relid)));
	check_relation(rel);
	id = id_column ? find_column(rel, id_column) : primary_key(rel);
	if (data_column)
	{
		data = find_column(rel, data_column);
		if (getBaseType(data->atttypid) != data_type)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column \"%s\" is of type %s, not %s", data_column, format_type_be(data->atttypid),
								   format_type_be(data_type))));
	}
	else
		data = only_column(rel, data_type);

	memset(source, 0, sizeof(*source));
	source->relid = relid;
	source->relation =
		quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
	source->id_column = pstrdup(NameStr(id->attname));
	source->id_type = getBaseType(id->atttypid);
	source->data_column = pstrdup(NameStr(data->attname));
	get_typlenbyval(source->id_type, &source->id_length, &source->id_by_value);
	getTypeOutputInfo(source->id_type, &source->id_output, &varlena);
	/* The lock stays to the end of the transaction: the columns are the ones read. */
	relation_close(rel, NoLock);
}

void
scpg_source_check_key(const scpg_source *source, FunctionCallInfo fcinfo, const char *function, int example)
{
	Oid type = source->id_type;
	char *type_name = format_type_be(type);

	if (example < 0)
	{
		if (type != INT2OID && type != INT4OID && type != INT8OID)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("key column \"%s\" of %s is of type %s, not an integer", source->id_column,
								   source->relation, type_name),
							errhint("Give an example of the key's type as second argument: %s('%s', NULL::%s, ...).",
									function, source->relation, type_name)));
		return;
	}
	if (!PG_ARGISNULL(example))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the example of the key's type must be NULL"),
				 errdetail("The second argument of %s is an example of the key's type, not a value.", function),
				 errhint("Call it as %s('%s', NULL::%s, ...), or without an example and with the other arguments by name, such as k => ....",
						 function, source->relation, type_name)));
	if (getBaseType(get_fn_expr_argtype(fcinfo->flinfo, example)) != type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("key column \"%s\" of %s is of type %s, the example is of type %s", source->id_column,
						source->relation, type_name, format_type_be(get_fn_expr_argtype(fcinfo->flinfo, example))),
				 errhint("Call it as %s('%s', NULL::%s, ...).", function, source->relation, type_name)));
}

Datum
scpg_source_key(const scpg_source *source, Datum id, bool as_bigint)
{
	/* scpg_source_check_key has refused other types. */
	Assert(!as_bigint || source->id_type == INT2OID || source->id_type == INT4OID || source->id_type == INT8OID);
	if (!as_bigint)
		return id;
	switch (source->id_type)
	{
		case INT2OID:
			return Int64GetDatum(DatumGetInt16(id));
		case INT4OID:
			return Int64GetDatum(DatumGetInt32(id));
		default:
			return id;
	}
}

scpg_source
scpg_source_embeddings(FunctionCallInfo fcinfo, int table, int column)
{
	scpg_source source;

	scpg_source_resolve(&source, PG_GETARG_OID(table), NULL, NameStr(*PG_GETARG_NAME(column)), scpg_embedding_type());
	return source;
}
