/*-------------------------------------------------------------------------
 *
 * src/pg/type/embedding_agg_sql.c
 *	  The aggregates avg(embedding) and sum(embedding).
 *
 * The state is a flat double precision[]: the number of rows, then the sum of
 * each dimension; {0} before the first row. It needs no serial functions and
 * travels between nodes as it is. Anyone can call a transition function by
 * hand, so a state is checked before it is used.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"
#include "utils/float.h"

#include "core/api.h"
#include "pg/type/embedding.h"
#include "pg/type/embedding_fetch.h"

/* A state taken apart; sums: double [dim], behind count in the same array. */
typedef struct sum_state
{
	ArrayType *array;
	double *count;
	double *sums;
	int dim; /* 0 before the first row */
} sum_state;

static sum_state
open_state(ArrayType *array)
{
	sum_state state;

	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID || ARR_DIMS(array)[0] < 1 ||
		ARR_DIMS(array)[0] > EMBEDDING_MAX_DIM + 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of an aggregate of embeddings")));
	state.array = array;
	state.count = (double *) ARR_DATA_PTR(array);
	state.sums = state.count + 1;
	state.dim = ARR_DIMS(array)[0] - 1;
	if (!(*state.count >= 0) || isinf(*state.count) || (*state.count > 0) != (state.dim > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of an aggregate of embeddings")));
	return state;
}

/* Zeros, for dim dimensions. */
static sum_state
new_state(int dim)
{
	Size size = ARR_OVERHEAD_NONULLS(1) + (dim + 1) * sizeof(double);
	ArrayType *array = palloc0(size);

	SET_VARSIZE(array, size);
	array->ndim = 1;
	array->elemtype = FLOAT8OID;
	ARR_DIMS(array)[0] = dim + 1;
	ARR_LBOUND(array)[0] = 1;
	return (sum_state){array, (double *) ARR_DATA_PTR(array), (double *) ARR_DATA_PTR(array) + 1, dim};
}

/* Argument 0 as a state of dim dimensions that may be written to. */
static sum_state
writable_state(FunctionCallInfo fcinfo, int dim)
{
	sum_state state = open_state(PG_GETARG_ARRAYTYPE_P(0));
	sum_state copy;

	if (state.dim != 0)
		scpg_embedding_check_expected(state.dim, dim);
	if (state.dim != 0 && AggCheckCallContext(fcinfo, NULL))
		return state;
	copy = new_state(dim);
	if (state.dim != 0)
		memcpy(copy.count, state.count, (dim + 1) * sizeof(double));
	return copy;
}

PG_FUNCTION_INFO_V1(scpg_embedding_accum);
Datum
scpg_embedding_accum(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(1);
	sum_state state = writable_state(fcinfo, e->dim);

	scpg_embedding_fetch(e);
	*state.count += 1;
	sc_distance()->add_row(state.sums, e->x, e->dim);
	PG_RETURN_ARRAYTYPE_P(state.array);
}

PG_FUNCTION_INFO_V1(scpg_embedding_combine);
Datum
scpg_embedding_combine(PG_FUNCTION_ARGS)
{
	sum_state other = open_state(PG_GETARG_ARRAYTYPE_P(1));
	sum_state state;

	if (other.dim == 0)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	state = writable_state(fcinfo, other.dim);
	*state.count += *other.count;
	for (int i = 0; i < other.dim; i++)
		state.sums[i] += other.sums[i];
	PG_RETURN_ARRAYTYPE_P(state.array);
}

/* The sums over divisor, as float4; NULL for no rows. */
static Datum
finish(FunctionCallInfo fcinfo, bool mean)
{
	sum_state state = open_state(PG_GETARG_ARRAYTYPE_P(0));
	double divisor = mean ? *state.count : 1;
	scpg_embedding *result;

	if (state.dim == 0)
		PG_RETURN_NULL();
	result = scpg_embedding_new(state.dim);
	for (int i = 0; i < state.dim; i++)
	{
		double value = state.sums[i] / divisor;

		result->x[i] = (float) value;
		if (isinf(result->x[i]) && !isinf(value))
			float_overflow_error();
		scpg_embedding_check_value(result->x[i]);
	}
	PG_RETURN_EMBEDDING(result);
}

PG_FUNCTION_INFO_V1(scpg_embedding_avg);
Datum
scpg_embedding_avg(PG_FUNCTION_ARGS)
{
	return finish(fcinfo, true);
}

PG_FUNCTION_INFO_V1(scpg_embedding_sum);
Datum
scpg_embedding_sum(PG_FUNCTION_ARGS)
{
	return finish(fcinfo, false);
}
