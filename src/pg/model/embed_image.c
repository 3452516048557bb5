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
#include "pg/server/errors.h"
#include "pg/server/memory.h"
#include "pg/table/decoding.h"

/* out (SC_EMBEDDING_DIM) of the bytes of an image; what is wrong with it is returned. */
static sc_status
try_embed_bytes(float *out, const scpg_model *model, const uint8 *bytes, Size size, sc_error *err)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "selfclass image", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(scratch);
	int side = scpg_encoder_image_side(scpg_encoder_of_session(model));
	sc_image image;
	sc_status status = scpg_try_decode_one(&image, bytes, size, side, err);

	if (status == SC_OK)
	{
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
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(scratch);
	return status;
}

sc_status
scpg_try_embed_datum(scpg_embedding **out, Datum image, const scpg_model *model, sc_error *err)
{
	Size size = toast_raw_datum_size(image);
	bytea *bytes;
	float x[SC_EMBEDDING_DIM];
	sc_status status;

	/* Said before it is fetched: it may be compressed, and a value takes up to 1 GB. */
	if (size > scpg_memory_left())
	{
		sc_decode_item item;

		scpg_too_large(&item, size - VARHDRSZ);
		*err = item.error;
		return item.status;
	}
	bytes = DatumGetByteaPP(image);
	status = try_embed_bytes(x, model, (const uint8 *) VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes), err);
	if ((Pointer) bytes != DatumGetPointer(image))
		pfree(bytes);
	if (status == SC_OK)
		*out = scpg_embedding_from_floats(x, SC_EMBEDDING_DIM);
	return status;
}

scpg_embedding *
scpg_embed_datum(Datum image, const scpg_model *model)
{
	scpg_embedding *embedding = NULL;
	sc_error err;

	scpg_check(scpg_try_embed_datum(&embedding, image, model, &err), &err);
	return embedding;
}
