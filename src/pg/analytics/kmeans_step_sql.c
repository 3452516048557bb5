/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/kmeans_step_sql.c
 *	  kmeans_step, one Lloyd iteration as an aggregate.
 *
 * The state is one flat bytea, as that of pca_fit: the model it starts from,
 * the sums of the rows by cluster, the farthest rows, and the rows that wait
 * to be measured together. Anyone can call a transition function by hand, so
 * a state is checked before it is used; of numbers that are none of ours comes
 * a senseless model, or an error, and nothing worse.
 *
 * Sums are pairs of doubles, the sum and what its roundings lost: where the
 * values of a cluster are not some 2^50 apart nothing is lost at all, and the
 * result has the same bits for any order of the rows and of the combining.
 * This needs additions as they are written: the file is compiled without the
 * liberties that the core's loops are given.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <float.h>
#include <math.h>

#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/memutils.h"

#include "pg/server/bridge.h"
#include "pg/type/embedding.h"
#include "pg/type/kmeans_model.h"

#define STATE_MAGIC 0x4b4d5331 /* changes with the layout */

/* Rows that an empty cluster can be given to; more empty ones wait for the next step. */
#define FARTHEST 8

typedef struct StepState
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	int32 magic;
	int32 k;
	int32 d;
	int32 waiting;	  /* rows in block */
	int32 farthest;	  /* rows in far */
	int32 iterations; /* of the model */
	int32 unused;
	double inertia[2]; /* a sum and what it lost */
	double x[FLEXIBLE_ARRAY_MEMBER];
} StepState;

/* The parts of x. */
typedef struct Step
{
	StepState *state;
	int k, d;
	double *centroids;	  /* (k, d), of the model */
	double *sum;		  /* (k, d) */
	double *lost;		  /* (k, d) */
	double *count;		  /* (k) */
	double *far_distance; /* (FARTHEST), squared, descending */
	float *far;			  /* (FARTHEST, d), all different */
	float *block;		  /* (step_block, d) */
} Step;

/* Rows that are measured at once: half a megabyte of them, some 2^28 multiplications. */
static int
step_block(int k, int d)
{
	size_t most = Max(Min((1 << 17) / d, 1024), 16);

	return (int) Max(Min(((size_t) 1 << 28) / ((size_t) k * d), most), 1);
}

/* Of k below 2^31 and d up to EMBEDDING_MAX_DIM, so nothing overflows. */
static size_t
state_size(int k, int d)
{
	return offsetof(StepState, x) + sizeof(double) * (3 * (size_t) k * d + k + FARTHEST) +
		   sizeof(float) * ((size_t) FARTHEST + step_block(k, d)) * d;
}

static Step
open_state(StepState *state)
{
	Step s = {.state = state, .k = state->k, .d = state->d};
	size_t kd = (size_t) s.k * s.d;

	s.centroids = state->x;
	s.sum = s.centroids + kd;
	s.lost = s.sum + kd;
	s.count = s.lost + kd;
	s.far_distance = s.count + s.k;
	s.far = (float *) (s.far_distance + FARTHEST);
	s.block = s.far + (size_t) FARTHEST * s.d;
	return s;
}

/* Argument n as a state that may be written to: the aggregate's own, or a copy, which is also aligned. */
static Step
get_state(FunctionCallInfo fcinfo, int n, bool copy)
{
	StepState *state = !copy && AggCheckCallContext(fcinfo, NULL) ? (StepState *) PG_GETARG_BYTEA_P(n)
																  : (StepState *) PG_GETARG_BYTEA_P_COPY(n);

	if (VARSIZE(state) < offsetof(StepState, x) || state->magic != STATE_MAGIC || state->k < 1 || state->d < 1 ||
		state->d > EMBEDDING_MAX_DIM || VARSIZE(state) != state_size(state->k, state->d) || state->waiting < 0 ||
		state->waiting >= step_block(state->k, state->d) || state->farthest < 0 || state->farthest > FARTHEST ||
		state->iterations < 0)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid state of the aggregate \"%s\"", "kmeans_step")));
	return open_state(state);
}

static Step
new_state(const scpg_kmeans_model *m)
{
	size_t size = state_size(m->k, m->d);
	StepState *state;
	Step s;

	if (size > Min(scpg_memory_left(), MaxAllocSize))
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("not enough memory for the sums of k-means"),
						errdetail("%d clusters in %d dimensions need %zu MB; \"selfclass.max_memory\" is %d MB.", m->k,
								  m->d, size / (1024 * 1024) + 1, scpg_max_memory_mb)));
	state = palloc0(size);
	SET_VARSIZE(state, size);
	state->magic = STATE_MAGIC;
	state->k = m->k;
	state->d = m->d;
	state->iterations = m->iterations;
	s = open_state(state);
	memcpy(s.centroids, m->centroids, (size_t) s.k * s.d * sizeof(double));
	return s;
}

