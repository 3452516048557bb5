/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_html.c
 *	  The whole result of a model as one HTML file.
 *
 * The file needs nothing else: drawings are SVG in it, pictures are JPEG in
 * data: URIs. It is well-formed XML, and whatever comes from the user is
 * escaped. A part that the model does not have, or whose table is gone, is left
 * out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "common/base64.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"

#include "core/api.h"
#include "pg/report/loss_svg.h"
#include "pg/report/markup.h"
#include "pg/report/report_html.h"
#include "pg/report/report_parts.h"
#include "pg/report/scatter.h"
#include "pg/table/dataset.h"

#define TILE 80

/* Bytes of a key that stand below its picture. */
#define KEY_SHOWN 40

/* Queries and neighbours of the neighbours' sheet. */
#define QUERIES 8
#define NEIGHBOURS 8
#define QUERY_LEAD 20

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\"><head><meta charset=\"utf-8\"/>\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	"<meta name=\"color-scheme\" content=\"light dark\"/>\n"
	"<title>%s</title>\n"
	"<style>\n"
	":root { --ink: #222; --faint: #666; --paper: #fff; --line: #ddd; --shade: #f4f4f4 }\n"
	"@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --faint: #a0a0a0; --paper: #14161a; --line: #3a3f47;"
	" --shade: #24282e } }\n"
	"body { font: 16px/1.5 sans-serif; color: var(--ink); background: var(--paper); margin: 2em auto; max-width: 1040px;"
	" padding: 0 1em }\n"
	"h1, h2 { line-height: 1.2; overflow-wrap: anywhere }\n"
	"h2 { margin: 2em 0 .5em; border-bottom: 1px solid var(--line) }\n"
	"h3 { margin: 1.5em 0 .3em } small { color: var(--faint) } h3 small { font-weight: normal }\n"
	"img, svg { max-width: 100%%; height: auto; display: block }\n"
	"table { border-collapse: collapse } th { text-align: left; font-weight: normal; color: var(--faint) }\n"
	"th, td { padding: 0 1.5em 0 0; vertical-align: top } td { overflow-wrap: break-word }\n"
	".list td, .list th { border-bottom: 1px solid var(--line); padding-top: .2em }\n"
	"code { background: var(--shade); padding: .1em .3em } details { margin: 1em 0 } summary { cursor: pointer }\n"
	".wide { overflow-x: auto }\n"
	".pair { display: flex; flex-wrap: wrap; gap: 1em } .pair svg { flex: 1 1 420px; min-width: 0; max-width: 640px }\n"
	".tiles { display: flex; flex-wrap: wrap; gap: 4px } .tiles figure { margin: 0; width: 80px; font-size: 13px;"
	" line-height: 1.3 }\n"
	".tiles bdi, .tiles figcaption { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }\n"
	".tiles figcaption { color: var(--faint); font-size: smaller } .facts { margin: 0 0 .3em }\n"
	".tiles label { display: block; position: relative } .tiles + .tiles { margin-top: 1em }\n"
	".box, .ticked { display: none } .ticks .box { display: block; position: absolute; left: 2px; top: 2px; margin: 0 }"
	" .ticks .ticked { display: block }\n"
	"#move { background: var(--paper); border-top: 1px solid var(--line); padding: .2em 0 .6em } #move.some { position:"
	" sticky; bottom: 0 } .some h3, .some h3 + p { display: none } .some .ticked { margin: .3em 0 }\n"
	"textarea, select { font: 13px/1.4 monospace; color: inherit; background: var(--shade); border: 1px solid var(--line);"
	" border-radius: 4px } textarea { width: 100%%; box-sizing: border-box; resize: vertical }\n"
	"@media (max-width: 600px) { body { margin: 1em auto } th { padding-right: .8em } td { padding-right: 0 }"
	" .pair .sc-plot { font-size: 18px } .pair .sc-choice { font-size: 20px }"
	" .tree .sc-plot { font-size: 15px } .scatter .sc-plot { font-size: 17px } .scatter g[font-size=\"12.0\"] { font-size:"
	" 17px } }\n"
	"</style></head><body>\n";

/* ---- pieces -------------------------------------------------------------------- */

static void
put_row(StringInfo html, const char *name, const char *value)
{
	appendStringInfoString(html, "<tr><th>");
	scpg_markup_text(html, name);
	appendStringInfoString(html, "</th><td>");
	scpg_markup_text(html, value);
	appendStringInfoString(html, "</td></tr>\n");
}

