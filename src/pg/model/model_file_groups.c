/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_file_groups.c
 *	  What people did to the groups of a model, in its file: an object of JSON, in
 *	  ASCII, whose keys are
 *
 *	 edited		were its groups changed by hand since they were made?
 *	 highest	the highest label that ever named a group
 *	 names		an object: names by label
 *
 * No edit travels, and no member of a group. What comes back may be hostile.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "pg/model/model_edits.h"
#include "pg/model/model_parts.h"

/* ---- writing -------------------------------------------------------------------- */

/* A string of JSON in ASCII, whatever the encoding of the database is. */
static void
append_string(StringInfo json, const char *text)
{
	const unsigned char *at = (const unsigned char *) pg_server_to_any(text, (int) strlen(text), PG_UTF8);

	appendStringInfoChar(json, '"');
	for (; *at != '\0'; at += pg_utf_mblen(at))
	{
		pg_wchar c = utf8_to_unicode(at);

		if (c >= 0x10000)
			appendStringInfo(json, "\\u%04x\\u%04x", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));
		else if (c < ' ' || c >= 0x7F || c == '"' || c == '\\')
			appendStringInfo(json, "\\u%04x", c);
		else
			appendStringInfoChar(json, (char) c);
	}
	appendStringInfoChar(json, '"');
}

char *
scpg_model_file_write_groups(const scpg_model *model)
{
	scpg_model_name_of_group *names;
	StringInfoData json;
	int n;
	bool first = true;

	/* Before ALTER EXTENSION UPDATE nobody can have done anything to them. */
	if (!scpg_model_keeps_groups())
		return NULL;
	n = scpg_model_read_groups(model, &names);
	initStringInfo(&json);
	appendStringInfo(&json, "{\"edited\": %s, \"highest\": %d, \"names\": {", model->edited ? "true" : "false",
					 model->highest_label);
	for (int i = 0; i < n; i++)
	{
		if (names[i].name == NULL)
			continue;
		appendStringInfo(&json, "%s\"%d\": ", first ? "" : ", ", names[i].label);
		append_string(&json, names[i].name);
		first = false;
	}
	appendStringInfoString(&json, "}}");
	return json.data;
}

/* ---- reading --------------------------------------------------------------------- */

static void
refuse(const char *what)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("the groups in the file are wrong"),
					errdetail("%s", what)));
}

/* A key of the object; it must be there, and of that type. */
static JsonbValue *
field(Jsonb *json, const char *name, enum jbvType type)
{
	JsonbValue key = {.type = jbvString, .val.string = {(int) strlen(name), unconstify(char *, name)}};
	JsonbValue *value = findJsonbValueFromContainer(&json->root, JB_FOBJECT, &key);
	bool fits = value != NULL && (value->type == type || (type == jbvObject && value->type == jbvBinary &&
														  JsonContainerIsObject(value->val.binary.data)));

	if (!fits)
		refuse(psprintf("\"%s\" is missing, or of another type than it should be.", name));
	return value;
}

/* A whole number in text, without zeros before it; below 0: it is none. */
static int32
whole_number(const char *text)
{
	int32 value = 0;

	for (int i = 0; text[i] != '\0'; i++)
	{
		if (text[i] < '0' || text[i] > '9' || i > 8)
			return -1;
		value = value * 10 + (text[i] - '0');
	}
	return text[0] == '\0' || (text[0] == '0' && text[1] != '\0') ? -1 : value;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(((const scpg_model_name_of_group *) a)->name, ((const scpg_model_name_of_group *) b)->name);
}

static int
compare_labels(const void *a, const void *b)
{
	int32 x = *(const int32 *) a, y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

/* labels (groups), ascending: those that there are. */
static void
read_names(scpg_model_file_groups *g, JsonbContainer *object, const int32 *labels, int groups)
{
	JsonbIterator *it = JsonbIteratorInit(object);
	JsonbValue v;
	JsonbIteratorToken token;
	int32 label = -1;

	g->name = palloc(Max(JsonContainerSize(object), 1) * sizeof(scpg_model_name_of_group));
	g->names = 0;
	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		char *text;

		if (token != WJB_KEY && token != WJB_VALUE)
			continue;
		text = v.type == jbvString ? pnstrdup(v.val.string.val, v.val.string.len) : NULL;
		if (token == WJB_KEY)
		{
			label = whole_number(text);
			if (bsearch(&label, labels, groups, sizeof(int32), compare_labels) == NULL)
				refuse("There is a name of a group that is none.");
			continue;
		}
		if (text == NULL)
			refuse("A name is no string.");
		scpg_model_check_group_name(text);
		g->name[g->names++] = (scpg_model_name_of_group){label, text, 0};
	}
	qsort(g->name, g->names, sizeof(scpg_model_name_of_group), compare_names);
	for (int i = 1; i < g->names; i++)
		if (strcmp(g->name[i - 1].name, g->name[i].name) == 0)
			refuse("Two groups have one name.");
}

void
scpg_model_file_read_groups(scpg_model_file_groups *g, const char *json, const scpg_model_clustering *clustering)
{
	Jsonb *object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json)));
	int32 *labels;
	int groups;
	JsonbValue *highest;
	char *number;

	if (!JB_ROOT_IS_OBJECT(object))
		refuse("They are no object.");
	if (clustering->kmeans == NULL)
		refuse("There are none.");
	groups = scpg_model_labels(clustering->kmeans, clustering->centroid_label, &labels);
	g->edited = field(object, "edited", jbvBool)->val.boolean;
	highest = field(object, "highest", jbvNumeric);
	number = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(highest->val.numeric)));
	g->highest_label = whole_number(number);
	if (g->highest_label < labels[groups - 1] || g->highest_label > SCPG_HIGHEST_LABEL)
		refuse("\"highest\" is not the highest label of groups.");
	read_names(g, field(object, "names", jbvObject)->val.binary.data, labels, groups);
	pfree(labels);
}
