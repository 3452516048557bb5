/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/match_labels.c
 *	  Labels that keep their meaning when the images are clustered again.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"

#include "pg/cluster/cluster_parts.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

#define DIM SC_EMBEDDING_DIM

/* Matching labels takes the cube of their number, and cannot be interrupted. */
#define MAX_MATCHED 500

/* sum (k, DIM): what the rows of each cluster add up to, each divided by its length if they are still to be normalised. */
static void
add_rows(double *sum, const sc_kmeans *km, const float *rows, bool normalize)
{
	memset(sum, 0, (size_t) km->k * DIM * sizeof(double));
	for (size_t i = 0; i < km->n; i++)
	{
		const float *x = rows + i * DIM;
		double *s = sum + (size_t) km->labels[i] * DIM;
		double length = normalize ? sc_space_length(x, DIM) : 1;

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < DIM && length > 0; j++)
			s[j] += x[j] / length;
	}
}

/*
 * Where the new clusters' centres lie in the earlier space, (k, before's d).
 * That space is an affine map of the (normalised) embeddings, so a cluster's
 * centre there is the map of the mean of its rows.
 */
static float *
centres_before(const sc_kmeans *km, const float *rows, bool normalized, const sc_space *before, MemoryContext cxt)
{
	sc_space affine = *before;
	int d = sc_space_dim(before);
	sc_arena arena =
		scpg_arena(cxt, sc_add(sc_mul(km->k, sc_add(DIM * sizeof(double), d * sizeof(float))), 4 * SC_ALIGN),
				   "matching labels");
	double *sum = SC_TAKE(&arena, double, (size_t) km->k *DIM);
	float *out = SC_TAKE(&arena, float, (size_t) km->k *d);

	add_rows(sum, km, rows, before->l2_normalize && !normalized);
	affine.l2_normalize = false;
	for (int k = 0; k < km->k; k++)
	{
		float mean[DIM];

		for (int j = 0; j < DIM; j++)
			mean[j] = (float) (sum[(size_t) k * DIM + j] / Max(km->sizes[k], 1));
		sc_space_project(&affine, out + (size_t) k * d, mean, NULL);
	}
	return out;
}

/*
 * As 1.0 did: from match (k), the earlier cluster of each new one, to labels 0
 * ... k - 1. With fewer clusters than before, one whose match is beyond them takes
 * a label that nobody has. taken (k): scratch memory, all false.
 */
static void
squeezed_labels(int *label, const int *match, int k, int k_before, bool *taken)
{
	int next = 0;

	for (int i = 0; i < k; i++)
	{
		label[i] = match[i] < Min(k, k_before) ? match[i] : -1;
		if (label[i] >= 0)
			taken[label[i]] = true;
	}
	for (int i = 0; i < k; i++)
	{
		if (label[i] >= 0)
			continue;
		while (taken[next])
			next++;
		label[i] = next++;
	}
}

/* cost (n, n): from each new cluster to each of the earlier groups, whose labels are names (groups), ascending. */
static void
fill_costs(double *cost, int n, const float *centre, int k, const sc_space *before, const int32 *names, int groups)
{
	/* Rows and columns beyond the clusters there are cost nothing, whoever gets them. */
	memset(cost, 0, (size_t) n * n * sizeof(double));
	for (int i = 0; i < k; i++)
	{
		double *row = cost + (size_t) i * n;

		for (int j = 0; j < groups; j++)
			row[j] = INFINITY;
		for (int c = 0; c < before->k; c++)
		{
			int32 name = before->group != NULL ? before->group[c] : c;
			int j = (int) ((const int32 *) bsearch(&name, names, groups, sizeof(int32), scpg_compare_labels) - names);

			row[j] = Min(row[j], sc_space_distance2(before, centre + (size_t) i * sc_space_dim(before), c));
		}
	}
}

void
scpg_match_labels(int *label, const sc_kmeans *km, const float *rows, bool normalized, const scpg_model *model,
				  bool squeeze, MemoryContext cxt)
{
	sc_space before = scpg_cluster_space(model);
	int next = scpg_model_highest_label(model) + 1;
	int32 *names;
	int groups = scpg_model_labels(model->kmeans, model->centroid_label, &names);
	int n = Max(km->k, groups);
	double *cost;
	int *match;
	bool *taken;
	sc_arena arena;

	if (next > SCPG_HIGHEST_LABEL - km->k)
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("the groups of model \"%s\" have no labels left", model->name),
						errhint("Train a new version with \"retrain\": true.")));
	if (n > MAX_MATCHED)
	{
		for (int i = 0; i < km->k; i++)
			label[i] = squeeze ? i : next++;
		ereport(NOTICE,
				(errmsg("the labels are not matched to the earlier ones, for there are more than %d", MAX_MATCHED)));
		return;
	}
	arena = scpg_arena(cxt,
					   sc_add((size_t) n * n * sizeof(double) + n * (sizeof(int) + sizeof(bool)) + 8 * SC_ALIGN,
							  scpg_core()->sc_hungarian_bytes(n)),
					   "matching labels");
	cost = SC_TAKE(&arena, double, (size_t) n *n);
	match = SC_TAKE(&arena, int, n);
	taken = SC_TAKE(&arena, bool, n);
	memset(taken, 0, n * sizeof(bool));
	fill_costs(cost, n, centres_before(km, rows, normalized, &before, cxt), km->k, &before, names, groups);
	scpg_core()->sc_hungarian(match, cost, n, SC_TAKE(&arena, char, scpg_core()->sc_hungarian_bytes(n)));
	if (squeeze)
		squeezed_labels(label, match, km->k, groups, taken);
	else
		for (int i = 0; i < km->k; i++)
			label[i] = match[i] < groups ? names[match[i]] : next++;
}
