/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/pca.h
 *	  Principal components, for the functions that find them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_PCA_H
#define SCPG_PCA_H

#include "postgres.h"

#include "pg/type/pca_model.h"

/*
 * The components of pca's rows or sums, as what comes before sc_pca's layout
 * says, in the current memory context. 22023 where there are not so many.
 */
extern scpg_numbers *scpg_pca_fit(sc_pca *pca, bool whiten);

#endif /* SCPG_PCA_H */
