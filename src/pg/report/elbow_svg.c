/*-------------------------------------------------------------------------
 *
 * src/pg/report/elbow_svg.c
 *	  elbow_svg(elbow_result): the curve of the inertia over the number of
 *	  clusters, with the chosen one marked.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/report/elbow_svg.h"
#include "pg/report/plot.h"
#include "pg/type/elbow_result.h"

#define WIDTH 640
#define HEIGHT 400

/* The number of clusters that was chosen, or that none was. */
static void
append_choice(scpg_plot *plot, const scpg_elbow_result *r)
{
	if (r->chosen > r->n)
		scpg_plot_note(plot, psprintf("k = %d, beyond this curve", r->chosen));
	else if (r->chosen > 0)
		scpg_plot_choice(plot, (scpg_point){r->chosen, r->inertia[r->chosen - 1]}, psprintf("k = %d", r->chosen));
	else
		scpg_plot_note(plot, "no elbow");
}

text *
scpg_elbow_draw(scpg_elbow_result r)
{
	scpg_plot plot = {.left = 84, .right = WIDTH - 20, .top = 20, .bottom = HEIGHT - 52};
	scpg_point *points = palloc(sizeof(scpg_point) * r.n);
	double most = 0;

	for (int i = 0; i < r.n; i++)
	{
		points[i] = (scpg_point){i + 1, r.inertia[i]};
		most = Max(most, r.inertia[i]);
	}
	plot.x = (scpg_range){0.5, r.n + 0.5};
	plot.y = (scpg_range){0, scpg_range_around(0, most).hi};

	scpg_plot_begin(&plot, WIDTH, HEIGHT, "inertia by number of clusters");
	scpg_plot_axes(&plot, true);
	scpg_plot_titles(&plot, "number of clusters", "inertia");
	scpg_plot_curve(&plot, points, r.n, false);
	append_choice(&plot, &r);
	return scpg_plot_end(&plot);
}
