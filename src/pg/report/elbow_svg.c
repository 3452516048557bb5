/*-------------------------------------------------------------------------
 *
 * src/pg/report/elbow_svg.c
 *	  elbow_svg(elbow_result): the curve of the inertia over the number of
 *	  clusters, with the chosen one marked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"

#include "pg/report/elbow_svg.h"
#include "pg/report/plot.h"
#include "pg/type/elbow_result.h"

#define WIDTH 640
#define HEIGHT 400

/* Up to so many, every point of the curve has a dot. */
#define MAX_DOTS 60

static void
append_curve(scpg_plot *plot, const scpg_elbow_result *r)
{
	StringInfo svg = &plot->svg;

	appendStringInfoString(svg, "<polyline fill=\"none\" stroke=\"#0072b2\" stroke-width=\"2\" points=\"");
	for (int i = 0; i < r->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfo(svg, "%s%.1f,%.1f", i > 0 ? " " : "", scpg_plot_x(plot, i + 1),
						 scpg_plot_y(plot, r->inertia[i]));
	}
	appendStringInfoString(svg, "\"/>\n");
	if (r->n <= MAX_DOTS)
	{
		appendStringInfoString(svg, "<g fill=\"#0072b2\">");
		for (int i = 0; i < r->n; i++)
			appendStringInfo(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>", scpg_plot_x(plot, i + 1),
							 scpg_plot_y(plot, r->inertia[i]));
		appendStringInfoString(svg, "</g>\n");
	}
}

/* The number of clusters that was chosen, or that none was. */
static void
append_choice(scpg_plot *plot, const scpg_elbow_result *r)
{
	StringInfo svg = &plot->svg;

	if (r->chosen > r->n)
		appendStringInfo(svg,
						 "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-size=\"14\" font-weight=\"bold\" fill=\"#b04a00\">k = %d, beyond this curve</text>\n",
						 plot->right - 10, plot->top + 16, r->chosen);
	else if (r->chosen > 0)
	{
		double x = scpg_plot_x(plot, r->chosen);
		int middle = (plot->left + plot->right) / 2;
		bool at_right = x > middle;

		appendStringInfo(svg,
						 "<path d=\"M%.1f %dV%d\" stroke=\"#d55e00\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"/>\n",
						 x, plot->top, plot->bottom);
		appendStringInfo(svg,
						 "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\" fill=\"#d55e00\" stroke=\"#fff\" stroke-width=\"1.5\"/>\n",
						 x, scpg_plot_y(plot, r->inertia[r->chosen - 1]));
		appendStringInfo(svg,
						 "<text x=\"%.1f\" y=\"%d\" text-anchor=\"%s\" font-size=\"14\" font-weight=\"bold\" fill=\"#b04a00\">k = %d</text>\n",
						 at_right ? x - 10 : x + 10, plot->top + 16, at_right ? "end" : "start", r->chosen);
	}
	else
		appendStringInfo(svg,
						 "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" font-size=\"14\" fill=\"#b04a00\">no elbow</text>\n",
						 plot->right - 10, plot->top + 16);
}

text *
scpg_elbow_draw(scpg_elbow_result r)
{
	scpg_plot plot = {.left = 84, .right = WIDTH - 20, .top = 20, .bottom = HEIGHT - 52};
	double most = 0;

	for (int i = 0; i < r.n; i++)
		most = Max(most, r.inertia[i]);
	plot.x = (scpg_range){0.5, r.n + 0.5};
	plot.y = (scpg_range){0, scpg_range_around(0, most).hi};

	scpg_plot_begin(&plot, WIDTH, HEIGHT, "inertia by number of clusters");
	scpg_plot_axes(&plot, true);
	scpg_plot_titles(&plot, "number of clusters", "inertia");
	append_curve(&plot, &r);
	append_choice(&plot, &r);
	return scpg_plot_end(&plot);
}
