/*-------------------------------------------------------------------------
 *
 * src/pg/type/kept_name.c
 *	  The SQL types model_role and model_relation: reading, printing, and what a
 *	  value means now.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/sysattr.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/varlena.h"

#include "pg/server/compat.h"
#include "pg/server/extension.h"
#include "pg/type/kept_name.h"

/* Two names, each letter of which is doubled by quoting, their quotes, a dot and the mark. */
#define MAX_LENGTH (2 * (2 * NAMEDATALEN + 2) + 1 + sizeof(GONE_MARK))

static scpg_kept_name *
new_value(Oid oid, uint32 stamp, const char *name)
{
	Size size = offsetof(scpg_kept_name, name) + strlen(name) + 1;
	scpg_kept_name *value = palloc0(size);

	SET_VARSIZE(value, size);
	value->oid = oid;
	value->stamp = stamp;
	strcpy(value->name, name);
	return value;
}

/* ---- roles ------------------------------------------------------------------ */

static Oid
find_role(const List *names)
{
	return get_role_oid(linitial(names), true);
}

/* Where a role is given by its oid, 0 is PUBLIC, as in the server's lists of privileges; no role can have the name. */
static char *
role_name(Oid oid)
{
	char *name = oid == ACL_ID_PUBLIC ? pstrdup("public") : GetUserNameFromId(oid, true);

	return name == NULL ? NULL : pstrdup(quote_identifier(name));
}

static uint32
role_stamp(Oid oid)
{
	return 0;
}

bool
scpg_model_role_is_held(Oid role)
{
	HeapTuple tuple = SearchSysCache1(TYPEOID, ObjectIdGetDatum(scpg_model_role_type()));
	bool held;
	bool null;
	Datum datum;

	if (!HeapTupleIsValid(tuple))
		return false;
	held = ((Form_pg_type) GETSTRUCT(tuple))->typowner == role;
	datum = SysCacheGetAttr(TYPEOID, tuple, Anum_pg_type_typacl, &null);
	if (!null)
	{
		Acl *acl = DatumGetAclPCopy(datum);
		const AclItem *items = ACL_DAT(acl);
		int count = ACL_NUM(acl);

		for (int i = 0; i < count; i++)
			held |= items[i].ai_grantee == role;
		pfree(acl);
	}
	ReleaseSysCache(tuple);
	return held;
}

/* A role cannot have been dropped, and its oid given to another one, while it had the privilege. */
static bool
role_still(const scpg_kept_name *value)
{
	return scpg_model_role_is_held(value->oid);
}

const scpg_kept_name_form scpg_model_role_form = {"model_role", 1, find_role, role_name, role_stamp, role_still};

/* ---- relations ---------------------------------------------------------------- */

static Oid
find_relation(const List *names)
{
	Oid schema;

	if (list_length(names) == 1)
		return RelnameGetRelid(linitial(names));
	schema = get_namespace_oid(linitial(names), true);
	return OidIsValid(schema) ? get_relname_relid(lsecond(names), schema) : InvalidOid;
}

static char *
relation_name(Oid oid)
{
	char *name = get_rel_name(oid);
	char *schema = name == NULL ? NULL : get_namespace_name(get_rel_namespace(oid));

	return schema == NULL ? NULL : quote_qualified_identifier(schema, name);
}

/*
 * The transaction that wrote the entry of the relation's first column, a system
 * column where it has one: nothing ever writes such an entry anew, as renaming
 * does with the relation's own. (pg_upgrade does, but keeps names and oids.)
 */
static uint32
relation_stamp(Oid oid)
{
	static const AttrNumber column[] = {SelfItemPointerAttributeNumber, 1};
	uint32 stamp = 0;

	for (int i = 0; i < lengthof(column) && stamp == 0; i++)
	{
		HeapTuple tuple = SearchSysCache2(ATTNUM, ObjectIdGetDatum(oid), Int16GetDatum(column[i]));

		if (!HeapTupleIsValid(tuple))
			continue;
		stamp = HeapTupleHeaderGetRawXmin(tuple->t_data);
		ReleaseSysCache(tuple);
	}
	return stamp;
}

static bool
relation_still(const scpg_kept_name *value)
{
	return value->stamp != 0 && value->stamp == relation_stamp(value->oid);
}

const scpg_kept_name_form scpg_model_relation_form = {"model_relation", 2, find_relation, relation_name, relation_stamp,
													  relation_still};

/* ---- values -------------------------------------------------------------------- */

scpg_kept_name *
scpg_kept_name_make(const scpg_kept_name_form *form, Oid oid)
{
	char *name = form->name(oid);

	return name == NULL ? new_value(InvalidOid, 0, psprintf("%u", oid)) : new_value(oid, form->stamp(oid), name);
}

Oid
scpg_kept_name_oid(const scpg_kept_name_form *form, const scpg_kept_name *value)
{
	char *name;

	if (!OidIsValid(value->oid))
		return InvalidOid;
	name = form->name(value->oid);
	if (name == NULL)
		return InvalidOid;
	return strcmp(name, value->name) == 0 || form->still(value) ? value->oid : InvalidOid;
}

/* The names in a text; NIL: it is none, but a number, as regrole and regclass print what is gone. */
static List *
split(const scpg_kept_name_form *form, const char *text)
{
	List *names;

	if (text[strspn(text, "0123456789")] == '\0' || !SplitIdentifierString(pstrdup(text), '.', &names) ||
		list_length(names) > form->parts)
		return NIL;
	return names;
}

scpg_kept_name *
scpg_kept_name_read(const scpg_kept_name_form *form, const char *text, Node *escontext)
{
	int length = (int) strlen(text);
	int mark = (int) strlen(GONE_MARK);
	List *names;
	Oid oid;

	if (length >= MAX_LENGTH)
		ereturn(escontext, NULL,
				(errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION), errmsg("value too long for type %s", form->type),
				 errdetail("It has %d bytes.", length)));
	if (length >= mark && strcmp(text + length - mark, GONE_MARK) == 0)
		return new_value(InvalidOid, 0, pnstrdup(text, length - mark));
	names = split(form, text);
	if (names == NIL)
		return new_value(InvalidOid, 0, text);
	oid = form->find(names);
	if (OidIsValid(oid))
		return scpg_kept_name_make(form, oid);
	return new_value(InvalidOid, 0,
					 list_length(names) == 1 ? quote_identifier(linitial(names))
											 : quote_qualified_identifier(linitial(names), lsecond(names)));
}

char *
scpg_kept_name_text(const scpg_kept_name_form *form, const scpg_kept_name *value)
{
	List *names;

	if (OidIsValid(scpg_kept_name_oid(form, value)))
		return form->name(value->oid);
	names = split(form, value->name);
	if (names != NIL && OidIsValid(form->find(names)))
		return psprintf("%s%s", value->name, GONE_MARK);
	return pstrdup(value->name);
}

int
scpg_kept_name_compare(const scpg_kept_name *a, const scpg_kept_name *b)
{
	if (a->oid != b->oid)
		return a->oid < b->oid ? -1 : 1;
	return OidIsValid(a->oid) ? 0 : strcmp(a->name, b->name);
}
