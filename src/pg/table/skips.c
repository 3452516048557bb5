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

/* Count an image to those with the same message. Memory is bounded, whatever the images are. */
static void
count_reason(scpg_skips *skips, const sc_error *err)
{
	scpg_skips_reason *reason;
	int i = 0;

	if (skips->reason == NULL)
		skips->reason = MemoryContextAllocZero(skips->context, sizeof(scpg_skips_reason) * SCPG_SKIPS_REASONS);
	while (i < skips->reasons && strcmp(skips->reason[i].message, err->message) != 0)
		i++;
	if (i == SCPG_SKIPS_REASONS)
		return;
	reason = &skips->reason[i];
	if (i == skips->reasons)
	{
		skips->reasons++;
		reason->message = MemoryContextStrdup(skips->context, err->message);
	}
	if (reason->hint == NULL && err->hint[0] != '\0')
		reason->hint = MemoryContextStrdup(skips->context, err->hint);
	reason->count++;
}

void
scpg_skips_add(scpg_skips *skips, const scpg_source *source, Datum id, const sc_error *err)
{
	char *key = OidOutputFunctionCall(source->id_output, id);

	Assert(err->status != SC_OK && skips->context != NULL);
	if (skips->on_error == SCPG_ON_ERROR_FAIL)
		ereport(ERROR, (errcode(err->status == SC_DATA ? ERRCODE_NULL_VALUE_NOT_ALLOWED : scpg_sqlstate(err->status)),
						scpg_error_texts(err),
						errcontext("image of %s with %s = %s", source->relation, source->id_column, key)));
	if (skips->count < SCPG_SKIPS_KEPT)
	{
		MemoryContext old = MemoryContextSwitchTo(skips->context);
		char *reason = err->detail[0] ? psprintf("%s (%s)", err->message, err->detail) : pstrdup(err->message);

		skips->kept[skips->count] = reason;
		if (skips->count < SCPG_SKIPS_SHOWN)
			skips->shown[skips->count] = psprintf("%s: %s", key, reason);
		MemoryContextSwitchTo(old);
	}
	count_reason(skips, err);
	skips->count++;
	pfree(key);
}

/* The most frequent reason first; equally frequent ones by their text. */
static int
compare_reasons(const void *a, const void *b)
{
	const scpg_skips_reason *x = a;
	const scpg_skips_reason *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->message, y->message);
}

/* "a (3), b (2)": the reasons and how many images have them. */
static void
append_reasons(StringInfo text, const scpg_skips *skips, const scpg_skips_reason *sorted)
{
	int64 others = skips->count;

	for (int i = 0; i < skips->reasons; i++)
	{
		appendStringInfo(text, "%s%s (%lld)", i ? ", " : "", sorted[i].message, (long long) sorted[i].count);
		others -= sorted[i].count;
	}
	if (others > 0)
		appendStringInfo(text, ", other reasons (%lld)", (long long) others);
}

/*
 * What to do, a line for each thing that helps, which names the reasons that it
 * helps with. Forgets the hints.
 */
static void
append_hints(StringInfo text, scpg_skips_reason *sorted, int reasons)
{
	int lines = 0;

	for (int i = 0; i < reasons && lines < SCPG_SKIPS_SHOWN; i++)
	{
		char *hint = sorted[i].hint;

		if (hint == NULL)
			continue;
		appendStringInfo(text, "\nFor \"%s\"", sorted[i].message);
		for (int j = i + 1; j < reasons; j++)
			if (sorted[j].hint != NULL && strcmp(sorted[j].hint, hint) == 0)
			{
				appendStringInfo(text, ", \"%s\"", sorted[j].message);
				sorted[j].hint = NULL;
			}
		appendStringInfo(text, ": %s", hint);
		lines++;
	}
}

void
scpg_skips_report(const scpg_skips *skips, int64 rows)
{
	StringInfoData shown, hint;
	scpg_skips_reason *sorted;

	Assert(skips->count <= rows);
	if (skips->count == 0)
		return;
	sorted = palloc(sizeof(scpg_skips_reason) * skips->reasons);
	memcpy(sorted, skips->reason, sizeof(scpg_skips_reason) * skips->reasons);
	qsort(sorted, skips->reasons, sizeof(scpg_skips_reason), compare_reasons);
	initStringInfo(&shown);
	if (skips->count > 1)
	{
		append_reasons(&shown, skips, sorted);
		appendStringInfoString(&shown, "\n");
	}
	for (int i = 0; i < Min(skips->count, SCPG_SKIPS_SHOWN); i++)
		appendStringInfo(&shown, "%s%s", i ? "\n" : "", skips->shown[i]);
	if (skips->count > SCPG_SKIPS_SHOWN)
		appendStringInfo(&shown, "\n... and %lld more", (long long) (skips->count - SCPG_SKIPS_SHOWN));

	initStringInfo(&hint);
	appendStringInfoString(&hint,
						   skips->hint ? skips->hint : "\"on_error\": \"fail\" makes the first of them an error.");
	append_hints(&hint, sorted, skips->reasons);
	ereport(WARNING, (errmsg("%lld of %lld images could not be read", (long long) skips->count, (long long) rows),
					  errdetail_internal("%s", shown.data), errhint("%s", hint.data)));
	pfree(hint.data);
	pfree(shown.data);
	pfree(sorted);
}
