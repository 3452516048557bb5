/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/silhouette.c
 *	  The mean silhouette of a clustering in memory.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/analytics/silhouette.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

double
scpg_silhouette_mean(const float *rows, size_t n, int d, const int32 *labels, int k)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "silhouette", ALLOCSET_DEFAULT_SIZES);
	sc_silhouette s = {.n = n, .d = d, .k = k, .rows = rows, .labels = labels};
	sc_arena arena = sc_arena_counter();

	Assert(n > 0 && k > 1);
	scpg_core()->sc_silhouette_layout(&s, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the silhouette");
	scpg_core()->sc_silhouette_layout(&s, &arena);
	scpg_run(scpg_core()->sc_silhouette_run, &s);
	MemoryContextDelete(cxt);
	return s.mean;
}
