/*-------------------------------------------------------------------------
 *
 * tests/fuzz/fuzz_safetensors.c
 *	  libFuzzer on the reader of safetensors: any bytes are a file.
 *
 * What is accepted must be consistent: every tensor's data lie inside of the
 * file, and every value can be read.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/safetensors.h"

#include <stdlib.h>

#define MAX 64

/* What the metadata says under two keys, and a copy of the file that says more. */
static void
read_metadata(const sc_st_metadata *metadata, const uint8_t *data, size_t size)
{
	static const sc_st_note note = {"a", "\"b\\"};
	static const char *const keys[] = {"", "format"};
	sc_st_metadata again;
	sc_st_tensor tensors[MAX];
	bool found;
	size_t len;
	int count;

	for (int i = 0; i < 2; i++)
		if (sc_st_metadata_get(NULL, &len, &found, metadata, keys[i], NULL) == SC_OK && found)
		{
			char *value = malloc(len + 1);

			(void) sc_st_metadata_get(value, &len, &found, metadata, keys[i], NULL);
			free(value);
		}
	if (metadata->len > 0)
	{
		size_t bytes = sc_st_annotate(NULL, data, size, metadata, &note, 1);
		uint8_t *copy = malloc(bytes);

		if (sc_st_annotate(copy, data, size, metadata, &note, 1) != bytes ||
			sc_st_read(tensors, MAX, &count, &again, copy, bytes, NULL) != SC_OK || again.len <= metadata->len)
			abort();
		free(copy);
	}
}

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sc_st_tensor tensors[MAX];
	sc_st_metadata metadata;
	sc_error err;
	int count;

	if (sc_st_read(tensors, MAX, &count, &metadata, data, size, &err) != SC_OK)
		return 0;
	for (int i = 0; i < count; i++)
	{
		const sc_st_tensor *t = &tensors[i];
		int shape[SC_ST_MAX_DIMS] = {0};

		if (t->data < data || t->data > data + size || t->count > size)
			abort();
		for (size_t k = 0; k < t->count; k++)
			(void) sc_st_value(t, k);
		for (int d = 0; d < t->ndim; d++)
			shape[d] = (int) t->shape[d];
		(void) sc_st_check(t, t->ndim, shape, &err);
	}
	read_metadata(&metadata, data, size);
	return 0;
}