/* sum + lost += x, exactly as long as lost has the digits. */
static inline void
add(double *sum, double *lost, double x)
{
	double a = *sum;
	double s = a + x;
	double part = s - a;

	*lost += (a - (s - part)) + (x - part);
	*sum = s;
}

/* Does row x at that distance come before row y: farther, or as far and lower? 0: they are the same. */
static int
compare_far(double a, const float *x, double b, const float *y, int d)
{
	if (a != b)
		return a > b ? 1 : -1;
	for (int j = 0; j < d; j++)
		if (x[j] != y[j])
			return x[j] < y[j] ? 1 : -1;
	return 0;
}

/* Keep the row if it is one of the farthest. */
static void
keep_far(Step *s, double distance, const float *x)
{
	size_t d = (size_t) s->d;
	int at = s->state->farthest;
	int behind;

	if (!(distance > 0) || (at == FARTHEST && distance < s->far_distance[FARTHEST - 1]))
		return;
	while (at > 0)
	{
		int order = compare_far(distance, x, s->far_distance[at - 1], s->far + (at - 1) * d, s->d);

		if (order == 0)
			return;
		if (order < 0)
			break;
		at--;
	}
	if (at == FARTHEST)
		return;
	behind = Min(s->state->farthest, FARTHEST - 1) - at;
	memmove(s->far_distance + at + 1, s->far_distance + at, behind * sizeof(double));
	memmove(s->far + (at + 1) * d, s->far + at * d, behind * d * sizeof(float));
	s->far_distance[at] = distance;
	memcpy(s->far + at * d, x, d * sizeof(float));
	s->state->farthest = at + behind + 1;
}

/* The nearest centroids of n rows; in one piece of memory that the caller frees. */
static sc_kmeans_step
assign(const Step *s, const float *rows, int n, void **memory)
{
	sc_kmeans_step job = {.n = n, .d = s->d, .k = s->k, .rows = rows, .centroids = s->centroids};
	sc_arena arena = sc_arena_counter();
	size_t size;

	scpg_core()->sc_kmeans_step_layout(&job, &arena);
	size = sc_arena_need(&arena);
	*memory = palloc_extended(size, MCXT_ALLOC_HUGE);
	arena = sc_arena_over(*memory, size);
	scpg_core()->sc_kmeans_step_layout(&job, &arena);
	scpg_core()->sc_kmeans_step_assign(&job);
	return job;
}

/* Take the waiting rows into the sums. */
static void
flush(Step *s)
{
	void *memory;
	sc_kmeans_step job;

	if (s->state->waiting == 0)
		return;
	job = assign(s, s->block, s->state->waiting, &memory);
	for (int i = 0; i < s->state->waiting; i++)
	{
		const float *x = s->block + (size_t) i * s->d;
		double *sum = s->sum + (size_t) job.labels[i] * s->d;
		double *lost = s->lost + (size_t) job.labels[i] * s->d;

		for (int j = 0; j < s->d; j++)
			add(&sum[j], &lost[j], x[j]);
		s->count[job.labels[i]] += 1;
		add(&s->state->inertia[0], &s->state->inertia[1], job.distance[i]);
		keep_far(s, job.distance[i], x);
	}
	s->state->waiting = 0;
	pfree(memory);
}

/* Cannot argument n of the aggregate (0: the first after the state) differ between the rows of a group? */
static bool
is_constant(FunctionCallInfo fcinfo, int n)
{
	Aggref *aggref = AggGetAggref(fcinfo);
	Node *argument;

	if (aggref == NULL || n >= list_length(aggref->args))
		return false;
	argument = (Node *) list_nth_node(TargetEntry, aggref->args, n)->expr;
	return IsA(argument, Const) || IsA(argument, Param);
}

static void
refuse_other_model(void)
{
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("model must be the same for all rows"),
					errhint("Rows that go with different models are different groups: GROUP BY.")));
}

