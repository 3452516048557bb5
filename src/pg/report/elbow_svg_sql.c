/*-------------------------------------------------------------------------
 *
 * src/pg/report/elbow_svg_sql.c
 *	  elbow_svg(elbow_result).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/report/elbow_svg.h"

PG_FUNCTION_INFO_V1(scpg_elbow_svg);
Datum
scpg_elbow_svg(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(scpg_elbow_draw(DatumGetElbowResult(PG_GETARG_DATUM(0))));
}
