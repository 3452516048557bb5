/*-------------------------------------------------------------------------
 *
 * src/pg/report/scatter_svg_sql.c
 *	  The aggregate scatter_svg(x, y, label): points in the colours of their
 *	  groups.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

#include "pg/report/scatter.h"
#include "pg/server/arguments.h"

PG_FUNCTION_INFO_V1(scpg_scatter_svg_accum_wide);
Datum
scpg_scatter_svg_accum_wide(PG_FUNCTION_ARGS)
{
	scpg_scatter *scatter = PG_ARGISNULL(0) ? NULL : (scpg_scatter *) PG_GETARG_POINTER(0);
	MemoryContext cxt = scpg_aggregate_context(fcinfo);
	int32 label = PG_ARGISNULL(3) ? 0 : scpg_int_argument(fcinfo, 3, "label");

	if (PG_ARGISNULL(1) || PG_ARGISNULL(2))
	{
		/* A row without a place is left out. */
		if (scatter == NULL)
			PG_RETURN_NULL();
		PG_RETURN_POINTER(scatter);
	}
	if (scatter == NULL)
		scatter = scpg_scatter_make(cxt);
	scpg_scatter_add(scatter, PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2), PG_ARGISNULL(3) ? NULL : &label);
	PG_RETURN_POINTER(scatter);
}

SCPG_NARROW_FORM(scatter_svg_accum, 3)

PG_FUNCTION_INFO_V1(scpg_scatter_svg_final);
Datum
scpg_scatter_svg_final(PG_FUNCTION_ARGS)
{
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(scpg_scatter_write((const scpg_scatter *) PG_GETARG_POINTER(0)));
}
