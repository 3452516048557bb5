/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_move.c
 *	  From boxes that a reader ticks to an UPDATE of the label table, to paste
 *	  into SQL.
 *
 * The literals are written here, where what a key holds is known; the script
 * puts those of ticked boxes together and knows nothing of SQL. Without it the
 * boxes are not shown, and the statement stands there to be filled in by hand.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/report/markup.h"
#include "pg/report/report_parts.h"

/* A key that is longer is not worth its place in the file. */
#define MOST_KEY_BYTES 4000

/* No < and no & in it: it means the same to readers of HTML and of XML. */
static const char script[] =
	"<script>\n"
	"(function () {\n"
	"	var form = document.getElementById('move'), group = form.querySelector('select');\n"
	"	var out = form.querySelector('textarea'), count = form.querySelector('output');\n"
	"	function write() {\n"
	"		var keys = Array.from(document.querySelectorAll('.box:checked'), function (box) { return box.value; });\n"
	"		form.classList.toggle('some', keys.length != 0);\n"
	"		count.textContent = keys.length == 1 ? '1 picture' : keys.length + ' pictures';\n"
	"		out.value = out.dataset.begin + group.value + out.dataset.middle + (keys.join(', ') || '\\u2026') + ');';\n"
	"	}\n"
	"	document.documentElement.classList.add('ticks');\n"
	"	document.addEventListener('change', write);\n"
	"	form.addEventListener('submit', function (event) { event.preventDefault(); });\n"
	"	out.addEventListener('focus', function () { out.select(); });\n"
	"	write();\n"
	"})();\n"
	"</script>\n";

void
scpg_report_begin_move(const scpg_report_file *file)
{
	if (file->report->labels != NULL)
		appendStringInfoString(file->html, "<section>\n");
}

void
scpg_report_put_box(const scpg_report_file *file, int64 image)
{
	const scpg_report *report = file->report;
	char *literal;

	if (report->labels == NULL || report->place[image] == SCPG_PLACE_NONE)
		return;
	literal = scpg_report_key_literal(report, image, MOST_KEY_BYTES);
	if (literal == NULL)
		return;
	appendStringInfoString(file->html, "<input class=\"box\" type=\"checkbox\" value=\"");
	scpg_markup_text(file->html, literal);
	appendStringInfoString(file->html, "\"/>");
	pfree(literal);
}

/* The statement up to the label, and from there to the keys. */
static void
put_statement(StringInfo html, const scpg_report *report)
{
	const scpg_source *labels = &report->labels->source;
	char *begin = psprintf("UPDATE %s SET label = ", labels->relation);
	char *middle = psprintf(", pinned = true WHERE %s IN (", labels->id);

	appendStringInfoString(html, "<textarea readonly=\"readonly\" rows=\"4\" aria-label=\"SQL\" data-begin=\"");
	scpg_markup_text(html, begin);
	appendStringInfoString(html, "\" data-middle=\"");
	scpg_markup_text(html, middle);
	appendStringInfoString(html, "\">");
	scpg_markup_text(html, begin);
	appendStringInfo(html, "%d", report->group[0].label);
	scpg_markup_text(html, middle);
	appendStringInfoString(html, "&#8230;);</textarea>\n");
}

void
scpg_report_end_move(const scpg_report_file *file)
{
	StringInfo html = file->html;
	const scpg_report *report = file->report;

	if (report->labels == NULL)
		return;
	appendStringInfoString(html,
						   "<form id=\"move\"><h3>To move pictures</h3>\n<p>This statement puts pictures into another group, "
						   "by their keys. Rows that were moved are pinned: they keep their group whatever is clustered "
						   "later.</p>\n<p class=\"ticked\"><output></output> ticked, to <label>group <select>\n");
	for (int g = 0; g < report->k; g++)
	{
		const scpg_report_group *group = &report->group[g];

		appendStringInfo(html, "<option value=\"%d\">%d%s", group->label, group->label, group->name != NULL ? ": " : "");
		scpg_markup_text(html, group->name != NULL ? group->name : "");
		appendStringInfoString(html, "</option>\n");
	}
	appendStringInfoString(html, "</select></label></p>\n");
	put_statement(html, report);
	appendStringInfoString(html, "</form>\n");
	appendStringInfoString(html, script);
	appendStringInfoString(html, "</section>\n");
}
