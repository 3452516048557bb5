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
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"

#include "pg/server/extension.h"
#include "pg/table/source_parts.h"

void
scpg_source_check_relation(Relation rel)
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

Form_pg_attribute
scpg_source_find_column(Relation rel, const char *name)
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

char *
scpg_source_relation_name(Relation rel)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)), RelationGetRelationName(rel));
}

void
scpg_source_resolve(scpg_source *source, Oid relid, const scpg_key_request *key, const char *data_column, Oid data_type)
{
	Relation rel = try_relation_open(relid, AccessShareLock);
	Form_pg_attribute data;

	Assert(OidIsValid(data_type));
	if (rel == NULL)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE), errmsg("relation with OID %u does not exist", relid)));
	scpg_source_check_relation(rel);
	memset(source, 0, sizeof(*source));
	source->relid = relid;
	source->relation = scpg_source_relation_name(rel);
	if (key != NULL)
		scpg_source_set_key(source, rel, key, data_column);
	if (data_column)
	{
		data = scpg_source_find_column(rel, data_column);
		if (getBaseType(data->atttypid) != data_type)
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("column \"%s\" is of type %s, not %s", data_column, format_type_be(data->atttypid),
								   format_type_be(data_type))));
	}
	else
		data = only_column(rel, data_type);
	source->data_column = pstrdup(NameStr(data->attname));
	/* The lock stays to the end of the transaction: the columns are the ones read. */
	relation_close(rel, NoLock);
}

Oid
scpg_source_example(FunctionCallInfo fcinfo, int example)
{
	return example < 0 ? InvalidOid : getBaseType(get_fn_expr_argtype(fcinfo->flinfo, example));
}

bool
scpg_source_integer_key(const scpg_source *source)
{
	return source->id_type == INT2OID || source->id_type == INT4OID || source->id_type == INT8OID;
}

void
scpg_source_check_key(const scpg_source *source, FunctionCallInfo fcinfo, int example)
{
	char *type_name = format_type_be(source->id_type);

	Assert(source->call != NULL);
	if (example < 0)
	{
		if (!scpg_source_integer_key(source))
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("key column \"%s\" of %s is of type %s, not an integer", source->id_column,
								   source->relation, type_name),
							errhint("Give an example of the key's type: %s.", source->call)));
		return;
	}
	if (!PG_ARGISNULL(example))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("the example of the key's type must be null"),
						errdetail("The second argument is an example of the key's type, not a value."),
						scpg_source_integer_key(source) ? errhint("Call it as %s, or without the example.", source->call)
														: errhint("Call it as %s.", source->call)));
	if (scpg_source_example(fcinfo, example) != source->id_type)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("key column \"%s\" of %s is of type %s, the example is of type %s", source->id_column,
						source->relation, type_name, format_type_be(get_fn_expr_argtype(fcinfo->flinfo, example))),
				 errhint("Call it as %s.", source->call)));
}

void
scpg_source_refuse_null_key(const scpg_source *source)
{
	ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					errmsg("key column \"%s\" of %s contains a null value", source->id_column, source->relation),
					errhint("Name a column that identifies every row: '{\"id_column\": \"...\"}'.")));
}

Datum
scpg_source_key(const scpg_source *source, Datum id, bool as_bigint)
{
	/* scpg_source_check_key has refused other types. */
	Assert(!as_bigint || scpg_source_integer_key(source));
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
scpg_source_embeddings(FunctionCallInfo fcinfo, int table, int column, const scpg_key_request *key)
{
	scpg_source source;

	scpg_source_resolve(&source, PG_GETARG_OID(table), key, NameStr(*PG_GETARG_NAME(column)), scpg_embedding_type());
	return source;
}
