/*-------------------------------------------------------------------------
 *
 * tests/unit/test_safetensors.c
 *	  The safetensors format: round trip, a file laid out by hand as Python's
 *	  library lays it out, every data type, and hostile bytes.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/safetensors.h"
#include "unit.h"

#define MAX 8

/*
 * Read exactly size bytes, from memory that ends where they end, so that a
 * sanitizer sees one byte too many. Every value of what was accepted is used.
 */
static sc_status
read_exact(const void *bytes, size_t size, sc_error *err)
{
	uint8_t *copy = malloc(size > 0 ? size : 1);
	sc_st_tensor tensors[MAX];
	sc_st_metadata metadata;
	char value[2000];
	size_t len;
	bool found;
	int count;
	sc_status status;

	memcpy(copy, bytes, size);
	memset(err, 0, sizeof(*err));
	status = sc_st_read(tensors, MAX, &count, &metadata, copy, size, err);
	if (status == SC_OK)
		for (int i = 0; i < count; i++)
		{
			int shape[SC_ST_MAX_DIMS] = {0};

			for (size_t k = 0; k < tensors[i].count; k++)
				(void) sc_st_value(&tensors[i], k);
			(void) sc_st_check(&tensors[i], 2, shape, NULL);
		}
	if (status == SC_OK)
		(void) sc_st_metadata_get(value, &len, &found, &metadata, "made by", NULL);
	free(copy);
	return status;
}

/* A file: header text, and `data` bytes (counting up) behind it. */
static size_t
file_of(uint8_t *file, const char *header, size_t data)
{
	size_t n = strlen(header);

	for (int i = 0; i < 8; i++)
		file[i] = (uint8_t) ((uint64_t) n >> (8 * i));
	memcpy(file + 8, header, n);
	for (size_t i = 0; i < data; i++)
		file[8 + n + i] = (uint8_t) i;
	return 8 + n + data;
}

static void
round_trip(void)
{
	sc_st_entry entries[] = {
		{.name = "conv1.weight", .dtype = SC_ST_F32, .ndim = 4, .shape = {2, 1, 3, 1}},
		{.name = "bn1.num_batches_tracked", .dtype = SC_ST_I64},
		{.name = "bn1.bias", .dtype = SC_ST_F32, .ndim = 1, .shape = {5}},
		{.name = "empty", .dtype = SC_ST_F32, .ndim = 2, .shape = {0, 7}},
	};
	static const float weights[6] = {1.5f, -2.25f, 3.4e38f, -0.0f, 1e-45f, 0.1f};
	static const float bias[5] = {0, 1, 2, 3, 4};
	const int64_t steps = 123456789012345;
	size_t size = sc_st_bytes(entries, 4);
	uint8_t *file = malloc(size), *again = malloc(size);
	sc_st_tensor tensors[MAX];
	const sc_st_tensor *t;
	sc_error err;
	float out[6];
	int count;

	memset(file, 0xEE, size);
	sc_st_write(file, entries, 4);
	CHECK(entries[0].offset % 8 == 0, "data at %zu", entries[0].offset);
	CHECK(entries[3].offset == size, "%zu of %zu", entries[3].offset, size);
	memcpy(file + entries[0].offset, weights, sizeof(weights));
	memcpy(file + entries[1].offset, &steps, sizeof(steps));
	memcpy(file + entries[2].offset, bias, sizeof(bias));

	CHECK(sc_st_read(tensors, MAX, &count, NULL, file, size, &err) == SC_OK, "%s %s", err.message, err.detail);
	CHECK(count == 4, "%d tensors", count);
	t = sc_st_find(tensors, count, "conv1.weight");
	CHECK(t != NULL && t->dtype == SC_ST_F32 && t->count == 6, "conv1.weight");
	CHECK(sc_st_check(t, 4, (int[]){2, 1, 3, 1}, &err) == SC_OK, "%s", err.message);
	sc_st_floats(out, t);
	CHECK(memcmp(out, weights, sizeof(weights)) == 0, "floats changed");
	t = sc_st_find(tensors, count, "bn1.num_batches_tracked");
	CHECK(t != NULL && sc_st_value(t, 0) == 123456789012345.0, "a scalar");
	CHECK(sc_st_check(t, 0, NULL, &err) == SC_OK, "%s", err.message);
	t = sc_st_find(tensors, count, "empty");
	CHECK(t != NULL && t->count == 0 && sc_st_check(t, 2, (int[]){0, 7}, &err) == SC_OK, "an empty tensor");
	CHECK(sc_st_find(tensors, count, "bn1") == NULL, "a part of a name");

	/* Shapes that differ, and what is said. */
	t = sc_st_find(tensors, count, "conv1.weight");
	CHECK(sc_st_check(t, 4, (int[]){2, 3, 1, 1}, &err) == SC_BAD_WEIGHTS, "another order");
	CHECK(strcmp(err.message, "tensor \"conv1.weight\" has the wrong shape") == 0, "%s", err.message);
	CHECK(strcmp(err.detail, "Its shape is (2, 1, 3, 1), not (2, 3, 1, 1).") == 0, "%s", err.detail);
	CHECK(sc_st_check(t, 3, (int[]){2, 1, 3}, &err) == SC_BAD_WEIGHTS, "three dimensions");

	/* No infinity, no NaN. */
	memcpy(file + entries[2].offset + 8, &(float){NAN}, 4);
	t = sc_st_find(tensors, count, "bn1.bias");
	CHECK(sc_st_check(t, 1, (int[]){5}, &err) == SC_BAD_WEIGHTS, "NaN");
	CHECK(strstr(err.detail, "Element 2") != NULL, "%s", err.detail);
	memcpy(file + entries[2].offset + 8, &(float){-INFINITY}, 4);
	CHECK(sc_st_check(t, 1, (int[]){5}, &err) == SC_BAD_WEIGHTS, "infinity");

	/* A file with more tensors than there is room for. */
	CHECK(sc_st_read(tensors, 3, &count, NULL, file, size, &err) == SC_BAD_WEIGHTS, "four in three");

	/* The same entries, the same bytes. */
	sc_st_write(again, entries, 4);
	CHECK(memcmp(file, again, entries[0].offset) == 0, "two headers");
	free(file);
	free(again);
}

