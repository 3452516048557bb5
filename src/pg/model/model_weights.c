/*-------------------------------------------------------------------------
 *
 * src/pg/model/model_weights.c
 *	  A model's weights: stored in parts with a checksum, and loaded.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/heaptoast.h"
#include "access/relation.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/pg_crc32c.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "core/api.h"
#include "pg/model/model_parts.h"
#include "pg/server/compat.h"
#include "pg/server/extension.h"
#include "pg/server/memory.h"

/* A row of weights: a dump writes two characters a byte, and no value may pass 1 GB. */
#define PART_BYTES ((Size) 16 << 20)

static int64
checksum(const uint8 *bytes, Size size)
{
	pg_crc32c crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, bytes, size);
	FIN_CRC32C(crc);
	return (int64) crc;
}

void
scpg_model_save_weights(scpg_model *model, const uint8 *bytes, Size size, int epochs_done)
{
	Datum values[4];
	struct varlena *part = palloc(VARHDRSZ + Min(PART_BYTES, size));
	int number = 0;

	Assert(size > 0 && epochs_done >= 0);
	model->weights_bytes = (int64) size;
	model->weights_crc = checksum(bytes, size);
	model->epochs_done = epochs_done;
	values[1] = Int32GetDatum(epochs_done);
	values[2] = Int64GetDatum(model->weights_bytes);
	values[3] = Int64GetDatum(model->weights_crc);
	scpg_catalog_change(SCPG_UPDATE_WEIGHTS, model, values, NULL);

	scpg_catalog_run(SCPG_DELETE_WEIGHTS, values, NULL, false);
	for (Size begin = 0; begin < size; begin += PART_BYTES)
	{
		Size length = Min(PART_BYTES, size - begin);

		CHECK_FOR_INTERRUPTS();
		SET_VARSIZE(part, VARHDRSZ + length);
		memcpy(VARDATA(part), bytes + begin, length);
		values[1] = Int32GetDatum(number++);
		values[2] = PointerGetDatum(part);
		scpg_catalog_run(SCPG_INSERT_WEIGHTS, values, NULL, false);
	}
	pfree(part);
}

/*
 * The counts of a procedure's transactions reach the statistics when its CALL
 * ends, so that for hours autovacuum would know of no dead row. The rows of
 * TOAST, which are nearly all, are told it as ANALYZE tells what it finds: that
 * is added at once to what is known, less what waits to be told by this backend,
 * *pending, which is so added here.
 */
void
scpg_model_tell_dead_weights(Size size, int64 *pending)
{
	Oid relid = get_relname_relid("selfclass_model_weights", scpg_extension_schema());
	int64 rows = (int64) (size / TOAST_MAX_CHUNK_SIZE);
	Relation weights;
	Relation toast;
	Datum id;

	if (!OidIsValid(relid) || (weights = try_relation_open(relid, AccessShareLock)) == NULL)
		return;
	toast = try_relation_open(weights->rd_rel->reltoastrelid, AccessShareLock);
	if (toast != NULL)
	{
		id = ObjectIdGetDatum(RelationGetRelid(toast));
		*pending += rows;
		scpg_report_rows(toast, DatumGetInt64(DirectFunctionCall1(pg_stat_get_live_tuples, id)),
						 DatumGetInt64(DirectFunctionCall1(pg_stat_get_dead_tuples, id)) + rows + *pending);
		relation_close(toast, AccessShareLock);
	}
	relation_close(weights, AccessShareLock);
}

static void
refuse_weights(const scpg_model *model, const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED), errmsg("the stored weights of model \"%s\" are corrupt", model->name),
			 errdetail_internal("%s", detail),
			 errhint(
				 "Restore \"selfclass_model\" and \"selfclass_model_weights\" from a backup, or train a new version.")));
}

uint8 *
scpg_model_load_weights(const scpg_model *model, MemoryContext cxt, Size *size)
{
	MemoryContext part = AllocSetContextCreate(CurrentMemoryContext, "selfclass weights", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(part);
	Datum values[2] = {Int64GetDatum(model->model_id)};
	sc_arena arena;
	int64 stored;
	uint8 *bytes;
	Size have = 0;

	scpg_catalog_run(SCPG_MEASURE_WEIGHTS, values, NULL, model->by_statement);
	if (SPI_processed == 0)
		ereport(ERROR, (errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("model \"%s\" does not exist any more", model->name)));
	stored = scpg_catalog_int8(0, 1);
	SPI_freetuptable(SPI_tuptable);
	if (stored == 0 && model->weights_bytes == 0)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("model \"%s\" has no weights yet", model->name)));
	if (stored != model->weights_bytes)
		refuse_weights(model, psprintf("There are %lld bytes, but there should be %lld.", (long long) stored,
									   (long long) model->weights_bytes));

	*size = (Size) stored;
	arena = scpg_arena(cxt, sc_add(*size, 2 * SC_ALIGN), "the weights of a model");
	bytes = SC_TAKE(&arena, uint8, *size);
	for (int number = 0; have < *size; number++)
	{
		struct varlena *data;

		CHECK_FOR_INTERRUPTS();
		values[1] = Int32GetDatum(number);
		scpg_catalog_run(SCPG_SELECT_WEIGHTS, values, NULL, model->by_statement);
		if (SPI_processed == 0)
			refuse_weights(model, psprintf("Part %d is missing.", number));
		data = scpg_catalog_varlena(0, 1);
		if (VARSIZE(data) - VARHDRSZ > *size - have)
			refuse_weights(model, psprintf("Part %d is too long.", number));
		memcpy(bytes + have, VARDATA(data), VARSIZE(data) - VARHDRSZ);
		have += VARSIZE(data) - VARHDRSZ;
		SPI_freetuptable(SPI_tuptable);
		MemoryContextReset(part);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(part);
	if (checksum(bytes, *size) != model->weights_crc)
		refuse_weights(model, "Their checksum is another one than when they were stored.");
	return bytes;
}
