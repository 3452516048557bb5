/*-------------------------------------------------------------------------
 *
 * src/pg/server/options.c
 *	  Options given as jsonb.
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
#include "utils/varlena.h"

#include "pg/server/options.h"

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
			return numeric_normalize(value->val.numeric);
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

/* A limit of a whole number; what a double can only round, the ends of int64, as they are. */
static long long
whole(double limit)
{
	if (limit >= 9223372036854775807.0)
		return PG_INT64_MAX;
	return limit <= -9223372036854775808.0 ? PG_INT64_MIN : (long long) limit;
}

/* What the option takes, for a hint. */
static char *
expected(const scpg_option *o)
{
	StringInfoData s;

	initStringInfo(&s);
	switch (o->type)
	{
		case SCPG_OPTION_BOOL:
			appendStringInfoString(&s, "true or false");
			break;
		case SCPG_OPTION_INT:
		case SCPG_OPTION_INT8:
			appendStringInfo(&s, "a whole number from %lld to %lld", whole(o->min), whole(o->max));
			break;
		case SCPG_OPTION_FLOAT:
		case SCPG_OPTION_FLOATS:
			if (o->type == SCPG_OPTION_FLOATS)
				appendStringInfo(&s, "an array of %d numbers, each ", o->count);
			else
				appendStringInfoString(&s, "a number ");
			if (isinf(o->max))
				appendStringInfo(&s, "%s %g", o->min_excluded ? "above" : "not below", o->min);
			else
				appendStringInfo(&s, "%s %g and at most %g", o->min_excluded ? "above" : "not below", o->min, o->max);
			break;
		case SCPG_OPTION_ENUM:
		case SCPG_OPTION_CHOICE:
			for (int i = 0; o->values[i] != NULL; i++)
				appendStringInfo(&s, "%s\"%s\"",
								 i == 0							? ""
								 : o->values[i + 1] || o->other ? ", "
																: " or ",
								 o->values[i]);
			if (o->other)
				appendStringInfo(&s, ", %s", o->other);
			break;
		case SCPG_OPTION_TEXT:
			appendStringInfoString(&s, "a string");
			break;
		case SCPG_OPTION_INTERVAL:
			appendStringInfoString(&s, "an interval such as \"10 minutes\"");
			break;
		case SCPG_OPTION_COUNT_OR_SHARE:
			appendStringInfo(&s, "a whole number from 1 to %.0f or a share between 0 and 1", o->max);
			break;
		case SCPG_OPTION_OBJECT:
			appendStringInfoString(&s, "an object with ");
			for (int i = 0; i < o->count; i++)
				appendStringInfo(&s, "%s\"%s\"", i == 0 ? "" : " and ", o->fields[i].name);
			break;
	}
	if (o->nullable)
		appendStringInfoString(&s, ", or null");
	return s.data;
}

static void read_object(void *target, bool *given, JsonbContainer *object, const scpg_option *table, int entries);

static void
refuse(const scpg_option *o, JsonbValue *value)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid value for option \"%s\"", o->name),
			 errdetail("The value is %s.", value_text(value)), errhint("\"%s\" takes %s.", o->name, expected(o))));
}

/* A number of the value, which must be one in the range. */
static double
read_number(const scpg_option *o, JsonbValue *value, bool whole)
{
	double x;

	if (value->type != jbvNumeric)
		refuse(o, value);
	x = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow, NumericGetDatum(value->val.numeric)));
	if (isnan(x) || (whole && x != floor(x)) || x < o->min || (o->min_excluded && x <= o->min) || x > o->max)
		refuse(o, value);
	return x;
}

/* A number that int64 holds exactly: beyond 2^53 a double would round. */
static int64
read_int8(const scpg_option *o, JsonbValue *value)
{
	Datum number;

	(void) read_number(o, value, true);
	number = NumericGetDatum(value->val.numeric);
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, number, NumericGetDatum(int64_to_numeric(PG_INT64_MIN)))) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, number, NumericGetDatum(int64_to_numeric(PG_INT64_MAX)))))
		refuse(o, value);
	return DatumGetInt64(DirectFunctionCall1(numeric_int8, number));
}