PG_FUNCTION_INFO_V1(scpg_kmeans_step_accum);
Datum
scpg_kmeans_step_accum(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e;
	Step s;

	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("model must not be NULL")));
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	e = PG_GETARG_EMBEDDING(1);
	if (PG_ARGISNULL(0))
	{
		scpg_kmeans_model m = DatumGetKmeansModel(PG_GETARG_DATUM(2));

		s = new_state(&m);
	}
	else
	{
		s = get_state(fcinfo, 0, false);
		/* A model is larger than a row: look at it again only where it could be another. */
		if (!is_constant(fcinfo, 1))
		{
			scpg_kmeans_model m = DatumGetKmeansModel(PG_GETARG_DATUM(2));

			if (m.k != s.k || m.d != s.d || memcmp(m.centroids, s.centroids, (size_t) s.k * s.d * sizeof(double)) != 0)
				refuse_other_model();
		}
	}
	scpg_embedding_check_expected(s.d, e->dim);
	memcpy(s.block + (size_t) s.state->waiting * s.d, e->x, s.d * sizeof(float));
	if (++s.state->waiting == step_block(s.k, s.d))
		flush(&s);
	PG_RETURN_BYTEA_P(s.state);
}

PG_FUNCTION_INFO_V1(scpg_kmeans_step_combine);
Datum
scpg_kmeans_step_combine(PG_FUNCTION_ARGS)
{
	Step b = get_state(fcinfo, 1, true);
	Step a = get_state(fcinfo, 0, false);
	size_t kd = (size_t) a.k * a.d;

	if (a.k != b.k || a.d != b.d || memcmp(a.centroids, b.centroids, kd * sizeof(double)) != 0)
		refuse_other_model();
	flush(&b);
	for (size_t i = 0; i < kd; i++)
	{
		add(&a.sum[i], &a.lost[i], b.sum[i]);
		a.lost[i] += b.lost[i];
	}
	for (int c = 0; c < a.k; c++)
		a.count[c] += b.count[c];
	add(&a.state->inertia[0], &a.state->inertia[1], b.state->inertia[0]);
	a.state->inertia[1] += b.state->inertia[1];
	for (int i = 0; i < b.state->farthest; i++)
		keep_far(&a, b.far_distance[i], b.far + (size_t) i * b.d);
	pfree(b.state);
	PG_RETURN_BYTEA_P(a.state);
}

/* Every empty cluster takes the row that is farthest from its centroid; left: (k), rows of the others. */
static void
fill_empty(Step *s, double *left)
{
	size_t d = (size_t) s->d;
	void *memory;
	sc_kmeans_step job;
	int next = 0;

	if (s->state->farthest == 0)
		return;
	job = assign(s, s->far, s->state->farthest, &memory);
	for (int c = 0; c < s->k; c++)
	{
		const float *x;

		if (left[c] > 0)
			continue;
		while (next < s->state->farthest && left[job.labels[next]] <= 1)
			next++;
		if (next == s->state->farthest)
			break;
		x = s->far + next * d;
		for (size_t j = 0; j < d; j++)
		{
			size_t from = job.labels[next] * d + j;

			add(&s->sum[from], &s->lost[from], -x[j]);
			s->sum[c * d + j] = x[j];
			s->lost[c * d + j] = 0;
		}
		left[job.labels[next++]] -= 1;
		left[c] = 1;
	}
	pfree(memory);
}

/*
 * The means of the clusters as new centroids, in the order of the old ones.
 * Sizes and inertia are those that were found: of the old centroids.
 */
PG_FUNCTION_INFO_V1(scpg_kmeans_step_final);
Datum
scpg_kmeans_step_final(PG_FUNCTION_ARGS)
{
	Step s = get_state(fcinfo, 0, true);
	size_t d = (size_t) s.d;
	float *centroids = palloc(s.k * d * sizeof(float));
	int64 *sizes = palloc(s.k * sizeof(int64));
	double *left = palloc(s.k * sizeof(double));
	double inertia;
	bool moved = false;
	bool valid = true;
	scpg_numbers *result;

	flush(&s);
	inertia = s.state->inertia[0] + s.state->inertia[1];
	valid = isfinite(inertia) && inertia >= 0;
	for (int c = 0; c < s.k; c++)
	{
		left[c] = s.count[c];
		valid = valid && left[c] >= 0 && left[c] <= 9007199254740992.0 && left[c] == floor(left[c]);
		sizes[c] = valid ? (int64) left[c] : 0;
	}
	fill_empty(&s, left);
	for (int c = 0; c < s.k; c++)
		for (size_t i = c * d; i < (c + 1) * d; i++)
		{
			float old = (float) s.centroids[i];

			centroids[i] = left[c] > 0 ? (float) ((s.sum[i] + s.lost[i]) / left[c]) : old;
			moved = moved || centroids[i] != old;
			valid = valid && isfinite(centroids[i]);
		}
	if (!valid)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("invalid state of the aggregate \"%s\"", "kmeans_step")));
	result = scpg_kmeans_model_make(s.k, s.d, centroids, sizes, inertia, Min(s.state->iterations, PG_INT32_MAX - 1) + 1,
									!moved);
	PG_RETURN_POINTER(result);
}
