/*-------------------------------------------------------------------------
 *
 * src/core/simclr/safetensors.c
 *	  Writing and reading the safetensors format.
 *
 * The header's JSON is read in one pass, without recursion and without
 * memory: the format nests to a fixed depth. What follows the writer's own
 * choice: {"format": "pt"} as metadata, tensors in the order given, the
 * header padded so that the data begin at a multiple of 8.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/safetensors.h"

#include <math.h>
#include <string.h>

/* The format's own limit. */
#define MAX_HEADER ((size_t) 100000000)
#define PROLOGUE 8 /* bytes of the header's length */

static const struct
{
	const char *name;
	size_t bytes;
} dtypes[] =
	{[SC_ST_F32] = {"F32", 4}, [SC_ST_F16] = {"F16", 2}, [SC_ST_BF16] = {"BF16", 2}, [SC_ST_F64] = {"F64", 8}, [SC_ST_I64] = {"I64", 8}};

#define DTYPES (sizeof(dtypes) / sizeof(dtypes[0]))

/* ---- writing ------------------------------------------------------------- */

/* Text that is counted, and written where there is room for it. */
typedef struct sink
{
	uint8_t *out; /* NULL: counts only */
	size_t used;
} sink;

static void
put(sink *s, const char *text)
{
	size_t n = strlen(text);

	if (s->out != NULL)
		memcpy(s->out + s->used, text, n);
	s->used += n;
}

static void
put_number(sink *s, size_t value)
{
	char digits[24];
	char *p = digits + sizeof(digits) - 1;

	*p = '\0';
	do
		*--p = (char) ('0' + value % 10);
	while ((value /= 10) > 0);
	put(s, p);
}

size_t
sc_st_entry_count(const sc_st_entry *entry)
{
	size_t n = 1;

	for (int d = 0; d < entry->ndim; d++)
		n = sc_mul(n, (size_t) entry->shape[d]);
	return n;
}

/* The header, its length and padding included; *data: bytes of data behind it. */
static size_t
put_header(uint8_t *out, const sc_st_entry *entries, int count, size_t *data)
{
	sink s = {out, PROLOGUE};
	size_t begin = 0;

	put(&s, "{\"__metadata__\":{\"format\":\"pt\"}");
	for (int i = 0; i < count; i++)
	{
		const sc_st_entry *e = &entries[i];
		size_t end = sc_add(begin, sc_mul(sc_st_entry_count(e), dtypes[e->dtype].bytes));

		put(&s, ",\"");
		put(&s, e->name);
		put(&s, "\":{\"dtype\":\"");
		put(&s, dtypes[e->dtype].name);
		put(&s, "\",\"shape\":[");
		for (int d = 0; d < e->ndim; d++)
		{
			if (d > 0)
				put(&s, ",");
			put_number(&s, (size_t) e->shape[d]);
		}
		put(&s, "],\"data_offsets\":[");
		put_number(&s, begin);
		put(&s, ",");
		put_number(&s, end);
		put(&s, "]}");
		begin = end;
	}
	put(&s, "}");
	while (s.used % 8 != 0)
		put(&s, " ");
	*data = begin;
	return s.used;
}

size_t
sc_st_bytes(const sc_st_entry *entries, int count)
{
	size_t data;
	size_t header = put_header(NULL, entries, count, &data);

	return sc_add(header, data);
}

void
sc_st_write(uint8_t *out, sc_st_entry *entries, int count)
{
	size_t data;
	size_t offset = put_header(out, entries, count, &data);

	for (int i = 0; i < PROLOGUE; i++)
		out[i] = (uint8_t) ((uint64_t) (offset - PROLOGUE) >> (8 * i));
	for (int i = 0; i < count; i++)
	{
		entries[i].offset = offset;
		offset += sc_st_entry_count(&entries[i]) * dtypes[entries[i].dtype].bytes;
	}
}

/* ---- reading: JSON -------------------------------------------------------- */