void
scpg_report_put_text(StringInfo html, const text *value)
{
	appendBinaryStringInfo(html, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

void
scpg_report_put_sheet(const scpg_report_file *file, const scpg_sheet *sheet, const char *alt)
{
	StringInfo html = file->html;
	MemoryContext old = MemoryContextSwitchTo(file->scratch);
	bytea *jpeg = scpg_sheet_write(sheet);
	int size = VARSIZE_ANY_EXHDR(jpeg);
	int room = pg_b64_enc_len(size);
	int written;

	MemoryContextSwitchTo(old);
	appendStringInfo(html, "<img alt=\"%s\" src=\"data:image/jpeg;base64,", alt);
	enlargeStringInfo(html, room);
	/* Bytes are char or uint8 there, by the server's version. */
	written = pg_b64_encode((const void *) VARDATA_ANY(jpeg), size, html->data + html->len, room);
	if (written < 0)
		elog(ERROR, "could not encode a picture");
	html->len += written;
	html->data[html->len] = '\0';
	appendStringInfoString(html, "\"/>");
	MemoryContextReset(file->scratch);
}

void
scpg_report_put_picture(const scpg_report_file *file, scpg_report_pictures *pictures, int64 image)
{
	scpg_sheet *sheet = scpg_sheet_make(file->scratch, "picture", 1, TILE, 0);
	char *key;

	scpg_report_add_pictures(pictures, sheet, 1);
	scpg_report_put_sheet(file, sheet, "");
	key = scpg_report_key(file->report, image);
	appendStringInfoString(file->html, "<bdi title=\"");
	scpg_markup_short(file->html, key, 10 * KEY_SHOWN);
	appendStringInfoString(file->html, "\">");
	scpg_markup_short(file->html, key, KEY_SHOWN);
	appendStringInfoString(file->html, "</bdi>");
	pfree(key);
}

char *
scpg_report_count(int64 n, const char *one, const char *many)
{
	return psprintf("%lld %s", (long long) n, n == 1 ? one : many);
}

/* ---- the parts ------------------------------------------------------------------- */

static const char *
at_second(TimestampTz t)
{
	return timestamptz_to_str(t / USECS_PER_SEC * USECS_PER_SEC);
}

static void
put_summary(StringInfo html, const scpg_model *model, const scpg_report *report)
{
	appendStringInfoString(html, "<table>\n");
	put_row(html, "model", psprintf("%s, version %d", model->name, model->version));
	put_row(html, "state", scpg_model_state_name(model));
	if (model->source_name != NULL)
		put_row(html, "trained on",
				OidIsValid(model->source) ? model->source_name
										  : psprintf("%s, a table that is gone", model->source_name));
	if (model->images > 0)
		put_row(html, "images that trained it", psprintf("%lld", (long long) model->images));
	if (model->skipped > 0)
		put_row(html, "images that could not be read then", psprintf("%lld", (long long) model->skipped));
	put_row(html, "training",
			isnan(model->loss) ? scpg_report_count(model->epochs_done, "epoch", "epochs")
							   : psprintf("%s, loss %.3f at the end",
										  scpg_report_count(model->epochs_done, "epoch", "epochs"), model->loss));
	put_row(html, "begun", at_second(model->created));
	if (report != NULL)
	{
		put_row(html, "images in this report", psprintf("%lld", (long long) report->n));
		if (report->dataset->skips.count > 0)
			put_row(html, "images that cannot be read", psprintf("%lld", (long long) report->dataset->skips.count));
		if (report->k > 0)
		{
			put_row(html, "groups", psprintf(model->edited ? "%d, corrected by hand" : "%d", report->k));
			put_row(html, model->edited ? "how sure it was before" : "how sure that is", scpg_report_sureness(model));
		}
	}
	put_row(html, "at", at_second(GetCurrentTransactionStartTimestamp()));
	appendStringInfoString(html, "</table>\n");
}

static void
put_scatter(const scpg_report_file *file)
{
	const scpg_report *report = file->report;
	scpg_scatter *scatter = scpg_scatter_make(file->scratch);
	MemoryContext old = MemoryContextSwitchTo(file->scratch);

	for (int64 i = 0; i < report->n; i++)
	{
		const float *place = report->plot + SCPG_PLOT_DIM * i;
		int32 label = report->label[i];

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		scpg_scatter_add(scatter, place[0], place[1], label == SCPG_REPORT_NO_GROUP ? NULL : &label);
	}
	appendStringInfoString(file->html, "<h2>All of them at a glance</h2>\n<p>The first two principal components.");
	if (report->d > SCPG_PLOT_DIM)
		appendStringInfoString(file->html,
							   " What lies apart there may overlap here: the groups were made in more than two dimensions.");
	appendStringInfoString(file->html, "</p>\n<div class=\"scatter\">");
	scpg_report_put_text(file->html, scpg_scatter_write(scatter));
	appendStringInfoString(file->html, "</div>\n");
	MemoryContextSwitchTo(old);
	MemoryContextReset(file->scratch);
}

static void
put_neighbours(const scpg_report_file *file)
{
	const scpg_report *report = file->report;
	int queries = (int) Min(report->n, QUERIES);
	int64 tiles[QUERIES * (1 + NEIGHBOURS)];
	int found = scpg_report_neighbours(report, queries, NEIGHBOURS, tiles);
	scpg_sheet *sheet = scpg_sheet_make(file->scratch, "neighbor sheet", 1 + found, TILE, QUERY_LEAD);
	scpg_report_pictures pictures = scpg_report_open_pictures(report, tiles, queries * (1 + found));

	appendStringInfoString(file->html,
						   "<h2>Neighbours</h2>\n<p>A sample of the pictures, left of the line, and for each of"
						   " them the ones whose embeddings are nearest to its.</p>\n<div class=\"wide\">");
	scpg_report_add_pictures(&pictures, sheet, queries * (1 + found));
	scpg_report_close_pictures(&pictures);
	scpg_report_put_sheet(file, sheet, "pictures and their neighbours");
	appendStringInfoString(file->html, "</div>\n");
}

/* The loss of each epoch as a curve, and the speed. */
static void
put_loss(const scpg_report_file *file)
{
	MemoryContext old = MemoryContextSwitchTo(file->scratch);
	scpg_model_epoch *epochs;
	int64 n = scpg_model_read_log(file->model, &epochs);
	const text *drawing = scpg_loss_draw(epochs, n);
	double speed = NAN;

	for (int64 i = 0; i < n; i++)
		if (isfinite(epochs[i].images_per_second))
			speed = epochs[i].images_per_second;
	if (drawing != NULL)
	{
		appendStringInfoString(file->html, "<h2>Training</h2>\n<p>The loss of every epoch");
		if (!isnan(speed))
			appendStringInfo(file->html, "; %.0f images a second in the last one", speed);
		appendStringInfoString(file->html, ".</p>\n<div class=\"pair\">\n");
		scpg_report_put_text(file->html, drawing);
		appendStringInfoString(file->html, "</div>\n");
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(file->scratch);
}

typedef struct setting
{
	char *name;
	char *value;
} setting;

static int
compare_settings(const void *a, const void *b)
{
	return strcmp(((const setting *) a)->name, ((const setting *) b)->name);
}

static char *
setting_text(JsonbValue *v)
{
	switch (v->type)
	{
		case jbvNull:
			return "none";
		case jbvBool:
			return v->val.boolean ? "true" : "false";
		case jbvString:
			return pnstrdup(v->val.string.val, v->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(v->val.numeric)));
		case jbvBinary:
			return JsonbToCString(NULL, v->val.binary.data, v->val.binary.len);
		default:
			return "";
	}
}

static void
put_settings(StringInfo html, const scpg_model *model)
{
	JsonbIterator *it = JsonbIteratorInit(&model->stored_recipe->root);
	setting *settings = palloc(sizeof(setting) * Max(1, JB_ROOT_COUNT(model->stored_recipe)));
	JsonbIteratorToken token;
	JsonbValue v;
	int n = 0;

	while ((token = JsonbIteratorNext(&it, &v, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			settings[n].name = pnstrdup(v.val.string.val, v.val.string.len);
		else if (token == WJB_VALUE)
			settings[n++].value = setting_text(&v);
	}
	qsort(settings, n, sizeof(setting), compare_settings);
	appendStringInfoString(html, "<details><summary>Every setting</summary><table>\n");
	for (int i = 0; i < n; i++)
		put_row(html, settings[i].name, settings[i].value);
	appendStringInfoString(html, "</table></details>\n");
}

/* ---- the whole -------------------------------------------------------------------- */

/* The beginning of the file, and its heading. */
static void
put_head(StringInfo html, const scpg_model *model, const scpg_report *report)
{
	char *version = pstrdup(GetConfigOption("server_version", false, false));
	StringInfoData escaped;
	char *title = report == NULL || report->k == 0
					  ? psprintf("Model %s", model->name)
					  : psprintf("%s in %s", scpg_report_count(report->n, "picture", "pictures"),
								 scpg_report_count(report->k, "group", "groups"));

	version[strcspn(version, " ")] = '\0';
	initStringInfo(&escaped);
	scpg_markup_text(&escaped, title);
	appendStringInfo(html, head, escaped.data);
	appendStringInfo(html, "<h1>%s</h1>\n<p>By PostgreSQL %s and selfclass %s, from the pictures alone.</p>\n",
					 escaped.data, version, SELFCLASS_VERSION);
}

void
scpg_report_write(StringInfo html, const scpg_model *model)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "report_html part", ALLOCSET_DEFAULT_SIZES);
	scpg_report *report = NULL;
	scpg_report_file file = {.html = html, .model = model, .scratch = scratch};
	bool clustered;

	if (model->state == SCPG_MODEL_READY && OidIsValid(model->source))
		report = scpg_report_make(model);
	file.report = report;
	clustered = report != NULL && report->k > 0;
	put_head(html, model, report);
	put_summary(html, model, report);
	if (clustered)
		scpg_report_put_groups(&file);
	if (clustered && report->k > 1)
		scpg_report_put_levels(&file);
	if (clustered && report->plot != NULL)
		put_scatter(&file);
	if (report != NULL && report->n > 1)
	{
		put_neighbours(&file);
		scpg_report_put_duplicates(&file);
	}
	if (report != NULL && report->dataset->skips.count > 0)
		scpg_report_put_unreadable(&file);
	if (clustered || model->elbow != NULL)
		scpg_report_put_choice(&file);
	put_loss(&file);
	put_settings(html, model);
	appendStringInfoString(html, "</body></html>\n");
	if (report != NULL)
		scpg_dataset_close(report->dataset);
	MemoryContextDelete(scratch);
}
