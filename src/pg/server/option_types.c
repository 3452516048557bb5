/*-------------------------------------------------------------------------
 *
 * src/pg/server/option_types.c
 *	  The types of options: how each is described, read and written.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "pg/server/options_parts.h"

/* ---- values of JSON --------------------------------------------------------- */

static void
push_string(JsonbParseState **state, const char *text)
{
	JsonbValue v;

	v.type = jbvString;
	v.val.string.val = unconstify(char *, text);
	v.val.string.len = strlen(text);
	pushJsonbValue(state, WJB_VALUE, &v);
}

/* token: WJB_VALUE, or WJB_ELEM in an array. */
static void
push_numeric(JsonbParseState **state, JsonbIteratorToken token, Numeric x)
{
	JsonbValue v;

	v.type = jbvNumeric;
	v.val.numeric = x;
	pushJsonbValue(state, token, &v);
}

static void
push_number(JsonbParseState **state, JsonbIteratorToken token, double x)
{
	/* As text, so that 0.06 stays 0.06. */
	push_numeric(state, token,
				 DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(psprintf("%.15g", x)),
													 ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1))));
}

/* A number of the value, which must be one in the range. */
static double
read_number(const scpg_option *o, JsonbValue *value, bool whole)
{
	double x;

	if (value->type != jbvNumeric)
		scpg_option_refuse(o, value);
	x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (isnan(x) || (whole && x != floor(x)) || x < o->min || (o->min_excluded && x <= o->min) || x > o->max)
		scpg_option_refuse(o, value);
	return x;
}

/* ---- true and false --------------------------------------------------------- */

static void
describe_bool(StringInfo s, const scpg_option *o)
{
	appendStringInfoString(s, "true or false");
}

static void
read_bool(void *variable, const scpg_option *o, JsonbValue *value)
{
	if (value->type != jbvBool)
		scpg_option_refuse(o, value);
	*(bool *) variable = value->val.boolean;
}

static void
write_bool(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	JsonbValue v;

	v.type = jbvBool;
	v.val.boolean = *(const bool *) variable;
	pushJsonbValue(state, WJB_VALUE, &v);
}

/* ---- whole numbers ---------------------------------------------------------- */

/* A limit of a whole number; what a double can only round, the ends of int64, as they are. */
static long long
whole(double limit)
{
	if (limit >= 9223372036854775807.0)
		return PG_INT64_MAX;
	return limit <= -9223372036854775808.0 ? PG_INT64_MIN : (long long) limit;
}

static void
describe_whole(StringInfo s, const scpg_option *o)
{
	/* The ends of a type are no bounds that anybody has in mind. */
	if (whole(o->max) < PG_INT32_MAX)
		appendStringInfo(s, "a whole number from %lld to %lld", whole(o->min), whole(o->max));
	else if (whole(o->min) > PG_INT32_MIN)
		appendStringInfo(s, "a whole number from %lld on", whole(o->min));
	else
		appendStringInfoString(s, whole(o->max) > PG_INT32_MAX ? "a whole number (bigint)" : "a whole number (int)");
}

static void
read_int(void *variable, const scpg_option *o, JsonbValue *value)
{
	*(int *) variable = (int) read_number(o, value, true);
}

static void
write_int(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	push_number(state, WJB_VALUE, *(const int *) variable);
}

/* A number that int64 holds exactly: beyond 2^53 a double would round. */
static void
read_int8(void *variable, const scpg_option *o, JsonbValue *value)
{
	Datum number;

	(void) read_number(o, value, true);
	number = NumericGetDatum(value->val.numeric);
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, number, NumericGetDatum(int64_to_numeric(PG_INT64_MIN)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number, NumericGetDatum(int64_to_numeric(PG_INT64_MAX)))))
		scpg_option_refuse(o, value);
	*(int64 *) variable = DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
}

static void
write_int8(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	push_numeric(state, WJB_VALUE, int64_to_numeric(*(const int64 *) variable));
}

/* ---- numbers ---------------------------------------------------------------- */

static void
describe_range(StringInfo s, const scpg_option *o)
{
	appendStringInfo(s, "%s %g", o->min_excluded ? "above" : "not below", o->min);
	if (!isinf(o->max))
		appendStringInfo(s, " and at most %g", o->max);
}

static void
describe_float(StringInfo s, const scpg_option *o)
{
	appendStringInfoString(s, "a number ");
	describe_range(s, o);
}

static void
read_float(void *variable, const scpg_option *o, JsonbValue *value)
{
	*(double *) variable = read_number(o, value, false);
}

