/*-------------------------------------------------------------------------
 *
 * src/pg/model/embed_image_sql.c
 *	  embed_image(): the embedding of one image. The trigger that keeps a column
 *	  of them is pg/cluster/trigger_sql.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg/model/embed_image.h"

PG_FUNCTION_INFO_V1(scpg_embed_image);

Datum
scpg_embed_image(PG_FUNCTION_ARGS)
{
	const scpg_model *model = scpg_model_of_statement(text_to_cstring(PG_GETARG_TEXT_PP(1)), GetUserId());

	PG_RETURN_EMBEDDING(scpg_embed_datum(PG_GETARG_DATUM(0), model));
}