typedef struct reader
{
	const uint8_t *at;
	const uint8_t *end;
	const uint8_t *start;
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
skip_metadata(reader *r)
{
	text t;

	SC_TRY(expect(r, '{'));
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
	for (size_t i = 0; i < DTYPES; i++)
		if (text_is(&t, dtypes[i].name))
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

/* One tensor's object; data: what follows the header, size bytes. */
static sc_status
read_tensor(reader *r, sc_st_tensor *tensor, const uint8_t *data, size_t size)
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
	if (begin > end || end > size)
		return malformed(r, "offsets outside of the data");
	if (__builtin_mul_overflow(tensor->count, dtypes[tensor->dtype].bytes, &bytes) || bytes != end - begin)
		return malformed(r, "offsets that do not fit the shape");
	tensor->data = data + begin;
	return SC_OK;
}

sc_status
sc_st_read(sc_st_tensor *tensors, int max, int *count, const uint8_t *bytes, size_t size, sc_error *err)
{
	uint64_t length = 0;
	reader r = {.err = err};
	bool metadata = false;

	*count = 0;
	for (int i = 0; i < PROLOGUE && size >= PROLOGUE; i++)
		length |= (uint64_t) bytes[i] << (8 * i);
	if (size < PROLOGUE || length > MAX_HEADER || length > size - PROLOGUE)
	{
		sc_fail(err, SC_BAD_WEIGHTS, "this is not safetensors data, or it is cut off");
		sc_detail(err, "The data have %zu bytes and announce a header of %llu.", size, (unsigned long long) length);
		return SC_BAD_WEIGHTS;
	}
	r.start = r.at = bytes + PROLOGUE;
	r.end = r.start + length;

	SC_TRY(expect(&r, '{'));
	if (!accept(&r, '}'))
	{
		do
		{
			text name;

			SC_TRY(read_string(&r, &name));
			SC_TRY(expect(&r, ':'));
			if (text_is(&name, "__metadata__"))
			{
				if (metadata)
					return malformed(&r, "a second __metadata__");
				metadata = true;
				SC_TRY(skip_metadata(&r));
				continue;
			}
			if (!name.plain)
				return malformed(&r, "a tensor's name that is not plain ASCII");
			for (int i = 0; i < *count; i++)
				if (tensors[i].name_len == name.len && memcmp(tensors[i].name, name.bytes, name.len) == 0)
					return malformed(&r, "a second tensor of one name");
			if (*count == max)
				return malformed(&r, "more tensors than a network of this kind has");
			tensors[*count].name = name.bytes;
			tensors[*count].name_len = name.len;
			SC_TRY(read_tensor(&r, &tensors[*count], r.end, size - PROLOGUE - (size_t) length));
			(*count)++;
		} while (accept(&r, ','));
		SC_TRY(expect(&r, '}'));
	}
	skip_space(&r);
	return r.at == r.end ? SC_OK : malformed(&r, "text after the end");
}

/* ---- reading: values ------------------------------------------------------ */

const sc_st_tensor *
sc_st_find(const sc_st_tensor *tensors, int count, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; i < count; i++)
		if (tensors[i].name_len == len && memcmp(tensors[i].name, name, len) == 0)
			return &tensors[i];
	return NULL;
}

/* Little-endian, wherever they lie; compilers see one load. */
static inline uint32_t
u16_at(const uint8_t *p)
{
	return (uint32_t) p[0] | (uint32_t) p[1] << 8;
}

static inline uint32_t
u32_at(const uint8_t *p)
{
	return u16_at(p) | u16_at(p + 2) << 16;
}

static inline uint64_t
u64_at(const uint8_t *p)
{
	return (uint64_t) u32_at(p) | (uint64_t) u32_at(p + 4) << 32;
}

static float
float_of(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* IEEE 754 binary16. */
static double
half_of(uint32_t bits)
{
	int exponent = (int) (bits >> 10 & 31);
	double fraction = (double) (bits & 1023);
	double value;

	if (exponent == 31)
		value = fraction == 0.0 ? INFINITY : NAN;
	else if (exponent == 0)
		value = ldexp(fraction, -24);
	else
		value = ldexp(fraction + 1024.0, exponent - 25);
	return bits >> 15 ? -value : value;
}

double
sc_st_value(const sc_st_tensor *tensor, size_t i)
{
	const uint8_t *p = tensor->data + i * dtypes[tensor->dtype].bytes;
	uint64_t bits;
	double value = 0.0;

	switch (tensor->dtype)
	{
		case SC_ST_F32:
			value = float_of(u32_at(p));
			break;
		case SC_ST_F16:
			value = half_of(u16_at(p));
			break;
		case SC_ST_BF16:
			value = float_of(u16_at(p) << 16);
			break;
		case SC_ST_F64:
			bits = u64_at(p);
			memcpy(&value, &bits, sizeof(value));
			break;
		case SC_ST_I64:
			value = (double) (int64_t) u64_at(p);
			break;
	}
	return value;
}

sc_status
sc_st_check(const sc_st_tensor *tensor, int ndim, const int *shape, sc_error *err)
{
	int name_len = (int) SC_MIN(tensor->name_len, (size_t) 63);
	bool same = tensor->ndim == ndim;

	for (int d = 0; same && d < ndim; d++)
		same = tensor->shape[d] == (size_t) shape[d];
	if (!same)
	{
		char have[100], want[100];
		sink h = {(uint8_t *) have, 0}, w = {(uint8_t *) want, 0};

		for (int d = 0; d < tensor->ndim; d++)
		{
			put(&h, d > 0 ? ", " : "");
			put_number(&h, tensor->shape[d]);
		}
		for (int d = 0; d < ndim; d++)
		{
			put(&w, d > 0 ? ", " : "");
			put_number(&w, (size_t) shape[d]);
		}
		sc_fail(err, SC_BAD_WEIGHTS, "tensor \"%.*s\" has the wrong shape", name_len, tensor->name);
		sc_detail(err, "Its shape is (%.*s), not (%.*s).", (int) h.used, have, (int) w.used, want);
		return SC_BAD_WEIGHTS;
	}
	for (size_t i = 0; i < tensor->count; i++)
		if (!isfinite((float) sc_st_value(tensor, i)))
		{
			sc_fail(err, SC_BAD_WEIGHTS, "tensor \"%.*s\" has a value that is not finite", name_len, tensor->name);
			sc_detail(err, "Element %zu is %g.", i, sc_st_value(tensor, i));
			return SC_BAD_WEIGHTS;
		}
	return SC_OK;
}

void
sc_st_floats(float *out, const sc_st_tensor *tensor)
{
	for (size_t i = 0; i < tensor->count; i++)
		out[i] = (float) sc_st_value(tensor, i);
}
