/*-------------------------------------------------------------------------
 *
 * src/core/analytics/duplicates.c
 *	  Groups of rows that are near each other.
 *
 * Union-find: R. E. Tarjan, "Efficiency of a good but not linear set union
 * algorithm" (1975), with the lowest row of a group as its root and paths
 * halved.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/duplicates.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/distance.h"

/* What share of rows may have a neighbour within the threshold by chance, */
#define BY_CHANCE 0.001
/* ... and what it is at most, of the usual distance to the m-th one. */
#define MOST 0.5

/* Rows between two looks at the stop flag. */
#define STOP_ROWS 256

void
sc_duplicates_layout(sc_duplicates *dup, sc_arena *arena)
{
	SC_ASSERT(dup->n >= 1 && dup->d >= 1);
	dup->order = (sc_row_order){.n = dup->n, .d = dup->d, .rows = dup->rows};
	sc_row_order_layout(&dup->order, arena);
	dup->place = SC_TAKE(arena, uint32_t, dup->n);
	dup->copies = SC_TAKE(arena, uint32_t, dup->n);
	dup->parent = SC_TAKE(arena, uint32_t, dup->n);
	dup->group = SC_TAKE(arena, uint32_t, dup->n);
	dup->size = SC_TAKE(arena, uint32_t, dup->n);
	dup->member = SC_TAKE(arena, uint32_t, dup->n);
	dup->distance = SC_TAKE(arena, double, dup->n);
	dup->found = SC_TAKE(arena, uint64_t, dup->n);
	dup->mean = SC_TAKE(arena, double, dup->d);
}

/* Of each class of equal rows the first stays, and moves up to where one has become free. */
static sc_status
collapse(const sc_lane *lane, sc_duplicates *dup)
{
	const sc_row_order *o = &dup->order;
	size_t d = (size_t) dup->d;
	uint32_t *class_of = dup->group;  /* of a row */
	uint32_t *place_of = dup->member; /* of a class, once its first row has been seen */

	for (size_t i = 0; i < dup->n; i++)
	{
		class_of[o->row[i]] = o->group[i];
		place_of[i] = UINT32_MAX;
	}
	dup->distinct = 0;
	for (size_t i = 0; i < dup->n; i++)
	{
		uint32_t *place = &place_of[class_of[i]];

		if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		if (*place == UINT32_MAX)
		{
			*place = (uint32_t) dup->distinct++;
			dup->copies[*place] = 0;
			dup->parent[*place] = *place;
			memmove(dup->rows + *place * d, dup->rows + i * d, d * sizeof(float));
		}
		dup->place[i] = *place;
		dup->copies[*place]++;
	}
	return SC_OK;
}

sc_status
sc_duplicates_collapse_run(const sc_lane *lane, void *arg)
{
	sc_duplicates *dup = arg;

	SC_TRY(sc_row_order_find(lane, &dup->order));
	return lane->index == 0 ? collapse(lane, dup) : SC_OK;
}

static uint32_t
root_of(uint32_t *parent, uint32_t i)
{
	while (parent[i] != i)
	{
		parent[i] = parent[parent[i]];
		i = parent[i];
	}
	return i;
}

void
sc_duplicates_join(sc_duplicates *dup, const sc_near_pair *pair, size_t count)
{
	for (size_t i = 0; i < count; i++)
	{
		uint32_t a = root_of(dup->parent, pair[i].a), b = root_of(dup->parent, pair[i].b);

		if (a < b)
			dup->parent[b] = a;
		else
			dup->parent[a] = b;
	}
}

/* Groups as numbers that sort: the larger first, then that with the lower root. */
static int
compare_found(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;

	return (x > y) - (x < y);
}