static void
write_float(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	push_number(state, WJB_VALUE, *(const double *) variable);
}

static void
describe_floats(StringInfo s, const scpg_option *o)
{
	appendStringInfo(s, "an array of %d numbers, each ", o->count);
	describe_range(s, o);
}

static void
read_floats(void *variable, const scpg_option *o, JsonbValue *value)
{
	JsonbIterator *it;
	JsonbValue element;
	JsonbIteratorToken token;
	int n = 0;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
		JsonContainerIsScalar(value->val.binary.data) || JsonContainerSize(value->val.binary.data) != o->count)
		scpg_option_refuse(o, value);
	it = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			((double *) variable)[n++] = read_number(o, &element, false);
	Assert(n == o->count);
}

static void
write_floats(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < o->count; i++)
		push_number(state, WJB_ELEM, ((const double *) variable)[i]);
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
describe_count_or_share(StringInfo s, const scpg_option *o)
{
	appendStringInfo(s, "a whole number from 1 to %.0f or a share between 0 and 1", o->max);
}

static void
read_count_or_share(void *variable, const scpg_option *o, JsonbValue *value)
{
	double x = read_number(o, value, false);

	if (x > 1 && x != floor(x))
		scpg_option_refuse(o, value);
	*(double *) variable = x;
}

StaticAssertDecl(sizeof(scpg_stage) == sizeof(int), "enums are read and written as int");

/* ---- one of several names --------------------------------------------------- */

/* Which of o->values the string is; their number for none of them. */
static int
find_value(const scpg_option *o, const JsonbValue *value)
{
	int i = 0;

	while (o->values[i] != NULL && (value->type != jbvString || strlen(o->values[i]) != value->val.string.len ||
									memcmp(o->values[i], value->val.string.val, value->val.string.len) != 0))
		i++;
	return i;
}

static void
describe_names(StringInfo s, const scpg_option *o)
{
	for (int i = 0; o->values[i] != NULL; i++)
	{
		bool last = o->values[i + 1] == NULL && o->other == NULL;

		appendStringInfo(s, "%s\"%s\"", i == 0 ? "" : last ? " or " : ", ", o->values[i]);
	}
	if (o->other != NULL)
		appendStringInfo(s, ", %s", o->other);
}

static void
read_enum(void *variable, const scpg_option *o, JsonbValue *value)
{
	int found = find_value(o, value);

	if (o->values[found] == NULL)
		scpg_option_refuse(o, value);
	*(int *) variable = found;
}

static void
write_enum(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	push_string(state, o->values[*(const int *) variable]);
}

static void
read_choice(void *variable, const scpg_option *o, JsonbValue *value)
{
	scpg_choice *choice = variable;

	choice->value = find_value(o, value);
	choice->other = NULL;
	if (o->values[choice->value] != NULL)
		return;
	if (!(value->type == jbvString && value->val.string.len > 0 && value->val.string.val[0] == '(') &&
		!(value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data)))
		scpg_option_refuse(o, value);
	choice->other = JsonbValueToJsonb(value);
}

static void
write_choice(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	const scpg_choice *choice = variable;
	JsonbValue v;

	if (choice->other == NULL)
	{
		push_string(state, o->values[choice->value]);
		return;
	}
	if (!JsonbExtractScalar(&choice->other->root, &v))
		JsonbToJsonbValue(choice->other, &v);
	pushJsonbValue(state, WJB_VALUE, &v);
}

/* ---- text and what is written as text --------------------------------------- */

static void
describe_text(StringInfo s, const scpg_option *o)
{
	appendStringInfoString(s, "a string");
}

static void
read_text(void *variable, const scpg_option *o, JsonbValue *value)
{
	if (value->type != jbvString)
		scpg_option_refuse(o, value);
	*(char **) variable = pnstrdup(value->val.string.val, value->val.string.len);
}

static void
write_text(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	push_string(state, *(char *const *) variable);
}

/* A name, or an array of them: what makes a key. */
static void
describe_column_names(StringInfo s, const scpg_option *o)
{
	appendStringInfo(s, "a string, or an array of 1 to %d strings", INDEX_MAX_KEYS);
}

