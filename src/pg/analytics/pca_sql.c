/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/pca_sql.c
 *	  The aggregate pca_fit.
 *
 * Its flat state holds the options, the sums of the rows so far, and the few
 * rows that wait to be multiplied together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/jsonb.h"

#include "pg/analytics/flat_state.h"
#include "pg/analytics/pca.h"
#include "pg/server/arguments.h"
#include "pg/server/errors.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"
#include "pg/server/options.h"
#include "pg/server/settings.h"
#include "pg/type/embedding.h"
#include "pg/type/embedding_fetch.h"

#define STATE_MAGIC 0x50434132 /* changes with the layout */

typedef struct pca_state
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	int32 magic;
	int32 d;
	int32 waiting; /* rows in block */
	int32 whiten;
	int32 unused;
	double wanted;					 /* components, or a share */
	double count;					 /* rows in mean and packed */
	double x[FLEXIBLE_ARRAY_MEMBER]; /* mean, packed of sc_pca_sums; its block, of floats */
} pca_state;

typedef struct pca_fit_options
{
	bool whiten;
} pca_fit_options;

static const scpg_option pca_options[] = {
	{"whiten", SCPG_OPTION_BOOL, offsetof(pca_fit_options, whiten)},
};

static size_t
state_size(int d)
{
	return offsetof(pca_state, x) + sizeof(double) * ((size_t) d + sc_pca_packed(d)) +
		   sizeof(float) * (size_t) sc_pca_block(d) * d;
}

/* The sums, pointing into the state; what changes in them is put back by close_sums. */
static sc_pca_sums
open_sums(pca_state *state)
{
	sc_pca_sums s = {.count = state->count, .waiting = state->waiting};

	s.mean = state->x;
	s.packed = s.mean + state->d;
	s.block = (float *) (s.packed + sc_pca_packed(state->d));
	return s;
}

static void
close_sums(pca_state *state, const sc_pca_sums *s)
{
	state->count = s->count;
	state->waiting = s->waiting;
}

/*
 * Argument n as a state, checked. Of doubles that are not sums comes a
 * senseless model, or an error, and nothing worse.
 */
static pca_state *
get_state(FunctionCallInfo fcinfo, int n)
{
	pca_state *state = scpg_flat_state_argument(fcinfo, n);

	if (VARSIZE(state) < offsetof(pca_state, x) || state->magic != STATE_MAGIC || state->d < 1 ||
		state->d > EMBEDDING_MAX_DIM || VARSIZE(state) != state_size(state->d) || state->waiting < 0 ||
		state->waiting >= sc_pca_block(state->d) || (state->whiten != false && state->whiten != true) ||
		!(state->count >= 0 && state->count <= SCPG_MOST_ROWS) || !(state->count + state->waiting >= 1))
		scpg_flat_state_refuse("pca_fit");
	return state;
}

static pca_state *
new_state(int d, double wanted, bool whiten)
{
	size_t size = state_size(d);
	pca_state *state;

	/* What its blocks are multiplied in comes and goes. */
	if (sc_add(size, scpg_core()->sc_pca_flush_bytes(d)) > scpg_memory_left())
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("not enough memory for the sums of a principal component analysis"),
						errdetail("%d dimensions need %zu MB; \"selfclass.max_memory\" is %d MB.", d,
								  size / (1024 * 1024) + 1, scpg_max_memory_mb),
						errhint("Raise \"selfclass.max_memory\".")));
	state = scpg_flat_state_new(size);
	state->magic = STATE_MAGIC;
	state->d = d;
	state->whiten = whiten;
	state->wanted = wanted;
	return state;
}

/* One more row, x (d), into the block. */
static void
add_row(sc_pca_sums *s, const float *x, int d)
{
	memcpy(s->block + (size_t) s->waiting * d, x, d * sizeof(float));
	if (++s->waiting == sc_pca_block(d))
	{
		void *work = palloc_extended(scpg_core()->sc_pca_flush_bytes(d), MCXT_ALLOC_HUGE);

		sc_pca_flush flush = scpg_core()->sc_pca_flush_begin(s, d, work);

		while (scpg_core()->sc_pca_flush_step(&flush))
			CHECK_FOR_INTERRUPTS();
		pfree(work);
	}
}

