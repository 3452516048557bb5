/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_graph.c
 *	  Centroids that tell a graph's groups apart.
 *
 * A graph's groups need not be round, and what comes later is to be labelled
 * without the graph. So each group has up to four centroids, by k-means of its
 * own rows: as few as label nearly all rows as the graph does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/memutils.h"

#include "pg/cluster/cluster_parts.h"
#include "pg/server/memory.h"

#define DIM SC_EMBEDDING_DIM

/* So many rows are labelled as the graph does: enough. */
#define AGREEMENT 0.97

/* Of a group, as many rows as say where its centroids are. They come in the order of a hash of the images. */
#define GROUP_ROWS 5000
#define STARTS 3

/* The first rows of a group into rows (GROUP_ROWS, DIM); how many. */
static size_t
take_rows(const scpg_graph_centroids *g, int group, float *rows)
{
	size_t taken = 0;

	for (int64 i = 0; i < g->n && taken < GROUP_ROWS; i++)
		if (g->labels[i] == group)
			memcpy(rows + DIM * taken++, g->seen + DIM * i, DIM * sizeof(float));
	return taken;
}

/* At most `parts` centroids for each group. */
static void
place(scpg_graph_centroids *g, int parts, const scpg_kmeans_options *options, float *rows, MemoryContext cxt)
{
	g->centroids = 0;
	for (int group = 0; group < g->groups; group++)
	{
		MemoryContext one = AllocSetContextCreate(cxt, "centroids of a group", ALLOCSET_DEFAULT_SIZES);
		size_t n = take_rows(g, group, rows);
		sc_kmeans km;

		CHECK_FOR_INTERRUPTS();
		km = scpg_kmeans_run(rows, n, DIM, (int) Min((size_t) parts, n), 0, options, one);
		for (int c = 0; c < km.k; c++)
		{
			memcpy(g->centroid + (size_t) DIM * g->centroids, km.centroids + (size_t) DIM * c, DIM * sizeof(float));
			g->group[g->centroids++] = group;
		}
		MemoryContextDelete(one);
	}
}

/* distance, centroid_sizes, inertia and agreement. */
static void
measure(scpg_graph_centroids *g)
{
	int64 same = 0;

	memset(g->centroid_sizes, 0, g->centroids * sizeof(int64));
	g->inertia = 0;
	for (int64 i = 0; i < g->n; i++)
	{
		double own = INFINITY, other = INFINITY;
		int nearest = 0;

		CHECK_FOR_INTERRUPTS();
		for (int c = 0; c < g->centroids; c++)
		{
			double d2 = sc_distance()->distance2(g->rows + DIM * i, g->centroid + (size_t) DIM * c, DIM);

			if (g->group[c] != g->labels[i])
				other = Min(other, d2);
			else if (d2 < own)
			{
				own = d2;
				nearest = c;
			}
		}
		g->centroid_sizes[nearest]++;
		g->distance[i] = sqrt(own);
		g->inertia += own;
		same += own < other;
	}
	g->agreement = (double) same / g->n;
}

void
scpg_graph_find_centroids(scpg_graph_centroids *g, const scpg_kmeans_options *options, MemoryContext cxt)
{
	scpg_kmeans_options own = *options;
	size_t most = sc_mul(g->groups, SCPG_GRAPH_CENTROIDS);
	sc_arena arena =
		scpg_arena(cxt,
				   sc_add(sc_mul(most, DIM * sizeof(float) + sizeof(int64) + sizeof(int32)),
						  sc_add(sc_mul(g->n, sizeof(double)),
								 sc_add(g->groups * sizeof(int64), GROUP_ROWS * DIM * sizeof(float) + 8 * SC_ALIGN))),
				   "the centroids of the groups");
	float *rows = SC_TAKE(&arena, float, GROUP_ROWS *DIM);

	g->sizes = SC_TAKE(&arena, int64, g->groups);
	g->distance = SC_TAKE(&arena, double, g->n);
	g->centroid = SC_TAKE(&arena, float, most *DIM);
	g->centroid_sizes = SC_TAKE(&arena, int64, most);
	g->group = SC_TAKE(&arena, int32, most);
	memset(g->sizes, 0, g->groups * sizeof(int64));
	for (int64 i = 0; i < g->n; i++)
		g->sizes[g->labels[i]]++;
	own.n_init = STARTS;
	own.init = (scpg_choice){SC_KMEANS_PLUS_PLUS};
	for (int parts = 1; parts <= SCPG_GRAPH_CENTROIDS; parts++)
	{
		place(g, parts, &own, rows, cxt);
		measure(g);
		if (g->agreement >= AGREEMENT)
			break;
	}
	ereport(NOTICE,
			(errmsg("%d groups of the neighbour graph; of the images themselves, assign_cluster labels %.1f %% alike",
					g->groups, 100 * g->agreement),
			 errdetail("It goes by the nearest of %d centroids.", g->centroids)));
}

void *
scpg_graph_label_array(const scpg_graph_centroids *g)
{
	Datum *values = palloc(g->centroids * sizeof(Datum));

	for (int i = 0; i < g->centroids; i++)
		values[i] = Int32GetDatum(g->group[i]);
	return construct_array(values, g->centroids, INT4OID, sizeof(int32), true, TYPALIGN_INT);
}
