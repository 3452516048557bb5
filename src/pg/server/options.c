/*-------------------------------------------------------------------------
 *
 * src/pg/server/options.c
 *	  Options given as jsonb, by a table that says what there is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/builtins.h"
#include "utils/numeric.h"
#include "utils/varlena.h"

#include "pg/server/options_parts.h"

const char *
scpg_nearest(const char *word, const char *const *words, int count)
{
	const char *best = NULL;
	int best_distance = 0;
	int length = strlen(word);

	if (length == 0 || length > 255)
		return NULL;
	for (int i = 0; i < count; i++)
	{
		int distance;

		if (strlen(words[i]) > 255)
			continue;
		distance = varstr_levenshtein(word, length, words[i], strlen(words[i]), 1, 1, 1, false);
		if (best == NULL || distance < best_distance)
		{
			best = words[i];
			best_distance = distance;
		}
	}
	/* Half of the letters wrong is no misspelling, and all of them never. */
	return best != NULL && best_distance <= Max(2, length / 2) && best_distance < length ? best : NULL;
}

/* A number may have a hundred thousand digits. */
#define MOST_DIGITS 40

static char *
number_text(Numeric number)
{
	char *text = numeric_normalize(number);
	size_t length = strlen(text);

	return length <= MOST_DIGITS ? text : psprintf("%.*s... (%zu characters)", MOST_DIGITS, text, length);
}

/* The value as text for a detail. */
static char *
value_text(JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return "null";
		case jbvBool:
			return value->val.boolean ? "true" : "false";
		case jbvNumeric:
			return number_text(value->val.numeric);
		case jbvString:
			return psprintf("\"%.*s\"", Min(value->val.string.len, 100), value->val.string.val);
		case jbvBinary:
			if (value->val.binary.len <= 200)
				return JsonbToCString(NULL, value->val.binary.data, value->val.binary.len);
			/* FALLTHROUGH */
		default:
			return "a large array or object";
	}
}

void
scpg_option_refuse(const scpg_option *o, JsonbValue *value)
{
	StringInfoData takes;

	initStringInfo(&takes);
	scpg_option_types[o->type].describe(&takes, o);
	if (o->nullable)
		appendStringInfoString(&takes, ", or null");
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid value for option \"%s\"", o->name),
					errdetail("The value is %s.", value_text(value)), errhint("\"%s\" takes %s.", o->name, takes.data)));
}

/* The one key that begins or ends with the word (not a letter), as "id" of "id_column"; NULL where none does, or several. */
static const char *
key_with_part(const char *word, const scpg_option *table, int entries)
{
	const char *found = NULL;
	size_t length = strlen(word);

	for (int i = 0; i < entries; i++)
	{
		const char *name = table[i].name;
		size_t rest = strlen(name);

		if (length < 2 || rest < length + 1)
			continue;
		rest -= length;
		if (!(strncmp(name, word, length) == 0 && name[length] == '_') &&
			!(strcmp(name + rest, word) == 0 && name[rest - 1] == '_'))
			continue;
		if (found != NULL)
			return NULL;
		found = name;
	}
	return found;
}

/* More than a hint can list are on a page of the documentation. */
#define MOST_KEYS 12

static const char *
list_keys(const scpg_option *table, int entries)
{
	StringInfoData list;

	if (entries == 0)
		return "There are no options here.";
	if (entries > MOST_KEYS)
		return "The documentation of the function lists its options.";
	initStringInfo(&list);
	appendStringInfo(&list, entries == 1 ? "The option is \"%s\"" : "The options are \"%s\"", table[0].name);
	for (int i = 1; i < entries; i++)
		appendStringInfo(&list, "%s\"%s\"", i == entries - 1 ? " and " : ", ", table[i].name);
	appendStringInfoChar(&list, '.');
	return list.data;
}

static void
refuse_key(const JsonbValue *key, JsonbValue *value, const scpg_option *table, int entries)
{
	char *name = pnstrdup(key->val.string.val, Min(key->val.string.len, 100));
	const char **names = palloc(entries * sizeof(char *));
	const char *nearest;

	for (int i = 0; i < entries; i++)
		names[i] = table[i].name;
	/* A part of one key alone is more of it than another with letters changed. */
	nearest = key_with_part(name, table, entries);
	if (nearest == NULL)
		nearest = scpg_nearest(name, names, entries);
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown option \"%s\"", name),
					errdetail("Its value is %s.", value_text(value)),
					nearest ? errhint("Perhaps you meant the option \"%s\".", nearest)
							: errhint("%s", list_keys(table, entries))));
}

static void
read_option(void *target, const scpg_option *o, JsonbValue *value)
{
	const scpg_option_ops *type = &scpg_option_types[o->type];
	void *variable = (char *) target + o->offset;

	Assert(!o->nullable || type->size > 0);
	if (value->type != jbvNull)
		type->read(variable, o, value);
	else if (o->nullable)
		memset(variable, 0, type->size);
	else
		scpg_option_refuse(o, value);
}

/* The option called key; `entries` if there is none. */
static int
find_option(const JsonbValue *key, const scpg_option *table, int entries)
{
	int i = 0;

	while (i < entries && (strlen(table[i].name) != key->val.string.len ||
						   memcmp(table[i].name, key->val.string.val, key->val.string.len) != 0))
		i++;
	return i;
}

void
scpg_options_read_object(void *target, bool *given, JsonbContainer *object, const scpg_option *table, int entries)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue key, value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		int i;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		i = find_option(&key, table, entries);
		if (i == entries)
			refuse_key(&key, &value, table, entries);
		read_option(target, &table[i], &value);
		if (given != NULL)
			given[i] = true;
	}
}

void
scpg_options_read(void *target, bool *given, const Jsonb *options, const scpg_option *table, int entries)
{
	Assert(target != NULL && entries > 0);
	if (options == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options must be a JSON object"),
						errhint("For example: '{\"seed\": 7}'.")));
	scpg_options_read_object(target, given, (JsonbContainer *) &options->root, table, entries);
}

void
scpg_option_copy(void *target, const void *source, const scpg_option *o)
{
	size_t size = scpg_option_types[o->type].size;

	Assert(size > 0);
	memcpy((char *) target + o->offset, (const char *) source + o->offset, size);
}

/* Is the variable what null makes of it? */
static bool
is_none(const char *variable, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (variable[i] != 0)
			return false;
	return true;
}

static void
write_option(JsonbParseState **state, const void *target, const scpg_option *o)
{
	const scpg_option_ops *type = &scpg_option_types[o->type];
	const char *variable = (const char *) target + o->offset;
	JsonbValue v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, o->name);
	v.val.string.len = strlen(o->name);
	pushJsonbValue(state, WJB_KEY, &v);
	if (o->nullable && is_none(variable, type->size))
	{
		v.type = jbvNull;
		pushJsonbValue(state, WJB_VALUE, &v);
	}
	else
		type->write(state, variable, o);
}

JsonbValue *
scpg_options_write_object(JsonbParseState **state, const void *target, const scpg_option *table, int entries)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < entries; i++)
		write_option(state, target, &table[i]);
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

Jsonb *
scpg_options_write(const void *target, const scpg_option *table, int entries)
{
	JsonbParseState *state = NULL;

	return JsonbValueToJsonb(scpg_options_write_object(&state, target, table, entries));
}
