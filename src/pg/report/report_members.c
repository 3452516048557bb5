/*-------------------------------------------------------------------------
 *
 * src/pg/report/report_members.c
 *	  Which group each image is in, as the model's label table has it.
 *
 * A row of that table is found by the text of its key, which both tables write
 * alike: a hash of it is kept for each image, and the text is compared where
 * that is met.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "pg/report/report_parts.h"
#include "pg/server/memory.h"

typedef struct keyed_image
{
	uint64 hash; /* of the key's text */
	int64 image;
} keyed_image;

static uint64
hash_of(const char *key)
{
	return sc_hash_bytes(key, strlen(key), 0);
}

static int
compare_keyed(const void *a, const void *b, void *arg)
{
	const keyed_image *x = a;
	const keyed_image *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	return x->image < y->image ? -1 : x->image > y->image;
}

/* All images by the hash of their keys: (n), in cxt. */
static keyed_image *
key_images(const scpg_report *report, MemoryContext cxt)
{
	sc_arena arena =
		scpg_arena(cxt, sc_add(sc_mul(report->n, sizeof(keyed_image)), 2 * SC_ALIGN), "the keys of the images");
	keyed_image *keyed = SC_TAKE(&arena, keyed_image, report->n);

	for (int64 i = 0; i < report->n; i++)
	{
		char *key = scpg_report_key(report, i);

		if (i % 1024 == 0)
			CHECK_FOR_INTERRUPTS();
		keyed[i] = (keyed_image){hash_of(key), i};
		pfree(key);
	}
	qsort_interruptible(keyed, report->n, sizeof(keyed_image), compare_keyed, NULL);
	return keyed;
}

/* The first of n that has no smaller hash. */
static int64
first_with(const keyed_image *keyed, int64 n, uint64 hash)
{
	int64 low = 0, high = n;

	while (low < high)
	{
		int64 middle = low + (high - low) / 2;

		if (keyed[middle].hash < hash)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What a row says of the images that have its key: of a view, several may. */
static void
take_row(scpg_report *report, const keyed_image *keyed, const scpg_label_row *row)
{
	char *key = scpg_label_key_text(report->labels, row->key);
	uint64 hash = hash_of(key);

	for (int64 at = first_with(keyed, report->n, hash); at < report->n && keyed[at].hash == hash; at++)
	{
		int64 i = keyed[at].image;
		char *own = scpg_report_key(report, i);

		if (strcmp(own, key) == 0)
		{
			report->label[i] = row->label == SCPG_NO_LABEL ? SCPG_REPORT_NO_GROUP : row->label;
			report->place[i] = row->pinned ? SCPG_PLACE_PINNED : SCPG_PLACE_ASSIGNED;
			report->distance[i] = row->distance;
			report->sureness[i] = row->confidence;
			report->by_confidence = report->by_confidence || !isnan(row->confidence);
		}
		pfree(own);
	}
	pfree(key);
}

void
scpg_report_read_members(scpg_report *report, const scpg_model *model)
{
	MemoryContext cxt = AllocSetContextCreate(CurrentMemoryContext, "report members", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;
	keyed_image *keyed;
	scpg_label_reader *reader;
	const scpg_label_row *row;

	report->labels = palloc(sizeof(scpg_label_table));
	scpg_label_table_open(report->labels, model, true);
	scpg_label_table_check(report->labels, false);
	for (int64 i = 0; i < report->n; i++)
	{
		report->label[i] = SCPG_REPORT_NO_GROUP;
		report->place[i] = SCPG_PLACE_NONE;
		report->distance[i] = report->sureness[i] = NAN;
	}
	old = MemoryContextSwitchTo(cxt);
	keyed = key_images(report, cxt);
	reader = scpg_label_reader_open(report->labels, NULL, 0, false);
	while ((row = scpg_label_reader_next(reader)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		take_row(report, keyed, row);
	}
	scpg_label_reader_close(reader);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(cxt);
}
