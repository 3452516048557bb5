/*-------------------------------------------------------------------------
 *
 * src/pg/table/source_key.c
 *	  Which columns identify a row: those that were named, or those of the
 *	  primary key; and the call that works, where it is neither, or where two
 *	  relations that are joined have no key in common.
 *
 * Several columns are one key: a row of them, of the composite type that the
 * caller gave as example, or of no named type where keys are not returned.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "lib/stringinfo.h"
#include "nodes/bitmapset.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "pg/server/arguments.h"
#include "pg/server/extension.h"
#include "pg/table/source_parts.h"

typedef struct key_columns
{
	int n;
	Form_pg_attribute column[INDEX_MAX_KEYS];
	bool primary;
} key_columns;

/* ---- which columns ---------------------------------------------------------------- */

/* Those of an index that keeps all rows apart, in its order; none where it does not, or not by columns alone. */
static key_columns
of_index(Relation rel, Oid index)
{
	key_columns key = {0};
	Relation ind = relation_open(index, AccessShareLock);

	if (ind->rd_index->indisunique && heap_attisnull(ind->rd_indextuple, Anum_pg_index_indpred, NULL))
		key.n = ind->rd_index->indnkeyatts;
	for (int i = 0; i < key.n; i++)
	{
		AttrNumber number = ind->rd_index->indkey.values[i];

		if (number <= 0)
		{
			key.n = 0;
			break;
		}
		key.column[i] = TupleDescAttr(RelationGetDescr(rel), number - 1);
	}
	relation_close(ind, AccessShareLock);
	return key;
}

/* Those of the primary key, deferrable or not; none without one. */
static key_columns
of_primary_key(Relation rel)
{
	key_columns key = {0};
	Oid constraint;

	if (get_primary_key_attnos(RelationGetRelid(rel), true, &constraint) == NULL)
		return key;
	key = of_index(rel, get_constraint_index(constraint));
	key.primary = true;
	return key;
}

static key_columns
of_names(Relation rel, char *const *names)
{
	key_columns key = {0};

	for (; names[key.n] != NULL; key.n++)
	{
		Assert(key.n < INDEX_MAX_KEYS);
		key.column[key.n] = scpg_source_find_column(rel, names[key.n]);
		for (int i = 0; i < key.n; i++)
			if (key.column[i] == key.column[key.n])
				ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
								errmsg("option \"id_column\" names column \"%s\" twice", names[key.n])));
	}
	return key;
}

/*
 * For a hint, those that probably identify a row, at most `most`: of a unique index, else "id", else the first column
 * that is no picture and no embedding; none where there is no other.
 */
static key_columns
guess(Relation rel, int most)
{
	TupleDesc desc = RelationGetDescr(rel);
	Oid embedding = scpg_embedding_type();
	key_columns key = {0};
	ListCell *cell;

	foreach(cell, RelationGetIndexList(rel))
	{
		key = of_index(rel, lfirst_oid(cell));
		if (key.n > 0 && key.n <= most)
			return key;
	}
	key.n = 0;
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);

		if (a->attisdropped || a->atttypid == BYTEAOID || a->atttypid == embedding ||
			(key.n == 1 && strcmp(NameStr(a->attname), "id") != 0))
			continue;
		key.n = 1;
		key.column[0] = a;
	}
	return key;
}

/* ---- the call that works ------------------------------------------------------------ */

/* "(a, b)", or with types "(a integer, b text)". */
static char *
list_columns(const key_columns *key, bool with_types)
{
	StringInfoData s;

	initStringInfo(&s);
	for (int i = 0; i < key->n; i++)
	{
		const char *name = NameStr(key->column[i]->attname);

		appendStringInfo(&s, "%s%s", i == 0 ? "(" : ", ", with_types ? quote_identifier(name) : name);
		if (with_types)
			appendStringInfo(&s, " %s", format_type_be(getBaseType(key->column[i]->atttypid)));
	}
	appendStringInfoChar(&s, ')');
	return s.data;
}

static char *
options_text(const Jsonb *options)
{
	return JsonbToCString(NULL, unconstify(JsonbContainer *, &options->root), VARSIZE(options));
}

