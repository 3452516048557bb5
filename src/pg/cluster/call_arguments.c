/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/call_arguments.c
 *	  The arguments of a call that works on the images of a table, as the log of
 *	  edits has them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/numeric.h"

#include "pg/cluster/call_arguments.h"

static JsonbValue
string_value(const char *s)
{
	JsonbValue v = {.type = jbvString};

	v.val.string.val = pstrdup(s);
	v.val.string.len = strlen(s);
	return v;
}

static void
push(JsonbParseState **state, const char *key, JsonbValue value)
{
	JsonbValue name = string_value(key);

	pushJsonbValue(state, WJB_KEY, &name);
	pushJsonbValue(state, WJB_VALUE, &value);
}

const Jsonb *
scpg_call_arguments(const char *images, int k, const Jsonb *options)
{
	JsonbParseState *state = NULL;
	JsonbValue v = {.type = jbvNull};

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push(&state, "images", string_value(images));
	if (k != 0)
	{
		v.type = jbvNumeric;
		v.val.numeric = int64_to_numeric(k);
		push(&state, "k", v);
	}
	if (options != NULL)
	{
		JsonbToJsonbValue((Jsonb *) options, &v);
		push(&state, "options", v);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}
