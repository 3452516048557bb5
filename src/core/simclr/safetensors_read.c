/*-------------------------------------------------------------------------
 *
 * src/core/simclr/safetensors_read.c
 *	  Reading the header of safetensors data, which may be hostile.
 *
 * The JSON is read in one pass, without recursion and without memory: the format
 * nests to a fixed depth.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/safetensors_parts.h"

#include <string.h>

typedef struct reader
{
	const uint8_t *at;
	const uint8_t *end;
	const uint8_t *start;
	const uint8_t *data; /* what follows the header */
	size_t size;		 /* bytes of it */
	size_t taken;		 /* where the last of the tensors read ends */
	sc_error *err;
} reader;

/* A string between its quotes, as written. */
typedef struct text
{
	const char *bytes;
	size_t len;
	bool plain; /* printable ASCII without escapes: may go into a message */
} text;

static sc_status
malformed(const reader *r, const char *what)
{
	sc_fail(r->err, SC_BAD_WEIGHTS, "the header of the safetensors data is malformed");
	sc_detail(r->err, "At byte %zu of the header: %s.", (size_t) (r->at - r->start), what);
	return SC_BAD_WEIGHTS;
}

static void
skip_space(reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

/* The next character that is not space is c: step over it. */
static bool
accept(reader *r, char c)
{
	skip_space(r);
	if (r->at == r->end || *r->at != (uint8_t) c)
		return false;
	r->at++;
	return true;
}

static sc_status
expect(reader *r, char c)
{
	char what[] = "\"?\" expected";

	what[1] = c;
	return accept(r, c) ? SC_OK : malformed(r, what);
}

static sc_status
read_string(reader *r, text *t)
{
	SC_TRY(expect(r, '"'));
	t->bytes = (const char *) r->at;
	t->plain = true;
	for (; r->at < r->end; r->at++)
	{
		if (*r->at == '"')
		{
			t->len = (size_t) ((const char *) r->at - t->bytes);
			r->at++;
			return SC_OK;
		}
		if (*r->at < 0x20)
			return malformed(r, "a control character in a string");
		if (*r->at > 0x7E)
			t->plain = false;
		if (*r->at == '\\')
		{
			t->plain = false;
			r->at++; /* \" does not end the string */
			if (r->at == r->end)
				break;
		}
	}
	return malformed(r, "a string without end");
}

static bool
text_is(const text *t, const char *word)
{
	return t->len == strlen(word) && memcmp(t->bytes, word, t->len) == 0;
}

static sc_status
read_number(reader *r, size_t *value)
{
	const uint8_t *first;

	skip_space(r);
	first = r->at;
	*value = 0;
	for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
		if (__builtin_mul_overflow(*value, (size_t) 10, value) ||
			__builtin_add_overflow(*value, (size_t) (*r->at - '0'), value))
			return malformed(r, "a number that is too large");
	if (r->at == first)
		return malformed(r, "a whole number, 0 or more, expected");
	if (*first == '0' && r->at - first > 1)
		return malformed(r, "a number with a leading zero");
	return SC_OK;
}

/* The metadata: an object of strings. */
static sc_status
read_metadata(reader *r, sc_st_metadata *metadata)
{
	text t;

	SC_TRY(expect(r, '{'));
	metadata->text = (const char *) r->at - 1;
	if (accept(r, '}'))
		return SC_OK;
	do
	{
		SC_TRY(read_string(r, &t));
		SC_TRY(expect(r, ':'));
		SC_TRY(read_string(r, &t));
	} while (accept(r, ','));
	return expect(r, '}');
}

static sc_status
read_dtype(reader *r, sc_st_dtype *dtype)
{
	text t;

	SC_TRY(read_string(r, &t));
	for (size_t i = 0; i < SC_ST_DTYPES; i++)
		if (text_is(&t, sc_st_dtypes[i].name))
		{
			*dtype = (sc_st_dtype) i;
			return SC_OK;
		}
	return malformed(r, "a data type that is not F32, F16, BF16, F64 or I64");
}

static sc_status
read_shape(reader *r, sc_st_tensor *tensor)
{
	tensor->ndim = 0;
	tensor->count = 1;
	SC_TRY(expect(r, '['));
	if (accept(r, ']'))
		return SC_OK;
	do
	{
		if (tensor->ndim == SC_ST_MAX_DIMS)
			return malformed(r, "more than four dimensions");
		SC_TRY(read_number(r, &tensor->shape[tensor->ndim]));
		if (__builtin_mul_overflow(tensor->count, tensor->shape[tensor->ndim], &tensor->count))
			return malformed(r, "a shape that is too large");
		tensor->ndim++;
	} while (accept(r, ','));
	return expect(r, ']');
}

/* One tensor's object. */
static sc_status
read_tensor(reader *r, sc_st_tensor *tensor)
{
	bool has_dtype = false, has_shape = false, has_offsets = false;
	size_t begin = 0, end = 0, bytes;

	SC_TRY(expect(r, '{'));
	do
	{
		text key;

		SC_TRY(read_string(r, &key));
		SC_TRY(expect(r, ':'));
		if (text_is(&key, "dtype") && !has_dtype)
		{
			SC_TRY(read_dtype(r, &tensor->dtype));
			has_dtype = true;
		}
		else if (text_is(&key, "shape") && !has_shape)
		{
			SC_TRY(read_shape(r, tensor));
			has_shape = true;
		}
		else if (text_is(&key, "data_offsets") && !has_offsets)
		{
			SC_TRY(expect(r, '['));
			SC_TRY(read_number(r, &begin));
			SC_TRY(expect(r, ','));
			SC_TRY(read_number(r, &end));
			SC_TRY(expect(r, ']'));
			has_offsets = true;
		}
		else
			return malformed(r, "a key of a tensor that is unknown or repeated");
	} while (accept(r, ','));
	SC_TRY(expect(r, '}'));

	if (!has_dtype || !has_shape || !has_offsets)
		return malformed(r, "a tensor without dtype, shape or data_offsets");
	if (begin > end || end > r->size)
		return malformed(r, "offsets outside of the data");
	if (__builtin_mul_overflow(tensor->count, sc_st_dtypes[tensor->dtype].bytes, &bytes) || bytes != end - begin)
		return malformed(r, "offsets that do not fit the shape");
	tensor->data = r->data + begin;
	r->taken = SC_MAX(r->taken, end);
	return SC_OK;
}

/* One entry of the header's object: the metadata, or a tensor. */
static sc_status
read_entry(reader *r, sc_st_tensor *tensors, int max, int *count, sc_st_metadata *metadata)
{
	text name;

	SC_TRY(read_string(r, &name));
	SC_TRY(expect(r, ':'));
	if (text_is(&name, SC_ST_METADATA))
	{
		if (metadata->len > 0)
			return malformed(r, "a second " SC_ST_METADATA);
		SC_TRY(read_metadata(r, metadata));
		metadata->len = (size_t) ((const char *) r->at - metadata->text);
		return SC_OK;
	}
	if (!name.plain)
		return malformed(r, "a tensor's name that is not plain ASCII");
	for (int i = 0; i < *count; i++)
		if (tensors[i].name_len == name.len && memcmp(tensors[i].name, name.bytes, name.len) == 0)
			return malformed(r, "a second tensor of one name");
	if (*count == max)
		return malformed(r, "more tensors than a network of this kind has");
	tensors[*count].name = name.bytes;
	tensors[*count].name_len = name.len;
	SC_TRY(read_tensor(r, &tensors[*count]));
	(*count)++;
	return SC_OK;
}

sc_status
sc_st_read(sc_st_tensor *tensors, int max, int *count, sc_st_metadata *metadata, const uint8_t *bytes, size_t size,
		   sc_error *err)
{
	uint64_t length = size < SC_ST_PROLOGUE ? 0 : sc_st_header_length(bytes);
	sc_st_metadata unused;
	reader r = {.err = err};

	*count = 0;
	if (metadata == NULL)
		metadata = &unused;
	*metadata = (sc_st_metadata){0};
	if (size < SC_ST_PROLOGUE || length > SC_ST_MAX_HEADER || length > size - SC_ST_PROLOGUE)
	{
		sc_fail(err, SC_BAD_WEIGHTS, "this is not safetensors data, or it is cut off");
		sc_detail(err, "The data have %zu bytes and announce a header of %llu.", size, (unsigned long long) length);
		return SC_BAD_WEIGHTS;
	}
	r.start = r.at = bytes + SC_ST_PROLOGUE;
	r.data = r.end = r.start + length;
	r.size = size - SC_ST_PROLOGUE - (size_t) length;

	SC_TRY(expect(&r, '{'));
	if (!accept(&r, '}'))
	{
		do
			SC_TRY(read_entry(&r, tensors, max, count, metadata));
		while (accept(&r, ','));
		SC_TRY(expect(&r, '}'));
	}
	skip_space(&r);
	if (r.at != r.end)
		return malformed(&r, "text after the end");
	if (r.taken != r.size)
	{
		sc_fail(err, SC_BAD_WEIGHTS, "the safetensors data go on after the last tensor");
		sc_detail(err, "Of %zu bytes of data the tensors take the first %zu.", r.size, r.taken);
		return SC_BAD_WEIGHTS;
	}
	return SC_OK;
}
