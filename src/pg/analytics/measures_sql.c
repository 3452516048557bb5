/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/measures_sql.c
 *	  The aggregates that measure a clustering against known classes.
 *
 * A row without a label counts as wrong: in purity and accuracy it adds to
 * the rows and never to the right ones; for mutual information and the Rand
 * index all such rows are one more cluster, which tells nothing about them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "pg/analytics/contingency.h"
#include "pg/server/jobs.h"
#include "pg/server/load.h"
#include "pg/server/memory.h"

static double
purity(const scpg_contingency_table *t)
{
	return scpg_core()->sc_purity(t->count, t->clusters, t->classes, t->missing);
}

static double
accuracy(const scpg_contingency_table *t)
{
	sc_accuracy job = {t->count, t->clusters, t->classes, t->missing};
	size_t bytes = scpg_core()->sc_accuracy_bytes(t->clusters, t->classes);
	sc_arena arena = scpg_arena(CurrentMemoryContext, sc_add(bytes, 2 * SC_ALIGN), "the matching of labels and classes");

	job.work = SC_TAKE(&arena, char, bytes);
	scpg_run(scpg_core()->sc_accuracy_run, &job);
	return job.accuracy;
}

static double
normalized_mutual_info(const scpg_contingency_table *t)
{
	return scpg_core()->sc_normalized_mutual_info(t->count, t->clusters, t->classes);
}

static double
adjusted_rand_index(const scpg_contingency_table *t)
{
	return scpg_core()->sc_adjusted_rand_index(t->count, t->clusters, t->classes);
}

/* What value says of the table; with_missing: the rows without a label are a cluster in it. */
static Datum
measure(FunctionCallInfo fcinfo, double (*value)(const scpg_contingency_table *t), bool with_missing)
{
	const scpg_contingency *state = scpg_contingency_argument(fcinfo, 0);
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "measure of a clustering", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	scpg_contingency_table t = scpg_contingency_tabulate(state, with_missing);
	int labelled = t.clusters - (with_missing && t.missing > 0 ? 1 : 0);
	/* No row with a label: nothing is right. */
	double result = labelled > 0 ? value(&t) : 0;

	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	PG_RETURN_FLOAT8(result);
}

PG_FUNCTION_INFO_V1(scpg_clustering_purity);
Datum
scpg_clustering_purity(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, purity, false);
}

PG_FUNCTION_INFO_V1(scpg_clustering_accuracy);
Datum
scpg_clustering_accuracy(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, accuracy, false);
}

PG_FUNCTION_INFO_V1(scpg_normalized_mutual_info);
Datum
scpg_normalized_mutual_info(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, normalized_mutual_info, true);
}

PG_FUNCTION_INFO_V1(scpg_adjusted_rand_index);
Datum
scpg_adjusted_rand_index(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, adjusted_rand_index, true);
}

/* A truth as the result of majority_truth shows it. */
static JsonbValue
truth_value(const scpg_contingency *state, const scpg_contingency_pair *pair)
{
	JsonbValue v;

	v.type = jbvString;
	v.val.string.val = SCPG_CONTINGENCY_TEXTS(state) + pair->truth;
	v.val.string.len = pair->length;
	if (state->kind == SCPG_TRUTH_BIGINT)
	{
		char *digits = pnstrdup(v.val.string.val, v.val.string.len);

		v.type = jbvNumeric;
		v.val.numeric = DatumGetNumeric(
			DirectFunctionCall3(numeric_in, CStringGetDatum(digits), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	}
	return v;
}

/* The class that most rows of a cluster have; of classes as frequent, the first in order. */
static int
majority(const scpg_contingency_table *t, int cluster)
{
	const int64 *count = t->count + (size_t) cluster * t->classes;
	int most = 0;

	for (int j = 1; j < t->classes; j++)
		if (count[j] > count[most])
			most = j;
	return most;
}

PG_FUNCTION_INFO_V1(scpg_majority_truth);
Datum
scpg_majority_truth(PG_FUNCTION_ARGS)
{
	const scpg_contingency *state = scpg_contingency_argument(fcinfo, 0);
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "majority_truth", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	scpg_contingency_table t = scpg_contingency_tabulate(state, false);
	JsonbParseState *parse = NULL;
	Jsonb *result;

	pushJsonbValue(&parse, WJB_BEGIN_OBJECT, NULL);
	for (int c = 0; c < t.clusters; c++)
	{
		JsonbValue v;

		v.type = jbvString;
		v.val.string.val = psprintf("%d", t.label[c]);
		v.val.string.len = strlen(v.val.string.val);
		pushJsonbValue(&parse, WJB_KEY, &v);
		v = truth_value(state, t.class_of[majority(&t, c)]);
		pushJsonbValue(&parse, WJB_VALUE, &v);
	}
	result = JsonbValueToJsonb(pushJsonbValue(&parse, WJB_END_OBJECT, NULL));
	MemoryContextSwitchTo(old);
	result = (Jsonb *) memcpy(palloc(VARSIZE(result)), result, VARSIZE(result));
	MemoryContextDelete(cxt);
	PG_RETURN_JSONB_P(result);
}
