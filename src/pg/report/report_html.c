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
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/numeric.h"
#include "utils/timestamp.h"
#include "utils/xml.h"

#include "core/api.h"
#include "pg/report/elbow_svg.h"
#include "pg/report/loss_svg.h"
#include "pg/report/report_html.h"
#include "pg/report/report_parts.h"
#include "pg/report/scatter.h"
#include "pg/table/dataset.h"

/* Tiles of a cluster's sheet, and pictures of all sheets together. */
#define COLUMNS 12
#define TILE 80
#define MOST_OF_CLUSTER 84
#define LEAST_OF_CLUSTER 12
#define MOST_PICTURES 4000

/* Clusters that have a sheet. */
#define MOST_CLUSTERS 200

/* Queries and neighbours of the neighbours' sheet. */
#define QUERIES 8
#define NEIGHBOURS 8
#define QUERY_LEAD 20

static const char head[] =
	"<!DOCTYPE html>\n"
	"<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\"><head><meta charset=\"utf-8\"/>\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	"<title>%s</title>\n"
	"<style>\n"
	"body { font: 16px/1.5 sans-serif; color: #222; background: #fff; margin: 2em auto; max-width: 1040px; padding: 0 1em }\n"
	"h1, h2 { line-height: 1.2 } h2 { margin: 2em 0 .5em; border-bottom: 1px solid #ddd }\n"
	"h3 { margin: 1.5em 0 .3em } h3 small { font-weight: normal; color: #666 }\n"
	"img, svg { max-width: 100%%; height: auto; display: block }\n"
	"table { border-collapse: collapse } th { text-align: left; font-weight: normal; color: #666; padding-right: 2em; vertical-align: top }\n"
	"code { background: #f4f4f4; padding: .1em .3em } details { margin: 1em 0 } summary { cursor: pointer }\n"
	"</style></head><body>\n";

/* ---- pieces -------------------------------------------------------------------- */

static void
put_row(StringInfo html, const char *name, const char *value)
{
	appendStringInfo(html, "<tr><th>%s</th><td>%s</td></tr>\n", escape_xml(name), escape_xml(value));
}

static void
put_text(StringInfo html, const text *value)
{
	appendBinaryStringInfo(html, VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
}

/* A sheet as an image; the sheet's memory goes. */
static void
put_sheet(StringInfo html, const scpg_sheet *sheet, MemoryContext cxt, const char *alt)
{
	MemoryContext old = MemoryContextSwitchTo(cxt);
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
	appendStringInfoString(html, "\"/>\n");
	MemoryContextReset(cxt);
}

/* A number of things. */
static char *
count_of(int64 n, const char *one, const char *many)
{
	return psprintf("%lld %s", (long long) n, n == 1 ? one : many);
}

/* ---- the parts ------------------------------------------------------------------- */

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
			isnan(model->loss)
				? count_of(model->epochs_done, "epoch", "epochs")
				: psprintf("%s, loss %.3f at the end", count_of(model->epochs_done, "epoch", "epochs"), model->loss));
	put_row(html, "begun", timestamptz_to_str(model->created));
	if (report != NULL)
	{
		put_row(html, "images in this report", psprintf("%lld", (long long) report->n));
		if (report->dataset->skips.count > 0)
			put_row(html, "images that cannot be read", psprintf("%lld", (long long) report->dataset->skips.count));
		if (report->k > 0)
			put_row(html, "groups", psprintf("%d", report->k));
	}
	put_row(html, "at", timestamptz_to_str(GetCurrentTransactionStartTimestamp()));
	appendStringInfoString(html, "</table>\n");
}

/* Pictures of a cluster on its sheet. */
static int
shown_of(const scpg_report *report, int label)
{
	int most = Max(LEAST_OF_CLUSTER, Min(MOST_OF_CLUSTER, MOST_PICTURES / report->k));

	return (int) Min(report->size[label], most);
}

