/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding_ops_sql.c
 *	  Distances, arithmetic, comparison and hashing of embeddings.
 *
 * All of it ends in microseconds, so it runs where it is called: no pool of
 * threads, no BLAS.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "common/hashfn.h"
#include "utils/float.h"
#include "utils/varbit.h"

#include "core/api.h"
#include "pg/server/arguments.h"
#include "pg/type/embedding.h"
#include "pg/type/embedding_fetch.h"

/* Floats hashed at a time. Part of what a stored hash means: never change it. */
#define HASH_BLOCK 256

/* Two of the same dimension, whose elements are read next. */
static void
prepare_pair(const scpg_embedding *a, const scpg_embedding *b)
{
	scpg_embedding_check_dims(a, b);
	scpg_embedding_fetch(a);
	scpg_embedding_fetch(b);
}

/*
 * Distances
 */

typedef double (*pair_kernel)(const float *a, const float *b, int n);

/* The kernel of arguments 0 and 1, two embeddings of the same dimension. */
static double
of_pair(FunctionCallInfo fcinfo, pair_kernel kernel)
{
	const scpg_embedding *a = PG_GETARG_EMBEDDING(0);
	const scpg_embedding *b = PG_GETARG_EMBEDDING(1);

	prepare_pair(a, b);
	return kernel(a->x, b->x, a->dim);
}

PG_FUNCTION_INFO_V1(scpg_embedding_l2_distance);
Datum
scpg_embedding_l2_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(sqrt(of_pair(fcinfo, sc_distance()->distance2)));
}

/* 1 - cos(a, b), within 0 .. 2; NaN where one of them is all zeros. */
PG_FUNCTION_INFO_V1(scpg_embedding_cosine_distance);
Datum
scpg_embedding_cosine_distance(PG_FUNCTION_ARGS)
{
	const scpg_embedding *a = PG_GETARG_EMBEDDING(0);
	const scpg_embedding *b = PG_GETARG_EMBEDDING(1);
	double sums[3];
	double similarity;

	prepare_pair(a, b);
	sc_distance()->dot_norms(sums, a->x, b->x, a->dim);
	if (sums[1] == 0 || sums[2] == 0)
		PG_RETURN_FLOAT8(get_float8_nan());
	similarity = sums[0] / sqrt(sums[1] * sums[2]);
	/* Rounding may leave the range by a last digit. */
	PG_RETURN_FLOAT8(1 - Max(-1, Min(1, similarity)));
}

PG_FUNCTION_INFO_V1(scpg_embedding_inner_product);
Datum
scpg_embedding_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(of_pair(fcinfo, sc_distance()->dot));
}

/* Negative, so that ascending order gives the largest product first. */
PG_FUNCTION_INFO_V1(scpg_embedding_negative_inner_product);
Datum
scpg_embedding_negative_inner_product(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(-of_pair(fcinfo, sc_distance()->dot));
}

PG_FUNCTION_INFO_V1(scpg_embedding_l1_distance);
Datum
scpg_embedding_l1_distance(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(of_pair(fcinfo, sc_distance()->distance1));
}

/*
 * Functions of one embedding
 */

PG_FUNCTION_INFO_V1(scpg_embedding_dims);
Datum
scpg_embedding_dims(PG_FUNCTION_ARGS)
{
	/* The header is enough: no need to fetch the elements. */
	const scpg_embedding *head =
		(const scpg_embedding *) PG_DETOAST_DATUM_SLICE(PG_GETARG_DATUM(0), 0, EMBEDDING_SIZE(0) - VARHDRSZ);

	PG_RETURN_INT32(head->dim);
}

PG_FUNCTION_INFO_V1(scpg_embedding_norm);
Datum
scpg_embedding_norm(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);

	scpg_embedding_fetch(e);
	PG_RETURN_FLOAT8(sc_space_length(e->x, e->dim));
}

/* All zeros stay all zeros: they have no direction. */
PG_FUNCTION_INFO_V1(scpg_l2_normalize);
Datum
scpg_l2_normalize(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	scpg_embedding *result = scpg_embedding_new(e->dim);

	scpg_embedding_fetch(e);
	(void) sc_space_normalize(result->x, e->x, e->dim);
	PG_RETURN_EMBEDDING(result);
}

/* Elements start .. start + count - 1, counted from 1, as far as there are such. */
PG_FUNCTION_INFO_V1(scpg_subvector_wide);
Datum
scpg_subvector_wide(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	int64 start = scpg_int_argument(fcinfo, 1, "start");
	int64 end = start + scpg_int_argument(fcinfo, 2, "count");

	start = Max(start, 1);
	end = Min(end, (int64) e->dim + 1);
	scpg_embedding_check_dim(end - start);
	PG_RETURN_EMBEDDING(scpg_embedding_from_floats(e->x + (start - 1), (int) (end - start)));
}

SCPG_NARROW_FORM(subvector, 1, 2)

