/*-------------------------------------------------------------------------
 *
 * src/pg/type/pca_model.h
 *	  The SQL type pca_model: mean, components and variances of a PCA.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_PCA_MODEL_H
#define SCPG_PCA_MODEL_H

#include "postgres.h"

#include "core/api.h"
#include "pg/type/numbers.h"

extern const scpg_numbers_form scpg_pca_model_form;

/* The parts of a pca_model, pointing into it. */
typedef struct scpg_pca_model
{
	int d, q;
	bool whiten;
	const double *mean;		  /* (d) */
	const double *components; /* (q, d) */
	const double *variance;	  /* (q) */
	const double *ratio;	  /* (q) */
} scpg_pca_model;

/* From the result of sc_pca_run, in the current memory context. */
extern scpg_numbers *scpg_pca_model_make(const sc_pca *pca, bool whiten);

extern scpg_pca_model scpg_pca_model_open(const scpg_numbers *value);

/* The space of its components. */
extern sc_space scpg_pca_model_space(const scpg_pca_model *m);

/* Argument n, for functions that are called for many rows with the same model. */
#define PG_GETARG_PCA_MODEL(n) scpg_pca_model_open(scpg_numbers_argument(fcinfo, n))
#define DatumGetPcaModel(d) scpg_pca_model_open((const scpg_numbers *) PG_DETOAST_DATUM(d))

#endif /* SCPG_PCA_MODEL_H */
