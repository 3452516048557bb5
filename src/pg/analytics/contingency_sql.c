/*-------------------------------------------------------------------------
 *
 * src/pg/analytics/contingency_sql.c
 *	  The transition functions of the aggregates that measure a clustering
 *	  against known classes; their final functions are in measures_sql.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"

#include "pg/server/arguments.h"
#include "pg/analytics/contingency.h"
#include "pg/analytics/flat_state.h"

/* Argument 0 is the state, 1 the label; truth: [length]. */
static Datum
accumulate(FunctionCallInfo fcinfo, const char *truth, int length, scpg_truth_kind kind)
{
	scpg_contingency *c = PG_ARGISNULL(0) ? scpg_contingency_new(kind) : scpg_contingency_argument(fcinfo, 0);
	bool has_label = !PG_ARGISNULL(1);

	if (c->kind != kind)
		scpg_contingency_refuse();
	PG_RETURN_BYTEA_P(
		scpg_contingency_add(c, has_label ? scpg_int_argument(fcinfo, 1, "label") : 0, has_label, truth, length, 1));
}

PG_FUNCTION_INFO_V1(scpg_tally_accum_text_wide);
Datum
scpg_tally_accum_text_wide(PG_FUNCTION_ARGS)
{
	text *truth;

	if (PG_ARGISNULL(2))
		return scpg_flat_state_unchanged(fcinfo);
	truth = PG_GETARG_TEXT_PP(2);
	return accumulate(fcinfo, VARDATA_ANY(truth), VARSIZE_ANY_EXHDR(truth), SCPG_TRUTH_TEXT);
}

SCPG_NARROW_FORM(tally_accum_text, 1)

PG_FUNCTION_INFO_V1(scpg_tally_accum_bigint_wide);
Datum
scpg_tally_accum_bigint_wide(PG_FUNCTION_ARGS)
{
	char digits[MAXINT8LEN + 1];
	int length;

	if (PG_ARGISNULL(2))
		return scpg_flat_state_unchanged(fcinfo);
	length = pg_lltoa(PG_GETARG_INT64(2), digits);
	return accumulate(fcinfo, digits, length, SCPG_TRUTH_BIGINT);
}

SCPG_NARROW_FORM(tally_accum_bigint, 1)

PG_FUNCTION_INFO_V1(scpg_tally_combine);
Datum
scpg_tally_combine(PG_FUNCTION_ARGS)
{
	scpg_contingency *other = scpg_contingency_argument(fcinfo, 1);
	scpg_contingency *c = scpg_contingency_argument(fcinfo, 0);
	const scpg_contingency_pair *pair;
	int32 at = 0;

	if (c->kind != other->kind)
		scpg_contingency_refuse();
	while ((pair = scpg_contingency_next(other, &at)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		c = scpg_contingency_add(c, pair->label, pair->has_label != 0, SCPG_CONTINGENCY_TEXTS(other) + pair->truth,
								 pair->length, pair->count);
	}
	PG_RETURN_BYTEA_P(c);
}
