/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding.c
 *	  The SQL type embedding: text and binary form, type modifier, and how
 *	  other files make one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>
#include <stdlib.h>

#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pg/type/embedding.h"

/* How much of a malformed literal an error message repeats, in bytes. */
#define LITERAL_SHOWN 80

/* Bytes of the binary form before the elements: dim and unused. */
#define BINARY_HEADER 4

void
scpg_embedding_check_dim(int64 dim)
{
	if (dim < 1)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("embedding must have at least 1 dimension")));
	if (dim > EMBEDDING_MAX_DIM)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("embedding cannot have more than %d dimensions", EMBEDDING_MAX_DIM)));
}

void
scpg_embedding_check_dims(const scpg_embedding *a, const scpg_embedding *b)
{
	if (a->dim != b->dim)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("different embedding dimensions %d and %d", a->dim, b->dim)));
}

void
scpg_embedding_check_expected(int expected, int dim)
{
	if (expected != dim)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", expected, dim)));
}

void
scpg_embedding_check_value(float value)
{
	if (isnan(value))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in embedding")));
	if (isinf(value))
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in embedding")));
}

scpg_embedding *
scpg_embedding_new(int dim)
{
	scpg_embedding *result;

	scpg_embedding_check_dim(dim);
	result = palloc0(EMBEDDING_SIZE(dim));
	SET_VARSIZE(result, EMBEDDING_SIZE(dim));
	result->dim = (int16) dim;
	return result;
}

scpg_embedding *
scpg_embedding_from_floats(const float *x, int dim)
{
	scpg_embedding *result = scpg_embedding_new(dim);

	for (int i = 0; i < dim; i++)
	{
		scpg_embedding_check_value(x[i]);
		result->x[i] = x[i];
	}
	return result;
}

/*
 * Text form: [1,2.5,-3e-2]. White space is allowed around every element.
 */

static inline bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static const char *
skip_space(const char *p)
{
	while (is_space(*p))
		p++;
	return p;
}

/* The literal, cut to what a message can bear; a whole one can be megabytes. */
static char *
shown(const char *literal)
{
	int len = (int) strnlen(literal, LITERAL_SHOWN + MAX_MULTIBYTE_CHAR_LEN);

	if (len <= LITERAL_SHOWN)
		return pstrdup(literal);
	len = pg_mbcliplen(literal, len, LITERAL_SHOWN);
	return psprintf("%.*s...", len, literal);
}

PG_FUNCTION_INFO_V1(scpg_embedding_in);
Datum
scpg_embedding_in(PG_FUNCTION_ARGS)
{
	const char *literal = PG_GETARG_CSTRING(0);
	int32 typmod = PG_GETARG_INT32(2);
	Node *escontext = fcinfo->context;
	const char *p = skip_space(literal);
	int capacity = 1;
	int dim = 0;
	scpg_embedding *result;

	if (*p != '[')
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type embedding: \"%s\"", shown(literal)),
				 errdetail("An embedding must start with \"[\".")));
	p = skip_space(p + 1);
	if (*p == ']')
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("embedding must have at least 1 dimension")));

	/* One comma stands between two elements, so this is enough room. */
	for (const char *c = p; *c != '\0' && capacity < EMBEDDING_MAX_DIM; c++)
		capacity += *c == ',';
	result = scpg_embedding_new(capacity);

	for (;;)
	{
		char *end;
		float value;

		if (dim == EMBEDDING_MAX_DIM)
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("embedding cannot have more than %d dimensions", EMBEDDING_MAX_DIM)));

		/* As float4in: no detour over double, whose rounding would come on top. */
		errno = 0;
		value = strtof(p, &end);
		if (end == p)
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type embedding: \"%s\"", shown(literal)),
					 errdetail("Element %d is not a number.", dim + 1)));

		/* Too small a number becomes zero: only its overflow is an error. */
		if (errno == ERANGE && isinf(value))
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("\"%.*s\" is out of range for type embedding", Min((int) (end - p), LITERAL_SHOWN), p)));
		if (isnan(value))
			ereturn(escontext, (Datum) 0, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in embedding")));
		if (isinf(value))
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in embedding")));
		result->x[dim++] = value;

		p = skip_space(end);
		if (*p == ']')
			break;
		if (*p != ',')
			ereturn(escontext, (Datum) 0,
					(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
					 errmsg("invalid input syntax for type embedding: \"%s\"", shown(literal)),
					 errdetail("Element %d must be followed by \",\" or \"]\".", dim)));
		p = skip_space(p + 1);
	}

	p = skip_space(p + 1);
	if (*p != '\0')
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
				 errmsg("invalid input syntax for type embedding: \"%s\"", shown(literal)),
				 errdetail("Junk after closing \"]\".")));
	if (typmod != -1 && typmod != dim)
		ereturn(escontext, (Datum) 0,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", typmod, dim)));

	Assert(dim == capacity);
	PG_RETURN_EMBEDDING(result);
}

