/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/window.c
 *	  Window functions that label the rows of a partition by their embeddings.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/analytics/window.h"
#include "pg/type/embedding.h"

#define NO_LABEL (-1)

/* What is kept of a partition between its rows. */
typedef struct window_labels
{
	bool done;
	int32 label[FLEXIBLE_ARRAY_MEMBER]; /* by position; NO_LABEL: no embedding */
} window_labels;

Datum
scpg_window_argument(WindowObject winobj, int n, const char *what)
{
	bool isnull;
	Datum value = WinGetFuncArgCurrent(winobj, n, &isnull);

	if (isnull)
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", what)));
	return value;
}

Jsonb *
scpg_window_options(WindowObject winobj, FunctionCallInfo fcinfo, int n)
{
	bool isnull;
	Datum value;

	if (n >= PG_NARGS())
		return NULL;
	value = WinGetFuncArgCurrent(winobj, n, &isnull);
	return isnull ? NULL : DatumGetJsonbP(value);
}

/* The labels of a whole partition; the other arguments are those of its first row. */
static void
label_partition(WindowObject winobj, FunctionCallInfo fcinfo, const char *name, scpg_window_fn label,
				window_labels *labels, int64 n)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "window labels", ALLOCSET_DEFAULT_SIZES);
	MemoryContext row = AllocSetContextCreate(cxt, "window row", ALLOCSET_DEFAULT_SIZES);
	scpg_rows rows;
	const int32 *found;
	size_t taken = 0;

	scpg_rows_init(&rows, cxt);
	for (int64 i = 0; i < n; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(row);
		bool isnull, isout;
		Datum e = WinGetFuncArgInPartition(winobj, 0, (int) i, WINDOW_SEEK_HEAD, false, &isnull, &isout);

		CHECK_FOR_INTERRUPTS();
		labels->label[i] = isnull ? NO_LABEL : 0;
		if (!isnull)
			scpg_rows_add(&rows, DatumGetEmbedding(e), 0);
		MemoryContextSwitchTo(old);
		MemoryContextReset(row);
	}
	found = label(winobj, fcinfo, &rows, cxt);
	for (int64 i = 0; i < n; i++)
		if (labels->label[i] != NO_LABEL)
			labels->label[i] = found[taken++];
	MemoryContextDelete(cxt);
	labels->done = true;
}

Datum
scpg_window_label(FunctionCallInfo fcinfo, const char *name, scpg_window_fn label)
{
	WindowObject winobj = PG_WINDOW_OBJECT();
	int64 n = WinGetPartitionRowCount(winobj);
	window_labels *labels;
	int32 own;

	if (n > (MaxAllocSize - offsetof(window_labels, label)) / sizeof(int32))
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many rows in one partition of \"%s\"", name),
				 errdetail("There are %lld rows.", (long long) n)));
	labels = WinGetPartitionLocalMemory(winobj, offsetof(window_labels, label) + n * sizeof(int32));
	if (!labels->done)
		label_partition(winobj, fcinfo, name, label, labels, n);
	own = labels->label[WinGetCurrentPosition(winobj)];
	if (own == NO_LABEL)
		PG_RETURN_NULL();
	PG_RETURN_INT32(own);
}
