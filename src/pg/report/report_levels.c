/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_levels.c
 *	  Fine and coarse groups at once: which lie closest, as cluster_tree says.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "pg/cluster/cluster_tree.h"
#include "pg/report/markup.h"
#include "pg/report/report_parts.h"
#include "pg/report/tree_svg.h"

/* Groups of a tree that can be looked at; it takes the cube of their number, too. */
#define MOST_GROUPS 200

static char *
name_of(const scpg_report_group *group)
{
	return group->name != NULL ? psprintf("%d: %s", group->label, group->name) : psprintf("%d", group->label);
}

/* The joins as they are done, each as the call that does it. */
static void
put_joins(StringInfo html, const scpg_model *model, const scpg_tree_of_groups *tree)
{
	char *name = quote_literal_cstr(scpg_model_full_name(model));

	appendStringInfoString(html, "<details><summary>Joins, one after the other</summary>\n<table class=\"list\">\n"
								 "<tr><th>groups left</th><th>pictures</th><th>the call</th></tr>\n");
	for (int i = 0; i < tree->groups - 1; i++)
	{
		const sc_ward_join *j = &tree->joins[i];

		CHECK_FOR_INTERRUPTS();
		appendStringInfo(html, "<tr><td>%d</td><td>%.0f</td><td><code>", tree->groups - 1 - i, j->mass);
		scpg_markup_text(html, psprintf("SELECT merge_clusters(%s, %d, %d)", name, tree->labels[j->keep],
										tree->labels[j->join]));
		appendStringInfoString(html, "</code></td></tr>\n");
	}
	appendStringInfoString(html, "</table></details>\n");
}

void
scpg_report_put_levels(const scpg_report_file *file)
{
	MemoryContext old;
	const scpg_report *report = file->report;
	scpg_tree_of_groups tree;
	char **names;

	if (report->k < 2 || report->k > MOST_GROUPS || !scpg_model_keeps_groups())
		return;
	old = MemoryContextSwitchTo(file->scratch);
	tree = scpg_cluster_tree_of(file->model);
	Assert(tree.groups == report->k);
	names = palloc(sizeof(char *) * tree.groups);
	for (int g = 0; g < tree.groups; g++)
		names[g] = name_of(&report->group[g]);
	appendStringInfoString(file->html,
						   "<h2>Levels</h2>\n<p>Groups that meet near to their names lie close together: read "
						   "from the right, there are two groups, then three, and so on.</p>\n"
						   "<div class=\"wide tree\">");
	scpg_report_put_text(file->html, scpg_tree_draw(names, tree.groups, tree.joins));
	appendStringInfoString(file->html, "</div>\n");
	put_joins(file->html, file->model, &tree);
	MemoryContextSwitchTo(old);
	MemoryContextReset(file->scratch);
}
