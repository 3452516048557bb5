/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_groups.c
 *	  The groups: the pictures of each on a sheet, and those whose place in it is
 *	  the most doubtful one by one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "pg/report/markup.h"
#include "pg/report/report_parts.h"

/* Tiles of a group's sheet, and pictures of all sheets together. */
#define COLUMNS 12
#define TILE 80
#define MOST_OF_GROUP 84
#define LEAST_OF_GROUP 12
#define MOST_PICTURES 4000

/* Groups that have a sheet. */
#define MOST_GROUPS 200

/* Doubtful pictures of a group, those that were put there by hand, and those of no group. */
#define MOST_DOUBTFUL 12
#define MOST_PINNED 12
#define MOST_OUTSIDE 48

/* What is shown of a group. */
typedef struct shown_group
{
	const scpg_report_group *group;
	int on_sheet;
	int doubtful;
	int pinned;
	int64 doubt[MOST_DOUBTFUL]; /* the least sure first */
	int64 pin[MOST_PINNED];
} shown_group;

/* Put an image among the most doubtful ones of its group if it is one of them. */
static void
add_doubt(shown_group *s, const scpg_report *report, int64 image)
{
	double sureness = report->sureness[image];
	int at = s->doubtful;

	while (at > 0 && sureness < report->sureness[s->doubt[at - 1]])
		at--;
	if (at == MOST_DOUBTFUL)
		return;
	if (s->doubtful < MOST_DOUBTFUL)
		s->doubtful++;
	memmove(s->doubt + at + 1, s->doubt + at, (s->doubtful - 1 - at) * sizeof(int64));
	s->doubt[at] = image;
}

static void
choose_pictures(shown_group *s, const scpg_report *report, const scpg_report_group *group)
{
	int most = Max(LEAST_OF_GROUP, Min(MOST_OF_GROUP, MOST_PICTURES / report->k));

	*s = (shown_group){.group = group, .on_sheet = (int) Min(group->size, most)};
	for (int64 i = 0; i < group->size; i++)
	{
		int64 image = report->order[group->first + i];

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		if (report->place[image] == SCPG_PLACE_PINNED)
		{
			if (s->pinned < MOST_PINNED)
				s->pin[s->pinned++] = image;
		}
		/* Where one group is all there is, nothing else could be meant. */
		else if (report->k > 1 && !isnan(report->sureness[image]))
			add_doubt(s, report, image);
	}
}

/* The label of a group, with its name. */
static void
put_name(StringInfo html, const scpg_report_group *group)
{
	appendStringInfo(html, "%d", group->label);
	if (group->name == NULL)
		return;
	appendStringInfoString(html, ": <bdi>");
	scpg_markup_text(html, group->name);
	appendStringInfoString(html, "</bdi>");
}

/* One picture with its box and key, how sure its group is, and which would be next. */
static void
put_tile(const scpg_report_file *file, scpg_report_pictures *pictures, int64 image)
{
	const scpg_report *report = file->report;
	StringInfo html = file->html;

	appendStringInfoString(html, "<figure><label>");
	scpg_report_put_box(file, image);
	scpg_report_put_picture(file, pictures, image);
	appendStringInfoString(html, "</label><figcaption>");
	if (report->place[image] == SCPG_PLACE_PINNED)
		appendStringInfoString(html, "pinned");
	else if (report->place[image] == SCPG_PLACE_NONE)
		appendStringInfoString(html, "no row");
	else if (isnan(report->sureness[image]))
		appendStringInfoString(html, "unsure");
	else
		appendStringInfo(html, "%.2f", report->sureness[image]);
	if (report->other[image] != SCPG_REPORT_NO_GROUP)
		appendStringInfo(html, ", or %d", report->other[image]);
	appendStringInfoString(html, "</figcaption></figure>\n");
}

static void
put_tiles(const scpg_report_file *file, scpg_report_pictures *pictures, const int64 *images, int n, const char *title)
{
	if (n == 0)
		return;
	appendStringInfo(file->html, "<p>%s:</p>\n<div class=\"tiles\">\n", title);
	for (int i = 0; i < n; i++)
		put_tile(file, pictures, images[i]);
	appendStringInfoString(file->html, "</div>\n");
}

/* What the label table knows of a group beside its size. */
static void
put_facts(const scpg_report_file *file, const scpg_report_group *group)
{
	const scpg_report *report = file->report;
	double sum = 0;
	int64 known = 0;

	if (!report->by_confidence)
		return;
	for (int64 i = 0; i < group->size; i++)
	{
		double confidence = report->sureness[report->order[group->first + i]];

		if (!isnan(confidence))
		{
			sum += confidence;
			known++;
		}
	}
	appendStringInfoString(file->html, "<p class=\"facts\"><small>");
	if (known > 0)
		appendStringInfo(file->html, "confidence %.2f on average", sum / known);
	if (group->pinned > 0)
		appendStringInfo(file->html, "%s%lld pinned", known > 0 ? ", " : "", (long long) group->pinned);
	appendStringInfoString(file->html, "</small></p>\n");
}

