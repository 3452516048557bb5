/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/pca.c
 *	  Principal components, for the functions that find them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "pg/analytics/pca.h"
#include "pg/server/errors.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

scpg_numbers *
scpg_pca_fit(sc_pca *pca, bool whiten)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "selfclass pca", ALLOCSET_DEFAULT_SIZES);
	sc_arena arena = sc_arena_counter();
	sc_error err;
	scpg_numbers *result;

	Assert((pca->rows == NULL) != (pca->given == NULL));
	scpg_check(scpg_core()->sc_pca_check(pca->n, pca->d, pca->wanted, &err), &err);
	scpg_core()->sc_pca_layout(pca, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the principal components");
	scpg_core()->sc_pca_layout(pca, &arena);
	scpg_run(scpg_core()->sc_pca_run, pca);
	result = scpg_pca_model_make(pca, whiten);
	MemoryContextDelete(cxt);
	return result;
}
