/*-------------------------------------------------------------------------
 *
 * src/pg/cluster/confidence.c
 *	  How sure it is that a row belongs to its group.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/analytics/knn.h"
#include "pg/cluster/confidence.h"
#include "pg/model/calibration.h"
#include "pg/model/model.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

/* Neighbours that are asked. */
#define NEIGHBOURS 10

/* Rows that can be asked. 50,000 rows then are compared with as many as 22,000 are with each other. */
#define ASKED_ROWS 10000

/* Steps of the calibration, and rows that each needs. */
#define MOST_STEPS 20
#define STEP_ROWS 10

/* The share of distances that are not far. */
#define NEAR_SHARE 0.99

typedef struct work
{
	scpg_confidence *c;
	MemoryContext context;
	size_t asked;	/* the first rows */
	int32 *nearest; /* (n): the group whose centroid is nearest */
	double *margin; /* (n) */
	double *toward; /* (n): share of the neighbours that are of the nearest group; NaN: there is none */
	int labels;		/* groups, ... */
	int32 *name;	/* ... their labels (labels), ascending, ... */
	int64 *members; /* ... and their rows among the asked (labels) */
} work;

static int64 *
members_of(const work *w, int32 label)
{
	const int32 *found = bsearch(&label, w->name, w->labels, sizeof(int32), scpg_compare_labels);

	Assert(found != NULL);
	return &w->members[found - w->name];
}

/* The groups, and how many of the asked rows are of each. */
static void
count_members(work *w)
{
	const sc_space *s = w->c->space;

	for (int i = 0; i < s->k; i++)
		w->name[i] = s->group != NULL ? s->group[i] : i;
	qsort(w->name, s->k, sizeof(int32), scpg_compare_labels);
	for (int i = 0; i < s->k; i++)
		if (w->labels == 0 || w->name[w->labels - 1] != w->name[i])
			w->name[w->labels++] = w->name[i];
	memset(w->members, 0, w->labels * sizeof(int64));
	for (size_t i = 0; i < w->asked; i++)
		(*members_of(w, w->c->label[i]))++;
}

static void
find_margins(work *w)
{
	const scpg_confidence *c = w->c;
	int d = sc_space_dim(c->space);

	for (size_t i = 0; i < c->n; i++)
	{
		double own, other;

		if (i % 256 == 0)
			CHECK_FOR_INTERRUPTS();
		w->nearest[i] = sc_space_nearest_two(c->space, c->points + i * d, &own, &other);
		w->margin[i] = sc_space_margin(own, other);
	}
}

/* Of the neighbours of row i, the nearest first, the share that has the label; NaN where nobody else could. */
static double
share(const work *w, size_t i, const uint32 *neighbour, int found, int32 label)
{
	const int32 *labels = w->c->label;
	int64 others = *members_of(w, label) - (i < w->asked && labels[i] == label);
	int asked = (int) Min(Min(others, NEIGHBOURS), found);
	int same = 0;

	for (int j = 0; j < asked; j++)
		same += labels[neighbour[j]] == label;
	return asked > 0 ? (double) same / asked : NAN;
}

static void
take_shares(work *w, size_t first, size_t m, const sc_knn *job)
{
	for (size_t q = 0; q < m; q++)
	{
		size_t i = first + q;
		const uint32 *neighbour = job->index + q * job->found;

		w->c->confidence[i] = share(w, i, neighbour, job->found, w->c->label[i]);
		w->toward[i] =
			w->nearest[i] == w->c->label[i] ? w->c->confidence[i] : share(w, i, neighbour, job->found, w->nearest[i]);
	}
}

/* The asked rows ask each other, the others ask them. */
static void
ask_neighbours(work *w)
{
	scpg_confidence *c = w->c;
	int d = sc_space_dim(c->space);
	MemoryContext cxt = AllocSetContextCreate(w->context, "selfclass neighbours", ALLOCSET_DEFAULT_SIZES);
	sc_knn job = {.n = w->asked, .d = d, .rows = c->points, .k = NEIGHBOURS, .leave_out = true};

	if (w->asked > 1)
	{
		scpg_knn_plan(&job);
		(void) scpg_knn_layout(&job, 0, cxt);
		while (scpg_knn_next(&job))
			take_shares(w, job.first, job.m, &job);
	}
	else
		c->confidence[0] = w->toward[0] = NAN;
	MemoryContextReset(cxt);
	if (w->asked == c->n)
		return;
	job = (sc_knn){.n = w->asked, .d = d, .rows = c->points, .k = NEIGHBOURS};
	scpg_knn_plan(&job);
	(void) scpg_knn_layout(&job, 0, cxt);
	for (size_t i = w->asked; i < c->n; i += job.m)
	{
		job.m = Min(job.most, c->n - i);
		job.queries = c->points + i * d;
		scpg_run_on(job.lanes, scpg_core()->sc_knn_run, &job);
		take_shares(w, i, job.m, &job);
	}
	MemoryContextDelete(cxt);
}

