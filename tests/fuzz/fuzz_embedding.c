/*-------------------------------------------------------------------------
 *
 * tests/fuzz/fuzz_embedding.c
 *	  libFuzzer on what the type embedding reads: its text and its binary form.
 *
 * The type's own source, with what it calls of the server made here: memory of
 * exactly the size that was asked for, so that the sanitizer sees a byte too
 * far, and an error that ends the call. What is read must come out and in
 * again the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <setjmp.h>
#include <stdio.h>

#include "common/shortest_dec.h"
#include "fmgr.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "utils/array.h"

#include "pg/type/embedding.h"

/* The C library's own: the server's stand in the server. */
#undef snprintf
#undef vsnprintf

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
extern Datum scpg_embedding_in(PG_FUNCTION_ARGS);
extern Datum scpg_embedding_out(PG_FUNCTION_ARGS);
extern Datum scpg_embedding_recv(PG_FUNCTION_ARGS);
extern Datum scpg_embedding_send(PG_FUNCTION_ARGS);

/* ---- the server, as far as the type calls it --------------------------------- */

#define MOST_PIECES 256

static void *pieces[MOST_PIECES];
static int piece_count;
static jmp_buf failed;

void *
palloc0(Size size)
{
	void *piece = calloc(1, size ? size : 1);

	if (piece == NULL || piece_count == MOST_PIECES)
		abort();
	return pieces[piece_count++] = piece;
}

void *
palloc(Size size)
{
	return palloc0(size);
}

char *
pstrdup(const char *s)
{
	return strcpy(palloc(strlen(s) + 1), s);
}

char *
psprintf(const char *format, ...)
{
	va_list args;
	char *text;
	int length;

	va_start(args, format);
	length = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = palloc(length + 1);
	va_start(args, format);
	vsnprintf(text, length + 1, format, args);
	va_end(args);
	return text;
}

bool
errstart(int level, const char *domain)
{
	return true;
}

bool
errstart_cold(int level, const char *domain)
{
	return true;
}

int
errcode(int sqlstate)
{
	if (sqlstate == ERRCODE_INTERNAL_ERROR)
		abort();
	return 0;
}

/* The texts are made, as in the server: they read the input again. */
static int
format_message(const char *format, va_list args)
{
	char text[1024];

	vsnprintf(text, sizeof(text), format, args);
	return 0;
}

#define MESSAGE_FUNCTION(name) \
	int name(const char *format, ...) \
	{ \
		va_list args; \
\
		va_start(args, format); \
		format_message(format, args); \
		va_end(args); \
		return 0; \
	}
MESSAGE_FUNCTION(errmsg)
MESSAGE_FUNCTION(errdetail)
MESSAGE_FUNCTION(errhint)

void
errfinish(const char *file, int line, const char *function)
{
	longjmp(failed, 1);
}

#if PG_VERSION_NUM >= 160000
void
ExceptionalCondition(const char *condition, const char *file, int line)
#else
void
ExceptionalCondition(const char *condition, const char *kind, const char *file, int line)
#endif
{
	abort();
}

int
pg_mbcliplen(const char *s, int length, int limit)
{
	return Min(length, limit);
}

int32 *
ArrayGetIntegerTypmods(ArrayType *array, int *n)
{
	abort();
}

struct varlena *
pg_detoast_datum(struct varlena *datum)
{
	return datum;
}

int
float_to_shortest_decimal_bufn(float x, char *text)
{
	return snprintf(text, FLOAT_SHORTEST_DECIMAL_LEN, "%.9g", x);
}

void
enlargeStringInfo(StringInfo buf, int needed)
{
	if (buf->len + needed > buf->maxlen)
		abort();
}

unsigned int
pq_getmsgint(StringInfo msg, int bytes)
{
	uint16 n;

	if (bytes != sizeof(n) || msg->len - msg->cursor < bytes)
		abort();
	memcpy(&n, msg->data + msg->cursor, sizeof(n));
	msg->cursor += sizeof(n);
	return pg_ntoh16(n);
}