/*
 * What Python's library writes for {"b": F16, "a": BF16, "d": F64, "i": I64}
 * with metadata: keys in another order, spaces, escapes in the metadata.
 */
static void
by_hand(void)
{
	static const char header[] = "{\"__metadata__\":{\"made by\":\"\\\"hand\\\" \\u00fc\",\"x\":\"\"},"
								 "\"d\" : {\"shape\":[2],\"dtype\":\"F64\",\"data_offsets\":[0,16]},"
								 "\"i\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[16,24]},\n"
								 "\"b\":{\"dtype\":\"F16\",\"shape\":[2, 3],\"data_offsets\":[ 24 , 36 ]},"
								 "\"a\":{\"data_offsets\":[36,42],\"dtype\":\"BF16\",\"shape\":[1,1,1,3]}}      ";
	static const double doubles[2] = {1e300, -0.1};
	static const int64_t integer = -7;
	/* 1, -2, the largest, the smallest positive, -0, 1/3 */
	static const uint16_t halves[6] = {0x3C00, 0xC000, 0x7BFF, 0x0001, 0x8000, 0x3555};
	static const double half_values[6] = {1.0, -2.0, 65504.0, 5.9604644775390625e-8, -0.0, 0.333251953125};
	static const uint16_t brains[3] = {0x3F80, 0xC049, 0x7F80};
	uint8_t file[1000];
	size_t size = file_of(file, header, 42);
	uint8_t *data = file + size - 42;
	sc_st_tensor tensors[MAX];
	const sc_st_tensor *t;
	float out[6];
	int count;
	sc_error err;

	memcpy(data, doubles, 16);
	memcpy(data + 16, &integer, 8);
	memcpy(data + 24, halves, 12);
	memcpy(data + 36, brains, 6);
	CHECK(sc_st_read(tensors, MAX, &count, NULL, file, size, &err) == SC_OK, "%s %s", err.message, err.detail);
	CHECK(count == 4, "%d tensors", count);
	t = sc_st_find(tensors, count, "b");
	CHECK(t != NULL && sc_st_check(t, 2, (int[]){2, 3}, &err) == SC_OK, "%s", err.message);
	sc_st_floats(out, t);
	for (int i = 0; i < 6; i++)
		CHECK(out[i] == (float) half_values[i] && !signbit(out[i]) == !signbit(half_values[i]), "half %d: %.9g", i,
			  out[i]);
	t = sc_st_find(tensors, count, "a");
	CHECK(t != NULL && sc_st_value(t, 0) == 1.0 && sc_st_value(t, 1) == -3.140625, "bfloat16");
	CHECK(sc_st_check(t, 4, (int[]){1, 1, 1, 3}, &err) == SC_BAD_WEIGHTS, "infinity in bfloat16");
	t = sc_st_find(tensors, count, "i");
	CHECK(t != NULL && sc_st_value(t, 0) == -7.0, "int64");
	t = sc_st_find(tensors, count, "d");
	CHECK(t != NULL && sc_st_value(t, 1) == -0.1, "double");
	CHECK(sc_st_check(t, 1, (int[]){2}, &err) == SC_BAD_WEIGHTS, "a double beyond float's range");
	memcpy(data + 24, &(uint16_t){0x7C00}, 2);
	CHECK(sc_st_check(sc_st_find(tensors, count, "b"), 2, (int[]){2, 3}, &err) == SC_BAD_WEIGHTS, "infinity in half");
	memcpy(data + 24, &(uint16_t){0xFE00}, 2);
	CHECK(sc_st_check(sc_st_find(tensors, count, "b"), 2, (int[]){2, 3}, &err) == SC_BAD_WEIGHTS, "NaN in half");

	/* Cut off anywhere: refused, nothing read behind the end. */
	for (size_t n = 0; n < size; n++)
		CHECK(read_exact(file, n, &err) == SC_BAD_WEIGHTS, "%zu of %zu bytes were accepted", n, size);
	CHECK(read_exact(file, size, &err) == SC_OK, "%s %s", err.message, err.detail);
	/* Any one byte changed: whatever is said, nothing is read outside. */
	for (size_t n = 0; n < size - 42; n++)
		for (int bit = 0; bit < 8; bit++)
		{
			file[n] ^= (uint8_t) (1 << bit);
			(void) read_exact(file, size, &err);
			file[n] ^= (uint8_t) (1 << bit);
		}
}

