/*-------------------------------------------------------------------------
 *
 * src/pg/model/calibration.c
 *	  What distances and margins mean in a model.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "utils/array.h"

#include "pg/model/calibration.h"

struct varlena *
scpg_calibration_make(double far, const double *margin, const double *confidence, int n)
{
	Datum *values = palloc((1 + 2 * (size_t) n) * sizeof(Datum));

	values[0] = Float8GetDatum(far);
	for (int i = 0; i < n; i++)
	{
		values[1 + 2 * i] = Float8GetDatum(margin[i]);
		values[2 + 2 * i] = Float8GetDatum(confidence[i]);
	}
	return (struct varlena *) construct_array(values, 1 + 2 * n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
											  TYPALIGN_DOUBLE);
}

/* The numbers of an array without NULLs; how many. */
static int
numbers_of(const struct varlena *calibration, const double **numbers)
{
	const ArrayType *array = (const ArrayType *) calibration;

	*numbers = (const double *) ARR_DATA_PTR(array);
	return ARR_DIMS(array)[0];
}

bool
scpg_calibration_is_valid(const struct varlena *calibration)
{
	const ArrayType *array = (const ArrayType *) calibration;
	const double *x;
	int n;

	if (ARR_NDIM(array) != 1 || ARR_HASNULL(array) || ARR_ELEMTYPE(array) != FLOAT8OID)
		return false;
	n = numbers_of(calibration, &x);
	if (n % 2 != 1 || !isfinite(x[0]) || x[0] < 0)
		return false;
	for (int i = 1; i < n; i += 2)
		if (!isfinite(x[i]) || !(x[i + 1] >= 0 && x[i + 1] <= 1) ||
			(i > 1 && !(x[i] > x[i - 2] && x[i + 1] >= x[i - 1])))
			return false;
	return true;
}

double
scpg_calibration_far(const struct varlena *calibration)
{
	const double *x;

	if (calibration == NULL)
		return NAN;
	(void) numbers_of(calibration, &x);
	return x[0];
}

double
scpg_calibration_confidence(const struct varlena *calibration, double margin)
{
	const double *x;
	int n, i;

	if (calibration == NULL || (n = numbers_of(calibration, &x)) < 3)
		return NAN;
	if (!(margin > x[1]))
		return x[2];
	for (i = 3; i < n; i += 2)
		if (margin <= x[i])
			return x[i - 1] + (x[i + 1] - x[i - 1]) * (margin - x[i - 2]) / (x[i] - x[i - 2]);
	return x[n - 1];
}
