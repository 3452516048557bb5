/*-------------------------------------------------------------------------
 *
 * src/pg/report/plot.c
 *	  What the drawings in SVG share: the frame, its axes, and where a value
 *	  lies in it.
 *
 * Ranges may be as wide as double precision, so no difference of two values is
 * taken before both are halved.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg/report/plot.h"

/* Ticks that an axis has at most. */
#define MAX_TICKS 32

/* Up to so many, every point of a curve has a dot. */
#define MAX_DOTS 60

/*
 * Where a reader prefers dark pages. Attributes are for light ones, and for
 * programs that know no style sheets. Names are the same in every drawing of a
 * page, and so are the rules.
 */
static const char dark_style[] =
	"<style>@media (prefers-color-scheme:dark){.sc-plot{fill:#ccc}.sc-paper{fill:#1b1e23}.sc-grid{stroke:#363b43}"
	".sc-axes{stroke:#999}.sc-line{stroke:#56b4e9}.sc-dots{fill:#56b4e9}.sc-pale{stroke:#999}.sc-choice{fill:#ff9a4d}"
	".sc-faint{fill:#999}.sc-mark{stroke:#111}.sc-black{fill:#fff}}</style>\n";

static double
half_width(scpg_range range)
{
	return range.hi / 2 - range.lo / 2;
}

scpg_range
scpg_range_around(double lo, double hi)
{
	double room = (hi / 2 - lo / 2) * 0.08;
	double size = Max(fabs(lo), fabs(hi));

	/* Closer than numbers of that size can be told apart by eye, or the same. */
	if (room <= size * 1e-12 || room < 1e-280)
		room = Max(size * 0.05, 0.5);
	return (scpg_range){Max(lo - room, -DBL_MAX), Min(hi + room, DBL_MAX)};
}

void
scpg_plot_begin(scpg_plot *plot, int width, int height, const char *title)
{
	initStringInfo(&plot->svg);
	appendStringInfo(&plot->svg,
					 "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\""
					 " class=\"sc-plot\" role=\"img\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n"
					 "<title>%s</title>\n%s"
					 "<rect class=\"sc-paper\" width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
					 width, height, width, height, title, dark_style, width, height);
}

/* The step between ticks: 1, 2 or 5 times a power of ten, about `ticks` of them. */
static double
tick_step(scpg_range range, int ticks, bool whole)
{
	double raw = half_width(range) / (ticks * 0.5);
	double power = pow(10, floor(log10(raw)));
	double digit = raw / power;
	double step = (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10) * power;

	return whole ? Max(step, 1) : step;
}

/* The number at a tick, with the decimals that the step asks for. */
static void
append_number(StringInfo svg, double value, double step)
{
	double size = Max(fabs(value), step);

	if (value == 0)
		appendStringInfoChar(svg, '0');
	else if (size < 1e7 && step > 1e-5)
		appendStringInfo(svg, "%.*f", step < 1 ? (int) ceil(-log10(step) - 1e-9) : 0, value);
	else
		appendStringInfo(svg, "%.*g", (int) Min(15, Max(1, ceil(log10(size / step)) + 1)), value);
}

/* Ticks of one axis into at (MAX_TICKS); how many. */
static int
ticks_of(scpg_range range, double step, double *at)
{
	double first = ceil(range.lo / step);
	int n = 0;

	for (; n < MAX_TICKS; n++)
	{
		double value = (first + n) * step;

		if (!(value <= range.hi))
			break;
		at[n] = value;
	}
	return n;
}

void
scpg_plot_axes(scpg_plot *plot, bool whole_x)
{
	StringInfo svg = &plot->svg;
	double step[2] = {tick_step(plot->x, whole_x ? 15 : 8, whole_x), tick_step(plot->y, 6, false)};
	double at[2][MAX_TICKS];
	int n[2] = {ticks_of(plot->x, step[0], at[0]), ticks_of(plot->y, step[1], at[1])};

	appendStringInfoString(svg, "<path class=\"sc-grid\" d=\"");
	for (int i = 0; i < n[0]; i++)
		appendStringInfo(svg, "M%.1f %dV%d", scpg_plot_x(plot, at[0][i]), plot->top, plot->bottom);
	for (int i = 0; i < n[1]; i++)
		appendStringInfo(svg, "M%d %.1fH%d", plot->left, scpg_plot_y(plot, at[1][i]), plot->right);
	appendStringInfoString(svg, "\" stroke=\"#e6e6e6\" fill=\"none\"/>\n<path class=\"sc-axes\" d=\"");
	appendStringInfo(svg, "M%d %dV%dH%d", plot->left, plot->top, plot->bottom, plot->right);
	for (int i = 0; i < n[0]; i++)
		appendStringInfo(svg, "M%.1f %dv5", scpg_plot_x(plot, at[0][i]), plot->bottom);
	for (int i = 0; i < n[1]; i++)
		appendStringInfo(svg, "M%d %.1fh-5", plot->left, scpg_plot_y(plot, at[1][i]));
	appendStringInfoString(svg, "\" stroke=\"#777\" fill=\"none\"/>\n<g text-anchor=\"middle\">");
	for (int i = 0; i < n[0]; i++)
	{
		appendStringInfo(svg, "<text x=\"%.1f\" y=\"%d\">", scpg_plot_x(plot, at[0][i]), plot->bottom + 19);
		append_number(svg, at[0][i], step[0]);
		appendStringInfoString(svg, "</text>");
	}
	appendStringInfoString(svg, "</g>\n<g text-anchor=\"end\">");
	for (int i = 0; i < n[1]; i++)
	{
		appendStringInfo(svg, "<text x=\"%d\" y=\"%.1f\">", plot->left - 9, scpg_plot_y(plot, at[1][i]) + 4);
		append_number(svg, at[1][i], step[1]);
		appendStringInfoString(svg, "</text>");
	}
	appendStringInfoString(svg, "</g>\n");
}

