/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_name.c
 *	  Names of models and of roles, as calls give them and as messages show them.
 *
 * "m" means the caller's own model of that name, else the one that it may use
 * (model_find.c); "m@2" its second version; "owner.m" and "owner.m@2" that of
 * the role owner, which is written as SQL writes an identifier; with the mark of
 * its kept name where it is gone and there is a later role of that name.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/varlena.h"

#include "pg/model/model_parts.h"
#include "pg/type/kept_name.h"

/* ---- reading ---------------------------------------------------------------------- */

static bool
good_name(const char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
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
require_name(const char *name)
{
	if (name == NULL)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the name of the model must not be null")));
}

/* "12", "0": the whole text is a number that fits. */
static bool
read_number(const char *text, uint32 *number)
{
	char *end;
	unsigned long value;

	if (!isdigit((unsigned char) text[0]))
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	*number = (uint32) value;
	return *end == '\0' && errno == 0 && value <= PG_UINT32_MAX;
}

/*
 * The role's name as it is kept with models (pg/type/kept_name.h), NULL: it is
 * not written as a role's. *role is InvalidOid where there is none, as where it
 * is the number of one that was gone already when 1.0 kept it.
 */
static const char *
read_role(const char *text, Oid *role)
{
	int gone = (int) (strlen(text) - strlen(GONE_MARK));
	List *parts;
	uint32 number;

	*role = InvalidOid;
	if (gone > 0 && strcmp(text + gone, GONE_MARK) == 0)
	{
		const char *name = read_role(pnstrdup(text, gone), role);

		*role = InvalidOid;
		return name == NULL ? NULL : psprintf("%s%s", name, GONE_MARK);
	}
	if (read_number(text, &number))
		return text;
	if (!SplitIdentifierString(pstrdup(text), '.', &parts) || list_length(parts) != 1)
		return NULL;
	*role = get_role_oid(linitial(parts), true);
	return quote_identifier(linitial(parts));
}

/* Bytes of the owner before its dot, -1: there is none; 0: what stands there is no owner. */
static int
owner_length(const char *text)
{
	int i = 0;

	if (text[0] == '"')
	{
		/* A quote within is written twice. */
		for (i = 1; text[i] != '\0' && (text[i] != '"' || text[++i] == '"');)
			i++;
		if (i == 2)
			return 0;
	}
	else if (strchr(text, '.') == NULL)
		return -1;
	else
		while (text[i] == '$' || good_name(text + i, 1))
			i++;
	if (i > 0 && strncmp(text + i, GONE_MARK, strlen(GONE_MARK)) == 0)
		i += (int) strlen(GONE_MARK);
	return text[i] == '.' ? i : 0;
}

bool
scpg_model_name_parse(scpg_model_name *n, const char *text)
{
	int owner = owner_length(text);
	const char *name = text + owner + 1;
	const char *at = strchr(name, '@');
	uint32 version = 0;

	memset(n, 0, sizeof(*n));
	n->text = text;
	if (owner == 0)
		return false;
	if (owner > 0)
	{
		n->owner_name = read_role(pnstrdup(text, owner), &n->owner);
		if (n->owner_name == NULL)
			return false;
	}
	if (at != NULL && (!read_number(at + 1, &version) || version < 1 || version > PG_INT32_MAX))
		return false;
	n->version = (int) version;
	n->name = at == NULL ? pstrdup(name) : pnstrdup(name, at - name);
	return good_name(n->name, strlen(n->name));
}

scpg_model_name
scpg_model_name_read(const char *text)
{
	scpg_model_name n;

	require_name(text);
	if (!scpg_model_name_parse(&n, text))
		refuse_name(text);
	return n;
}

void
scpg_model_refuse_existing(const char *name)
{
	ereport(ERROR, (errcode(ERRCODE_DUPLICATE_OBJECT), errmsg("model \"%s\" already exists", name),
					errhint("Use another name, or make a new version with the option \"retrain\": true.")));
}

bool
scpg_model_name_is_free(const char *text)
{
	scpg_model_name n = scpg_model_name_read(text);

	return n.version == 0 && (n.owner_name == NULL || n.owner == GetUserId());
}

char *
scpg_model_new_name(const char *text)
{
	scpg_model_name n = scpg_model_name_read(text);

	if (n.version != 0)
		refuse_name(text);
	if (n.owner_name != NULL && n.owner != GetUserId())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE), errmsg("cannot make model \"%s\" for another role", text),
				 errhint("A model belongs to the role that makes it: SET ROLE, or leave the owner out.")));
	return n.name;
}

char *
scpg_model_name_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

Oid
scpg_role_argument(FunctionCallInfo fcinfo, int n)
{
	char *name;
	Oid role;

	if (PG_ARGISNULL(n))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("the role must not be null")));
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	/* No role has that name. */
	if (pg_strcasecmp(name, "public") == 0)
		return ACL_ID_PUBLIC;
	if (read_role(name, &role) == NULL || !OidIsValid(role))
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("role \"%.200s\" does not exist", name),
						errhint("A role's name is quoted where SQL would quote it; \"public\" means every role.")));
	return role;
}

/* ---- writing ---------------------------------------------------------------------- */

const char *
scpg_role_name(Oid role)
{
	char *name;

	if (role == ACL_ID_PUBLIC)
		return "public";
	name = GetUserNameFromId(role, true);
	return name == NULL ? psprintf("%u", role) : quote_identifier(name);
}

char *
scpg_model_owned_name(const char *owner, const char *name, int version)
{
	char *full = psprintf("%s.%s", owner, name);

	return version == 0 ? full : psprintf("%s@%d", full, version);
}

char *
scpg_model_full_name(const scpg_model *model)
{
	if (model->owner != GetUserId())
		return scpg_model_owned_name(model->owner_name, model->name, model->version);
	return psprintf("%s@%d", model->name, model->version);
}