/* Number the groups of two rows or more, and say of each row which it is in. */
static void
number_groups(sc_duplicates *dup)
{
	uint32_t *rows_of = dup->size;	   /* of a root */
	uint32_t *number_of = dup->member; /* likewise */

	dup->groups = 0;
	for (size_t i = 0; i < dup->distinct; i++)
		rows_of[i] = 0;
	for (size_t i = 0; i < dup->distinct; i++)
		rows_of[root_of(dup->parent, (uint32_t) i)] += dup->copies[i];
	for (size_t i = 0; i < dup->distinct; i++)
	{
		number_of[i] = SC_NO_GROUP;
		if (rows_of[i] > 1)
			dup->found[dup->groups++] = (uint64_t) (UINT32_MAX - rows_of[i]) << 32 | i;
	}
	qsort(dup->found, dup->groups, sizeof(uint64_t), compare_found);
	for (size_t g = 0; g < dup->groups; g++)
		number_of[(uint32_t) dup->found[g]] = (uint32_t) g;
	for (size_t i = 0; i < dup->n; i++)
		dup->group[i] = number_of[root_of(dup->parent, dup->place[i])];
	for (size_t g = 0; g < dup->groups; g++)
		dup->size[g] = UINT32_MAX - (uint32_t) (dup->found[g] >> 32);
}

/* Sort the rows by group, within one in their order. */
static void
sort_members(sc_duplicates *dup)
{
	uint32_t *next = dup->parent; /* of a group, where its next row goes; one behind them for the rows without */
	uint32_t at = 0;

	for (size_t g = 0; g < dup->groups; g++)
	{
		next[g] = at;
		at += dup->size[g];
	}
	for (size_t i = 0; i < dup->n; i++)
		dup->member[dup->group[i] == SC_NO_GROUP ? at++ : next[dup->group[i]]++] = (uint32_t) i;
}

/*
 * The distances of a group's rows, member (size), to its medoid. The row with
 * the least sum of squared distances is the one nearest to the mean.
 */
static sc_status
measure(const sc_lane *lane, sc_duplicates *dup, const uint32_t *member, size_t size)
{
	size_t d = (size_t) dup->d;
	const float *medoid = NULL;
	double least = INFINITY;

	memset(dup->mean, 0, d * sizeof(double));
	for (size_t i = 0; i < size; i++)
	{
		if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		sc_distance()->add_row(dup->mean, dup->rows + dup->place[member[i]] * d, dup->d);
	}
	for (size_t j = 0; j < d; j++)
		dup->mean[j] /= (double) size;
	for (size_t i = 0; i < size; i++)
	{
		const float *row = dup->rows + dup->place[member[i]] * d;
		double distance = sc_distance()->distance2_centre(row, dup->mean, dup->d);

		if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		if (medoid == NULL || distance < least)
		{
			least = distance;
			medoid = row;
		}
	}
	for (size_t i = 0; i < size; i++)
	{
		if (i % STOP_ROWS == 0 && sc_lane_stopped(lane))
			return SC_ABORTED;
		dup->distance[member[i]] = sqrt(sc_distance()->distance2(dup->rows + dup->place[member[i]] * d, medoid, dup->d));
	}
	return SC_OK;
}

sc_status
sc_duplicates_finish_run(const sc_lane *lane, void *arg)
{
	sc_duplicates *dup = arg;
	size_t at = 0;

	if (lane->index > 0)
		return SC_OK;
	number_groups(dup);
	sort_members(dup);
	for (size_t g = 0; g < dup->groups; g++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		SC_TRY(measure(lane, dup, dup->member + at, dup->size[g]));
		at += dup->size[g];
	}
	return SC_OK;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return (x > y) - (x < y);
}

/*
 * Rows that lie in D dimensions have m (t / R)^D neighbours within t, where the
 * m-th is at R. D follows from how much farther neighbour m is than m / 2: half
 * as many lie within R / 2^(1 / D) (E. Levina and P. J. Bickel, "Maximum
 * likelihood estimation of intrinsic dimension", 2004, is of this kind). Copies
 * are the nearest ones of a row, and the median passes over the rows that have
 * more of them. R is taken from where rows lie close.
 */
double
sc_duplicates_threshold(double *far, double *spread, size_t n, int m)
{
	double dimensions, near;

	SC_ASSERT(n > (size_t) m && m >= 2);
	qsort(far, n, sizeof(double), compare_doubles);
	qsort(spread, n, sizeof(double), compare_doubles);
	near = far[n / 4];
	/* Infinite where all distances are equal: then the power below is 1. */
	dimensions = log((double) m / (m / 2)) / spread[n / 2];
	return near * fmin(MOST, pow(BY_CHANCE / m, 1 / dimensions));
}
