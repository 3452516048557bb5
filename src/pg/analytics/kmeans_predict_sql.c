/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_predict_sql.c
 *	  What is done with a kmeans_model: the nearest centroid of an embedding,
 *	  and the parts of the model.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"

#include "core/api.h"
#include "pg/server/result.h"
#include "pg/type/embedding.h"
#include "pg/type/kmeans_model.h"

/* The arguments embedding and model of a call: the label, and the distance squared. */
static int
predict(FunctionCallInfo fcinfo, double *distance)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	scpg_kmeans_model m = PG_GETARG_KMEANS_MODEL(1);
	sc_space space = {.d = m.d, .k = m.k, .centroids = m.centroids};
	int label;

	scpg_embedding_check_expected(m.d, e->dim);
	label = sc_space_nearest(&space, e->x, distance);
	PG_FREE_EMBEDDING_COPY(e, 0);
	return label;
}

PG_FUNCTION_INFO_V1(scpg_kmeans_predict);
Datum
scpg_kmeans_predict(PG_FUNCTION_ARGS)
{
	double distance;

	PG_RETURN_INT32(predict(fcinfo, &distance));
}

PG_FUNCTION_INFO_V1(scpg_kmeans_distance);
Datum
scpg_kmeans_distance(PG_FUNCTION_ARGS)
{
	double distance;

	(void) predict(fcinfo, &distance);
	PG_RETURN_FLOAT8(sqrt(distance));
}

PG_FUNCTION_INFO_V1(scpg_kmeans_centroids);
Datum
scpg_kmeans_centroids(PG_FUNCTION_ARGS)
{
	scpg_kmeans_model m = DatumGetKmeansModel(PG_GETARG_DATUM(0));
	scpg_embedding *centroid = scpg_embedding_new(m.d);

	InitMaterializedSRF(fcinfo, 0);
	for (int c = 0; c < m.k; c++)
	{
		Datum values[3] = {Int32GetDatum(c), EmbeddingGetDatum(centroid), Int64GetDatum((int64) m.sizes[c])};

		for (int j = 0; j < m.d; j++)
			centroid->x[j] = (float) m.centroids[(size_t) c * m.d + j];
		scpg_put_row(fcinfo, values, NULL);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(scpg_kmeans_inertia);
Datum
scpg_kmeans_inertia(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(DatumGetKmeansModel(PG_GETARG_DATUM(0)).inertia);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_iterations);
Datum
scpg_kmeans_iterations(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(DatumGetKmeansModel(PG_GETARG_DATUM(0)).iterations);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_converged);
Datum
scpg_kmeans_converged(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(DatumGetKmeansModel(PG_GETARG_DATUM(0)).converged);
}
