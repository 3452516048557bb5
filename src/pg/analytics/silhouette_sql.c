/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/silhouette_sql.c
 *	  The aggregate silhouette(embedding, label).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/analytics/silhouette.h"
#include "pg/server/arguments.h"
#include "pg/server/memory.h"
#include "pg/table/rows.h"

PG_FUNCTION_INFO_V1(scpg_silhouette_accum_wide);
Datum
scpg_silhouette_accum_wide(PG_FUNCTION_ARGS)
{
	MemoryContext context = scpg_aggregate_context(fcinfo);
	scpg_rows *rows = PG_ARGISNULL(0) ? NULL : (scpg_rows *) PG_GETARG_POINTER(0);

	if (rows == NULL)
	{
		rows = MemoryContextAlloc(context, sizeof(scpg_rows));
		scpg_rows_init(rows, context);
	}
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		scpg_rows_add(rows, PG_GETARG_EMBEDDING(1), scpg_int_argument(fcinfo, 2, "label"));
	PG_RETURN_POINTER(rows);
}

SCPG_NARROW_FORM(silhouette_accum, 2)

static int
compare_labels(const void *a, const void *b, void *arg)
{
	int32 x = *(const int32 *) a, y = *(const int32 *) b;

	return x < y ? -1 : x > y;
}

/* Any labels to 0 ... k - 1 in to (n); returns k. sorted: (n), scratch. */
static int
number_labels(const int32 *from, size_t n, int32 *to, int32 *sorted)
{
	int k = 0;

	memcpy(sorted, from, n * sizeof(int32));
	qsort_interruptible(sorted, n, sizeof(int32), compare_labels, NULL);
	for (size_t i = 0; i < n; i++)
		if (k == 0 || sorted[k - 1] != sorted[i])
			sorted[k++] = sorted[i];
	for (size_t i = 0; i < n; i++)
	{
		int low = 0, high = k - 1;

		while (low < high)
		{
			int middle = low + (high - low) / 2;

			if (sorted[middle] < from[i])
				low = middle + 1;
			else
				high = middle;
		}
		to[i] = low;
	}
	return k;
}

PG_FUNCTION_INFO_V1(scpg_silhouette_final);
Datum
scpg_silhouette_final(PG_FUNCTION_ARGS)
{
	const scpg_rows *rows;
	MemoryContext cxt;
	sc_arena arena;
	int32 *labels;
	int k;
	double mean = 0;

	(void) scpg_aggregate_context(fcinfo);
	rows = (const scpg_rows *) PG_GETARG_POINTER(0);
	if (rows->n == 0)
		PG_RETURN_NULL();
	cxt = AllocSetContextCreate(CurrentMemoryContext, "silhouette labels", ALLOCSET_DEFAULT_SIZES);
	arena = scpg_arena(cxt, sc_add(sc_mul(rows->n, 2 * sizeof(int32)), 3 * SC_ALIGN), "the labels");
	labels = SC_TAKE(&arena, int32, rows->n);
	k = number_labels(rows->tag, rows->n, labels, SC_TAKE(&arena, int32, rows->n));
	if (k > 1)
		mean = scpg_silhouette_mean(rows->x, rows->n, rows->d, labels, k);
	MemoryContextDelete(cxt);
	/* There is no next cluster to be near to. */
	if (k < 2)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(mean);
}
