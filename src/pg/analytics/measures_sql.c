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
#include "pg/server/bridge.h"

typedef enum Measure
{
	PURITY,
	ACCURACY,
	MUTUAL_INFO,
	RAND_INDEX
} Measure;

static double
accuracy(const TallyTable *t)
{
	sc_accuracy job = {t->count, t->clusters, t->classes, t->missing};
	sc_arena arena =
		scpg_arena(CurrentMemoryContext, sc_add(scpg_core()->sc_accuracy_bytes(t->clusters, t->classes), 2 * SC_ALIGN),
				   "the matching of labels and classes");

	job.work = SC_TAKE(&arena, char, scpg_core()->sc_accuracy_bytes(t->clusters, t->classes));
	scpg_run(scpg_core()->sc_accuracy_run, &job);
	return job.accuracy;
}

static Datum
measure(FunctionCallInfo fcinfo, Measure which)
{
	const Tally *tally = scpg_tally_argument(fcinfo);
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "measure of a clustering", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	TallyTable t = scpg_tally_table(tally, which == MUTUAL_INFO || which == RAND_INDEX);
	bool labelled = t.clusters > (which >= MUTUAL_INFO && t.missing > 0 ? 1 : 0);
	double result = 0;

	/* No row with a label: nothing is right. */
	if (labelled)
		switch (which)
		{
			case PURITY:
				result = scpg_core()->sc_purity(t.count, t.clusters, t.classes, t.missing);
				break;
			case ACCURACY:
				result = accuracy(&t);
				break;
			case MUTUAL_INFO:
				result = scpg_core()->sc_normalized_mutual_info(t.count, t.clusters, t.classes);
				break;
			case RAND_INDEX:
				result = scpg_core()->sc_adjusted_rand_index(t.count, t.clusters, t.classes);
				break;
		}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
	PG_RETURN_FLOAT8(result);
}

PG_FUNCTION_INFO_V1(scpg_clustering_purity);
Datum
scpg_clustering_purity(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, PURITY);
}

PG_FUNCTION_INFO_V1(scpg_clustering_accuracy);
Datum
scpg_clustering_accuracy(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, ACCURACY);
}

PG_FUNCTION_INFO_V1(scpg_normalized_mutual_info);
Datum
scpg_normalized_mutual_info(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, MUTUAL_INFO);
}

PG_FUNCTION_INFO_V1(scpg_adjusted_rand_index);
Datum
scpg_adjusted_rand_index(PG_FUNCTION_ARGS)
{
	return measure(fcinfo, RAND_INDEX);
}

/* A truth as the result of majority_truth shows it. */
static JsonbValue
truth_value(const Tally *tally, const TallySlot *slot)
{
	JsonbValue v;

	v.type = jbvString;
	v.val.string.val = TALLY_TEXTS(tally) + slot->truth;
	v.val.string.len = slot->length;
	if (tally->number)
	{
		char *digits = pnstrdup(v.val.string.val, v.val.string.len);

		v.type = jbvNumeric;
		v.val.numeric = DatumGetNumeric(
			DirectFunctionCall3(numeric_in, CStringGetDatum(digits), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	}
	return v;
}

PG_FUNCTION_INFO_V1(scpg_majority_truth);
Datum
scpg_majority_truth(PG_FUNCTION_ARGS)
{
	const Tally *tally = scpg_tally_argument(fcinfo);
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "majority_truth", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(cxt);
	TallyTable t = scpg_tally_table(tally, false);
	JsonbParseState *state = NULL;
	Jsonb *result;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int c = 0; c < t.clusters; c++)
	{
		const int64 *count = t.count + (size_t) c * t.classes;
		int most = 0;
		JsonbValue v;

		/* Of classes as frequent, the first in order. */
		for (int j = 1; j < t.classes; j++)
			if (count[j] > count[most])
				most = j;
		v.type = jbvString;
		v.val.string.val = psprintf("%d", t.label[c]);
		v.val.string.len = strlen(v.val.string.val);
		pushJsonbValue(&state, WJB_KEY, &v);
		v = truth_value(tally, t.class_of[most]);
		pushJsonbValue(&state, WJB_VALUE, &v);
	}
	result = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	MemoryContextSwitchTo(old);
	result = (Jsonb *) memcpy(palloc(VARSIZE(result)), result, VARSIZE(result));
	MemoryContextDelete(cxt);
	PG_RETURN_JSONB_P(result);
}
