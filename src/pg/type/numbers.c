/*-------------------------------------------------------------------------
 *
 * src/pg/type/numbers.c
 *	  Making, checking, reading and writing values that are numbers with a head.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>
#include <stdlib.h>

#include "libpq/pqformat.h"
#include "utils/memutils.h"

#include "pg/type/numbers.h"

int
scpg_numbers_heads(const scpg_numbers_form *form, const int32 *head)
{
	for (int i = 0; i < form->more_heads; i++)
		if (head[form->heads + i] != 0)
			return form->heads + form->more_heads;
	return form->heads;
}

scpg_numbers *
scpg_numbers_new(const scpg_numbers_form *form, const int32 *head)
{
	size_t count = form->count(head);
	scpg_numbers *result;

	Assert(form->heads + form->more_heads <= NUMBERS_HEAD);
	if (count == 0)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("invalid sizes of a %s", form->name)));
	if (count > (MaxAllocSize - NUMBERS_SIZE(0)) / sizeof(double))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("%s is too large", form->name),
						errdetail("It would hold %zu numbers.", count)));
	result = palloc0(NUMBERS_SIZE(count));
	SET_VARSIZE(result, NUMBERS_SIZE(count));
	memcpy(result->head, head, (form->heads + form->more_heads) * sizeof(int32));
	return result;
}

bool
scpg_numbers_valid(const scpg_numbers_form *form, const scpg_numbers *value)
{
	size_t count = form->count(value->head);

	for (size_t i = 0; i < count; i++)
		if (!isfinite(value->x[i]))
			return false;
	return form->valid(value);
}

#define SYNTAX_ERROR(...) \
	ereturn(escontext, NULL, \
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), errmsg("invalid input syntax for type %s", form->name), \
			 errdetail(__VA_ARGS__)))

scpg_numbers *
scpg_numbers_parse(const scpg_numbers_form *form, const char *text, Node *escontext)
{
	const char *p = text;
	int32 head[NUMBERS_HEAD] = {0};
	int heads = form->heads;
	size_t count;
	scpg_numbers *result;
	char *end;

	if (*p++ != '(')
		SYNTAX_ERROR("It must start with \"(\".");
	for (int i = 0; i < heads; i++)
	{
		long value;

		errno = 0;
		value = strtol(p, &end, 10);
		if (end == p || errno != 0 || value < 0 || value > PG_INT32_MAX)
			SYNTAX_ERROR("Size %d is not a whole number of 0 or more.", i + 1);
		if (i == form->heads - 1 && *end == ',')
			heads = form->heads + form->more_heads;
		if (*end != (i == heads - 1 ? ';' : ','))
			SYNTAX_ERROR("There must be %d sizes, then \";\".", heads);
		head[i] = (int32) value;
		p = end + 1;
	}
	count = form->count(head);

	/* Every number takes two characters: no memory for numbers that are not there. */
	if (count == 0 || count > strlen(p) / 2)
		SYNTAX_ERROR("The sizes do not fit the numbers.");
	result = scpg_numbers_new(form, head);
	for (size_t i = 0; i < count; i++)
	{
		result->x[i] = strtod(p, &end);
		if (end == p || *end != (i == count - 1 ? ')' : ','))
			SYNTAX_ERROR("There must be %zu numbers, then \")\".", count);
		p = end + 1;
	}
	if (*p != '\0')
		SYNTAX_ERROR("Junk after closing \")\".");
	if (!scpg_numbers_valid(form, result))
		SYNTAX_ERROR("A number is not one that type %s allows.", form->name);
	return result;
}

bytea *
scpg_numbers_write(const scpg_numbers_form *form, const scpg_numbers *value)
{
	size_t count = form->count(value->head);
	StringInfoData buf;

	pq_begintypsend(&buf);
	for (int i = 0; i < scpg_numbers_heads(form, value->head); i++)
		pq_sendint32(&buf, (uint32) value->head[i]);
	for (size_t i = 0; i < count; i++)
		pq_sendfloat8(&buf, value->x[i]);
	return pq_endtypsend(&buf);
}

scpg_numbers *
scpg_numbers_read(const scpg_numbers_form *form, StringInfo buf)
{
	int32 head[NUMBERS_HEAD] = {0};
	size_t count = 0;
	int heads = form->heads;
	scpg_numbers *result;

	/* What follows the integers is a multiple of 8 bytes, and an odd number of them is 4 bytes more. */
	Assert(form->more_heads % 2 == 1 || form->more_heads == 0);
	if ((buf->len - buf->cursor - heads * (int) sizeof(int32)) % (int) sizeof(double) != 0)
		heads += form->more_heads;
	if (buf->len - buf->cursor >= heads * (int) sizeof(int32))
	{
		for (int i = 0; i < heads; i++)
			head[i] = (int32) pq_getmsgint(buf, 4);
		count = form->count(head);
	}
	if (count == 0 || count != (size_t) (buf->len - buf->cursor) / sizeof(double) ||
		(buf->len - buf->cursor) % sizeof(double) != 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid binary format for type %s", form->name),
						errdetail("The sizes do not fit the %d bytes that follow.", buf->len - buf->cursor)));
	result = scpg_numbers_new(form, head);
	for (size_t i = 0; i < count; i++)
		result->x[i] = pq_getmsgfloat8(buf);
	if (!scpg_numbers_valid(form, result))
		ereport(ERROR, (errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
						errmsg("invalid binary format for type %s", form->name),
						errdetail("A number is not one that type %s allows.", form->name)));
	return result;
}
