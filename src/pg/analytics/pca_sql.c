/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/pca_sql.c
 *	  pca_fit, the aggregate, and what is done with the pca_model it returns.
 *
 * The state is one flat bytea: the options, the sums of the rows so far and
 * the few rows that wait to be multiplied together. It is changed where it
 * lies, needs no serial functions, and travels between processes and nodes as
 * it is. Anyone can call a transition function by hand, so a state is checked
 * before it is used.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"

#include "pg/server/bridge.h"
#include "pg/server/options.h"
#include "pg/type/embedding.h"
#include "pg/type/pca_model.h"

#define STATE_MAGIC 0x50434131 /* changes with the layout */

typedef struct PcaState
{
	int32 vl_len_; /* varlena header (do not touch directly!) */
	int32 magic;
	int32 d;
	int32 waiting; /* rows in block */
	int32 whiten;
	int32 unused;
	double wanted;					 /* components, or a share */
	double count;					 /* rows in sums and packed */
	double x[FLEXIBLE_ARRAY_MEMBER]; /* shift, sums, packed, block of sc_pca_sums */
} PcaState;

typedef struct PcaOptions
{
	bool whiten;
} PcaOptions;

static const scpg_option pca_options[] = {
	{"whiten", SCPG_OPTION_BOOL, offsetof(PcaOptions, whiten)},
};

static size_t
state_size(int d)
{
	return offsetof(PcaState, x) + sizeof(double) * (2 * (size_t) d + sc_pca_packed(d) + (size_t) sc_pca_block(d) * d);
}

/* The sums, pointing into the state; what changes in them is put back by close_sums. */
static sc_pca_sums
open_sums(PcaState *state)
{
	sc_pca_sums s = {.count = state->count, .waiting = state->waiting};

	s.shift = state->x;
	s.sums = s.shift + state->d;
	s.packed = s.sums + state->d;
	s.block = s.packed + sc_pca_packed(state->d);
	return s;
}

static void
close_sums(PcaState *state, const sc_pca_sums *s)
{
	state->count = s->count;
	state->waiting = s->waiting;
}

/*
 * Argument n as a state that may be written to: the aggregate's own, or a
 * copy, which is also aligned for doubles. Of doubles that are not sums comes
 * a senseless model, or an error, and nothing worse.
 */
static PcaState *
get_state(FunctionCallInfo fcinfo, int n)
{
	PcaState *state = n == 0 && AggCheckCallContext(fcinfo, NULL) ? (PcaState *) PG_GETARG_BYTEA_P(n)
																  : (PcaState *) PG_GETARG_BYTEA_P_COPY(n);

	if (VARSIZE(state) < offsetof(PcaState, x) || state->magic != STATE_MAGIC || state->d < 1 ||
		state->d > EMBEDDING_MAX_DIM || VARSIZE(state) != state_size(state->d) || state->waiting < 0 ||
		state->waiting >= sc_pca_block(state->d) || (state->whiten != 0 && state->whiten != 1) ||
		!(state->count >= 0 && state->count <= 9007199254740992.0) || !(state->count + state->waiting >= 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid state of the aggregate \"%s\"", "pca_fit")));
	return state;
}

static PcaState *
new_state(int d, double wanted, bool whiten)
{
	size_t size = state_size(d);
	PcaState *state;

	if (size > scpg_memory_left())
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
						errmsg("not enough memory for the sums of a principal component analysis"),
						errdetail("%d dimensions need %zu MB; \"selfclass.max_memory\" is %d MB.", d,
								  size / (1024 * 1024) + 1, scpg_max_memory_mb),
						errhint("Raise \"selfclass.max_memory\".")));
	state = palloc0(size);
	SET_VARSIZE(state, size);
	state->magic = STATE_MAGIC;
	state->d = d;
	state->whiten = whiten;
	state->wanted = wanted;
	return state;
}

