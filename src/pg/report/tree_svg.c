/*-------------------------------------------------------------------------
 *
 * src/pg/report/tree_svg.c
 *	  The tree of groups: names at the left, what joins early near to them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/report/markup.h"
#include "pg/report/plot.h"
#include "pg/report/tree_svg.h"

#define WIDTH 600
#define NAMES 190 /* pixels at the left for names, of a phone's larger letters too */
#define ROW 22
#define NAME_BYTES 22

/* A group, and what has become of it and others. */
typedef struct branch
{
	int next; /* the one below it; -1: none */
	int last; /* of those that were joined into it, the lowest */
	double x; /* where its line ends by now */
	double y;
} branch;

/* Where each group lies, so that no lines cross: what is joined stands below what keeps its number. */
static branch *
arrange(int n, const sc_ward_join *joins)
{
	branch *b = palloc(sizeof(branch) * n);
	int at = n > 1 ? joins[n - 2].keep : 0;

	for (int i = 0; i < n; i++)
		b[i] = (branch){.next = -1, .last = i, .x = NAMES};
	for (int j = 0; j < n - 1; j++)
	{
		branch *keep = &b[joins[j].keep];

		b[keep->last].next = joins[j].join;
		keep->last = b[joins[j].join].last;
	}
	for (int row = 0; at >= 0; at = b[at].next, row++)
		b[at].y = (row + 1) * ROW;
	return b;
}

static void
append_name(StringInfo svg, const branch *b, const char *name)
{
	appendStringInfo(svg, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">", NAMES - 8, b->y + 4);
	scpg_markup_short(svg, name, NAME_BYTES);
	appendStringInfoString(svg, "</text>\n");
}

text *
scpg_tree_draw(char *const *names, int n, const sc_ward_join *joins)
{
	scpg_plot plot = {.left = NAMES, .right = WIDTH - 20, .top = 0, .bottom = (n + 1) * ROW};
	branch *b = arrange(n, joins);

	plot.x = (scpg_range){0, Max(joins[n - 2].height, 1e-6) * 1.02};
	scpg_plot_begin(&plot, WIDTH, plot.bottom, "tree of the groups");
	for (int i = 0; i < n; i++)
		append_name(&plot.svg, &b[i], names[i]);
	appendStringInfoString(&plot.svg, "<g class=\"sc-line\" fill=\"none\" stroke=\"#0072b2\" stroke-width=\"1.5\">\n");
	for (int j = 0; j < n - 1; j++)
	{
		branch *keep = &b[joins[j].keep];
		const branch *join = &b[joins[j].join];
		double x = scpg_plot_x(&plot, joins[j].height);

		CHECK_FOR_INTERRUPTS();
		appendStringInfo(&plot.svg, "<path d=\"M%.1f %.1fH%.1fV%.1fH%.1f\"/>\n", keep->x, keep->y, x, join->y, join->x);
		keep->x = x;
		keep->y = (keep->y + join->y) / 2;
	}
	appendStringInfoString(&plot.svg, "</g>\n");
	return scpg_plot_end(&plot);
}