/* The state of the first row, which is still to be added. */
static pca_state *
begin_state(const scpg_embedding *e, double wanted, bool whiten)
{
	sc_error err;

	/* How many rows there will be is not known yet: as many as would do. */
	scpg_check(scpg_core()->sc_pca_check(e->dim, e->dim, Min(wanted, e->dim), &err), &err);
	if (wanted > e->dim)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("number of components must be at most %d", e->dim),
				 errdetail("The embeddings have %d dimensions, and the number of components is %.0f.", e->dim, wanted),
				 errhint("Give a smaller number, or a share of the variance such as 0.95.")));
	return new_state(e->dim, wanted, whiten);
}

static void
check_same_options(const pca_state *state, double wanted, int32 whiten)
{
	if (state->wanted != wanted || state->whiten != whiten)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of components and options must be the same for all rows")));
}

/* The transition: argument 1 the embedding, 2 already read as `wanted`, 3 options where there are any. */
static Datum
accumulate(FunctionCallInfo fcinfo, double wanted)
{
	pca_fit_options options = {.whiten = false};
	const scpg_embedding *e;
	pca_state *state;
	sc_pca_sums sums;

	scpg_options_read(&options, NULL, scpg_options_argument(fcinfo, 3), pca_options, lengthof(pca_options));
	if (PG_ARGISNULL(1))
		return scpg_flat_state_unchanged(fcinfo);
	e = PG_GETARG_EMBEDDING(1);
	scpg_embedding_fetch(e);
	if (PG_ARGISNULL(0))
		state = begin_state(e, wanted, options.whiten);
	else
	{
		state = get_state(fcinfo, 0);
		scpg_embedding_check_expected(state->d, e->dim);
		check_same_options(state, wanted, options.whiten);
	}
	sums = open_sums(state);
	add_row(&sums, e->x, state->d);
	close_sums(state, &sums);
	PG_RETURN_BYTEA_P(state);
}

PG_FUNCTION_INFO_V1(scpg_pca_accum_number);
Datum
scpg_pca_accum_number(PG_FUNCTION_ARGS)
{
	scpg_refuse_null(fcinfo, 2, "number of components");
	return accumulate(fcinfo, PG_GETARG_INT32(2));
}

PG_FUNCTION_INFO_V1(scpg_pca_accum_share);
Datum
scpg_pca_accum_share(PG_FUNCTION_ARGS)
{
	double wanted;

	scpg_refuse_null(fcinfo, 2, "number of components");
	wanted = PG_GETARG_FLOAT8(2);
	/* A bigint, which drivers send for any whole number, comes as double precision too. */
	if (!(wanted > 0) || (wanted > 1 && wanted != floor(wanted)))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("components must be a whole number from 1 on, or a share of the variance below 1"),
				 errdetail("The value is %g.", wanted),
				 errhint(
					 "For example pca_fit(e, 2) for two components, or pca_fit(e, 0.95) for as many as explain that share.")));
	return accumulate(fcinfo, wanted);
}

PG_FUNCTION_INFO_V1(scpg_pca_combine);
Datum
scpg_pca_combine(PG_FUNCTION_ARGS)
{
	pca_state *other = get_state(fcinfo, 1);
	pca_state *state = get_state(fcinfo, 0);
	sc_pca_sums a, b;

	scpg_embedding_check_expected(state->d, other->d);
	check_same_options(state, other->wanted, other->whiten);
	a = open_sums(state);
	b = open_sums(other);
	for (int row = 0; row < state->d;)
	{
		CHECK_FOR_INTERRUPTS();
		row = scpg_core()->sc_pca_merge(&a, &b, state->d, row);
	}
	for (int i = 0; i < b.waiting; i++)
		add_row(&a, b.block + (size_t) i * state->d, state->d);
	close_sums(state, &a);
	pfree(other);
	PG_RETURN_BYTEA_P(state);
}

PG_FUNCTION_INFO_V1(scpg_pca_final);
Datum
scpg_pca_final(PG_FUNCTION_ARGS)
{
	pca_state *state = get_state(fcinfo, 0);
	sc_pca_sums sums = open_sums(state);
	sc_pca pca = {.n = (size_t) sums.count + sums.waiting, .d = state->d, .given = &sums, .wanted = state->wanted};

	PG_RETURN_POINTER(scpg_pca_fit(&pca, state->whiten));
}
