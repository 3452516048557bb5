/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_tree.c
 *	  Which groups of a model lie closest: coarser groupings of the same rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "pg/cluster/cluster_space.h"
#include "pg/cluster/cluster_tree.h"
#include "pg/model/model_edits.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/type/kmeans_model.h"

/* The place of a label that is one of them. */
static int
place_of(const scpg_tree_of_groups *tree, int32 label)
{
	int low = 0, high = tree->groups - 1;

	while (low < high)
	{
		int middle = (low + high) / 2;

		if (tree->labels[middle] < label)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/*
 * Centre (groups, d) and size (groups) of each group, by its centroids and the
 * rows that each of them got. A group without rows still lies somewhere: one
 * row's weight.
 */
static void
find_centres(double *centre, double *mass, const scpg_tree_of_groups *tree, const sc_space *space, const double *sizes)
{
	int d = sc_space_dim(space);

	memset(centre, 0, sizeof(double) * d * tree->groups);
	memset(mass, 0, sizeof(double) * tree->groups);
	for (int c = 0; c < space->k; c++)
	{
		int g = place_of(tree, space->group == NULL ? c : space->group[c]);
		double weight = Max(sizes[c], 1);

		mass[g] += weight;
		for (int j = 0; j < d; j++)
			centre[(size_t) g * d + j] += weight * space->centroids[(size_t) c * d + j];
	}
	for (int g = 0; g < tree->groups; g++)
		for (int j = 0; j < d; j++)
			centre[(size_t) g * d + j] /= mass[g];
}

/* How many rows each group has now, by the last count of them. */
static void
take_sizes(double *mass, const scpg_tree_of_groups *tree, const scpg_model *model)
{
	scpg_model_name_of_group *counted;
	int n = scpg_model_read_groups(model, &counted);

	for (int i = 0; i < n; i++)
	{
		int g = place_of(tree, counted[i].label);

		if (tree->labels[g] == counted[i].label)
			mass[g] = (double) Max(counted[i].size, 1);
	}
}

scpg_tree_of_groups
scpg_cluster_tree_of(const scpg_model *model)
{
	sc_space space = scpg_cluster_space(model);
	int d = sc_space_dim(&space);
	scpg_tree_of_groups tree;
	sc_ward ward = {.d = d};
	sc_arena arena;
	double *centre, *mass;

	tree.groups = scpg_model_labels(model->kmeans, model->centroid_label, &tree.labels);
	arena = scpg_arena(CurrentMemoryContext,
					   sc_add(sc_mul(tree.groups, sc_mul(sc_add(d, 1), sizeof(double))), 4 * SC_ALIGN),
					   "the centres of the groups");
	centre = SC_TAKE(&arena, double, sc_mul(tree.groups, d));
	mass = SC_TAKE(&arena, double, tree.groups);
	find_centres(centre, mass, &tree, &space, scpg_kmeans_model_open((const scpg_numbers *) model->kmeans).sizes);
	take_sizes(mass, &tree, model);
	ward.n = tree.groups;
	ward.centres = centre;
	ward.masses = mass;
	arena = sc_arena_counter();
	scpg_core()->sc_ward_layout(&ward, &arena);
	arena = scpg_arena(CurrentMemoryContext, sc_arena_need(&arena), "the tree of the groups");
	scpg_core()->sc_ward_layout(&ward, &arena);
	scpg_run_on(1, scpg_core()->sc_ward_run, &ward);
	tree.joins = ward.joins;
	return tree;
}
