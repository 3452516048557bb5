/*-------------------------------------------------------------------------
 *
 * src/pg/report/modularity_svg.c
 *	  The curve of a neighbour graph's modularity over the number of groups.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/report/modularity_svg.h"
#include "pg/report/plot.h"

#define WIDTH 640
#define HEIGHT 400

/* Points of a curve into points (SC_GROUPS_POINTS). */
static void
points_of(scpg_point *points, const sc_groups_curve *curve)
{
	for (int i = 0; i < curve->points; i++)
		points[i] = (scpg_point){curve->k[i], curve->modularity[i]};
}

text *
scpg_modularity_draw(const sc_groups *graph)
{
	scpg_plot plot = {.left = 84, .right = WIDTH - 20, .top = 20, .bottom = HEIGHT - 52};
	scpg_point points[SC_GROUPS_POINTS], chance[SC_GROUPS_POINTS];
	int n = graph->curve.points;
	double least = 0;

	points_of(points, &graph->curve);
	points_of(chance, &graph->chance_curve);
	for (int i = 0; i < n; i++)
		least = Min(least, Min(points[i].y, chance[i].y));
	plot.x = (scpg_range){0.5, points[n - 1].x + 0.5};
	plot.y = (scpg_range){least, 1};

	scpg_plot_begin(&plot, WIDTH, HEIGHT, "modularity by number of groups");
	scpg_plot_axes(&plot, true);
	scpg_plot_titles(&plot, "number of groups", "modularity (dashed: without groups)");
	scpg_plot_curve(&plot, chance, n, true);
	scpg_plot_curve(&plot, points, n, false);
	scpg_plot_choice(&plot, (scpg_point){graph->own.k, graph->own.modularity}, psprintf("k = %d", graph->own.k));
	return scpg_plot_end(&plot);
}
