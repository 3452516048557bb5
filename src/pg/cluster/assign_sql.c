/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/assign_sql.c
 *	  assign_cluster: the label of a new row, which was not there when the
 *	  clusters were made.
 *
 * It is that of the nearest of the clusters that cluster_images left in the
 * model: label_of below, by core/analytics/space.c, in the space that
 * cluster_space.c reads from the model. An image is embedded first
 * (model/embed_image.c).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg/cluster/cluster_space.h"
#include "pg/model/embed_image.h"
#include "pg/type/embedding.h"

PG_FUNCTION_INFO_V1(scpg_assign_cluster);
PG_FUNCTION_INFO_V1(scpg_assign_cluster_image);

/* The label that x (SC_EMBEDDING_DIM) gets. */
static int
label_of(const scpg_model *model, const float *x)
{
	sc_space space = scpg_cluster_space(model);
	float point[SC_EMBEDDING_DIM], unit[SC_EMBEDDING_DIM];

	sc_space_project(&space, point, x, unit);
	return sc_space_nearest(&space, point, NULL);
}

Datum
scpg_assign_cluster(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	const scpg_model *model = scpg_model_of_statement(text_to_cstring(PG_GETARG_TEXT_PP(1)), GetUserId());

	scpg_embedding_check_expected(SC_EMBEDDING_DIM, e->dim);
	PG_RETURN_INT32(label_of(model, e->x));
}

Datum
scpg_assign_cluster_image(PG_FUNCTION_ARGS)
{
	bytea *image = PG_GETARG_BYTEA_PP(0);
	const scpg_model *model = scpg_model_of_statement(text_to_cstring(PG_GETARG_TEXT_PP(1)), GetUserId());
	float x[SC_EMBEDDING_DIM];

	scpg_embed_bytes(x, model, (const uint8 *) VARDATA_ANY(image), VARSIZE_ANY_EXHDR(image));
	PG_RETURN_INT32(label_of(model, x));
}