static void
put_clusters(StringInfo html, const scpg_report *report, MemoryContext cxt)
{
	int sheets = Min(report->k, MOST_CLUSTERS);
	int64 *image = palloc(sizeof(int64) * sheets * MOST_OF_CLUSTER);
	const int64 *first = report->order;
	int n = 0;
	scpg_report_pictures pictures;

	for (int label = 0; label < sheets; label++)
	{
		int shown = shown_of(report, label);

		memcpy(image + n, first, shown * sizeof(int64));
		n += shown;
		first += report->size[label];
	}
	appendStringInfoString(html,
						   "<h2>The groups</h2>\n<p>In each, the pictures nearest to its middle come first.</p>\n");
	pictures = scpg_report_open_pictures(report, image, n);
	for (int label = 0; label < sheets; label++)
	{
		int shown = shown_of(report, label);
		scpg_sheet *sheet;

		appendStringInfo(html, "<h3>Group %d <small>%s", label, count_of(report->size[label], "picture", "pictures"));
		if (shown < report->size[label])
			appendStringInfo(html, ", the first %d", shown);
		appendStringInfoString(html, "</small></h3>\n");
		/* Images of today may leave a cluster empty that had some. */
		if (shown == 0)
			continue;
		sheet = scpg_sheet_make(cxt, "contact sheet", COLUMNS, TILE, 0);
		scpg_report_add_pictures(&pictures, sheet, shown);
		put_sheet(html, sheet, cxt, psprintf("pictures of group %d", label));
	}
	scpg_report_close_pictures(&pictures);
	if (sheets < report->k)
		appendStringInfo(html, "<p>And %s.</p>\n", count_of(report->k - sheets, "smaller group", "other groups"));
}

static void
put_scatter(StringInfo html, const scpg_report *report, MemoryContext cxt)
{
	scpg_scatter *scatter = scpg_scatter_make(cxt);
	MemoryContext old = MemoryContextSwitchTo(cxt);

	for (int64 i = 0; i < report->n; i++)
	{
		const float *place = report->plot + SCPG_PLOT_DIM * i;

		scpg_scatter_add(scatter, place[0], place[1], &report->label[i]);
	}
	appendStringInfoString(html, "<h2>All of them at a glance</h2>\n<p>The first two principal components.");
	if (report->d > SCPG_PLOT_DIM)
		appendStringInfoString(html,
							   " What lies apart there may overlap here: the groups were made in more than two dimensions.");
	appendStringInfoString(html, "</p>\n");
	put_text(html, scpg_scatter_write(scatter));
	MemoryContextSwitchTo(old);
	MemoryContextReset(cxt);
}

static void
put_neighbours(StringInfo html, const scpg_report *report, MemoryContext cxt)
{
	int queries = (int) Min(report->n, QUERIES);
	int64 tiles[QUERIES * (1 + NEIGHBOURS)];
	int found = scpg_report_neighbours(report, queries, NEIGHBOURS, tiles);
	scpg_sheet *sheet = scpg_sheet_make(cxt, "neighbor sheet", 1 + found, TILE, QUERY_LEAD);
	scpg_report_pictures pictures = scpg_report_open_pictures(report, tiles, queries * (1 + found));

	appendStringInfo(html, "<h2>Neighbours</h2>\n<p>A sample of the pictures, left of the line, and for each of them"
						   " the ones whose embeddings are nearest to its.</p>\n");
	scpg_report_add_pictures(&pictures, sheet, queries * (1 + found));
	scpg_report_close_pictures(&pictures);
	put_sheet(html, sheet, cxt, "pictures and their neighbours");
}

/* What the neighbour graph says of the number of groups. */
static void
put_graph(StringInfo html, scpg_elbow_result r)
{
	if (sc_groups_are_clear(r.chosen, r.score, r.chance))
		appendStringInfo(html,
						 "<p>The number of groups, %d, was chosen by the neighbour graph, which puts it between %d and %d. ",
						 r.chosen, r.low, r.high);
	else
		appendStringInfo(html,
						 "<p>There are no clear groups: their number, %d, was chosen by the neighbour graph and is a guess. ",
						 r.chosen);
	appendStringInfo(html,
					 "The modularity of the groups is %.2f; points without groups have %.2f at most. The curve is that "
					 "of the inertia.</p>\n",
					 r.score, r.chance);
}