static double
read_interval(const scpg_option *o, JsonbValue *value)
{
	MemoryContext context = CurrentMemoryContext;
	char *text;
	Interval *interval = NULL;
	double seconds;

	if (value->type != jbvString)
		refuse(o, value);
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
		refuse(o, value);
	}
	PG_END_TRY();
	seconds = (double) interval->time / USECS_PER_SEC + (double) interval->day * SECS_PER_DAY +
			  (double) interval->month * DAYS_PER_MONTH * SECS_PER_DAY;
	if (seconds <= 0)
		refuse(o, value);
	return seconds;
}

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
read_one(void *target, const scpg_option *o, JsonbValue *value)
{
	void *p = (char *) target + o->offset;

	if (value->type == jbvNull)
	{
		if (!o->nullable)
			refuse(o, value);
		switch (o->type)
		{
			case SCPG_OPTION_TEXT:
				*(char **) p = NULL;
				break;
			case SCPG_OPTION_INT:
			case SCPG_OPTION_ENUM:
				*(int *) p = 0;
				break;
			case SCPG_OPTION_INT8:
				*(int64 *) p = 0;
				break;
			case SCPG_OPTION_BOOL:
				*(bool *) p = false;
				break;
			default:
				*(double *) p = 0;
				break;
		}
		return;
	}
	switch (o->type)
	{
		case SCPG_OPTION_BOOL:
			if (value->type != jbvBool)
				refuse(o, value);
			*(bool *) p = value->val.boolean;
			break;
		case SCPG_OPTION_INT:
			*(int *) p = (int) read_number(o, value, true);
			break;
		case SCPG_OPTION_INT8:
			*(int64 *) p = read_int8(o, value);
			break;
		case SCPG_OPTION_FLOAT:
			*(double *) p = read_number(o, value, false);
			break;
		case SCPG_OPTION_COUNT_OR_SHARE:
		{
			double x = read_number(o, value, false);

			if (x > 1 && x != floor(x))
				refuse(o, value);
			*(double *) p = x;
			break;
		}
		case SCPG_OPTION_FLOATS:
		{
			JsonbIterator *it;
			JsonbValue element;
			JsonbIteratorToken token;
			int n = 0;

			if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data) ||
				JsonContainerIsScalar(value->val.binary.data) || JsonContainerSize(value->val.binary.data) != o->count)
				refuse(o, value);
			it = JsonbIteratorInit(value->val.binary.data);
			while ((token = JsonbIteratorNext(&it, &element, true)) != WJB_DONE)
				if (token == WJB_ELEM)
					((double *) p)[n++] = read_number(o, &element, false);
			break;
		}
		case SCPG_OPTION_ENUM:
			*(int *) p = find_value(o, value);
			if (o->values[*(int *) p] == NULL)
				refuse(o, value);
			break;
		case SCPG_OPTION_CHOICE:
		{
			scpg_choice *choice = p;

			choice->value = find_value(o, value);
			choice->other = NULL;
			if (o->values[choice->value] != NULL)
				break;
			if (!(value->type == jbvString && value->val.string.len > 0 && value->val.string.val[0] == '(') &&
				!(value->type == jbvBinary && JsonContainerIsArray(value->val.binary.data)))
				refuse(o, value);
			choice->other = JsonbValueToJsonb(value);
			break;
		}
		case SCPG_OPTION_TEXT:
			if (value->type != jbvString)
				refuse(o, value);
			*(char **) p = pnstrdup(value->val.string.val, value->val.string.len);
			break;
		case SCPG_OPTION_INTERVAL:
			*(double *) p = read_interval(o, value);
			break;
		case SCPG_OPTION_OBJECT:
			if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
				refuse(o, value);
			read_object(target, NULL, value->val.binary.data, o->fields, o->count);
			break;
	}
}

static void
read_object(void *target, bool *given, JsonbContainer *object, const scpg_option *table, int entries)
{
	JsonbIterator *it;
	JsonbValue key, value;
	JsonbIteratorToken token;

	it = JsonbIteratorInit(object);
	while ((token = JsonbIteratorNext(&it, &key, true)) != WJB_DONE)
	{
		int i;

		if (token != WJB_KEY)
			continue;
		(void) JsonbIteratorNext(&it, &value, true);
		for (i = 0; i < entries; i++)
			if (strlen(table[i].name) == key.val.string.len &&
				memcmp(table[i].name, key.val.string.val, key.val.string.len) == 0)
				break;
		if (i == entries)
		{
			char *name = pnstrdup(key.val.string.val, Min(key.val.string.len, 100));
			const char **names = palloc(entries * sizeof(char *));
			const char *nearest;

			for (int j = 0; j < entries; j++)
				names[j] = table[j].name;
			nearest = scpg_nearest(name, names, entries);
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown option \"%s\"", name),
							errdetail("Its value is %s.", value_text(&value)),
							nearest ? errhint("Perhaps you meant the option \"%s\".", nearest)
									: errhint("The documentation of the function lists its options.")));
		}
		read_one(target, &table[i], &value);
		if (given != NULL)
			given[i] = true;
	}
}

