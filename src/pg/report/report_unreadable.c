/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_unreadable.c
 *	  The pictures that cannot be read, each with its reason.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg/report/markup.h"
#include "pg/report/report_parts.h"

/* Bytes of a key that are shown. */
#define KEY_SHOWN 200

static void
put_picture(const scpg_report_file *file, Datum id, const char *reason)
{
	char *key = OidOutputFunctionCall(file->report->dataset->source.id_output, id);

	appendStringInfoString(file->html, "<tr><td><bdi>");
	scpg_markup_short(file->html, key, KEY_SHOWN);
	appendStringInfoString(file->html, "</bdi></td><td>");
	scpg_markup_text(file->html, reason);
	appendStringInfoString(file->html, "</td></tr>\n");
	pfree(key);
}

/* The query that lists all of them. */
static void
put_query(const scpg_report_file *file)
{
	const scpg_source *source = &file->report->dataset->source;

	appendStringInfoString(file->html, "<p>All of them, by a query: <code>");
	scpg_markup_text(file->html, psprintf("SELECT %s, i.message FROM %s, image_info(%s) i WHERE i.message IS NOT NULL",
										  source->id, source->relation, quote_identifier(source->data_column)));
	appendStringInfoString(file->html, "</code></p>\n");
}

void
scpg_report_put_unreadable(const scpg_report_file *file)
{
	const scpg_dataset *dataset = file->report->dataset;
	const scpg_skips *skips = &dataset->skips;
	int64 kept = Min(skips->count, SCPG_SKIPS_KEPT);
	int64 n = 0;

	appendStringInfo(file->html, "<h2>Pictures that cannot be read</h2>\n<div class=\"wide\"><table class=\"list\">\n"
								 "<tr><th>key</th><th>reason</th></tr>\n");
	/* Reasons came in the order of the rows. */
	for (int64 i = 0; i < dataset->rows && n < kept; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (dataset->row[i].image < 0)
			put_picture(file, dataset->row[i].id, skips->kept[n++]);
	}
	appendStringInfoString(file->html, "</table></div>\n");
	if (kept < skips->count)
		appendStringInfo(file->html, "<p>And %lld more.</p>\n", (long long) (skips->count - kept));
	put_query(file);
}