/* One more row, x less shift + apart (NULL: zeros). */
static void
add_row(sc_pca_sums *s, const float *x, const double *row, const double *apart, int d)
{
	double *to = s->block + (size_t) s->waiting * d;

	if (x != NULL)
		for (int j = 0; j < d; j++)
			to[j] = (double) x[j] - s->shift[j];
	else
		for (int j = 0; j < d; j++)
			to[j] = row[j] + apart[j];
	if (++s->waiting == sc_pca_block(d))
		scpg_core()->sc_pca_flush(s, d);
}

/* The transition: argument 1 the embedding, 2 already read as `wanted`, 3 options where there are any. */
static Datum
accumulate(FunctionCallInfo fcinfo, double wanted)
{
	PcaOptions options = {.whiten = false};
	const scpg_embedding *e;
	PcaState *state;
	sc_pca_sums sums;

	if (PG_NARGS() > 3)
	{
		if (PG_ARGISNULL(3))
			ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("options must not be NULL")));
		scpg_options_read(&options, NULL, PG_GETARG_JSONB_P(3), pca_options, lengthof(pca_options));
	}
	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	e = PG_GETARG_EMBEDDING(1);
	if (PG_ARGISNULL(0))
	{
		sc_error err;

		/* How many rows there will be is not known yet: as many as would do. */
		scpg_check(scpg_core()->sc_pca_check(e->dim, e->dim, Min(wanted, e->dim), &err), &err);
		if (wanted > e->dim)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("number of components must be at most %d", e->dim),
							errdetail("The embeddings have %d dimensions, and the number of components is %.0f.",
									  e->dim, wanted),
							errhint("Give a smaller number, or a share of the variance such as 0.95.")));
		state = new_state(e->dim, wanted, options.whiten);
		for (int j = 0; j < e->dim; j++)
			state->x[j] = e->x[j];
	}
	else
	{
		state = get_state(fcinfo, 0);
		scpg_embedding_check_expected(state->d, e->dim);
		if (state->wanted != wanted || state->whiten != options.whiten)
			ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
							errmsg("number of components and options must be the same for all rows")));
	}
	sums = open_sums(state);
	add_row(&sums, e->x, NULL, NULL, state->d);
	close_sums(state, &sums);
	PG_RETURN_BYTEA_P(state);
}

static void
refuse_null_components(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(2))
		ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("number of components must not be NULL")));
}

PG_FUNCTION_INFO_V1(scpg_pca_accum_number);
Datum
scpg_pca_accum_number(PG_FUNCTION_ARGS)
{
	refuse_null_components(fcinfo);
	return accumulate(fcinfo, PG_GETARG_INT32(2));
}

PG_FUNCTION_INFO_V1(scpg_pca_accum_share);
Datum
scpg_pca_accum_share(PG_FUNCTION_ARGS)
{
	double share;

	refuse_null_components(fcinfo);
	share = PG_GETARG_FLOAT8(2);
	if (!(share > 0 && share < 1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("share of the variance must be above 0 and below 1"),
				 errdetail("The share is %g.", share),
				 errhint(
					 "A number of components is an integer, a share is double precision: pca_fit(e, 2) or pca_fit(e, 0.95).")));
	return accumulate(fcinfo, share);
}

PG_FUNCTION_INFO_V1(scpg_pca_combine);
Datum
scpg_pca_combine(PG_FUNCTION_ARGS)
{
	PcaState *other = get_state(fcinfo, 1);
	PcaState *state = get_state(fcinfo, 0);
	sc_pca_sums a, b;
	double *apart;

	scpg_embedding_check_expected(state->d, other->d);
	if (state->wanted != other->wanted || state->whiten != other->whiten)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("number of components and options must be the same for all rows")));
	a = open_sums(state);
	b = open_sums(other);
	scpg_core()->sc_pca_merge(&a, &b, state->d);
	apart = palloc(state->d * sizeof(double));
	for (int j = 0; j < state->d; j++)
		apart[j] = b.shift[j] - a.shift[j];
	for (int i = 0; i < b.waiting; i++)
		add_row(&a, NULL, b.block + (size_t) i * state->d, apart, state->d);
	close_sums(state, &a);
	pfree(apart);
	pfree(other);
	PG_RETURN_BYTEA_P(state);
}

