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

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sc_st_tensor tensors[MAX];
	sc_error err;
	int count;

	if (sc_st_read(tensors, MAX, &count, data, size, &err) != SC_OK)
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
	return 0;
}
