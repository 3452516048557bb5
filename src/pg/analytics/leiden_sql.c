/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/leiden_sql.c
 *	  The window function leiden: groups by the neighbour graph.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/analytics/groups.h"
#include "pg/analytics/kmeans.h"
#include "pg/analytics/window.h"
#include "pg/server/arguments.h"

/* k of the first row; NULL, and none at all: as many as the graph has. */
static int
wanted(WindowObject winobj, FunctionCallInfo fcinfo)
{
	bool isnull;
	Datum number;
	int k;

	if (PG_NARGS() < 2)
		return 0;
	number = WinGetFuncArgCurrent(winobj, 1, &isnull);
	if (isnull)
		return 0;
	k = scpg_int_value(DatumGetInt64(number), "number of clusters");
	scpg_kmeans_check(k, 0);
	return k;
}

static const int32 *
label_rows(WindowObject winobj, FunctionCallInfo fcinfo, const scpg_rows *rows, MemoryContext cxt)
{
	int k = wanted(winobj, fcinfo);
	scpg_groups_options options = scpg_groups_read_options(scpg_window_options(winobj, fcinfo, 2));
	sc_groups g;

	if (rows->n == 0)
		return NULL;
	g = scpg_groups_run(rows->x, rows->n, rows->d, (int) Min((size_t) k, rows->n), false, &options, cxt);
	/* Partitions are many, and each could say it again. */
	if (g.found < k && fcinfo->flinfo->fn_extra == NULL)
	{
		scpg_kmeans_report_clusters(k, g.found, g.distinct);
		fcinfo->flinfo->fn_extra = fcinfo->flinfo;
	}
	return g.labels;
}

PG_FUNCTION_INFO_V1(scpg_leiden_window);
Datum
scpg_leiden_window(PG_FUNCTION_ARGS)
{
	return scpg_window_label(fcinfo, "leiden", label_rows);
}