PG_FUNCTION_INFO_V1(scpg_pca_final);
Datum
scpg_pca_final(PG_FUNCTION_ARGS)
{
	PcaState *state = get_state(fcinfo, 0);
	sc_pca_sums sums = open_sums(state);
	sc_pca pca = {.n = (size_t) sums.count + sums.waiting, .d = state->d, .given = &sums, .wanted = state->wanted};
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "pca_fit", ALLOCSET_DEFAULT_SIZES);
	sc_arena arena = sc_arena_counter();
	sc_error err;
	scpg_numbers *result;

	scpg_check(scpg_core()->sc_pca_check(pca.n, pca.d, pca.wanted, &err), &err);
	scpg_core()->sc_pca_layout(&pca, &arena);
	arena = scpg_arena(cxt, sc_arena_need(&arena), "the principal components");
	scpg_core()->sc_pca_layout(&pca, &arena);
	scpg_run(scpg_core()->sc_pca_run, &pca);
	result = scpg_pca_model_make(&pca, state->whiten);
	MemoryContextDelete(cxt);
	PG_RETURN_POINTER(result);
}

/* ---- the model ------------------------------------------------------------ */

PG_FUNCTION_INFO_V1(scpg_pca_transform);
Datum
scpg_pca_transform(PG_FUNCTION_ARGS)
{
	const scpg_embedding *e = PG_GETARG_EMBEDDING(0);
	scpg_pca_model m = DatumGetPcaModel(PG_GETARG_DATUM(1));
	scpg_embedding *result;

	scpg_embedding_check_expected(m.d, e->dim);
	result = scpg_embedding_new(m.q);
	for (int c = 0; c < m.q; c++)
	{
		double y = sc_distance()->dot_centred(e->x, m.mean, m.components + (size_t) c * m.d, m.d);

		if (m.whiten)
			y = m.variance[c] > SC_PCA_NO_VARIANCE * m.variance[0] ? y / sqrt(m.variance[c]) : 0;
		result->x[c] = (float) y;
		scpg_embedding_check_value(result->x[c]);
	}
	PG_FREE_EMBEDDING_COPY(e, 0);
	PG_RETURN_EMBEDDING(result);
}

/* Doubles as an embedding. */
static scpg_embedding *
narrow(const double *x, int d)
{
	scpg_embedding *e = scpg_embedding_new(d);

	for (int j = 0; j < d; j++)
	{
		e->x[j] = (float) x[j];
		scpg_embedding_check_value(e->x[j]);
	}
	return e;
}

PG_FUNCTION_INFO_V1(scpg_pca_mean);
Datum
scpg_pca_mean(PG_FUNCTION_ARGS)
{
	scpg_pca_model m = DatumGetPcaModel(PG_GETARG_DATUM(0));

	PG_RETURN_EMBEDDING(narrow(m.mean, m.d));
}

PG_FUNCTION_INFO_V1(scpg_pca_components);
Datum
scpg_pca_components(PG_FUNCTION_ARGS)
{
	scpg_pca_model m = DatumGetPcaModel(PG_GETARG_DATUM(0));
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int c = 0; c < m.q; c++)
	{
		scpg_embedding *component = narrow(m.components + (size_t) c * m.d, m.d);
		bool nulls[4] = {false};
		Datum values[4] = {Int32GetDatum(c + 1), EmbeddingGetDatum(component), Float8GetDatum(m.variance[c]),
						   Float8GetDatum(m.ratio[c])};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		pfree(component);
	}
	return (Datum) 0;
}