static void
hostile(void)
{
#define T(body) "{\"a\":{" body "}}"
#define E(name) "\"" name "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}"
	static const char *const good[] = {
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[0,18446744073709551615],\"data_offsets\":[8,8]"),
		/* two tensors on the same bytes */
		("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
		 "\"b\":{\"dtype\":\"BF16\",\"shape\":[2],\"data_offsets\":[0,4]}}"),
	};
	static const char *const without_data[] = {"{}", " { } ", "{\"__metadata__\":{}}"};
	static const char *const bad[] = {
		"",
		"{",
		"}",
		"[]",
		"null",
		"{}{}",
		"{} x",
		"{,}",
		"{\"a\"}",
		"{\"a\":}",
		"{\"a\":1}",
		"{\"a\":{}}",
		"{\"a",
		"{\"a\\",
		"{\"a\\\"",
		"{\"__metadata__\":{\"a\":1}}",
		"{\"__metadata__\":{\"a\":\"b\",}}",
		"{\"__metadata__\":{},\"__metadata__\":{}}",
		"{\"__metadata__\":[]}",
		/* a key missing, repeated, unknown, of the wrong type */
		T("\"dtype\":\"F32\",\"shape\":[2]"),
		T("\"shape\":[2],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"data_offsets\":[0,4]"),
		T("\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[2],\"shape\":[2],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],\"x\":1"),
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8],"),
		T("\"dtype\":\"F8_E4M3\",\"shape\":[8],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"f32\",\"shape\":[2],\"data_offsets\":[0,8]"),
		T("\"dtype\":32,\"shape\":[2],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":2,\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[2,],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[2.0],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[2e0],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[02],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[1,1,1,1,2],\"data_offsets\":[0,8]"),
		/* offsets: too few, too many, turned round, outside, not of the shape */
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8]"),
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]"),
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]"),
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[1,9]"),
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]"),
		T("\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,8]"),
		/* numbers that wrap around */
		T("\"dtype\":\"F32\",\"shape\":[18446744073709551618],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[9223372036854775808,2],\"data_offsets\":[0,0]"),
		T("\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]"),
		T("\"dtype\":\"F32\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]"),
		T("\"dtype\":\"F32\",\"shape\":[4611686018427387906],\"data_offsets\":[0,8]"),
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[18446744073709551608,18446744073709551616]"),
		T("\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[18446744073709551612,4]"),
		/* one name twice; names that are no plain text */
		("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
		 "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4,8]}}"),
		"{\"\\u0061\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
		"{\"\xC3\xBC\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
		"{\"a\nb\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
		/* more tensors than there is room for */
		("{" E("1") "," E("2") "," E("3") "," E("4") "," E("5") "," E("6") "," E("7") "," E("8") "," E("9") "}"),
	};