/* ---- what a margin means ----------------------------------------------------------------- */

typedef struct pair
{
	double margin;
	double share;
} pair;

static int
compare_pairs(const void *a, const void *b)
{
	const pair *x = a, *y = b;

	if (x->margin != y->margin)
		return x->margin < y->margin ? -1 : 1;
	return x->share < y->share ? -1 : x->share > y->share;
}

static int
compare_doubles(const void *a, const void *b)
{
	double x = *(const double *) a, y = *(const double *) b;

	return x < y ? -1 : x > y;
}

typedef struct step
{
	double margin, share; /* means */
	double rows;
} step;

/*
 * Steps of about as many rows each, ascending in both: neighbours that are not
 * become one (the pool of adjacent violators). Returns how many.
 */
static int
make_steps(step *steps, const pair *pairs, size_t n)
{
	size_t wanted = Min(Max(n / STEP_ROWS, 1), MOST_STEPS);
	int made = 0;

	for (size_t s = 0; s < wanted; s++)
	{
		size_t from = n * s / wanted, to = n * (s + 1) / wanted;
		step *now = &steps[made++];

		*now = (step){.rows = (double) (to - from)};
		for (size_t i = from; i < to; i++)
		{
			now->margin += pairs[i].margin / now->rows;
			now->share += pairs[i].share / now->rows;
		}
		for (; made > 1 &&
			   (steps[made - 1].share < steps[made - 2].share || steps[made - 1].margin <= steps[made - 2].margin);
			 made--)
		{
			step *a = &steps[made - 2];
			const step *b = &steps[made - 1];
			double rows = a->rows + b->rows;

			a->margin = (a->margin * a->rows + b->margin * b->rows) / rows;
			a->share = (a->share * a->rows + b->share * b->rows) / rows;
			a->rows = rows;
		}
	}
	return made;
}

static void
calibrate(work *w)
{
	scpg_confidence *c = w->c;
	MemoryContext cxt = AllocSetContextCreate(w->context, "selfclass calibration", ALLOCSET_SMALL_SIZES);
	sc_arena arena =
		scpg_arena(cxt, sc_add(sc_mul(c->n, sizeof(pair) + sizeof(double)), 4 * SC_ALIGN), "the confidence of rows");
	pair *pairs = SC_TAKE(&arena, pair, c->n);
	double *distance = SC_TAKE(&arena, double, c->n);
	step steps[MOST_STEPS];
	double margin[MOST_STEPS], confidence[MOST_STEPS];
	size_t n = 0;
	int made = 0;

	for (size_t i = 0; i < c->n; i++)
		if (!isnan(w->toward[i]))
			pairs[n++] = (pair){w->margin[i], w->toward[i]};
	qsort(pairs, n, sizeof(pair), compare_pairs);
	if (n > 0)
		made = make_steps(steps, pairs, n);
	for (int i = 0; i < made; i++)
	{
		margin[i] = steps[i].margin;
		confidence[i] = Min(Max(steps[i].share, 0), 1);
	}
	memcpy(distance, c->distance, c->n * sizeof(double));
	qsort(distance, c->n, sizeof(double), compare_doubles);
	c->calibration =
		scpg_calibration_make(distance[(size_t) (NEAR_SHARE * (double) (c->n - 1))], margin, confidence, made);
	/* A row that is alone in its group has nobody to ask. */
	for (size_t i = 0; i < c->n; i++)
		if (isnan(c->confidence[i]))
			c->confidence[i] = made > 0 ? scpg_calibration_confidence(c->calibration, w->margin[i]) : 1;
	MemoryContextDelete(cxt);
}

void
scpg_confidence_find(scpg_confidence *c)
{
	work w = {.c = c, .asked = Min(c->n, ASKED_ROWS)};
	size_t k = c->space->k;
	sc_arena arena =
		scpg_arena(CurrentMemoryContext, sc_add(sc_mul(c->n, sizeof(double)), 2 * SC_ALIGN), "the confidence of rows");

	c->confidence = SC_TAKE(&arena, double, c->n);
	w.context = AllocSetContextCreate(CurrentMemoryContext, "selfclass confidence", ALLOCSET_DEFAULT_SIZES);
	arena = scpg_arena(w.context,
					   sc_add(sc_mul(c->n, sizeof(int32) + 2 * sizeof(double)),
							  sc_add(sc_mul(k, sizeof(int32) + sizeof(int64)), 8 * SC_ALIGN)),
					   "the confidence of rows");
	w.nearest = SC_TAKE(&arena, int32, c->n);
	w.margin = SC_TAKE(&arena, double, c->n);
	w.toward = SC_TAKE(&arena, double, c->n);
	w.name = SC_TAKE(&arena, int32, k);
	w.members = SC_TAKE(&arena, int64, k);
	count_members(&w);
	find_margins(&w);
	ask_neighbours(&w);
	calibrate(&w);
	MemoryContextDelete(w.context);
}
