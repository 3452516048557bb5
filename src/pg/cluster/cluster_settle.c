/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/cluster_settle.c
 *	  What follows from groups and labels: pinned images get theirs, each image
 *	  its confidence, and those that are not sure lose their label.
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
#include "pg/cluster/confidence.h"
#include "pg/type/kmeans_model.h"

/* The groups, among the points. */
static sc_space
groups_of(const scpg_clustering *c, int d)
{
	scpg_kmeans_model kmeans = scpg_kmeans_model_open(c->kmeans);

	return (sc_space){.d = d,
					  .k = kmeans.k,
					  .centroids = kmeans.centroids,
					  .group = scpg_model_centroid_groups(c->centroid_label)};
}

static int
group_of(const sc_space *s, int centroid)
{
	return s->group != NULL ? s->group[centroid] : centroid;
}

/* The distance to the nearest centroid of a group; infinite where it has none. */
static double
distance_to(const sc_space *s, const float *point, int label)
{
	double least = INFINITY;

	for (int i = 0; i < s->k; i++)
		if (group_of(s, i) == label)
			least = Min(least, sc_space_distance2(s, point, i));
	return sqrt(least);
}

/* Has the clustering left a group with nothing, to which images are pinned? */
static bool
is_missing(const sc_space *s, int label)
{
	for (int i = 0; i < s->k; i++)
		if (group_of(s, i) == label)
			return false;
	return true;
}

/* One more centroid, for the group of that label: the mean of the images that are pinned to it. */
static void
add_group(scpg_clustering *c, const float *points, int d, int label)
{
	scpg_kmeans_model km = scpg_kmeans_model_open(c->kmeans);
	sc_space s = groups_of(c, d);
	float *centroids = MemoryContextAllocHuge(CurrentMemoryContext, sc_mul(sc_mul(km.k + 1, d), sizeof(float)));
	int64_t *sizes = MemoryContextAllocHuge(CurrentMemoryContext, sc_mul(km.k + 1, sizeof(int64_t)));
	Datum *labels = MemoryContextAllocHuge(CurrentMemoryContext, sc_mul(km.k + 1, sizeof(Datum)));
	double *sum = palloc0(d * sizeof(double));
	int64 n = 0;

	for (int64 i = 0; i < c->n; i++)
	{
		if (c->pinned[i] != label)
			continue;
		n++;
		for (int j = 0; j < d; j++)
			sum[j] += points[i * d + j];
	}
	for (size_t i = 0; i < (size_t) km.k * d; i++)
		centroids[i] = (float) km.centroids[i];
	for (int j = 0; j < d; j++)
		centroids[(size_t) km.k * d + j] = (float) (sum[j] / n);
	for (int i = 0; i <= km.k; i++)
	{
		sizes[i] = i < km.k ? (int64_t) km.sizes[i] : n;
		labels[i] = Int32GetDatum(i < km.k ? group_of(&s, i) : label);
	}
	c->kmeans = scpg_kmeans_model_make(km.k + 1, d, centroids, sizes, km.inertia, km.iterations, km.converged);
	c->centroid_label = (struct varlena *) construct_array(labels, km.k + 1, INT4OID, sizeof(int32), true, TYPALIGN_INT);
	c->clusters++;
	ereport(NOTICE, (errmsg_plural("group %d stays, for %lld image is pinned to it",
								   "group %d stays, for %lld images are pinned to it", n, label, (long long) n)));
}

/* Is an image pinned to a group? One may be pinned to none. */
static bool
names_group(int pin)
{
	return pin != SCPG_NOT_PINNED && pin != SCPG_NO_LABEL;
}

static void
keep_pinned(scpg_clustering *c, const float *points, int d)
{
	sc_space s = groups_of(c, d);

	for (int64 i = 0; i < c->n; i++)
		if (names_group(c->pinned[i]) && is_missing(&s, c->pinned[i]))
		{
			add_group(c, points, d, c->pinned[i]);
			s = groups_of(c, d);
		}
	for (int64 i = 0; i < c->n; i++)
	{
		if (i % 256 == 0)
			CHECK_FOR_INTERRUPTS();
		if (!names_group(c->pinned[i]))
			continue;
		c->label[i] = c->pinned[i];
		c->distance[i] = distance_to(&s, points + i * d, c->label[i]);
	}
}

void
scpg_cluster_settle(scpg_clustering *c, const float *points, int d)
{
	scpg_confidence sure = {.n = c->n, .points = points};
	sc_space s;

	if (c->pinned != NULL)
		keep_pinned(c, points, d);
	s = groups_of(c, d);
	sure.space = &s;
	sure.label = c->label;
	sure.distance = c->distance;
	scpg_confidence_find(&sure);
	c->confidence = sure.confidence;
	c->groups.calibration = sure.calibration;
	for (int64 i = 0; i < c->n; i++)
		if (c->pinned != NULL && c->pinned[i] != SCPG_NOT_PINNED)
			c->label[i] = c->pinned[i];
		else if (c->confidence[i] < c->recipe->min_confidence)
			c->label[i] = SCPG_NO_LABEL;
}
