/*-------------------------------------------------------------------------
 *
 * src/core/simclr/safetensors.c
 *	  The tensors of safetensors data that was read: finding one, checking it,
 *	  taking its values.
 *
 *-------------------------------------------------------------------------
 */
#include "core/simclr/safetensors_parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const sc_st_dtype_form sc_st_dtypes[SC_ST_DTYPES] = {
	[SC_ST_F32] = {"F32", 4}, [SC_ST_F16] = {"F16", 2}, [SC_ST_BF16] = {"BF16", 2},
	[SC_ST_F64] = {"F64", 8}, [SC_ST_I64] = {"I64", 8},
};

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
	const uint8_t *p = tensor->data + i * sc_st_dtypes[tensor->dtype].bytes;
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

/* Four numbers of 20 digits, and what is between them. */
#define SHAPE_TEXT 100

static void
put_shape(char out[SHAPE_TEXT], int ndim, const size_t *shape)
{
	int used = 0;

	out[0] = '\0';
	for (int d = 0; d < ndim; d++)
		used += snprintf(out + used, (size_t) (SHAPE_TEXT - used), "%s%zu", d > 0 ? ", " : "", shape[d]);
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
		char have[SHAPE_TEXT], wanted[SHAPE_TEXT];
		size_t sizes[SC_ST_MAX_DIMS];

		for (int d = 0; d < ndim; d++)
			sizes[d] = (size_t) shape[d];
		put_shape(have, tensor->ndim, tensor->shape);
		put_shape(wanted, ndim, sizes);
		sc_fail(err, SC_BAD_WEIGHTS, "tensor \"%.*s\" has the wrong shape", name_len, tensor->name);
		sc_detail(err, "Its shape is (%s), not (%s).", have, wanted);
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