void
scpg_plot_titles(scpg_plot *plot, const char *x, const char *y)
{
	appendStringInfo(&plot->svg, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n",
					 (plot->left + plot->right) / 2, plot->bottom + 40, x);
	appendStringInfo(&plot->svg, "<text transform=\"translate(18 %d)rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
					 (plot->top + plot->bottom) / 2, y);
}

void
scpg_plot_curve(scpg_plot *plot, const scpg_point *points, int n, bool pale)
{
	StringInfo svg = &plot->svg;
	const char *colour = pale ? "#777" : "#0072b2";

	appendStringInfo(svg, "<polyline class=\"%s\" fill=\"none\" stroke=\"%s\"%s stroke-width=\"2\" points=\"",
					 pale ? "sc-pale" : "sc-line", colour, pale ? " stroke-dasharray=\"5 4\"" : "");
	for (int i = 0; i < n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		appendStringInfo(svg, "%s%.1f,%.1f", i > 0 ? " " : "", scpg_plot_x(plot, points[i].x),
						 scpg_plot_y(plot, points[i].y));
	}
	appendStringInfoString(svg, "\"/>\n");
	if (pale || n > MAX_DOTS)
		return;
	appendStringInfo(svg, "<g class=\"sc-dots\" fill=\"%s\">", colour);
	for (int i = 0; i < n; i++)
		appendStringInfo(svg, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\"/>", scpg_plot_x(plot, points[i].x),
						 scpg_plot_y(plot, points[i].y));
	appendStringInfoString(svg, "</g>\n");
}

void
scpg_plot_note(scpg_plot *plot, const char *note)
{
	appendStringInfo(&plot->svg,
					 "<text class=\"sc-choice\" x=\"%d\" y=\"%d\" text-anchor=\"end\" font-size=\"14\""
					 " font-weight=\"bold\" fill=\"#b04a00\">%s</text>\n",
					 plot->right - 10, plot->top + 16, note);
}

void
scpg_plot_choice(scpg_plot *plot, scpg_point at, const char *note)
{
	StringInfo svg = &plot->svg;
	double x = scpg_plot_x(plot, at.x);
	bool at_right = x > (plot->left + plot->right) / 2;

	appendStringInfo(svg, "<path d=\"M%.1f %dV%d\" stroke=\"#d55e00\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"/>\n",
					 x, plot->top, plot->bottom);
	appendStringInfo(svg,
					 "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"6\" fill=\"#d55e00\" stroke=\"#fff\" stroke-width=\"1.5\"/>\n",
					 x, scpg_plot_y(plot, at.y));
	appendStringInfo(svg,
					 "<text class=\"sc-choice\" x=\"%.1f\" y=\"%d\" text-anchor=\"%s\" font-size=\"14\""
					 " font-weight=\"bold\" fill=\"#b04a00\">%s</text>\n",
					 at_right ? x - 10 : x + 10, plot->top + 16, at_right ? "end" : "start", note);
}

double
scpg_plot_x(const scpg_plot *plot, double x)
{
	return plot->left + (x / 2 - plot->x.lo / 2) / half_width(plot->x) * (plot->right - plot->left);
}

double
scpg_plot_y(const scpg_plot *plot, double y)
{
	return plot->bottom - (y / 2 - plot->y.lo / 2) / half_width(plot->y) * (plot->bottom - plot->top);
}

struct varlena *
scpg_plot_end(scpg_plot *plot)
{
	appendStringInfoString(&plot->svg, "</svg>\n");
	return (struct varlena *) cstring_to_text_with_len(plot->svg.data, plot->svg.len);
}