static void
read_column_names(void *variable, const scpg_option *o, JsonbValue *value)
{
	JsonbIterator *it;
	JsonbValue element;
	JsonbIteratorToken token;
	char **names;
	int n = 0;

	if (value->type == jbvString)
	{
		names = palloc0(2 * sizeof(char *));
		read_text(&names[0], o, value);
	}
	else
	{
		if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
			JsonContainerSize(value->val.binary.data) < 1 || JsonContainerSize(value->val.binary.data) > INDEX_MAX_KEYS)
			scpg_option_refuse(o, value);
		names = palloc0((JsonContainerSize(value->val.binary.data) + 1) * sizeof(char *));
		it = JsonbIteratorInit(value->val.binary.data);
		while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
			if (token == WJB_ELEM)
				read_text(&names[n++], o, &element);
	}
	*(char ***) variable = names;
}

static void
write_column_names(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	char *const *names = *(char **const *) variable;
	JsonbValue v;

	if (names[1] == NULL)
	{
		push_string(state, names[0]);
		return;
	}
	pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	v.type = jbvString;
	for (int i = 0; names[i] != NULL; i++)
	{
		v.val.string.val = names[i];
		v.val.string.len = strlen(names[i]);
		pushJsonbValue(state, WJB_ELEM, &v);
	}
	pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
describe_interval(StringInfo s, const scpg_option *o)
{
	appendStringInfoString(s, "an interval such as \"10 minutes\"");
}

static void
read_interval(void *variable, const scpg_option *o, JsonbValue *value)
{
	MemoryContext context = CurrentMemoryContext;
	char *text;
	Interval *interval = NULL;
	double seconds;

	if (value->type != jbvString)
		scpg_option_refuse(o, value);
	text = pnstrdup(value->val.string.val, value->val.string.len);
	PG_TRY();
	{
		interval = DatumGetIntervalP(
			DirectFunctionCall3(interval_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	}
	PG_CATCH();
	{
		/* No interval, or one out of its range: to the caller a wrong value like any other. */
		if (ERRCODE_TO_CATEGORY(geterrcode()) != ERRCODE_DATA_EXCEPTION)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
		scpg_option_refuse(o, value);
	}
	PG_END_TRY();
	seconds = (double) interval->time / USECS_PER_SEC + (double) interval->day * SECS_PER_DAY +
			  (double) interval->month * DAYS_PER_MONTH * SECS_PER_DAY;
	if (seconds <= 0)
		scpg_option_refuse(o, value);
	*(double *) variable = seconds;
}

static void
write_interval(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	push_string(state, psprintf("%.6g seconds", *(const double *) variable));
}

/* ---- objects ---------------------------------------------------------------- */

static void
describe_object(StringInfo s, const scpg_option *o)
{
	appendStringInfoString(s, "an object with ");
	for (int i = 0; i < o->count; i++)
		appendStringInfo(s, "%s\"%s\"", i == 0 ? "" : " and ", o->fields[i].name);
}

/* The variables are the fields', by their offsets: the object itself has none. */
static void
read_object(void *variable, const scpg_option *o, JsonbValue *value)
{
	Assert(o->offset == 0);
	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		scpg_option_refuse(o, value);
	scpg_options_read_object(variable, NULL, value->val.binary.data, o->fields, o->count);
}

static void
write_object(JsonbParseState **state, const void *variable, const scpg_option *o)
{
	(void) scpg_options_write_object(state, variable, o->fields, o->count);
}

const scpg_option_ops scpg_option_types[] = {
	[SCPG_OPTION_BOOL] = {sizeof(bool), describe_bool, read_bool, write_bool},
	[SCPG_OPTION_INT] = {sizeof(int), describe_whole, read_int, write_int},
	[SCPG_OPTION_INT8] = {sizeof(int64), describe_whole, read_int8, write_int8},
	[SCPG_OPTION_FLOAT] = {sizeof(double), describe_float, read_float, write_float},
	[SCPG_OPTION_FLOATS] = {0, describe_floats, read_floats, write_floats},
	[SCPG_OPTION_ENUM] = {sizeof(int), describe_names, read_enum, write_enum},
	[SCPG_OPTION_CHOICE] = {0, describe_names, read_choice, write_choice},
	[SCPG_OPTION_TEXT] = {sizeof(char *), describe_text, read_text, write_text},
	[SCPG_OPTION_NAMES] = {sizeof(char **), describe_column_names, read_column_names, write_column_names},
	[SCPG_OPTION_INTERVAL] = {sizeof(double), describe_interval, read_interval, write_interval},
	[SCPG_OPTION_COUNT_OR_SHARE] = {sizeof(double), describe_count_or_share, read_count_or_share, write_float},
	[SCPG_OPTION_OBJECT] = {0, describe_object, read_object, write_object},
};
