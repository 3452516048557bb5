/*-------------------------------------------------------------------------
 *
 * src/pg/model/embed_image.c
 *	  Embedding one image at a time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/detoast.h"
#include "utils/memutils.h"

#include "pg/model/embed_image.h"
#include "pg/server/memory.h"
#include "pg/table/decoding.h"

void
scpg_embed_bytes(float *out, const scpg_model *model, const uint8 *bytes, Size size)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "selfclass image", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	int side = scpg_encoder_image_side(scpg_encoder_of_session(model));
	sc_image image = scpg_decode_one(bytes, size, side);
	/* Only now: decoding may have needed the memory of the one before. */
	scpg_encoder *encoder = scpg_encoder_of_session(model);

	PG_TRY();
	{
		scpg_encode(encoder, out, &image, 1);
	}
	PG_CATCH();
	{
		scpg_encoder_forget(encoder);
		PG_RE_THROW();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
}

scpg_embedding *
scpg_embed_datum(Datum image, const scpg_model *model)
{
	Size size = toast_raw_datum_size(image);
	bytea *bytes;
	float x[SC_EMBEDDING_DIM];

	/* Said before it is fetched: it may be compressed, and a value takes up to 1 GB. */
	if (size > scpg_memory_left())
		ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("image takes more memory than there is"),
						errdetail("Its %zu bytes do not fit in \"selfclass.max_memory\".", size - VARHDRSZ),
						errhint("Reduce the image, or raise \"selfclass.max_memory\".")));
	bytes = DatumGetByteaPP(image);
	scpg_embed_bytes(x, model, (const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	if ((Pointer) bytes != DatumGetPointer(image))
		pfree(bytes);
	return scpg_embedding_from_floats(x, SC_EMBEDDING_DIM);
}