PG_FUNCTION_INFO_V1(scpg_embedding_concat);
Datum
scpg_embedding_concat(PG_FUNCTION_ARGS)
{
	const scpg_embedding *a = PG_GETARG_EMBEDDING(0);
	const scpg_embedding *b = PG_GETARG_EMBEDDING(1);
	scpg_embedding *result;

	scpg_embedding_check_dim((int64) a->dim + b->dim);
	result = scpg_embedding_new(a->dim + b->dim);
	memcpy(result->x, a->x, a->dim * sizeof(float));
	memcpy(result->x + a->dim, b->x, b->dim * sizeof(float));
	PG_RETURN_EMBEDDING(result);
}

/* A bit for each element, the first one the leftmost: is it above 0? */
PG_FUNCTION_INFO_V1(scpg_binary_quantize);
Datum
scpg_binary_quantize(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	VarBit *result = palloc0(VARBITTOTALLEN(e->dim));

	SET_VARSIZE(result, VARBITTOTALLEN(e->dim));
	VARBITLEN(result) = e->dim;
	for (int i = 0; i < e->dim; i++)
		if (e->x[i] > 0)
			VARBITS(result)[i / BITS_PER_BYTE] |= HIGHBIT >> (i % BITS_PER_BYTE);
	PG_RETURN_VARBIT_P(result);
}

/*
 * Arithmetic, element by element
 */

static inline float
add(float a, float b)
{
	return a + b;
}

static inline float
subtract(float a, float b)
{
	return a - b;
}

static inline float
multiply(float a, float b)
{
	float product = a * b;

	/* As real * real: a product lost to zero is an error too. */
	if (unlikely(product == 0) && a != 0 && b != 0)
		float_underflow_error();
	return product;
}

/* Inlined into each of its three callers, so that there is no call for an element. */
static pg_attribute_always_inline Datum
elementwise(FunctionCallInfo fcinfo, float (*operation)(float a, float b))
{
	const scpg_embedding *a = PG_GETARG_EMBEDDING(0);
	const scpg_embedding *b = PG_GETARG_EMBEDDING(1);
	scpg_embedding *result;

	scpg_embedding_check_dims(a, b);
	result = scpg_embedding_new(a->dim);
	for (int i = 0; i < a->dim; i++)
		result->x[i] = operation(a->x[i], b->x[i]);
	for (int i = 0; i < a->dim; i++)
		if (unlikely(isinf(result->x[i])))
			float_overflow_error();
	PG_RETURN_EMBEDDING(result);
}

/* scpg_embedding_add, scpg_embedding_sub, scpg_embedding_mul */
#define ARITHMETIC(name, operation) \
	PG_FUNCTION_INFO_V1(scpg_embedding_##name); \
	Datum scpg_embedding_##name(PG_FUNCTION_ARGS) \
	{ \
		return elementwise(fcinfo, operation); \
	}

ARITHMETIC(add, add)
ARITHMETIC(sub, subtract)
ARITHMETIC(mul, multiply)

/*
 * Comparison
 */

/* Copies made by detoasting are freed: a sort compares many rows in one context. */
static int
compare_args(FunctionCallInfo fcinfo)
{
	const scpg_embedding *a = PG_GETARG_EMBEDDING(0);
	const scpg_embedding *b = PG_GETARG_EMBEDDING(1);
	int result = scpg_embedding_compare(a, b);

	PG_FREE_EMBEDDING_COPY(a, 0);
	PG_FREE_EMBEDDING_COPY(b, 1);
	return result;
}

/* scpg_embedding_lt, scpg_embedding_le, scpg_embedding_eq, scpg_embedding_ne, scpg_embedding_ge, scpg_embedding_gt */
#define COMPARISON(name, relation) \
	PG_FUNCTION_INFO_V1(scpg_embedding_##name); \
	Datum scpg_embedding_##name(PG_FUNCTION_ARGS) \
	{ \
		PG_RETURN_BOOL(compare_args(fcinfo) relation 0); \
	}

COMPARISON(lt, <)
COMPARISON(le, <=)
COMPARISON(eq, ==)
COMPARISON(ne, !=)
COMPARISON(ge, >=)
COMPARISON(gt, >)

PG_FUNCTION_INFO_V1(scpg_embedding_cmp);
Datum
scpg_embedding_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare_args(fcinfo));
}

/*
 * Hashing, in agreement with =: -0 and 0 are equal, so they hash alike.
 */

static uint64
hash_argument(FunctionCallInfo fcinfo, uint64 seed)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	float block[HASH_BLOCK];
	uint64 hash = seed;

	for (int start = 0; start < e->dim; start += HASH_BLOCK)
	{
		int n = Min(HASH_BLOCK, e->dim - start);

		for (int i = 0; i < n; i++)
			block[i] = e->x[start + i] == 0 ? 0.0f : e->x[start + i];
		hash = hash_bytes_extended((const unsigned char *) block, n * (int) sizeof(float), hash);
	}
	PG_FREE_EMBEDDING_COPY(e, 0);
	return hash;
}

/* Its low half is the hash below when the seed is 0, as hash opclasses must. */
PG_FUNCTION_INFO_V1(scpg_embedding_hash_extended);
Datum
scpg_embedding_hash_extended(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64((int64) hash_argument(fcinfo, (uint64) PG_GETARG_INT64(1)));
}

PG_FUNCTION_INFO_V1(scpg_embedding_hash);
Datum
scpg_embedding_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32((int32) (uint32) hash_argument(fcinfo, 0));
}