/* The options of the call, an object or NULL, as a literal, with these columns as "id_column". */
static char *
options_literal(const Jsonb *options, const key_columns *key)
{
	StringInfoData s;

	initStringInfo(&s);
	if (options != NULL)
		options = scpg_options_or_none(DatumGetJsonbP(
			DirectFunctionCall2(jsonb_delete, JsonbPGetDatum(options), CStringGetTextDatum("id_column"))));
	if (options != NULL)
	{
		appendStringInfoString(&s, options_text(options));
		s.data[--s.len] = '\0';
		appendStringInfoString(&s, ", ");
	}
	else
		appendStringInfoChar(&s, '{');
	appendStringInfoString(&s, "\"id_column\": ");
	for (int i = 0; i < key->n; i++)
	{
		appendStringInfoString(&s, i > 0 ? ", " : key->n > 1 ? "[" : "");
		escape_json(&s, NameStr(key->column[i]->attname));
	}
	appendStringInfoString(&s, key->n > 1 ? "]}" : "}");
	return quote_literal_cstr(s.data);
}

/* The options of a call with this key as a literal; NULL: it needs none. */
static char *
needed_options(const scpg_key_request *asked, const key_columns *key)
{
	/* Columns may also be those of a model's recipe. */
	if (!key->primary)
		return options_literal(asked->options, key);
	return asked->options != NULL ? quote_literal_cstr(options_text(asked->options)) : NULL;
}

static bool
takes_example(const scpg_key_request *asked)
{
	return asked->call != NULL && strstr(asked->call, "%k") != NULL;
}

/* What stands in a call for what begins with a percent sign; all but data are SQL as they are. */
typedef struct call_parts
{
	const char *relation;
	const char *other; /* the second relation, or NULL */
	const char *data;
	const char *example_type;
	const char *options; /* NULL: none */
} call_parts;

static char *
fill_call(const char *call, const call_parts *parts)
{
	StringInfoData s;

	initStringInfo(&s);
	for (const char *p = call; *p != '\0'; p++)
	{
		if (*p != '%')
		{
			appendStringInfoChar(&s, *p);
			continue;
		}
		switch (*++p)
		{
			case '%':
				appendStringInfoChar(&s, '%');
				break;
			case 't':
				appendStringInfoString(&s, quote_literal_cstr(parts->relation));
				break;
			case 'u':
				appendStringInfoString(&s, quote_literal_cstr(parts->other));
				break;
			case 'c':
				appendStringInfoString(&s, quote_literal_cstr(parts->data));
				break;
			case 'k':
				appendStringInfo(&s, "NULL::%s", parts->example_type);
				break;
			case 'o':
			case 'O':
				if (parts->options != NULL)
					appendStringInfo(&s, ", %s%s", *p == 'O' ? "options => " : "", parts->options);
				break;
			default:
				Assert(false);
		}
	}
	return s.data;
}

char *
scpg_source_call_literal(const char *value)
{
	StringInfoData s;

	initStringInfo(&s);
	for (const char *p = quote_literal_cstr(value); *p != '\0'; p++)
	{
		if (*p == '%')
			appendStringInfoChar(&s, '%');
		appendStringInfoChar(&s, *p);
	}
	return s.data;
}

char *
scpg_source_relation_literal(Oid relid)
{
	char *name = get_rel_name(relid);

	return scpg_source_call_literal(
		name == NULL ? psprintf("%u", relid)
					 : quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), name));
}

/* The call with this key. row_type: of several columns, the composite type's name. */
static char *
make_call(const scpg_source *source, const scpg_key_request *asked, const char *data_column, const key_columns *key,
		  const char *row_type)
{
	call_parts parts = {.relation = source->relation,
						.data = data_column,
						.example_type = key->n > 1 ? row_type : format_type_be(getBaseType(key->column[0]->atttypid)),
						.options = needed_options(asked, key)};

	return fill_call(asked->call, &parts);
}

/* What to do for a call with this key to work: the call, after the type that it needs. */
static char *
advise(const scpg_source *source, Relation rel, const scpg_key_request *asked, const char *data_column,
	   const key_columns *key)
{
	const char *row_type;

	if (asked->call == NULL)
		return psprintf("Name what identifies a row: %s.", options_literal(asked->options, key));
	if (key->n == 1 || !takes_example(asked))
	{
		char *call = make_call(source, asked, data_column, key, NULL);

		return psprintf("%s%s.", strncmp(call, "CALL ", 5) == 0 ? "" : "Call it as ", call);
	}
	row_type = quote_identifier(psprintf("%s_key", RelationGetRelationName(rel)));
	return psprintf("CREATE TYPE %s AS %s; then call it as %s.", row_type, list_columns(key, true),
					make_call(source, asked, data_column, key, row_type));
}

/* ---- several columns ------------------------------------------------------------------ */

/* Does the composite type have columns of these types, in this order? */
static bool
fits(Oid row_type, const key_columns *key)
{
	TupleDesc desc = lookup_rowtype_tupdesc(row_type, -1);
	int n = 0;
	bool same = true;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute a = TupleDescAttr(desc, i);

		if (a->attisdropped)
			continue;
		same = same && n < key->n && getBaseType(a->atttypid) == getBaseType(key->column[n]->atttypid);
		n++;
	}
	ReleaseTupleDesc(desc);
	return same && n == key->n;
}