#undef T
#undef E
	static const uint64_t lengths[] =
		{UINT64_MAX, UINT64_MAX - 7, (uint64_t) INT64_MAX, UINT64_C(1) << 63, 100000001, 100000000, 19};
	uint8_t file[2000];
	sc_error err;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		size_t size = file_of(file, good[i], 8);

		CHECK(read_exact(file, size, &err) == SC_OK, "%s: %s %s", good[i], err.message, err.detail);
	}
	for (size_t i = 0; i < sizeof(without_data) / sizeof(without_data[0]); i++)
	{
		size_t size = file_of(file, without_data[i], 0);

		CHECK(read_exact(file, size, &err) == SC_OK, "%s: %s %s", without_data[i], err.message, err.detail);
	}
	/* Bytes that no tensor has. */
	for (size_t i = 0; i < sizeof(without_data) / sizeof(without_data[0]); i++)
		CHECK(read_exact(file, file_of(file, without_data[i], 1), &err) == SC_BAD_WEIGHTS, "%s", without_data[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
	{
		CHECK(read_exact(file, file_of(file, good[i], 11), &err) == SC_BAD_WEIGHTS, "three bytes after %s", good[i]);
		CHECK(strcmp(err.message, "the safetensors data go on after the last tensor") == 0, "%s", err.message);
		CHECK(strcmp(err.detail, "Of 11 bytes of data the tensors take the first 8.") == 0, "%s", err.detail);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
	{
		size_t size = file_of(file, bad[i], 8);

		CHECK(read_exact(file, size, &err) == SC_BAD_WEIGHTS, "accepted: %s", bad[i]);
		CHECK(err.status == SC_BAD_WEIGHTS && err.message[0] != '\0' && err.detail[0] != '\0', "silent: %s", bad[i]);
	}
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
	{
		size_t size = file_of(file, "{}", 16);

		for (int b = 0; b < 8; b++)
			file[b] = (uint8_t) (lengths[i] >> (8 * b));
		CHECK(read_exact(file, size, &err) == SC_BAD_WEIGHTS, "a header of %llu bytes", (unsigned long long) lengths[i]);
	}
}

/* The value of a key, in a text of its own, or what is wrong with it. */
static sc_status
value_of(char *out, const char *header, const char *key, sc_error *err)
{
	uint8_t file[2000];
	size_t size = file_of(file, header, 0), len, bound;
	sc_st_tensor tensors[MAX];
	sc_st_metadata metadata;
	sc_status status;
	bool found;
	int count;

	memset(err, 0, sizeof(*err));
	CHECK(sc_st_read(tensors, MAX, &count, &metadata, file, size, err) == SC_OK, "%s: %s", header, err->detail);
	strcpy(out, "none");
	if (sc_st_metadata_get(NULL, &bound, &found, &metadata, key, err) != SC_OK)
		return SC_BAD_WEIGHTS;
	if (!found)
		return SC_OK;
	status = sc_st_metadata_get(out, &len, &found, &metadata, key, err);
	CHECK(status != SC_OK || (len == strlen(out) && len <= bound), "%zu of %zu", len, bound);
	return status;
}

static void
metadata_values(void)
{
#define M(body) "{\"__metadata__\":{" body "}}"
	static const struct
	{
		const char *header, *key, *value; /* NULL: refused */
	} cases[] = {
		{"{}", "a", "none"},
		{M(""), "a", "none"},
		{M("\"a\":\"\""), "a", ""},
		{M("\"b\":\"a\",\"a\" :\t\"x\\\\\", \"c\":\"\\\"\"\n"), "a", "x\\"},
		{M("\"b\":\"a\",\"a\":\"x\\\\\",\"c\":\"\\\"a\\\"\""), "c", "\"a\""},
		{M("\"a\":\"\\/\\b\\f\\n\\r\\t\\u0041\\u007e\""), "a", "/\b\f\n\r\tA~"},
		/* a value is no key, nor is a part of one, nor one that is written otherwise */
		{M("\"b\":\"a\""), "a", "none"},
		{M("\"aa\":\"b\""), "a", "none"},
		{M("\"\\u0061\":\"b\""), "a", "none"},
		/* what others wrote is left alone */
		{M("\"b\":\"\xC3\xBC\",\"a\":\"x\",\"b\":\"\\x\""), "a", "x"},
		{M("\"a\":\"x\",\"a\":\"x\""), "a", NULL},
		{M("\"a\":\"\xC3\xBC\""), "a", NULL},
		{M("\"a\":\"\\u00fc\""), "a", NULL},
		{M("\"a\":\"\\u0000\""), "a", NULL},
		{M("\"a\":\"\\u004\""), "a", NULL},
		{M("\"a\":\"\\u00g1\""), "a", NULL},
		{M("\"a\":\"\\x\""), "a", NULL},
	};
#undef M
	char value[2000];
	sc_error err;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
	{
		sc_status status = value_of(value, cases[i].header, cases[i].key, &err);

		if (cases[i].value == NULL)
			CHECK(status == SC_BAD_WEIGHTS && strstr(err.message, "\"a\"") != NULL, "%s: %s", cases[i].header, value);
		else
			CHECK(status == SC_OK && strcmp(value, cases[i].value) == 0, "%s: %s, not %s, %s", cases[i].header, value,
				  cases[i].value, err.message);
	}
}

/* A copy with notes: they are read as they were given, what was there is still there, and the data stay. */
static void
annotated(void)
{
	static const char *const headers[] = {
		"{\"__metadata__\":{\"format\":\"pt\"},\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}",
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]} , \"__metadata__\" : { \"format\" :\"pt\" } }  ",
		"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"__metadata__\":{ }}",
	};
	static const sc_st_note notes[] = {{"one", "{\"k\": [1, \"\\u00fc\"]}"}, {"two", ""}, {"three", "\\\"\\"}};

	for (size_t h = 0; h < sizeof(headers) / sizeof(headers[0]); h++)
	{
		uint8_t file[2000], *copy;
		char value[2000];
		sc_st_tensor tensors[MAX];
		sc_st_metadata metadata;
		sc_error err;
		size_t size = file_of(file, headers[h], 8), bytes, len;
		bool found;
		int count;

		CHECK(sc_st_read(tensors, MAX, &count, &metadata, file, size, &err) == SC_OK, "%s", err.detail);
		bytes = sc_st_annotate(NULL, file, size, &metadata, notes, 3);
		copy = malloc(bytes);
		CHECK(sc_st_annotate(copy, file, size, &metadata, notes, 3) == bytes, "%zu bytes", bytes);
		CHECK(sc_st_read(tensors, MAX, &count, &metadata, copy, bytes, &err) == SC_OK, "%s %s", err.message, err.detail);
		CHECK(count == 1 && tensors[0].data == copy + bytes - 8 && (tensors[0].data - copy) % 8 == 0, "the data");
		CHECK(memcmp(tensors[0].data, file + size - 8, 8) == 0, "the data");
		for (int i = 0; i < 3; i++)
			CHECK(sc_st_metadata_get(value, &len, &found, &metadata, notes[i].key, &err) == SC_OK && found &&
					  strcmp(value, notes[i].value) == 0,
				  "%s: %s", notes[i].key, value);
		CHECK(sc_st_metadata_get(value, &len, &found, &metadata, "format", &err) == SC_OK && found == (h < 2), "format");
		free(copy);
	}
}

