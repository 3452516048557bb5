/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_html_sql.c
 *	  report_html(model): the whole result of a model as one HTML file.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/spi.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/report/report_html.h"

PG_FUNCTION_INFO_V1(scpg_report_html);
Datum
scpg_report_html(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext cxt;
	StringInfoData html;
	text *result;

	SPI_connect();
	cxt = AllocSetContextCreate(caller, "report_html", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(cxt);
	initStringInfo(&html);
	scpg_report_write(&html, scpg_model_find_any(PG_ARGISNULL(0) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(0))));
	MemoryContextSwitchTo(caller);
	result = cstring_to_text_with_len(html.data, html.len);
	MemoryContextDelete(cxt);
	SPI_finish();
	PG_RETURN_TEXT_P(result);
}