/* The type of a key of several columns, or an error that says how to give it one. */
static Oid
choose_row_type(const scpg_source *source, Relation rel, const scpg_key_request *asked, const char *data_column,
				const key_columns *key)
{
	if (!asked->returned)
		return RECORDOID;
	if (!takes_example(asked))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("the key of relation \"%s\" has more than one column", RelationGetRelationName(rel)),
						errdetail("It has %d.", key->n),
						errhint("Name one column that identifies every row: '{\"id_column\": \"...\"}'.")));
	if (!OidIsValid(asked->example) && key->primary)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the primary key of relation \"%s\" has more than one column", RelationGetRelationName(rel)),
				 errdetail("It has %d.", key->n), errhint("%s", advise(source, rel, asked, data_column, key))));
	if (!OidIsValid(asked->example) || get_typtype(asked->example) != TYPTYPE_COMPOSITE || !fits(asked->example, key))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("the key of relation \"%s\" is %s", RelationGetRelationName(rel), list_columns(key, true)),
				 OidIsValid(asked->example) ? errdetail("The example is of type %s.", format_type_be(asked->example))
											: errdetail("It needs an example of a composite type of such columns."),
				 errhint("%s", advise(source, rel, asked, data_column, key))));
	return asked->example;
}

/* A row of the columns in SQL, of a type that has a name or not. */
static char *
row_expression(const key_columns *key, Oid type)
{
	StringInfoData s;

	initStringInfo(&s);
	for (int i = 0; i < key->n; i++)
		appendStringInfo(&s, "%s%s", i == 0 ? "ROW(" : ", ", quote_identifier(NameStr(key->column[i]->attname)));
	appendStringInfoChar(&s, ')');
	if (type != RECORDOID)
		appendStringInfo(&s, "::%s", format_type_extended(type, -1, FORMAT_TYPE_FORCE_QUALIFY));
	return s.data;
}

void
scpg_source_set_key(scpg_source *source, Relation rel, const scpg_key_request *asked, const char *data_column)
{
	key_columns key = asked->columns != NULL ? of_names(rel, asked->columns) : of_primary_key(rel);
	bool varlena;

	if (key.n == 0)
	{
		key = guess(rel, asked->returned && !takes_example(asked) ? 1 : INDEX_MAX_KEYS);
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("relation \"%s\" has no primary key", RelationGetRelationName(rel)),
						key.n > 0 ? errhint("%s", advise(source, rel, asked, data_column, &key))
								  : errhint("Give it a column that identifies every row.")));
	}
	if (key.n == 1)
	{
		source->id_column = pstrdup(NameStr(key.column[0]->attname));
		source->id = pstrdup(quote_identifier(source->id_column));
		source->id_type = getBaseType(key.column[0]->atttypid);
	}
	else
	{
		source->id_type = choose_row_type(source, rel, asked, data_column, &key);
		source->id_column = list_columns(&key, false);
		source->id = row_expression(&key, source->id_type);
	}
	source->id_columns = key.n;
	source->id_names = palloc(key.n * sizeof(char *));
	for (int i = 0; i < key.n; i++)
		source->id_names[i] = pstrdup(NameStr(key.column[i]->attname));
	source->id_primary = key.primary;
	get_typlenbyval(source->id_type, &source->id_length, &source->id_by_value);
	getTypeOutputInfo(source->id_type, &source->id_output, &varlena);
	if (asked->call != NULL)
		source->call = make_call(source, asked, data_column, &key, format_type_be(source->id_type));
}

/* ---- two relations with one key ------------------------------------------------------- */

/* One of them. */
typedef struct pair_member
{
	Relation rel;
	const char *relation;
	key_columns key;
} pair_member;

/* The columns of these names; none where one is missing. */
static key_columns
find_columns(Relation rel, char *const *names)
{
	key_columns key = {0};

	for (int i = 0; names[i] != NULL; i++)
	{
		AttrNumber number = get_attnum(RelationGetRelid(rel), names[i]);

		if (number <= 0)
			return (key_columns){0};
		key.column[key.n++] = TupleDescAttr(RelationGetDescr(rel), number - 1);
	}
	return key;
}

/* Those of a relation that have the names of another's key. */
static key_columns
find_like(Relation rel, const key_columns *key)
{
	char *names[INDEX_MAX_KEYS + 1] = {NULL};

	for (int i = 0; i < key->n; i++)
		names[i] = NameStr(key->column[i]->attname);
	return find_columns(rel, names);
}