void
scpg_options_read(void *target, bool *given, const Jsonb *options, const scpg_option *table, int entries)
{
	if (options == NULL)
		return;
	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options must be a JSON object"),
						errhint("For example: '{\"seed\": 7}'.")));
	read_object(target, given, (JsonbContainer *) &options->root, table, entries);
}

static JsonbValue
number_value(double x)
{
	JsonbValue v;

	/* As text, so that 0.06 stays 0.06. */
	v.type = jbvNumeric;
	v.val.numeric = DatumGetNumeric(DirectFunctionCall3(numeric_in, CStringGetDatum(psprintf("%.15g", x)),
														ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	return v;
}

static JsonbValue *
write_object(JsonbParseState **state, const void *target, const scpg_option *table, int entries)
{
	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < entries; i++)
	{
		const scpg_option *o = &table[i];
		const void *p = (const char *) target + o->offset;
		JsonbValue v;

		v.type = jbvString;
		v.val.string.val = unconstify(char *, o->name);
		v.val.string.len = strlen(o->name);
		pushJsonbValue(state, WJB_KEY, &v);
		v.type = jbvNull;
		switch (o->type)
		{
			case SCPG_OPTION_BOOL:
				v.type = jbvBool;
				v.val.boolean = *(const bool *) p;
				break;
			case SCPG_OPTION_INT:
				if (!o->nullable || *(const int *) p != 0)
					v = number_value(*(const int *) p);
				break;
			case SCPG_OPTION_INT8:
				v.type = jbvNumeric;
				v.val.numeric = int64_to_numeric(*(const int64 *) p);
				break;
			case SCPG_OPTION_FLOAT:
			case SCPG_OPTION_COUNT_OR_SHARE:
				if (!o->nullable || *(const double *) p != 0)
					v = number_value(*(const double *) p);
				break;
			case SCPG_OPTION_FLOATS:
				pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
				for (int j = 0; j < o->count; j++)
				{
					v = number_value(((const double *) p)[j]);
					pushJsonbValue(state, WJB_ELEM, &v);
				}
				pushJsonbValue(state, WJB_END_ARRAY, NULL);
				continue;
			case SCPG_OPTION_ENUM:
				v.type = jbvString;
				v.val.string.val = unconstify(char *, o->values[*(const int *) p]);
				v.val.string.len = strlen(v.val.string.val);
				break;
			case SCPG_OPTION_CHOICE:
			{
				const scpg_choice *choice = p;

				if (choice->other != NULL)
				{
					if (!JsonbExtractScalar(&choice->other->root, &v))
						JsonbToJsonbValue(choice->other, &v);
				}
				else
				{
					v.type = jbvString;
					v.val.string.val = unconstify(char *, o->values[choice->value]);
					v.val.string.len = strlen(v.val.string.val);
				}
				break;
			}
			case SCPG_OPTION_TEXT:
				if (*(char *const *) p != NULL)
				{
					v.type = jbvString;
					v.val.string.val = *(char *const *) p;
					v.val.string.len = strlen(v.val.string.val);
				}
				break;
			case SCPG_OPTION_INTERVAL:
				if (*(const double *) p != 0)
				{
					v.type = jbvString;
					v.val.string.val = psprintf("%.6g seconds", *(const double *) p);
					v.val.string.len = strlen(v.val.string.val);
				}
				break;
			case SCPG_OPTION_OBJECT:
				(void) write_object(state, target, o->fields, o->count);
				continue;
		}
		pushJsonbValue(state, WJB_VALUE, &v);
	}
	return pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

Jsonb *
scpg_options_write(const void *target, const scpg_option *table, int entries)
{
	JsonbParseState *state = NULL;

	return JsonbValueToJsonb(write_object(&state, target, table, entries));
}
