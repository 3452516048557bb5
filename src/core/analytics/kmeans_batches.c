/*-------------------------------------------------------------------------
 *
 * src/core/analytics/kmeans_batches.c
 *	  Mini-batches: the centres move after each batch of rows, not after all of
 *	  them.
 *
 * A batch is a range of the rows' order, which is that of a hash of their
 * contents, so that a batch is as good as drawn at random and the same for any
 * order of the rows. Each centre is an exponential moving average: of the sums
 * and counts of its rows, of which those of a batch fade as later ones come, at
 * a rate that gives a whole pass the weight of one. So in one pass the centres
 * have moved as often as there are batches (Sculley, "Web-scale k-means
 * clustering", WWW 2010, whose averages never fade). Passes end where they no
 * longer lower the inertia by much, and one iteration over all rows makes the
 * centres their means.
 *
 *-------------------------------------------------------------------------
 */
#include "core/analytics/kmeans_parts.h"

#include <math.h>
#include <string.h>

/*
 * Rows of a batch: so many for each centre, that its mean says something, and
 * no fewer than BATCH_LEAST, so that moving the centres costs little beside
 * measuring the rows. More than MOST_BATCHES move them no better.
 */
#define BATCH_EACH 32
#define BATCH_LEAST 1024
#define MOST_BATCHES 32

static int
batches_of(const sc_kmeans *km, int k)
{
	size_t rows = SC_MAX((size_t) BATCH_EACH * (size_t) k, BATCH_LEAST);

	return (int) SC_MAX(SC_MIN(km->n / rows, MOST_BATCHES), 1);
}

void
sc_kmeans_batches_layout(sc_kmeans *km, sc_arena *arena)
{
	sc_kmeans_batches *b = &km->work->batches;

	if (km->algorithm != SC_KMEANS_MINIBATCH)
		return;
	b->sum = SC_TAKE(arena, double, sc_mul((size_t) km->work->most, (size_t) km->d));
	b->weight = SC_TAKE(arena, double, (size_t) km->work->most);
}

/* The rows of a batch. */
static sc_kmeans_points
batch_at(const sc_kmeans *km, int batches, int i)
{
	const sc_kmeans_points *all = &km->work->all;
	size_t begin, end;

	sc_shard_range(km->n, batches, i, &begin, &end);
	return (sc_kmeans_points){.n = end - begin,
							  .z = all->z + begin * (size_t) km->d,
							  .norm = all->norm + begin,
							  .own = all->own + begin,
							  .near = all->near + begin,
							  .upper = all->upper + begin,
							  .lower = all->lower + begin};
}

/* The centres after a batch, whose sums and counts are in total and size. By one lane. */
static void
average(sc_kmeans *km, double keep)
{
	sc_kmeans_work *w = km->work;
	sc_kmeans_batches *b = &w->batches;
	size_t d = (size_t) km->d;

	for (size_t c = 0; c < (size_t) w->centres.k; c++)
	{
		b->weight[c] = keep * b->weight[c] + (double) w->lloyd.size[c];
		for (size_t j = c * d; j < (c + 1) * d; j++)
		{
			b->sum[j] = keep * b->sum[j] + w->lloyd.total[j];
			/* A centre that no row has come to, or none for long, stays. */
			if (b->weight[c] > 1e-100)
				w->centres.point[j] = b->sum[j] / b->weight[c];
		}
	}
	sc_kmeans_narrow(&w->centres);
}

/* A pass, and on every lane its inertia: of each row by the centres that its batch began with. */
static sc_status
pass(const sc_lane *lane, sc_kmeans *km, int batches, double *inertia)
{
	*inertia = 0;
	for (int i = 0; i < batches; i++)
	{
		sc_kmeans_points rows = batch_at(km, batches, i);

		SC_TRY(sc_kmeans_bound_all(lane, km, &rows));
		*inertia += sc_kmeans_total(km->work, 0);
		SC_TRY(sc_kmeans_sum(lane, km, &rows));
		if (lane->index == 0)
			average(km, 1 - 1.0 / batches);
		SC_TRY(sc_lane_barrier(lane));
	}
	return SC_OK;
}

sc_status
sc_kmeans_run_batches(const sc_lane *lane, sc_kmeans *km, int *iterations, bool *converged)
{
	sc_kmeans_work *w = km->work;
	int batches = batches_of(km, w->centres.k);
	double inertia, before = INFINITY;
	bool last;

	*iterations = 0;
	*converged = false;
	if (lane->index == 0)
	{
		memset(w->batches.sum, 0, (size_t) w->centres.k * (size_t) km->d * sizeof(double));
		memset(w->batches.weight, 0, (size_t) w->centres.k * sizeof(double));
		memset(w->lloyd.touched, 1, (size_t) w->shards * (size_t) w->most);
		sc_kmeans_narrow(&w->centres);
	}
	SC_TRY(sc_lane_barrier(lane));
	/* The last iteration is over all rows. */
	while (*iterations < km->max_iter - 1 && !*converged)
	{
		SC_TRY(pass(lane, km, batches, &inertia));
		*converged = *iterations > 0 && !(inertia < (1 - SC_KMEANS_LITTLE * km->tol) * before);
		before = inertia;
		++*iterations;
	}
	if (lane->index == 0)
		w->bounded = false;
	++*iterations;
	return sc_kmeans_iterate(lane, km, 1, &(int){0}, &last);
}
