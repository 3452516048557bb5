/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/pca_transform_sql.c
 *	  What is done with a pca_model: the coordinates of an embedding, and the
 *	  parts of the model.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "funcapi.h"

#include "pg/server/result.h"
#include "pg/type/embedding.h"
#include "pg/type/pca_model.h"

PG_FUNCTION_INFO_V1(scpg_pca_transform);
Datum
scpg_pca_transform(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	scpg_pca_model m = PG_GETARG_PCA_MODEL(1);
	sc_space space = scpg_pca_model_space(&m);
	scpg_embedding *result;

	scpg_embedding_check_expected(m.d, e->dim);
	result = scpg_embedding_new(m.q);
	sc_space_project(&space, result->x, e->x, NULL);
	for (int c = 0; c < m.q; c++)
		scpg_embedding_check_value(result->x[c]);
	PG_FREE_EMBEDDING_COPY(e, 0);
	PG_RETURN_EMBEDDING(result);
}

/* Doubles as an embedding. */
static scpg_embedding *
narrow(const double *x, int d)
{
	scpg_embedding *e = scpg_embedding_new(d);

	for (int j = 0; j < d; j++)
	{
		e->x[j] = (float) x[j];
		scpg_embedding_check_value(e->x[j]);
	}
	return e;
}

PG_FUNCTION_INFO_V1(scpg_pca_mean);
Datum
scpg_pca_mean(PG_FUNCTION_ARGS)
{
	scpg_pca_model m = DatumGetPcaModel(PG_GETARG_DATUM(0));

	PG_RETURN_EMBEDDING(narrow(m.mean, m.d));
}

PG_FUNCTION_INFO_V1(scpg_pca_components);
Datum
scpg_pca_components(PG_FUNCTION_ARGS)
{
	scpg_pca_model m = DatumGetPcaModel(PG_GETARG_DATUM(0));

	InitMaterializedSRF(fcinfo, 0);
	for (int c = 0; c < m.q; c++)
	{
		scpg_embedding *component = narrow(m.components + (size_t) c * m.d, m.d);
		Datum values[4] = {Int32GetDatum(c + 1), EmbeddingGetDatum(component), Float8GetDatum(m.variance[c]),
						   Float8GetDatum(m.ratio[c])};

		scpg_put_row(fcinfo, values, NULL);
		pfree(component);
	}
	return (Datum) 0;
}
