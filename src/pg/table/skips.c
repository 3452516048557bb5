/*-------------------------------------------------------------------------
 *
 * src/pg/table/skips.c
 *	  Images that cannot be read: counted and reported, or an error.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "lib/stringinfo.h"

#include "pg/server/errors.h"
#include "pg/table/skips.h"

scpg_enum_names scpg_on_error_names = {[SCPG_ON_ERROR_SKIP] = "skip", [SCPG_ON_ERROR_FAIL] = "fail", NULL};

void
scpg_skips_add(scpg_skips *skips, const scpg_source *source, Datum id, const sc_error *err)
{
	char *key = OidOutputFunctionCall(source->id_output, id);

	Assert(err->status != SC_OK && skips->context != NULL);
	if (skips->on_error == SCPG_ON_ERROR_FAIL)
		ereport(ERROR, (errcode(err->status == SC_DATA ? ERRCODE_NULL_VALUE_NOT_ALLOWED : scpg_sqlstate(err->status)),
						scpg_error_texts(err),
						errcontext("image of %s with %s = %s", source->relation, source->id_column, key)));
	if (skips->count < SCPG_SKIPS_SHOWN)
	{
		MemoryContext old = MemoryContextSwitchTo(skips->context);

		skips->shown[skips->count] = err->detail[0] ? psprintf("%s: %s (%s)", key, err->message, err->detail)
													: psprintf("%s: %s", key, err->message);
		MemoryContextSwitchTo(old);
	}
	skips->count++;
	pfree(key);
}

void
scpg_skips_report(const scpg_skips *skips, int64 rows)
{
	StringInfoData shown;

	Assert(skips->count <= rows);
	if (skips->count == 0)
		return;
	initStringInfo(&shown);
	for (int i = 0; i < Min(skips->count, SCPG_SKIPS_SHOWN); i++)
		appendStringInfo(&shown, "%s%s", i ? "\n" : "", skips->shown[i]);
	if (skips->count > SCPG_SKIPS_SHOWN)
		appendStringInfo(&shown, "\n... and %lld more", (long long) (skips->count - SCPG_SKIPS_SHOWN));
	ereport(WARNING,
			(errmsg("%lld of %lld images could not be read", (long long) skips->count, (long long) rows),
			 errdetail_internal("%s", shown.data),
			 errhint("%s", skips->hint ? skips->hint : "\"on_error\": \"fail\" makes the first of them an error.")));
	pfree(shown.data);
}
