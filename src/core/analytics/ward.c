/*-------------------------------------------------------------------------
 *
 * src/core/analytics/ward.c
 *	  Ward's tree of groups, by the formula of Lance and Williams.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/ward.h"

#include <math.h>
#include <string.h>

static size_t
pairs(int n)
{
	return sc_mul(n, n) / 2;
}

void
sc_ward_layout(sc_ward *w, sc_arena *arena)
{
	SC_ASSERT(w->n >= 1 && w->d >= 1);
	w->joins = SC_TAKE(arena, sc_ward_join, w->n);
	w->square = SC_TAKE(arena, double, pairs(w->n));
	w->mass = SC_TAKE(arena, double, w->n);
}

/* Where the pair is; in any order. */
static double *
square_of(const sc_ward *w, int i, int j)
{
	size_t low = SC_MIN(i, j), high = SC_MAX(i, j);

	return &w->square[high * (high - 1) / 2 + low];
}

static double
distance2(const double *a, const double *b, int d)
{
	double sum = 0;

	for (int j = 0; j < d; j++)
		sum += (a[j] - b[j]) * (a[j] - b[j]);
	return sum;
}

/* The two that are to be joined next: of equally near ones the first. */
static sc_ward_join
find_nearest(const sc_ward *w)
{
	sc_ward_join next = {-1, -1, INFINITY, 0};

	for (int i = 1; i < w->n; i++)
	{
		const double *row = square_of(w, 0, i);

		for (int j = 0; w->mass[i] > 0 && j < i; j++)
			if (w->mass[j] > 0 && (row[j] < next.height || next.keep < 0))
				next = (sc_ward_join){j, i, row[j], w->mass[i] + w->mass[j]};
	}
	if (w->mass[next.join] > w->mass[next.keep])
	{
		int other = next.keep;

		next.keep = next.join;
		next.join = other;
	}
	return next;
}

static void
join(sc_ward *w, const sc_ward_join *two)
{
	double a = w->mass[two->keep], b = w->mass[two->join];

	for (int c = 0; c < w->n; c++)
	{
		double *to = square_of(w, c, two->keep);
		double m = w->mass[c];

		if (m > 0 && c != two->keep && c != two->join)
			*to = fmax(0, ((a + m) * *to + (b + m) * *square_of(w, c, two->join) - m * two->height) / (a + b + m));
	}
	w->mass[two->keep] = two->mass;
	w->mass[two->join] = 0;
}

sc_status
sc_ward_run(const sc_lane *lane, void *arg)
{
	sc_ward *w = arg;

	if (lane->index > 0)
		return SC_OK;
	memcpy(w->mass, w->masses, w->n * sizeof(double));
	for (int i = 1; i < w->n; i++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		for (int j = 0; j < i; j++)
			*square_of(w, j, i) = 2 * w->mass[i] * w->mass[j] / (w->mass[i] + w->mass[j]) *
								  distance2(w->centres + (size_t) i * w->d, w->centres + (size_t) j * w->d, w->d);
	}
	for (int step = 0; step < w->n - 1; step++)
	{
		if (sc_lane_stopped(lane))
			return SC_ABORTED;
		w->joins[step] = find_nearest(w);
		join(w, &w->joins[step]);
		w->joins[step].height = sqrt(w->joins[step].height);
	}
	return SC_OK;
}