float4
pq_getmsgfloat4(StringInfo msg)
{
	uint32 bits;
	float4 x;

	if (msg->len - msg->cursor < (int) sizeof(bits))
		abort();
	memcpy(&bits, msg->data + msg->cursor, sizeof(bits));
	msg->cursor += sizeof(bits);
	bits = pg_ntoh32(bits);
	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* A message has room for the largest embedding. */
#define MESSAGE_BYTES (8 + 4 * EMBEDDING_MAX_DIM)

void
pq_begintypsend(StringInfo buf)
{
	buf->data = palloc(MESSAGE_BYTES);
	buf->maxlen = MESSAGE_BYTES;
	buf->len = VARHDRSZ;
	buf->cursor = 0;
}

void
pq_sendfloat4(StringInfo buf, float4 x)
{
	uint32 bits;

	memcpy(&bits, &x, sizeof(bits));
	pq_sendint32(buf, bits);
}

bytea *
pq_endtypsend(StringInfo buf)
{
	SET_VARSIZE(buf->data, buf->len);
	return (bytea *) buf->data;
}

/* ---- the calls ----------------------------------------------------------------- */

/* One of the type's functions with its first argument and, where it takes one, the type modifier. */
static Datum
call(PGFunction function, Datum argument, int32 typmod)
{
	LOCAL_FCINFO(fcinfo, 3);

	InitFunctionCallInfoData(*fcinfo, NULL, 3, InvalidOid, NULL, NULL);
	fcinfo->args[0].value = argument;
	fcinfo->args[1].value = 0;
	fcinfo->args[2].value = Int32GetDatum(typmod);
	for (int i = 0; i < 3; i++)
		fcinfo->args[i].isnull = false;
	return function(fcinfo);
}

/* Read in one form, it must be of those that are allowed, and the same after the other form. */
static void
check(const scpg_embedding *e)
{
	Datum sent, again;
	StringInfoData message;

	if (e->dim < 1 || e->dim > EMBEDDING_MAX_DIM || e->unused != 0 || VARSIZE(e) < EMBEDDING_SIZE(e->dim))
		abort();
	for (int i = 0; i < e->dim; i++)
		scpg_embedding_check_value(e->x[i]);

	again = call(scpg_embedding_in, call(scpg_embedding_out, PointerGetDatum(e), -1), e->dim);
	if (memcmp(((scpg_embedding *) DatumGetPointer(again))->x, e->x, sizeof(float) * e->dim) != 0)
		abort();
	sent = call(scpg_embedding_send, PointerGetDatum(e), -1);
	message.data = VARDATA(DatumGetPointer(sent));
	message.len = message.maxlen = (int) VARSIZE(DatumGetPointer(sent)) - VARHDRSZ;
	message.cursor = 0;
	again = call(scpg_embedding_recv, PointerGetDatum(&message), e->dim);
	if (memcmp(((scpg_embedding *) DatumGetPointer(again))->x, e->x, sizeof(float) * e->dim) != 0)
		abort();
}

/* The first byte chooses the form. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	volatile bool read = false;

	if (size < 1)
		return 0;
	if (setjmp(failed) == 0)
	{
		Datum value;

		if (data[0] & 1)
		{
			StringInfoData message = {.len = (int) size - 1, .maxlen = (int) size - 1};

			message.data = memcpy(palloc(size - 1), data + 1, size - 1);
			value = call(scpg_embedding_recv, PointerGetDatum(&message), data[0] & 2 ? 3 : -1);
		}
		else
		{
			char *text = memcpy(palloc(size), data + 1, size - 1);

			text[size - 1] = '\0';
			value = call(scpg_embedding_in, CStringGetDatum(text), data[0] & 2 ? 3 : -1);
		}
		read = true;
		check((const scpg_embedding *) DatumGetPointer(value));
	}
	else if (read)
		abort();
	while (piece_count > 0)
		free(pieces[--piece_count]);
	return 0;
}
