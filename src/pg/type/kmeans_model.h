/*-------------------------------------------------------------------------
 *
 * src/pg/type/kmeans_model.h
 *	  The SQL type kmeans_model: centroids, sizes and how they were found.
 *
 *-------------------------------------------------------------------------
 */
#ifndef SCPG_KMEANS_MODEL_H
#define SCPG_KMEANS_MODEL_H

#include "postgres.h"

#include "pg/type/numbers.h"

extern const scpg_numbers_form scpg_kmeans_model_form;

/* The parts of a kmeans_model, pointing into it; centroids are floats held as double. */
typedef struct scpg_kmeans_model
{
	int k, d;
	int iterations;
	bool converged;
	double inertia;
	const double *sizes;	 /* (k), whole numbers */
	const double *centroids; /* (k, d) */
} scpg_kmeans_model;

/* In the current memory context; sizes: (k), centroids: (k, d). */
extern scpg_numbers *scpg_kmeans_model_make(int k, int d, const float *centroids, const int64_t *sizes, double inertia,
											int iterations, bool converged);

extern scpg_kmeans_model scpg_kmeans_model_open(const scpg_numbers *value);

/* Argument n, for functions that are called for many rows with the same model. */
#define PG_GETARG_KMEANS_MODEL(n) scpg_kmeans_model_open(scpg_numbers_argument(fcinfo, n))
#define DatumGetKmeansModel(d) scpg_kmeans_model_open((const scpg_numbers *) PG_DETOAST_DATUM(d))

#endif /* SCPG_KMEANS_MODEL_H */
