/*-------------------------------------------------------------------------
 *
 * src/pg/table/dataset_test_sql.c
 *	  scpg_dataset_test(images regclass, id_column text, max_side int,
 *	  fail_on_error bool, across_transactions bool): load a dataset, say what
 *	  is in it and fetch all of its pixels. The install script does not declare
 *	  it; the tests do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "core/api.h"
#include "pg/table/dataset.h"

PG_FUNCTION_INFO_V1(scpg_dataset_test);

#define BATCH 16

/* Fetch every image in a scattered order; hash (images) receives the hashes of their pixels. */
static void
hash_images(uint64 *hash, scpg_dataset *d)
{
	MemoryContext batch = AllocSetContextCreate(CurrentMemoryContext, "selfclass test", ALLOCSET_DEFAULT_SIZES);

	for (int64 begin = 0; begin < d->images; begin += BATCH)
	{
		int count = (int) Min(BATCH, d->images - begin);
		int64 number[BATCH];
		sc_image image[BATCH];
		MemoryContext old = MemoryContextSwitchTo(batch);

		for (int i = 0; i < count; i++)
			number[i] = d->images - 1 - (begin + i);
		scpg_dataset_fetch(d, image, number, count);
		for (int i = 0; i < count; i++)
		{
			int shape[3] = {image[i].width, image[i].height, image[i].channels};

			hash[number[i]] = sc_hash_bytes(image[i].pixels, (Size) shape[0] * shape[1] * shape[2],
											sc_hash_bytes(shape, sizeof(shape), 0));
		}
		MemoryContextSwitchTo(old);
		MemoryContextReset(batch);
	}
	MemoryContextDelete(batch);
}

Datum
scpg_dataset_test(PG_FUNCTION_ARGS)
{
	TupleDesc desc;
	Datum values[8];
	bool nulls[8] = {false};
	MemoryContext caller = CurrentMemoryContext;
	char *id_column[2] = {NULL};
	scpg_key_request request = {NULL};
	scpg_source source;
	scpg_dataset *d;
	uint64 *hash;
	uint64 images = 0;
	uint64 rows = 0;

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	desc = BlessTupleDesc(desc);
	SPI_connect();
	MemoryContextSwitchTo(caller);
	if (!PG_ARGISNULL(1))
	{
		id_column[0] = text_to_cstring(PG_GETARG_TEXT_PP(1));
		request.columns = id_column;
	}
	scpg_source_resolve(&source, PG_GETARG_OID(0), &request, NULL, BYTEAOID);
	d = scpg_dataset_load(&source, PG_GETARG_INT32(2), PG_GETARG_BOOL(3) ? SCPG_ON_ERROR_FAIL : SCPG_ON_ERROR_SKIP,
						  PG_GETARG_BOOL(4));
	SPI_finish();
	MemoryContextSwitchTo(caller);
	hash = palloc0(sizeof(uint64) * (d->images + 1));
	hash_images(hash, d);
	/* All keys and pixels in their order; then which row has which pixels, in no order. */
	for (int64 i = 0; i < d->images; i++)
	{
		if (i > 0 && d->image[i].key <= d->image[i - 1].key)
			elog(ERROR, "images are not in the order of their keys");
		images = sc_mix64(images ^ d->image[i].key) ^ hash[i];
	}
	for (int64 i = 0; i < d->rows; i++)
	{
		char *key = OidOutputFunctionCall(source.id_output, d->row[i].id);

		rows += sc_hash_bytes(key, strlen(key), d->row[i].image < 0 ? 0 : hash[d->row[i].image]);
		pfree(key);
	}
	scpg_skips_report(&d->skips, d->rows);

	values[0] = Int64GetDatum(d->rows);
	values[1] = Int64GetDatum(d->images);
	values[2] = Int64GetDatum(d->skips.count);
	values[3] = BoolGetDatum(d->file > 0);
	values[4] = Float8GetDatum(d->median_side);
	values[5] = Float8GetDatum(d->gray_share);
	values[6] = Int64GetDatum((int64) images);
	values[7] = Int64GetDatum((int64) rows);
	scpg_dataset_close(d);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(desc, values, nulls)));
}
