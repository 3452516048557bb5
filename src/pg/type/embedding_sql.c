/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding_sql.c
 *	  The SQL type embedding: text and binary form, type modifier.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"

#include "pg/type/embedding.h"

/* Bytes of the binary form before the elements: dim and unused. */
#define BINARY_HEADER 4

/*
 * Text form: [1,2.5,-3e-2]. White space is allowed around every element.
 */

PG_FUNCTION_INFO_V1(scpg_embedding_in);
Datum
scpg_embedding_in(PG_FUNCTION_ARGS)
{
	PG_RETURN_EMBEDDING(scpg_embedding_parse(PG_GETARG_CSTRING(0), PG_GETARG_INT32(2), fcinfo->context));
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
