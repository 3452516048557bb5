/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding_cast_sql.c
 *	  Casts between embeddings and arrays of real, double precision, integer
 *	  and numeric.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"

#include "pg/type/embedding.h"

static float
float_from_double(double value)
{
	float result = (float) value;

	if (isinf(result) && !isinf(value))
		float_overflow_error();
	return result;
}

/* (array, typmod, explicit) -> embedding */
PG_FUNCTION_INFO_V1(scpg_embedding_from_array);
Datum
scpg_embedding_from_array(PG_FUNCTION_ARGS)
{
	ArrayType *array = PG_GETARG_ARRAYTYPE_P(0);
	int32 typmod = PG_GETARG_INT32(1);
	Oid type = ARR_ELEMTYPE(array);
	scpg_embedding *result;
	const char *elements;
	int dim;

	if (ARR_NDIM(array) > 1)
		ereport(ERROR, (errcode(ERRCODE_DATA_EXCEPTION), errmsg("array must be one-dimensional"),
						errdetail("The array has %d dimensions.", ARR_NDIM(array))));
	if (ARR_HASNULL(array) && array_contains_nulls(array))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("array must not contain nulls")));
	dim = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	scpg_embedding_check_dim(dim);
	if (typmod != -1)
		scpg_embedding_check_expected(typmod, dim);
	result = scpg_embedding_new(dim);
	elements = ARR_DATA_PTR(array);

	switch (type)
	{
		case FLOAT4OID:
			memcpy(result->x, elements, dim * sizeof(float));
			break;
		case FLOAT8OID:
			for (int i = 0; i < dim; i++)
				result->x[i] = float_from_double(((const double *) elements)[i]);
			break;
		case INT4OID:
			for (int i = 0; i < dim; i++)
				result->x[i] = (float) ((const int32 *) elements)[i];
			break;
		case NUMERICOID:
		{
			Datum *values;
			int n;

			deconstruct_array(array, NUMERICOID, -1, false, TYPALIGN_INT, &values, NULL, &n);
			for (int i = 0; i < dim; i++)
				result->x[i] = DatumGetFloat4(DirectFunctionCall1(numeric_float4, values[i]));
			break;
		}
		default:
			ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
							errmsg("cannot make an embedding from an array of %s", format_type_be(type))));
	}
	for (int i = 0; i < dim; i++)
		scpg_embedding_check_value(result->x[i]);
	PG_RETURN_EMBEDDING(result);
}

/* The array whose elements are made of those of argument 0. */
static Datum
to_array(FunctionCallInfo fcinfo, Datum (*make)(float x), Oid type)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	Datum *values = palloc(e->dim * sizeof(Datum));
	int16 length;
	bool by_value;
	char align;

	for (int i = 0; i < e->dim; i++)
		values[i] = make(e->x[i]);
	get_typlenbyvalalign(type, &length, &by_value, &align);
	PG_RETURN_ARRAYTYPE_P(construct_array(values, e->dim, type, length, by_value, align));
}

static Datum
make_float4(float x)
{
	return Float4GetDatum(x);
}

static Datum
make_float8(float x)
{
	return Float8GetDatum((double) x);
}

/* Rounded as real is to integer: to the nearest, halves to even; 22003 out of range. */
static Datum
make_int4(float x)
{
	return DirectFunctionCall1(ftoi4, Float4GetDatum(x));
}

static Datum
make_numeric(float x)
{
	return DirectFunctionCall1(float4_numeric, Float4GetDatum(x));
}

/* scpg_embedding_to_float4_array and so on: the cast to the array of a type. */
#define CAST_TO_ARRAY(name, type) \
	PG_FUNCTION_INFO_V1(scpg_embedding_to_##name##_array); \
	Datum scpg_embedding_to_##name##_array(PG_FUNCTION_ARGS) \
	{ \
		return to_array(fcinfo, make_##name, type); \
	}

CAST_TO_ARRAY(float4, FLOAT4OID)
CAST_TO_ARRAY(float8, FLOAT8OID)
CAST_TO_ARRAY(int4, INT4OID)
CAST_TO_ARRAY(numeric, NUMERICOID)