static void
put_elbow(StringInfo html, const scpg_model *model, const scpg_report *report, MemoryContext cxt)
{
	MemoryContext old = MemoryContextSwitchTo(cxt);
	const void *elbow = model->elbow;

	appendStringInfoString(html, "<h2>How many groups?</h2>\n");
	if (elbow == NULL)
	{
		appendStringInfoString(html, "<p>The number of groups was given. This is what the elbow says.</p>\n");
		elbow = scpg_report_elbow(report);
	}
	else if (scpg_elbow_result_open(elbow).method > 0)
		put_graph(html, scpg_elbow_result_open(elbow));
	else if (scpg_model_recipe(model)->elbow_method == SCPG_ELBOW_SILHOUETTE)
		appendStringInfoString(html, "<p>The number of groups was chosen by the best silhouette.</p>\n");
	else if (scpg_elbow_result_open(elbow).chosen > 0)
		appendStringInfoString(html, "<p>The number of groups was chosen where the curve turns.</p>\n");
	else
		appendStringInfoString(html,
							   "<p>The curve has no elbow; the number of groups was chosen by the best silhouette.</p>\n");
	put_text(html, scpg_elbow_draw(DatumGetElbowResult(PointerGetDatum(elbow))));
	MemoryContextSwitchTo(old);
	MemoryContextReset(cxt);
}

/* The loss of each epoch as a curve, and the speed. */
static void
put_loss(StringInfo html, const scpg_model *model, MemoryContext cxt)
{
	MemoryContext old = MemoryContextSwitchTo(cxt);
	scpg_model_epoch *epochs;
	int64 n = scpg_model_read_log(model, &epochs);
	const text *drawing = scpg_loss_draw(epochs, n);
	double speed = NAN;

	for (int64 i = 0; i < n; i++)
		if (isfinite(epochs[i].images_per_second))
			speed = epochs[i].images_per_second;
	if (drawing != NULL)
	{
		appendStringInfoString(html, "<h2>Training</h2>\n<p>The loss of every epoch");
		if (!isnan(speed))
			appendStringInfo(html, "; %.0f images a second in the last one", speed);
		appendStringInfoString(html, ".</p>\n");
		put_text(html, drawing);
	}
	MemoryContextSwitchTo(old);
	MemoryContextReset(cxt);
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
	char *title = report == NULL || report->k == 0 ? psprintf("Model %s", model->name)
												   : psprintf("%s in %s", count_of(report->n, "picture", "pictures"),
															  count_of(report->k, "group", "groups"));

	version[strcspn(version, " ")] = '\0';
	appendStringInfo(html, head, escape_xml(title));
	appendStringInfo(html, "<h1>%s</h1>\n<p>By PostgreSQL %s and selfclass %s, from the pictures alone.</p>\n",
					 escape_xml(title), version, SELFCLASS_VERSION);
}

void
scpg_report_write(StringInfo html, const scpg_model *model)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "report_html part", ALLOCSET_DEFAULT_SIZES);
	scpg_report *report = NULL;
	bool clustered;

	if (model->state == SCPG_MODEL_READY && OidIsValid(model->source))
		report = scpg_report_make(model);
	clustered = report != NULL && report->k > 0;
	put_head(html, model, report);
	put_summary(html, model, report);
	if (clustered)
		put_clusters(html, report, scratch);
	if (clustered && report->plot != NULL)
		put_scatter(html, report, scratch);
	if (report != NULL && report->n > 1)
		put_neighbours(html, report, scratch);
	if (clustered || model->elbow != NULL)
		put_elbow(html, model, report, scratch);
	put_loss(html, model, scratch);
	put_settings(html, model);
	appendStringInfoString(html, "</body></html>\n");
	if (report != NULL)
		scpg_dataset_close(report->dataset);
	MemoryContextDelete(scratch);
}
