/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding.c
 *	  Making, checking, reading and comparing embeddings, for all who have to
 *	  do with them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>
#include <stdlib.h>

#include "mb/pg_wchar.h"

#include "pg/type/embedding.h"

/* How much of a malformed literal an error message repeats, in bytes. */
#define LITERAL_SHOWN 80

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

int
scpg_embedding_compare(const scpg_embedding *a, const scpg_embedding *b)
{
	int n = Min(a->dim, b->dim);

	Assert(n >= 1);
	for (int i = 0; i < n; i++)
	{
		if (a->x[i] < b->x[i])
			return -1;
		if (a->x[i] > b->x[i])
			return 1;
	}
	return a->dim < b->dim ? -1 : a->dim > b->dim;
}

/* ---- the text form ------------------------------------------------------------ */

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

#define MALFORMED(result, ...) \
	ereturn(escontext, result, \
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION), \
			 errmsg("invalid input syntax for type embedding: \"%s\"", shown(literal)), errdetail(__VA_ARGS__)))

/* One element at *p, which moves behind it; false where an error was left in escontext. */
static bool
parse_element(float *value, const char **p, int number, const char *literal, Node *escontext)
{
	char *end;

	if (number > EMBEDDING_MAX_DIM)
		ereturn(escontext, false,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("embedding cannot have more than %d dimensions", EMBEDDING_MAX_DIM)));

	/* As float4in: no detour over double, whose rounding would come on top. */
	errno = 0;
	*value = strtof(*p, &end);
	if (end == *p)
		MALFORMED(false, "Element %d is not a number.", number);

	/* Too small a number becomes zero: only its overflow is an error. */
	if (errno == ERANGE && isinf(*value))
		ereturn(escontext, false,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("\"%.*s\" is out of range for type embedding", Min((int) (end - *p), LITERAL_SHOWN), *p)));
	if (isnan(*value))
		ereturn(escontext, false, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("NaN not allowed in embedding")));
	if (isinf(*value))
		ereturn(escontext, false, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("infinite value not allowed in embedding")));
	*p = skip_space(end);
	return true;
}

scpg_embedding *
scpg_embedding_parse(const char *literal, int32 typmod, Node *escontext)
{
	const char *p = skip_space(literal);
	int capacity = 1;
	int dim = 0;
	scpg_embedding *result;

	if (*p != '[')
		MALFORMED(NULL, "An embedding must start with \"[\".");
	p = skip_space(p + 1);
	if (*p == ']')
		ereturn(escontext, NULL, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("embedding must have at least 1 dimension")));

	/* One comma stands between two elements, so this is enough room. */
	for (const char *c = p; *c != '\0' && capacity < EMBEDDING_MAX_DIM; c++)
		capacity += *c == ',';
	result = scpg_embedding_new(capacity);

	for (;;)
	{
		float value;

		if (!parse_element(&value, &p, dim + 1, literal, escontext))
			return NULL;
		result->x[dim++] = value;
		if (*p == ']')
			break;
		if (*p != ',')
			MALFORMED(NULL, "Element %d must be followed by \",\" or \"]\".", dim);
		p = skip_space(p + 1);
	}

	p = skip_space(p + 1);
	if (*p != '\0')
		MALFORMED(NULL, "Junk after closing \"]\".");
	if (typmod != -1 && typmod != dim)
		ereturn(escontext, NULL,
				(errcode(ERRCODE_DATA_EXCEPTION), errmsg("expected %d dimensions, not %d", typmod, dim)));

	Assert(dim == capacity);
	return result;
}
