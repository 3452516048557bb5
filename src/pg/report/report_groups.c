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

/* Doubtful pictures of a group. */
#define MOST_DOUBTFUL 12

/* Bytes of a key that stand below its picture. */
#define KEY_SHOWN 40

/* What is shown of a group. */
typedef struct shown_group
{
	const scpg_report_group *group;
	int on_sheet;
	int doubtful;
	int64 doubt[MOST_DOUBTFUL]; /* the least sure first */
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
	/* One group is all there is: nothing else could be meant. */
	for (int64 i = 0; i < group->size && report->k > 1; i++)
	{
		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		add_doubt(s, report, report->order[group->first + i]);
	}
}

/* One picture with its key, how sure its group is, and which would be next. */
static void
put_tile(const scpg_report_file *file, scpg_report_pictures *pictures, int64 image)
{
	const scpg_report *report = file->report;
	scpg_sheet *sheet = scpg_sheet_make(file->scratch, "picture", 1, TILE, 0);
	char *key;

	appendStringInfoString(file->html, "<figure>");
	scpg_report_add_pictures(pictures, sheet, 1);
	scpg_report_put_sheet(file, sheet, "");
	key = scpg_report_key(report, image);
	appendStringInfoString(file->html, "<figcaption><bdi title=\"");
	scpg_markup_short(file->html, key, 10 * KEY_SHOWN);
	appendStringInfoString(file->html, "\">");
	scpg_markup_short(file->html, key, KEY_SHOWN);
	appendStringInfo(file->html, "</bdi><small>%.2f, or %d</small></figcaption></figure>\n", report->sureness[image],
					 report->other[image]);
	pfree(key);
}

static void
put_group(const scpg_report_file *file, scpg_report_pictures *pictures, const shown_group *s)
{
	StringInfo html = file->html;
	int label = s->group->label;

	appendStringInfo(html, "<h3>Group %d <small>%s", label, scpg_report_count(s->group->size, "picture", "pictures"));
	if (s->on_sheet < s->group->size)
		appendStringInfo(html, ", the first %d", s->on_sheet);
	appendStringInfoString(html, "</small></h3>\n");
	/* Images of today may leave a group empty that had some. */
	if (s->on_sheet > 0)
	{
		scpg_sheet *sheet = scpg_sheet_make(file->scratch, "contact sheet", COLUMNS, TILE, 0);

		scpg_report_add_pictures(pictures, sheet, s->on_sheet);
		appendStringInfoString(html, "<div class=\"wide\">");
		scpg_report_put_sheet(file, sheet, psprintf("pictures of group %d", label));
		appendStringInfoString(html, "</div>\n");
	}
	if (s->doubtful == 0)
		return;
	appendStringInfo(html, "<p>The most doubtful:</p>\n<div class=\"tiles\">\n");
	for (int i = 0; i < s->doubtful; i++)
		put_tile(file, pictures, s->doubt[i]);
	appendStringInfoString(html, "</div>\n");
}

/* All pictures that are shown of groups, in the order in which they are. */
static scpg_report_pictures
open_pictures(const scpg_report *report, const shown_group *shown, int groups)
{
	int64 *image = palloc(sizeof(int64) * groups * (MOST_OF_GROUP + MOST_DOUBTFUL));
	scpg_report_pictures pictures;
	int n = 0;

	for (int g = 0; g < groups; g++)
	{
		memcpy(image + n, report->order + shown[g].group->first, shown[g].on_sheet * sizeof(int64));
		n += shown[g].on_sheet;
		memcpy(image + n, shown[g].doubt, shown[g].doubtful * sizeof(int64));
		n += shown[g].doubtful;
	}
	pictures = scpg_report_open_pictures(report, image, n);
	pfree(image);
	return pictures;
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
	appendStringInfoString(file->html,
						   "<h2>The groups</h2>\n<p>In each, the pictures nearest to its middle come first.");
	if (report->k > 1)
		appendStringInfoString(file->html, " Below stand those whose place in it is the most doubtful, with how much "
										   "farther the nearest other group is (0: no farther), and which that is.");
	appendStringInfoString(file->html, "</p>\n");
	pictures = open_pictures(report, shown, groups);
	for (int g = 0; g < groups; g++)
		put_group(file, &pictures, &shown[g]);
	scpg_report_close_pictures(&pictures);
	if (groups < report->k)
		appendStringInfo(file->html, "<p>And %s.</p>\n",
						 scpg_report_count(report->k - groups, "smaller group", "other groups"));
	pfree(shown);
}