PG_FUNCTION_INFO_V1(scpg_embedding_out);
Datum
scpg_embedding_out(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	char *text = palloc((size_t) e->dim * FLOAT_SHORTEST_DECIMAL_LEN + 3);
	char *p = text;

	*p++ = '[';
	for (int i = 0; i < e->dim; i++)
	{
		if (i > 0)
			*p++ = ',';
		p += float_to_shortest_decimal_bufn(e->x[i], p);
	}
	*p++ = ']';
	*p = '\0';
	PG_RETURN_CSTRING(text);
}

/*
 * Binary form, pgvector's: int16 dim, int16 zero, dim times float4.
 */

PG_FUNCTION_INFO_V1(scpg_embedding_recv);
Datum
scpg_embedding_recv(PG_FUNCTION_ARGS)
{
	StringInfo buf = (StringInfo) PG_GETARG_POINTER(0);
	int32 typmod = PG_GETARG_INT32(2);
	int remaining = buf->len - buf->cursor;
	int dim;
	int unused;
	scpg_embedding *result;

	if (remaining < BINARY_HEADER)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid binary format for type embedding"),
				 errdetail("The header takes %d bytes, there are %d.", BINARY_HEADER, remaining)));
	dim = (int16) pq_getmsgint(buf, sizeof(int16));
	unused = (int16) pq_getmsgint(buf, sizeof(int16));
	remaining -= BINARY_HEADER;

	if (dim < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid binary format for type embedding"),
				 errdetail("The number of dimensions is %d.", dim)));
	scpg_embedding_check_dim(dim);
	if (unused != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid binary format for type embedding"),
				 errdetail("The reserved field is %d, not 0.", unused)));
	if (remaining != dim * (int) sizeof(float))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION), errmsg("invalid binary format for type embedding"),
				 errdetail("%d dimensions take %d bytes, there are %d.", dim, dim * (int) sizeof(float), remaining)));
	if (typmod != -1)
		scpg_embedding_check_expected(typmod, dim);

	result = scpg_embedding_new(dim);
	for (int i = 0; i < dim; i++)
	{
		result->x[i] = pq_getmsgfloat4(buf);
		scpg_embedding_check_value(result->x[i]);
	}
	PG_RETURN_EMBEDDING(result);
}

PG_FUNCTION_INFO_V1(scpg_embedding_send);
Datum
scpg_embedding_send(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	StringInfoData buf;

	pq_begintypsend(&buf);
	pq_sendint16(&buf, (uint16) e->dim);
	pq_sendint16(&buf, (uint16) e->unused);
	for (int i = 0; i < e->dim; i++)
		pq_sendfloat4(&buf, e->x[i]);
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

/*
 * Type modifier: embedding(n).
 */

PG_FUNCTION_INFO_V1(scpg_embedding_typmod_in);
Datum
scpg_embedding_typmod_in(PG_FUNCTION_ARGS)
{
	int n;
	int32 *typmods = ArrayGetIntegerTypmods(PG_GETARG_ARRAYTYPE_P(0), &n);

	if (n != 1)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid type modifier for type embedding"),
						errhint("Give the number of dimensions alone, such as embedding(512).")));
	if (typmods[0] < 1 || typmods[0] > EMBEDDING_MAX_DIM)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("dimensions for type embedding must be between 1 and %d", EMBEDDING_MAX_DIM),
						errdetail("The type modifier is %d.", typmods[0])));
	PG_RETURN_INT32(typmods[0]);
}

/* A literal is read without the modifier; this cast then applies it. */
PG_FUNCTION_INFO_V1(scpg_embedding_coerce);
Datum
scpg_embedding_coerce(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	int32 typmod = PG_GETARG_INT32(1);

	if (typmod != -1)
		scpg_embedding_check_expected(typmod, e->dim);
	PG_RETURN_EMBEDDING(e);
}