/* A header longer than the format allows is not written. */
static void
too_long(void)
{
	static const char header[] = "{\"__metadata__\":{\"format\":\"pt\"}}";
	const size_t most = 100000000;
	char *value = malloc(most + 1);
	uint8_t file[100];
	sc_st_tensor tensors[MAX];
	sc_st_metadata metadata;
	sc_st_note note = {"x", value};
	size_t size = file_of(file, header, 0);
	sc_error err;
	int count;

	memset(value, 'x', most);
	value[most] = '\0';
	CHECK(sc_st_read(tensors, MAX, &count, &metadata, file, size, &err) == SC_OK, "%s", err.detail);
	CHECK(sc_st_annotate(NULL, file, size, &metadata, &note, 1) == SIZE_MAX, "a header that is too long");
	value[most - 100] = '\0';
	CHECK(sc_st_annotate(NULL, file, size, &metadata, &note, 1) < most + 16, "a header that is not");
	free(value);
}

int
main(int argc, char **argv)
{
	unit_begin(argc, argv);
	CASE ("written and read")
		round_trip();
	CASE ("a file by hand")
		by_hand();
	CASE ("hostile files")
		hostile();
	CASE ("metadata")
		metadata_values();
	CASE ("metadata written")
		annotated();
	CASE ("metadata too long")
		too_long();
	return unit_end();
}
