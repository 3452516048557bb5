/*-------------------------------------------------------------------------
 *
 * src/pg/type/numbers.c
 *	  Text and binary form of the types that are numbers with a head.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>
#include <stdlib.h>

#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/memutils.h"

#include "pg/type/numbers.h"

scpg_numbers *
scpg_numbers_new(const scpg_numbers_type *type, const int32 *head)
{
	size_t count = type->count(head);
	scpg_numbers *result;

	if (count == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("invalid sizes of a %s", type->name)));
	if (count > (MaxAllocSize - NUMBERS_SIZE(0)) / sizeof(double))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s is too large", type->name),
						errdetail("It would hold %zu numbers.", count)));
	result = palloc0(NUMBERS_SIZE(count));
	SET_VARSIZE(result, NUMBERS_SIZE(count));
	memcpy(result->head, head, type->heads * sizeof(int32));
	return result;
}

static bool
all_right(const scpg_numbers_type *type, const scpg_numbers *value)
{
	size_t count = type->count(value->head);

	for (size_t i = 0; i < count; i++)
		if (!isfinite(value->x[i]))
			return false;
	return type->valid(value);
}

#define SYNTAX_ERROR(...) \
	ereturn(fcinfo->context, (Datum) 0, \
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type %s", type->name), \
			 errdetail(__VA_ARGS__)))

Datum
scpg_numbers_in(const scpg_numbers_type *type, FunctionCallInfo fcinfo)
{
	const char *p = PG_GETARG_CSTRING(0);
	int32 head[NUMBERS_HEAD] = {0};
	size_t count;
	scpg_numbers *result;
	char *end;

	if (*p++ != '(')
		SYNTAX_ERROR("It must start with \"(\".");
	for (int i = 0; i < type->heads; i++)
	{
		long value;

		errno = 0;
		value = strtol(p, &end, 10);
		if (end == p || errno != 0 || value < 0 || value > PG_INT32_MAX)
			SYNTAX_ERROR("Size %d is not a whole number of 0 or more.", i + 1);
		if (*end != (i == type->heads - 1 ? ';' : ','))
			SYNTAX_ERROR("There must be %d sizes, then \";\".", type->heads);
		head[i] = (int32) value;
		p = end + 1;
	}
	count = type->count(head);

	/* Every number takes two characters: no memory for numbers that are not there. */
	if (count == 0 || count > strlen(p) / 2)
		SYNTAX_ERROR("The sizes do not fit the numbers.");
	result = scpg_numbers_new(type, head);
	for (size_t i = 0; i < count; i++)
	{
		result->x[i] = strtod(p, &end);
		if (end == p || *end != (i == count - 1 ? ')' : ','))
			SYNTAX_ERROR("There must be %zu numbers, then \")\".", count);
		p = end + 1;
	}
	if (*p != '\0')
		SYNTAX_ERROR("Junk after closing \")\".");
	if (!all_right(type, result))
		SYNTAX_ERROR("A number is not one that type %s allows.", type->name);
	PG_RETURN_POINTER(result);
}

Datum
scpg_numbers_out(const scpg_numbers_type *type, FunctionCallInfo fcinfo)
{
	const scpg_numbers *value = (const scpg_numbers *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	size_t count = type->count(value->head);
	char digits[DOUBLE_SHORTEST_DECIMAL_LEN];
	StringInfoData buf;

	initStringInfo(&buf);
	for (int i = 0; i < type->heads; i++)
		appendStringInfo(&buf, "%c%d", i == 0 ? '(' : ',', value->head[i]);
	for (size_t i = 0; i < count; i++)
	{
		double_to_shortest_decimal_buf(value->x[i], digits);
		appendStringInfoChar(&buf, i == 0 ? ';' : ',');
		appendStringInfoString(&buf, digits);
	}
	appendStringInfoChar(&buf, ')');
	PG_RETURN_CSTRING(buf.data);
}

Datum
scpg_numbers_recv(const scpg_numbers_type *type, FunctionCallInfo fcinfo)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int32 head[NUMBERS_HEAD] = {0};
	size_t count;
	scpg_numbers *result;

	for (int i = 0; i < type->heads; i++)
		head[i] = (int32) pq_getmsgint(buf, 4);
	count = type->count(head);
	if (count == 0 || count != (size_t) (buf->len - buf->cursor) / sizeof(double) ||
		(buf->len - buf->cursor) % sizeof(double) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid binary format for type %s", type->name),
						errdetail("The sizes do not fit the %d bytes that follow.", buf->len - buf->cursor)));
	result = scpg_numbers_new(type, head);
	for (size_t i = 0; i < count; i++)
		result->x[i] = pq_getmsgfloat8(buf);
	if (!all_right(type, result))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid binary format for type %s", type->name),
						errdetail("A number is not one that type %s allows.", type->name)));
	PG_RETURN_POINTER(result);
}

Datum
scpg_numbers_send(const scpg_numbers_type *type, FunctionCallInfo fcinfo)
{
	const scpg_numbers *value = (const scpg_numbers *) PG_DETOAST_DATUM(PG_GETARG_DATUM(0));
	size_t count = type->count(value->head);
	StringInfoData buf;

	pq_begintypsend(&buf);
	for (int i = 0; i < type->heads; i++)
		pq_sendint32(&buf, (uint32) value->head[i]);
	for (size_t i = 0; i < count; i++)
		pq_sendfloat8(&buf, value->x[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}