static void
put_sheet_of(const scpg_report_file *file, scpg_report_pictures *pictures, int n, int label)
{
	scpg_sheet *sheet = scpg_sheet_make(file->scratch, "contact sheet", COLUMNS, TILE, 0);

	scpg_report_add_pictures(pictures, sheet, n);
	scpg_report_put_sheet(file, sheet, psprintf("pictures of group %d", label));
}

static void
put_group(const scpg_report_file *file, scpg_report_pictures *pictures, const shown_group *s)
{
	StringInfo html = file->html;

	appendStringInfoString(html, "<h3>Group ");
	put_name(html, s->group);
	appendStringInfo(html, " <small>%s", scpg_report_count(s->group->size, "picture", "pictures"));
	if (s->on_sheet < s->group->size)
		appendStringInfo(html, ", the first %d", s->on_sheet);
	appendStringInfoString(html, "</small></h3>\n");
	/* Images of today may leave a group empty that had some. */
	if (s->on_sheet == 0)
		return;
	put_facts(file, s->group);
	appendStringInfoString(html, "<div class=\"wide\">");
	put_sheet_of(file, pictures, s->on_sheet, s->group->label);
	appendStringInfoString(html, "</div>\n");
	put_tiles(file, pictures, s->doubt, s->doubtful, "The most doubtful");
	put_tiles(file, pictures, s->pin, s->pinned, "Put there by hand");
}

/* The pictures that are in no group: unsure, or the label table has no row of them. */
static void
put_outside(const scpg_report_file *file)
{
	const scpg_report *report = file->report;
	int n = (int) Min(report->outside, MOST_OUTSIDE);
	scpg_report_pictures pictures = scpg_report_open_pictures(report, report->order, n);

	appendStringInfo(file->html, "<h3>Of no group <small>%s", scpg_report_count(report->outside, "picture", "pictures"));
	if (n < report->outside)
		appendStringInfo(file->html, ", the first %d", n);
	appendStringInfoString(file->html, "</small></h3>\n");
	put_tiles(file, &pictures, report->order, n,
			  "Unsure, or \"no row\" where the label table does not have them yet: refresh_clusters adds them");
	scpg_report_close_pictures(&pictures);
}

/* All pictures that are shown of groups, in the order in which they are. */
static scpg_report_pictures
open_pictures(const scpg_report *report, const shown_group *shown, int groups)
{
	int64 *image = palloc(sizeof(int64) * groups * (MOST_OF_GROUP + MOST_DOUBTFUL + MOST_PINNED));
	scpg_report_pictures pictures;
	int n = 0;

	for (int g = 0; g < groups; g++)
	{
		memcpy(image + n, report->order + shown[g].group->first, shown[g].on_sheet * sizeof(int64));
		n += shown[g].on_sheet;
		memcpy(image + n, shown[g].doubt, shown[g].doubtful * sizeof(int64));
		n += shown[g].doubtful;
		memcpy(image + n, shown[g].pin, shown[g].pinned * sizeof(int64));
		n += shown[g].pinned;
	}
	pictures = scpg_report_open_pictures(report, image, n);
	pfree(image);
	return pictures;
}

static void
put_introduction(const scpg_report_file *file)
{
	const scpg_report *report = file->report;

	appendStringInfoString(file->html,
						   "<h2>The groups</h2>\n<p>In each, the pictures nearest to its middle come first.");
	if (report->k > 1)
		appendStringInfo(file->html,
						 " Below stand those whose place in it is the most doubtful, with %s, and which group "
						 "is the nearest other one.",
						 report->by_confidence ? "the confidence from 0 to 1"
											   : "how much farther the nearest other group is (0: no farther)");
	appendStringInfoString(file->html, "</p>\n");
	if (report->labels == NULL)
		appendStringInfo(file->html, "<p>These are the groups that assign_cluster gives: %s.</p>\n",
						 file->model->labels_name != NULL
							 ? "the model's label table is gone"
							 : "the model has no label table, for cluster_images_into to make");
}

void
scpg_report_put_groups(const scpg_report_file *file)
{
	const scpg_report *report = file->report;
	int groups = Min(report->k, MOST_GROUPS);
	shown_group *shown = palloc(sizeof(shown_group) * groups);
	scpg_report_pictures pictures;

	for (int g = 0; g < groups; g++)
		choose_pictures(&shown[g], report, &report->group[g]);
	put_introduction(file);
	scpg_report_begin_move(file);
	pictures = open_pictures(report, shown, groups);
	for (int g = 0; g < groups; g++)
		put_group(file, &pictures, &shown[g]);
	scpg_report_close_pictures(&pictures);
	if (groups < report->k)
		appendStringInfo(file->html, "<p>And %s.</p>\n",
						 scpg_report_count(report->k - groups, "smaller group", "other groups"));
	if (report->outside > 0)
		put_outside(file);
	scpg_report_end_move(file);
	pfree(shown);
}