static bool
same_types(const key_columns *a, const key_columns *b)
{
	bool same = a->n == b->n;

	for (int i = 0; same && i < a->n; i++)
		same = getBaseType(a->column[i]->atttypid) == getBaseType(b->column[i]->atttypid);
	return same;
}

/* Does a call join them whose key is that of the first, or that of the second, as a hint would have it? */
static bool
can_be_joined(const pair_member *first, const pair_member *second)
{
	const pair_member *guessed = first->key.primary ? second : first;
	key_columns like;

	if (first->key.primary == second->key.primary)
		return same_types(&first->key, &second->key);
	like = find_like(guessed == first ? second->rel : first->rel, &guessed->key);
	return same_types(&guessed->key, &like);
}

static bool
is_integer(const key_columns *key)
{
	Oid type = getBaseType(key->column[0]->atttypid);

	return key->n == 1 && (type == INT2OID || type == INT4OID || type == INT8OID);
}

/* "CREATE VIEW v AS SELECT key::text AS id, data FROM t" */
static char *
make_view(const pair_member *m, const char *view, const char *data_column)
{
	const char *key = m->key.n == 1 ? pstrdup(quote_identifier(NameStr(m->key.column[0]->attname)))
									: row_expression(&m->key, RECORDOID);

	return psprintf("CREATE VIEW %s AS SELECT %s::text AS id, %s FROM %s", view, key, quote_identifier(data_column),
					m->relation);
}

/* Views with keys that are text, and the call that joins them. */
static char *
advise_views(const pair_member *a, const pair_member *b, const scpg_key_request *asked, const char *data_column)
{
	char *first = pstrdup(quote_identifier(psprintf("%s_text", RelationGetRelationName(a->rel))));
	char *second = pstrdup(quote_identifier(psprintf("%s_text", RelationGetRelationName(b->rel))));
	FormData_pg_attribute id;
	key_columns key = {.n = 1, .column = {&id}};
	call_parts parts = {.relation = first, .data = data_column, .example_type = "text"};

	if (strcmp(first, second) == 0)
		second = pstrdup(quote_identifier(psprintf("%s_text_2", RelationGetRelationName(b->rel))));
	namestrcpy(&id.attname, "id");
	parts.other = second;
	parts.options = options_literal(asked->options, &key);
	return psprintf("%s; %s; then call it as %s.", make_view(a, first, data_column), make_view(b, second, data_column),
					fill_call(asked->call, &parts));
}

/* Find the key that a call goes by; none where there is none, which is told when it is read. */
static bool
begin_pair(pair_member *m, Oid relid, const scpg_key_request *asked)
{
	m->rel = try_relation_open(relid, AccessShareLock);
	if (m->rel == NULL)
		return false;
	scpg_source_check_relation(m->rel);
	m->relation = scpg_source_relation_name(m->rel);
	m->key = asked->columns != NULL ? find_columns(m->rel, asked->columns) : of_primary_key(m->rel);
	if (m->key.n == 0 && asked->columns == NULL)
		m->key = guess(m->rel, INDEX_MAX_KEYS);
	return m->key.n > 0;
}

static void
check_pair(const pair_member *first, const pair_member *second, const scpg_key_request *asked, const char *data_column,
		   const char *short_call)
{
	bool keys = first->key.primary && second->key.primary;
	bool integers = keys && is_integer(&first->key) && is_integer(&second->key);
	call_parts parts = {.relation = first->relation, .other = second->relation, .data = data_column};

	if (can_be_joined(first, second) || (integers && !OidIsValid(asked->example)))
		return;
	ereport(ERROR,
			(errcode(keys || asked->columns != NULL ? ERRCODE_DATATYPE_MISMATCH : ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s and %s have no key in common", first->relation, second->relation),
			 errdetail("Their keys are %s and %s.", list_columns(&first->key, true), list_columns(&second->key, true)),
			 integers && asked->options == NULL ? errhint("Call it as %s.", fill_call(short_call, &parts))
												: errhint("%s", advise_views(first, second, asked, data_column))));
}

void
scpg_source_check_pair(Oid first, Oid second, const scpg_key_request *key, const char *data_column,
					   const char *short_call)
{
	pair_member a = {0};
	pair_member b = {0};

	if (begin_pair(&a, first, key) && begin_pair(&b, second, key))
		check_pair(&a, &b, key, data_column, short_call);
	if (a.rel != NULL)
		relation_close(a.rel, NoLock);
	if (b.rel != NULL)
		relation_close(b.rel, NoLock);
}
