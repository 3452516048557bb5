/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_choice.c
 *	  How many groups there are, by what, and how surely: the curve of the
 *	  inertia, and that of the modularity beside it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "utils/memutils.h"

#include "pg/report/elbow_svg.h"
#include "pg/report/modularity_svg.h"
#include "pg/report/report_parts.h"
#include "pg/server/load.h"

char *
scpg_report_sureness(const scpg_model *model)
{
	scpg_elbow_result r;
	sc_groups_own own;
	const char *sure;

	if (model->elbow == NULL)
		return "the number was given";
	r = scpg_elbow_result_open((const scpg_numbers *) model->elbow);
	if (!scpg_elbow_result_by_graph(&r))
		return r.chosen == 0 || scpg_model_recipe(model)->elbow_method == SCPG_ELBOW_SILHOUETTE
				   ? "by the best silhouette"
				   : psprintf("%d by the elbow of the inertia", r.chosen);
	own = scpg_elbow_own(&r);
	sure = psprintf("modularity %.2f, without groups up to %.2f; samples agree by %.2f", r.score, r.chance, r.stability);
	if (!sc_groups_are_clear(&own))
		return psprintf("%d is a guess, for there are no clear groups: %s", r.chosen, sure);
	return psprintf("%d by the neighbour graph, surely %d to %d: %s", r.chosen, r.low, r.high, sure);
}

/* What the neighbour graph says of the number of groups. */
static void
put_graph(StringInfo html, scpg_elbow_result r)
{
	sc_groups_own own = scpg_elbow_own(&r);

	if (sc_groups_are_clear(&own))
		appendStringInfo(html,
						 "<p>The number of groups, %d, was chosen by the neighbour graph, which puts it between %d and %d. ",
						 r.chosen, r.low, r.high);
	else
		appendStringInfo(html,
						 "<p>There are no clear groups: their number, %d, was chosen by the neighbour graph and is a guess. ",
						 r.chosen);
	appendStringInfo(html,
					 "The modularity of the groups was %.2f; points without groups have %.2f at most. "
					 "Groups of samples agreed with these by %.2f, of 1 at most.</p>\n",
					 r.score, r.chance, r.stability);
}

/* By what the number was chosen. */
static void
put_reason(StringInfo html, const scpg_model *model)
{
	scpg_elbow_result r;

	if (model->elbow == NULL)
	{
		appendStringInfoString(html, "<p>The number of groups was given. This is what the curves say.</p>\n");
		return;
	}
	r = scpg_elbow_result_open((const scpg_numbers *) model->elbow);
	if (scpg_elbow_result_by_graph(&r))
		put_graph(html, r);
	else if (scpg_model_recipe(model)->elbow_method == SCPG_ELBOW_SILHOUETTE)
		appendStringInfoString(html, "<p>The number of groups was chosen by the best silhouette.</p>\n");
	else if (r.chosen > 0)
		appendStringInfoString(html, "<p>The number of groups was chosen where the curve turns.</p>\n");
	else
		appendStringInfoString(html,
							   "<p>The curve has no elbow; the number of groups was chosen by the best silhouette.</p>\n");
}

/* What each way says of these pictures, for the choice is everybody's own. */
static void
put_ways(StringInfo html, const scpg_report *report, const scpg_elbow_result *r, const sc_groups *graph)
{
	int elbow = scpg_core()->sc_elbow_choose(SC_ELBOW_KNEEDLE, r->inertia, r->n, 1);
	double silhouette = scpg_report_silhouette(report);

	appendStringInfoString(html, "<ul>\n");
	if (graph->curve.points > 1)
		appendStringInfo(html, "<li>neighbour graph of these pictures: %d (%d to %d)%s</li>\n", graph->own.k,
						 graph->own.low, graph->own.high,
						 sc_groups_are_clear(&graph->own) ? "" : ", a guess: they show no clear groups");
	if (elbow > 0)
		appendStringInfo(html, "<li>elbow of the inertia: %d</li>\n", elbow);
	else
		appendStringInfoString(html, "<li>elbow of the inertia: there is none</li>\n");
	if (!isnan(silhouette))
		appendStringInfo(html, "<li>mean silhouette of the groups as they are, from -1 to 1: %.2f</li>\n", silhouette);
	appendStringInfoString(html, "</ul>\n");
}

void
scpg_report_put_choice(const scpg_report_file *file)
{
	MemoryContext old = MemoryContextSwitchTo(file->scratch);
	const scpg_report *report = file->report != NULL && file->report->k > 0 ? file->report : NULL;
	const void *elbow = file->model->elbow;
	sc_groups graph = {0};
	scpg_elbow_result r;

	if (report != NULL)
		graph = scpg_report_graph(report, file->scratch);
	if (elbow == NULL)
		elbow = scpg_report_elbow(report, &graph);
	r = DatumGetElbowResult(PointerGetDatum(elbow));
	appendStringInfoString(file->html, "<h2>How many groups?</h2>\n");
	put_reason(file->html, file->model);
	if (report != NULL)
		put_ways(file->html, report, &r, &graph);
	appendStringInfoString(file->html, "<div class=\"pair\">\n");
	scpg_report_put_text(file->html, scpg_elbow_draw(r));
	if (graph.curve.points > 1)
		scpg_report_put_text(file->html, scpg_modularity_draw(&graph));
	appendStringInfoString(file->html, "</div>\n");
	MemoryContextSwitchTo(old);
	MemoryContextReset(file->scratch);
}
