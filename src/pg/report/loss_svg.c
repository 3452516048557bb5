/*-------------------------------------------------------------------------
 *
 * src/pg/report/loss_svg.c
 *	  The curve of the loss over the epochs of a training.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "pg/report/loss_svg.h"
#include "pg/report/plot.h"

#define WIDTH 640
#define HEIGHT 400

/* Points of the curve: where there are more epochs than pixels, not every one can be seen. */
#define MOST_POINTS 2000

text *
scpg_loss_draw(const scpg_model_epoch *epochs, int64 n)
{
	scpg_plot plot = {.left = 84, .right = WIDTH - 20, .top = 20, .bottom = HEIGHT - 52};
	double lo = INFINITY, hi = -INFINITY;
	scpg_point *points = palloc(sizeof(scpg_point) * (MOST_POINTS + 1));
	int64 step = n / MOST_POINTS + 1;
	int count = 0;

	for (int64 i = 0; i < n; i++)
		if (isfinite(epochs[i].loss))
		{
			lo = Min(lo, epochs[i].loss);
			hi = Max(hi, epochs[i].loss);
			if (i % step == 0 || i == n - 1)
				points[count++] = (scpg_point){epochs[i].epoch, epochs[i].loss};
		}
	if (lo > hi)
		return NULL;
	plot.x = (scpg_range){epochs[0].epoch - 0.5, epochs[n - 1].epoch + 0.5};
	plot.y = scpg_range_around(lo, hi);
	scpg_plot_begin(&plot, WIDTH, HEIGHT, "loss by epoch");
	scpg_plot_axes(&plot, true);
	scpg_plot_titles(&plot, "epoch", "loss");
	scpg_plot_curve(&plot, points, count, false);
	return (text *) scpg_plot_end(&plot);
}
